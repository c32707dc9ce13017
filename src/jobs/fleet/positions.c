/* SPDX-License-Identifier: MIT
 *
 * Positions of one loop; see the header.
 *
 * A rider's first point is ready to be written; then he waits WRITE_MS, and if he has reported
 * meanwhile his last point is ready again. What is ready goes out once a second, BATCH riders a
 * statement, one statement at a time. Who has been silent for as long as a point may be late is
 * forgotten.
 */
#include "reeyo/jobs/positions.h"

#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

#include "reeyo/cache/geo.h"
#include "reeyo/core/clock.h"
#include "reeyo/core/memory.h"
#include "reeyo/live/hub.h"

#define WRITE_MS 30000
#define FLUSH_MS 1000
#define BATCH 25

struct rider {
	UT_hash_handle hh;
	struct positions *positions;
	struct deadline rest, silence;
	struct rider *next_ready;
	double lat, lng;
	int64_t at_ms;
	bool dirty, ready;
	char id[68];
};

struct positions {
	struct app *app;
	struct rider *riders;
	struct rider *ready, **ready_end;
	struct deadline_list rests, silences;
	struct hub_listener listener;
	uv_timer_t timer;
	struct db_call call;
	char taken[BATCH][68];
	unsigned taken_count;
	char ids[BATCH * 70 + 8], lats[BATCH * 16 + 8], lngs[BATCH * 16 + 8], times[BATCH * 22 + 8];
	bool running, timer_open, closing;
};

/* --- Riders ----------------------------------------------------------------------------------- */

static struct rider *rider_find(const struct positions *positions, const char *id)
{
	struct rider *rider;

	HASH_FIND_STR(positions->riders, id, rider);
	return rider;
}

static void rider_ready(struct rider *rider)
{
	struct positions *positions = rider->positions;

	rider->ready = true;
	rider->next_ready = NULL;
	*positions->ready_end = rider;
	positions->ready_end = &rider->next_ready;
}

static struct rider *rider_new(struct positions *positions, const char *id)
{
	struct rider *rider = calloc(1, sizeof(*rider));

	if (!rider)
		return NULL;
	rider->positions = positions;
	rider->at_ms = INT64_MIN;
	snprintf(rider->id, sizeof(rider->id), "%s", id);
	HASH_ADD_STR(positions->riders, id, rider);
	return rider;
}

static void rested(struct deadline *deadline)
{
	struct rider *rider = CONTAINER_OF(deadline, struct rider, rest);

	if (rider->dirty && !rider->ready)
		rider_ready(rider);
}

static void silent(struct deadline *deadline)
{
	struct rider *rider = CONTAINER_OF(deadline, struct rider, silence);

	if (rider->ready || rider->dirty)
		return deadline_start(&rider->positions->silences, deadline);
	deadline_stop(&rider->rest);
	HASH_DEL(rider->positions->riders, rider);
	free(rider);
}

int64_t positions_last(const struct positions *positions, const char *id)
{
	const struct rider *rider = rider_find(positions, id);

	return rider ? rider->at_ms : INT64_MIN;
}

void positions_keep(struct positions *positions, const char *id, double lat,
	double lng, int64_t at_ms)
{
	struct rider *rider = rider_find(positions, id);

	if (!rider)
		rider = rider_new(positions, id);
	if (!rider || rider->at_ms > at_ms)
		return;
	rider->lat = lat;
	rider->lng = lng;
	rider->at_ms = at_ms;
	rider->dirty = true;
	deadline_start(&positions->silences, &rider->silence);
	if (!rider->ready && !deadline_runs(&rider->rest))
		rider_ready(rider);
}

/* --- Into PostgreSQL -------------------------------------------------------------------------- */

static void flush(struct positions *positions);

static void positions_end(struct positions *positions)
{
	if (!positions->running && !positions->timer_open)
		free(positions);
}

static void written(struct db_call *call, const struct db_result *result)
{
	struct positions *positions = call->owner;

	positions->running = false;
	if (positions->closing)
		return positions_end(positions);
	for (unsigned i = 0; db_error(result) && i < positions->taken_count; i++) {
		struct rider *rider = rider_find(positions, positions->taken[i]);

		if (rider)
			rider->dirty = true; /* again when he has rested */
	}
	if (positions->taken_count == BATCH && !db_error(result))
		flush(positions);
}

static struct rider *ready_take(struct positions *positions)
{
	struct rider *rider = positions->ready;

	if (!rider)
		return NULL;
	positions->ready = rider->next_ready;
	if (!positions->ready)
		positions->ready_end = &positions->ready;
	rider->ready = rider->dirty = false;
	deadline_start(&positions->rests, &rider->rest);
	return rider;
}

static size_t array_add(char *out, size_t size, size_t len, const char *value)
{
	int more = snprintf(out + len, size - len, "%c%s", len ? ',' : '{', value);

	return len + (size_t)more;
}

static void batch_take(struct positions *positions)
{
	size_t ids = 0, lats = 0, lngs = 0, times = 0;
	struct rider *rider;
	char number[32];

	positions->taken_count = 0;
	while (positions->taken_count < BATCH && (rider = ready_take(positions))) {
		memcpy(positions->taken[positions->taken_count++], rider->id, sizeof(rider->id));
		ids = array_add(positions->ids, sizeof(positions->ids), ids, rider->id);
		snprintf(number, sizeof(number), "%.7f", rider->lat);
		lats = array_add(positions->lats, sizeof(positions->lats), lats, number);
		snprintf(number, sizeof(number), "%.7f", rider->lng);
		lngs = array_add(positions->lngs, sizeof(positions->lngs), lngs, number);
		snprintf(number, sizeof(number), "%lld", (long long)rider->at_ms);
		times = array_add(positions->times, sizeof(positions->times), times, number);
	}
	positions->ids[ids] = positions->lats[lats] = positions->lngs[lngs] =
		positions->times[times] = '}';
	positions->ids[ids + 1] = positions->lats[lats + 1] = positions->lngs[lngs + 1] =
		positions->times[times + 1] = '\0';
}

static void flush(struct positions *positions)
{
	if (positions->running || !positions->ready)
		return;
	batch_take(positions);
	positions->running = true;
	positions->call = (struct db_call){ .query = QUERY_riders_located,
		.lane = DB_WRITE, .count = 4,
		.params = { positions->ids, positions->lats, positions->lngs, positions->times },
		.done = written, .owner = positions };
	db_submit(positions->app->db, &positions->call);
}

static void flush_due(uv_timer_t *timer)
{
	flush(timer->data);
}

/* --- Telling ---------------------------------------------------------------------------------- */

static void order_tell(struct app *app, const char *rider, const struct rider_order *order,
	double lat, double lng, const char *time)
{
	char room[sizeof("order:") + ID_SIZE], user_room[sizeof("user:") + ID_SIZE];
	char vendor_room[sizeof("vendor:") + ID_SIZE], payload[320];
	const char *const rooms[] = { room, user_room, vendor_room };

	snprintf(room, sizeof(room), "order:%s", order->id);
	snprintf(user_room, sizeof(user_room), "user:%s", order->user_id);
	snprintf(vendor_room, sizeof(vendor_room), "vendor:%s", order->vendor_id);
	snprintf(payload, sizeof(payload),
		"{\"riderId\":\"%s\",\"orderId\":\"%s\",\"location\":{\"lat\":%.6f,\"lng\":%.6f},"
		"\"timestamp\":\"%s\"}",
		rider, order->id, lat, lng, time);
	hub_tell_passing(app, rooms, order->vendor_id[0] ? 3 : 2,
		"rider_location_update", text_of(payload));
}

void positions_tell(struct app *app, const char *rider, const struct rider_facts *facts, double lat,
	double lng, int64_t at_ms)
{
	char time[CLOCK_ISO_SIZE];

	if (!app->hub || !facts->order_count)
		return;
	clock_iso(at_ms, time);
	for (unsigned i = 0; i < facts->order_count; i++)
		order_tell(app, rider, &facts->orders[i], lat, lng, time);
}

/* --- Hearing ---------------------------------------------------------------------------------- */

static void rider_forget_text(struct app *app, struct text id)
{
	char rider[ID_SIZE];

	if (id.len >= sizeof(rider))
		return;
	snprintf(rider, sizeof(rider), "%.*s", TEXT_ARGS(id));
	rider_facts_forget(app, rider);
}

/* A rider's state or his orders are others now: what this loop remembers of him is not true any
 * more. */
static void heard(struct hub_listener *listener, const struct event *event)
{
	struct positions *positions = CONTAINER_OF(listener, struct positions, listener);
	const struct text prefix = TEXT("rider:");

	if (!event->id)
		return;
	if (text_is(event->type, TEXT("rider_status_changed")) ||
		text_is(event->type, TEXT("rider_changed")))
		rider_forget_text(positions->app, event->aggregate);
	for (unsigned i = 0; i < event->room_count; i++)
		if (text_starts(event->rooms[i], prefix))
			rider_forget_text(positions->app,
				(struct text){ event->rooms[i].at + prefix.len,
					event->rooms[i].len - prefix.len });
}

void positions_listen(struct positions *positions)
{
	positions->listener.hear = heard;
	if (positions->app->hub)
		hub_listen(positions->app->hub, &positions->listener);
}

/* --- Life ------------------------------------------------------------------------------------- */

int positions_new(struct app *app, struct positions **ret)
{
	struct positions *positions = calloc(1, sizeof(*positions));

	if (!positions)
		return E_NO_MEMORY;
	positions->app = app;
	positions->ready_end = &positions->ready;
	positions->timer.data = positions;
	if (uv_timer_init(loop_uv(app->loop), &positions->timer)) {
		free(positions);
		return E_NO_MEMORY;
	}
	positions->timer_open = true;
	deadline_list_init(&positions->rests, app->loop, WRITE_MS, rested);
	deadline_list_init(&positions->silences, app->loop, GEO_LATE_MS + 60000, silent);
	uv_timer_start(&positions->timer, flush_due, FLUSH_MS, FLUSH_MS);
	*ret = positions;
	return 0;
}

static void timer_closed(uv_handle_t *handle)
{
	struct positions *positions = handle->data;

	positions->timer_open = false;
	positions_end(positions);
}

void positions_close(struct positions *positions)
{
	struct rider *rider, *next;

	if (!positions)
		return;
	positions->closing = true;
	deadline_list_close(&positions->rests);
	deadline_list_close(&positions->silences);
	HASH_ITER(hh, positions->riders, rider, next) {
		HASH_DEL(positions->riders, rider);
		free(rider);
	}
	positions->ready = NULL;
	uv_close((uv_handle_t *)&positions->timer, timer_closed);
}
