/* SPDX-License-Identifier: MIT
 *
 * Webhooks: see the header. A pass queues deliveries of new events (webhooks_queue) and claims
 * those that are due (webhooks_claim): as many as there are free slots, and at most PER_ENDPOINT at
 * once for one endpoint, or one when its last try failed. One slot is reserved for each endpoint,
 * so an endpoint that answers slowly, or not at all, delays only itself. Each slot then signs,
 * sends, and stores the result (webhook_store_result). One pass runs at a time; requests run beside
 * it.
 *
 * A claim ends at a time when the instance must have stopped or stored a result. So rows that an
 * instance had claimed when it died are claimed again by themselves. The result names the try it
 * belongs to. If two instances both believe that they hold the lease, an endpoint may receive a
 * delivery twice, under one webhook-id.
 */
#include "reeyo/jobs/webhooks.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "reeyo/core/clock.h"
#include "reeyo/core/id.h"
#include "reeyo/core/log.h"
#include "reeyo/core/memory.h"
#include "reeyo/db/periodic.h"
#include "reeyo/db/queries/webhooks.h"
#include "reeyo/domain/webhook.h"
#include "reeyo/jobs/counters.h"
#include "reeyo/live/hub.h"
#include "reeyo/partners/client.h"
#include "reeyo/partners/signature.h"

#define EVENTS 500
#define SLOTS 64  /* more than there are endpoints: one for each, and … */
#define BEYOND 14 /* … so many for further deliveries to the same endpoint */
#define PER_ENDPOINT 4
#define SECRETS_MAX 5 /* the current one, and four of earlier rotations */
#define MARGIN_S 15   /* added to the time limit of a request: for the statements */
#define WHY_SIZE 160

/* A delivery under way. */
struct webhook_slot {
	struct webhooks *webhooks;
	struct client_call http;
	struct db_call call;
	int64_t tries;
	char id[ID_SIZE];
	char why[WHY_SIZE]; /* error of the try */
	bool used, storing; /* storing: the statement of its result is running */
};

struct webhooks {
	struct app *app;
	struct periodic periodic;
	struct partner *partner;
	struct hub_listener listener;
	struct webhook_slot slots[SLOTS];
	unsigned used;
	bool any_endpoint; /* one was enabled, as of the last pass */
	bool full;         /* the last pass claimed all it could: more may be due */
};

/* --- Slots ------------------------------------------------------------------------------------ */

static struct webhook_slot *webhook_slot_acquire(struct webhooks *webhooks)
{
	for (unsigned i = 0; i < SLOTS; i++)
		if (!webhooks->slots[i].used) {
			webhooks->slots[i] =
				(struct webhook_slot){ .webhooks = webhooks, .used = true };
			webhooks->used++;
			periodic_hold(&webhooks->periodic);
			return &webhooks->slots[i];
		}
	return NULL;
}

static void webhook_slot_release(struct webhook_slot *slot)
{
	struct webhooks *webhooks = slot->webhooks;

	slot->used = false;
	webhooks->used--;
	if (webhooks->full)
		periodic_wake(&webhooks->periodic);
	periodic_release(&webhooks->periodic);
}

/* --- Results ---------------------------------------------------------------------------------- */

static void webhook_result_stored(struct db_call *call, const struct db_result *result)
{
	/* After an error the row is due again when the claim expires. */
	if (!db_error(result) && db_rows(result))
		/* texts of a result are NUL-terminated */
		log_line(LOG_WARN, "a webhook is disabled",
			LOG_T("webhook", db_text(result, 0, WEBHOOK_STORE_RESULT_ENDPOINT_ID).at),
			LOG_T("reason", db_text(result, 0, WEBHOOK_STORE_RESULT_REASON).at));
	webhook_slot_release(call->owner);
}

static void webhook_released(struct db_call *call, const struct db_result *result)
{
	(void)result; /* after an error the row is due again when the claim expires */
	webhook_slot_release(call->owner);
}

static struct db_call *webhook_slot_call(struct webhook_slot *slot,
	void (*done)(struct db_call *call, const struct db_result *result))
{
	slot->storing = true;
	slot->call = (struct db_call){ .lane = DB_WRITE, .done = done, .owner = slot };
	return &slot->call;
}

/* The result of a try. status: 0: no answer; why: NULL: no error; wait_s: RETRY. */
struct webhook_result {
	const char *outcome, *why;
	long status;
	double wait_s;
};

static void webhook_result_store(struct webhook_slot *slot, struct webhook_result result)
{
	bool delivered = strcmp(result.outcome, "DELIVERED") == 0;

	count_one(loop_counters(slot->webhooks->app->loop),
		delivered ? COUNT_WEBHOOKS_DELIVERED : COUNT_WEBHOOKS_FAILED);
	db_run(slot->webhooks->app->db, webhook_slot_call(slot, webhook_result_stored),
		webhook_store_result,
		&(struct webhook_store_result){ .id = slot->id,
			.tries = slot->tries,
			.outcome = result.outcome,
			.status = result.status ? &(int64_t){ result.status } : NULL,
			.error = result.why,
			.wait_s = result.wait_s,
			.attempts_max = WEBHOOK_ATTEMPTS_MAX,
			.give_up_s = WEBHOOK_GIVE_UP_S });
}

/* Stores that the request was not sent. */
static void webhook_result_store_unsent(struct webhook_slot *slot)
{
	db_run(slot->webhooks->app->db, webhook_slot_call(slot, webhook_released), webhook_release,
		&(struct webhook_release){
			.id = slot->id, .tries = slot->tries, .wait_s = WEBHOOK_UNSENT_WAIT_S });
}

static void webhook_try_failed(
	struct webhook_slot *slot, long status, const char *why, int64_t retry_after_s)
{
	int64_t wait_s = webhook_backoff_s((unsigned)slot->tries, retry_after_s);
	/* up to a tenth more, so that many retries do not come at once */
	double spread = 1 + randombytes_uniform(1000) / 10000.0;

	webhook_result_store(slot,
		(struct webhook_result){ .outcome = wait_s < 0 ? "DEAD" : "RETRY",
			.why = why,
			.status = status,
			.wait_s = wait_s < 0 ? 0 : (double)wait_s * spread });
}

static const char *webhook_error_why(const struct client_answer *answer)
{
	if (answer->error == E_NOT_OWNER)
		return "the address is not public";
	return answer->why ? answer->why : "no answer";
}

static void webhook_answered(struct client_call *call, const struct client_answer *answer)
{
	struct webhook_slot *slot = call->owner;

	if (slot->webhooks->periodic.closing)
		return webhook_slot_release(slot);
	if (answer->error == E_BUSY || answer->error == E_NO_MEMORY)
		return webhook_result_store_unsent(slot);
	if (answer->error) {
		/* the statement takes the text after this answer is gone */
		snprintf(slot->why, sizeof(slot->why), "%s", webhook_error_why(answer));
		return webhook_try_failed(slot, answer->status, slot->why, 0);
	}
	if (answer->status >= 200 && answer->status < 300)
		return webhook_result_store(slot,
			(struct webhook_result){
				.outcome = "DELIVERED", .status = answer->status });
	snprintf(slot->why, sizeof(slot->why), "answered %ld", answer->status);
	if (answer->status != 410)
		return webhook_try_failed(slot, answer->status, slot->why, answer->retry_after_s);
	webhook_result_store(slot,
		(struct webhook_result){
			.outcome = "GONE", .status = answer->status, .why = slot->why });
}

/* --- Requests --------------------------------------------------------------------------------- */

struct webhook_headers {
	char id[64], at[48], signature[32 + SECRETS_MAX * WEBHOOK_SIGNATURE_SIZE];
};

static int webhook_signatures_add(const struct webhook_slot *slot, struct text secrets, int64_t now,
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
static int webhook_headers_make(const struct webhook_slot *slot, struct text secrets,
	struct text body, struct webhook_headers *headers)
{
	int64_t now = clock_wall_s();

	snprintf(headers->id, sizeof(headers->id), "webhook-id: %s", slot->id);
	snprintf(headers->at, sizeof(headers->at), "webhook-timestamp: %lld", (long long)now);
	return webhook_signatures_add(slot, secrets, now, body, headers);
}

/* Sends a row of webhooks_claim. */
static void webhook_send(struct webhook_slot *slot, const struct db_result *result, unsigned row)
{
	struct app *app = slot->webhooks->app;
	const char *url = db_text(result, row, WEBHOOKS_CLAIM_URL).at;
	struct text body = db_text(result, row, WEBHOOKS_CLAIM_BODY);
	char host[URL_HOST_SIZE];
	struct webhook_headers headers;

	snprintf(slot->id, sizeof(slot->id), "%.*s",
		TEXT_ARGS(db_text(result, row, WEBHOOKS_CLAIM_ID)));
	slot->tries = db_int(result, row, WEBHOOKS_CLAIM_TRIES);
	if (!webhook_url_parse(url, app->config->webhook_private, host) ||
		webhook_headers_make(
			slot, db_text(result, row, WEBHOOKS_CLAIM_SECRETS), body, &headers))
		return webhook_try_failed(slot, 0, "the address or the secret cannot be used", 0);
	slot->http = (struct client_call){ .partner = slot->webhooks->partner,
		.method = "POST",
		.url = url,
		.headers = { headers.id, headers.at, headers.signature,
			"Content-Type: application/json", "User-Agent: Reeyo-Webhooks" },
		.body = body,
		.status_only = true,
		.public_only = !app->config->webhook_private,
		.done = webhook_answered,
		.owner = slot };
	client_call(app->client, &slot->http);
}

/* --- Passes ----------------------------------------------------------------------------------- */

static void webhooks_claimed(struct db_call *call, const struct db_result *result)
{
	struct webhooks *webhooks = call->owner;

	webhooks->full = false;
	/* When closing, the claimed rows are due again when the claims expire. */
	if (!periodic_continues(&webhooks->periodic, result))
		return;
	webhooks->full = db_rows(result) > 0;
	for (unsigned row = 0; row < db_rows(result); row++) {
		struct webhook_slot *slot = webhook_slot_acquire(webhooks);

		if (slot)
			webhook_send(slot, result, row);
	}
	periodic_end(&webhooks->periodic, false);
}

static void webhooks_claim_submit(struct webhooks *webhooks, bool more_events)
{
	int64_t timeout_s = webhooks->app->config->webhook_timeout / 1000;

	if (!webhooks->any_endpoint || webhooks->used == SLOTS) {
		webhooks->full = webhooks->any_endpoint;
		return periodic_end(&webhooks->periodic, more_events);
	}
	if (more_events)
		periodic_wake(&webhooks->periodic); /* after this pass */
	periodic_run(&webhooks->periodic, webhooks_claimed, webhooks_claim,
		&(struct webhooks_claim){ .limit = SLOTS - webhooks->used,
			.per_endpoint = PER_ENDPOINT,
			.beyond = BEYOND,
			.claim_s = timeout_s + MARGIN_S });
}

static void webhooks_events_queued(struct db_call *call, const struct db_result *result)
{
	struct webhooks *webhooks = call->owner;

	if (!periodic_continues(&webhooks->periodic, result))
		return;
	webhooks->any_endpoint = db_int(result, 0, WEBHOOKS_QUEUE_ENDPOINTS) > 0;
	webhooks_claim_submit(webhooks, db_int(result, 0, WEBHOOKS_QUEUE_EVENTS) == EVENTS);
}

static void webhooks_pass(void *job)
{
	struct webhooks *webhooks = job;

	periodic_run(&webhooks->periodic, webhooks_events_queued, webhooks_queue,
		&(struct webhooks_queue){
			.types = { webhook_types, WEBHOOK_TYPE_COUNT }, .limit = EVENTS });
}

static void webhooks_on_event(struct hub_listener *listener, const struct event *event)
{
	struct webhooks *webhooks = CONTAINER_OF(listener, struct webhooks, listener);

	if (webhooks->any_endpoint && webhook_type_offered(event->type))
		periodic_wake(&webhooks->periodic);
}

void webhooks_listen(struct webhooks *webhooks)
{
	webhooks->listener.on_event = webhooks_on_event;
	if (webhooks->app->hub)
		hub_add_listener(webhooks->app->hub, &webhooks->listener);
}

/* --- Life ------------------------------------------------------------------------------------- */

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
	static const struct periodic_spec spec = {
		.lease = "webhooks", .every_ms = 500, .round = webhooks_pass, .free = free
	};
	struct webhooks *webhooks = calloc(1, sizeof(*webhooks));

	if (!webhooks)
		return E_NO_MEMORY;
	webhooks->app = app;
	webhooks->partner = webhooks_partner_new(app);
	if (!webhooks->partner ||
		periodic_start(&webhooks->periodic, app->loop, app->db, &spec, webhooks)) {
		free(webhooks);
		return E_NO_MEMORY;
	}
	*ret = webhooks;
	return 0;
}

/* Requests under way are cancelled. It is unknown whether they arrived, so they are sent again when
 * their claims expire. */
void webhooks_close(struct webhooks *webhooks)
{
	if (!webhooks)
		return;
	periodic_close(&webhooks->periodic);
	for (unsigned i = 0; i < SLOTS; i++) {
		struct webhook_slot *slot = &webhooks->slots[i];

		if (slot->used && !slot->storing) {
			client_cancel(&slot->http);
			webhook_slot_release(slot);
		}
	}
}
