/* SPDX-License-Identifier: MIT
 *
 * The hub of a loop: what is said reaches the rooms it is said in.
 *
 * One follower per process (follow.c, on the first loop) hears everything once and makes it into a
 * batch: one allocation with the events and, beside each, the bytes as streams send them. Every
 * loop gets the same batch as a message; it is freed when the last stream has sent its part.
 */
#include "hub.h"

#include <stdlib.h>

#include "reeyo/cache/feed.h"
#include "reeyo/core/log.h"

#define TICK_MS 250
#define PASSING_MAX 1024

/* --- Delivery --------------------------------------------------------------------------------- */

/* An event in several rooms of one listener is heard once. */
static void room_tell(struct hub *hub, struct text room, struct batch *batch,
	const struct batch_event *said)
{
	struct place *next;

	for (struct place *place = room_find(hub->rooms, room); place; place = next) {
		next = place->next;
		if (seat_first(place->member, hub->serial))
			seat_hear(place->member, batch, said);
	}
}

static void event_tell(struct hub *hub, struct batch *batch, const struct batch_event *said)
{
	hub->serial++;
	if (said->event.id)
		hub->last = said->event.id;
	count_one(loop_counters(hub->app->loop), COUNT_EVENTS_HEARD);
	for (struct hub_listener *listener = hub->listeners; listener; listener = listener->next)
		listener->hear(listener, &said->event);
	for (unsigned i = 0; i < said->event.room_count; i++)
		room_tell(hub, said->event.rooms[i], batch, said);
}

static void batch_hear(struct hub *hub, struct batch *batch)
{
	for (unsigned i = 0; i < batch->count; i++)
		event_tell(hub, batch, &batch->events[i]);
	shared_drop(&batch->shared);
}

static void batch_arrived(struct message *message)
{
	struct batch_message *told = CONTAINER_OF(message, struct batch_message, message);

	batch_hear(told->to, told->batch);
}

void hub_tell(struct app *app, struct batch *batch)
{
	for (unsigned i = 0; i < batch->loops && app->all[i]; i++) {
		struct batch_message *told = &batch->messages[i];

		if (app->all[i] == app || !app->all[i]->hub)
			continue;
		*told = (struct batch_message){ .message.run = batch_arrived,
			.to = app->all[i]->hub, .batch = batch };
		shared_hold(&batch->shared);
		loop_post(app->all[i]->loop, &told->message);
	}
	batch_hear(app->hub, batch);
}

void hub_listen(struct hub *hub, struct hub_listener *listener)
{
	listener->next = hub->listeners;
	hub->listeners = listener;
}

/* --- Passing events --------------------------------------------------------------------------- */

static void passing_here(struct app *app, const struct event *event)
{
	unsigned loops = 0;
	struct batch *batch;

	while (app->all[loops])
		loops++;
	batch = batch_new(event, 1, loops);
	if (batch)
		hub_tell(app, batch);
}

static int passing_publish(struct app *app, const char *rooms, const struct event *event)
{
	struct hub_house *house = app->hub->house;
	char *frame auto_free = NULL;
	size_t len;

	if (!atomic_load(&house->known) || !cache_up(app->cache))
		return E_STORE_DOWN;
	frame = frame_pack(text_of(house->source), 0, 0, event->type, event->aggregate,
		text_of(rooms), event->payload, &len);
	return frame ? feed_pass(app->cache, (struct text){ frame, len }) : E_NO_MEMORY;
}

void hub_tell_passing(struct app *app, const char *const *rooms, unsigned count, const char *type,
	struct text payload)
{
	struct text names[HUB_ROOMS_MAX];
	struct event event = { .type = text_of(type), .payload = payload, .rooms = names };
	char list[512] = "";
	size_t len = 0;

	if (!app->hub || payload.len > PASSING_MAX)
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
	if (passing_publish(app, list, &event))
		passing_here(app, &event);
}

/* --- Life ------------------------------------------------------------------------------------- */

int hub_house_new(const struct config *config, void (*begun)(void *arg),
	void *arg, struct hub_house **ret)
{
	struct hub_house *house = calloc(1, sizeof(*house));

	if (!house || uv_mutex_init(&house->mutex)) {
		free(house);
		return E_NO_MEMORY;
	}
	house->config = config;
	house->begun = begun;
	house->arg = arg;
	*ret = house;
	return 0;
}

void hub_house_free(struct hub_house *house)
{
	if (!house)
		return;
	uv_mutex_destroy(&house->mutex);
	free(house);
}

static void ticked(struct deadline *deadline)
{
	struct hub *hub = CONTAINER_OF(deadline, struct hub, tick);

	polls_answer(hub, false);
	deadline_start(&hub->ticks, &hub->tick);
}

int hub_new(struct app *app, struct hub_house *house)
{
	struct hub *hub = calloc(1, sizeof(*hub));
	int error;

	if (!hub)
		return E_NO_MEMORY;
	hub->app = app;
	hub->house = house;
	hub->last = HUB_NOW;
	error = rooms_new(&hub->rooms);
	if (!error && loop_index(app->loop) == 0)
		error = follow_new(hub, &hub->follow);
	if (error) {
		rooms_free(hub->rooms);
		free(hub);
		return error;
	}
	deadline_list_init(&hub->pings, app->loop, (uint64_t)app->config->stream_ping, seat_pinged);
	deadline_list_init(&hub->ticks, app->loop, TICK_MS, ticked);
	deadline_start(&hub->ticks, &hub->tick);
	app->hub = hub;
	return 0;
}

void hub_drain(struct hub *hub)
{
	hub->draining = true;
	polls_answer(hub, true);
}

void hub_free(struct hub *hub)
{
	if (!hub)
		return;
	follow_close(hub->follow);
	/* batches of other loops that have not been heard */
	uv_run(loop_uv(hub->app->loop), UV_RUN_NOWAIT);
	hub_drain(hub);
	deadline_list_close(&hub->pings);
	deadline_list_close(&hub->ticks);
	rooms_free(hub->rooms);
	hub->app->hub = NULL;
	free(hub);
}
