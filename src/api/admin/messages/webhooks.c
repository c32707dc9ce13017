/* SPDX-License-Identifier: MIT
 *
 * Webhooks of partners: where what happens is told, and what became of it. Deliveries are made by
 * src/jobs/notify/webhooks.c; here rows are written that it finds. A secret is shown when it is made and
 * never again, except to who asks again with the same Idempotency-Key.
 */
#include <arpa/inet.h>

#include "admin/act.h"
#include "reeyo/api/admin.h"
#include "reeyo/core/config.h"
#include "reeyo/domain/webhook.h"
#include "reeyo/partners/client.h"
#include "reeyo/partners/signature.h"

#define TYPES_MAX 50
#define REPLAY_MAX 1000

static const char *const reason_words[] = { "ADMIN", "GONE", "FAILING", NULL };
static const char *const state_words[] = { "QUEUED", "DELIVERED", "DEAD", NULL };

#define EVENT_TYPES(need) \
	{ "eventTypes", FIELD_LIST, .required = need, .min = 1, .max = TYPES_MAX, \
		.each = FIELD_ENUM, .words = webhook_types, .also = "event_types" }
static const struct field add_body[] = {
	{ "url", FIELD_URL, .required = true,
		.does = "https, a public host, no user, no fragment" },
	{ "description", FIELD_TEXT, .lines = true, .max = 200 },
	EVENT_TYPES(true),
	{ "vendorId", FIELD_ID, .also = "vendor_id", .does = "Only what concerns this vendor" },
	FIELD_END
};
static const struct field edit_body[] = {
	{ "url", FIELD_URL, .does = "https, a public host, no user, no fragment" },
	{ "description", FIELD_TEXT, .lines = true, .max = 200, .clearable = true,
		.does = "null removes it" },
	EVENT_TYPES(false),
	{ "vendorId", FIELD_ID, .clearable = true, .also = "vendor_id",
		.does = "null: what concerns any vendor" },
	{ "enabled", FIELD_BOOL,
		.does = "What was said while it is false is not told; replay tells it" },
	FIELD_END
};
static const struct field replay_body[] = {
	{ "since", FIELD_TIME, .required = true },
	{ "until", FIELD_TIME, .does = "Before this; now when absent" },
	FIELD_END
};
static const struct field deliveries_query[] = {
	{ "status", FIELD_ENUM, .words = state_words, .also = "state" },
	PAGE_FIELDS,
	FIELD_END
};

#define ENDPOINT_FIELDS \
	{ "id", FIELD_ID, .required = true }, { "url", FIELD_URL, .required = true }, \
		{ "description", FIELD_TEXT, .nullable = true }, \
		{ "event_types", FIELD_LIST, .required = true, .each = FIELD_ENUM, \
			.words = webhook_types }, \
		{ "vendor_id", FIELD_ID, .nullable = true }, \
		{ "secret_prefix", FIELD_TEXT, .required = true, \
			.does = "The beginning of the secret" }, \
		{ "previous_secret_until", FIELD_TIME, .nullable = true, \
			.does = "Until then the secrets before the last rotation sign, too" }, \
		{ "enabled", FIELD_BOOL, .required = true }, \
		{ "disabled_reason", FIELD_ENUM, .nullable = true, .words = reason_words, \
			.does = "GONE: it answered 410; FAILING: nothing came through for five " \
				"days" }, \
		{ "failing_since", FIELD_TIME, .nullable = true }, \
		{ "created_by", FIELD_ID, .required = true }, \
		{ "created_at", FIELD_TIME, .required = true }, \
		{ "updated_at", FIELD_TIME, .required = true }
static const struct field endpoint_fields[] = { ENDPOINT_FIELDS, FIELD_END_TITLED("Webhook") };
static const struct field secret_fields[] = {
	ENDPOINT_FIELDS,
	{ "secret", FIELD_TEXT, .required = true,
		.does = "whsec_ and the key in base64; shown this once" },
	FIELD_END
};
static const struct field attempt_fields[] = {
	{ "at", FIELD_TIME, .required = true }, { "status", FIELD_INT, .nullable = true },
	{ "error", FIELD_TEXT, .nullable = true }, FIELD_END
};
static const struct field payload_fields[] = {
	{ "type", FIELD_TEXT, .required = true }, { "timestamp", FIELD_TIME, .required = true },
	{ "data", FIELD_OBJECT, .required = true }, FIELD_END
};
static const struct field delivery_fields[] = {
	{ "id", FIELD_ID, .required = true,
		.does = "The header webhook-id, the same in every try and replay" },
	{ "webhook_id", FIELD_ID, .required = true, .does = "The endpoint" },
	{ "event_id", FIELD_INT, .nullable = true, .does = "null: a test" },
	{ "type", FIELD_TEXT, .required = true },
	{ "state", FIELD_ENUM, .required = true, .words = state_words },
	{ "tries", FIELD_INT, .required = true },
	{ "next_at", FIELD_TIME, .nullable = true, .does = "QUEUED: when it is tried" },
	{ "last_status", FIELD_INT, .nullable = true, .does = "HTTP status; null: no answer yet" },
	{ "last_error", FIELD_TEXT, .nullable = true },
	{ "attempts", FIELD_LIST, .required = true, .of = attempt_fields, .does = "The last 20" },
	{ "payload", FIELD_OBJECT, .required = true, .of = payload_fields },
	{ "said_at", FIELD_TIME, .required = true },
	{ "created_at", FIELD_TIME, .required = true },
	{ "delivered_at", FIELD_TIME, .nullable = true },
	FIELD_END_TITLED("WebhookDelivery")
};
static const struct field replayed_fields[] = {
	{ "queued", FIELD_INT, .required = true },
	{ "more", FIELD_BOOL, .required = true },
	{ "next_since", FIELD_TIME, .nullable = true,
		.does = "With more: where the next replay begins" },
	FIELD_END
};

/* --- Reading the body ------------------------------------------------------------------------- */

/* An address that is written out, and not public. What a name stands for is looked at when it is
 * connected to. */
static bool host_private(const char *host)
{
	unsigned char bytes[16];

	return (inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1) &&
		!address_public(host);
}

/* False when the URL may not be registered, and that has been answered. NULL without one is
 * fine. */
static bool url_take(struct request *rq, const char **ret)
{
	bool private = rq->app->config->webhook_private;
	char host[WEBHOOK_HOST_SIZE];

	*ret = body_text(rq, "url");
	if (!*ret || (webhook_url_take(*ret, private, host) && (private || !host_private(host))))
		return true;
	reply_field(rq, "url",
		"must be an https address of a public host, without user and fragment",
		"doit être une adresse https d'un hôte public, sans utilisateur ni fragment");
	return false;
}

static const char *id_of(struct request *rq, const char *prefix)
{
	const char *id = request_id_new(rq, prefix);

	if (!id)
		reply_error(rq, E_NO_MEMORY);
	return id;
}

static const char *secret_of(struct request *rq)
{
	char *secret = arena_alloc(rq->arena, WEBHOOK_SECRET_SIZE);

	if (secret)
		webhook_secret_new(secret);
	else
		reply_error(rq, E_NO_MEMORY);
	return secret;
}

/* --- Endpoints -------------------------------------------------------------------------------- */

static void list_webhooks(struct request *rq)
{
	struct page page = request_page(rq, 20);

	SQL_(rq, DB_WRITE, admin_webhook_list, false, admin_listed, arg_int(rq, page.limit),
		arg_int(rq, page.offset));
}

static void get_webhook(struct request *rq)
{
	SQL_(rq, DB_WRITE, admin_webhook_get, false, admin_shown, rq->params[0]);
}

static void add_webhook(struct request *rq)
{
	const char *url, *id, *secret;

	if (!url_take(rq, &url) || !(id = id_of(rq, "whe_")) || !(secret = secret_of(rq)))
		return;
	sql_try_write(rq, admin_webhook_add, admin_once, id, url, body_text(rq, "description"),
		arg_array(rq, "eventTypes"), body_text(rq, "vendorId"), secret, rq->caller.id,
		"webhook.add", act_details(rq), rq->request_id,
		rq->idempotency_key, rq->fingerprint);
}

static void edit_webhook(struct request *rq)
{
	const char *url;

	if (!url_take(rq, &url))
		return;
	sql_write(rq, admin_webhook_edit, admin_shown, rq->params[0], url,
		arg_change(rq, "description"), arg_array(rq, "eventTypes"),
		arg_change(rq, "vendorId"),
		member(rq->body, "enabled") ?
			member_bool(rq->body, "enabled", true) ? "t" : "f" : NULL,
		rq->caller.id, "webhook.change", act_details(rq), rq->request_id);
}

static void deleted(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return reply_error(rq, E_NOT_FOUND);
	reply_message(rq, "Webhook deleted", "Webhook supprimé");
}

static void delete_webhook(struct request *rq)
{
	sql_write(rq, admin_webhook_delete, deleted, rq->params[0], rq->caller.id, "webhook.delete",
		rq->request_id);
}

static void rotate_secret(struct request *rq)
{
	const char *secret = secret_of(rq);

	if (secret)
		sql_try_write(rq, admin_webhook_rotate, admin_once,
			rq->params[0], secret, rq->caller.id,
			"webhook.rotate", rq->request_id, rq->idempotency_key, rq->fingerprint);
}

/* --- Deliveries ------------------------------------------------------------------------------- */

static void test_webhook(struct request *rq)
{
	const char *id = id_of(rq, "whd_");

	if (id)
		sql_write(rq, admin_webhook_test, admin_shown, rq->params[0], id, WEBHOOK_TEST,
			rq->caller.id, "webhook.test", rq->request_id);
}

static void deliveries_listed(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return reply_error(rq, E_NOT_FOUND);
	admin_listed(rq, result);
}

static void list_deliveries(struct request *rq)
{
	struct page page = request_page(rq, 20);

	sql_read(rq, admin_webhook_deliveries, deliveries_listed, rq->params[0],
		query_text(rq, "status"), arg_int(rq, page.limit), arg_int(rq, page.offset));
}

static void replay_delivery(struct request *rq)
{
	sql_write(rq, admin_webhook_replay_one, admin_shown, rq->params[0], rq->caller.id,
		"webhook.replay", rq->request_id);
}

static void replay_webhook(struct request *rq)
{
	sql_write(rq, admin_webhook_replay, admin_shown, rq->params[0], body_text(rq, "since"),
		body_text(rq, "until"), webhook_types_array, arg_int(rq, REPLAY_MAX), rq->caller.id,
		"webhook.replay", act_details(rq), rq->request_id);
}

const struct route admin_webhook_routes[] = {
	{ GET, "/webhooks", .who = ADMIN, .query = page_fields,
		.reply = endpoint_fields, .shape = REPLY_PAGE,
		.run = list_webhooks, .does = "Webhooks of partners, oldest first" },
	{ POST, "/webhooks", .who = SUPER_ADMIN, .idempotent = true, .body = add_body,
		.reply = secret_fields, .created = true,
		.errors = { E_VENDOR_NOT_FOUND, E_CONFLICT }, .run = add_webhook,
		.does = "Register a webhook; at most 50" },
	{ GET, "/webhooks/:id", .who = ADMIN, .reply = endpoint_fields, .errors = { E_NOT_FOUND },
		.run = get_webhook, .does = "One webhook" },
	{ PATCH, "/webhooks/:id", .who = SUPER_ADMIN, .body = edit_body, .reply = endpoint_fields,
		.errors = { E_NOT_FOUND, E_VENDOR_NOT_FOUND }, .run = edit_webhook,
		.does = "Change a webhook" },
	{ DELETE, "/webhooks/:id", .who = SUPER_ADMIN, .shape = REPLY_MESSAGE,
		.errors = { E_NOT_FOUND }, .run = delete_webhook,
		.does = "Delete a webhook, and what it has not been told yet" },
	{ POST, "/webhooks/:id/rotate-secret", .who = SUPER_ADMIN, .any_write = true,
		.idempotent = true, .body = no_body, .reply = secret_fields,
		.errors = { E_NOT_FOUND }, .run = rotate_secret,
		.does = "A new secret; for 24 hours those before sign, too, at most four of them" },
	{ POST, "/webhooks/:id/test", .who = SUPER_ADMIN, .any_write = true, .body = no_body,
		.reply = delivery_fields, .errors = { E_NOT_FOUND, E_CONFLICT },
		.run = test_webhook,
		.does = "Send " WEBHOOK_TEST },
	{ GET, "/webhooks/:id/deliveries", .who = ADMIN,
		.query = deliveries_query, .reply = delivery_fields,
		.shape = REPLY_PAGE, .errors = { E_NOT_FOUND }, .run = list_deliveries,
		.does = "What a webhook was told and is to be told, newest first, for 30 days" },
	{ POST, "/webhooks/deliveries/:id/replay", .who = SUPER_ADMIN,
		.any_write = true, .body = no_body, .reply = delivery_fields,
		.errors = { E_NOT_FOUND, E_CONFLICT }, .run = replay_delivery,
		.does = "Send one delivery again, with the same webhook-id" },
	{ POST, "/webhooks/:id/replay", .who = SUPER_ADMIN, .any_write = true, .body = replay_body,
		.reply = replayed_fields, .errors = { E_NOT_FOUND, E_CONFLICT },
		.run = replay_webhook,
		.does = "Send again what was said in a time, at most 1,000 of it: what it was told "
			"for 30 days, what it was not for 72 hours" },
	ROUTE_END
};
