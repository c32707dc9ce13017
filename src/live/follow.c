/* SPDX-License-Identifier: MIT
 *
 * What is said, for this process: heard from Redis at once, and read from the table `events`
 * whenever that may have lost something.
 *
 * Each frame names the id said before it, so a gap shows: then the table is read from the last id
 * that was heard. It is also read once a second while all is well, five times a second while Redis
 * is silent, and when a subscription begins. Ids in the table grow in the order of commit (see
 * relay_take), so "id > last" misses nothing.
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

struct follow {
	struct hub *hub;
	struct feed *feed;
	uv_timer_t timer;
	struct db_call call;
	char after[24];
	uint64_t checked_ms;
	unsigned loops;
	bool known, asking, again, timer_open, closing;
};

static void ask(struct follow *follow);

static void follow_end(struct follow *follow)
{
	if (!follow->asking && !follow->timer_open)
		free(follow);
}

static void tell(struct follow *follow, const struct event *events, unsigned count)
{
	struct batch *batch = count ? batch_new(events, count, follow->loops) : NULL;

	if (batch)
		hub_tell(follow->hub->app, batch);
	else if (count)
		/* out of memory: read once more from the last id that was told */
		follow->again = true;
}

/* --- From the table --------------------------------------------------------------------------- */

struct reading {
	struct event events[ROWS_MAX];
	struct text rooms[ROWS_MAX][EVENT_ROOMS_MAX];
};

static void rows_tell(struct follow *follow, const struct db_result *result)
{
	struct reading *reading auto_free = malloc(sizeof(*reading));
	unsigned count = 0;

	if (!reading)
		return;
	for (unsigned row = 0; row < db_rows(result) && row < ROWS_MAX; row++) {
		struct event *event = &reading->events[count];

		if (db_int(result, row, 0) <= follow->hub->last)
			continue; /* Redis was quicker */
		*event = (struct event){ .id = db_int(result, row, 0),
			.aggregate = db_text(result, row, 1),
			.type = db_text(result, row, 2), .payload = db_text(result, row, 4),
			.rooms = reading->rooms[count] };
		event->room_count = rooms_cut(db_text(result, row, 3), reading->rooms[count]);
		count++;
	}
	tell(follow, reading->events, count);
}

static void begun_at(struct follow *follow, const struct db_result *result)
{
	struct hub_house *house = follow->hub->house;

	snprintf(house->source, sizeof(house->source), "%.*s", TEXT_ARGS(db_text(result, 0, 1)));
	follow->hub->last = db_int(result, 0, 0);
	atomic_store(&house->known, true);
	follow->known = true;
	uv_timer_set_repeat(&follow->timer, TICK_MS);
	house->begun(house->arg);
}

static void answered(struct db_call *call, const struct db_result *result)
{
	struct follow *follow = call->owner;
	bool full = false;

	follow->asking = false;
	if (follow->closing)
		return follow_end(follow);
	if (db_error(result))
		return; /* asked again at the next tick */
	follow->checked_ms = loop_now(follow->hub->app->loop);
	if (follow->known) {
		full = db_rows(result) == ROWS_MAX;
		rows_tell(follow, result);
	} else {
		begun_at(follow, result);
	}
	if (full || follow->again)
		ask(follow);
}

static void ask(struct follow *follow)
{
	if (follow->asking || follow->closing) {
		follow->again = true;
		return;
	}
	follow->asking = true;
	follow->again = false;
	snprintf(follow->after, sizeof(follow->after), "%lld", (long long)follow->hub->last);
	follow->call = (struct db_call){
		.query = follow->known ? QUERY_events_after : QUERY_events_newest, .lane = DB_WRITE,
		.count = follow->known ? 2 : 0, .params = { follow->after, ROWS_TEXT },
		.done = answered, .owner = follow };
	db_submit(follow->hub->app->db, &follow->call);
}

static void ticked(uv_timer_t *timer)
{
	struct follow *follow = timer->data;
	uint64_t now = loop_now(follow->hub->app->loop);

	if (!follow->known || !feed_hears(follow->feed) || now - follow->checked_ms >= CHECK_MS)
		ask(follow);
}

/* --- From Redis ------------------------------------------------------------------------------- */

static void frame_heard(void *owner, struct text text)
{
	struct follow *follow = owner;
	struct frame frame;

	if (!follow->known || !frame_parse(text, &frame) ||
		!text_is(frame.source, text_of(follow->hub->house->source)))
		return;
	if (frame.event.id == 0)
		return tell(follow, &frame.event, 1);
	if (frame.event.id <= follow->hub->last)
		return; /* heard before */
	if (frame.previous > follow->hub->last)
		return ask(follow);
	follow->checked_ms = loop_now(follow->hub->app->loop);
	tell(follow, &frame.event, 1);
}

static void feed_begun(void *owner)
{
	ask(owner);
}

/* --- Life ------------------------------------------------------------------------------------- */

int follow_new(struct hub *hub, struct follow **ret)
{
	struct follow *follow = calloc(1, sizeof(*follow));
	const struct feed_options options = { .heard = frame_heard,
		.begun = feed_begun, .owner = follow };
	int error;

	if (!follow)
		return E_NO_MEMORY;
	follow->hub = hub;
	while (hub->app->all[follow->loops])
		follow->loops++;
	error = feed_new(hub->app->loop, hub->app->config, &options, &follow->feed);
	if (!error && uv_timer_init(loop_uv(hub->app->loop), &follow->timer))
		error = E_NO_MEMORY;
	if (error) {
		feed_close(follow->feed);
		free(follow);
		return error;
	}
	follow->timer.data = follow;
	follow->timer_open = true;
	uv_timer_start(&follow->timer, ticked, FIRST_MS, FIRST_MS);
	*ret = follow;
	return 0;
}

static void timer_closed(uv_handle_t *handle)
{
	struct follow *follow = handle->data;

	follow->timer_open = false;
	follow_end(follow);
}

void follow_close(struct follow *follow)
{
	if (!follow)
		return;
	follow->closing = true;
	feed_close(follow->feed);
	uv_close((uv_handle_t *)&follow->timer, timer_closed);
}
