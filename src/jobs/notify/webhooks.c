/* SPDX-License-Identifier: MIT
 *
 * Webhooks: see the header. A pass queues deliveries of new events (webhooks_queue) and claims
 * those that are due (webhooks_claim): as many as there are free slots, and at most PER_ENDPOINT at
 * once for one endpoint, or one when its last try failed. One slot is reserved for each endpoint,
 * so an endpoint that answers slowly, or not at all, delays only itself. Each slot then signs,
 * sends, and stores the result (webhook_store_result). One pass runs at a time; requests run beside
 * it.
 *
 * A claim moves next_at to a time when the instance must have stopped or stored a result. So rows
 * that an instance had claimed when it died are due again by themselves. The result names the try
 * it belongs to. If two instances both believe that they leadership, an endpoint may receive a
 * delivery twice, under one webhook-id.
 */
#include "reeyo/jobs/webhooks.h"

#include <stdio.h>
#include <stdlib.h>

#include "reeyo/core/clock.h"
#include "reeyo/core/id.h"
#include "reeyo/core/log.h"
#include "reeyo/core/memory.h"
#include "reeyo/db/db.h"
#include "reeyo/db/leadership.h"
#include "reeyo/domain/webhook.h"
#include "reeyo/live/hub.h"
#include "reeyo/partners/client.h"
#include "reeyo/partners/signature.h"

#define EVERY_MS 500
#define EVENTS_TEXT "500"
#define EVENTS 500
#define SLOTS 64         /* more than there are endpoints: one for each, and … */
#define BESIDE_TEXT "14" /* … so many for further deliveries to the same endpoint */
#define PER_ENDPOINT_TEXT "4"
#define SECRETS_MAX 5 /* the current one, and four of earlier rotations */
#define MARGIN_S 15   /* added to the time limit of a request: for the statements */
#define RETRY_AFTER_MAX_S (24 * 3600)

struct slot {
	struct webhooks *webhooks;
	struct client_call http;
	struct db_call call;
	unsigned tries;
	char id[ID_SIZE], tries_text[12], status[12], wait[24], why[160];
	bool used;
};

struct webhooks {
	struct app *app;
	struct leadership *leadership;
	struct partner *partner;
	uv_timer_t timer;
	struct db_call call;
	struct hub_listener listener;
	struct slot slots[SLOTS];
	unsigned used;
	bool any_endpoint; /* one was enabled, as of the last pass */
	bool full;         /* the last pass claimed all it could: more may be due */
	bool running, again, timer_open, closing;
	char free_slots[12], seconds[24];
};

static void webhooks_pass_start(struct webhooks *webhooks);

static void webhooks_free_if_idle(struct webhooks *webhooks)
{
	if (!webhooks->running && !webhooks->used && !webhooks->timer_open)
		free(webhooks);
}

/* --- Slots ------------------------------------------------------------------------------------ */

static struct slot *slot_acquire(struct webhooks *webhooks)
{
	for (unsigned i = 0; i < SLOTS; i++)
		if (!webhooks->slots[i].used) {
			webhooks->slots[i] = (struct slot){ .webhooks = webhooks, .used = true };
			webhooks->used++;
			return &webhooks->slots[i];
		}
	return NULL;
}

static void webhook_slot_release(struct slot *slot)
{
	struct webhooks *webhooks = slot->webhooks;

	slot->used = false;
	webhooks->used--;
	if (webhooks->closing)
		return webhooks_free_if_idle(webhooks);
	if (webhooks->full)
		webhooks_pass_start(webhooks);
}

/* --- Results ---------------------------------------------------------------------------------- */

static void slot_stored(struct db_call *call, const struct db_result *result)
{
	char id[ID_SIZE], reason[16];

	/* After an error the row is due again when the claim expires. */
	if (!db_error(result) && db_rows(result)) {
		snprintf(id, sizeof(id), "%.*s", TEXT_ARGS(db_text(result, 0, 0)));
		snprintf(reason, sizeof(reason), "%.*s", TEXT_ARGS(db_text(result, 0, 2)));
		log_line(LOG_WARN, "a webhook is disabled", LOG_T("webhook", id),
			LOG_T("reason", reason));
	}
	webhook_slot_release(call->owner);
}

static void slot_store_result(struct slot *slot, const char *outcome)
{
	slot->call = (struct db_call){ .query = QUERY_webhook_store_result,
		.lane = DB_WRITE,
		.count = 6,
		.params = { slot->id, slot->tries_text, outcome,
			slot->status[0] ? slot->status : NULL, slot->why[0] ? slot->why : NULL,
			slot->wait[0] ? slot->wait : NULL },
		.done = slot_stored,
		.owner = slot };
	db_submit(slot->webhooks->app->db, &slot->call);
}

static void slot_store_untried(struct slot *slot)
{
	slot->call = (struct db_call){ .query = QUERY_webhook_release,
		.lane = DB_WRITE,
		.count = 2,
		.params = { slot->id, slot->tries_text },
		.done = slot_stored,
		.owner = slot };
	db_submit(slot->webhooks->app->db, &slot->call);
}

/* After a failed try: the documented wait, or the Retry-After of the endpoint when it is longer. */
static void slot_fail(struct slot *slot, int64_t asked_s)
{
	int64_t wait_s = webhook_backoff_s(slot->tries);

	count_one(loop_counters(slot->webhooks->app->loop), COUNT_WEBHOOKS_FAILED);
	if (asked_s > RETRY_AFTER_MAX_S)
		asked_s = RETRY_AFTER_MAX_S;
	snprintf(slot->wait, sizeof(slot->wait), "%lld",
		(long long)(asked_s > wait_s ? asked_s : wait_s));
	slot_store_result(slot, wait_s < 0 ? "DEAD" : "RETRY");
}

static void slot_answered(struct client_call *call, const struct client_answer *answer)
{
	struct slot *slot = call->owner;

	if (slot->webhooks->closing)
		return webhook_slot_release(slot);
	if (answer->error == E_BUSY || answer->error == E_NO_MEMORY)
		return slot_store_untried(slot);
	if (answer->status)
		snprintf(slot->status, sizeof(slot->status), "%ld", answer->status);
	if (answer->error) {
		snprintf(slot->why, sizeof(slot->why), "%s",
			answer->error == E_NOT_OWNER ? "the address is not public"
				: answer->why        ? answer->why
						     : "no answer");
		return slot_fail(slot, 0);
	}
	if (answer->status >= 200 && answer->status < 300) {
		count_one(loop_counters(slot->webhooks->app->loop), COUNT_WEBHOOKS_DELIVERED);
		return slot_store_result(slot, "DELIVERED");
	}
	snprintf(slot->why, sizeof(slot->why), "answered %ld", answer->status);
	if (answer->status != 410)
		return slot_fail(slot, answer->retry_after_s);
	count_one(loop_counters(slot->webhooks->app->loop), COUNT_WEBHOOKS_FAILED);
	slot_store_result(slot, "GONE");
}

/* --- Requests --------------------------------------------------------------------------------- */

struct webhook_headers {
	char id[64], at[48], signature[32 + SECRETS_MAX * WEBHOOK_SIGNATURE_SIZE];
};

static int webhook_signatures_add(const struct slot *slot, struct text secrets, int64_t now,
	struct text body, struct webhook_headers *headers)
{
	size_t len = (size_t)snprintf(
		headers->signature, sizeof(headers->signature), "webhook-signature:");
	char secret[WEBHOOK_SECRET_SIZE], one[WEBHOOK_SIGNATURE_SIZE];

	for (int i = 0; secrets.at && i < SECRETS_MAX; i++) {
		struct text next = text_cut(&secrets, ' ');
		int error;

		snprintf(secret, sizeof(secret), "%.*s", TEXT_ARGS(next));
		error = webhook_sign(secret, slot->id, now, body, one);
		if (error)
			return error;
		len += (size_t)snprintf(
			headers->signature + len, sizeof(headers->signature) - len, " %s", one);
	}
	return 0;
}

/* During a rotation each secret signs, the newest first. */
static int webhook_headers_make(const struct slot *slot, struct text secrets, struct text body,
	struct webhook_headers *headers)
{
	int64_t now = clock_wall_s();

	snprintf(headers->id, sizeof(headers->id), "webhook-id: %s", slot->id);
	snprintf(headers->at, sizeof(headers->at), "webhook-timestamp: %lld", (long long)now);
	return webhook_signatures_add(slot, secrets, now, body, headers);
}

/* Sends a row of webhooks_claim. Texts of a result are NUL-terminated. */
static void slot_send(struct slot *slot, const struct db_result *result, unsigned row)
{
	struct app *app = slot->webhooks->app;
	const char *url = db_text(result, row, 2).at;
	struct text body = db_text(result, row, 3);
	char host[WEBHOOK_HOST_SIZE];
	struct webhook_headers headers;

	snprintf(slot->id, sizeof(slot->id), "%.*s", TEXT_ARGS(db_text(result, row, 0)));
	slot->tries = (unsigned)db_int(result, row, 4);
	snprintf(slot->tries_text, sizeof(slot->tries_text), "%u", slot->tries);
	if (!webhook_url_parse(url, app->config->webhook_private, host) ||
		webhook_headers_make(slot, db_text(result, row, 5), body, &headers)) {
		snprintf(slot->why, sizeof(slot->why), "the address or the secret cannot be used");
		return slot_fail(slot, 0);
	}
	slot->http = (struct client_call){ .partner = slot->webhooks->partner,
		.method = "POST",
		.url = url,
		.headers = { headers.id, headers.at, headers.signature,
			"Content-Type: application/json", "User-Agent: Reeyo-Webhooks" },
		.body = body,
		.status_only = true,
		.public_only = !app->config->webhook_private,
		.done = slot_answered,
		.owner = slot };
	client_call(app->client, &slot->http);
}

/* --- Passes ----------------------------------------------------------------------------------- */

/* Called by each step with its result. Ends the pass and returns false after an error (the timer
 * starts the next) and when closing. */
static bool webhooks_pass_continues(struct webhooks *webhooks, const struct db_result *result)
{
	if (!webhooks->closing && !db_error(result))
		return true;
	webhooks->running = webhooks->again = webhooks->full = false;
	if (webhooks->closing)
		webhooks_free_if_idle(webhooks);
	return false;
}

static void webhooks_pass_end(struct webhooks *webhooks)
{
	webhooks->running = false;
	if (webhooks->again)
		webhooks_pass_start(webhooks);
}

static void webhooks_claimed(struct db_call *call, const struct db_result *result)
{
	struct webhooks *webhooks = call->owner;

	/* When closing, the claimed rows are due again when the claims expire. */
	if (!webhooks_pass_continues(webhooks, result))
		return;
	webhooks->full = db_rows(result) > 0;
	for (unsigned i = 0; i < db_rows(result); i++) {
		struct slot *slot = slot_acquire(webhooks);

		if (slot)
			slot_send(slot, result, i);
	}
	webhooks_pass_end(webhooks);
}

static void webhooks_claim_submit(struct webhooks *webhooks)
{
	if (!webhooks->any_endpoint || webhooks->used == SLOTS) {
		webhooks->full = webhooks->any_endpoint;
		return webhooks_pass_end(webhooks);
	}
	snprintf(webhooks->free_slots, sizeof(webhooks->free_slots), "%u", SLOTS - webhooks->used);
	webhooks->call = (struct db_call){ .query = QUERY_webhooks_claim,
		.lane = DB_WRITE,
		.count = 4,
		.params = { webhooks->free_slots, PER_ENDPOINT_TEXT, webhooks->seconds,
			BESIDE_TEXT },
		.done = webhooks_claimed,
		.owner = webhooks };
	db_submit(webhooks->app->db, &webhooks->call);
}

static void webhooks_queued(struct db_call *call, const struct db_result *result)
{
	struct webhooks *webhooks = call->owner;

	if (!webhooks_pass_continues(webhooks, result))
		return;
	webhooks->again = webhooks->again || db_int(result, 0, 0) == EVENTS;
	webhooks->any_endpoint = db_int(result, 0, 2) > 0;
	webhooks_claim_submit(webhooks);
}

static void webhooks_pass_start(struct webhooks *webhooks)
{
	if (webhooks->closing || !leadership_held(webhooks->leadership))
		return;
	webhooks->again = webhooks->running;
	if (webhooks->running)
		return;
	webhooks->running = true;
	webhooks->call = (struct db_call){ .query = QUERY_webhooks_queue,
		.lane = DB_WRITE,
		.count = 2,
		.params = { webhook_types_array, EVENTS_TEXT },
		.done = webhooks_queued,
		.owner = webhooks };
	db_submit(webhooks->app->db, &webhooks->call);
}

static void webhooks_tick(uv_timer_t *timer)
{
	webhooks_pass_start(timer->data);
}

static void webhooks_on_event(struct hub_listener *listener, const struct event *event)
{
	struct webhooks *webhooks = CONTAINER_OF(listener, struct webhooks, listener);

	if (webhooks->any_endpoint && webhook_type_offered(event->type))
		webhooks_pass_start(webhooks);
}

void webhooks_listen(struct webhooks *webhooks)
{
	webhooks->listener.on_event = webhooks_on_event;
	if (webhooks->app->hub)
		hub_add_listener(webhooks->app->hub, &webhooks->listener);
}

/* --- Life ------------------------------------------------------------------------------------- */

static void webhooks_leadership_gained(void *arg)
{
	webhooks_pass_start(arg);
}

/* One partner for all endpoints: this file bounds each endpoint, and failures of one do not affect
 * another. */
static struct partner *webhooks_partner_new(struct app *app)
{
	const struct partner_limits limits = { .at_once = SLOTS,
		.waiting = SLOTS,
		.timeout_ms = (unsigned)app->config->webhook_timeout };

	return partner_new(app->client, "webhooks", &limits);
}

int webhooks_new(struct app *app, struct webhooks **ret)
{
	struct webhooks *webhooks = calloc(1, sizeof(*webhooks));

	if (!webhooks)
		return E_NO_MEMORY;
	webhooks->app = app;
	webhooks->timer.data = webhooks;
	snprintf(webhooks->seconds, sizeof(webhooks->seconds), "%lld",
		(long long)(app->config->webhook_timeout / 1000 + MARGIN_S));
	webhooks->partner = webhooks_partner_new(app);
	if (!webhooks->partner ||
		leadership_new(app->loop, app->db, "webhooks", webhooks_leadership_gained, webhooks,
			&webhooks->leadership) ||
		uv_timer_init(loop_uv(app->loop), &webhooks->timer)) {
		leadership_close(webhooks->leadership);
		free(webhooks);
		return E_NO_MEMORY;
	}
	webhooks->timer_open = true;
	uv_timer_start(&webhooks->timer, webhooks_tick, EVERY_MS, EVERY_MS);
	*ret = webhooks;
	return 0;
}

static void webhooks_timer_closed(uv_handle_t *handle)
{
	struct webhooks *webhooks = handle->data;

	webhooks->timer_open = false;
	webhooks_free_if_idle(webhooks);
}

/* Requests under way are cancelled. It is unknown whether they arrived, so they are sent again when
 * their claims expire. */
void webhooks_close(struct webhooks *webhooks)
{
	if (!webhooks)
		return;
	webhooks->closing = true;
	leadership_close(webhooks->leadership);
	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot *slot = &webhooks->slots[i];

		if (slot->used && !slot->call.owner) {
			client_cancel(&slot->http);
			slot->used = false;
			webhooks->used--;
		}
	}
	uv_close((uv_handle_t *)&webhooks->timer, webhooks_timer_closed);
}
