/* SPDX-License-Identifier: MIT
 *
 * The counters of the cache.
 */
#include "reeyo/cache/counters.h"

COUNTERS_DEFINE(cache, COUNTERS_CACHE, CACHE_COUNTERS, "reeyo_redis_command_seconds",
	"From a command to its reply");
