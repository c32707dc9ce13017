/* SPDX-License-Identifier: MIT
 *
 * The relay, step by step; see the header.
 *
 * A step is one statement (relay_move) and, when it returns events to publish, one command to
 * Redis. Steps follow one another; two never run at once. The next step writes the id that Redis
 * has confirmed as the position of the lease. So a successor publishes at most the events of the
 * last step again, under the same ids. While Redis is unavailable, steps only move rows: instances
 * read them from the table, and the events are published to Redis when it is back.
 *
 * A step runs every BUSY_MS while there is work, so that 200 events a second cost 50 statements and
 * not 200. Without work the pause grows to IDLE_MS.
 */
#include "reeyo/live/relay.h"

#include <stdlib.h>

#include "frame.h"
#include "reeyo/cache/feed.h"
#include "reeyo/core/id.h"
#include "reeyo/core/log.h"
#include "reeyo/db/periodic.h"
#include "reeyo/db/queries/events.h"
#include "reeyo/live/counters.h"

#define BUSY_MS 20
#define IDLE_MS 100
#define WATCH_MS 1000
#define MOVE_MAX 500
#define PUBLISH_MAX 500
#define LEASE_S 2   /* duration of the lease */
#define RENEW_S 1.2 /* it is renewed when no more than this is left */

struct relay {
	struct app *app;
	struct periodic periodic; /* without a lease: relay_move takes it */
	char holder[ID_SIZE];
	/* ids: confirmed by Redis; to be confirmed by the command under way */
	int64_t published, publishing_to;
	int64_t lag_ms; /* as reported to the counters */
	uint64_t began_ms;
	unsigned pause_ms;
	bool leads;
	bool gained; /* this step took the lease, and did nothing else */
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
		relay->published = relay->publishing_to;
	else
		relay->pause_ms = IDLE_MS;
	relay_step_end(relay);
}

struct publication {
	struct feed_event events[MOVE_MAX + PUBLISH_MAX];
	char *frames[MOVE_MAX + PUBLISH_MAX];
	unsigned count;
};

static void publication_free(struct publication *publication)
{
	for (unsigned i = 0; publication && i < publication->count; i++)
		free(publication->frames[i]);
	free(publication);
}

static int publication_add(
	struct publication *publication, const struct db_result *result, unsigned row)
{
	struct feed_event *event = &publication->events[publication->count];
	size_t len;
	char *frame;

	*event = (struct feed_event){ .id = db_text(result, row, RELAY_MOVE_ID),
		.aggregate = db_text(result, row, RELAY_MOVE_AGGREGATE),
		.type = db_text(result, row, RELAY_MOVE_TYPE),
		.rooms = db_text(result, row, RELAY_MOVE_ROOMS),
		.payload = db_text(result, row, RELAY_MOVE_PAYLOAD) };
	frame = frame_pack(db_text(result, row, RELAY_MOVE_SOURCE),
		db_int(result, row, RELAY_MOVE_ID), db_int(result, row, RELAY_MOVE_PREVIOUS),
		event->type, event->aggregate, event->rooms, event->payload, &len);
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

	if (db_is_null(result, 0, RELAY_MOVE_ID) || rows > MOVE_MAX + PUBLISH_MAX)
		return false;
	publication = calloc(1, sizeof(*publication));
	if (!publication)
		return false;
	for (unsigned row = 0; row < rows && !error; row++)
		error = publication_add(publication, result, row);
	relay->publishing_to = db_int(result, rows - 1, RELAY_MOVE_ID);
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
	relay->gained = leads;
	relay->published = 0;
	count_add(loop_counters(relay->app->loop), COUNT_RELAY_LEADS, leads ? 1 : -1);
	log_line(LOG_INFO, leads ? "relaying events" : "no longer relaying events",
		LOG_T("holder", relay->holder));
}

static void relay_count(struct relay *relay, const struct db_result *result)
{
	struct counters *counters = loop_counters(relay->app->loop);
	int64_t lag_ms = db_int(result, 0, RELAY_MOVE_LAG_MS);

	count_add(counters, COUNT_EVENTS_RELAYED, db_int(result, 0, RELAY_MOVE_MOVED));
	count_add(counters, COUNT_RELAY_LAG, lag_ms - relay->lag_ms);
	relay->lag_ms = lag_ms;
}

static void relay_pause_set(struct relay *relay, int64_t moved, bool work)
{
	unsigned longer = relay->pause_ms * 2;

	if (!relay->leads)
		relay->pause_ms = WATCH_MS;
	else if (moved >= MOVE_MAX || relay->gained)
		relay->pause_ms = 0;
	else if (work)
		relay->pause_ms = BUSY_MS;
	else
		relay->pause_ms = longer && longer < IDLE_MS ? longer : IDLE_MS;
}

static void relay_step_done(struct db_call *call, const struct db_result *result)
{
	struct relay *relay = call->owner;
	int64_t moved;

	if (relay->periodic.closing || db_error(result)) {
		relay->pause_ms = IDLE_MS;
		return relay_step_end(relay);
	}
	relay->gained = false;
	relay_leads_set(relay, db_bool(result, 0, RELAY_MOVE_LEADS));
	moved = db_int(result, 0, RELAY_MOVE_MOVED);
	relay_count(relay, result);
	relay_pause_set(relay, moved, moved || !db_is_null(result, 0, RELAY_MOVE_ID));
	if (!relay_publish(relay, result))
		relay_step_end(relay);
}

static void relay_step(void *job)
{
	struct relay *relay = job;

	relay->began_ms = loop_now(relay->app->loop);
	periodic_run(&relay->periodic, relay_step_done, relay_move,
		&(struct relay_move){ .holder = relay->holder,
			.published = relay->published,
			.move = MOVE_MAX,
			.publish = cache_up(relay->app->cache) ? PUBLISH_MAX : 0,
			.lease_s = LEASE_S,
			.renew_s = RENEW_S });
}

/* --- Life ------------------------------------------------------------------------------------- */

int relay_new(struct app *app, struct relay **ret)
{
	static const struct periodic_spec spec = {
		.first_ms = IDLE_MS, .every_ms = WATCH_MS, .round = relay_step, .free = free
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
