/* SPDX-License-Identifier: MIT
 *
 * Subscribers: their life, and how they catch up with what they missed.
 *
 * A subscriber joins its rooms before it reads the view `events`, so no event falls between the
 * two. An event that arrives while it reads is only noted (`missed`) and read from the table too.
 *
 *  catching up: read a page after `last` → send it → (a full page, or an event was noted: again)
 *  → live: events come from the hub; an id that was sent is not sent again; when the stream's
 *  queue is full: catching up
 *
 * The next page is read when the client has taken all of the one before. So a slow client costs at
 * most a full queue and a page, and receives every event at its own pace. A client that takes
 * nothing from one ping to the next is disconnected.
 */
#include "subscriber.h"

#include <stdlib.h>

#define POLL_PAGE 1000

void subscriber_free(struct subscriber *subscriber)
{
	if (subscriber->catch_up)
		subscriber->catch_up->subscriber = NULL;
	deadline_stop(&subscriber->ping);
	for (unsigned i = 0; i < HUB_ROOMS_MAX; i++)
		room_leave(subscriber->hub->rooms, &subscriber->memberships[i]);
	account_leave(subscriber);
	subscriber->hub->subscriber_count--;
	atomic_fetch_sub(&subscriber->hub->shared->subscriber_count, 1);
	free(subscriber);
}

static int subscriber_admit(const struct hub *hub)
{
	if (!hub || hub->draining)
		return E_DRAINING;
	if (!atomic_load(&hub->shared->known))
		return E_STORE_DOWN;
	if (atomic_load(&hub->shared->subscriber_count) >=
		(uint64_t)hub->shared->config->streams_max)
		return E_BUSY;
	return 0;
}

int subscriber_new(
	struct request *rq, const struct subscription_request *wanted, struct subscriber **ret)
{
	struct hub *hub = rq->app->hub;
	struct subscriber *subscriber;
	int error = subscriber_admit(hub);

	if (error)
		return error;
	subscriber = calloc(1, sizeof(*subscriber));
	if (!subscriber)
		return E_NO_MEMORY;
	subscriber->hub = hub;
	subscriber->caller = rq->caller;
	subscriber->last = wanted->after;
	subscriber->scan = wanted->scan;
	hub->subscriber_count++;
	atomic_fetch_add(&hub->shared->subscriber_count, 1);
	for (unsigned i = 0; i < wanted->count && !error; i++)
		error = room_join(
			hub->rooms, wanted->rooms[i], &subscriber->memberships[i], subscriber);
	if (!error)
		error = account_join(subscriber);
	if (error) {
		subscriber_free(subscriber);
		return error;
	}
	*ret = subscriber;
	return 0;
}

void subscriber_close(struct subscriber *subscriber)
{
	if (subscriber->stream)
		stream_finish(subscriber->stream, false);
	else
		poll_finish(subscriber, NULL, false);
}

bool subscriber_mark_seen(struct subscriber *subscriber, uint64_t serial)
{
	bool first = subscriber->seen != serial;

	subscriber->seen = serial;
	return first;
}

void subscriber_receive(
	struct subscriber *subscriber, struct batch *batch, const struct batch_event *event)
{
	if (subscriber->stream)
		stream_receive(subscriber, batch, event);
	else if (event->event.id)
		poll_receive(subscriber);
}

/* --- Catching up ------------------------------------------------------------------------------ */

static void catch_up_read(struct db_call *call, const struct db_result *result)
{
	struct catch_up *catch_up = call->owner;
	struct subscriber *subscriber = catch_up->subscriber;

	if (subscriber) {
		subscriber->catch_up = NULL;
		if (subscriber->stream)
			stream_catch_up(subscriber, result);
		else
			poll_catch_up(subscriber, result);
	}
	free(catch_up);
}

static unsigned rooms_list(const struct subscriber *subscriber, const char *ret[HUB_ROOMS_MAX])
{
	unsigned count = 0;

	for (unsigned i = 0; i < HUB_ROOMS_MAX; i++) {
		const char *name = membership_room_name(&subscriber->memberships[i]);

		if (name)
			ret[count++] = name;
	}
	return count;
}

bool catch_up_submit(struct subscriber *subscriber)
{
	struct app *app = subscriber->hub->app;
	struct catch_up *catch_up = calloc(1, sizeof(*catch_up));
	const char *rooms[HUB_ROOMS_MAX];
	struct events_missed params = { .after = subscriber->last,
		.rooms = { rooms, rooms_list(subscriber, rooms) },
		.limit = subscriber->stream ? STREAM_PAGE : POLL_PAGE };

	if (!catch_up)
		return false;
	if (subscriber->last == HUB_NOW)
		params.after = INT64_MAX; /* only the newest id is read */
	catch_up->subscriber = subscriber;
	subscriber->catch_up = catch_up;
	subscriber->missed = false;
	/* a replica may lag behind what has been sent */
	catch_up->call = (struct db_call){ .lane = app->config->replica_url[0] ? DB_WRITE : DB_READ,
		.done = catch_up_read,
		.owner = catch_up };
	if (subscriber->scan)
		db_run(app->db, &catch_up->call, events_missed_scan,
			&(struct events_missed_scan){ .after = params.after,
				.rooms = params.rooms,
				.limit = params.limit });
	else
		db_run(app->db, &catch_up->call, events_missed, &params);
	return true;
}

bool catch_up_impossible(const struct subscriber *subscriber, const struct db_result *result)
{
	int64_t oldest = db_int(result, 0, EVENTS_MISSED_OLDEST);

	return (subscriber->last > 0 && subscriber->last < oldest - 1) ||
		subscriber->last > db_int(result, 0, EVENTS_MISSED_NEWEST);
}
