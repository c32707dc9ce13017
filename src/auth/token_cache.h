/* SPDX-License-Identifier: MIT
 *
 * A loop's cache of verified access tokens. Verifying a token costs two hashes of a few hundred
 * bytes, a base64 decoding and two JSON parses (about 12 µs). A cache hit costs one keyed hash and
 * one comparison.
 */
#ifndef REEYO_SRC_AUTH_TOKEN_CACHE_H
#define REEYO_SRC_AUTH_TOKEN_CACHE_H

#include "reeyo/auth/token.h"

/* True when the same bytes were verified before and the token has not expired at now_s. */
bool token_cache_get(
	const struct token_cache *memory, struct text token, int64_t now_s, struct caller *ret);
/* Stores nothing when out of memory. */
void token_cache_put(struct token_cache *memory, struct text token, const struct caller *caller);

#endif
