/* SPDX-License-Identifier: MIT
 *
 * A loop's memory of verified access tokens: checking one costs two hashes of a few hundred bytes,
 * a base64 and two JSON parses (about 12 µs); finding it again one keyed hash and a comparison.
 */
#ifndef REEYO_AUTH_TOKEN_MEMORY_H
#define REEYO_AUTH_TOKEN_MEMORY_H

#include "reeyo/auth/token.h"

/* True when the very same bytes were verified before and have not expired at now_s. */
bool token_recall(const struct token_memory *memory, struct text token, int64_t now_s,
	struct caller *ret);
/* Out of memory it simply does not remember. */
void token_remember(struct token_memory *memory, struct text token, const struct caller *caller);

#endif
