/* SPDX-License-Identifier: MIT
 *
 * A worker: one loop with everything that it owns.
 *
 * WORKER_PARTS lists the parts of a worker. They open in this order and close in reverse order, so
 * a part may use the parts above it. Two parts have their opening and closing on different lines,
 * because calls in flight need them longer.
 */
#include <stdlib.h>

#include "reeyo/api/counters.h"
#include "reeyo/api/settings.h"
#include "reeyo/api/system.h"
#include "reeyo/auth/admit.h"
#include "reeyo/auth/counters.h"
#include "reeyo/auth/password.h"
#include "reeyo/auth/token.h"
#include "reeyo/cache/cache.h"
#include "reeyo/cache/counters.h"
#include "reeyo/core/log.h"
#include "reeyo/core/memory.h"
#include "reeyo/db/counters.h"
#include "reeyo/db/db.h"
#include "reeyo/http/counters.h"
#include "reeyo/http/limit.h"
#include "reeyo/http/server.h"
#include "reeyo/jobs/catalogue_events.h"
#include "reeyo/jobs/counters.h"
#include "reeyo/jobs/dispatch.h"
#include "reeyo/jobs/messages.h"
#include "reeyo/jobs/payment_poller.h"
#include "reeyo/jobs/payouts.h"
#include "reeyo/jobs/positions.h"
#include "reeyo/jobs/rollup.h"
#include "reeyo/jobs/timers.h"
#include "reeyo/jobs/upkeep.h"
#include "reeyo/jobs/webhooks.h"
#include "reeyo/live/counters.h"
#include "reeyo/live/hub.h"
#include "reeyo/live/relay.h"
#include "reeyo/loop/counters.h"
#include "reeyo/loop/loop.h"
#include "reeyo/partners/client.h"
#include "reeyo/partners/counters.h"
#include "reeyo/partners/gateway.h"
#include "reeyo/partners/notifier.h"
#include "reeyo/service/cache_keys.h"
#include "reeyo/service/catalogue.h"
#include "reeyo/service/counters.h"
#include "reeyo/service/payments.h"
#include "reeyo/telemetry/metrics.h"
#include "serving.h"

/* Bytes of free arena blocks that a loop keeps for the next requests. */
#define POOL_KEEP (4u << 20)

static const struct server_steps worker_steps = {
	.authenticate = authenticate, .identify = caller_read, .admit = maintenance_admit
};

#define NOTHING 0

/* PART(name, loops, open, close). loops: EVERY, or FIRST for jobs that only the first loop runs. */
/* clang-format off */
#define WORKER_PARTS(PART) \
	PART(hasher, EVERY, hasher_new(app->loop, config, &app->hasher), hasher_free(app->hasher)) \
	PART(rider_cache, EVERY, rider_cache_new(&app->riders), rider_cache_free(app->riders)) \
	PART(token_cache, EVERY, token_cache_new(&app->tokens), token_cache_free(app->tokens)) \
	PART(catalogue, EVERY, catalogue_new(app, &app->catalogue), \
		catalogue_free(app->catalogue)) \
	PART(payments, EVERY, payments_new(app), payments_free(app->payments)) \
	PART(cache, EVERY, cache_new(app->loop, config, &cache_layout, &app->cache), \
		cache_close(app->cache)) \
	PART(db, EVERY, db_new(app->loop, config, &app->db), db_close(app->db)) \
	/* running calls end in client_free, while the database can record their results */ \
	PART(gateway_end, EVERY, NOTHING, gateway_free(app->gateway)) \
	PART(client, EVERY, client_new(app->loop, &app->client), client_free(app->client)) \
	PART(gateway, EVERY, gateway_new(app->loop, app->client, config, &app->gateway), NOTHING) \
	PART(payments_end, EVERY, NOTHING, payments_close(app->payments)) \
	PART(notifier, EVERY, notifier_new(app, serving->templates, &app->notifier), \
		notifier_free(TAKE_PTR(app->notifier))) \
	PART(settings, EVERY, settings_new(app, &app->settings), settings_free(app->settings)) \
	PART(revocations, EVERY, revocations_new(app, &app->revocations), \
		revocations_free(app->revocations)) \
	PART(positions, EVERY, positions_new(app, &app->positions), \
		positions_close(app->positions)) \
	PART(catalogue_events, EVERY, catalogue_events_new(app, &worker->catalogue_events), \
		catalogue_events_free(worker->catalogue_events)) \
	PART(hub, EVERY, hub_new(app, serving->hub), hub_free(app->hub)) \
	PART(upkeep, FIRST, upkeep_new(app->loop, app->db, &serving->upkeep), \
		upkeep_close(serving->upkeep)) \
	PART(relay, FIRST, relay_new(app, &serving->relay), relay_close(serving->relay)) \
	PART(dispatch, FIRST, dispatch_new(app, &serving->dispatch), \
		dispatch_close(serving->dispatch)) \
	PART(timers, FIRST, timers_new(app, &serving->timers), timers_close(serving->timers)) \
	PART(payouts, FIRST, payouts_new(app, &serving->payouts), payouts_close(serving->payouts)) \
	PART(webhooks, FIRST, webhooks_new(app, &serving->webhooks), \
		webhooks_close(serving->webhooks)) \
	PART(messages, FIRST, messages_new(app, &serving->messages), \
		messages_close(serving->messages)) \
	PART(payment_poller, FIRST, payment_poller_new(app, &serving->payments), \
		payment_poller_close(serving->payments)) \
	PART(rollup, FIRST, rollup_new(app->loop, app->db, &serving->rollup), \
		rollup_close(serving->rollup)) \
	PART(server, EVERY, server_new(app, &worker_steps, serving->listeners, \
		serving->listener_count, &app->server), server_close(app->server))
/* clang-format on */

enum part_loops { EVERY, FIRST };

#define PART_FUNCTIONS(name, loops, open, close) \
	static int part_##name##_open(struct worker *worker) \
	{ \
		struct serving *serving = worker->serving; \
		const struct config *config = serving->config; \
		struct app *app = &worker->app; \
\
		(void)app; \
		(void)config; \
		(void)serving; \
		return open; \
	} \
	static void part_##name##_close(struct worker *worker) \
	{ \
		struct serving *serving = worker->serving; \
		struct app *app = &worker->app; \
\
		(void)app; \
		(void)serving; \
		(void)close; \
	}
WORKER_PARTS(PART_FUNCTIONS)

static const struct part {
	enum part_loops loops;
	int (*open)(struct worker *worker);
	void (*close)(struct worker *worker);
} worker_parts[] = {
#define PART_ROW(name, loops, open, close) { loops, part_##name##_open, part_##name##_close },
	WORKER_PARTS(PART_ROW)
};

/* --- Ready ------------------------------------------------------------------------------------ */

/* A loop is ready when it has the business settings. One more part, the event reader of the
 * process, must be ready too. */
void serving_part_ready(void *arg)
{
	struct serving *serving = arg;

	if (atomic_fetch_add(&serving->ready, 1) + 1 == serving->count + 1) {
		system_set_started();
		log_line(LOG_INFO, "ready", LOG_I("loops", serving->count));
	}
}

static void worker_settings_ready(void *arg)
{
	struct worker *worker = arg;

	serving_part_ready(worker->serving);
}

static void worker_ready(void *arg)
{
	struct worker *worker = arg;

	positions_listen(worker->app.positions);
	catalogue_events_listen(worker->catalogue_events);
	if (loop_index(worker->app.loop) == 0) {
		dispatch_listen(worker->serving->dispatch);
		webhooks_listen(worker->serving->webhooks);
		messages_listen(worker->serving->messages);
	}
	revocations_start(worker->app.revocations);
	settings_poll_start(worker->app.settings, worker_settings_ready, worker);
}

/* --- Start and end ---------------------------------------------------------------------------- */

static bool worker_has_part(const struct worker *worker, const struct part *part)
{
	return part->loops == EVERY || loop_index(worker->app.loop) == 0;
}

static int worker_start(struct worker *worker)
{
	int error = 0;

	while (!error && worker->opened < COUNT_OF(worker_parts)) {
		const struct part *part = &worker_parts[worker->opened];

		error = worker_has_part(worker, part) ? part->open(worker) : 0;
		if (!error)
			worker->opened++;
	}
	if (!error)
		db_on_ready(worker->app.db, worker_ready, worker);
	return error;
}

static void worker_end(struct worker *worker)
{
	struct app *app = &worker->app;

	while (worker->opened) {
		const struct part *part = &worker_parts[--worker->opened];

		if (worker_has_part(worker, part))
			part->close(worker);
	}
	loop_free(app->loop);
	arena_pool_free(app->pool);
	address_limits_free(app->addresses);
}

static int worker_init(struct worker *worker, struct serving *serving, unsigned index)
{
	struct app *app = &worker->app;

	worker->serving = serving;
	app->config = serving->config;
	app->router = serving->router;
	app->keys = serving->keys;
	app->metrics = serving->metrics;
	app->all = serving->apps;
	app->pool = arena_pool_new(POOL_KEEP);
	app->addresses = address_limits_new();
	return app->pool && app->addresses ? loop_new(index, &app->loop) : E_NO_MEMORY;
}

/* What /metrics shows, in this order. */
static const struct counter_table *const counter_tables[] = { &http_counter_table,
	&cache_counter_table, &db_counter_table, &auth_counter_table, &loop_counter_table,
	&service_counter_table, &api_counter_table, &live_counter_table, &partners_counter_table,
	&jobs_counter_table, NULL };

int workers_new(struct serving *serving)
{
	serving->count =
		(unsigned)(serving->config->loops ? serving->config->loops : loops_default());
	serving->workers = calloc(serving->count, sizeof(*serving->workers));
	serving->apps = calloc(serving->count + 1, sizeof(*serving->apps));
	if (!serving->workers || !serving->apps ||
		metrics_new(serving->count, counter_tables, &serving->metrics))
		return E_NO_MEMORY;
	for (unsigned i = 0; i < serving->count; i++) {
		struct worker *worker = &serving->workers[i];

		serving->apps[i] = &worker->app;
		if (worker_init(worker, serving, i))
			return E_NO_MEMORY;
		metrics_add(serving->metrics, loop_counters(worker->app.loop));
	}
	return 0;
}

int workers_start(struct serving *serving)
{
	int error;

	for (unsigned i = 0; i < serving->count; i++)
		if ((error = worker_start(&serving->workers[i])))
			return error;
	return 0;
}

static void *worker_thread(void *arg)
{
	struct worker *worker = arg;

	loop_run(worker->app.loop);
	return NULL;
}

void workers_run(struct serving *serving)
{
	for (unsigned i = 1; i < serving->count; i++) {
		struct worker *worker = &serving->workers[i];

		worker->started = pthread_create(&worker->thread, NULL, worker_thread, worker) == 0;
		if (!worker->started)
			log_line(LOG_ERROR, "a loop's thread does not start", LOG_I("loop", i));
	}
	loop_run(serving->workers[0].app.loop);
	for (unsigned i = 1; i < serving->count; i++)
		if (serving->workers[i].started)
			pthread_join(serving->workers[i].thread, NULL);
}

void workers_free(struct serving *serving)
{
	for (unsigned i = 0; serving->workers && i < serving->count; i++)
		worker_end(&serving->workers[i]);
	free(serving->workers);
	free(serving->apps);
}
