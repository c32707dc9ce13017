/* SPDX-License-Identifier: MIT
 *
 * Messages to people as admins see them: what was sent, what could not be, and broadcasts. Rows say
 * to whom and when, never what.
 */
#include "admin/act.h"

#include <stdio.h>

#include "reeyo/api/admin.h"
#include "reeyo/domain/cause.h"

#define PEOPLE_MAX 1000
/* Firebase takes 4 KB in all, of which some is names and the device's token. */
#define DATA_BYTES 2048
#define PUSH_BYTES 3500

static const char *const state_words[] = { "QUEUED", "SENT", "DEAD", "SKIPPED", NULL };
static const char *const channel_words[] = { "SMS", "MAIL", "PUSH", NULL };
static const char *const kind_words[] = { "USER", "VENDOR", "RIDER", NULL };
static const char *const audience_words[] = { "ALL", NULL };

static const struct field list_query[] = {
	{ "status", FIELD_ENUM, .words = state_words, .also = "state" },
	{ "channel", FIELD_ENUM, .words = channel_words },
	{ "recipient", FIELD_ID, .also = "recipient_id recipientId", .does = "Of one account" },
	PAGE_FIELDS,
	FIELD_END
};
static const struct field message_fields[] = {
	{ "id", FIELD_ID, .required = true },
	{ "event_id", FIELD_TEXT, .nullable = true, .does = "null: a broadcast" },
	{ "recipient_type", FIELD_ENUM, .required = true, .words = kind_words },
	{ "recipient_id", FIELD_ID, .required = true },
	{ "channel", FIELD_ENUM, .required = true, .words = channel_words },
	{ "template", FIELD_TEXT, .required = true },
	{ "language", FIELD_TEXT, .required = true },
	{ "status", FIELD_ENUM, .required = true, .words = state_words },
	{ "tries", FIELD_INT, .required = true },
	{ "next_at", FIELD_TIME, .nullable = true,
		.does = "While it is queued: when it is tried next" },
	{ "last_error", FIELD_TEXT, .nullable = true },
	{ "created_at", FIELD_TIME, .required = true },
	{ "sent_at", FIELD_TIME, .nullable = true },
	FIELD_END_TITLED("Message")
};
#define BROADCAST_FIELDS(ids, snake) \
	{ "title", FIELD_TEXT, .required = true, .min = 1, .max = 100 }, \
	{ "body", FIELD_TEXT, .lines = true, .required = true, .min = 1, .max = 1000, \
		.also = "message" }, \
	{ "data", FIELD_OBJECT, \
		.does = "Handed to the app: texts, numbers and booleans, at most 2 KB. Names " \
			"that push services keep for themselves (from, message_type, " \
			"google…, gcm…) are refused" }, \
	{ ids, FIELD_LIST, .max = PEOPLE_MAX, .each = FIELD_ID, .also = snake, \
		.does = "Only these; without it all" }, \
	{ "country", FIELD_TEXT, .min = 2, .max = 2, .also = "countryCode country_code", \
		.does = "Only of this country" }, \
	{ "audience", FIELD_ENUM, .words = audience_words, \
		.does = "ALL is the only one there is" }, \
	FIELD_END
static const struct field users_body[] = { BROADCAST_FIELDS("userIds", "user_ids") };
static const struct field vendors_body[] = { BROADCAST_FIELDS("vendorIds", "vendor_ids") };
static const struct field riders_body[] = { BROADCAST_FIELDS("riderIds", "rider_ids") };
static const struct field broadcast_fields[] = {
	{ "targeted", FIELD_INT, .required = true, .does = "Accounts it is meant for; all of them "
		"hear it in the app, but when a country is told: that is told by push alone" },
	{ "sent", FIELD_INT, .required = true, .does = "Of these, who have a device, and to whom a "
		"push goes in the next minutes" },
	{ "failed", FIELD_INT, .required = true, .does = "Of these, who have no device" },
	FIELD_END
};

/* --- What was sent ---------------------------------------------------------------------------- */

static void list_messages(struct request *rq)
{
	struct page page = request_page(rq, 20);

	sql_report(rq, message_list, admin_listed, query_text(rq, "status"),
		query_text(rq, "channel"),
		query_text(rq, "recipient"), arg_int(rq, page.limit), arg_int(rq, page.offset));
}

static void retried(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return reply_error(rq, E_NOT_FOUND);
	if (!text_is(db_text(result, 0, 0), TEXT("DONE")))
		return reply_error(rq, E_CONFLICT);
	reply_data(rq, db_text(result, 0, 1));
}

static void retry_message(struct request *rq)
{
	sql_write(rq, message_retry, retried, rq->params[0], rq->caller.id,
		"message.retry", rq->request_id);
}

/* --- Broadcasts ------------------------------------------------------------------------------- */

struct audience {
	enum whom whom;
	const char *ids;  /* the body's member */
	const char *room; /* of everybody */
};
static const struct audience users = { TO_USER, "userIds", "users" };
static const struct audience vendors = { TO_VENDOR, "vendorIds", "vendors" };
static const struct audience riders = { TO_RIDER, "riderIds", "riders" };

static bool name_reserved(const char *name)
{
	return strcmp(name, "from") == 0 || strcmp(name, "message_type") == 0 ||
		strncmp(name, "google", 6) == 0 || strncmp(name, "gcm", 3) == 0;
}

/* A value as the text that a push carries; NULL: memory is out. */
static json_t *text_of_value(json_t *value)
{
	char *written auto_free = NULL;

	if (json_is_string(value))
		return json_incref(value);
	written = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	return written ? json_string(written) : NULL;
}

static bool refuse_data(struct request *rq, const char *english, const char *french)
{
	reply_field(rq, "data", english, french);
	return false;
}

static bool no_memory(struct request *rq)
{
	reply_error(rq, E_NO_MEMORY);
	return false;
}

/* What a push carries, as a JSON object of texts; false when it is none, and that has been
 * answered. */
static bool data_take(struct request *rq, const char **ret)
{
	json_auto_t *texts = json_pack("{s:s}", "type", "BROADCAST");
	char *text auto_free = NULL;
	const char *name;
	json_t *value;

	json_object_foreach (member(rq->body, "data"), name, value) {
		if (name_reserved(name))
			return refuse_data(rq, "holds a reserved name", "contient un nom réservé");
		if (json_is_object(value) || json_is_array(value))
			return refuse_data(rq, "must hold texts, numbers and booleans",
				"doit contenir des textes, des nombres et des booléens");
		if (json_object_set_new(texts, name, text_of_value(value)))
			return no_memory(rq);
	}
	text = json_dumps(texts, JSON_COMPACT);
	if (text && strlen(text) > DATA_BYTES)
		return refuse_data(rq, "must not be longer than 2 KB", "ne doit pas dépasser 2 Ko");
	*ret = text ? arena_copy(rq->arena, text, strlen(text)) : NULL;
	return *ret ? true : no_memory(rq);
}

/* A push that no service takes is refused now and not when it is sent. */
static bool push_fits(struct request *rq, const char *data)
{
	if (strlen(body_text(rq, "title")) + strlen(body_text(rq, "body")) + strlen(data) <=
		PUSH_BYTES)
		return true;
	reply_field(rq, "body", "is too long together with data", "est trop long avec data");
	return false;
}

/* A broadcast between its continuations. */
struct speech {
	const struct audience *audience;
	const char *data, *counts; /* counts: the reply's data */
};

static void spoken(struct request *rq, const struct db_result *result)
{
	const struct speech *speech = rq->state;

	(void)result;
	reply_data(rq, text_of(speech->counts));
}

static void counted(struct request *rq, const struct db_result *result)
{
	struct speech *speech = rq->state;
	const struct audience *audience = speech->audience;
	struct text counts = db_text(result, 0, 0);

	speech->counts = arena_copy(rq->arena, counts.at, counts.len);
	if (!speech->counts)
		return reply_error(rq, E_NO_MEMORY);
	sql_write(rq, message_broadcast, spoken, whom_name(audience->whom),
		arg_array(rq, audience->ids), body_text(rq, "country"), body_text(rq, "title"),
		body_text(rq, "body"), speech->data, audience->room, whom_room(audience->whom),
		rq->caller.id, "broadcast", act_details(rq), rq->request_id);
}

/* Counting a million takes seconds, and so is a report; what is written is short whoever it is
 * for. */
static void broadcast(struct request *rq, const struct audience *audience)
{
	struct speech *speech = arena_alloc(rq->arena, sizeof(*speech));
	const char *data;

	if (!speech)
		return reply_error(rq, E_NO_MEMORY);
	if (!data_take(rq, &data) || !push_fits(rq, data))
		return;
	*speech = (struct speech){ .audience = audience, .data = data };
	rq->state = speech;
	sql_report(rq, broadcast_count, counted, whom_name(audience->whom),
		arg_array(rq, audience->ids), body_text(rq, "country"));
}

static void broadcast_users(struct request *rq)
{
	broadcast(rq, &users);
}

static void broadcast_vendors(struct request *rq)
{
	broadcast(rq, &vendors);
}

static void broadcast_riders(struct request *rq)
{
	broadcast(rq, &riders);
}

const struct route admin_message_routes[] = {
	{ GET, "/messages", .who = ADMIN, .query = list_query,
		.reply = message_fields, .shape = REPLY_PAGE,
		.run = list_messages, .does = "Messages to people, newest first" },
	{ POST, "/messages/:id/retry", .who = ADMIN, .any_write = true, .reply = message_fields,
		.errors = { E_NOT_FOUND, E_CONFLICT }, .run = retry_message,
		.does = "Send a dead message once more" },
	{ POST, "/broadcast/users", .who = ADMIN, .body = users_body,
		.reply = broadcast_fields, .run = broadcast_users,
		.does = "Tell customers something" },
	{ POST, "/broadcast/vendors", .who = ADMIN, .body = vendors_body, .reply = broadcast_fields,
		.run = broadcast_vendors, .does = "Tell vendors something" },
	{ POST, "/broadcast/riders", .who = ADMIN, .body = riders_body,
		.reply = broadcast_fields, .run = broadcast_riders,
		.does = "Tell riders something" },
	ROUTE_END
};
