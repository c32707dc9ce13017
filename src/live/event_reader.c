/* SPDX-License-Identifier: MIT
 *
 * Reads events for the whole process: from the Redis channel at once, and from the view `events`
 * whenever the channel may have lost something.
 *
 * Each frame names the id published before it, so a gap is noticed: then the view is read from the
 * last id that was received. The view is also read once a second while all is well, five times a
 * second while Redis does not answer, and when the subscription to the channel starts. It shows an
 * id when nothing can come before it any more (see relay_step), so "id > last" misses nothing.
 */
#include <stdio.h>
#include <stdlib.h>

#include "hub.h"
#include "reeyo/cache/feed.h"
#include "reeyo/db/periodic.h"
#include "reeyo/db/queries/events.h"

#define TICK_MS 200
#define FIRST_MS 20 /* until the first answer */
#define CHECK_MS 1000
#define ROWS_MAX 500

struct event_reader {
	struct hub *hub;
	struct periodic periodic;
	struct feed *feed;
	uint64_t checked_ms; /* time of the last read, or of the last frame without a gap */
	unsigned loops;
	bool known;  /* the newest id has been read */
	bool wanted; /* read, even if a check is not due */
};

/* Reads the table now, or directly after the read that is under way. */
static void events_read_wanted(struct event_reader *reader)
{
	reader->wanted = true;
	periodic_wake(&reader->periodic);
}

static void events_broadcast(
	struct event_reader *reader, const struct event *events, unsigned count)
{
	struct batch *batch = count ? batch_new(events, count, reader->loops) : NULL;

	if (batch)
		hub_broadcast(reader->hub->app, batch);
	else if (count)
		/* out of memory: read again from the last id that was delivered */
		events_read_wanted(reader);
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
		int64_t id = db_int(result, row, EVENTS_AFTER_ID);

		if (id <= reader->hub->last)
			continue; /* it came through Redis meanwhile */
		*event = (struct event){ .id = id,
			.aggregate = db_text(result, row, EVENTS_AFTER_AGGREGATE),
			.type = db_text(result, row, EVENTS_AFTER_TYPE),
			.payload = db_text(result, row, EVENTS_AFTER_PAYLOAD),
			.rooms = page->rooms[count] };
		event->room_count = rooms_split(
			db_text(result, row, EVENTS_AFTER_ROOMS), page->rooms[count]);
		count++;
	}
	events_broadcast(reader, page->events, count);
}

static void events_read(struct db_call *call, const struct db_result *result)
{
	struct event_reader *reader = call->owner;

	if (!periodic_continues(&reader->periodic, result))
		return;
	reader->checked_ms = loop_now(reader->hub->app->loop);
	reader->wanted |= db_rows(result) == ROWS_MAX;
	rows_broadcast(reader, result);
	periodic_end(&reader->periodic, reader->wanted);
}

static void newest_read(struct db_call *call, const struct db_result *result)
{
	struct event_reader *reader = call->owner;
	struct hub_shared *shared = reader->hub->shared;

	if (!periodic_continues(&reader->periodic, result))
		return;
	snprintf(shared->source, sizeof(shared->source), "%.*s",
		TEXT_ARGS(db_text(result, 0, EVENTS_NEWEST_SOURCE)));
	reader->hub->last = db_int(result, 0, EVENTS_NEWEST_ID);
	reader->checked_ms = loop_now(reader->hub->app->loop);
	reader->known = true;
	atomic_store(&shared->known, true);
	shared->begun(shared->arg);
	periodic_end(&reader->periodic, false);
}

static bool events_check_is_due(const struct event_reader *reader)
{
	uint64_t now = loop_now(reader->hub->app->loop);

	return reader->wanted || !feed_subscribed(reader->feed) ||
		now - reader->checked_ms >= CHECK_MS;
}

static void event_reader_round(void *job)
{
	struct event_reader *reader = job;

	if (!reader->known) {
		periodic_wake_in(&reader->periodic, FIRST_MS); /* in case this one fails */
		return periodic_run(&reader->periodic, newest_read, events_newest);
	}
	if (!events_check_is_due(reader))
		return periodic_end(&reader->periodic, false);
	reader->wanted = false;
	periodic_run(&reader->periodic, events_read, events_after,
		&(struct events_after){ .after = reader->hub->last, .limit = ROWS_MAX });
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
		return events_read_wanted(reader);
	reader->checked_ms = loop_now(reader->hub->app->loop);
	events_broadcast(reader, &frame.event, 1);
}

static void channel_subscribed(void *owner)
{
	events_read_wanted(owner);
}

/* --- Life ------------------------------------------------------------------------------------- */

int event_reader_new(struct hub *hub, struct event_reader **ret)
{
	static const struct periodic_spec spec = {
		.first_ms = FIRST_MS, .every_ms = TICK_MS, .round = event_reader_round, .free = free
	};
	struct event_reader *reader = calloc(1, sizeof(*reader));
	const struct feed_options options = {
		.on_frame = frame_received, .on_subscribed = channel_subscribed, .owner = reader
	};
	struct app *app = hub->app;
	int error;

	if (!reader)
		return E_NO_MEMORY;
	reader->hub = hub;
	while (app->all[reader->loops])
		reader->loops++;
	error = feed_new(app->loop, app->config, &options, &reader->feed);
	if (!error)
		error = periodic_start(&reader->periodic, app->loop, app->db, &spec, reader);
	if (error) {
		feed_close(reader->feed);
		free(reader);
		return error;
	}
	*ret = reader;
	return 0;
}

void event_reader_close(struct event_reader *reader)
{
	if (!reader)
		return;
	feed_close(reader->feed);
	periodic_close(&reader->periodic);
}
