/* SPDX-License-Identifier: MIT
 *
 * Payments and the gateway. An operation is a call to the gateway, one statement, cache
 * invalidation, and the caller's callback if it still waits:
 *
 *   payment_collect ─┐
 *   payment_check ───┴ gateway ─ answer ─ event ─ payment_record ─ caches ─ done
 *
 * domain/payment_state.c decides what an answer changes. The response to collect is never decisive:
 * only a query can make a payment succeed.
 */
#include "reeyo/service/payments.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reeyo/cache/cache.h"
#include "reeyo/core/id.h"
#include "reeyo/core/log.h"
#include "reeyo/core/memory.h"
#include "reeyo/db/db.h"
#include "reeyo/db/queries/payments.h"
#include "reeyo/domain/order.h"
#include "reeyo/domain/payment_state.h"
#include "reeyo/partners/gateway.h"
#include "reeyo/service/cache_keys.h"
#include "reeyo/service/counters.h"
#include "reeyo/service/orders.h"

/* After this time a waiting caller gets the reply that the state is not known; the operation
 * continues. */
#define REPLY_WAIT_MS 8000

struct payments {
	struct app *app;
	struct deadline_list reply_limits;
	unsigned running;
	bool closing;
};

struct payment_op {
	struct payments *payments;
	struct gateway_call call;
	struct db_call statement;
	struct deadline reply_limit;
	payment_done *done;
	void *arg;
	int error; /* for done */
	bool collects;
	int64_t amount, age_s;
	char *payment; /* JSON for done */
	char id[ID_SIZE], phone[16], reference[GATEWAY_REFERENCE_SIZE], description[ID_SIZE + 16];
	/* parameters of payment_record */
	int64_t paid, next_check_s;
	char new_reference[GATEWAY_REFERENCE_SIZE], ussd[64], operator[16], failure[200],
		refund[ID_SIZE], restocked_vendor[ID_SIZE];
};

/* --- Completion ------------------------------------------------------------------------------- */

static void payment_op_finish(void *arg)
{
	struct payment_op *op = arg;

	if (op->done)
		op->done(op->arg, op->error, text_of(op->payment));
	op->payments->running--;
	deadline_stop(&op->reply_limit);
	free(op->payment);
	free(op);
}

static void payment_active_invalidate(void *arg)
{
	struct payment_op *op = arg;

	cache_key_invalidate(
		op->payments->app->cache, KEY_ORDERS_ACTIVE, NULL, payment_op_finish, op);
}

static void payment_reply_late(struct deadline *deadline)
{
	struct payment_op *op = CONTAINER_OF(deadline, struct payment_op, reply_limit);
	payment_done *done = op->done;

	op->done = NULL;
	if (done)
		done(op->arg, 0, TEXT_NONE);
}

/* --- Recording -------------------------------------------------------------------------------- */

static void payment_outcome_count(struct payment_op *op, struct text outcome, bool late)
{
	struct counters *counters = loop_counters(op->payments->app->loop);

	if (text_is(outcome, TEXT("SUCCEEDED"))) {
		count_one(counters, COUNT_PAYMENTS_SUCCEEDED);
		count_add(counters, COUNT_PAYMENTS_LATE, late);
	} else if (text_is(outcome, TEXT("FAILED"))) {
		count_one(counters, COUNT_PAYMENTS_FAILED);
		if (!op->error)
			op->error = E_PAYMENT_REFUSED;
		return;
	} else if (text_is(outcome, TEXT("MISMATCH"))) {
		count_one(counters, COUNT_PAYMENTS_MISMATCHED);
		log_line(LOG_ERROR,
			"the gateway's amount differs from the payment's: nothing is booked",
			LOG_T("payment", op->id), LOG_T("reference", op->new_reference),
			LOG_I("amount", op->paid));
	} else if (text_is(outcome, TEXT("UNKNOWN"))) {
		log_line(LOG_ERROR, "the gateway answered about a payment that does not exist",
			LOG_T("payment", op->id));
	}
	op->error = 0;
}

static const char *text_or_null(const char *text)
{
	return text[0] ? text : NULL;
}

static void payment_recorded(struct db_call *call, const struct db_result *result)
{
	struct payment_op *op = call->owner;
	struct text payment;

	if (db_error(result) || op->payments->closing) {
		if (db_error(result) == E_CONFLICT_ROW)
			log_line(LOG_ERROR, "two payments have the same gateway reference",
				LOG_T("payment", op->id), LOG_T("reference", op->new_reference));
		op->error = 0;
		return payment_op_finish(op);
	}
	payment_outcome_count(op, db_text(result, 0, PAYMENT_RECORD_OUTCOME),
		db_bool(result, 0, PAYMENT_RECORD_LATE));
	payment = db_text(result, 0, PAYMENT_RECORD_PAYMENT);
	op->payment = payment.at ? strndup(payment.at, payment.len) : NULL;
	if (db_bool(result, 0, PAYMENT_RECORD_ORDER_ENDED)) {
		text_copy_truncated(op->restocked_vendor, sizeof(op->restocked_vendor),
			db_text(result, 0, PAYMENT_RECORD_RESTOCKED_VENDOR_ID));
		return order_cancelled(op->payments->app, text_or_null(op->restocked_vendor),
			payment_op_finish, op);
	}
	if (!db_is_null(result, 0, PAYMENT_RECORD_ORDER_ID))
		return payment_active_invalidate(op);
	payment_op_finish(op);
}

/* Records an event. failure: the reason when the event ends the payment. */
static void payment_record_event(
	struct payment_op *op, enum payment_event event, const char *failure)
{
	enum payment_state next = payment_state_after(event);
	const char *allowed[PAYMENT_STATES], *cancellable[ORDER_STATUSES];
	size_t allowed_count = payment_states_before(event, allowed);
	size_t cancellable_count = order_states_list(
		order_states_before(FOOD, ACT_FAIL_PAYMENT, BY_SYSTEM), cancellable);
	bool known = op->reference[0] || op->new_reference[0];

	id_new(op->refund, "txn_");
	op->next_check_s = payment_check_delay(next, 0, op->age_s, known);
	op->statement = (struct db_call){ .lane = DB_WRITE, .done = payment_recorded, .owner = op };
	db_run(op->payments->app->db, &op->statement, payment_record,
		&(struct payment_record){ .payment_id = op->id,
			.next_state = payment_state_words[next],
			.allowed = { allowed, allowed_count },
			.unsent_only = event == PAYMENT_NOT_TAKEN,
			.reference = text_or_null(op->new_reference),
			.ussd_code = text_or_null(op->ussd),
			.operator= text_or_null(op->operator),
			.paid_amount = op->paid,
			.failure = failure,
			.reason_english = payment_reason_text(failure, false),
			.reason_french = payment_reason_text(failure, true),
			.next_check_s = op->next_check_s == PAYMENT_NO_CHECK ? NULL
									     : &op->next_check_s,
			.cancellable = { cancellable, cancellable_count },
			.refund_entry_id = op->refund });
}

/* --- Answers of the gateway ------------------------------------------------------------------- */

static void payment_reference_cleared(struct db_call *call, const struct db_result *result)
{
	(void)result; /* on an error it is queried again later */
	payment_op_finish(call->owner);
}

/* The reference belongs to another transaction: clear it, so that the history is searched. */
static void payment_reference_clear(struct payment_op *op)
{
	log_line(LOG_ERROR, "the gateway answered about another payment", LOG_T("payment", op->id),
		LOG_T("reference", op->reference));
	if (op->collects)
		return payment_op_finish(op);
	op->statement = (struct db_call){
		.lane = DB_WRITE, .done = payment_reference_cleared, .owner = op
	};
	db_run(op->payments->app->db, &op->statement, payment_clear_reference,
		&(struct payment_clear_reference){ .payment_id = op->id,
			.reference = op->reference,
			.next_check_s = payment_check_delay(PAYMENT_PENDING, 0, 0, false) });
}

static enum payment_event payment_event_of(
	const struct payment_op *op, const struct gateway_transaction *transaction)
{
	if (transaction->state == GATEWAY_FAILED)
		return PAYMENT_DECLINED;
	if (transaction->state == GATEWAY_PENDING || op->collects)
		return PAYMENT_ACCEPTED;
	return payment_success_event(transaction->amount, op->amount);
}

static void payment_transaction_record(
	struct payment_op *op, const struct gateway_transaction *transaction)
{
	enum payment_event event = payment_event_of(op, transaction);

	if ((transaction->external.at && !text_is(transaction->external, text_of(op->id))) ||
		!text_copy_whole(
			op->new_reference, sizeof(op->new_reference), transaction->reference))
		return payment_reference_clear(op);
	if (transaction->state == GATEWAY_SUCCESSFUL && transaction->amount < 0)
		log_line(LOG_WARN, "the gateway reports no amount for a successful payment",
			LOG_T("payment", op->id));
	text_copy_truncated(op->ussd, sizeof(op->ussd), transaction->ussd_code);
	text_copy_truncated(op->operator, sizeof(op->operator), transaction->operator);
	text_copy_truncated(op->failure, sizeof(op->failure), transaction->reason);
	op->paid = transaction->amount;
	payment_record_event(op, event,
		event == PAYMENT_PAID_OTHER ? PAYMENT_REASON_OTHER_AMOUNT
			: op->failure[0]    ? op->failure
					    : PAYMENT_REASON_FAILED);
}

/* The gateway did not take it. The reply to a waiting caller carries the error, so that no message
 * is sent. */
static void payment_not_taken(struct payment_op *op, const struct gateway_answer *answer)
{
	const char *failure = PAYMENT_REASON_FAILED;

	if (answer->outcome == GATEWAY_UNREACHED)
		failure = op->done ? PAYMENT_REASON_UNREACHED : PAYMENT_REASON_NOT_SENT;
	else if (answer->why)
		failure = answer->why;
	op->error = answer->outcome == GATEWAY_UNREACHED ? E_PAYMENT_DOWN : E_PAYMENT_REFUSED;
	text_copy_truncated(op->failure, sizeof(op->failure), text_of(failure));
	payment_record_event(op, PAYMENT_NOT_TAKEN, op->failure);
}

static void payment_answered(struct gateway_call *call, const struct gateway_answer *answer)
{
	struct payment_op *op = call->owner;

	if (op->payments->closing)
		return payment_op_finish(op);
	if (answer->outcome == GATEWAY_ANSWERED)
		return payment_transaction_record(op, &answer->transaction);
	log_line(LOG_WARN, "a gateway call for a payment failed", LOG_T("payment", op->id),
		LOG_T("call", op->collects ? "collect" : "query"),
		LOG_T("why", answer->why ? answer->why : ""));
	if (answer->outcome == GATEWAY_UNCERTAIN || !op->collects)
		return payment_op_finish(op);
	payment_not_taken(op, answer);
}

/* --- Operations ------------------------------------------------------------------------------- */

static struct payment_op *payment_op_new(
	struct app *app, const char *payment_id, payment_done *done, void *arg)
{
	struct payment_op *op = calloc(1, sizeof(*op));

	if (!op)
		return NULL;
	app->payments->running++;
	op->payments = app->payments;
	op->done = done;
	op->arg = arg;
	op->paid = -1;
	snprintf(op->id, sizeof(op->id), "%s", payment_id);
	op->call.done = payment_answered;
	op->call.owner = op;
	if (done)
		deadline_start(&app->payments->reply_limits, &op->reply_limit);
	return op;
}

bool payment_collect(struct app *app, const char *payment_id, const char *phone, int64_t amount,
	payment_done *done, void *arg)
{
	struct payment_op *op = payment_op_new(app, payment_id, done, arg);

	if (!op)
		return false;
	op->collects = true;
	op->amount = amount;
	snprintf(op->phone, sizeof(op->phone), "%s", phone);
	snprintf(op->description, sizeof(op->description), "Reeyo %s", payment_id);
	op->call.phone = op->phone;
	op->call.amount = amount;
	op->call.external = op->id;
	op->call.description = op->description;
	gateway_collect(app->gateway, &op->call);
	return true;
}

bool payment_check(
	struct app *app, const struct payment_ref *payment, payment_done *done, void *arg)
{
	struct payment_op *op = payment->reference &&
			strlen(payment->reference) < GATEWAY_REFERENCE_SIZE
		? payment_op_new(app, payment->id, done, arg)
		: NULL;

	if (!op)
		return false;
	count_one(loop_counters(app->loop), COUNT_PAYMENT_QUERIES);
	op->amount = payment->amount;
	op->age_s = payment->age_s;
	snprintf(op->reference, sizeof(op->reference), "%s", payment->reference);
	op->call.reference = op->reference;
	gateway_query(app->gateway, &op->call);
	return true;
}

void payment_fail_unsent(struct app *app, const struct payment_ref *payment)
{
	struct payment_op *op = payment_op_new(app, payment->id, NULL, NULL);

	if (!op)
		return;
	op->age_s = payment->age_s;
	payment_record_event(op, PAYMENT_NOT_TAKEN, PAYMENT_REASON_NOT_SENT);
}

unsigned payments_running(const struct payments *payments)
{
	return payments->running;
}

/* --- Life ------------------------------------------------------------------------------------- */

int payments_new(struct app *app)
{
	struct payments *payments = calloc(1, sizeof(*payments));

	if (!payments)
		return E_NO_MEMORY;
	payments->app = app;
	deadline_list_init(&payments->reply_limits, app->loop, REPLY_WAIT_MS, payment_reply_late);
	app->payments = payments;
	return 0;
}

void payments_close(struct payments *payments)
{
	if (!payments || payments->closing)
		return;
	payments->closing = true;
	deadline_list_close(&payments->reply_limits);
}

void payments_free(struct payments *payments)
{
	free(payments);
}
