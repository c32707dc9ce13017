/* SPDX-License-Identifier: MIT
 *
 * Where riders are now: the GEO set `geo:riders`, and when each was last heard of, the sorted set
 * `{geo:riders}:seen` (milliseconds of the point's time; its hash tag is the whole name of the
 * other, so that a cluster keeps both in one slot).
 *
 * A rider's time never goes back, whichever loop or copy he reports to: one script compares and
 * stores. He is found for GEO_FRESH_MS after his last point; geo_sweep removes what has grown old.
 *
 * Redis absent is never an error to a client: functions that return int return E_STORE_DOWN and
 * call nothing back, or done gets it.
 *
 * All functions: the owning loop's thread only. done is never called before the function returns.
 */
#ifndef REEYO_CACHE_GEO_H
#define REEYO_CACHE_GEO_H

#include <stdbool.h>
#include <stdint.h>

#include "reeyo/cache/cache.h"

#define GEO_FRESH_MS 30000
/* A point may be so old when it comes: so long a rider's last time is kept. */
#define GEO_LATE_MS (30 * 60000)

struct geo_rider {
	const char *id; /* valid during the call */
	double lat, lng;
	double distance_m;  /* of geo_search */
	int64_t seen_ms;    /* of geo_find, geo_all; wall clock */
};

/* The newest point of a rider's report; first_ms: the time before which nothing may be known,
 * INT64_MAX for one that says no time (then the later of now and what is known counts). error of
 * done: 0, E_VALIDATION: first_ms lies before what is known (nothing was stored), E_STORE_DOWN,
 * E_TIMED_OUT. known_ms: the time that was known before, INT64_MIN when none was or it was not
 * asked. */
typedef void geo_stored(void *owner, int error, int64_t known_ms);
int geo_store(struct cache *cache, const char *rider, double lat, double lng, int64_t first_ms,
	int64_t last_ms, geo_stored *done, void *owner) MUST_CHECK;

/* Riders within radius_m of a point, nearest first, at most count; also the answer of geo_find (0
 * or 1) and geo_all (by time of their last point). */
typedef void geo_found(void *owner, int error, unsigned count, const struct geo_rider *riders);
int geo_search(struct cache *cache, double lat, double lng, double radius_m, unsigned count,
	geo_found *done, void *owner) MUST_CHECK;
int geo_find(struct cache *cache, const char *rider, geo_found *done, void *owner) MUST_CHECK;
int geo_all(struct cache *cache, unsigned count, geo_found *done, void *owner) MUST_CHECK;

/* He is not to be found any more, until his next report. */
void geo_forget(struct cache *cache, const char *rider);
/* Removes riders who have been silent. Once a second by one copy. */
void geo_sweep(struct cache *cache);

#endif
