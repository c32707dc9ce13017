/* SPDX-License-Identifier: MIT
 *
 * Positions of one loop; see the header.
 *
 * A rider's first position is queued at once. Then the rider rests for WRITE_MS; a newer position
 * that came meanwhile is queued after that. The queue is written once a second, BATCH riders a
 * statement, one statement at a time. A rider that has been silent for as long as a position may be
 * late is dropped from memory.
 */
#include "reeyo/jobs/positions.h"

#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

#include "reeyo/cache/geo.h"
#include "reeyo/core/clock.h"
#include "reeyo/core/json_writer.h"
#include "reeyo/core/memory.h"
#include "reeyo/db/periodic.h"
#include "reeyo/db/queries/availability.h"
#include "reeyo/live/hub.h"
#include "reeyo/service/cache_keys.h"

#define WRITE_MS 30000
#define PAYLOAD_MEMORY 4096
#define BATCH 25

struct tracked_rider {
	UT_hash_handle hh;
	struct positions *positions;
	struct deadline rest, silence;
	struct tracked_rider *next_ready;
	double lat, lng;
	int64_t at_ms;
	bool dirty, ready;
	char id[68];
};

struct positions {
	struct app *app;
	struct tracked_rider *riders;
	struct tracked_rider *ready, **ready_end;
	struct deadline_list rests, silences;
	struct hub_listener listener;
	struct periodic periodic;
	char batch[BATCH][68]; /* riders of the statement that is running */
	unsigned batch_count;
};

/* --- Riders ----------------------------------------------------------------------------------- */

static struct tracked_rider *tracked_rider_find(const struct positions *positions, const char *id)
{
	struct tracked_rider *rider;

	HASH_FIND_STR(positions->riders, id, rider);
	return rider;
}

static void tracked_rider_queue(struct tracked_rider *rider)
{
	struct positions *positions = rider->positions;

	rider->ready = true;
	rider->next_ready = NULL;
	*positions->ready_end = rider;
	positions->ready_end = &rider->next_ready;
}

static struct tracked_rider *tracked_rider_new(struct positions *positions, const char *id)
{
	struct tracked_rider *rider = calloc(1, sizeof(*rider));

	if (!rider)
		return NULL;
	rider->positions = positions;
	rider->at_ms = INT64_MIN;
	snprintf(rider->id, sizeof(rider->id), "%s", id);
	HASH_ADD_STR(positions->riders, id, rider);
	return rider;
}

static void tracked_rider_rested(struct deadline *deadline)
{
	struct tracked_rider *rider = CONTAINER_OF(deadline, struct tracked_rider, rest);

	if (rider->dirty && !rider->ready)
		tracked_rider_queue(rider);
}

static void tracked_rider_silent(struct deadline *deadline)
{
	struct tracked_rider *rider = CONTAINER_OF(deadline, struct tracked_rider, silence);

	if (rider->ready || rider->dirty)
		return deadline_start(&rider->positions->silences, deadline);
	deadline_stop(&rider->rest);
	HASH_DEL(rider->positions->riders, rider);
	free(rider);
}

int64_t positions_last_ms(const struct positions *positions, const char *id)
{
	const struct tracked_rider *rider = tracked_rider_find(positions, id);

	return rider ? rider->at_ms : INT64_MIN;
}

void positions_record(
	struct positions *positions, const char *id, double lat, double lng, int64_t at_ms)
{
	struct tracked_rider *rider = tracked_rider_find(positions, id);

	if (!rider)
		rider = tracked_rider_new(positions, id);
	if (!rider || rider->at_ms > at_ms)
		return;
	rider->lat = lat;
	rider->lng = lng;
	rider->at_ms = at_ms;
	rider->dirty = true;
	deadline_start(&positions->silences, &rider->silence);
	if (!rider->ready && !deadline_runs(&rider->rest))
		tracked_rider_queue(rider);
}

/* --- Into PostgreSQL -------------------------------------------------------------------------- */

static void positions_flushed(struct db_call *call, const struct db_result *result)
{
	struct positions *positions = call->owner;

	for (unsigned i = 0; db_error(result) && i < positions->batch_count; i++) {
		struct tracked_rider *rider = tracked_rider_find(positions, positions->batch[i]);

		if (rider)
			rider->dirty = true; /* written again after the rest */
	}
	if (periodic_continues(&positions->periodic, result))
		periodic_end(&positions->periodic, positions->batch_count == BATCH);
}

static struct tracked_rider *tracked_rider_dequeue(struct positions *positions)
{
	struct tracked_rider *rider = positions->ready;

	if (!rider)
		return NULL;
	positions->ready = rider->next_ready;
	if (!positions->ready)
		positions->ready_end = &positions->ready;
	rider->ready = rider->dirty = false;
	deadline_start(&positions->rests, &rider->rest);
	return rider;
}

/* One statement's riders, as its parameters. */
struct positions_batch {
	const char *ids[BATCH];
	double lats[BATCH], lngs[BATCH];
	int64_t times_ms[BATCH];
};

static void positions_batch_build(struct positions *positions, struct positions_batch *batch)
{
	struct tracked_rider *rider;

	positions->batch_count = 0;
	while (positions->batch_count < BATCH && (rider = tracked_rider_dequeue(positions))) {
		unsigned i = positions->batch_count++;

		memcpy(positions->batch[i], rider->id, sizeof(rider->id));
		batch->ids[i] = positions->batch[i];
		batch->lats[i] = rider->lat;
		batch->lngs[i] = rider->lng;
		batch->times_ms[i] = rider->at_ms;
	}
}

static void positions_flush(void *job)
{
	struct positions *positions = job;
	struct positions_batch batch;
	unsigned count;

	if (!positions->ready)
		return periodic_end(&positions->periodic, false);
	positions_batch_build(positions, &batch);
	count = positions->batch_count;
	periodic_run(&positions->periodic, positions_flushed, rider_positions_store,
		&(struct rider_positions_store){ .rider_ids = { batch.ids, count },
			.lats = { batch.lats, count },
			.lngs = { batch.lngs, count },
			.times_ms = { batch.times_ms, count } });
}

/* --- Publishing ------------------------------------------------------------------------------- */

/* {"riderId","orderId","location":{"lat","lng"},"timestamp"}. NULL when out of memory. */
static const char *location_payload(struct arena *arena, const char *rider, const char *order,
	double lat, double lng, const char *time)
{
	struct buf out = buf_in(arena, 256);
	struct json_writer json = json_write_to(&out);

	json_write_object(&json);
	json_write_member_string(&json, "riderId", rider);
	json_write_member_string(&json, "orderId", order);
	json_write_member_object(&json, "location");
	json_write_member_decimal(&json, "lat", lat, 6);
	json_write_member_decimal(&json, "lng", lng, 6);
	json_write_object_end(&json);
	json_write_member_string(&json, "timestamp", time);
	json_write_object_end(&json);
	return json_write_finish(&json);
}

static void order_location_publish(
	struct app *app, const struct rider_order *order, const char *payload)
{
	char room[sizeof("order:") + ID_SIZE], user_room[sizeof("user:") + ID_SIZE];
	char vendor_room[sizeof("vendor:") + ID_SIZE];
	const char *const rooms[] = { room, user_room, vendor_room };

	snprintf(room, sizeof(room), "order:%s", order->id);
	snprintf(user_room, sizeof(user_room), "user:%s", order->user_id);
	snprintf(vendor_room, sizeof(vendor_room), "vendor:%s", order->vendor_id);
	hub_publish_ephemeral(
		app, rooms, order->vendor_id[0] ? 3 : 2, "rider_location_update", text_of(payload));
}

void positions_publish(struct app *app, const char *rider, const struct rider_facts *facts,
	double lat, double lng, int64_t at_ms)
{
	char time[CLOCK_ISO_SIZE];
	struct arena *arena;

	if (!app->hub || !facts->order_count)
		return;
	arena = arena_new(app->pool, PAYLOAD_MEMORY * facts->order_count);
	if (!arena)
		return;
	clock_iso(at_ms, time);
	for (unsigned i = 0; i < facts->order_count; i++) {
		const struct rider_order *order = &facts->orders[i];
		const char *payload = location_payload(arena, rider, order->id, lat, lng, time);

		if (payload)
			order_location_publish(app, order, payload);
	}
	arena_free(arena);
}

/* --- Events ----------------------------------------------------------------------------------- */

static void rider_facts_drop(struct app *app, struct text id)
{
	char rider[ID_SIZE];

	if (id.len >= sizeof(rider))
		return;
	snprintf(rider, sizeof(rider), "%.*s", TEXT_ARGS(id));
	rider_facts_invalidate(app, rider);
}

/* Whether an event to a rider's room leaves the rider's orders as they are: an order becomes ready
 * or is offered, a message; or a status of an order that still is this rider's. The end of an order
 * has an event of its own. */
static bool rider_keeps_orders(const struct event *event, struct text rider)
{
	char member[ID_SIZE + 16];
	int len;

	if (!text_is(event->type, TEXT("order_status_update")))
		return text_is(event->type, TEXT("order_ready_for_pickup")) ||
			text_is(event->type, TEXT("delivery_request")) ||
			text_is(event->type, TEXT("notification"));
	len = snprintf(member, sizeof(member), "\"riderId\":\"%.*s\"", TEXT_ARGS(rider));
	return len < (int)sizeof(member) &&
		memmem(event->payload.at, event->payload.len, member, (size_t)len);
}

/* The status or the orders of a rider have changed: facts that this loop caches are outdated. */
static void positions_on_event(struct hub_listener *listener, const struct event *event)
{
	struct positions *positions = CONTAINER_OF(listener, struct positions, listener);
	const struct text prefix = TEXT("rider:");

	if (!event->id)
		return;
	if (text_is(event->type, TEXT("rider_status_changed")) ||
		text_is(event->type, TEXT("rider_changed")))
		rider_facts_drop(positions->app, event->aggregate);
	for (unsigned i = 0; i < event->room_count; i++) {
		struct text rider = event->rooms[i];

		if (!text_starts(rider, prefix))
			continue;
		rider = (struct text){ rider.at + prefix.len, rider.len - prefix.len };
		if (!rider_keeps_orders(event, rider))
			rider_facts_drop(positions->app, rider);
	}
}

void positions_listen(struct positions *positions)
{
	positions->listener.on_event = positions_on_event;
	if (positions->app->hub)
		hub_add_listener(positions->app->hub, &positions->listener);
}

/* --- Life ------------------------------------------------------------------------------------- */

int positions_new(struct app *app, struct positions **ret)
{
	static const struct periodic_spec spec = {
		.every_ms = 1000, .round = positions_flush, .free = free
	};
	struct positions *positions = calloc(1, sizeof(*positions));

	if (!positions)
		return E_NO_MEMORY;
	positions->app = app;
	positions->ready_end = &positions->ready;
	if (periodic_start(&positions->periodic, app->loop, app->db, &spec, positions)) {
		free(positions);
		return E_NO_MEMORY;
	}
	deadline_list_init(&positions->rests, app->loop, WRITE_MS, tracked_rider_rested);
	deadline_list_init(&positions->silences, app->loop, RIDER_POINT_MAX_AGE_MS + 60000,
		tracked_rider_silent);
	*ret = positions;
	return 0;
}

void positions_close(struct positions *positions)
{
	struct tracked_rider *rider, *next;

	if (!positions)
		return;
	deadline_list_close(&positions->rests);
	deadline_list_close(&positions->silences);
	HASH_ITER(hh, positions->riders, rider, next)
	{
		HASH_DEL(positions->riders, rider);
		free(rider);
	}
	positions->ready = NULL;
	periodic_close(&positions->periodic);
}
