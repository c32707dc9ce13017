/* SPDX-License-Identifier: MIT
 *
 * Reports of positions without times. Private to geo.c and geo_batch.c.
 */
#ifndef REEYO_CACHE_GEO_BATCH_H
#define REEYO_CACHE_GEO_BATCH_H

#include "aside.h"
#include "reeyo/cache/geo.h"

#define GEO_ID_SIZE 72

struct geo_batch;

/* Positions of one loop: the name of the second key, and the reports of this turn without times. */
struct geo_turn {
	struct cache *cache;
	struct turn_hook hook;
	struct geo_batch *open; /* NULL: none */
	struct geo_batch *free; /* kept for later turns: they are large */
	struct text seen_key;
	char seen_name[CACHE_KEY_SIZE];
};

/* Stores a report without times, together with the others of this turn. at_ms: the time of the
 * report. 0 or E_STORE_DOWN: done is not called. */
int geo_store_batched(struct cache *cache, const char *rider, double lat, double lng, int64_t at_ms,
	geo_stored *done, void *owner) MUST_CHECK;

#endif
