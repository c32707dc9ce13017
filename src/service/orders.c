/* SPDX-License-Identifier: MIT
 *
 * Expiry of orders, and the caches of cancelled orders.
 */
#include "reeyo/service/orders.h"

#include <stdlib.h>

#include "reeyo/cache/cache.h"
#include "reeyo/core/counter.h"
#include "reeyo/db/queries/orders.h"
#include "reeyo/domain/order.h"
#include "reeyo/service/cache_keys.h"
#include "reeyo/service/catalogue.h"
#include "reeyo/service/counters.h"
#include "reeyo/service/settings.h"

/* --- Caches ----------------------------------------------------------------------------------- */

struct menu_invalidation {
	struct app *app;
	void (*done)(void *arg);
	void *arg;
};

static void menu_invalidated(void *arg)
{
	struct menu_invalidation *invalidation = arg;

	cache_key_invalidate(invalidation->app->cache, KEY_ORDERS_ACTIVE, NULL, invalidation->done,
		invalidation->arg);
	free(invalidation);
}

void order_cancelled(
	struct app *app, const char *restocked_vendor_id, void (*done)(void *arg), void *arg)
{
	struct menu_invalidation *invalidation =
		restocked_vendor_id && done ? malloc(sizeof(*invalidation)) : NULL;

	count_one(loop_counters(app->loop), COUNT_ORDERS_CANCELLED);
	if (restocked_vendor_id)
		catalogue_forget(app, restocked_vendor_id);
	if (invalidation) {
		*invalidation = (struct menu_invalidation){ app, done, arg };
		return cache_key_invalidate(
			app->cache, KEY_MENU, restocked_vendor_id, menu_invalidated, invalidation);
	}
	/* Out of memory: done does not wait for the menu's key. */
	if (restocked_vendor_id)
		cache_key_invalidate(app->cache, KEY_MENU, restocked_vendor_id, NULL, NULL);
	cache_key_invalidate(app->cache, KEY_ORDERS_ACTIVE, NULL, done, arg);
}

/* --- Expiry ----------------------------------------------------------------------------------- */

static void expiry_next(struct orders_expiry *expiry);

static void order_expired(struct db_call *call, const struct db_result *result)
{
	struct orders_expiry *expiry = call->owner;
	struct text vendor;

	if (db_error(result) || !db_rows(result))
		return expiry->done(expiry, db_error(result), expiry->count);
	expiry->count++;
	vendor = db_text(result, 0, ORDER_EXPIRE_RESTOCKED_VENDOR_ID);
	text_copy_truncated(expiry->restocked_vendor, sizeof(expiry->restocked_vendor), vendor);
	order_cancelled(expiry->app, vendor.at ? expiry->restocked_vendor : NULL, NULL, NULL);
	if (expiry->count == ORDERS_EXPIRE_BATCH)
		return expiry->done(expiry, 0, expiry->count);
	expiry_next(expiry);
}

/* The states are those of every type: a row of the table holds for all of them. */
static void expiry_next(struct orders_expiry *expiry)
{
	const char *states[ORDER_STATUSES];
	unsigned count = order_states_list(
		order_states_before(FOOD, ACT_EXPIRE, BY_SYSTEM), states);

	id_new(expiry->entry, "txn_");
	expiry->call = (struct db_call){ .lane = DB_WRITE, .done = order_expired, .owner = expiry };
	db_run(expiry->app->db, &expiry->call, order_expire,
		&(struct order_expire){
			.minutes = settings_int(expiry->app->settings, SETTING_ACCEPT_MINUTES),
			.states = { states, count },
			.entry = expiry->entry });
}

void orders_expire(struct app *app, struct orders_expiry *expiry)
{
	expiry->app = app;
	expiry->count = 0;
	expiry_next(expiry);
}
