/* SPDX-License-Identifier: MIT
 *
 * Applies the table of notification rules to a page of events. Most events cause nothing; the facts
 * about orders and accounts are read only for those that may.
 */
#include "message_page.h"

#include <stdlib.h>

#include "reeyo/core/clock.h"
#include "reeyo/core/json_reader.h"
#include "reeyo/core/json_writer.h"
#include "reeyo/domain/notification_rule.h"

/* Messages of a page that are logged when their channel only logs, for a developer to see. More
 * would cost more than the orders that cause them. */
#define LOGGED_MAX 8

/* An event that may cause messages. */
struct page_event {
	int64_t id, age_s;
	const char *type; /* of the rules */
	json_t *payload;
};

struct page_writer {
	struct message_page *page;
	struct json_writer messages, notifications;
};

/* One event, with the people it concerns. */
struct event_context {
	struct page_writer *writer;
	const struct db_result *result;
	unsigned row;
	const struct page_event *event;
	json_t *facts;
};

/* --- Events ----------------------------------------------------------------------------------- */

/* The text after the prefix of the first room that has it. NULL: none. */
static const char *room_id(struct arena *arena, struct text rooms, struct text prefix)
{
	while (rooms.at) {
		struct text room = text_cut(&rooms, ',');

		if (text_starts(room, prefix))
			return arena_copy(arena, room.at + prefix.len, room.len - prefix.len);
	}
	return NULL;
}

static const char *payload_text(const struct page_event *event, const char *name)
{
	return json_string_value(json_object_get(event->payload, name));
}

static const char *first_of(const char *a, const char *b)
{
	return a ? a : b;
}

/* The order and the accounts of an event: those of its rooms, else those that its payload names.
 * The customer of an order comes with the order. */
static void event_subjects_set(struct message_page *page, struct text rooms)
{
	const struct page_event *event = &page->events[page->count];
	const char *order = payload_text(event, "orderId");
	struct arena *arena = page->arena;

	page->orders[page->count] = order;
	page->users[page->count] = first_of(
		room_id(arena, rooms, TEXT("user:")), order ? NULL : payload_text(event, "userId"));
	page->vendors[page->count] = first_of(
		room_id(arena, rooms, TEXT("vendor:")), payload_text(event, "vendorId"));
	page->riders[page->count] = first_of(
		room_id(arena, rooms, TEXT("rider:")), payload_text(event, "riderId"));
}

static void event_payload_free(void *payload)
{
	json_decref(payload);
}

/* False when out of memory. */
static bool page_event_add(
	struct message_page *page, const struct db_result *result, unsigned row, const char *type)
{
	struct text payload = db_text(result, row, MESSAGES_READ_EVENTS_PAYLOAD);
	struct page_event *event = &page->events[page->count];

	*event = (struct page_event){ .id = db_int(result, row, MESSAGES_READ_EVENTS_ID),
		.age_s = db_int(result, row, MESSAGES_READ_EVENTS_AGE_S),
		.type = type,
		.payload = json_read(payload) };
	if (event->payload && arena_dispose(page->arena, event_payload_free, event->payload)) {
		json_decref(event->payload);
		return false;
	}
	event_subjects_set(page, db_text(result, row, MESSAGES_READ_EVENTS_ROOMS));
	page->count++;
	return true;
}

/* Without an enabled channel, a rule without a notification needs no facts: its messages are only
 * counted. *ret_type: the type as the rules have it. */
static bool event_needs_facts(struct message_page *page, struct text type, const char **ret_type)
{
	unsigned providers = notifier_channels(page->notifier), without = 0;

	*ret_type = NULL;
	for (const struct notification_rule *rule = notification_rules; rule->event; rule++) {
		if (!text_is(type, text_of(rule->event)))
			continue;
		*ret_type = rule->event;
		if (rule->notification || message_channels(rule->message) & providers)
			return true;
		without += !rule->silent;
	}
	page->no_provider += without;
	return false;
}

static bool page_row_read(struct message_page *page, const struct db_result *result, unsigned row)
{
	const char *type;

	if (db_is_null(result, row, MESSAGES_READ_EVENTS_ID) ||
		!event_needs_facts(page, db_text(result, row, MESSAGES_READ_EVENTS_TYPE), &type))
		return true;
	return page_event_add(page, result, row, type);
}

static struct message_page *message_page_new(
	struct arena *arena, const struct notifier *notifier, unsigned events)
{
	struct message_page *page = ARENA_NEW(arena, struct message_page);
	const char **ids = arena_alloc(arena, sizeof(*ids) * events * 4 + 1);

	if (!page || !ids)
		return NULL;
	page->arena = arena;
	page->notifier = notifier;
	page->orders = ids;
	page->users = ids + events;
	page->vendors = ids + 2 * (size_t)events;
	page->riders = ids + 3 * (size_t)events;
	page->events = arena_alloc(arena, sizeof(*page->events) * events + 1);
	return page->events ? page : NULL;
}

struct message_page *message_page_read(
	struct arena *arena, const struct notifier *notifier, const struct db_result *result)
{
	struct message_page *page = message_page_new(arena, notifier, db_rows(result));

	if (!page)
		return NULL;
	page->position = db_int(result, 0, MESSAGES_READ_EVENTS_POSITION);
	page->next = db_int(result, 0, MESSAGES_READ_EVENTS_NEXT);
	for (unsigned row = 0; row < db_rows(result); row++)
		if (!page_row_read(page, result, row))
			return NULL;
	return page;
}

struct messages_read_facts message_page_facts(const struct message_page *page)
{
	return (struct messages_read_facts){ .orders = { page->orders, page->count },
		.users = { page->users, page->count },
		.vendors = { page->vendors, page->count },
		.riders = { page->riders, page->count },
		.push = notifier_channel_enabled(page->notifier, CHANNEL_PUSH),
		.mail = notifier_channel_enabled(page->notifier, CHANNEL_MAIL) };
}

/* --- Recipients ------------------------------------------------------------------------------- */

/* The columns of each recipient. */
static const struct recipient_columns {
	unsigned id, language, name, has_device, has_email;
} recipient_columns[RECIPIENTS] = {
	[TO_USER] = { MESSAGES_READ_FACTS_USER_ID, MESSAGES_READ_FACTS_USER_LANGUAGE,
		MESSAGES_READ_FACTS_USER_NAME, MESSAGES_READ_FACTS_USER_HAS_DEVICE,
		MESSAGES_READ_FACTS_USER_HAS_EMAIL },
	[TO_VENDOR] = { MESSAGES_READ_FACTS_VENDOR_ID, MESSAGES_READ_FACTS_VENDOR_LANGUAGE,
		MESSAGES_READ_FACTS_VENDOR_NAME, MESSAGES_READ_FACTS_VENDOR_HAS_DEVICE,
		MESSAGES_READ_FACTS_VENDOR_HAS_EMAIL },
	[TO_RIDER] = { MESSAGES_READ_FACTS_RIDER_ID, MESSAGES_READ_FACTS_RIDER_LANGUAGE,
		MESSAGES_READ_FACTS_RIDER_NAME, MESSAGES_READ_FACTS_RIDER_HAS_DEVICE,
		MESSAGES_READ_FACTS_RIDER_HAS_EMAIL },
};

static struct text recipient_id(const struct event_context *context, enum recipient recipient)
{
	return db_text(context->result, context->row, recipient_columns[recipient].id);
}

static struct text recipient_language(const struct event_context *context, enum recipient recipient)
{
	return db_text(context->result, context->row, recipient_columns[recipient].language);
}

static struct text recipient_full_name(
	const struct event_context *context, enum recipient recipient)
{
	return db_text(context->result, context->row, recipient_columns[recipient].name);
}

/* Everybody has a phone number. */
static struct reach recipient_reach(const struct event_context *context, enum recipient recipient)
{
	const struct recipient_columns *columns = &recipient_columns[recipient];
	bool device = db_bool(context->result, context->row, columns->has_device);
	bool email = db_bool(context->result, context->row, columns->has_email);

	return (struct reach){
		.addresses = BY_SMS | (device ? BY_PUSH : 0) | (email ? BY_MAIL : 0),
		.providers = notifier_channels(context->writer->page->notifier),
	};
}

/* --- Rows ------------------------------------------------------------------------------------- */

/* What the app needs to open the right page: {"type", "orderId", …}, all strings. */
static char *app_data_of(const struct event_context *context, const char *type)
{
	static const char *const ids[] = { "orderId", "transactionId", "payoutId", "disputeId" };
	struct buf out = buf_in(context->writer->page->arena, 128);
	struct json_writer json = json_write_to(&out);

	json_write_object(&json);
	json_write_member_string(&json, "type", type);
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		const char *id = payload_text(context->event, ids[i]);

		if (id)
			json_write_member_string(&json, ids[i], id);
	}
	json_write_object_end(&json);
	return json_write_finish(&json);
}

static void message_row_add(const struct event_context *context,
	const struct notification_rule *rule, enum channel channel, const char *params,
	const char *data)
{
	struct json_writer *json = &context->writer->messages;

	json_write_object(json);
	json_write_member_int(json, "event", context->event->id);
	json_write_member_string(json, "kind", recipient_name(rule->recipient));
	json_write_member_text(json, "recipient", recipient_id(context, rule->recipient));
	json_write_member_string(json, "channel", channel_name(channel));
	json_write_member_string(json, "template", message_name(rule->message));
	json_write_member_raw(json, "params", text_of(params));
	json_write_member_raw(json, "data", text_of(data));
	json_write_member_text(json, "language", recipient_language(context, rule->recipient));
	json_write_member_int(json, "life", (int64_t)rule->life_s - context->event->age_s);
	json_write_object_end(json);
	context->writer->page->any = true;
}

static void notification_row_add(const struct event_context *context,
	const struct notification_rule *rule, const struct rendered *rendered, const char *data)
{
	struct json_writer *json = &context->writer->notifications;
	char now[CLOCK_ISO_SIZE];

	clock_iso(clock_wall_ms(), now);
	json_write_object(json);
	json_write_member_string(json, "room",
		arena_printf(context->writer->page->arena, "%s:%.*s",
			recipient_room(rule->recipient),
			TEXT_ARGS(recipient_id(context, rule->recipient))));
	json_write_member_object(json, "payload");
	json_write_member_string(json, "type", rule->notification);
	json_write_member_string(json, "title", rendered->title);
	json_write_member_string(json, "body", rendered->body);
	json_write_member_raw(json, "data", text_of(data));
	json_write_member_string(json, "timestamp", now);
	json_write_object_end(json);
	json_write_object_end(json);
	context->writer->page->any = true;
}

/* --- Rules ------------------------------------------------------------------------------------ */

static json_t *message_params_of(
	const struct event_context *context, const struct notification_rule *rule)
{
	struct text name = recipient_full_name(context, rule->recipient);
	json_t *own = json_pack("{s:s%}", "name", name.at ? name.at : "", (int)name.len);
	json_t *params = own ? message_params(rule->message, 3,
				       (json_t *[]){ context->event->payload, context->facts, own })
			     : NULL;

	json_decref(own);
	return params;
}

/* False when out of memory. */
static bool rule_notify(const struct event_context *context, const struct notification_rule *rule,
	const json_t *params, const char *data)
{
	const struct message_page *page = context->writer->page;
	struct rendered rendered;

	if (!rule->notification)
		return true;
	if (templates_render(notifier_templates(page->notifier), page->arena, rule->message,
		    CHANNEL_PUSH, language_named(recipient_language(context, rule->recipient)),
		    params, &rendered))
		return false;
	notification_row_add(context, rule, &rendered, data);
	return true;
}

/* False when out of memory. */
static bool message_log(const struct event_context *context, const struct notification_rule *rule,
	enum channel channel, const json_t *params)
{
	struct message_page *page = context->writer->page;
	struct text to = recipient_id(context, rule->recipient);
	struct rendered rendered;

	page->no_provider++;
	if (page->logged++ >= LOGGED_MAX)
		return true;
	if (templates_render(notifier_templates(page->notifier), page->arena, rule->message,
		    channel, language_named(recipient_language(context, rule->recipient)), params,
		    &rendered))
		return false;
	notifier_log(
		channel, to.at, &rendered, NULL, NULL); /* texts of a result are NUL-terminated */
	return true;
}

/* Queues a message, or logs it when its channel only logs. False when out of memory. */
static bool message_add(const struct event_context *context, const struct notification_rule *rule,
	enum channel channel, const json_t *params, const char *data)
{
	char *params_text auto_free = NULL;

	if (notifier_channel_logs(context->writer->page->notifier, channel))
		return message_log(context, rule, channel, params);
	params_text = json_dumps(params, JSON_COMPACT);
	if (!params_text)
		return false;
	message_row_add(context, rule, channel, params_text, data);
	return true;
}

/* False when out of memory. */
static bool rule_messages_add(const struct event_context *context,
	const struct notification_rule *rule, const json_t *params, const char *data)
{
	struct message_page *page = context->writer->page;
	struct message_ways ways = message_ways(
		rule->message, recipient_reach(context, rule->recipient));

	for (unsigned channel = 0; channel < CHANNELS; channel++)
		if (ways.channels & 1u << channel &&
			!message_add(context, rule, (enum channel)channel, params, data))
			return false;
	page->no_provider += ways.no_provider;
	page->no_address += ways.no_address;
	return true;
}

/* False when out of memory. */
static bool rule_apply(const struct event_context *context, const struct notification_rule *rule)
{
	json_auto_t *params = message_params_of(context, rule);
	const char *data = app_data_of(
		context, rule->notification ? rule->notification : rule->event);

	return params && data && rule_messages_add(context, rule, params, data) &&
		rule_notify(context, rule, params, data);
}

static bool rule_is_due(const struct event_context *context, const struct notification_rule *rule)
{
	json_t *sources[] = { context->event->payload, context->facts };

	return strcmp(context->event->type, rule->event) == 0 &&
		recipient_id(context, rule->recipient).at &&
		context->event->age_s <= rule->life_s &&
		notification_rule_matches(rule, 2, sources);
}

/* The first rule that matches applies, for each recipient. */
static bool event_apply_rules(const struct event_context *context)
{
	unsigned done = 0;

	for (const struct notification_rule *rule = notification_rules; rule->event; rule++) {
		if (done & 1u << rule->recipient || !rule_is_due(context, rule))
			continue;
		done |= 1u << rule->recipient;
		if (!rule->silent && !rule_apply(context, rule))
			return false;
	}
	return true;
}

/* A reason that the system sets is in one language only, so it is left out. */
static void system_reason_remove(const struct event_context *context)
{
	const char *by = json_string_value(json_object_get(context->facts, "by"));

	if (strcmp(context->event->type, "order_cancelled") == 0 && by &&
		(strcmp(by, "SYSTEM") == 0 || strcmp(by, "PAYMENT") == 0))
		json_object_del(context->event->payload, "reason");
}

static bool page_event_apply_rules(
	struct page_writer *writer, const struct db_result *result, unsigned row)
{
	struct text facts = db_text(result, row, MESSAGES_READ_FACTS_FACTS);
	json_auto_t *parsed = facts.at ? json_read(facts) : NULL;
	struct event_context context = { .writer = writer,
		.result = result,
		.row = row,
		.event = &writer->page->events[row],
		.facts = parsed };

	system_reason_remove(&context);
	return event_apply_rules(&context);
}

bool message_page_build(struct message_page *page, const struct db_result *facts)
{
	struct buf messages = buf_in(page->arena, 4096), notifications = buf_in(page->arena, 4096);
	struct page_writer writer = { .page = page,
		.messages = json_write_to(&messages),
		.notifications = json_write_to(&notifications) };
	unsigned rows = facts ? db_rows(facts) : 0;

	json_write_array(&writer.messages);
	json_write_array(&writer.notifications);
	for (unsigned row = 0; row < rows && row < page->count; row++)
		if (!page_event_apply_rules(&writer, facts, row))
			return false;
	json_write_array_end(&writer.messages);
	json_write_array_end(&writer.notifications);
	page->messages = json_write_finish(&writer.messages);
	page->notifications = json_write_finish(&writer.notifications);
	return page->messages && page->notifications;
}
