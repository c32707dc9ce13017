/* SPDX-License-Identifier: MIT
 *
 * Admission: checks whether an account may currently do what the route does. Customers are checked
 * with the cached `user:{id}`. Riders are checked with a cache of this loop, because each of them
 * reports a position every few seconds.
 */
#ifndef REEYO_AUTH_ADMIT_H
#define REEYO_AUTH_ADMIT_H

#include "reeyo/http/request.h"

/* Time to live of cached rider facts, unless they are invalidated before. A request is never
 * refused because of cached facts. */
#define RIDER_FACTS_TTL_MS 10000
#define RIDER_FACTS_ORDERS 6 /* at most this many of the oldest active orders */

/* The facts about a rider that requests need: rq->rider on RIDER_READY rows, valid as long as the
 * request. */
struct rider_facts {
	bool phone_verified, is_online;
	char approval_status[16]; /* PENDING, APPROVED, REJECTED, SUSPENDED */
	char status[16];          /* ACTIVE, INACTIVE */
	unsigned order_count;
	struct rider_order {
		char id[ID_SIZE], user_id[ID_SIZE], vendor_id[ID_SIZE]; /* vendor_id "": a parcel */
	} orders[RIDER_FACTS_ORDERS];
};

/* The cache of one loop, bounded. Returns 0 or E_NO_MEMORY; free accepts NULL. */
int rider_cache_new(struct rider_cache **ret) MUST_CHECK;
void rider_cache_free(struct rider_cache *memory);

/* Removes a rider from the cache of this loop and prevents a read in progress from storing facts.
 * For events, which every loop receives. */
void rider_facts_invalidate(struct app *app, const char *rider);
/* Removes a rider from the caches of all loops of this process, from this loop's at once. For a
 * request that has changed the rider or the rider's orders. */
void rider_facts_invalidate_all(struct app *app, const char *rider);

/* Returns 0 when the rider may work, else the reason: E_SUSPENDED, E_PHONE_UNVERIFIED,
 * E_NOT_APPROVED, E_INACTIVE. */
int rider_refusal(const struct rider_facts *facts, const struct config *config);

/* Step of the server after the body check. CUSTOMER_VERIFIED rows get rq->account and RIDER_READY
 * rows rq->rider, or the request is refused. Other rows pass. customers: the cached accounts of
 * customers. Ends in request_next or a reply. */
void admit_account(struct request *rq, const struct cache_kind *customers);

#endif
