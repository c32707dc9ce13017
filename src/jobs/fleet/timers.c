/* SPDX-License-Identifier: MIT
 *
 * Timers: see the header. Everything due is found in rows, so nothing is lost while no instance
 * runs. One statement runs at a time; a full batch is followed by the next at once. A statement
 * cancels one order only: it locks a wallet and then items, and two orders in one transaction could
 * deadlock with a customer who places an order.
 */
#include "reeyo/jobs/timers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reeyo/auth/admit.h"
#include "reeyo/cache/geo.h"
#include "reeyo/core/config.h"
#include "reeyo/core/id.h"
#include "reeyo/db/db.h"
#include "reeyo/db/leadership.h"
#include "reeyo/db/queries/availability.h"
#include "reeyo/db/queries/order_acts.h"
#include "reeyo/domain/order.h"
#include "reeyo/service/cache_keys.h"
#include "reeyo/service/orders.h"

#define EVERY_MS 1000
#define BATCH 100
/* orders_watch runs every so many seconds. It took 16 ms with 10,000 riders and 20,000 orders, on a
 * busy machine. */
#define WATCH_TURNS 5

struct timers {
	struct app *app;
	struct leadership *leadership;
	uv_timer_t timer;
	struct db_call call;
	struct orders_expiry expiry;
	unsigned turns;
	bool running, timer_open, closing;
};

static void timers_free_if_idle(struct timers *timers)
{
	if (!timers->running && !timers->timer_open)
		free(timers);
}

/* False when this round must end: after an error, or when closing. */
static bool timers_statement_ended(struct timers *timers, const struct db_result *result)
{
	timers->running = false;
	if (!timers->closing)
		return !db_error(result);
	timers_free_if_idle(timers);
	return false;
}

/* --- Orders that no vendor accepted ----------------------------------------------------------- */

static void orders_expire_start(struct timers *timers);

static void orders_expire_done(struct orders_expiry *expiry, int error, unsigned count)
{
	struct timers *timers = expiry->owner;

	timers->running = false;
	if (timers->closing)
		return timers_free_if_idle(timers);
	if (!error && count == ORDERS_EXPIRE_BATCH)
		orders_expire_start(timers);
}

static void orders_expire_start(struct timers *timers)
{
	timers->running = true;
	timers->expiry = (struct orders_expiry){ .done = orders_expire_done, .owner = timers };
	orders_expire(timers->app, &timers->expiry);
}

/* --- Silent riders ---------------------------------------------------------------------------- */

static void riders_silence_submit(struct timers *timers);

static void riders_silence_done(struct db_call *call, const struct db_result *result)
{
	struct timers *timers = call->owner;
	char rider[ID_SIZE];

	if (!timers_statement_ended(timers, result))
		return;
	for (unsigned i = 0; i < db_rows(result); i++) {
		snprintf(rider, sizeof(rider), "%.*s", TEXT_ARGS(db_text(result, i, 0)));
		geo_remove(timers->app->cache, rider);
		rider_facts_invalidate_all(timers->app, rider);
	}
	if (db_rows(result) == BATCH)
		return riders_silence_submit(timers);
	orders_expire_start(timers);
}

static void riders_silence_submit(struct timers *timers)
{
	timers->running = true;
	timers->call =
		(struct db_call){ .lane = DB_WRITE, .done = riders_silence_done, .owner = timers };
	db_run(timers->app->db, &timers->call, riders_set_silent_offline,
		&(struct riders_set_silent_offline){ .limit = BATCH });
}

/* --- Orders whose rider is silent or blocked -------------------------------------------------- */

static void orders_watch_submit(struct timers *timers);

static void orders_watch_done(struct db_call *call, const struct db_result *result)
{
	struct timers *timers = call->owner;
	char rider[ID_SIZE];
	bool released = false;

	if (!timers_statement_ended(timers, result))
		return;
	for (unsigned i = 0; i < db_rows(result); i++) {
		if (!db_bool(result, i, ORDERS_WATCH_RELEASED))
			continue;
		released = true;
		snprintf(rider, sizeof(rider), "%.*s",
			TEXT_ARGS(db_text(result, i, ORDERS_WATCH_RIDER_ID)));
		rider_facts_invalidate_all(timers->app, rider);
	}
	if (released)
		cache_key_invalidate(timers->app->cache, KEY_ORDERS_ACTIVE, NULL, NULL, NULL);
	if (db_rows(result) == BATCH)
		return orders_watch_submit(timers);
	riders_silence_submit(timers);
}

static void orders_watch_submit(struct timers *timers)
{
	const char *states[ORDER_STATUSES];
	unsigned count = order_states_list(
		order_states_before(FOOD, ACT_RELEASE, BY_SYSTEM), states);

	timers->running = true;
	timers->call =
		(struct db_call){ .lane = DB_WRITE, .done = orders_watch_done, .owner = timers };
	db_run(timers->app->db, &timers->call, orders_watch,
		&(struct orders_watch){
			.silence_seconds = (double)timers->app->config->rider_silence / 1000,
			.released_from = { states, count },
			.limit = BATCH });
}

/* --- Life ------------------------------------------------------------------------------------- */

static void timers_tick(uv_timer_t *timer)
{
	struct timers *timers = timer->data;

	if (timers->running || timers->closing || !leadership_held(timers->leadership))
		return;
	geo_sweep(timers->app->cache);
	if (timers->turns++ % WATCH_TURNS == 0)
		return orders_watch_submit(timers);
	riders_silence_submit(timers);
}

int timers_new(struct app *app, struct timers **ret)
{
	struct timers *timers = calloc(1, sizeof(*timers));
	int error;

	if (!timers)
		return E_NO_MEMORY;
	timers->app = app;
	timers->timer.data = timers;
	error = leadership_new(app->loop, app->db, "timers", NULL, NULL, &timers->leadership);
	if (error || uv_timer_init(loop_uv(app->loop), &timers->timer)) {
		leadership_close(timers->leadership);
		free(timers);
		return E_NO_MEMORY;
	}
	timers->timer_open = true;
	uv_timer_start(&timers->timer, timers_tick, EVERY_MS, EVERY_MS);
	*ret = timers;
	return 0;
}

static void timers_timer_closed(uv_handle_t *handle)
{
	struct timers *timers = handle->data;

	timers->timer_open = false;
	timers_free_if_idle(timers);
}

void timers_close(struct timers *timers)
{
	if (!timers)
		return;
	timers->closing = true;
	leadership_close(timers->leadership);
	uv_close((uv_handle_t *)&timers->timer, timers_timer_closed);
}
