/* SPDX-License-Identifier: MIT
 *
 * The keys of the product; see the header. Names and times are those of the scaling guide.
 */
#include "reeyo/service/cache_keys.h"

const struct cache_kind cache_kinds[CACHE_KEY_COUNT] = {
	[CACHE_KEY_USER] = { TEXT("user:"), .ttl_s = 3600 },
	[CACHE_KEY_VENDOR] = { TEXT("vendor:"), .ttl_s = 300 },
	[CACHE_KEY_MENU] = { TEXT("menu:"), .ttl_s = 600 },
	[CACHE_KEY_ORDERS_ACTIVE] = { TEXT("orders:active"), .ttl_s = 30, .single = true },
};

const struct cache_layout cache_layout = {
	.kinds = cache_kinds,
	.count = CACHE_KEY_COUNT,
	.positions = TEXT("geo:riders"),
	.position_ttl_ms = RIDER_POSITION_TTL_MS,
	.point_max_age_ms = RIDER_POINT_MAX_AGE_MS,
};
