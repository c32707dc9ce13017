/* SPDX-License-Identifier: MIT
 *
 * Messages: see the header. A round reads a page of events after the position of the lease, with
 * the people they concern (messages_read_events); applies the table of notification rules; renders
 * the notifications for the app; and stores everything together with the new position
 * (messages_insert). That is a compare-and-set, so an instance that was held up stores nothing
 * twice. Broadcasts are expanded page by page beside that (broadcast_expand). sending.c sends the
 * rows.
 */
#include "reeyo/jobs/messages.h"

#include <stdio.h>
#include <stdlib.h>

#include "reeyo/core/clock.h"
#include "reeyo/core/log.h"
#include "reeyo/db/db.h"
#include "reeyo/db/leadership.h"
#include "reeyo/domain/notification_rule.h"
#include "reeyo/live/hub.h"
#include "reeyo/partners/notifier.h"
#include "sending.h"

#define EVERY_MS 1000
/* the least time between rounds, so that a busy system has fewer and fuller ones */
#define SOON_MS 50
#define PAGE 200
#define PAGE_TEXT "200"
#define PAGE_MEMORY (16u << 20)
/* accounts a second: more than providers accept, in a statement of some 50 ms */
#define BROADCAST_PAGE "1000"

enum {
	COLUMN_POSITION,
	COLUMN_NEXT,
	COLUMN_COUNT,
	COLUMN_ID,
	COLUMN_TYPE,
	COLUMN_AGE,
	COLUMN_PAYLOAD,
	COLUMN_FACTS,
	COLUMN_RECIPIENTS
};
enum {
	RECIPIENT_ID,
	RECIPIENT_LANGUAGE,
	RECIPIENT_NAME,
	RECIPIENT_DEVICE,
	RECIPIENT_EMAIL,
	RECIPIENT_COLUMNS
};

/* What one round stores, in its arena. */
struct message_page {
	struct arena *arena;
	struct buf messages, notifications; /* JSON arrays, without the closing bracket */
	char position[24], next[24];
	bool full;
};

struct messages {
	struct app *app;
	struct leadership *leadership;
	struct sending *sending;
	uv_timer_t timer;
	struct hub_listener listener;
	struct db_call call, broadcast;
	struct message_page page;
	char *types;           /* of the rules' events, as text[] */
	uint64_t broadcast_at; /* time of the loop's clock when the next page is allowed */
	bool running, broadcasting, soon, timer_open, closing;
};

/* --- Rules ------------------------------------------------------------------------------------ */

/* One event, with the people it concerns. */
struct event_context {
	struct messages *messages;
	const struct db_result *result;
	unsigned row;
	json_t *payload, *facts;
};

static struct text recipient_text(
	const struct event_context *context, enum recipient recipient, unsigned column)
{
	return db_text(context->result, context->row,
		COLUMN_RECIPIENTS + recipient * RECIPIENT_COLUMNS + column);
}

static bool recipient_flag(
	const struct event_context *context, enum recipient recipient, unsigned column)
{
	return db_bool(context->result, context->row,
		COLUMN_RECIPIENTS + recipient * RECIPIENT_COLUMNS + column);
}

/* What the app needs to open the right page: {"type", "orderId", …}, all strings. */
static char *app_data_of(const struct event_context *context, const char *type, struct arena *arena)
{
	static const char *const ids[] = { "orderId", "transactionId", "payoutId", "disputeId" };
	struct buf out = buf_in(arena, 128);

	buf_add_string(&out, "{\"type\":");
	buf_add_json(&out, text_of(type));
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		const char *id = json_string_value(json_object_get(context->payload, ids[i]));

		if (!id)
			continue;
		buf_printf(&out, ",\"%s\":", ids[i]);
		buf_add_json(&out, text_of(id));
	}
	buf_add_string(&out, "}");
	return buf_string(&out);
}

static void message_row_add(struct message_page *page, const struct event_context *context,
	const struct notification_rule *rule, enum channel channel, const char *params,
	const char *data)
{
	struct buf *out = &page->messages;

	buf_printf(out, "%c{\"event\":%lld,\"kind\":\"%s\",\"recipient\":", out->len ? ',' : '[',
		(long long)db_int(context->result, context->row, COLUMN_ID),
		recipient_name(rule->recipient));
	buf_add_json(out, recipient_text(context, rule->recipient, RECIPIENT_ID));
	buf_printf(out,
		",\"channel\":\"%s\",\"template\":\"%s\",\"params\":%s,\"data\":%s,\"language\":",
		channel_name(channel), message_name(rule->message), params, data);
	buf_add_json(out, recipient_text(context, rule->recipient, RECIPIENT_LANGUAGE));
	buf_printf(out, ",\"life\":%lld}",
		(long long)rule->life_s -
			(long long)db_int(context->result, context->row, COLUMN_AGE));
}

static void notification_row_add(struct message_page *page, const struct notification_rule *rule,
	struct text id, const struct said *said, const char *data)
{
	struct buf *out = &page->notifications;
	char now[CLOCK_ISO_SIZE];

	clock_iso(clock_wall_ms(), now);
	buf_printf(out, "%c{\"room\":\"%s:%.*s\",\"payload\":{\"type\":\"%s\",\"title\":",
		out->len ? ',' : '[', recipient_room(rule->recipient), TEXT_ARGS(id),
		rule->notification);
	buf_add_json(out, text_of(said->title));
	buf_add_string(out, ",\"body\":");
	buf_add_json(out, text_of(said->body));
	buf_printf(out, ",\"data\":%s,\"timestamp\":\"%s\"}}", data, now);
}

static json_t *message_params_of(
	const struct event_context *context, const struct notification_rule *rule)
{
	struct text name = recipient_text(context, rule->recipient, RECIPIENT_NAME);
	json_t *own = json_pack("{s:s%}", "name", name.at ? name.at : "", (int)name.len);
	json_t *params = own ? message_params(rule->message, 3,
				       (json_t *[]){ context->payload, context->facts, own })
			     : NULL;

	json_decref(own);
	return params;
}

/* False when out of memory: the round ends, and starts again. */
static bool rule_apply(const struct event_context *context, const struct notification_rule *rule)
{
	struct message_page *page = &context->messages->page;
	const struct notifier *notifier = context->messages->app->notifier;
	json_auto_t *params = message_params_of(context, rule);
	char *params_text auto_free = params ? json_dumps(params, JSON_COMPACT) : NULL;
	const char *data = app_data_of(
		context, rule->notification ? rule->notification : rule->event, page->arena);
	unsigned channels = message_channels(rule->message,
		(struct reach){
			.device = recipient_flag(context, rule->recipient, RECIPIENT_DEVICE),
			.email = recipient_flag(context, rule->recipient, RECIPIENT_EMAIL),
			.push_on = notifier_channel_enabled(notifier, CHANNEL_PUSH),
			.sms_on = notifier_channel_enabled(notifier, CHANNEL_SMS) });
	struct said said;

	if (!params_text || !data)
		return false;
	for (unsigned channel = 0; channel < CHANNELS; channel++)
		if (channels & 1u << channel)
			message_row_add(
				page, context, rule, (enum channel)channel, params_text, data);
	if (!rule->notification)
		return true;
	if (templates_render(notifier_templates(notifier), page->arena, rule->message, CHANNEL_PUSH,
		    language_named(recipient_text(context, rule->recipient, RECIPIENT_LANGUAGE)),
		    params, &said))
		return false;
	notification_row_add(
		page, rule, recipient_text(context, rule->recipient, RECIPIENT_ID), &said, data);
	return true;
}

static bool event_apply_rules(const struct event_context *context)
{
	int64_t age_s = db_int(context->result, context->row, COLUMN_AGE);
	json_t *sources[] = { context->payload, context->facts };
	unsigned done = 0;

	for (const struct notification_rule *rule = notification_rules; rule->event; rule++) {
		if (done & 1u << rule->recipient || age_s > rule->life_s ||
			!recipient_text(context, rule->recipient, RECIPIENT_ID).at ||
			!text_is(db_text(context->result, context->row, COLUMN_TYPE),
				text_of(rule->event)) ||
			!notification_rule_matches(rule, 2, sources))
			continue;
		done |= 1u << rule->recipient;
		if (!rule->silent && !rule_apply(context, rule))
			return false;
	}
	return true;
}

static bool page_apply_rules(struct messages *messages, const struct db_result *result)
{
	bool done = true;

	for (unsigned row = 0; done && row < db_rows(result); row++) {
		struct event_context context = {
			.messages = messages, .result = result, .row = row
		};

		if (db_is_null(result, row, COLUMN_ID))
			continue;
		context.payload = json_loads(db_text(result, row, COLUMN_PAYLOAD).at, 0, NULL);
		context.facts = db_is_null(result, row, COLUMN_FACTS)
			? NULL
			: json_loads(db_text(result, row, COLUMN_FACTS).at, 0, NULL);
		done = event_apply_rules(&context);
		json_decref(context.facts);
		json_decref(context.payload);
	}
	return done;
}

/* --- Rounds ----------------------------------------------------------------------------------- */

static void messages_free_if_idle(struct messages *messages)
{
	if (messages->running || messages->broadcasting || messages->timer_open)
		return;
	free(messages->types);
	free(messages);
}

static void messages_page_start(struct messages *messages);

static void messages_page_end(struct messages *messages, bool more)
{
	arena_free(TAKE_PTR(messages->page.arena));
	messages->running = false;
	if (messages->closing)
		messages_free_if_idle(messages);
	else if (more)
		messages_page_start(messages);
}

static void messages_submit(struct messages *messages, enum query query,
	void (*done)(struct db_call *call, const struct db_result *result), unsigned count,
	const char *const *params)
{
	messages->call = (struct db_call){
		.query = query, .lane = DB_WRITE, .count = count, .done = done, .owner = messages
	};
	memcpy(messages->call.params, params, count * sizeof(*params));
	db_submit(messages->app->db, &messages->call);
}

static void messages_page_stored(struct db_call *call, const struct db_result *result)
{
	struct messages *messages = call->owner;
	bool moved = !messages->closing && !db_error(result) && db_rows(result);

	if (moved && db_int(result, 0, 0) > 0)
		sending_wake(messages->sending);
	messages_page_end(messages, moved && messages->page.full);
}

static const char *json_array_end(struct buf *array)
{
	buf_add_string(array, array->len ? "]" : "[]");
	return buf_string(array);
}

static void messages_page_store(struct messages *messages, const struct db_result *result)
{
	struct message_page *page = &messages->page;
	const char *rows, *notifications;

	snprintf(page->position, sizeof(page->position), "%lld",
		(long long)db_int(result, 0, COLUMN_POSITION));
	snprintf(page->next, sizeof(page->next), "%lld", (long long)db_int(result, 0, COLUMN_NEXT));
	page->full = db_int(result, 0, COLUMN_COUNT) == PAGE;
	page->messages = buf_in(page->arena, 4096);
	page->notifications = buf_in(page->arena, 4096);
	if (!page_apply_rules(messages, result) || !(rows = json_array_end(&page->messages)) ||
		!(notifications = json_array_end(&page->notifications))) {
		log_line(LOG_ERROR, "no memory for the messages of a page of events");
		return messages_page_end(messages, false);
	}
	messages_submit(messages, QUERY_messages_insert, messages_page_stored, 4,
		(const char *[]){ page->position, page->next, rows, notifications });
}

static void messages_page_read(struct db_call *call, const struct db_result *result)
{
	struct messages *messages = call->owner;

	if (messages->closing || db_error(result) || !db_rows(result) ||
		db_int(result, 0, COLUMN_NEXT) == db_int(result, 0, COLUMN_POSITION))
		return messages_page_end(messages, false);
	messages_page_store(messages, result);
}

static void messages_page_start(struct messages *messages)
{
	if (messages->running || messages->closing || !leadership_held(messages->leadership))
		return;
	messages->page =
		(struct message_page){ .arena = arena_new(messages->app->pool, PAGE_MEMORY) };
	if (!messages->page.arena)
		return;
	messages->running = true;
	messages_submit(messages, QUERY_messages_read_events, messages_page_read, 2,
		(const char *[]){ messages->types, PAGE_TEXT });
}

/* --- Broadcasts ------------------------------------------------------------------------------- */

static void broadcast_page_made(struct db_call *call, const struct db_result *result)
{
	struct messages *messages = call->owner;

	messages->broadcasting = false;
	if (messages->closing)
		return messages_free_if_idle(messages);
	if (!db_error(result) && db_rows(result))
		sending_wake(messages->sending);
}

/* At most once a second, however often it is called. */
static void broadcast_page_start(struct messages *messages)
{
	uint64_t now = uv_now(loop_uv(messages->app->loop));

	if (messages->broadcasting || messages->closing || now < messages->broadcast_at ||
		!leadership_held(messages->leadership))
		return;
	messages->broadcasting = true;
	messages->broadcast_at = now + EVERY_MS;
	messages->broadcast = (struct db_call){ .query = QUERY_broadcast_expand,
		.lane = DB_WRITE,
		.count = 1,
		.params = { BROADCAST_PAGE },
		.done = broadcast_page_made,
		.owner = messages };
	db_submit(messages->app->db, &messages->broadcast);
}

/* --- Timer and events ------------------------------------------------------------------------- */

static void messages_tick(uv_timer_t *timer)
{
	struct messages *messages = timer->data;

	messages->soon = false;
	sending_wake(messages->sending);
	messages_page_start(messages);
	broadcast_page_start(messages);
}

static bool event_has_rule(struct text type)
{
	for (const struct notification_rule *rule = notification_rules; rule->event; rule++)
		if (text_is(type, text_of(rule->event)))
			return true;
	return false;
}

static void messages_on_event(struct hub_listener *listener, const struct event *event)
{
	struct messages *messages = CONTAINER_OF(listener, struct messages, listener);

	if (messages->soon || messages->closing || !leadership_held(messages->leadership) ||
		!event_has_rule(event->type))
		return;
	messages->soon = true;
	uv_timer_start(&messages->timer, messages_tick, SOON_MS, EVERY_MS);
}

void messages_listen(struct messages *messages)
{
	messages->listener.on_event = messages_on_event;
	if (messages->app->hub)
		hub_add_listener(messages->app->hub, &messages->listener);
}

/* --- Life ------------------------------------------------------------------------------------- */

static void messages_leadership_gained(void *arg)
{
	messages_tick(&((struct messages *)arg)->timer);
}

/* {order_accepted,…}; a type may be repeated. */
static char *rule_types_new(void)
{
	size_t size = 3;
	char *types, *at;

	for (const struct notification_rule *rule = notification_rules; rule->event; rule++)
		size += strlen(rule->event) + 1;
	types = at = malloc(size);
	if (!types)
		return NULL;
	*at++ = '{';
	for (const struct notification_rule *rule = notification_rules; rule->event; rule++)
		at += snprintf(at, size - (size_t)(at - types), "%s%s",
			rule == notification_rules ? "" : ",", rule->event);
	memcpy(at, "}", 2);
	return types;
}

int messages_new(struct app *app, struct messages **ret)
{
	struct messages *messages = calloc(1, sizeof(*messages));
	int error;

	if (!messages)
		return E_NO_MEMORY;
	messages->app = app;
	messages->timer.data = messages;
	messages->types = rule_types_new();
	error = messages->types
		? leadership_new(app->loop, app->db, "messages", messages_leadership_gained,
			  messages, &messages->leadership)
		: E_NO_MEMORY;
	if (!error)
		error = sending_new(app, messages->leadership, &messages->sending);
	if (error || uv_timer_init(loop_uv(app->loop), &messages->timer)) {
		sending_close(messages->sending);
		leadership_close(messages->leadership);
		messages_free_if_idle(messages);
		return E_NO_MEMORY;
	}
	messages->timer_open = true;
	uv_timer_start(&messages->timer, messages_tick, EVERY_MS, EVERY_MS);
	*ret = messages;
	return 0;
}

static void messages_timer_closed(uv_handle_t *handle)
{
	struct messages *messages = handle->data;

	messages->timer_open = false;
	messages_free_if_idle(messages);
}

void messages_close(struct messages *messages)
{
	if (!messages)
		return;
	messages->closing = true;
	sending_close(TAKE_PTR(messages->sending));
	leadership_close(messages->leadership);
	uv_close((uv_handle_t *)&messages->timer, messages_timer_closed);
}
