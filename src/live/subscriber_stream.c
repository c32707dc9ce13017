/* SPDX-License-Identifier: MIT
 *
 * Subscribers with a stream: see subscriber.c for when they read the table and when they take
 * events from the hub.
 */
#include <stdio.h>
#include <stdlib.h>

#include "reeyo/auth/token.h"
#include "reeyo/core/clock.h"
#include "reeyo/live/counters.h"
#include "subscriber.h"

static const char ping[] = ": ping\n\n";

/* Goes live, or reads again when an event came meanwhile. */
static void stream_continue(struct subscriber *subscriber)
{
	if (!subscriber->missed) {
		subscriber->catching_up = false;
		return;
	}
	if (!catch_up_submit(subscriber))
		stream_cut(subscriber->stream);
}

static struct event page_event(const struct db_result *result, unsigned row)
{
	return (struct event){ .id = db_int(result, row, EVENTS_MISSED_ID),
		.type = db_text(result, row, EVENTS_MISSED_TYPE),
		.payload = db_text(result, row, EVENTS_MISSED_PAYLOAD) };
}

static struct shared *page_build(const struct db_result *result, size_t *ret_len)
{
	size_t size = sizeof(struct shared);
	struct event event;
	struct shared *page;
	char *at;

	for (unsigned row = 0; row < db_rows(result); row++) {
		event = page_event(result, row);
		size += wire_size(&event);
	}
	page = malloc(size);
	if (!page)
		return NULL;
	atomic_init(&page->references, 1);
	at = (char *)(page + 1);
	for (unsigned row = 0; row < db_rows(result); row++) {
		event = page_event(result, row);
		at = wire_write(at, &event);
	}
	*ret_len = (size_t)(at - (char *)(page + 1));
	return page;
}

static void page_send(struct subscriber *subscriber, const struct db_result *result)
{
	unsigned rows = db_rows(result);
	size_t len;
	struct shared *page = page_build(result, &len);

	if (!page)
		return stream_cut(subscriber->stream);
	subscriber->last = db_int(result, rows - 1, EVENTS_MISSED_ID);
	if (stream_send(subscriber->stream, page, (char *)(page + 1), len))
		count_add(loop_counters(subscriber->hub->app->loop), COUNT_EVENTS_DELIVERED, rows);
	shared_drop(page);
}

/* Tells the client that events before `newest` are unknown: it must load its state again. */
static void reset_send(struct subscriber *subscriber, int64_t newest)
{
	enum { ROOM = 96 };
	struct shared *shared = malloc(sizeof(*shared) + ROOM);
	int len;

	subscriber->last = newest;
	if (!shared)
		return stream_cut(subscriber->stream);
	atomic_init(&shared->references, 1);
	len = snprintf((char *)(shared + 1), ROOM,
		"id: %lld\nevent: reset\ndata: {\"last\":%lld}\n\n", (long long)newest,
		(long long)newest);
	stream_send(subscriber->stream, shared, (char *)(shared + 1), (size_t)len);
	shared_drop(shared);
}

void stream_catch_up(struct subscriber *subscriber, const struct db_result *result)
{
	if (db_error(result))
		return stream_cut(subscriber->stream); /* the client resumes from the same id */
	if (catch_up_impossible(subscriber, result)) {
		reset_send(subscriber, db_int(result, 0, EVENTS_MISSED_NEWEST));
		return stream_continue(subscriber);
	}
	if (db_is_null(result, 0, EVENTS_MISSED_ID))
		return stream_continue(subscriber);
	subscriber->missed |= db_rows(result) == STREAM_PAGE;
	page_send(subscriber, result); /* continues in stream_queue_empty */
}

void stream_receive(
	struct subscriber *subscriber, struct batch *batch, const struct batch_event *event)
{
	int64_t id = event->event.id;

	if (id && subscriber->catching_up) {
		subscriber->missed = true;
		return;
	}
	if (id && id <= subscriber->last)
		return;
	if (stream_full(subscriber->stream)) {
		if (id)
			subscriber->catching_up = subscriber->missed = true;
		return;
	}
	if (id)
		subscriber->last = id;
	if (stream_send(subscriber->stream, &batch->shared, event->wire.at, event->wire.len))
		count_one(loop_counters(subscriber->hub->app->loop), COUNT_EVENTS_DELIVERED);
}

static void stream_queue_empty(struct stream *stream, void *owner)
{
	struct subscriber *subscriber = owner;

	(void)stream;
	if (subscriber->catching_up && !subscriber->catch_up)
		stream_continue(subscriber);
}

static void stream_closed(void *owner)
{
	subscriber_free(owner);
}

void subscriber_ping_due(struct deadline *deadline)
{
	struct subscriber *subscriber = CONTAINER_OF(deadline, struct subscriber, ping);
	struct app *app = subscriber->hub->app;
	struct stream *stream = subscriber->stream;

	deadline_start(&subscriber->hub->pings, &subscriber->ping);
	if (stream_stuck(stream))
		stream_cut(stream);
	else if (subscriber->caller.expires_s <= clock_wall_s() ||
		token_revoked(app, &subscriber->caller))
		stream_finish(stream, false);
	else if (!stream_full(stream))
		stream_send(stream, NULL, ping, sizeof(ping) - 1);
}

void hub_stream(struct request *rq, const struct subscription_request *wanted)
{
	static const struct stream_calls calls = { stream_queue_empty, stream_closed };
	struct subscriber *subscriber;
	int error = subscriber_new(rq, wanted, &subscriber);

	if (error)
		return reply_error(rq, error);
	subscriber->catching_up = wanted->after != HUB_NOW;
	error = stream_open(rq, &calls, subscriber, &subscriber->stream);
	if (error) {
		subscriber_free(subscriber);
		return reply_error(rq, error);
	}
	deadline_start(&subscriber->hub->pings, &subscriber->ping);
	if (subscriber->catching_up && !catch_up_submit(subscriber))
		stream_cut(subscriber->stream);
}
