/* SPDX-License-Identifier: MIT
 *
 * The hub of a loop: delivers each event to the subscribers of the rooms it was published to.
 *
 * One event reader per process (event_reader.c, on the first loop) receives every event once and
 * makes a batch: one allocation with the events and, beside each, the bytes as streams send them.
 * Every loop gets the same batch as a message. It is freed when the last stream has sent its part.
 */
#include "hub.h"

#include <stdlib.h>

#include "reeyo/cache/feed.h"
#include "reeyo/core/log.h"
#include "reeyo/live/counters.h"

#define TICK_MS 250
#define EPHEMERAL_MAX 1024

/* --- Delivery --------------------------------------------------------------------------------- */

/* A subscriber that is in several rooms of an event receives it once. */
static void room_deliver(
	struct hub *hub, struct text room, struct batch *batch, const struct batch_event *event)
{
	struct membership *next;

	for (struct membership *one = room_first_member(hub->rooms, room); one; one = next) {
		next = one->next;
		if (subscriber_mark_seen(one->member, hub->serial))
			subscriber_receive(one->member, batch, event);
	}
}

static void event_deliver(struct hub *hub, struct batch *batch, const struct batch_event *event)
{
	hub->serial++;
	if (event->event.id)
		hub->last = event->event.id;
	count_one(loop_counters(hub->app->loop), COUNT_EVENTS_RECEIVED);
	for (struct hub_listener *listener = hub->listeners; listener; listener = listener->next)
		listener->on_event(listener, &event->event);
	for (unsigned i = 0; i < event->event.room_count; i++)
		room_deliver(hub, event->event.rooms[i], batch, event);
}

static void batch_deliver(struct hub *hub, struct batch *batch)
{
	for (unsigned i = 0; i < batch->count; i++)
		event_deliver(hub, batch, &batch->events[i]);
	shared_drop(&batch->shared);
}

static void batch_message_run(struct message *message)
{
	struct batch_message *one = CONTAINER_OF(message, struct batch_message, message);

	batch_deliver(one->to, one->batch);
}

void hub_broadcast(struct app *app, struct batch *batch)
{
	for (unsigned i = 0; i < batch->loops && app->all[i]; i++) {
		struct batch_message *one = &batch->messages[i];

		if (app->all[i] == app || !app->all[i]->hub)
			continue;
		*one = (struct batch_message){
			.message.run = batch_message_run, .to = app->all[i]->hub, .batch = batch
		};
		shared_hold(&batch->shared);
		loop_post(app->all[i]->loop, &one->message);
	}
	batch_deliver(app->hub, batch);
}

void hub_add_listener(struct hub *hub, struct hub_listener *listener)
{
	listener->next = hub->listeners;
	hub->listeners = listener;
}

/* --- Ephemeral events ------------------------------------------------------------------------- */

static void ephemeral_deliver_locally(struct app *app, const struct event *event)
{
	unsigned loops = 0;
	struct batch *batch;

	while (app->all[loops])
		loops++;
	batch = batch_new(event, 1, loops);
	if (batch)
		hub_broadcast(app, batch);
}

static int ephemeral_publish(struct app *app, const char *rooms, const struct event *event)
{
	struct hub_shared *shared = app->hub->shared;
	char *frame auto_free = NULL;
	size_t len;

	if (!atomic_load(&shared->known) || !cache_up(app->cache))
		return E_STORE_DOWN;
	frame = frame_pack(text_of(shared->source), 0, 0, event->type, event->aggregate,
		text_of(rooms), event->payload, &len);
	return frame ? feed_publish_ephemeral(app->cache, (struct text){ frame, len })
		     : E_NO_MEMORY;
}

void hub_publish_ephemeral(struct app *app, const char *const *rooms, unsigned count,
	const char *type, struct text payload)
{
	struct text names[HUB_ROOMS_MAX];
	struct event event = { .type = text_of(type), .payload = payload, .rooms = names };
	char list[512] = "";
	size_t len = 0;

	if (!app->hub || payload.len > EPHEMERAL_MAX)
		return;
	for (unsigned i = 0; i < count && i < HUB_ROOMS_MAX; i++) {
		size_t size = strlen(rooms[i]);

		if (len + size + 2 > sizeof(list))
			break;
		if (i)
			list[len++] = ',';
		memcpy(list + len, rooms[i], size + 1);
		len += size;
		names[event.room_count++] = text_of(rooms[i]);
	}
	if (ephemeral_publish(app, list, &event))
		ephemeral_deliver_locally(app, &event);
}

/* --- Life ------------------------------------------------------------------------------------- */

int hub_shared_new(
	const struct config *config, void (*begun)(void *arg), void *arg, struct hub_shared **ret)
{
	struct hub_shared *shared = calloc(1, sizeof(*shared));

	if (!shared || uv_mutex_init(&shared->mutex)) {
		free(shared);
		return E_NO_MEMORY;
	}
	shared->config = config;
	shared->begun = begun;
	shared->arg = arg;
	*ret = shared;
	return 0;
}

void hub_shared_free(struct hub_shared *shared)
{
	if (!shared)
		return;
	uv_mutex_destroy(&shared->mutex);
	free(shared);
}

static void hub_tick(struct deadline *deadline)
{
	struct hub *hub = CONTAINER_OF(deadline, struct hub, tick);

	polls_finish(hub, false);
	deadline_start(&hub->ticks, &hub->tick);
}

int hub_new(struct app *app, struct hub_shared *shared)
{
	struct hub *hub = calloc(1, sizeof(*hub));
	int error;

	if (!hub)
		return E_NO_MEMORY;
	hub->app = app;
	hub->shared = shared;
	hub->last = HUB_NOW;
	error = rooms_new(&hub->rooms);
	if (!error && loop_index(app->loop) == 0)
		error = event_reader_new(hub, &hub->reader);
	if (error) {
		rooms_free(hub->rooms);
		free(hub);
		return error;
	}
	deadline_list_init(
		&hub->pings, app->loop, (uint64_t)app->config->stream_ping, subscriber_ping_due);
	deadline_list_init(&hub->ticks, app->loop, TICK_MS, hub_tick);
	deadline_start(&hub->ticks, &hub->tick);
	app->hub = hub;
	return 0;
}

void hub_drain(struct hub *hub)
{
	hub->draining = true;
	polls_finish(hub, true);
}

void hub_free(struct hub *hub)
{
	if (!hub)
		return;
	event_reader_close(hub->reader);
	/* takes batches of other loops that have not been delivered */
	uv_run(loop_uv(hub->app->loop), UV_RUN_NOWAIT);
	hub_drain(hub);
	deadline_list_close(&hub->pings);
	deadline_list_close(&hub->ticks);
	rooms_free(hub->rooms);
	hub->app->hub = NULL;
	free(hub);
}
