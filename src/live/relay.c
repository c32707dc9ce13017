/* SPDX-License-Identifier: MIT
 *
 * The relay: see the header.
 *
 * One step is one statement (relay_take) and, when it returns something to publish, one command to
 * Redis; steps follow one another, never two at a time. What Redis has confirmed goes along with
 * the next step as the position of the lease, so that a successor publishes again at most what the
 * last step did, under the same ids. While Redis is away steps only move rows: copies read them
 * from the table, and Redis gets them when it is back.
 *
 * A step every BUSY_MS while there is work, so that two hundred events a second cost fifty
 * statements and not two hundred; idle, the pause grows to IDLE_MS.
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
	/* confirmed by Redis; confirmed once the command under way is */
	int64_t published, saying_to;
	int64_t lag;                  /* as counted */
	uint64_t began_ms, pause_ms;
	bool leads, running, timer_open, closing;
	bool gained; /* the lease, in this step, which did nothing else */
};

static void relay_end(struct relay *relay)
{
	if (!relay->running && !relay->timer_open)
		free(relay);
}

/* --- Steps ------------------------------------------------------------------------------------ */

static void step(uv_timer_t *timer);

/* The next step is due pause_ms after this one began. */
static void step_over(struct relay *relay)
{
	uint64_t spent = loop_now(relay->app->loop) - relay->began_ms;

	relay->running = false;
	if (relay->closing)
		return relay_end(relay);
	uv_timer_start(&relay->timer, step,
		spent < relay->pause_ms ? relay->pause_ms - spent : 0, 0);
}

static void published(void *owner, int error)
{
	struct relay *relay = owner;

	if (!error)
		relay->published = relay->saying_to;
	else
		relay->pause_ms = IDLE_MS;
	step_over(relay);
}

struct saying {
	struct feed_event events[MOVE_MAX + PUBLISH_MAX];
	char *frames[MOVE_MAX + PUBLISH_MAX];
	unsigned count;
};

static void saying_free(struct saying *saying)
{
	for (unsigned i = 0; saying && i < saying->count; i++)
		free(saying->frames[i]);
	free(saying);
}

static int saying_add(struct saying *saying, const struct db_result *result, unsigned row)
{
	struct feed_event *event = &saying->events[saying->count];
	size_t len;
	char *frame;

	*event = (struct feed_event){ .id = db_text(result, row, 5),
		.aggregate = db_text(result, row, 7),
		.type = db_text(result, row, 8), .rooms = db_text(result, row, 9),
		.payload = db_text(result, row, 10) };
	frame = frame_pack(db_text(result, row, 4), db_int(result, row, 5), db_int(result, row, 6),
		event->type, event->aggregate, event->rooms, event->payload, &len);
	if (!frame)
		return E_NO_MEMORY;
	event->frame = (struct text){ frame, len };
	saying->frames[saying->count++] = frame;
	return 0;
}

/* Gives the rows to Redis; true when `published` will be called. */
static bool publish(struct relay *relay, const struct db_result *result)
{
	unsigned rows = db_rows(result);
	struct saying *saying;
	int error = 0;

	if (db_is_null(result, 0, 5) || rows > MOVE_MAX + PUBLISH_MAX)
		return false;
	saying = calloc(1, sizeof(*saying));
	if (!saying)
		return false;
	for (unsigned row = 0; row < rows && !error; row++)
		error = saying_add(saying, result, row);
	relay->saying_to = db_int(result, rows - 1, 5);
	if (!error)
		error = feed_say(relay->app->cache, saying->events,
			saying->count, published, relay);
	saying_free(saying);
	return !error;
}

static void leadership_set(struct relay *relay, bool leads)
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

static void moved_count(struct relay *relay, const struct db_result *result)
{
	struct counters *counters = loop_counters(relay->app->loop);
	int64_t lag = db_int(result, 0, 3);

	count_add(counters, COUNT_EVENTS_RELAYED, db_int(result, 0, 2));
	count_add(counters, COUNT_RELAY_LAG, lag - relay->lag);
	relay->lag = lag;
}

static void pause_set(struct relay *relay, int64_t moved, bool work)
{
	if (!relay->leads)
		relay->pause_ms = WATCH_MS;
	else if (moved >= MOVE_MAX || relay->gained)
		relay->pause_ms = 0;
	else if (work)
		relay->pause_ms = BUSY_MS;
	else
		relay->pause_ms = relay->pause_ms * 2 < IDLE_MS && relay->pause_ms ?
			relay->pause_ms * 2 : IDLE_MS;
}

static void taken(struct db_call *call, const struct db_result *result)
{
	struct relay *relay = call->owner;
	int64_t moved;

	if (relay->closing || db_error(result)) {
		relay->pause_ms = IDLE_MS;
		return step_over(relay);
	}
	relay->gained = false;
	leadership_set(relay, db_bool(result, 0, 0));
	moved = db_int(result, 0, 2);
	moved_count(relay, result);
	pause_set(relay, moved, moved || !db_is_null(result, 0, 5));
	if (!publish(relay, result))
		step_over(relay);
}

static void step(uv_timer_t *timer)
{
	struct relay *relay = timer->data;
	bool speak = cache_up(relay->app->cache);

	relay->running = true;
	relay->began_ms = loop_now(relay->app->loop);
	snprintf(relay->published_text, sizeof(relay->published_text), "%lld",
		(long long)relay->published);
	relay->call = (struct db_call){ .query = QUERY_relay_take, .lane = DB_WRITE, .count = 4,
		.params = { relay->holder, relay->published_text, "500", speak ? "500" : "0" },
		.done = taken, .owner = relay };
	db_submit(relay->app->db, &relay->call);
}

/* --- Life ------------------------------------------------------------------------------------- */

int relay_new(struct app *app, struct relay **ret)
{
	struct relay *relay = calloc(1, sizeof(*relay));

	if (!relay)
		return E_NO_MEMORY;
	relay->app = app;
	id_new(relay->holder, "copy_");
	relay->timer.data = relay;
	if (uv_timer_init(loop_uv(app->loop), &relay->timer)) {
		free(relay);
		return E_NO_MEMORY;
	}
	relay->timer_open = true;
	uv_timer_start(&relay->timer, step, IDLE_MS, 0);
	*ret = relay;
	return 0;
}

static void timer_closed(uv_handle_t *handle)
{
	struct relay *relay = handle->data;

	relay->timer_open = false;
	relay_end(relay);
}

void relay_close(struct relay *relay)
{
	if (!relay)
		return;
	relay->closing = true;
	uv_close((uv_handle_t *)&relay->timer, timer_closed);
}
