/* SPDX-License-Identifier: MIT
 *
 * Reads events for the whole process: from the Redis channel at once, and from the table `events`
 * whenever the channel may have lost something.
 *
 * Each frame names the id published before it, so a gap is noticed: then the table is read from the
 * last id that was received. The table is also read once a second while all is well, five times a
 * second while Redis does not answer, and when the subscription to the channel starts. Ids in the
 * table grow in the order of commit (see relay_move), so "id > last" misses nothing.
 */
#include <stdio.h>
#include <stdlib.h>

#include "hub.h"
#include "reeyo/cache/feed.h"
#include "reeyo/core/log.h"

#define TICK_MS 200
#define FIRST_MS 20 /* until the first answer */
#define CHECK_MS 1000
#define ROWS_MAX 500
#define ROWS_TEXT "500"

struct event_reader {
	struct hub *hub;
	struct feed *feed;
	uv_timer_t timer;
	struct db_call call;
	char after[24];
	uint64_t checked_ms;
	unsigned loops;
	bool known, reading, again, timer_open, closing;
};

static void events_submit(struct event_reader *reader);

static void event_reader_free_if_idle(struct event_reader *reader)
{
	if (!reader->reading && !reader->timer_open)
		free(reader);
}

static void events_broadcast(
	struct event_reader *reader, const struct event *events, unsigned count)
{
	struct batch *batch = count ? batch_new(events, count, reader->loops) : NULL;

	if (batch)
		hub_broadcast(reader->hub->app, batch);
	else if (count)
		/* out of memory: read again from the last id that was delivered */
		reader->again = true;
}

/* --- From the table --------------------------------------------------------------------------- */

struct event_page {
	struct event events[ROWS_MAX];
	struct text rooms[ROWS_MAX][EVENT_ROOMS_MAX];
};

static void rows_broadcast(struct event_reader *reader, const struct db_result *result)
{
	struct event_page *page auto_free = malloc(sizeof(*page));
	unsigned count = 0;

	if (!page)
		return;
	for (unsigned row = 0; row < db_rows(result) && row < ROWS_MAX; row++) {
		struct event *event = &page->events[count];

		if (db_int(result, row, 0) <= reader->hub->last)
			continue; /* it came through Redis meanwhile */
		*event = (struct event){ .id = db_int(result, row, 0),
			.aggregate = db_text(result, row, 1),
			.type = db_text(result, row, 2),
			.payload = db_text(result, row, 4),
			.rooms = page->rooms[count] };
		event->room_count = rooms_split(db_text(result, row, 3), page->rooms[count]);
		count++;
	}
	events_broadcast(reader, page->events, count);
}

static void position_set(struct event_reader *reader, const struct db_result *result)
{
	struct hub_shared *shared = reader->hub->shared;

	snprintf(shared->source, sizeof(shared->source), "%.*s", TEXT_ARGS(db_text(result, 0, 1)));
	reader->hub->last = db_int(result, 0, 0);
	atomic_store(&shared->known, true);
	reader->known = true;
	uv_timer_set_repeat(&reader->timer, TICK_MS);
	shared->begun(shared->arg);
}

static void events_read(struct db_call *call, const struct db_result *result)
{
	struct event_reader *reader = call->owner;
	bool full = false;

	reader->reading = false;
	if (reader->closing)
		return event_reader_free_if_idle(reader);
	if (db_error(result))
		return; /* read again at the next tick */
	reader->checked_ms = loop_now(reader->hub->app->loop);
	if (reader->known) {
		full = db_rows(result) == ROWS_MAX;
		rows_broadcast(reader, result);
	} else {
		position_set(reader, result);
	}
	if (full || reader->again)
		events_submit(reader);
}

static void events_submit(struct event_reader *reader)
{
	if (reader->reading || reader->closing) {
		reader->again = true;
		return;
	}
	reader->reading = true;
	reader->again = false;
	snprintf(reader->after, sizeof(reader->after), "%lld", (long long)reader->hub->last);
	reader->call =
		(struct db_call){ .query = reader->known ? QUERY_events_after : QUERY_events_newest,
			.lane = DB_WRITE,
			.count = reader->known ? 2 : 0,
			.params = { reader->after, ROWS_TEXT },
			.done = events_read,
			.owner = reader };
	db_submit(reader->hub->app->db, &reader->call);
}

static void event_reader_tick(uv_timer_t *timer)
{
	struct event_reader *reader = timer->data;
	uint64_t now = loop_now(reader->hub->app->loop);

	if (!reader->known || !feed_subscribed(reader->feed) ||
		now - reader->checked_ms >= CHECK_MS)
		events_submit(reader);
}

/* --- From Redis ------------------------------------------------------------------------------- */

static void frame_received(void *owner, struct text text)
{
	struct event_reader *reader = owner;
	struct frame frame;

	if (!reader->known || !frame_parse(text, &frame) ||
		!text_is(frame.source, text_of(reader->hub->shared->source)))
		return;
	if (frame.event.id == 0)
		return events_broadcast(reader, &frame.event, 1);
	if (frame.event.id <= reader->hub->last)
		return; /* a repetition */
	if (frame.previous > reader->hub->last)
		return events_submit(reader);
	reader->checked_ms = loop_now(reader->hub->app->loop);
	events_broadcast(reader, &frame.event, 1);
}

static void channel_subscribed(void *owner)
{
	events_submit(owner);
}

/* --- Life ------------------------------------------------------------------------------------- */

int event_reader_new(struct hub *hub, struct event_reader **ret)
{
	struct event_reader *reader = calloc(1, sizeof(*reader));
	const struct feed_options options = {
		.on_frame = frame_received, .on_subscribed = channel_subscribed, .owner = reader
	};
	int error;

	if (!reader)
		return E_NO_MEMORY;
	reader->hub = hub;
	while (hub->app->all[reader->loops])
		reader->loops++;
	error = feed_new(hub->app->loop, hub->app->config, &options, &reader->feed);
	if (!error && uv_timer_init(loop_uv(hub->app->loop), &reader->timer))
		error = E_NO_MEMORY;
	if (error) {
		feed_close(reader->feed);
		free(reader);
		return error;
	}
	reader->timer.data = reader;
	reader->timer_open = true;
	uv_timer_start(&reader->timer, event_reader_tick, FIRST_MS, FIRST_MS);
	*ret = reader;
	return 0;
}

static void event_reader_timer_closed(uv_handle_t *handle)
{
	struct event_reader *reader = handle->data;

	reader->timer_open = false;
	event_reader_free_if_idle(reader);
}

void event_reader_close(struct event_reader *reader)
{
	if (!reader)
		return;
	reader->closing = true;
	feed_close(reader->feed);
	uv_close((uv_handle_t *)&reader->timer, event_reader_timer_closed);
}
