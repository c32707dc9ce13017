/* SPDX-License-Identifier: MIT
 *
 * Payments and the gateway. An operation is a call to the gateway, then one statement, then cache
 * invalidation, then the caller's callback if it still waits.
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
#include "reeyo/service/cache_keys.h"

/* A waiting caller gets PAYMENT_OPEN after this time; the operation continues. */
#define REPLY_WAIT_MS 8000

struct payments {
	struct app *app;
	const struct payment_needs *needs;
	struct deadline_list wait_limit;
	unsigned running;
	bool closing;
};

struct payment_op {
	struct payments *payments;
	struct gateway_call call;
	struct db_call payment_record;
	struct deadline wait_limit;
	payment_done *done;
	void *arg;
	enum payment_end end;
	bool collects;
	struct text payment; /* a copy of its own */
	char id[ID_SIZE], phone[16], reference[GATEWAY_REFERENCE_SIZE], description[ID_SIZE + 16];
	/* what is payment_recorded */
	char new_reference[GATEWAY_REFERENCE_SIZE], ussd[64], operator[16], amount[24], why[200],
		refund[ID_SIZE], vendor[ID_SIZE];
};

/* --- Results ---------------------------------------------------------------------------------- */

static void payment_op_free(struct payment_op *op)
{
	op->payments->running--;
	deadline_stop(&op->wait_limit);
	free((char *)(uintptr_t)op->payment.at);
	free(op);
}

static void payment_op_finish(void *arg)
{
	struct payment_op *op = arg;

	if (op->done)
		op->done(op->arg, op->end, op->payment);
	payment_op_free(op);
}

static void payment_active_invalidate(void *arg)
{
	struct payment_op *op = arg;

	cache_key_invalidate(
		op->payments->app->cache, KEY_ORDERS_ACTIVE, NULL, payment_op_finish, op);
}

static void payment_wait_over(struct deadline *deadline)
{
	struct payment_op *op = CONTAINER_OF(deadline, struct payment_op, wait_limit);
	payment_done *done = op->done;

	op->done = NULL;
	if (done)
		done(op->arg, PAYMENT_OPEN, TEXT_NONE);
}

/* --- Statements ------------------------------------------------------------------------------- */

static struct counters *payment_counters(const struct payment_op *op)
{
	return loop_counters(op->payments->app->loop);
}

/* Counts and logs the outcome; returns the result for the caller. */
static enum payment_end payment_outcome_count(struct payment_op *op, struct text outcome, bool late)
{
	if (text_is(outcome, TEXT("SUCCEEDED"))) {
		count_one(payment_counters(op), COUNT_PAYMENTS_SUCCEEDED);
		count_add(payment_counters(op), COUNT_PAYMENTS_LATE, late);
	} else if (text_is(outcome, TEXT("MISMATCH"))) {
		count_one(payment_counters(op), COUNT_PAYMENTS_MISMATCHED);
		log_line(LOG_ERROR,
			"the gateway's amount differs from the payment's: nothing is booked",
			LOG_T("payment", op->id), LOG_T("reference", op->new_reference),
			LOG_T("amount", op->amount));
	} else if (text_is(outcome, TEXT("FAILED"))) {
		count_one(payment_counters(op), COUNT_PAYMENTS_FAILED);
		return op->end == PAYMENT_UNREACHED ? PAYMENT_UNREACHED : PAYMENT_REFUSED;
	} else if (text_is(outcome, TEXT("UNKNOWN"))) {
		log_line(LOG_ERROR,
			"the gateway payment_answered about a payment that does not exist",
			LOG_T("payment", op->id));
		return PAYMENT_OPEN;
	}
	return PAYMENT_RECORDED;
}

static void payment_menu_invalidate(struct payment_op *op, struct text vendor)
{
	struct app *app = op->payments->app;

	snprintf(op->vendor, sizeof(op->vendor), "%.*s", TEXT_ARGS(vendor));
	op->payments->needs->menu_changed(app, op->vendor);
	cache_key_invalidate(app->cache, KEY_MENU, op->vendor, payment_active_invalidate, op);
}

static void payment_recorded(struct db_call *call, const struct db_result *result)
{
	struct payment_op *op = call->owner;
	struct text payment;
	char *copy;

	if (db_error(result) || op->payments->closing) {
		if (db_error(result) == E_CONFLICT_ROW)
			log_line(LOG_ERROR, "two payments have the same gateway reference",
				LOG_T("payment", op->id), LOG_T("reference", op->new_reference));
		op->end = PAYMENT_OPEN;
		return payment_op_finish(op);
	}
	op->end = payment_outcome_count(op, db_text(result, 0, 0), db_bool(result, 0, 5));
	payment = db_text(result, 0, 1);
	copy = payment.at ? strndup(payment.at, payment.len) : NULL;
	op->payment = (struct text){ copy, copy ? payment.len : 0 };
	if (db_bool(result, 0, 4) && !db_is_null(result, 0, 3))
		return payment_menu_invalidate(op, db_text(result, 0, 3));
	if (!db_is_null(result, 0, 2))
		return payment_active_invalidate(op);
	payment_op_finish(op);
}

static void payment_record(struct payment_op *op, const char *state)
{
	id_new(op->refund, "txn_");
	op->payment_record = (struct db_call){ .query = QUERY_payment_told,
		.lane = DB_WRITE,
		.count = 8,
		.params = { op->id, state, op->new_reference[0] ? op->new_reference : NULL,
			op->ussd[0] ? op->ussd : NULL, op->operator[0] ? op->operator: NULL,
			op->amount, op->why[0] ? op->why : NULL, op->refund },
			.done = payment_recorded, .owner = op };
	db_submit(op->payments->app->db, &op->payment_record);
}

/* --- Gateway responses ------------------------------------------------------------------------ */

static void payment_reference_cleared(struct db_call *call, const struct db_result *result)
{
	(void)result; /* on an error it is queried again later */
	payment_op_finish(call->owner);
}

/* The reference belongs to another transaction: clear it, so that the history is searched. */
static void payment_reference_clear(struct payment_op *op)
{
	log_line(LOG_ERROR, "the gateway payment_answered about another payment",
		LOG_T("payment", op->id), LOG_T("reference", op->reference));
	if (op->collects)
		return payment_op_finish(op);
	op->payment_record = (struct db_call){ .query = QUERY_payment_unheard,
		.lane = DB_WRITE,
		.count = 2,
		.params = { op->id, op->reference },
		.done = payment_reference_cleared,
		.owner = op };
	db_submit(op->payments->app->db, &op->payment_record);
}

static void payment_transaction_record(
	struct payment_op *op, const struct gateway_transaction *transaction)
{
	if ((transaction->external.at && !text_is(transaction->external, text_of(op->id))) ||
		!text_copy_whole(
			op->new_reference, sizeof(op->new_reference), transaction->reference))
		return payment_reference_clear(op);
	if (transaction->state == GATEWAY_SUCCESSFUL && transaction->amount < 0)
		log_line(LOG_WARN, "the gateway reports no amount for a successful payment",
			LOG_T("payment", op->id));
	text_copy_truncated(op->ussd, sizeof(op->ussd), transaction->ussd_code);
	text_copy_truncated(op->operator, sizeof(op->operator), transaction->operator);
	text_copy_truncated(op->why, sizeof(op->why), transaction->reason);
	snprintf(op->amount, sizeof(op->amount), "%lld", (long long)transaction->amount);
	/* Only a query is decisive, not the response to collect. */
	payment_record(op,
		gateway_state_word(op->collects && transaction->state == GATEWAY_SUCCESSFUL
				? GATEWAY_PENDING
				: transaction->state));
}

static void payment_answered(struct gateway_call *call, const struct gateway_answer *answer)
{
	struct payment_op *op = call->owner;
	bool undone = answer->outcome == GATEWAY_REFUSED || answer->outcome == GATEWAY_UNREACHED;

	if (op->payments->closing)
		return payment_op_finish(op);
	if (answer->outcome == GATEWAY_ANSWERED)
		return payment_transaction_record(op, &answer->told);
	log_line(LOG_WARN, "a gateway call for a payment failed", LOG_T("payment", op->id),
		LOG_T("asked", op->collects ? "collect" : "state"),
		LOG_T("why", answer->why ? answer->why : ""));
	if (!undone || !op->collects)
		return payment_op_finish(op);
	op->end = answer->outcome == GATEWAY_REFUSED ? PAYMENT_REFUSED : PAYMENT_UNREACHED;
	/* A caller that still waits replies with it, so no message is sent. */
	text_copy_truncated(op->why, sizeof(op->why),
		op->end == PAYMENT_UNREACHED ? op->done ? TEXT("UNREACHED") : TEXT("NOT_SENT")
			: answer->why ? text_of(answer->why)
					     : TEXT("FAILED"));
	payment_record(op, "REFUSED");
}

/* --- Operations ------------------------------------------------------------------------------- */

static struct payment_op *payment_op_new(
	struct payments *payments, const char *id, payment_done *done, void *arg)
{
	struct payment_op *op = calloc(1, sizeof(*op));

	if (!op)
		return NULL;
	payments->running++;
	op->payments = payments;
	op->done = done;
	op->arg = arg;
	op->end = PAYMENT_OPEN;
	snprintf(op->id, sizeof(op->id), "%s", id);
	snprintf(op->amount, sizeof(op->amount), "-1");
	op->call.done = payment_answered;
	op->call.owner = op;
	if (done)
		deadline_start(&payments->wait_limit, &op->wait_limit);
	return op;
}

bool payment_collect(struct payments *payments, const char *id, const char *phone, int64_t amount,
	payment_done *done, void *arg)
{
	struct payment_op *op = payment_op_new(payments, id, done, arg);

	if (!op)
		return false;
	op->collects = true;
	snprintf(op->phone, sizeof(op->phone), "%s", phone);
	snprintf(op->description, sizeof(op->description), "Reeyo %s", id);
	op->call.phone = op->phone;
	op->call.amount = amount;
	op->call.external = op->id;
	op->call.description = op->description;
	gateway_collect(payments->app->gateway, &op->call);
	return true;
}

bool payment_ask(struct payments *payments, const char *id, const char *reference,
	payment_done *done, void *arg)
{
	struct payment_op *op = reference && strlen(reference) < GATEWAY_REFERENCE_SIZE
		? payment_op_new(payments, id, done, arg)
		: NULL;

	if (!op)
		return false;
	count_one(payment_counters(op), COUNT_PAYMENT_ASKS);
	snprintf(op->reference, sizeof(op->reference), "%s", reference);
	op->call.reference = op->reference;
	gateway_query(payments->app->gateway, &op->call);
	return true;
}

void payment_missed(struct payments *payments, const char *id)
{
	struct payment_op *op = payment_op_new(payments, id, NULL, NULL);

	if (!op)
		return;
	text_copy_truncated(op->why, sizeof(op->why), TEXT("NOT_SENT"));
	payment_record(op, "REFUSED");
}

unsigned payments_running(const struct payments *payments)
{
	return payments->running;
}

void payment_order_ended(struct payments *payments, const char *vendor_id)
{
	struct app *app = payments->app;

	count_one(loop_counters(app->loop), COUNT_ORDERS_CANCELLED);
	cache_key_invalidate(app->cache, KEY_ORDERS_ACTIVE, NULL, NULL, NULL);
	if (!vendor_id)
		return;
	payments->needs->menu_changed(app, vendor_id);
	cache_key_invalidate(app->cache, KEY_MENU, vendor_id, NULL, NULL);
}

/* --- Life ------------------------------------------------------------------------------------- */

int payments_new(struct app *app, const struct payment_needs *needs)
{
	struct payments *payments = calloc(1, sizeof(*payments));

	if (!payments)
		return E_NO_MEMORY;
	payments->app = app;
	payments->needs = needs;
	deadline_list_init(&payments->wait_limit, app->loop, REPLY_WAIT_MS, payment_wait_over);
	app->payments = payments;
	return 0;
}

void payments_close(struct payments *payments)
{
	if (!payments || payments->closing)
		return;
	payments->closing = true;
	deadline_list_close(&payments->wait_limit);
}

void payments_free(struct payments *payments)
{
	free(payments);
}
