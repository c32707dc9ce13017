/* SPDX-License-Identifier: MIT
 *
 * Webhooks: see the header. A pass makes deliveries of what has been said (webhooks_fan) and takes
 * what is due (webhooks_take): as many as there are free slots, and of one endpoint no more than
 * PER_ENDPOINT under way at once, or one when the last failed. There is a slot for each endpoint
 * that others cannot take, so a partner who answers slowly, or not at all, holds up nobody but
 * himself, however many do so. Each slot then signs, calls, and writes down what became of it
 * (webhook_settle). One pass at a time; calls run beside it.
 *
 * Whoever takes a row moves its next_at to when he must be dead, so what a copy had under way when
 * it died is due again by itself. The outcome names the try that it is of: should two copies think
 * that they lead, a partner may hear something twice, under one webhook-id.
 */
#include "reeyo/jobs/webhooks.h"

#include <stdio.h>
#include <stdlib.h>

#include "reeyo/core/clock.h"
#include "reeyo/core/id.h"
#include "reeyo/core/log.h"
#include "reeyo/core/memory.h"
#include "reeyo/db/db.h"
#include "reeyo/domain/webhook.h"
#include "reeyo/live/hub.h"
#include "reeyo/db/lead.h"
#include "reeyo/partners/client.h"
#include "reeyo/partners/signature.h"

#define EVERY_MS 500
#define EVENTS_TEXT "500"
#define EVENTS 500
#define SLOTS 64             /* more than there are endpoints: one for each, and … */
#define BESIDE_TEXT "14"     /* … so many for what is under way beside an endpoint's first */
#define PER_ENDPOINT_TEXT "4"
#define SECRETS_MOST 5       /* the one, and four of rotations before */
#define MARGIN_S 15          /* beyond the call's own limit: for the statements around it */
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
	struct lead *lead;
	struct partner *partner;
	uv_timer_t timer;
	struct db_call call;
	struct hub_listener listener;
	struct slot slots[SLOTS];
	unsigned used;
	bool told;           /* somebody is told anything, as of the last pass */
	bool full;           /* the last pass took all it could: more may be due */
	bool running, again, timer_open, closing;
	char free_slots[12], seconds[24];
};

static void pass_start(struct webhooks *webhooks);

static void webhooks_end(struct webhooks *webhooks)
{
	if (!webhooks->running && !webhooks->used && !webhooks->timer_open)
		free(webhooks);
}

/* --- Slots ------------------------------------------------------------------------------------ */

static struct slot *slot_take(struct webhooks *webhooks)
{
	for (unsigned i = 0; i < SLOTS; i++)
		if (!webhooks->slots[i].used) {
			webhooks->slots[i] = (struct slot){ .webhooks = webhooks, .used = true };
			webhooks->used++;
			return &webhooks->slots[i];
		}
	return NULL;
}

static void slot_free(struct slot *slot)
{
	struct webhooks *webhooks = slot->webhooks;

	slot->used = false;
	webhooks->used--;
	if (webhooks->closing)
		return webhooks_end(webhooks);
	if (webhooks->full)
		pass_start(webhooks);
}

/* --- What became of it ------------------------------------------------------------------------ */

static void settled(struct db_call *call, const struct db_result *result)
{
	char id[ID_SIZE], reason[16];

	/* Without an answer the row is due again when its time is over. */
	if (!db_error(result) && db_rows(result)) {
		snprintf(id, sizeof(id), "%.*s", TEXT_ARGS(db_text(result, 0, 0)));
		snprintf(reason, sizeof(reason), "%.*s", TEXT_ARGS(db_text(result, 0, 2)));
		log_line(LOG_WARN, "a webhook is disabled", LOG_T("webhook", id),
			LOG_T("reason", reason));
	}
	slot_free(call->owner);
}

static void settle(struct slot *slot, const char *outcome)
{
	slot->call = (struct db_call){ .query = QUERY_webhook_settle, .lane = DB_WRITE, .count = 6,
		.params = { slot->id, slot->tries_text, outcome,
			slot->status[0] ? slot->status : NULL,
			slot->why[0] ? slot->why : NULL, slot->wait[0] ? slot->wait : NULL },
		.done = settled, .owner = slot };
	db_submit(slot->webhooks->app->db, &slot->call);
}

static void untake(struct slot *slot)
{
	slot->call = (struct db_call){ .query = QUERY_webhook_untake, .lane = DB_WRITE, .count = 2,
		.params = { slot->id, slot->tries_text }, .done = settled, .owner = slot };
	db_submit(slot->webhooks->app->db, &slot->call);
}

/* After a try that failed: the documented wait, or what the partner asks for when that is
 * longer. */
static void fail_try(struct slot *slot, int64_t asked_s)
{
	int64_t wait_s = webhook_wait_s(slot->tries);

	count_one(loop_counters(slot->webhooks->app->loop), COUNT_WEBHOOKS_FAILED);
	if (asked_s > RETRY_AFTER_MAX_S)
		asked_s = RETRY_AFTER_MAX_S;
	snprintf(slot->wait, sizeof(slot->wait), "%lld",
		(long long)(asked_s > wait_s ? asked_s : wait_s));
	settle(slot, wait_s < 0 ? "DEAD" : "RETRY");
}

static void answered(struct client_call *call, const struct client_answer *answer)
{
	struct slot *slot = call->owner;

	if (slot->webhooks->closing)
		return slot_free(slot);
	if (answer->error == E_BUSY || answer->error == E_NO_MEMORY)
		return untake(slot);
	if (answer->status)
		snprintf(slot->status, sizeof(slot->status), "%ld", answer->status);
	if (answer->error) {
		snprintf(slot->why, sizeof(slot->why), "%s",
			answer->error == E_NOT_OWNER ? "the address is not public" :
				answer->why ? answer->why : "no answer");
		return fail_try(slot, 0);
	}
	if (answer->status >= 200 && answer->status < 300) {
		count_one(loop_counters(slot->webhooks->app->loop), COUNT_WEBHOOKS_DELIVERED);
		return settle(slot, "DELIVERED");
	}
	snprintf(slot->why, sizeof(slot->why), "answered %ld", answer->status);
	if (answer->status != 410)
		return fail_try(slot, answer->retry_after_s);
	count_one(loop_counters(slot->webhooks->app->loop), COUNT_WEBHOOKS_FAILED);
	settle(slot, "GONE");
}

/* --- Out -------------------------------------------------------------------------------------- */

struct heads {
	char id[64], at[48], signature[32 + SECRETS_MOST * WEBHOOK_SIGNATURE_SIZE];
};

static int signatures_add(const struct slot *slot, struct text secrets, int64_t now,
	struct text body, struct heads *heads)
{
	size_t len = (size_t)snprintf(heads->signature,
		sizeof(heads->signature), "webhook-signature:");
	char secret[WEBHOOK_SECRET_SIZE], one[WEBHOOK_SIGNATURE_SIZE];

	for (int i = 0; secrets.at && i < SECRETS_MOST; i++) {
		struct text next = text_cut(&secrets, ' ');
		int error;

		snprintf(secret, sizeof(secret), "%.*s", TEXT_ARGS(next));
		error = webhook_sign(secret, slot->id, now, body, one);
		if (error)
			return error;
		len += (size_t)snprintf(heads->signature + len,
			sizeof(heads->signature) - len, " %s", one);
	}
	return 0;
}

/* During a rotation all of the secrets sign, the new one first. */
static int heads_make(const struct slot *slot, struct text secrets,
	struct text body, struct heads *heads)
{
	int64_t now = clock_wall_s();

	snprintf(heads->id, sizeof(heads->id), "webhook-id: %s", slot->id);
	snprintf(heads->at, sizeof(heads->at), "webhook-timestamp: %lld", (long long)now);
	return signatures_add(slot, secrets, now, body, heads);
}

/* A row of webhooks_take, in a slot of its own. The texts end with NUL, as all of a result do. */
static void deliver(struct slot *slot, const struct db_result *result, unsigned row)
{
	struct app *app = slot->webhooks->app;
	const char *url = db_text(result, row, 2).at;
	struct text body = db_text(result, row, 3);
	char host[WEBHOOK_HOST_SIZE];
	struct heads heads;

	snprintf(slot->id, sizeof(slot->id), "%.*s", TEXT_ARGS(db_text(result, row, 0)));
	slot->tries = (unsigned)db_int(result, row, 4);
	snprintf(slot->tries_text, sizeof(slot->tries_text), "%u", slot->tries);
	if (!webhook_url_take(url, app->config->webhook_private, host) ||
		heads_make(slot, db_text(result, row, 5), body, &heads)) {
		snprintf(slot->why, sizeof(slot->why), "the address or the secret cannot be used");
		return fail_try(slot, 0);
	}
	slot->http = (struct client_call){ .partner = slot->webhooks->partner, .method = "POST",
		.url = url,
		.headers = { heads.id, heads.at, heads.signature, "Content-Type: application/json",
			"User-Agent: Reeyo-Webhooks" },
		.body = body, .status_only = true,
		.public_only = !app->config->webhook_private, .done = answered, .owner = slot };
	client_call(app->client, &slot->http);
}

/* --- Passes ----------------------------------------------------------------------------------- */

/* The only way a pass goes on; after an error the clock begins the next. */
static bool pass_goes(struct webhooks *webhooks, const struct db_result *result)
{
	if (!webhooks->closing && !db_error(result))
		return true;
	webhooks->running = webhooks->again = webhooks->full = false;
	if (webhooks->closing)
		webhooks_end(webhooks);
	return false;
}

static void pass_end(struct webhooks *webhooks)
{
	webhooks->running = false;
	if (webhooks->again)
		pass_start(webhooks);
}

static void taken(struct db_call *call, const struct db_result *result)
{
	struct webhooks *webhooks = call->owner;

	/* Taken, and the job is closing: due again when their time is over. */
	if (!pass_goes(webhooks, result))
		return;
	webhooks->full = db_rows(result) > 0;
	for (unsigned i = 0; i < db_rows(result); i++) {
		struct slot *slot = slot_take(webhooks);

		if (slot)
			deliver(slot, result, i);
	}
	pass_end(webhooks);
}

static void take(struct webhooks *webhooks)
{
	if (!webhooks->told || webhooks->used == SLOTS) {
		webhooks->full = webhooks->told;
		return pass_end(webhooks);
	}
	snprintf(webhooks->free_slots, sizeof(webhooks->free_slots), "%u", SLOTS - webhooks->used);
	webhooks->call = (struct db_call){
		.query = QUERY_webhooks_take, .lane = DB_WRITE, .count = 4,
		.params = { webhooks->free_slots, PER_ENDPOINT_TEXT, webhooks->seconds,
			BESIDE_TEXT },
		.done = taken, .owner = webhooks };
	db_submit(webhooks->app->db, &webhooks->call);
}

static void fanned(struct db_call *call, const struct db_result *result)
{
	struct webhooks *webhooks = call->owner;

	if (!pass_goes(webhooks, result))
		return;
	webhooks->again = webhooks->again || db_int(result, 0, 0) == EVENTS;
	webhooks->told = db_int(result, 0, 2) > 0;
	take(webhooks);
}

static void pass_start(struct webhooks *webhooks)
{
	if (webhooks->closing || !lead_held(webhooks->lead))
		return;
	webhooks->again = webhooks->running;
	if (webhooks->running)
		return;
	webhooks->running = true;
	webhooks->call = (struct db_call){ .query = QUERY_webhooks_fan,
		.lane = DB_WRITE, .count = 2,
		.params = { webhook_types_array, EVENTS_TEXT }, .done = fanned, .owner = webhooks };
	db_submit(webhooks->app->db, &webhooks->call);
}

static void due(uv_timer_t *timer)
{
	pass_start(timer->data);
}

static void heard(struct hub_listener *listener, const struct event *event)
{
	struct webhooks *webhooks = CONTAINER_OF(listener, struct webhooks, listener);

	if (webhooks->told && webhook_offers(event->type))
		pass_start(webhooks);
}

void webhooks_listen(struct webhooks *webhooks)
{
	webhooks->listener.hear = heard;
	if (webhooks->app->hub)
		hub_listen(webhooks->app->hub, &webhooks->listener);
}

/* --- Life ------------------------------------------------------------------------------------- */

static void led(void *arg)
{
	pass_start(arg);
}

/* One for all endpoints: it is this file that bounds each, and one endpoint's failures say nothing
 * of another. */
static struct partner *partner_of(struct app *app)
{
	const struct partner_limits limits = { .at_once = SLOTS, .waiting = SLOTS,
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
	webhooks->partner = partner_of(app);
	if (!webhooks->partner ||
		lead_new(app->loop, app->db, "webhooks", led, webhooks, &webhooks->lead) ||
		uv_timer_init(loop_uv(app->loop), &webhooks->timer)) {
		lead_close(webhooks->lead);
		free(webhooks);
		return E_NO_MEMORY;
	}
	webhooks->timer_open = true;
	uv_timer_start(&webhooks->timer, due, EVERY_MS, EVERY_MS);
	*ret = webhooks;
	return 0;
}

static void timer_closed(uv_handle_t *handle)
{
	struct webhooks *webhooks = handle->data;

	webhooks->timer_open = false;
	webhooks_end(webhooks);
}

/* Calls under way are forgotten: whether they arrived nobody knows, so they are made again when
 * their time is over. */
void webhooks_close(struct webhooks *webhooks)
{
	if (!webhooks)
		return;
	webhooks->closing = true;
	lead_close(webhooks->lead);
	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot *slot = &webhooks->slots[i];

		if (slot->used && !slot->call.owner) {
			client_cancel(&slot->http);
			slot->used = false;
			webhooks->used--;
		}
	}
	uv_close((uv_handle_t *)&webhooks->timer, timer_closed);
}
