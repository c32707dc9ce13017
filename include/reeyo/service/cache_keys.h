/* SPDX-License-Identifier: MIT
 *
 * The keys that the product stores in Redis, their times to live, and which writes invalidate them.
 * The cache layer gets this table at start (cache_new) and knows nothing else about the product.
 */
#ifndef REEYO_SERVICE_CACHE_KEYS_H
#define REEYO_SERVICE_CACHE_KEYS_H

#include "reeyo/cache/cache.h"

enum cache_key {
	CACHE_KEY_USER,
	CACHE_KEY_VENDOR,
	CACHE_KEY_MENU,
	CACHE_KEY_ORDERS_ACTIVE,
	CACHE_KEY_COUNT
};
extern const struct cache_kind cache_kinds[CACHE_KEY_COUNT];

/* `user:{id}`: the customer's account as the customer sees it. Invalidated by each change of it. */
#define KEY_USER (&cache_kinds[CACHE_KEY_USER])
/* `vendor:{id}`: a vendor as customers see it. Invalidated by a change of the profile, the
 * settings, the approval or the rating. */
#define KEY_VENDOR (&cache_kinds[CACHE_KEY_VENDOR])
/* `menu:{vendorId}`: a vendor's menu. Invalidated by a change of items or categories, of the
 * approval, and by orders that change the stock. */
#define KEY_MENU (&cache_kinds[CACHE_KEY_MENU])
/* `orders:active`: the number of orders in progress. Invalidated when an order starts or ends. */
#define KEY_ORDERS_ACTIVE (&cache_kinds[CACHE_KEY_ORDERS_ACTIVE])

/* A rider can be found in the GEO set `geo:riders` for this long after the last point. */
#define RIDER_POSITION_TTL_MS 30000
/* Maximum age of a point on arrival. */
#define RIDER_POINT_MAX_AGE_MS (30 * INT64_C(60000))

/* All of the above, for cache_new. */
extern const struct cache_layout cache_layout;

#endif
