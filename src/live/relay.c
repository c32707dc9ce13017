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

#include <stdio.h>
#include <stdlib.h>

#include "frame.h"
#include "reeyo/cache/feed.h"
#include "reeyo/core/id.h"
#include "reeyo/core/log.h"

#define BUSY_MS 20
#define IDLE_MS 100
#define WATCH_MS 1000
#define MOVE_MAX 500
#define PUBLISH_MAX 500

struct relay {
	struct app *app;
	char holder[ID_SIZE];
	uv_timer_t timer;
	struct db_call call;
	char published_text[24];
	/* ids: confirmed by Redis; to be confirmed by the command under way */
	int64_t published, publishing_to;
	int64_t lag; /* as reported to the counters */
	uint64_t began_ms, pause_ms;
	bool leads, running, timer_open, closing;
	bool gained; /* this step took the lease, and did nothing else */
};

static void relay_free_if_idle(struct relay *relay)
{
	if (!relay->running && !relay->timer_open)
		free(relay);
}

/* --- Steps ------------------------------------------------------------------------------------ */

static void relay_step(uv_timer_t *timer);

/* The next step is due pause_ms after this one began. */
static void relay_step_end(struct relay *relay)
{
	uint64_t spent = loop_now(relay->app->loop) - relay->began_ms;

	relay->running = false;
	if (relay->closing)
		return relay_free_if_idle(relay);
	uv_timer_start(&relay->timer, relay_step,
		spent < relay->pause_ms ? relay->pause_ms - spent : 0, 0);
}

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

	*event = (struct feed_event){ .id = db_text(result, row, 5),
		.aggregate = db_text(result, row, 7),
		.type = db_text(result, row, 8),
		.rooms = db_text(result, row, 9),
		.payload = db_text(result, row, 10) };
	frame = frame_pack(db_text(result, row, 4), db_int(result, row, 5), db_int(result, row, 6),
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

	if (db_is_null(result, 0, 5) || rows > MOVE_MAX + PUBLISH_MAX)
		return false;
	publication = calloc(1, sizeof(*publication));
	if (!publication)
		return false;
	for (unsigned row = 0; row < rows && !error; row++)
		error = publication_add(publication, result, row);
	relay->publishing_to = db_int(result, rows - 1, 5);
	if (!error)
		error = feed_publish(relay->app->cache, publication->events, publication->count,
			relay_published, relay);
	publication_free(publication);
	return !error;
}

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
	int64_t lag = db_int(result, 0, 3);

	count_add(counters, COUNT_EVENTS_RELAYED, db_int(result, 0, 2));
	count_add(counters, COUNT_RELAY_LAG, lag - relay->lag);
	relay->lag = lag;
}

static void relay_pause_set(struct relay *relay, int64_t moved, bool work)
{
	if (!relay->leads)
		relay->pause_ms = WATCH_MS;
	else if (moved >= MOVE_MAX || relay->gained)
		relay->pause_ms = 0;
	else if (work)
		relay->pause_ms = BUSY_MS;
	else
		relay->pause_ms = relay->pause_ms * 2 < IDLE_MS && relay->pause_ms
			? relay->pause_ms * 2
			: IDLE_MS;
}

static void relay_step_done(struct db_call *call, const struct db_result *result)
{
	struct relay *relay = call->owner;
	int64_t moved;

	if (relay->closing || db_error(result)) {
		relay->pause_ms = IDLE_MS;
		return relay_step_end(relay);
	}
	relay->gained = false;
	relay_leads_set(relay, db_bool(result, 0, 0));
	moved = db_int(result, 0, 2);
	relay_count(relay, result);
	relay_pause_set(relay, moved, moved || !db_is_null(result, 0, 5));
	if (!relay_publish(relay, result))
		relay_step_end(relay);
}

static void relay_step(uv_timer_t *timer)
{
	struct relay *relay = timer->data;
	bool speak = cache_up(relay->app->cache);

	relay->running = true;
	relay->began_ms = loop_now(relay->app->loop);
	snprintf(relay->published_text, sizeof(relay->published_text), "%lld",
		(long long)relay->published);
	relay->call = (struct db_call){ .query = QUERY_relay_move,
		.lane = DB_WRITE,
		.count = 4,
		.params = { relay->holder, relay->published_text, "500", speak ? "500" : "0" },
		.done = relay_step_done,
		.owner = relay };
	db_submit(relay->app->db, &relay->call);
}

/* --- Life ------------------------------------------------------------------------------------- */

int relay_new(struct app *app, struct relay **ret)
{
	struct relay *relay = calloc(1, sizeof(*relay));

	if (!relay)
		return E_NO_MEMORY;
	relay->app = app;
	id_new(relay->holder, "instance_");
	relay->timer.data = relay;
	if (uv_timer_init(loop_uv(app->loop), &relay->timer)) {
		free(relay);
		return E_NO_MEMORY;
	}
	relay->timer_open = true;
	uv_timer_start(&relay->timer, relay_step, IDLE_MS, 0);
	*ret = relay;
	return 0;
}

static void relay_timer_closed(uv_handle_t *handle)
{
	struct relay *relay = handle->data;

	relay->timer_open = false;
	relay_free_if_idle(relay);
}

void relay_close(struct relay *relay)
{
	if (!relay)
		return;
	relay->closing = true;
	uv_close((uv_handle_t *)&relay->timer, relay_timer_closed);
}
