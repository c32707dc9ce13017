/* SPDX-License-Identifier: MIT
 *
 * The table of revoked subjects and their cut-off times, behind struct revocations.
 */
#ifndef REEYO_AUTH_REVOKED_SET_H
#define REEYO_AUTH_REVOKED_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "reeyo/core/error.h"

struct revoked_set;
/* most: number of entries at which the floor rises, a power of two. All times in milliseconds.
 * life_ms: how long an entry is needed, which is the life of an access token. Returns 0 or
 * E_NO_MEMORY. */
int revoked_set_new(unsigned most, int64_t life_ms, struct revoked_set **ret) MUST_CHECK;
void revoked_set_free(struct revoked_set *set);
void revoked_set_add(
	struct revoked_set *set, const char *subject, int64_t before_ms, int64_t now_ms);
/* True when a token of the subject issued at issued_ms is revoked. */
bool revoked_set_has(const struct revoked_set *set, const char *subject, int64_t issued_ms);
unsigned revoked_set_count(const struct revoked_set *set);

#endif
