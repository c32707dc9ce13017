/* SPDX-License-Identifier: MIT
 *
 * The counters of the cache.
 */
#ifndef REEYO_CACHE_COUNTERS_H
#define REEYO_CACHE_COUNTERS_H

#include "reeyo/core/counter.h"

/* clang-format off */
#define CACHE_COUNTERS(X) \
	X(CACHE_HITS, "reeyo_cache_reads_total", "result=\"hit\"", "Cache-aside reads by result") \
	X(CACHE_MISSES, "reeyo_cache_reads_total", "result=\"miss\"", "") \
	X(CACHE_JOINS, "reeyo_cache_reads_total", "result=\"joined\"", "") \
	X(CACHE_BYPASSES, "reeyo_cache_reads_total", "result=\"bypass\"", "") \
	X(CACHE_LOADS, "reeyo_cache_loads_total", "", "Loads of a cache key from PostgreSQL") \
	X(CACHE_LEASE_WAITS, "reeyo_cache_lease_waits_total", "", \
		"Reads that waited for another instance's lease") \
	X(CACHE_LEASES_VOIDED, "reeyo_cache_leases_voided_total", "", \
		"Fills refused because of a write in between") \
	X(CACHE_DROPS, "reeyo_cache_drops_total", "", "Keys invalidated after a write") \
	X(CACHE_DROPS_WAITING, "reeyo_cache_drops_waiting", "", \
		"Keys to invalidate when Redis is back") \
	X(CACHE_BREAKER_OPEN, "reeyo_cache_breaker_open", "", \
		"Loops that do not call Redis at the moment") \
	X(CACHE_ERRORS, "reeyo_cache_errors_total", "", "Redis commands that failed or timed out")
/* clang-format on */

COUNTERS_DECLARE(cache, COUNTERS_CACHE, CACHE_COUNTERS);

#endif
