/* SPDX-License-Identifier: MIT
 *
 * Admission: may this account do what the route does, as the account is now? Customers are asked of
 * `user:{id}`; riders of a memory of this loop, because each of them reports his place every few
 * seconds.
 */
#ifndef REEYO_AUTH_ADMIT_H
#define REEYO_AUTH_ADMIT_H

#include "reeyo/http/request.h"

/* A fact is believed so long, unless somebody forgets it before; a refusal is never given on a
 * remembered one. */
#define RIDER_FACTS_LIFE_MS 10000
#define RIDER_FACTS_ORDERS 6 /* of a rider's active orders the oldest so many */

/* What a rider's requests need to know of him: rq->rider on RIDER_READY rows, valid as long as the
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

/* The memory of a loop, bounded. 0 or E_NO_MEMORY; free takes NULL. */
int rider_memory_new(struct rider_memory **ret) MUST_CHECK;
void rider_memory_free(struct rider_memory *memory);

/* This loop forgets a rider, also what is being read of him: for events, which every loop hears. */
void rider_facts_forget(struct app *app, const char *rider);
/* Every loop of this process forgets him, this one at once: for the request that has changed him or
 * his orders. */
void rider_facts_changed(struct app *app, const char *rider);

/* Why a rider may not work, or 0: E_SUSPENDED, E_PHONE_UNVERIFIED, E_NOT_APPROVED, E_INACTIVE. */
int rider_refusal(const struct rider_facts *facts, const struct config *config);

/* Step of the server after the body check: CUSTOMER_VERIFIED rows get rq->account, RIDER_READY rows
 * rq->rider, or are refused; other rows pass. Ends in request_next or a reply. */
void admit_account(struct request *rq);

#endif
