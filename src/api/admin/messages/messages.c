/* SPDX-License-Identifier: MIT
 *
 * Messages to people: the admin lists them, retries dead ones and sends broadcasts. Rows show the
 * recipient and the times, never the text.
 */
#include "admin/audit.h"
#include "admin/list.h"
#include "admin/reply.h"

#include <stdio.h>

#include "reeyo/api/admin.h"
#include "reeyo/db/queries/messages.h"
#include "reeyo/domain/notification_rule.h"
#include "reeyo/live/hub.h"

#define PEOPLE_MAX 1000
/* Firebase accepts 4 KB in all, including member names and the device's token. */
#define DATA_BYTES 2048
#define PUSH_BYTES 3500

static const char *const message_state_words[] = { "QUEUED", "SENT", "DEAD", "SKIPPED", NULL };
static const char *const channel_words[] = { "SMS", "MAIL", "PUSH", NULL };
static const char *const kind_words[] = { "USER", "VENDOR", "RIDER", NULL };
static const char *const audience_words[] = { "ALL", NULL };

static const struct field list_query[] = {
	{ "status", FIELD_ENUM, .words = message_state_words, .aliases = "state" },
	{ "channel", FIELD_ENUM, .words = channel_words },
	{ "recipient", FIELD_ID, .aliases = "recipient_id recipientId",
		.summary = "Messages to one account" },
	PAGE_FIELDS,
	FIELD_END,
};
static const struct field message_fields[] = { { "id", FIELD_ID, .required = true },
	{ "event_id", FIELD_TEXT, .nullable = true, .summary = "null: a broadcast" },
	{ "recipient_type", FIELD_ENUM, .required = true, .words = kind_words },
	{ "recipient_id", FIELD_ID, .required = true },
	{ "channel", FIELD_ENUM, .required = true, .words = channel_words },
	{ "template", FIELD_TEXT, .required = true }, { "language", FIELD_TEXT, .required = true },
	{ "status", FIELD_ENUM, .required = true, .words = message_state_words },
	{ "tries", FIELD_INT, .required = true },
	{ "next_at", FIELD_TIME, .nullable = true,
		.summary = "When QUEUED: time of the next attempt" },
	{ "last_error", FIELD_TEXT, .nullable = true },
	{ "created_at", FIELD_TIME, .required = true }, { "sent_at", FIELD_TIME, .nullable = true },
	FIELD_END_TITLED("Message") };
#define BROADCAST_FIELDS(ids, snake) \
	{ "title", FIELD_TEXT, .required = true, .min = 1, .max = 100 }, \
		{ "body", FIELD_TEXT, .lines = true, .required = true, .min = 1, .max = 1000, \
			.aliases = "message" }, \
		{ "data", FIELD_OBJECT, \
			.summary = \
				"Passed to the app: texts, numbers and booleans, at most 2 KB. Names " \
				"reserved by push services (from, message_type, google…, gcm…) are " \
				"refused" }, \
		{ ids, FIELD_LIST, .max = PEOPLE_MAX, .each = FIELD_ID, .aliases = snake, \
			.summary = "Only these accounts; absent: all" }, \
		{ "country", FIELD_TEXT, .min = 2, .max = 2, \
			.aliases = "countryCode country_code", \
			.summary = "Only accounts of this country" }, \
		{ "audience", FIELD_ENUM, .words = audience_words, \
			.summary = "ALL is the only value" }, \
		FIELD_END
static const struct field users_body[] = { BROADCAST_FIELDS("userIds", "user_ids") };
static const struct field vendors_body[] = { BROADCAST_FIELDS("vendorIds", "vendor_ids") };
static const struct field riders_body[] = { BROADCAST_FIELDS("riderIds", "rider_ids") };
static const struct field broadcast_fields[] = {
	{ "targeted", FIELD_INT, .required = true,
		.summary = "Accounts addressed; all of them "
			   "get it in the app, except with a country: then by push only" },
	{ "sent", FIELD_INT, .required = true,
		.summary = "Of these, with a device; their push goes "
			   "out in the next minutes" },
	{ "failed", FIELD_INT, .required = true, .summary = "Of these, without a device" },
	FIELD_END,
};

/* --- Messages --------------------------------------------------------------------------------- */

static void admin_messages_list(struct request *rq)
{
	sql_report(rq, message_list, admin_reply_page,
		&(struct message_list){ .state = query_text(rq, "status"),
			.channel = query_text(rq, "channel"),
			.recipient = query_text(rq, "recipient"),
			PAGE_PARAMS(rq) });
}

static void admin_message_retried(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return reply_error(rq, E_NOT_FOUND);
	admin_reply_outcome(rq, result);
}

static void admin_message_retry(struct request *rq)
{
	admin_write(rq, message_retry, admin_message_retried, .message_id = rq->params[0],
		.life_s = MESSAGE_REQUEUED_LIFE_S);
}

/* --- Broadcasts ------------------------------------------------------------------------------- */

struct audience {
	enum recipient kind;
	const char *ids;  /* member of the body */
	const char *room; /* of all accounts of this kind */
};
static const struct audience user_audience = { TO_USER, "userIds", "users" };
static const struct audience vendor_audience = { TO_VENDOR, "vendorIds", "vendors" };
static const struct audience rider_audience = { TO_RIDER, "riderIds", "riders" };

static bool push_name_reserved(const char *name)
{
	return strcmp(name, "from") == 0 || strcmp(name, "message_type") == 0 ||
		strncmp(name, "google", 6) == 0 || strncmp(name, "gcm", 3) == 0;
}

/* A value as the text that a push carries; NULL when memory is out. */
static json_t *json_value_text(json_t *value)
{
	char *written auto_free = NULL;

	if (json_is_string(value))
		return json_incref(value);
	written = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	return written ? json_string(written) : NULL;
}

static bool broadcast_data_refuse(struct request *rq, const char *english, const char *french)
{
	reply_field(rq, "data", english, french);
	return false;
}

static bool broadcast_no_memory(struct request *rq)
{
	reply_error(rq, E_NO_MEMORY);
	return false;
}

/* The body's data as a JSON object of texts, for the push. Returns false when it is invalid; the
 * error has been sent. */
static bool broadcast_data_parse(struct request *rq, const char **ret)
{
	json_auto_t *texts = json_pack("{s:s}", "type", "BROADCAST");
	const char *name;
	json_t *value;

	json_object_foreach(member(rq->body, "data"), name, value)
	{
		if (push_name_reserved(name))
			return broadcast_data_refuse(
				rq, "holds a reserved name", "contient un nom réservé");
		if (json_is_object(value) || json_is_array(value))
			return broadcast_data_refuse(rq, "must hold texts, numbers and booleans",
				"doit contenir des textes, des nombres et des booléens");
		if (json_object_set_new(texts, name, json_value_text(value)))
			return broadcast_no_memory(rq);
	}
	*ret = arg_json(rq, texts);
	if (!*ret)
		return broadcast_no_memory(rq);
	if (strlen(*ret) > DATA_BYTES)
		return broadcast_data_refuse(
			rq, "must not be longer than 2 KB", "ne doit pas dépasser 2 Ko");
	return true;
}

/* A push that is too long for the push services is refused now, not when it is sent. */
static bool push_fits(struct request *rq, const char *data)
{
	if (strlen(body_text(rq, "title")) + strlen(body_text(rq, "body")) + strlen(data) <=
		PUSH_BYTES)
		return true;
	reply_field(rq, "body", "is too long together with data", "est trop long avec data");
	return false;
}

/* State of a broadcast request. */
struct broadcast_state {
	const struct audience *audience;
	const char *data, *counts; /* counts: data of the reply */
};

static void broadcast_written(struct request *rq, const struct db_result *result)
{
	const struct broadcast_state *state = rq->state;

	(void)result;
	reply_data(rq, text_of(state->counts));
}

static void broadcast_counted(struct request *rq, const struct db_result *result)
{
	struct broadcast_state *state = rq->state;
	const struct audience *audience = state->audience;
	struct text counts = db_text(result, 0, 0);

	state->counts = arena_copy(rq->arena, counts.at, counts.len);
	if (!state->counts)
		return reply_error(rq, E_NO_MEMORY);
	admin_write(rq, message_broadcast, broadcast_written,
		.kind = recipient_name(audience->kind),
		.ids = member_texts(rq, rq->body, audience->ids),
		.country = body_text(rq, "country"), .title = body_text(rq, "title"),
		.body = body_text(rq, "body"), .data = state->data, .all_room = audience->room,
		.room_prefix = recipient_room(audience->kind), .rooms_max = EVENT_ROOMS_MAX);
}

/* Counting a million accounts takes seconds, so it runs on the report lane. The write is short for
 * any number of accounts. */
static void broadcast_start(struct request *rq, const struct audience *audience)
{
	struct broadcast_state *state = arena_alloc(rq->arena, sizeof(*state));
	const char *data;

	if (!state)
		return reply_error(rq, E_NO_MEMORY);
	if (!broadcast_data_parse(rq, &data) || !push_fits(rq, data))
		return;
	*state = (struct broadcast_state){ .audience = audience, .data = data };
	rq->state = state;
	sql_report(rq, broadcast_count, broadcast_counted,
		&(struct broadcast_count){ .kind = recipient_name(audience->kind),
			.ids = member_texts(rq, rq->body, audience->ids),
			.country = body_text(rq, "country") });
}

static void broadcast_to_users(struct request *rq)
{
	broadcast_start(rq, &user_audience);
}

static void broadcast_to_vendors(struct request *rq)
{
	broadcast_start(rq, &vendor_audience);
}

static void broadcast_to_riders(struct request *rq)
{
	broadcast_start(rq, &rider_audience);
}

const struct route admin_message_routes[] = {
	{ GET, "/messages", .operation = "listMessages", .permission = "messages.read",
		.query = list_query, .reply = message_fields, .shape = REPLY_PAGE,
		.run = admin_messages_list, .summary = "Messages to people, newest first" },
	{ POST, "/messages/:id/retry", .operation = "retryMessage", .permission = "messages.retry",
		.any_write = true, .reply = message_fields, .errors = { E_NOT_FOUND, E_CONFLICT },
		.run = admin_message_retry, .audit = "message.retry",
		.summary = "Queue a dead message again" },
	{ POST, "/broadcast/users", .operation = "broadcastToCustomers",
		.permission = "broadcasts.send", .body = users_body, .reply = broadcast_fields,
		.run = broadcast_to_users, .audit = "broadcast",
		.summary = "Send a broadcast to customers" },
	{ POST, "/broadcast/vendors", .operation = "broadcastToVendors",
		.permission = "broadcasts.send", .body = vendors_body, .reply = broadcast_fields,
		.run = broadcast_to_vendors, .audit = "broadcast",
		.summary = "Send a broadcast to vendors" },
	{ POST, "/broadcast/riders", .operation = "broadcastToRiders",
		.permission = "broadcasts.send", .body = riders_body, .reply = broadcast_fields,
		.run = broadcast_to_riders, .audit = "broadcast",
		.summary = "Send a broadcast to riders" },
	ROUTE_END,
};
