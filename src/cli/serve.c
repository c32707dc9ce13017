/* SPDX-License-Identifier: MIT
 *
 * `reeyo serve`: start and end of the process. Each loop has a thread and a worker (worker.c);
 * signals are handled on the first loop.
 *
 * Start: schema check → listeners and stores of every loop → "ready" once each loop has its lanes.
 * SIGTERM: /readyz fails at once → drain_delay → listeners close, requests in flight finish → exit
 * 0. Requests that are not finished after drain_timeout are cut.
 */
#include "serve.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "reeyo/api/system.h"
#include "reeyo/auth/admin_create.h"
#include "reeyo/auth/token.h"
#include "reeyo/core/log.h"
#include "reeyo/core/memory.h"
#include "reeyo/db/migrate.h"
#include "reeyo/live/hub.h"
#include "reeyo/partners/notifier.h"
#include "reeyo/telemetry/metrics.h"
#include "serving.h"

/* Interval at which expired counts of sampled log lines are written. */
#define SAMPLED_MS 1000

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

/* --- Start and end ---------------------------------------------------------------------------- */

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
		(error = hub_shared_new(config, serving_part_ready, serving, &serving->hub)) ||
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
	workers_free(&serving);
	hub_shared_free(serving.hub);
	metrics_free(serving.metrics);
	keyring_free(serving.keys);
	templates_free(serving.templates);
	router_free(serving.router);
	free(serving.sets);
	system_documents_free();
	return error;
}
