/* SPDX-License-Identifier: MIT
 *
 * The relay, step by step; see the header.
 *
 * A step is one statement (relay_step) and, when it returns events to publish, one command to
 * Redis. Steps follow one another; two never run at once. The next step writes the id that Redis
 * has confirmed beside the position of the lease. So a successor publishes at most the events of
 * the last step again, under the same ids. While Redis is unavailable, steps only move the
 * position: instances read the events from the table, and they are published to Redis when it is
 * back.
 *
 * What a step finds out about a gap in the ids (see relay_step) is passed to the next one.
 *
 * A step runs every BUSY_MS while there is work, so that 200 events a second cost 50 statements and
 * not 200. Without work the pause grows to IDLE_MS.
 */
#include "reeyo/live/relay.h"

#include <stdlib.h>

#include "hub.h"
#include "reeyo/cache/feed.h"
#include "reeyo/core/id.h"
#include "reeyo/core/log.h"
#include "reeyo/db/periodic.h"
#include "reeyo/db/queries/events.h"
#include "reeyo/live/counters.h"

#define BUSY_MS 20
#define IDLE_MS 100
#define WATCH_MS 1000
#define GAP_WARN_MS 2000 /* a gap this old is logged */
#define SETTLE_MAX 1000
#define PUBLISH_MAX FEED_EVENTS_MAX
#define LEASE_S 2   /* duration of the lease */
#define RENEW_S 1.2 /* it is renewed when no more than this is left */

struct relay {
	struct app *app;
	struct periodic periodic; /* without a lease: relay_step takes it */
	char holder[ID_SIZE];
	/* ids: confirmed by Redis and not yet written (0: none); to be confirmed by the command
	 * under way */
	int64_t confirmed, publishing_to;
	char *gap;              /* of the last step; NULL: none */
	int64_t lag_ms, gap_ms; /* as reported to the counters */
	uint64_t began_ms;
	unsigned pause_ms;
	bool leads;
};

/* The next step is due pause_ms after this one began. */
static void relay_step_end(struct relay *relay)
{
	uint64_t spent = loop_now(relay->app->loop) - relay->began_ms;

	periodic_wake_in(
		&relay->periodic, spent < relay->pause_ms ? relay->pause_ms - (unsigned)spent : 0);
	periodic_end(&relay->periodic, false);
}

/* --- Publishing ------------------------------------------------------------------------------- */

static void relay_published(void *owner, int error)
{
	struct relay *relay = owner;

	if (!error)
		relay->confirmed = relay->publishing_to;
	else
		relay->pause_ms = IDLE_MS;
	relay_step_end(relay);
}

struct publication {
	struct feed_event events[PUBLISH_MAX];
	char *frames[PUBLISH_MAX];
	unsigned count;
};

static void publication_free(struct publication *publication)
{
	for (unsigned i = 0; publication && i < publication->count; i++)
		free(publication->frames[i]);
	free(publication);
}

static int publication_add(struct publication *publication, const char *source,
	const struct db_result *result, unsigned row)
{
	struct feed_event *event = &publication->events[publication->count];
	size_t len;
	char *frame;

	*event = (struct feed_event){ .id = db_text(result, row, RELAY_STEP_ID),
		.aggregate = db_text(result, row, RELAY_STEP_AGGREGATE),
		.type = db_text(result, row, RELAY_STEP_TYPE),
		.rooms = db_text(result, row, RELAY_STEP_ROOMS),
		.payload = db_text(result, row, RELAY_STEP_PAYLOAD) };
	frame = frame_pack(text_of(source), db_int(result, row, RELAY_STEP_ID),
		db_int(result, row, RELAY_STEP_PREVIOUS), event->type, event->aggregate,
		event->rooms, event->payload, &len);
	if (!frame)
		return E_NO_MEMORY;
	event->frame = (struct text){ frame, len };
	publication->frames[publication->count++] = frame;
	return 0;
}

/* Publishes the rows to Redis. True when relay_published will be called. */
static bool relay_publish(struct relay *relay, const struct db_result *result)
{
	unsigned rows = db_rows(result);
	struct publication *publication;
	int error = 0;

	if (db_is_null(result, 0, RELAY_STEP_ID) || rows > PUBLISH_MAX)
		return false;
	publication = calloc(1, sizeof(*publication));
	if (!publication)
		return false;
	for (unsigned row = 0; row < rows && !error; row++)
		error = publication_add(publication, relay->app->hub->shared->source, result, row);
	relay->publishing_to = db_int(result, rows - 1, RELAY_STEP_ID);
	if (!error)
		error = feed_publish(relay->app->cache, publication->events, publication->count,
			relay_published, relay);
	publication_free(publication);
	return !error;
}

/* --- Steps ------------------------------------------------------------------------------------ */

static void relay_leads_set(struct relay *relay, bool leads)
{
	if (relay->leads == leads)
		return;
	relay->leads = leads;
	count_add(loop_counters(relay->app->loop), COUNT_RELAY_LEADS, leads ? 1 : -1);
	log_line(LOG_INFO, leads ? "relaying events" : "no longer relaying events",
		LOG_T("holder", relay->holder));
}

/* Keeps the gap for the next step. Reports one that stays: an event behind it is delivered when the
 * transactions that it waits for have ended. */
static void relay_gap_set(struct relay *relay, const struct db_result *result)
{
	struct text gap = db_text(result, 0, RELAY_STEP_GAP);
	bool waits = !db_is_null(result, 0, RELAY_STEP_WRITERS);
	int64_t gap_ms = waits ? db_int(result, 0, RELAY_STEP_LAG_MS) : 0;

	free(relay->gap);
	relay->gap = gap.len ? strndup(gap.at, gap.len) : NULL;
	if (gap_ms >= GAP_WARN_MS && relay->gap_ms < GAP_WARN_MS)
		log_line(LOG_WARN, "events wait for transactions that have not ended",
			LOG_T("pids", db_text(result, 0, RELAY_STEP_WRITERS).at));
	count_add(loop_counters(relay->app->loop), COUNT_RELAY_GAP, gap_ms - relay->gap_ms);
	relay->gap_ms = gap_ms;
}

static void relay_count(struct relay *relay, const struct db_result *result)
{
	struct counters *counters = loop_counters(relay->app->loop);
	int64_t lag_ms = db_int(result, 0, RELAY_STEP_LAG_MS);

	count_add(counters, COUNT_EVENTS_RELAYED, db_int(result, 0, RELAY_STEP_SETTLED));
	count_add(counters, COUNT_RELAY_LAG, lag_ms - relay->lag_ms);
	relay->lag_ms = lag_ms;
}

static void relay_pause_set(struct relay *relay, int64_t settled, bool work)
{
	unsigned longer = relay->pause_ms * 2;

	if (!relay->leads)
		relay->pause_ms = WATCH_MS;
	else if (settled >= SETTLE_MAX)
		relay->pause_ms = 0;
	else if (work)
		relay->pause_ms = BUSY_MS;
	else
		relay->pause_ms = longer && longer < IDLE_MS ? longer : IDLE_MS;
}

static void relay_step_done(struct db_call *call, const struct db_result *result)
{
	struct relay *relay = call->owner;
	int64_t settled;

	if (relay->periodic.closing || db_error(result)) {
		relay->pause_ms = IDLE_MS;
		return relay_step_end(relay);
	}
	relay->confirmed = 0;
	relay_leads_set(relay, db_bool(result, 0, RELAY_STEP_LEADS));
	relay_gap_set(relay, result);
	settled = db_int(result, 0, RELAY_STEP_SETTLED);
	relay_count(relay, result);
	relay_pause_set(
		relay, settled, settled || relay->gap || !db_is_null(result, 0, RELAY_STEP_ID));
	if (!relay_publish(relay, result))
		relay_step_end(relay);
}

/* The source of published events is known when this process reads events. */
static bool relay_can_publish(const struct relay *relay)
{
	return atomic_load(&relay->app->hub->shared->known) && cache_up(relay->app->cache);
}

static void relay_round(void *job)
{
	struct relay *relay = job;

	relay->began_ms = loop_now(relay->app->loop);
	periodic_run(&relay->periodic, relay_step_done, relay_step,
		&(struct relay_step){ .holder = relay->holder,
			.confirmed = relay->confirmed,
			.noted = relay->gap ? relay->gap : "",
			.settle = SETTLE_MAX,
			.publish = relay_can_publish(relay) ? PUBLISH_MAX : 0,
			.lease_s = LEASE_S,
			.renew_s = RENEW_S });
}

/* --- Life ------------------------------------------------------------------------------------- */

static void relay_free(void *job)
{
	struct relay *relay = job;

	free(relay->gap);
	free(relay);
}

int relay_new(struct app *app, struct relay **ret)
{
	static const struct periodic_spec spec = {
		.first_ms = IDLE_MS, .every_ms = WATCH_MS, .round = relay_round, .free = relay_free
	};
	struct relay *relay = calloc(1, sizeof(*relay));

	if (!relay)
		return E_NO_MEMORY;
	relay->app = app;
	id_new(relay->holder, "instance_");
	if (periodic_start(&relay->periodic, app->loop, app->db, &spec, relay)) {
		free(relay);
		return E_NO_MEMORY;
	}
	*ret = relay;
	return 0;
}

void relay_close(struct relay *relay)
{
	if (relay)
		periodic_close(&relay->periodic);
}
