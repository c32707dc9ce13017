/* SPDX-License-Identifier: MIT
 *
 * A loop's cache of rider facts: sets of four entries, found by a hash of the id. Each set counts
 * its invalidations, so that facts read before a change are not stored after it.
 */
#ifndef REEYO_SRC_AUTH_RIDER_CACHE_H
#define REEYO_SRC_AUTH_RIDER_CACHE_H

#include "reeyo/auth/admit.h"

/* The facts of a rider, read at most RIDER_FACTS_TTL_MS before now; NULL: not cached. Valid until
 * the next call. */
const struct rider_facts *rider_cache_get(
	const struct rider_cache *memory, const char *rider, uint64_t now_ms);
/* The version to take before reading the facts that will be stored. */
uint64_t rider_cache_version(const struct rider_cache *memory, const char *rider);
/* Stores the facts, unless an entry of that set was invalidated since `version`. Stores nothing
 * when out of memory. */
void rider_cache_put(struct rider_cache *memory, const char *rider, const struct rider_facts *facts,
	uint64_t version, uint64_t now_ms);
void rider_cache_remove(struct rider_cache *memory, const char *rider);

#endif
