/* SPDX-License-Identifier: MIT
 *
 * Subscribers that poll: one answer, always read from the view `events`.
 */
#include "reeyo/core/json_writer.h"
#include "subscriber.h"

static void poll_link(struct subscriber *subscriber)
{
	struct hub *hub = subscriber->hub;

	subscriber->next_poll = hub->polls;
	if (hub->polls)
		hub->polls->previous_poll = subscriber;
	hub->polls = subscriber;
}

static void poll_unlink(struct subscriber *subscriber)
{
	if (subscriber->previous_poll)
		subscriber->previous_poll->next_poll = subscriber->next_poll;
	else
		subscriber->hub->polls = subscriber->next_poll;
	if (subscriber->next_poll)
		subscriber->next_poll->previous_poll = subscriber->previous_poll;
}

/* --- The answer ------------------------------------------------------------------------------- */

static void poll_event_write(struct json_writer *json, const struct db_result *result, unsigned row)
{
	json_write_object(json);
	json_write_member_int(json, "id", db_int(result, row, EVENTS_MISSED_ID));
	json_write_member_text(json, "type", db_text(result, row, EVENTS_MISSED_TYPE));
	json_write_member_text(json, "aggregate", db_text(result, row, EVENTS_MISSED_AGGREGATE));
	json_write_member_text(json, "at", db_text(result, row, EVENTS_MISSED_AT));
	json_write_member_raw(json, "data", db_text(result, row, EVENTS_MISSED_PAYLOAD));
	json_write_object_end(json);
}

/* result NULL: no events. */
static void poll_reply(struct request *rq, const struct db_result *result, int64_t last, bool reset)
{
	struct buf out = buf_in(rq->arena, 256);
	struct json_writer json = json_write_to(&out);
	unsigned rows = result && !db_is_null(result, 0, EVENTS_MISSED_ID) ? db_rows(result) : 0;

	json_write_object(&json);
	json_write_member_array(&json, "events");
	for (unsigned row = 0; row < rows; row++)
		poll_event_write(&json, result, row);
	json_write_array_end(&json);
	json_write_member_int(&json, "last", last);
	if (reset)
		json_write_member_bool(&json, "reset", true);
	json_write_object_end(&json);
	if (!json_write_finish(&json))
		return reply_error(rq, E_NO_MEMORY);
	reply_data(rq, (struct text){ out.at, out.len });
}

void poll_finish(struct subscriber *subscriber, const struct db_result *result, bool reset)
{
	struct request *rq = subscriber->rq;
	int64_t last = subscriber->last < 0 ? 0 : subscriber->last;
	int error = result ? db_error(result) : 0;

	poll_unlink(subscriber);
	subscriber_free(subscriber);
	if (!request_release(rq))
		return;
	if (error)
		reply_error(rq, error);
	else
		poll_reply(rq, result, last, reset);
}

/* --- Events ----------------------------------------------------------------------------------- */

void poll_catch_up(struct subscriber *subscriber, const struct db_result *result)
{
	bool impossible = !db_error(result) && catch_up_impossible(subscriber, result);

	if (db_error(result))
		return poll_finish(subscriber, result, false);
	if (subscriber->last == HUB_NOW || impossible)
		subscriber->last = db_int(result, 0, EVENTS_MISSED_NEWEST);
	if (impossible)
		return poll_finish(subscriber, NULL, true);
	if (!db_is_null(result, 0, EVENTS_MISSED_ID)) {
		subscriber->last = db_int(result, db_rows(result) - 1, EVENTS_MISSED_ID);
		return poll_finish(subscriber, result, false);
	}
	if (subscriber->due_ms <= loop_now(subscriber->hub->app->loop))
		return poll_finish(subscriber, NULL, false);
	subscriber->catching_up = false;
	if (subscriber->missed && !catch_up_submit(subscriber))
		poll_finish(subscriber, NULL, false);
}

void poll_receive(struct subscriber *subscriber)
{
	if (subscriber->catch_up)
		subscriber->missed = true;
	else if (!catch_up_submit(subscriber))
		poll_finish(subscriber, NULL, false);
}

void polls_finish(struct hub *hub, bool all)
{
	uint64_t now = loop_now(hub->app->loop);
	struct subscriber *next;

	for (struct subscriber *one = hub->polls; one; one = next) {
		next = one->next_poll;
		if (all || (one->due_ms <= now && !one->catch_up))
			poll_finish(one, NULL, false);
	}
}

void hub_poll(struct request *rq, const struct subscription_request *wanted, unsigned wait_s)
{
	struct subscriber *subscriber;
	int error = subscriber_new(rq, wanted, &subscriber);

	if (error)
		return reply_error(rq, error);
	subscriber->rq = rq;
	subscriber->due_ms = loop_now(subscriber->hub->app->loop) + wait_s * 1000ull;
	subscriber->catching_up = true;
	poll_link(subscriber);
	request_hold(rq);
	request_disable_deadline(rq);
	if (!catch_up_submit(subscriber))
		poll_finish(subscriber, NULL, false);
}
