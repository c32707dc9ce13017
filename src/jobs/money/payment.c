/* SPDX-License-Identifier: MIT
 *
 * One payment and the gateway: see the header. An errand is a call to the gateway, then one
 * statement, then what caches must forget, then whoever waited, if he still does.
 */
#include <stdio.h>
#include <stdlib.h>

#include "reeyo/cache/cache.h"
#include "reeyo/core/id.h"
#include "reeyo/core/log.h"
#include "reeyo/core/memory.h"
#include "reeyo/db/db.h"
#include "reeyo/jobs/payments.h"
#include "reeyo/partners/gateway.h"

/* Phones on bad networks get an answer after this time, whatever the gateway does; the errand goes
 * on. */
#define PATIENCE_MS 8000

struct payments {
	struct app *app;
	const struct payment_needs *needs;
	struct deadline_list patience;
	unsigned running;
	bool closing;
};

struct errand {
	struct payments *payments;
	struct gateway_call call;
	struct db_call record;
	struct deadline patience;
	payment_done *done;
	void *arg;
	enum payment_end end;
	bool collects;
	struct text payment; /* a copy of its own */
	char id[ID_SIZE], phone[16], reference[GATEWAY_REFERENCE_SIZE], description[ID_SIZE + 16];
	/* what is recorded */
	char told[GATEWAY_REFERENCE_SIZE], ussd[64], operator[16], amount[24], why[200],
		refund[ID_SIZE], vendor[ID_SIZE];
};

/* --- The end ---------------------------------------------------------------------------------- */

static void errand_free(struct errand *errand)
{
	errand->payments->running--;
	deadline_stop(&errand->patience);
	free((char *)(uintptr_t)errand->payment.at);
	free(errand);
}

static void finish(void *arg)
{
	struct errand *errand = arg;

	if (errand->done)
		errand->done(errand->arg, errand->end, errand->payment);
	errand_free(errand);
}

static void drop_active(void *arg)
{
	struct errand *errand = arg;

	cache_drop(errand->payments->app->cache, KEY_ORDERS_ACTIVE, NULL, finish, errand);
}

static void impatient(struct deadline *deadline)
{
	struct errand *errand = CONTAINER_OF(deadline, struct errand, patience);
	payment_done *done = errand->done;

	errand->done = NULL;
	if (done)
		done(errand->arg, PAYMENT_OPEN, TEXT_NONE);
}

/* --- The record ------------------------------------------------------------------------------- */

static struct counters *counters_of(const struct errand *errand)
{
	return loop_counters(errand->payments->app->loop);
}

/* Counts and tells what has become of it, and says how this ends for who waits. */
static enum payment_end judge(struct errand *errand, struct text outcome, bool late)
{
	if (text_is(outcome, TEXT("SUCCEEDED"))) {
		count_one(counters_of(errand), COUNT_PAYMENTS_SUCCEEDED);
		count_add(counters_of(errand), COUNT_PAYMENTS_LATE, late);
	} else if (text_is(outcome, TEXT("MISMATCH"))) {
		count_one(counters_of(errand), COUNT_PAYMENTS_MISMATCHED);
		log_line(LOG_ERROR, "the gateway's amount is not the payment's: nothing is booked",
			LOG_T("payment", errand->id), LOG_T("reference", errand->told),
			LOG_T("amount", errand->amount));
	} else if (text_is(outcome, TEXT("FAILED"))) {
		count_one(counters_of(errand), COUNT_PAYMENTS_FAILED);
		return errand->end == PAYMENT_UNREACHED ? PAYMENT_UNREACHED : PAYMENT_REFUSED;
	} else if (text_is(outcome, TEXT("UNKNOWN"))) {
		log_line(LOG_ERROR, "the gateway speaks of a payment that does not exist",
			LOG_T("payment", errand->id));
		return PAYMENT_OPEN;
	}
	return PAYMENT_RECORDED;
}

static void forget_menu(struct errand *errand, struct text vendor)
{
	struct app *app = errand->payments->app;

	snprintf(errand->vendor, sizeof(errand->vendor), "%.*s", TEXT_ARGS(vendor));
	errand->payments->needs->menu_changed(app, errand->vendor);
	cache_drop(app->cache, KEY_MENU, errand->vendor, drop_active, errand);
}

static void recorded(struct db_call *call, const struct db_result *result)
{
	struct errand *errand = call->owner;
	struct text payment;
	char *copy;

	if (db_error(result) || errand->payments->closing) {
		if (db_error(result) == E_CONFLICT_ROW)
			log_line(LOG_ERROR, "two payments bear one reference of the gateway",
				LOG_T("payment", errand->id), LOG_T("reference", errand->told));
		errand->end = PAYMENT_OPEN;
		return finish(errand);
	}
	errand->end = judge(errand, db_text(result, 0, 0), db_bool(result, 0, 5));
	payment = db_text(result, 0, 1);
	copy = payment.at ? strndup(payment.at, payment.len) : NULL;
	errand->payment = (struct text){ copy, copy ? payment.len : 0 };
	if (db_bool(result, 0, 4) && !db_is_null(result, 0, 3))
		return forget_menu(errand, db_text(result, 0, 3));
	if (!db_is_null(result, 0, 2))
		return drop_active(errand);
	finish(errand);
}

static void record(struct errand *errand, const char *told)
{
	id_new(errand->refund, "txn_");
	errand->record = (struct db_call){
		.query = QUERY_payment_told, .lane = DB_WRITE, .count = 8,
		.params = { errand->id, told, errand->told[0] ? errand->told : NULL,
			errand->ussd[0] ? errand->ussd : NULL,
			errand->operator[0] ? errand->operator : NULL, errand->amount,
			errand->why[0] ? errand->why : NULL, errand->refund },
		.done = recorded, .owner = errand };
	db_submit(errand->payments->app->db, &errand->record);
}

/* --- The gateway's answer --------------------------------------------------------------------- */

static void unheard(struct db_call *call, const struct db_result *result)
{
	(void)result; /* on an error it is asked after again, and told again */
	finish(call->owner);
}

/* The reference is another's: forgotten, and the payment looked for in the history. */
static void unhear(struct errand *errand)
{
	log_line(LOG_ERROR, "the gateway answers about another payment",
		LOG_T("payment", errand->id), LOG_T("reference", errand->reference));
	if (errand->collects)
		return finish(errand);
	errand->record = (struct db_call){ .query = QUERY_payment_unheard,
		.lane = DB_WRITE, .count = 2,
		.params = { errand->id, errand->reference }, .done = unheard, .owner = errand };
	db_submit(errand->payments->app->db, &errand->record);
}

static void told(struct errand *errand, const struct gateway_told *told)
{
	if ((told->external.at && !text_is(told->external, text_of(errand->id))) ||
		!text_copy_whole(errand->told, sizeof(errand->told), told->reference))
		return unhear(errand);
	if (told->state == GATEWAY_SUCCESSFUL && told->amount < 0)
		log_line(LOG_WARN, "the gateway tells no amount of a payment that was made",
			LOG_T("payment", errand->id));
	text_copy_some(errand->ussd, sizeof(errand->ussd), told->ussd_code);
	text_copy_some(errand->operator, sizeof(errand->operator), told->operator);
	text_copy_some(errand->why, sizeof(errand->why), told->reason);
	snprintf(errand->amount, sizeof(errand->amount), "%lld", (long long)told->amount);
	/* What counts is what it says when asked, not what it answers to the call. */
	record(errand, gateway_state_word(errand->collects && told->state == GATEWAY_SUCCESSFUL ?
		GATEWAY_PENDING : told->state));
}

static void answered(struct gateway_call *call, const struct gateway_answer *answer)
{
	struct errand *errand = call->owner;
	bool undone = answer->outcome == GATEWAY_REFUSED || answer->outcome == GATEWAY_UNREACHED;

	if (errand->payments->closing)
		return finish(errand);
	if (answer->outcome == GATEWAY_TOLD)
		return told(errand, &answer->told);
	log_line(LOG_WARN, "the gateway does not say", LOG_T("payment", errand->id),
		LOG_T("asked", errand->collects ? "collect" : "state"),
		LOG_T("why", answer->why ? answer->why : ""));
	if (!undone || !errand->collects)
		return finish(errand);
	errand->end = answer->outcome == GATEWAY_REFUSED ? PAYMENT_REFUSED : PAYMENT_UNREACHED;
	/* Who still waits is answered so, and needs no message. */
	text_copy_some(errand->why, sizeof(errand->why),
		errand->end == PAYMENT_UNREACHED ?
			errand->done ? TEXT("UNREACHED") : TEXT("NOT_SENT") :
			answer->why ? text_of(answer->why) : TEXT("FAILED"));
	record(errand, "REFUSED");
}

/* --- The beginning ---------------------------------------------------------------------------- */

static struct errand *errand_new(struct payments *payments, const char *id,
	payment_done *done, void *arg)
{
	struct errand *errand = calloc(1, sizeof(*errand));

	if (!errand)
		return NULL;
	payments->running++;
	errand->payments = payments;
	errand->done = done;
	errand->arg = arg;
	errand->end = PAYMENT_OPEN;
	snprintf(errand->id, sizeof(errand->id), "%s", id);
	snprintf(errand->amount, sizeof(errand->amount), "-1");
	errand->call.done = answered;
	errand->call.owner = errand;
	if (done)
		deadline_start(&payments->patience, &errand->patience);
	return errand;
}

bool payment_collect(struct payments *payments, const char *id, const char *phone, int64_t amount,
	payment_done *done, void *arg)
{
	struct errand *errand = errand_new(payments, id, done, arg);

	if (!errand)
		return false;
	errand->collects = true;
	snprintf(errand->phone, sizeof(errand->phone), "%s", phone);
	snprintf(errand->description, sizeof(errand->description), "Reeyo %s", id);
	errand->call.phone = errand->phone;
	errand->call.amount = amount;
	errand->call.external = errand->id;
	errand->call.description = errand->description;
	gateway_collect(payments->app->gateway, &errand->call);
	return true;
}

bool payment_ask(struct payments *payments, const char *id, const char *reference,
	payment_done *done, void *arg)
{
	struct errand *errand = reference && strlen(reference) < GATEWAY_REFERENCE_SIZE ?
		errand_new(payments, id, done, arg) : NULL;

	if (!errand)
		return false;
	count_one(counters_of(errand), COUNT_PAYMENT_ASKS);
	snprintf(errand->reference, sizeof(errand->reference), "%s", reference);
	errand->call.reference = errand->reference;
	gateway_ask(payments->app->gateway, &errand->call);
	return true;
}

void payment_missed(struct payments *payments, const char *id)
{
	struct errand *errand = errand_new(payments, id, NULL, NULL);

	if (!errand)
		return;
	text_copy_some(errand->why, sizeof(errand->why), TEXT("NOT_SENT"));
	record(errand, "REFUSED");
}

unsigned payments_running(const struct payments *payments)
{
	return payments->running;
}

void payment_order_ended(struct payments *payments, const char *vendor_id)
{
	struct app *app = payments->app;

	count_one(loop_counters(app->loop), COUNT_ORDERS_CANCELLED);
	cache_drop(app->cache, KEY_ORDERS_ACTIVE, NULL, NULL, NULL);
	if (!vendor_id)
		return;
	payments->needs->menu_changed(app, vendor_id);
	cache_drop(app->cache, KEY_MENU, vendor_id, NULL, NULL);
}

/* --- Life ------------------------------------------------------------------------------------- */

int payments_new(struct app *app, const struct payment_needs *needs)
{
	struct payments *payments = calloc(1, sizeof(*payments));

	if (!payments)
		return E_NO_MEMORY;
	payments->app = app;
	payments->needs = needs;
	deadline_list_init(&payments->patience, app->loop, PATIENCE_MS, impatient);
	app->payments = payments;
	return 0;
}

void payments_close(struct payments *payments)
{
	if (!payments || payments->closing)
		return;
	payments->closing = true;
	deadline_list_close(&payments->patience);
}

void payments_free(struct payments *payments)
{
	free(payments);
}
