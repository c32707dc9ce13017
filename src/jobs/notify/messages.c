/* SPDX-License-Identifier: MIT
 *
 * Messages: see the header. A round reads a page of events after the position of the lease
 * (messages_read_events), then facts about those that may cause a message (messages_read_facts);
 * builds the messages and notifications that the rules require (message_page.c); and stores them
 * together with the new position (messages_insert). That is a compare-and-set, so an instance that
 * was held up stores nothing twice. When there is nothing to store, the new position is kept in
 * memory and stored once a second: another leader reads those events again, and they cause
 * nothing again. Broadcasts are expanded page by page beside that (broadcast_expand). sending.c
 * sends the rows.
 */
#include "reeyo/jobs/messages.h"

#include <stdlib.h>

#include "message_page.h"
#include "reeyo/core/log.h"
#include "reeyo/db/periodic.h"
#include "reeyo/db/queries/messages.h"
#include "reeyo/domain/notification_rule.h"
#include "reeyo/jobs/counters.h"
#include "reeyo/live/hub.h"
#include "reeyo/partners/notifier.h"
#include "sending.h"

#define EVERY_MS 1000
/* the least time between rounds, so that a busy system has fewer and fuller ones */
#define SOON_MS 50
#define PAGE 200
/* how long a position that only passed events may stay in memory */
#define POSITION_MS 1000
#define PAGE_MEMORY (16u << 20)
/* accounts a second: more than providers accept, in a statement of some 50 ms */
#define BROADCAST_PAGE 1000
#define TYPES_MAX 64

struct messages {
	struct app *app;
	struct periodic periodic;
	struct sending *sending;
	struct hub_listener listener;
	struct arena *arena; /* of the page that is being made */
	struct message_page *page;
	bool full;         /* that page is full: more events may be ready */
	int64_t after;     /* events up to this id are done */
	uint64_t moved_at; /* time of the loop's clock when the position was stored */
	struct db_call broadcast;
	uint64_t broadcast_at; /* time of the loop's clock when the next page is allowed */
	bool broadcasting, soon;
	const char *types[TYPES_MAX]; /* the rules' events */
	unsigned type_count;
};

/* --- Rounds ----------------------------------------------------------------------------------- */

static void page_done(struct messages *messages)
{
	struct counters *counters = loop_counters(messages->app->loop);

	messages->after = messages->page->next;
	count_add(counters, COUNT_MESSAGES_NO_PROVIDER, (int)messages->page->no_provider);
	count_add(counters, COUNT_MESSAGES_NO_ADDRESS, (int)messages->page->no_address);
}

static void messages_page_stored(struct db_call *call, const struct db_result *result)
{
	struct messages *messages = call->owner;
	bool moved = !db_error(result) && db_rows(result);

	if (!periodic_continues(&messages->periodic, result))
		return;
	if (moved)
		page_done(messages);
	if (moved && db_int(result, 0, MESSAGES_INSERT_COUNT) > 0)
		sending_wake(messages->sending);
	periodic_end(&messages->periodic, moved && messages->full);
}

static void page_store(struct messages *messages)
{
	const struct message_page *page = messages->page;
	uint64_t now = loop_now(messages->app->loop);

	if (!page->any &&
		(page->next == page->position || now < messages->moved_at + POSITION_MS)) {
		page_done(messages);
		return periodic_end(&messages->periodic, messages->full);
	}
	messages->moved_at = now;
	periodic_run(&messages->periodic, messages_page_stored, messages_insert,
		&(struct messages_insert){ .position = page->position,
			.next = page->next,
			.messages = page->messages,
			.notifications = page->notifications });
}

static void page_failed(struct messages *messages)
{
	log_line(LOG_ERROR, "no memory for the messages of a page of events");
	periodic_end(&messages->periodic, false);
}

static void messages_facts_read(struct db_call *call, const struct db_result *result)
{
	struct messages *messages = call->owner;

	if (!periodic_continues(&messages->periodic, result))
		return;
	if (!message_page_build(messages->page, result))
		return page_failed(messages);
	page_store(messages);
}

static void messages_page_read(struct db_call *call, const struct db_result *result)
{
	struct messages *messages = call->owner;
	struct message_page *page;
	struct messages_read_facts facts;

	if (!periodic_continues(&messages->periodic, result))
		return;
	if (!db_rows(result))
		return periodic_end(&messages->periodic, false);
	messages->full = db_int(result, 0, MESSAGES_READ_EVENTS_COUNT) == PAGE;
	page = messages->page = message_page_read(messages->arena, messages->app->notifier, result);
	if (!page || (!page->count && !message_page_build(page, NULL)))
		return page_failed(messages);
	if (!page->count)
		return page_store(messages);
	facts = message_page_facts(page);
	periodic_run(&messages->periodic, messages_facts_read, messages_read_facts, &facts);
}

/* --- Broadcasts ------------------------------------------------------------------------------- */

static void broadcast_page_made(struct db_call *call, const struct db_result *result)
{
	struct messages *messages = call->owner;

	messages->broadcasting = false;
	if (!messages->periodic.closing && !db_error(result) && db_rows(result)) {
		count_add(loop_counters(messages->app->loop), COUNT_MESSAGES_NO_PROVIDER,
			(int)db_int(result, 0, BROADCAST_EXPAND_SKIPPED));
		sending_wake(messages->sending);
	}
	periodic_release(&messages->periodic);
}

/* At most once a second, however often it is called. */
static void broadcast_page_start(struct messages *messages)
{
	uint64_t now = loop_now(messages->app->loop);

	if (messages->broadcasting || now < messages->broadcast_at)
		return;
	messages->broadcasting = true;
	messages->broadcast_at = now + EVERY_MS;
	periodic_hold(&messages->periodic);
	messages->broadcast = (struct db_call){
		.lane = DB_WRITE, .done = broadcast_page_made, .owner = messages
	};
	db_run(messages->app->db, &messages->broadcast, broadcast_expand,
		&(struct broadcast_expand){ .limit = BROADCAST_PAGE,
			.push = notifier_channel_enabled(messages->app->notifier, CHANNEL_PUSH),
			.life_s = MESSAGE_BROADCAST_LIFE_S });
}

/* --- Timer and events ------------------------------------------------------------------------- */

static void messages_round(void *job)
{
	struct messages *messages = job;

	messages->soon = false;
	sending_wake(messages->sending);
	broadcast_page_start(messages);
	messages->arena = arena_new(messages->app->pool, PAGE_MEMORY);
	if (!messages->arena)
		return periodic_end(&messages->periodic, false);
	periodic_run(&messages->periodic, messages_page_read, messages_read_events,
		&(struct messages_read_events){ .types = { messages->types, messages->type_count },
			.after = messages->after,
			.limit = PAGE });
}

static void messages_round_ended(void *job)
{
	struct messages *messages = job;

	arena_free(TAKE_PTR(messages->arena));
}

static bool event_has_rule(const struct messages *messages, struct text type)
{
	for (unsigned i = 0; i < messages->type_count; i++)
		if (text_is(type, text_of(messages->types[i])))
			return true;
	return false;
}

static void messages_on_event(struct hub_listener *listener, const struct event *event)
{
	struct messages *messages = CONTAINER_OF(listener, struct messages, listener);

	if (messages->soon || !periodic_leads(&messages->periodic) ||
		!event_has_rule(messages, event->type))
		return;
	messages->soon = true;
	periodic_wake_in(&messages->periodic, SOON_MS);
}

void messages_listen(struct messages *messages)
{
	messages->listener.on_event = messages_on_event;
	if (messages->app->hub)
		hub_add_listener(messages->app->hub, &messages->listener);
}

/* --- Life ------------------------------------------------------------------------------------- */

static void messages_types_set(struct messages *messages)
{
	for (const struct notification_rule *rule = notification_rules; rule->event; rule++)
		if (!event_has_rule(messages, text_of(rule->event)) &&
			messages->type_count < TYPES_MAX)
			messages->types[messages->type_count++] = rule->event;
}

int messages_new(struct app *app, struct messages **ret)
{
	static const struct periodic_spec spec = { .lease = "messages",
		.every_ms = EVERY_MS,
		.round = messages_round,
		.ended = messages_round_ended,
		.free = free };
	struct messages *messages = calloc(1, sizeof(*messages));

	if (!messages)
		return E_NO_MEMORY;
	messages->app = app;
	messages_types_set(messages);
	if (sending_new(app, &messages->periodic, &messages->sending) ||
		periodic_start(&messages->periodic, app->loop, app->db, &spec, messages)) {
		sending_close(messages->sending);
		free(messages);
		return E_NO_MEMORY;
	}
	*ret = messages;
	return 0;
}

void messages_close(struct messages *messages)
{
	if (!messages)
		return;
	sending_close(TAKE_PTR(messages->sending));
	periodic_close(&messages->periodic);
}
