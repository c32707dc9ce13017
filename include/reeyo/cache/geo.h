/* SPDX-License-Identifier: MIT
 *
 * Current positions of riders: a GEO set (layout->positions), and the time of each rider's last
 * point in the sorted set `{<name of the GEO set>}:seen` (milliseconds; its hash tag is the whole
 * name of the GEO set, so that a cluster keeps both in one slot).
 *
 * A rider's time never goes back, whichever loop or instance receives the report: one script
 * compares and stores. A rider can be found for layout->position_ttl_ms after the last point;
 * geo_sweep removes older entries.
 *
 * An absent Redis is never an error to a client: functions that return int return E_STORE_DOWN and
 * do not call done, or done receives E_STORE_DOWN.
 *
 * Threads: call all functions on the owning loop's thread only. done is never called before the
 * function returns.
 */
#ifndef REEYO_CACHE_GEO_H
#define REEYO_CACHE_GEO_H

#include <stdbool.h>
#include <stdint.h>

#include "reeyo/cache/cache.h"

struct geo_rider {
	const char *id; /* valid during the call */
	double lat, lng;
	double distance_m; /* geo_search only */
	int64_t seen_ms;   /* time of the last point, wall clock; geo_find and geo_all only */
};

/* Stores the newest point of a rider's report. first_ms: time of the report's first point, which
 * must not lie before the stored time; INT64_MAX for a report without times (then the later of
 * last_ms and the stored time counts). error of done: 0; E_VALIDATION when first_ms lies before the
 * stored time (nothing was stored); E_STORE_DOWN; E_TIMED_OUT. known_ms: the time stored before,
 * INT64_MIN when there was none or it was not read. */
typedef void geo_stored(void *owner, int error, int64_t known_ms);
int geo_store(struct cache *cache, const char *rider, double lat, double lng, int64_t first_ms,
	int64_t last_ms, geo_stored *done, void *owner) MUST_CHECK;

/* Finds at most count riders within radius_m of a point, nearest first. geo_find gives 0 or 1
 * rider, geo_all all of them by time of their last point. */
typedef void geo_found(void *owner, int error, unsigned count, const struct geo_rider *riders);
int geo_search(struct cache *cache, double lat, double lng, double radius_m, unsigned count,
	geo_found *done, void *owner) MUST_CHECK;
int geo_find(struct cache *cache, const char *rider, geo_found *done, void *owner) MUST_CHECK;
int geo_all(struct cache *cache, unsigned count, geo_found *done, void *owner) MUST_CHECK;

/* Removes the rider's position until the next report. */
void geo_remove(struct cache *cache, const char *rider);
/* Removes riders who stopped reporting. One instance calls it once a second. */
void geo_sweep(struct cache *cache);

#endif
