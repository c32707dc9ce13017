/* SPDX-License-Identifier: MIT
 *
 * Wallet top-ups. A payment is written, then the gateway is asked to collect. The reply waits some
 * seconds for the gateway, then has status PENDING. The client reads the result by the reference,
 * or gets it as an event.
 */
#include "reeyo/api/money.h"
#include "reeyo/api/order_acts.h"
#include "reeyo/api/settings.h"
#include "reeyo/api/user.h"
#include "reeyo/core/config.h"
#include "reeyo/core/json_writer.h"
#include "reeyo/db/queries/payments.h"
#include "reeyo/domain/operator.h"
#include "reeyo/domain/payment_state.h"
#include "reeyo/partners/gateway.h"
#include "reeyo/service/counters.h"
#include "reeyo/service/payments.h"

#define TOPUP_MIN 100

static const char *const topup_methods[] = { "MOBILE_MONEY", "CARD", "CAMPAY", NULL };
static const char *const payment_statuses[] = { "PENDING", "COMPLETED", "FAILED", NULL };

static const struct field funds_body[] = {
	/* Any whole number: the handler checks the limits, so that every bad amount has one error.
	 */
	{ "amount", FIELD_MONEY, .required = true, .min = INT64_MIN, .max = INT64_MAX,
		.summary = "At least 100" },
	{ "paymentMethod", FIELD_ENUM, .required = true, .words = topup_methods },
	{ "phone", FIELD_PHONE, .aliases = "phoneNumber",
		.summary = "MOBILE_MONEY: the payer, required" },
	{ "paymentToken", FIELD_TEXT, .min = 1, .max = 500, .summary = "CARD: required" },
	FIELD_END,
};
static const struct field payment_fields[] = {
	{ "transactionId", FIELD_ID, .required = true,
		.summary = "The wallet's transaction, once it is COMPLETED" },
	{ "reference", FIELD_ID, .required = true, .summary = "Read the payment's state with it" },
	{ "status", FIELD_ENUM, .required = true, .words = payment_statuses },
	{ "amount", FIELD_MONEY, .required = true },
	{ "currency", FIELD_TEXT, .required = true },
	{ "paymentMethod", FIELD_TEXT, .required = true },
	{ "orderId", FIELD_ID, .summary = "When an order is paid" },
	{ "phone", FIELD_TEXT },
	{ "operator", FIELD_TEXT, .summary = "MTN or ORANGE" },
	{ "ussdCode", FIELD_TEXT, .summary = "The code to dial to confirm" },
	{ "reason", FIELD_TEXT, .nullable = true, .summary = "Why it failed" },
	{ "wallet", FIELD_OBJECT, .required = true, .of = wallet_fields, .nullable = true },
	{ "createdAt", FIELD_TIME, .required = true },
	{ "settledAt", FIELD_TIME, .nullable = true },
	FIELD_END,
};

struct topup {
	enum payment_method method;
	const char *phone;
	int64_t amount;
	char id[ID_SIZE], entry[ID_SIZE];
	struct text payment; /* as written; the reply when nothing newer is known */
};

/* --- Refusals, also for orders ---------------------------------------------------------------- */

void reply_payments_pending(struct request *rq, struct text waited)
{
	int64_t seconds = 0;

	(void)!text_to_int(waited, 0, INT64_MAX, &seconds);
	reply_retry_after(rq, rq->app->config->payment_wait / 1000 - seconds);
	reply_error(rq, E_PAYMENTS_WAIT);
}

/* E_PAYMENT_REFUSED with the reason, the reference and the order of the recorded payment. */
static void reply_payment_refused(struct request *rq, struct text payment)
{
	static const char *const names[] = { "reason", "reference", "orderId" };
	json_auto_t *recorded = payment.at ? json_loadb(payment.at, payment.len, 0, NULL) : NULL;
	struct buf out = buf_in(rq->arena, 256);
	struct json_writer json = json_write_to(&out);

	json_write_object(&json);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		const char *value = member_text(recorded, names[i]);

		if (value)
			json_write_member_string(&json, names[i], value);
	}
	json_write_object_end(&json);
	reply_error_with(rq, E_PAYMENT_REFUSED, NULL,
		recorded ? text_of(json_write_finish(&json)) : TEXT_NONE);
}

bool reply_payment_failed(struct request *rq, int error, struct text payment)
{
	if (error == E_PAYMENT_REFUSED)
		reply_payment_refused(rq, payment);
	else if (error)
		reply_error(rq, error);
	return error != 0;
}

/* --- Top-up ----------------------------------------------------------------------------------- */

static void topup_collected(void *arg, int error, struct text payment)
{
	struct request *rq = arg;
	struct topup *topup = rq->state;

	if (request_release(rq) && !reply_payment_failed(rq, error, payment))
		reply_data(rq, payment.at ? payment : topup->payment);
}

static void topup_started(struct request *rq, const struct db_result *result)
{
	struct topup *topup = rq->state;
	struct text outcome, payment;

	if (!outcome_or_reply(rq, result, &outcome))
		return;
	payment = db_text(result, 0, PAYMENT_START_PAYMENT);
	if (text_is(outcome, TEXT("PAYMENTS_WAIT")))
		return reply_payments_pending(rq, payment);
	if (!text_is(outcome, TEXT("STARTED")))
		return reply_error(rq, error_from_name(outcome.at, outcome.len));
	count_one(loop_counters(rq->app->loop), COUNT_PAYMENTS_STARTED);
	if (topup->method == PAY_CARD)
		return reply_data(rq, payment);
	topup->payment =
		(struct text){ arena_copy(rq->arena, payment.at, payment.len), payment.len };
	request_hold(rq);
	if (!payment_collect(rq->app, topup->id, topup->phone, topup->amount, topup_collected, rq))
		topup_collected(rq, 0, TEXT_NONE);
}

/* False when it has replied. */
static bool topup_method_check(struct request *rq, const struct topup *topup)
{
	const struct app *app = rq->app;

	if (topup->method == PAY_CARD ? !app->config->card_sandbox
				      : !gateway_available(app->gateway))
		reply_error(rq, E_PAYMENT_DOWN);
	else if (topup->method == PAY_CARD && !body_text(rq, "paymentToken"))
		reply_field(rq, "paymentToken", "is required", "est obligatoire");
	else if (topup->method == PAY_MOBILE_MONEY && !topup->phone)
		reply_field(rq, "phone", "is required", "est obligatoire");
	else if (topup->method == PAY_MOBILE_MONEY && !phone_is_mobile_money(topup->phone))
		reply_field(rq, "phone", "is not a number that mobile money reaches",
			"n'est pas un numéro que le mobile money dessert");
	else
		return true;
	return false;
}

static void reply_topup_amount(struct request *rq, int64_t most)
{
	char *words = rq->french ? arena_printf(rq->arena, "Le montant doit être de %d à %lld XAF",
					   TOPUP_MIN, (long long)most)
				 : arena_printf(rq->arena, "The amount must be from %d to %lld XAF",
					   TOPUP_MIN, (long long)most);

	reply_error_with(rq, E_BAD_AMOUNT, words, TEXT_NONE);
}

static void topup_start(struct request *rq)
{
	struct topup *topup = rq->state;
	bool mobile = topup->method == PAY_MOBILE_MONEY;
	int64_t most = settings_int(rq->app->settings, SETTING_MAX_TOPUP);

	if (topup->amount < TOPUP_MIN || topup->amount > most)
		return reply_topup_amount(rq, most);
	if (!topup_method_check(rq, topup))
		return;
	id_new(topup->id, "pay_");
	id_new(topup->entry, "txn_");
	sql_try_write(rq, payment_start, topup_started,
		&(struct payment_start){ .payment_id = topup->id,
			.user_id = rq->caller.id,
			.amount = topup->amount,
			.method = payment_method_words[topup->method],
			.phone = mobile ? topup->phone : NULL,
			.operator= mobile ? phone_operator(topup->phone) : NULL,
			.entry_id = topup->entry,
			.key = rq->idempotency_key,
			.fingerprint = rq->fingerprint });
}

static void add_funds(struct request *rq)
{
	struct topup *topup = ARENA_NEW(rq->arena, struct topup);

	if (!topup)
		return reply_error(rq, E_NO_MEMORY);
	rq->state = topup;
	topup->method = (enum payment_method)payment_method_parse(body_text(rq, "paymentMethod"));
	topup->phone = body_text(rq, "phone");
	topup->amount = body_int(rq, "amount", 0);
	topup_start(rq);
}

/* --- State ------------------------------------------------------------------------------------ */

/* Of a query a failure is no error: the payment has it as its status. */
static void topup_queried(void *arg, int error, struct text payment)
{
	struct request *rq = arg;
	const struct text *known = rq->state;

	(void)error;
	if (request_release(rq))
		reply_data(rq, payment.at ? payment : *known);
}

static void topup_read(struct request *rq, const struct db_result *result)
{
	struct text payment, reference, *known = ARENA_NEW(rq->arena, struct text);
	struct payment_ref ref = { .id = rq->params[0] };

	if (db_rows(result) == 0)
		return reply_error(rq, E_PAYMENT_NOT_FOUND);
	payment = db_text(result, 0, PAYMENT_GET_PAYMENT);
	if (!known || !db_bool(result, 0, PAYMENT_GET_QUERY) ||
		!gateway_available(rq->app->gateway))
		return reply_data(rq, payment);
	*known = (struct text){ arena_copy(rq->arena, payment.at, payment.len), payment.len };
	rq->state = known;
	reference = db_text(result, 0, PAYMENT_GET_GATEWAY_REFERENCE);
	ref.reference = arena_copy(rq->arena, reference.at, reference.len);
	ref.amount = db_int(result, 0, PAYMENT_GET_AMOUNT);
	ref.age_s = db_int(result, 0, PAYMENT_GET_AGE_S);
	request_hold(rq);
	if (!payment_check(rq->app, &ref, topup_queried, rq))
		topup_queried(rq, 0, TEXT_NONE);
}

static void get_topup(struct request *rq)
{
	sql_write(rq, payment_get, topup_read,
		&(struct payment_get){ .payment_id = rq->params[0],
			.user_id = rq->caller.id,
			.open_gap_s = PAYMENT_OPEN_QUERY_GAP_S,
			.ended_gap_s = PAYMENT_ENDED_QUERY_GAP_S });
}

const struct route user_funds_routes[] = {
	{ POST, "/wallet/add-funds", .operation = "addFunds", .access = CUSTOMER,
		.body = funds_body, .reply = payment_fields, .created = true, .idempotent = true,
		.errors = { E_BAD_AMOUNT, E_PAYMENT_DOWN, E_PAYMENT_REFUSED, E_PAYMENTS_WAIT,
			E_ACCOUNT_NOT_FOUND, E_IDEMPOTENCY_MISMATCH, E_IDEMPOTENCY_RUNNING },
		.run = add_funds, .summary = "Top up the wallet" },
	{ GET, "/wallet/add-funds/:reference", .operation = "getTopUp", .access = CUSTOMER,
		.reply = payment_fields, .errors = { E_PAYMENT_NOT_FOUND }, .run = get_topup,
		.summary =
			"A payment's state; the gateway is queried when its last answer is old" },
	ROUTE_END,
};
