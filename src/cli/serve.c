/* SPDX-License-Identifier: MIT
 *
 * Serving: one thread per loop, each with its own app; signals are handled on the first loop.
 *
 * Start: schema check → listeners and stores of every loop → "ready" once each loop has its lanes.
 * SIGTERM: /readyz fails at once → drain_delay → listeners close, requests in flight finish → exit
 * 0. Requests that are not finished after drain_timeout are cut.
 */
#include "serve.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "reeyo/api/counters.h"
#include "reeyo/api/routes.h"
#include "reeyo/api/settings.h"
#include "reeyo/api/system.h"
#include "reeyo/auth/admin_create.h"
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
#include "reeyo/db/migrate.h"
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

/* Interval at which expired counts of sampled log lines are written. */
#define SAMPLED_MS 1000
/* Bytes of free arena blocks that a loop keeps for the next requests. */
#define POOL_KEEP (4u << 20)
#define LISTENERS_MAX 16

struct serving;

struct worker {
	struct app app;
	struct catalogue_events *catalogue_events;
	struct serving *serving;
	pthread_t thread;
	struct message drain, stop;
	bool started;
};

struct serving {
	const struct config *config;
	struct worker *workers;
	struct app **apps;
	unsigned count;
	atomic_uint ready, drained;
	struct listener listeners[LISTENERS_MAX];
	unsigned listener_count;
	struct router *router;
	struct keyring *keys;
	struct templates *templates;
	struct hub_shared *house;
	/* on the first loop */
	struct upkeep *upkeep;
	struct relay *relay;
	struct dispatch *dispatch;
	struct timers *timers;
	struct payout_job *payouts;
	struct webhooks *webhooks;
	struct messages *messages;
	struct payment_poller *payments;
	struct rollup *rollup;
	struct metrics *metrics;
	struct route_set *sets;
	uv_signal_t term, interrupt, hangup;
	uv_timer_t delay, limit, sampled;
	bool draining;
};

/* --- Routes and listeners --------------------------------------------------------------------- */

static bool namespace_served(const char *list, enum name_space ns)
{
	struct text all = text_of(list);

	while (all.at)
		if (text_is(text_trim(text_cut(&all, ',')), text_of(name_space_name(ns))))
			return true;
	return false;
}

/* Selects the tables of the namespaces in `api`. Every process serves the absolute paths. */
static int routes_choose(struct serving *serving)
{
	unsigned total = 0, kept = 0;

	while (reeyo_routes[total].routes)
		total++;
	serving->sets = calloc(total + 1, sizeof(*serving->sets));
	if (!serving->sets)
		return E_NO_MEMORY;
	for (unsigned i = 0; i < total; i++)
		if (reeyo_routes[i].routes->root ||
			namespace_served(serving->config->api, reeyo_routes[i].ns))
			serving->sets[kept++] = reeyo_routes[i];
	return router_new(serving->sets, &serving->router);
}

static int listeners_add(
	struct serving *serving, const char *list, enum name_space bare, bool metrics)
{
	struct text all = text_of(list);
	char one[80];

	while (all.at && all.len) {
		struct listener *listener = &serving->listeners[serving->listener_count];
		struct text address = text_trim(text_cut(&all, ','));

		if (serving->listener_count == LISTENERS_MAX)
			return E_CONFIG;
		snprintf(one, sizeof(one), "%.*s", TEXT_ARGS(address));
		if (listener_parse(one, listener))
			return E_CONFIG;
		listener->bare = bare;
		listener->metrics = metrics;
		serving->listener_count++;
	}
	return 0;
}

static int listeners_read(struct serving *serving)
{
	const struct config *config = serving->config;

	if (listeners_add(serving, config->listen, NS_USER, false) ||
		listeners_add(serving, config->listen_user, NS_USER, false) ||
		listeners_add(serving, config->listen_vendor, NS_VENDOR, false) ||
		listeners_add(serving, config->listen_rider, NS_RIDER, false) ||
		listeners_add(serving, config->listen_admin, NS_ADMIN, false) ||
		listeners_add(serving, config->listen_metrics, NS_USER, true))
		return E_CONFIG;
	return 0;
}

static void listeners_log(const struct serving *serving)
{
	for (unsigned i = 0; i < serving->listener_count; i++) {
		const struct listener *listener = &serving->listeners[i];

		log_line(LOG_INFO, "listening", LOG_T("address", listener->address),
			LOG_I("port", listener->port),
			LOG_T("name",
				listener->metrics ? "metrics"
					: i == 0  ? "main"
						  : name_space_name(listener->bare)));
	}
}

/* --- Drain ------------------------------------------------------------------------------------ */

static void worker_stop(struct message *message)
{
	struct worker *worker = CONTAINER_OF(message, struct worker, stop);

	loop_stop(worker->app.loop);
}

static void workers_stop_all(struct serving *serving)
{
	for (unsigned i = 0; i < serving->count; i++) {
		serving->workers[i].stop.run = worker_stop;
		loop_post(serving->workers[i].app.loop, &serving->workers[i].stop);
	}
}

static void worker_drained(void *arg)
{
	struct worker *worker = arg;
	struct serving *serving = worker->serving;

	if (atomic_fetch_add(&serving->drained, 1) + 1 == serving->count)
		workers_stop_all(serving);
}

static void worker_drain(struct message *message)
{
	struct worker *worker = CONTAINER_OF(message, struct worker, drain);

	hub_drain(worker->app.hub);
	server_drain(worker->app.server, worker_drained, worker);
}

static void serve_drain_timeout(uv_timer_t *timer)
{
	log_line(LOG_WARN, "the drain took too long, remaining requests are cut");
	workers_stop_all(timer->data);
}

static void serve_drain_start(uv_timer_t *timer)
{
	struct serving *serving = timer->data;

	log_line(LOG_INFO, "draining");
	for (unsigned i = 0; i < serving->count; i++) {
		serving->workers[i].drain.run = worker_drain;
		loop_post(serving->workers[i].app.loop, &serving->workers[i].drain);
	}
	uv_timer_start(
		&serving->limit, serve_drain_timeout, (uint64_t)serving->config->drain_timeout, 0);
}

static void serve_end_signal(uv_signal_t *signal, int number)
{
	struct serving *serving = signal->data;

	if (serving->draining) {
		workers_stop_all(serving); /* the second signal stops at once */
		return;
	}
	serving->draining = true;
	system_set_draining();
	log_line(LOG_INFO, "stopping", LOG_I("signal", number));
	uv_timer_start(
		&serving->delay, serve_drain_start, (uint64_t)serving->config->drain_delay, 0);
}

/* SIGHUP switches debug logs on and off. */
static void serve_hangup_signal(uv_signal_t *signal, int number)
{
	struct serving *serving = signal->data;
	enum log_level set = (enum log_level)log_level_from_name(serving->config->log_level);

	(void)number;
	log_set_level(log_on(LOG_DEBUG) ? set : LOG_DEBUG);
	log_line(LOG_INFO, "log level",
		LOG_T("level", log_on(LOG_DEBUG) ? "debug" : serving->config->log_level));
}

static void serve_log_samples(uv_timer_t *timer)
{
	(void)timer;
	log_sample_flush(false);
}

static int serve_signals_start(struct serving *serving)
{
	uv_loop_t *uv = loop_uv(serving->workers[0].app.loop);

	serving->term.data = serving->interrupt.data = serving->hangup.data = serving;
	serving->delay.data = serving->limit.data = serving;
	serving->sampled.data = serving;
	if (uv_signal_init(uv, &serving->term) || uv_signal_init(uv, &serving->interrupt) ||
		uv_signal_init(uv, &serving->hangup) || uv_timer_init(uv, &serving->delay) ||
		uv_timer_init(uv, &serving->limit) || uv_timer_init(uv, &serving->sampled))
		return E_NO_MEMORY;
	uv_timer_start(&serving->sampled, serve_log_samples, SAMPLED_MS, SAMPLED_MS);
	uv_signal_start(&serving->term, serve_end_signal, SIGTERM);
	uv_signal_start(&serving->interrupt, serve_end_signal, SIGINT);
	uv_signal_start(&serving->hangup, serve_hangup_signal, SIGHUP);
	return 0;
}

/* --- Workers ---------------------------------------------------------------------------------- */

/* A loop is ready when it has the business settings. One more part, the event reader of the
 * process, must be ready too. */
static void serve_part_ready(void *arg)
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

	serve_part_ready(worker->serving);
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

/* The jobs that only the first loop of a process runs. */
static int jobs_start(struct serving *serving, struct app *app)
{
	int error = upkeep_new(app->loop, app->db, &serving->upkeep);

	if (!error)
		error = relay_new(app, &serving->relay);
	if (!error)
		error = dispatch_new(app, &serving->dispatch);
	if (!error)
		error = timers_new(app, &serving->timers);
	if (!error)
		error = payouts_new(app, &serving->payouts);
	if (!error)
		error = webhooks_new(app, &serving->webhooks);
	if (!error)
		error = messages_new(app, &serving->messages);
	if (!error)
		error = payment_poller_new(app, &serving->payments);
	if (!error)
		error = rollup_new(app->loop, app->db, &serving->rollup);
	return error;
}

static void jobs_end(struct serving *serving)
{
	upkeep_close(serving->upkeep);
	relay_close(serving->relay);
	dispatch_close(serving->dispatch);
	timers_close(serving->timers);
	payouts_close(serving->payouts);
	webhooks_close(serving->webhooks);
	messages_close(serving->messages);
	payment_poller_close(serving->payments);
	rollup_close(serving->rollup);
}

static int worker_start(struct worker *worker)
{
	static const struct server_steps steps = {
		.authenticate = authenticate, .identify = caller_read, .admit = maintenance_admit
	};
	struct serving *serving = worker->serving;
	struct app *app = &worker->app;
	const struct config *config = serving->config;
	struct server *server;
	int error;

	app->config = config;
	app->router = serving->router;
	app->keys = serving->keys;
	app->metrics = serving->metrics;
	app->all = serving->apps;
	app->pool = arena_pool_new(POOL_KEEP);
	app->addresses = address_limits_new();
	if (!app->pool || !app->addresses)
		return E_NO_MEMORY;
	if ((error = db_new(app->loop, config, &app->db)) ||
		(error = cache_new(app->loop, config, &cache_layout, &app->cache)) ||
		(error = hasher_new(app->loop, config, &app->hasher)) ||
		(error = token_cache_new(&app->tokens)) ||
		(error = rider_cache_new(&app->riders)) ||
		(error = revocations_new(app, &app->revocations)) ||
		(error = settings_new(app, &app->settings)) ||
		(error = catalogue_new(app, &app->catalogue)) ||
		(error = catalogue_events_new(app, &worker->catalogue_events)) ||
		(error = client_new(app->loop, &app->client)) ||
		(error = gateway_new(app->loop, app->client, config, &app->gateway)) ||
		(error = notifier_new(app, serving->templates, &app->notifier)) ||
		(error = hub_new(app, serving->house)) ||
		(error = positions_new(app, &app->positions)) || (error = payments_new(app)))
		return error;
	error = server_new(app, &steps, serving->listeners, serving->listener_count, &server);
	if (error)
		return error;
	db_on_ready(app->db, worker_ready, worker);
	return loop_index(app->loop) == 0 ? jobs_start(serving, app) : 0;
}

static void worker_end(struct worker *worker)
{
	struct app *app = &worker->app;

	if (!app->loop)
		return;
	server_close(app->server);
	if (loop_index(app->loop) == 0)
		jobs_end(worker->serving);
	hub_free(app->hub);
	catalogue_events_free(worker->catalogue_events);
	positions_close(app->positions);
	revocations_free(app->revocations);
	settings_free(app->settings);
	notifier_free(app->notifier);
	app->notifier = NULL;
	payments_close(app->payments);
	client_free(app->client); /* running calls end here, while the database can record it */
	gateway_free(app->gateway);
	db_close(app->db);
	cache_close(app->cache);
	payments_free(app->payments);
	catalogue_free(app->catalogue);
	token_cache_free(app->tokens);
	rider_cache_free(app->riders);
	hasher_free(app->hasher);
	loop_free(app->loop);
	arena_pool_free(app->pool);
	address_limits_free(app->addresses);
}

static void *worker_thread(void *arg)
{
	struct worker *worker = arg;

	loop_run(worker->app.loop);
	return NULL;
}

/* --- Start and end ---------------------------------------------------------------------------- */

/* What /metrics shows, in this order. */
static const struct counter_table *const counter_tables[] = { &http_counter_table,
	&cache_counter_table, &db_counter_table, &auth_counter_table, &loop_counter_table,
	&service_counter_table, &api_counter_table, &live_counter_table, &partners_counter_table,
	&jobs_counter_table, NULL };

static int workers_new(struct serving *serving)
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

		worker->serving = serving;
		serving->apps[i] = &worker->app;
		if (loop_new(i, &worker->app.loop))
			return E_NO_MEMORY;
		metrics_add(serving->metrics, loop_counters(worker->app.loop));
	}
	return 0;
}

static int workers_start(struct serving *serving)
{
	int error;

	for (unsigned i = 0; i < serving->count; i++)
		if ((error = worker_start(&serving->workers[i])))
			return error;
	return 0;
}

static void workers_run(struct serving *serving)
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

/* Each idle connection needs a descriptor: raise the limit to the maximum. */
static void descriptors_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int serve_prepare(struct serving *serving)
{
	const struct config *config = serving->config;
	unsigned threads = (unsigned)(config->work_threads ? config->work_threads
							   : uv_available_parallelism());
	int error;

	signal(SIGPIPE, SIG_IGN);
	descriptors_raise();
	server_process_start();
	work_configure(threads, (unsigned)config->work_queue);
	if ((error = listeners_read(serving)) || (error = routes_choose(serving)) ||
		(error = system_documents_prepare(serving->router)) ||
		(error = migrate_check(config->database_url)) ||
		(error = admin_create_first(config)) ||
		(error = keyring_new(config, &serving->keys)) ||
		(error = templates_new(config->messages_dir, &serving->templates)) ||
		(error = hub_shared_new(config, serve_part_ready, serving, &serving->house)) ||
		(error = workers_new(serving)))
		return error;
	return 0;
}

int serve(const struct config *config)
{
	struct serving serving = { .config = config };
	int error = serve_prepare(&serving);

	if (!error)
		error = workers_start(&serving);
	if (!error)
		error = serve_signals_start(&serving);
	if (!error) {
		listeners_log(&serving);
		workers_run(&serving);
		log_sample_flush(true);
		log_line(LOG_INFO, "stopped");
	}
	for (unsigned i = 0; serving.workers && i < serving.count; i++)
		worker_end(&serving.workers[i]);
	free(serving.workers);
	free(serving.apps);
	hub_shared_free(serving.house);
	metrics_free(serving.metrics);
	keyring_free(serving.keys);
	templates_free(serving.templates);
	router_free(serving.router);
	free(serving.sets);
	system_documents_free();
	return error;
}
