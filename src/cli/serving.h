/* SPDX-License-Identifier: MIT
 *
 * A serving process: the process itself, and one worker per loop.
 */
#ifndef REEYO_SRC_CLI_SERVING_H
#define REEYO_SRC_CLI_SERVING_H

#include <pthread.h>
#include <stdatomic.h>

#include "reeyo/core/config.h"
#include "reeyo/http/server.h"
#include "reeyo/loop/app.h"
#include "reeyo/loop/loop.h"

#define LISTENERS_MAX 16

struct serving;

struct worker {
	struct app app;
	unsigned opened; /* parts that are open */
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
	struct hub_shared *hub;
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

/* listeners.c */
/* The listeners of the configuration, and the route tables of the namespaces it names. */
int listeners_read(struct serving *serving) MUST_CHECK;
int routes_choose(struct serving *serving) MUST_CHECK;
void listeners_log(const struct serving *serving);

/* worker.c */
/* Creates the workers with their loops. */
int workers_new(struct serving *serving) MUST_CHECK;
/* Opens the parts of every worker. */
int workers_start(struct serving *serving) MUST_CHECK;
/* Runs the loops, the first one on this thread, until all have ended. */
void workers_run(struct serving *serving);
/* Closes the parts and frees the workers. */
void workers_free(struct serving *serving);
/* A part of the process is ready: each loop, and the event reader. arg: the serving. Any thread. */
void serving_part_ready(void *arg);

#endif
