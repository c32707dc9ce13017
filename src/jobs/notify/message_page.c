/* SPDX-License-Identifier: MIT
 *
 * Applies the table of notification rules to a page of events.
 */
#include "message_page.h"

#include <stdlib.h>

#include "reeyo/core/clock.h"
#include "reeyo/core/json_writer.h"
#include "reeyo/db/queries/messages.h"
#include "reeyo/domain/notification_rule.h"

struct page_writer {
	struct arena *arena;
	const struct notifier *notifier;
	struct json_writer messages, notifications;
};

/* One event, with the people it concerns. */
struct event_context {
	struct page_writer *writer;
	const struct db_result *result;
	unsigned row;
	json_t *payload, *facts;
};

/* --- Recipients ------------------------------------------------------------------------------- */

/* The columns of each recipient. */
static const struct recipient_columns {
	unsigned id, language, name, has_device, has_email;
} recipient_columns[RECIPIENTS] = {
	[TO_USER] = { MESSAGES_READ_EVENTS_USER_ID, MESSAGES_READ_EVENTS_USER_LANGUAGE,
		MESSAGES_READ_EVENTS_USER_NAME, MESSAGES_READ_EVENTS_USER_HAS_DEVICE,
		MESSAGES_READ_EVENTS_USER_HAS_EMAIL },
	[TO_VENDOR] = { MESSAGES_READ_EVENTS_VENDOR_ID, MESSAGES_READ_EVENTS_VENDOR_LANGUAGE,
		MESSAGES_READ_EVENTS_VENDOR_NAME, MESSAGES_READ_EVENTS_VENDOR_HAS_DEVICE,
		MESSAGES_READ_EVENTS_VENDOR_HAS_EMAIL },
	[TO_RIDER] = { MESSAGES_READ_EVENTS_RIDER_ID, MESSAGES_READ_EVENTS_RIDER_LANGUAGE,
		MESSAGES_READ_EVENTS_RIDER_NAME, MESSAGES_READ_EVENTS_RIDER_HAS_DEVICE,
		MESSAGES_READ_EVENTS_RIDER_HAS_EMAIL },
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

static struct reach recipient_reach(const struct event_context *context, enum recipient recipient)
{
	const struct recipient_columns *columns = &recipient_columns[recipient];
	const struct notifier *notifier = context->writer->notifier;

	return (struct reach){
		.device = db_bool(context->result, context->row, columns->has_device),
		.email = db_bool(context->result, context->row, columns->has_email),
		.push_on = notifier_channel_enabled(notifier, CHANNEL_PUSH),
		.sms_on = notifier_channel_enabled(notifier, CHANNEL_SMS),
	};
}

/* --- Rows ------------------------------------------------------------------------------------- */

/* What the app needs to open the right page: {"type", "orderId", …}, all strings. */
static char *app_data_of(const struct event_context *context, const char *type)
{
	static const char *const ids[] = { "orderId", "transactionId", "payoutId", "disputeId" };
	struct buf out = buf_in(context->writer->arena, 128);
	struct json_writer json = json_write_to(&out);

	json_write_object(&json);
	json_write_member_string(&json, "type", type);
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		const char *id = json_string_value(json_object_get(context->payload, ids[i]));

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
	int64_t age_s = db_int(context->result, context->row, MESSAGES_READ_EVENTS_AGE_S);

	json_write_object(json);
	json_write_member_int(
		json, "event", db_int(context->result, context->row, MESSAGES_READ_EVENTS_ID));
	json_write_member_string(json, "kind", recipient_name(rule->recipient));
	json_write_member_text(json, "recipient", recipient_id(context, rule->recipient));
	json_write_member_string(json, "channel", channel_name(channel));
	json_write_member_string(json, "template", message_name(rule->message));
	json_write_member_raw(json, "params", text_of(params));
	json_write_member_raw(json, "data", text_of(data));
	json_write_member_text(json, "language", recipient_language(context, rule->recipient));
	json_write_member_int(json, "life", (int64_t)rule->life_s - age_s);
	json_write_object_end(json);
}

static void notification_row_add(const struct event_context *context,
	const struct notification_rule *rule, const struct rendered *rendered, const char *data)
{
	struct json_writer *json = &context->writer->notifications;
	char now[CLOCK_ISO_SIZE];

	clock_iso(clock_wall_ms(), now);
	json_write_object(json);
	json_write_member_string(json, "room",
		arena_printf(context->writer->arena, "%s:%.*s", recipient_room(rule->recipient),
			TEXT_ARGS(recipient_id(context, rule->recipient))));
	json_write_member_object(json, "payload");
	json_write_member_string(json, "type", rule->notification);
	json_write_member_string(json, "title", rendered->title);
	json_write_member_string(json, "body", rendered->body);
	json_write_member_raw(json, "data", text_of(data));
	json_write_member_string(json, "timestamp", now);
	json_write_object_end(json);
	json_write_object_end(json);
}

/* --- Rules ------------------------------------------------------------------------------------ */

static json_t *message_params_of(
	const struct event_context *context, const struct notification_rule *rule)
{
	struct text name = recipient_full_name(context, rule->recipient);
	json_t *own = json_pack("{s:s%}", "name", name.at ? name.at : "", (int)name.len);
	json_t *params = own ? message_params(rule->message, 3,
				       (json_t *[]){ context->payload, context->facts, own })
			     : NULL;

	json_decref(own);
	return params;
}

/* False when out of memory. */
static bool rule_notify(const struct event_context *context, const struct notification_rule *rule,
	const json_t *params, const char *data)
{
	const struct page_writer *writer = context->writer;
	struct rendered rendered;

	if (!rule->notification)
		return true;
	if (templates_render(notifier_templates(writer->notifier), writer->arena, rule->message,
		    CHANNEL_PUSH, language_named(recipient_language(context, rule->recipient)),
		    params, &rendered))
		return false;
	notification_row_add(context, rule, &rendered, data);
	return true;
}

/* False when out of memory. */
static bool rule_apply(const struct event_context *context, const struct notification_rule *rule)
{
	json_auto_t *params = message_params_of(context, rule);
	char *params_text auto_free = params ? json_dumps(params, JSON_COMPACT) : NULL;
	const char *data = app_data_of(
		context, rule->notification ? rule->notification : rule->event);
	unsigned channels = message_channels(
		rule->message, recipient_reach(context, rule->recipient));

	if (!params_text || !data)
		return false;
	for (unsigned channel = 0; channel < CHANNELS; channel++)
		if (channels & 1u << channel)
			message_row_add(context, rule, (enum channel)channel, params_text, data);
	return rule_notify(context, rule, params, data);
}

static bool rule_is_due(const struct event_context *context, const struct notification_rule *rule)
{
	json_t *sources[] = { context->payload, context->facts };
	struct text type = db_text(context->result, context->row, MESSAGES_READ_EVENTS_TYPE);

	return recipient_id(context, rule->recipient).at &&
		db_int(context->result, context->row, MESSAGES_READ_EVENTS_AGE_S) <= rule->life_s &&
		text_is(type, text_of(rule->event)) && notification_rule_matches(rule, 2, sources);
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

static bool row_apply_rules(
	struct page_writer *writer, const struct db_result *result, unsigned row)
{
	struct event_context context = { .writer = writer, .result = result, .row = row };
	struct text payload = db_text(result, row, MESSAGES_READ_EVENTS_PAYLOAD);
	struct text facts = db_text(result, row, MESSAGES_READ_EVENTS_FACTS);
	bool done;

	if (db_is_null(result, row, MESSAGES_READ_EVENTS_ID))
		return true;
	context.payload = json_loadb(payload.at, payload.len, 0, NULL);
	context.facts = facts.at ? json_loadb(facts.at, facts.len, 0, NULL) : NULL;
	done = event_apply_rules(&context);
	json_decref(context.facts);
	json_decref(context.payload);
	return done;
}

bool message_page_build(struct arena *arena, const struct notifier *notifier,
	const struct db_result *result, struct message_page *ret)
{
	struct buf messages = buf_in(arena, 4096), notifications = buf_in(arena, 4096);
	struct page_writer writer = { .arena = arena,
		.notifier = notifier,
		.messages = json_write_to(&messages),
		.notifications = json_write_to(&notifications) };

	json_write_array(&writer.messages);
	json_write_array(&writer.notifications);
	for (unsigned row = 0; row < db_rows(result); row++)
		if (!row_apply_rules(&writer, result, row))
			return false;
	json_write_array_end(&writer.messages);
	json_write_array_end(&writer.notifications);
	ret->messages = json_write_finish(&writer.messages);
	ret->notifications = json_write_finish(&writer.notifications);
	return ret->messages && ret->notifications;
}
