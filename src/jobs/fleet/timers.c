/* SPDX-License-Identifier: MIT
 *
 * Timers: see the header. Everything due is found in rows, so nothing is lost while no instance
 * runs. A round is a chain: orders whose rider may not work (every WATCH_TURNS rounds) → silent
 * riders → orders that no vendor accepted. A full batch is followed by the next at once.
 */
#include "reeyo/jobs/timers.h"

#include <stdlib.h>

#include "reeyo/auth/admit.h"
#include "reeyo/cache/geo.h"
#include "reeyo/core/config.h"
#include "reeyo/db/periodic.h"
#include "reeyo/db/queries/availability.h"
#include "reeyo/db/queries/order_acts.h"
#include "reeyo/domain/order.h"
#include "reeyo/service/cache_keys.h"
#include "reeyo/service/orders.h"

#define BATCH 100
/* orders_watch runs every so many seconds. It took 16 ms with 10,000 riders and 20,000 orders, on a
 * busy machine. */
#define WATCH_TURNS 5

struct timers {
	struct app *app;
	struct periodic periodic;
	struct orders_expiry expiry;
	unsigned turns;
};

/* --- Orders that no vendor accepted ----------------------------------------------------------- */

static void orders_expire_done(struct orders_expiry *expiry, int error, unsigned count)
{
	struct timers *timers = expiry->owner;

	if (error || timers->periodic.closing || count < ORDERS_EXPIRE_BATCH)
		return periodic_end(&timers->periodic, false);
	orders_expire(timers->app, &timers->expiry);
}

static void orders_expire_start(struct timers *timers)
{
	timers->expiry = (struct orders_expiry){ .done = orders_expire_done, .owner = timers };
	orders_expire(timers->app, &timers->expiry);
}

/* --- Silent riders ---------------------------------------------------------------------------- */

static void riders_silence_submit(struct timers *timers);

static void riders_silence_done(struct db_call *call, const struct db_result *result)
{
	struct timers *timers = call->owner;

	if (!periodic_continues(&timers->periodic, result))
		return;
	for (unsigned row = 0; row < db_rows(result); row++) {
		/* texts of a result are NUL-terminated */
		const char *rider = db_text(result, row, RIDERS_SET_SILENT_OFFLINE_RIDER_ID).at;

		geo_remove(timers->app->cache, rider);
		rider_facts_invalidate_all(timers->app, rider);
	}
	if (db_rows(result) == BATCH)
		return riders_silence_submit(timers);
	orders_expire_start(timers);
}

static void riders_silence_submit(struct timers *timers)
{
	periodic_run(&timers->periodic, riders_silence_done, riders_set_silent_offline,
		&(struct riders_set_silent_offline){ .limit = BATCH });
}

/* --- Orders whose rider is silent or blocked -------------------------------------------------- */

static void orders_watch_submit(struct timers *timers);

static void orders_watch_done(struct db_call *call, const struct db_result *result)
{
	struct timers *timers = call->owner;
	bool released = false;

	if (!periodic_continues(&timers->periodic, result))
		return;
	for (unsigned row = 0; row < db_rows(result); row++) {
		if (!db_bool(result, row, ORDERS_WATCH_RELEASED))
			continue;
		released = true;
		rider_facts_invalidate_all(
			timers->app, db_text(result, row, ORDERS_WATCH_RIDER_ID).at);
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

	periodic_run(&timers->periodic, orders_watch_done, orders_watch,
		&(struct orders_watch){
			.silence_seconds = (double)timers->app->config->rider_silence / 1000,
			.released_from = { states, count },
			.limit = BATCH });
}

/* --- Life ------------------------------------------------------------------------------------- */

static void timers_round(void *job)
{
	struct timers *timers = job;

	geo_sweep(timers->app->cache);
	if (timers->turns++ % WATCH_TURNS == 0)
		orders_watch_submit(timers);
	else
		riders_silence_submit(timers);
}

int timers_new(struct app *app, struct timers **ret)
{
	static const struct periodic_spec spec = {
		.lease = "timers", .every_ms = 1000, .round = timers_round, .free = free
	};
	struct timers *timers = calloc(1, sizeof(*timers));

	if (!timers)
		return E_NO_MEMORY;
	timers->app = app;
	if (periodic_start(&timers->periodic, app->loop, app->db, &spec, timers)) {
		free(timers);
		return E_NO_MEMORY;
	}
	*ret = timers;
	return 0;
}

void timers_close(struct timers *timers)
{
	if (timers)
		periodic_close(&timers->periodic);
}
