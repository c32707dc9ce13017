/* SPDX-License-Identifier: MIT
 *
 * What happens to orders without a request: orders that were not accepted in time expire, and
 * cancelled orders invalidate caches. order_transition.h moves an order for an actor.
 */
#ifndef REEYO_SERVICE_ORDERS_H
#define REEYO_SERVICE_ORDERS_H

#include <stdint.h>

#include "reeyo/core/id.h"
#include "reeyo/db/db.h"
#include "reeyo/loop/app.h"

/* At most so many orders expire in one batch. */
#define ORDERS_EXPIRE_BATCH 25

/* A batch of orders that expire. Belongs to the caller and lives until done is called. */
struct orders_expiry {
	/* Called exactly once, when nothing is left to expire, after a full batch (count is then
	 * ORDERS_EXPIRE_BATCH), or on an error of the database. */
	void (*done)(struct orders_expiry *expiry, int error, unsigned count);
	void *owner; /* the caller's */
	/* private */
	struct app *app;
	struct db_call call;
	unsigned count;
	char entry[ID_SIZE], restocked_vendor[ID_SIZE];
};
/* Cancels orders that were not accepted within the setting order_accept_minutes, each in a
 * transaction of its own, oldest first. */
void orders_expire(struct app *app, struct orders_expiry *expiry);

/* For callers that cancel an order by a statement of their own: call after the commit. Counts the
 * order and invalidates the caches that contain it. restocked_vendor_id: the vendor whose menu has
 * changed, because limited stock was returned (the SQL function order_restocked_vendor); NULL: no
 * menu has changed, and all stay cached. done (NULL is allowed) is called once, perhaps before this
 * returns. */
void order_cancelled(
	struct app *app, const char *restocked_vendor_id, void (*done)(void *arg), void *arg);

#endif
