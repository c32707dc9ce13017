/* SPDX-License-Identifier: MIT
 *
 * Webhooks of partners: endpoints and their deliveries. src/jobs/notify/webhooks.c sends the
 * deliveries; this file writes the rows that it finds. A secret is shown only when it is created,
 * and in a repeat of that request with the same Idempotency-Key.
 */
#include <arpa/inet.h>

#include "admin/audit.h"
#include "admin/list.h"
#include "admin/reply.h"
#include "reeyo/api/admin.h"
#include "reeyo/core/config.h"
#include "reeyo/db/queries/admin_webhooks.h"
#include "reeyo/domain/webhook.h"
#include "reeyo/partners/client.h"
#include "reeyo/partners/signature.h"

#define TYPES_MAX 50
#define REPLAY_MAX 1000

static const char *const disabled_reason_words[] = { "ADMIN", "GONE", "FAILING", NULL };
static const char *const delivery_state_words[] = { "QUEUED", "DELIVERED", "DEAD", NULL };

#define EVENT_TYPES(need) \
	{ \
		"eventTypes", FIELD_LIST, .required = need, .min = 1, .max = TYPES_MAX, \
					  .each = FIELD_ENUM, .words = webhook_types, \
					  .aliases = "event_types" \
	}
static const struct field add_body[] = {
	{ "url", FIELD_URL, .required = true,
		.summary = "https, a public host, no user, no fragment" },
	{ "description", FIELD_TEXT, .lines = true, .max = 200 },
	EVENT_TYPES(true),
	{ "vendorId", FIELD_ID, .aliases = "vendor_id", .summary = "Only events of this vendor" },
	FIELD_END,
};
static const struct field edit_body[] = {
	{ "url", FIELD_URL, .summary = "https, a public host, no user, no fragment" },
	{ "description", FIELD_TEXT, .lines = true, .max = 200, .clearable = true,
		.summary = "null removes it" },
	EVENT_TYPES(false),
	{ "vendorId", FIELD_ID, .clearable = true, .aliases = "vendor_id",
		.summary = "null: events of all vendors" },
	{ "enabled", FIELD_BOOL,
		.summary = "false: events are not delivered; a replay delivers them later" },
	FIELD_END,
};
static const struct field replay_body[] = {
	{ "since", FIELD_TIME, .required = true },
	{ "until", FIELD_TIME, .summary = "Exclusive; absent: now" },
	FIELD_END,
};
static const struct field deliveries_query[] = {
	{ "status", FIELD_ENUM, .words = delivery_state_words, .aliases = "state" },
	PAGE_FIELDS,
	FIELD_END,
};

#define ENDPOINT_FIELDS \
	{ "id", FIELD_ID, .required = true }, { "url", FIELD_URL, .required = true }, \
		{ "description", FIELD_TEXT, .nullable = true }, \
		{ "event_types", FIELD_LIST, .required = true, .each = FIELD_ENUM, \
			.words = webhook_types }, \
		{ "vendor_id", FIELD_ID, .nullable = true }, \
		{ "secret_prefix", FIELD_TEXT, .required = true, \
			.summary = "The first characters of the secret" }, \
		{ "previous_secret_until", FIELD_TIME, .nullable = true, \
			.summary = "Until then the earlier secrets also sign" }, \
		{ "enabled", FIELD_BOOL, .required = true }, \
		{ "disabled_reason", FIELD_ENUM, .nullable = true, .words = disabled_reason_words, \
			.summary = "GONE: it answered 410; FAILING: every delivery failed for " \
				   "five days" }, \
		{ "failing_since", FIELD_TIME, .nullable = true }, \
		{ "created_by", FIELD_ID, .required = true }, \
		{ "created_at", FIELD_TIME, .required = true }, \
	{ \
		"updated_at", FIELD_TIME, .required = true \
	}
static const struct field endpoint_fields[] = { ENDPOINT_FIELDS, FIELD_END_TITLED("Webhook") };
static const struct field secret_fields[] = {
	ENDPOINT_FIELDS,
	{ "secret", FIELD_TEXT, .required = true,
		.summary = "whsec_ and the key in base64; shown only once" },
	FIELD_END,
};
static const struct field attempt_fields[] = {
	{ "at", FIELD_TIME, .required = true },
	{ "status", FIELD_INT, .nullable = true },
	{ "error", FIELD_TEXT, .nullable = true },
	FIELD_END,
};
static const struct field payload_fields[] = {
	{ "type", FIELD_TEXT, .required = true },
	{ "timestamp", FIELD_TIME, .required = true },
	{ "data", FIELD_OBJECT, .required = true },
	FIELD_END,
};
static const struct field delivery_fields[] = {
	{ "id", FIELD_ID, .required = true,
		.summary = "The header webhook-id, the same in every attempt and replay" },
	{ "webhook_id", FIELD_ID, .required = true, .summary = "The endpoint" },
	{ "event_id", FIELD_INT, .nullable = true, .summary = "null: a test" },
	{ "type", FIELD_TEXT, .required = true },
	{ "state", FIELD_ENUM, .required = true, .words = delivery_state_words },
	{ "tries", FIELD_INT, .required = true },
	{ "next_at", FIELD_TIME, .nullable = true,
		.summary = "When QUEUED: time of the next attempt" },
	{ "last_status", FIELD_INT, .nullable = true,
		.summary = "HTTP status; null: no answer yet" },
	{ "last_error", FIELD_TEXT, .nullable = true },
	{ "attempts", FIELD_LIST, .required = true, .of = attempt_fields,
		.summary = "The last 20" },
	{ "payload", FIELD_OBJECT, .required = true, .of = payload_fields },
	{ "said_at", FIELD_TIME, .required = true }, { "created_at", FIELD_TIME, .required = true },
	{ "delivered_at", FIELD_TIME, .nullable = true }, FIELD_END_TITLED("WebhookDelivery")
};
static const struct field replayed_fields[] = {
	{ "queued", FIELD_INT, .required = true },
	{ "more", FIELD_BOOL, .required = true },
	{ "next_since", FIELD_TIME, .nullable = true,
		.summary = "When more is true: start of the next replay" },
	FIELD_END,
};

/* --- Reading the body ------------------------------------------------------------------------- */

/* A literal address that is not public. The address of a host name is checked at connect time. */
static bool host_is_private(const char *host)
{
	unsigned char bytes[16];

	return (inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1) &&
		!address_public(host);
}

/* The URL of the body; *ret is NULL without one. Returns false when it may not be registered; the
 * error has been sent. */
static bool webhook_url_take(struct request *rq, const char **ret)
{
	bool private = rq->app->config->webhook_private;
	char host[URL_HOST_SIZE];

	*ret = body_text(rq, "url");
	if (!*ret ||
		(webhook_url_parse(*ret, private, host) && (private || !host_is_private(host))))
		return true;
	reply_field(rq, "url",
		"must be an https address of a public host, without user and fragment",
		"doit être une adresse https d'un hôte public, sans utilisateur ni fragment");
	return false;
}

static const char *webhook_id_new(struct request *rq, const char *prefix)
{
	const char *id = request_id_new(rq, prefix);

	if (!id)
		reply_error(rq, E_NO_MEMORY);
	return id;
}

static const char *webhook_secret_generate(struct request *rq)
{
	char *secret = arena_alloc(rq->arena, WEBHOOK_SECRET_SIZE);

	if (secret)
		webhook_secret_new(secret);
	else
		reply_error(rq, E_NO_MEMORY);
	return secret;
}

/* --- Endpoints -------------------------------------------------------------------------------- */

static void webhooks_list(struct request *rq)
{
	sql_read_primary(rq, admin_webhook_list, admin_reply_page,
		&(struct admin_webhook_list){ PAGE_PARAMS(rq) });
}

static void webhook_show(struct request *rq)
{
	sql_read_primary(rq, admin_webhook_get, admin_reply_row,
		&(struct admin_webhook_get){ .webhook_id = rq->params[0] });
}

static void webhook_register(struct request *rq)
{
	const char *url, *id, *secret;

	if (!webhook_url_take(rq, &url) || !(id = webhook_id_new(rq, "whe_")) ||
		!(secret = webhook_secret_generate(rq)))
		return;
	admin_try_write(rq, admin_webhook_add, admin_reply_idempotent, .webhook_id = id, .url = url,
		.description = body_text(rq, "description"),
		.event_types = member_texts(rq, rq->body, "eventTypes"),
		.vendor_id = body_text(rq, "vendorId"), .secret = secret, .admin_id = rq->caller.id,
		.idempotency_key = rq->idempotency_key, .fingerprint = rq->fingerprint);
}

static void webhook_edit(struct request *rq)
{
	const char *url;

	if (!webhook_url_take(rq, &url))
		return;
	admin_write(rq, admin_webhook_edit, admin_reply_row, .webhook_id = rq->params[0],
		.url = url, .description = arg_change(rq, "description"),
		.event_types = member_texts(rq, rq->body, "eventTypes"),
		.vendor_id = arg_change(rq, "vendorId"),
		.enabled = optional_bool(rq, rq->body, "enabled"));
}

static void webhook_deleted(struct request *rq, const struct db_result *result)
{
	admin_reply_deleted(rq, result, "Webhook deleted", "Webhook supprimé");
}

static void webhook_delete(struct request *rq)
{
	admin_write(rq, admin_webhook_delete, webhook_deleted, .webhook_id = rq->params[0]);
}

static void webhook_secret_rotate(struct request *rq)
{
	const char *secret = webhook_secret_generate(rq);

	if (secret)
		admin_try_write(rq, admin_webhook_rotate, admin_reply_idempotent,
			.webhook_id = rq->params[0], .secret = secret, .admin_id = rq->caller.id,
			.idempotency_key = rq->idempotency_key, .fingerprint = rq->fingerprint);
}

/* --- Deliveries ------------------------------------------------------------------------------- */

static void webhook_test(struct request *rq)
{
	const char *id = webhook_id_new(rq, "whd_");

	if (id)
		admin_write(rq, admin_webhook_test, admin_reply_row, .webhook_id = rq->params[0],
			.delivery_id = id, .type = WEBHOOK_TEST);
}

static void webhook_deliveries_list(struct request *rq)
{
	sql_read(rq, admin_webhook_deliveries, admin_reply_page_of,
		&(struct admin_webhook_deliveries){ .webhook_id = rq->params[0],
			.state = query_text(rq, "status"),
			PAGE_PARAMS(rq) });
}

static void webhook_delivery_replay(struct request *rq)
{
	admin_write(rq, admin_webhook_replay_one, admin_reply_row, .delivery_id = rq->params[0]);
}

static void webhook_events_replay(struct request *rq)
{
	admin_write(rq, admin_webhook_replay, admin_reply_row, .webhook_id = rq->params[0],
		.since = body_text(rq, "since"), .until = body_text(rq, "until"),
		.types = { webhook_types, WEBHOOK_TYPE_COUNT }, .limit = REPLAY_MAX);
}

const struct route admin_webhook_routes[] = {
	{ GET, "/webhooks", .operation = "listWebhooks", .permission = "webhooks.read",
		.query = page_fields, .reply = endpoint_fields, .shape = REPLY_PAGE,
		.run = webhooks_list, .summary = "Webhooks of partners, oldest first" },
	{ POST, "/webhooks", .operation = "createWebhook", .permission = "webhooks.write",
		.idempotent = true, .body = add_body, .reply = secret_fields, .created = true,
		.errors = { E_VENDOR_NOT_FOUND, E_CONFLICT }, .run = webhook_register,
		.audit = "webhook.add", .summary = "Register a webhook; at most 50" },
	{ GET, "/webhooks/:id", .operation = "getWebhook", .permission = "webhooks.read",
		.reply = endpoint_fields, .errors = { E_NOT_FOUND }, .run = webhook_show,
		.summary = "One webhook" },
	{ PATCH, "/webhooks/:id", .operation = "updateWebhook", .permission = "webhooks.write",
		.body = edit_body, .reply = endpoint_fields,
		.errors = { E_NOT_FOUND, E_VENDOR_NOT_FOUND }, .run = webhook_edit,
		.audit = "webhook.change", .summary = "Change a webhook" },
	{ DELETE, "/webhooks/:id", .operation = "deleteWebhook", .permission = "webhooks.write",
		.shape = REPLY_MESSAGE, .errors = { E_NOT_FOUND }, .run = webhook_delete,
		.audit = "webhook.delete",
		.summary = "Delete a webhook and its queued deliveries" },
	{ POST, "/webhooks/:id/rotate-secret", .operation = "rotateWebhookSecret",
		.permission = "webhooks.write", .any_write = true, .idempotent = true,
		.body = empty_body, .reply = secret_fields, .errors = { E_NOT_FOUND },
		.run = webhook_secret_rotate, .audit = "webhook.rotate",
		.summary = "Rotate the secret; for 24 hours the earlier ones, at most four, also "
			   "sign" },
	{ POST, "/webhooks/:id/test", .operation = "testWebhook", .permission = "webhooks.write",
		.any_write = true, .body = empty_body, .reply = delivery_fields,
		.errors = { E_NOT_FOUND, E_CONFLICT }, .run = webhook_test, .audit = "webhook.test",
		.summary = "Send " WEBHOOK_TEST },
	{ GET, "/webhooks/:id/deliveries", .operation = "listWebhookDeliveries",
		.permission = "webhooks.read", .query = deliveries_query, .reply = delivery_fields,
		.shape = REPLY_PAGE, .errors = { E_NOT_FOUND }, .run = webhook_deliveries_list,
		.summary = "Deliveries of a webhook, newest first, kept for 30 days" },
	{ POST, "/webhooks/deliveries/:id/replay", .operation = "replayWebhookDelivery",
		.permission = "webhooks.write", .any_write = true, .body = empty_body,
		.reply = delivery_fields, .errors = { E_NOT_FOUND, E_CONFLICT },
		.run = webhook_delivery_replay, .audit = "webhook.replay",
		.summary = "Send one delivery again, with the same webhook-id" },
	{ POST, "/webhooks/:id/replay", .operation = "replayWebhookEvents",
		.permission = "webhooks.write", .any_write = true, .body = replay_body,
		.reply = replayed_fields, .errors = { E_NOT_FOUND, E_CONFLICT },
		.run = webhook_events_replay, .audit = "webhook.replay",
		.summary =
			"Send the events of a period again, at most 1,000: delivered ones for 30 "
			"days, others for 72 hours" },
	ROUTE_END,
};
