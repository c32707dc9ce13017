/* SPDX-License-Identifier: MIT
 *
 * Timers: see the header. What is due is read from rows, so nothing is lost while no copy runs. One
 * statement at a time; a full batch is followed by the next at once. Orders end one in a statement:
 * each locks a wallet, then items, and two of them in one transaction could meet a customer who
 * places an order in a deadlock.
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
#include "reeyo/domain/order.h"
#include "reeyo/db/lead.h"

#define EVERY_MS 1000
#define BATCH 100
#define BATCH_TEXT "100"
#define WATCH_TURNS 5 /* 16 ms among 10,000 riders with 20,000 orders, on a busy machine */

struct timers {
	struct app *app;
	const struct timer_needs *needs;
	struct lead *lead;
	uv_timer_t timer;
	struct db_call call;
	char minutes[24], entries[ID_SIZE + 2], silence[24], released_from[ORDER_STATES_SIZE];
	unsigned turns;
	bool running, timer_open, closing;
};

static void timers_end(struct timers *timers)
{
	if (!timers->running && !timers->timer_open)
		free(timers);
}

/* False when this round is over. */
static bool answered(struct timers *timers, const struct db_result *result)
{
	timers->running = false;
	if (!timers->closing)
		return !db_error(result);
	timers_end(timers);
	return false;
}

static void ask(struct timers *timers, enum query query,
	void (*done)(struct db_call *call, const struct db_result *result), unsigned count,
	const char *const *params)
{
	timers->running = true;
	timers->call = (struct db_call){ .query = query, .lane = DB_WRITE, .count = count,
		.done = done, .owner = timers };
	memcpy(timers->call.params, params, count * sizeof(*params));
	db_submit(timers->app->db, &timers->call);
}

/* --- Orders that nobody accepts --------------------------------------------------------------- */

static void expire(struct timers *timers);

static void expired(struct db_call *call, const struct db_result *result)
{
	struct timers *timers = call->owner;
	struct cache *cache = timers->app->cache;
	char vendor[ID_SIZE];

	if (!answered(timers, result) || !db_rows(result))
		return;
	cache_drop(cache, KEY_ORDERS_ACTIVE, NULL, NULL, NULL);
	for (unsigned i = 0; i < db_rows(result); i++) {
		count_one(loop_counters(timers->app->loop), COUNT_ORDERS_CANCELLED);
		if (db_is_null(result, i, 1))
			continue;
		snprintf(vendor, sizeof(vendor), "%.*s", TEXT_ARGS(db_text(result, i, 1)));
		timers->needs->menu_changed(timers->app, vendor);
		cache_drop(cache, KEY_MENU, vendor, NULL, NULL);
	}
	expire(timers);
}

static void expire(struct timers *timers)
{
	char id[ID_SIZE];

	id_new(id, "txn_");
	snprintf(timers->entries, sizeof(timers->entries), "{%s}", id);
	snprintf(timers->minutes, sizeof(timers->minutes), "%lld",
		(long long)timers->needs->accept_minutes(timers->app));
	ask(timers, QUERY_orders_expire, expired, 2,
		(const char *const[]){ timers->minutes, timers->entries });
}

/* --- Silent riders ---------------------------------------------------------------------------- */

static void silence(struct timers *timers);

static void silenced(struct db_call *call, const struct db_result *result)
{
	struct timers *timers = call->owner;
	char rider[ID_SIZE];

	if (!answered(timers, result))
		return;
	for (unsigned i = 0; i < db_rows(result); i++) {
		snprintf(rider, sizeof(rider), "%.*s", TEXT_ARGS(db_text(result, i, 0)));
		geo_forget(timers->app->cache, rider);
		rider_facts_changed(timers->app, rider);
	}
	if (db_rows(result) == BATCH)
		return silence(timers);
	expire(timers);
}

static void silence(struct timers *timers)
{
	ask(timers, QUERY_riders_silence, silenced, 1, (const char *const[]){ BATCH_TEXT });
}

/* --- Orders whose rider is gone --------------------------------------------------------------- */

static void watch(struct timers *timers);

static void watched(struct db_call *call, const struct db_result *result)
{
	struct timers *timers = call->owner;
	char rider[ID_SIZE];
	bool released = false;

	if (!answered(timers, result))
		return;
	for (unsigned i = 0; i < db_rows(result); i++) {
		if (!db_bool(result, i, 2))
			continue;
		released = true;
		snprintf(rider, sizeof(rider), "%.*s", TEXT_ARGS(db_text(result, i, 1)));
		rider_facts_changed(timers->app, rider);
	}
	if (released)
		cache_drop(timers->app->cache, KEY_ORDERS_ACTIVE, NULL, NULL, NULL);
	if (db_rows(result) == BATCH)
		return watch(timers);
	silence(timers);
}

static void watch(struct timers *timers)
{
	ask(timers, QUERY_orders_watch, watched, 4,
		(const char *const[]){ NULL, timers->silence, timers->released_from, BATCH_TEXT });
}

/* --- Life ------------------------------------------------------------------------------------- */

static void second_over(uv_timer_t *timer)
{
	struct timers *timers = timer->data;

	if (timers->running || timers->closing || !lead_held(timers->lead))
		return;
	geo_sweep(timers->app->cache);
	if (timers->turns++ % WATCH_TURNS == 0)
		return watch(timers);
	silence(timers);
}

int timers_new(struct app *app, const struct timer_needs *needs, struct timers **ret)
{
	struct timers *timers = calloc(1, sizeof(*timers));
	int error;

	if (!timers)
		return E_NO_MEMORY;
	timers->app = app;
	timers->needs = needs;
	timers->timer.data = timers;
	snprintf(timers->silence, sizeof(timers->silence), "%lld",
		(long long)app->config->rider_silence / 1000);
	order_states_text(order_states_before(FOOD, ACT_RELEASE, BY_SYSTEM), timers->released_from);
	error = lead_new(app->loop, app->db, "timers", NULL, NULL, &timers->lead);
	if (error || uv_timer_init(loop_uv(app->loop), &timers->timer)) {
		lead_close(timers->lead);
		free(timers);
		return E_NO_MEMORY;
	}
	timers->timer_open = true;
	uv_timer_start(&timers->timer, second_over, EVERY_MS, EVERY_MS);
	*ret = timers;
	return 0;
}

static void timer_closed(uv_handle_t *handle)
{
	struct timers *timers = handle->data;

	timers->timer_open = false;
	timers_end(timers);
}

void timers_close(struct timers *timers)
{
	if (!timers)
		return;
	timers->closing = true;
	lead_close(timers->lead);
	uv_close((uv_handle_t *)&timers->timer, timer_closed);
}
