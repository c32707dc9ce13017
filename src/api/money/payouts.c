/* SPDX-License-Identifier: MIT
 *
 * Pay-outs for vendors and riders: request, list, read.
 */
#include "reeyo/db/queries/payouts.h"
#include "reeyo/api/account.h"
#include "reeyo/api/money.h"
#include "reeyo/api/order_acts.h"
#include "reeyo/api/pages.h"
#include "reeyo/core/json_writer.h"
#include "reeyo/domain/payout_state.h"
#include "reeyo/service/payouts.h"

const struct field payout_body[] = {
	{ "amount", FIELD_MONEY, .required = true, .min = 1, .max = INT64_MAX,
		.summary = "Taken from the wallet, fee included" },
	{ "bankDetails", FIELD_OBJECT, .of = bank_fields, .aliases = "bank_details",
		.summary = "The destination; the stored details when absent" },
	FIELD_END,
};
const struct field payout_fields[] = { { "payoutId", FIELD_ID, .required = true },
	{ "amount", FIELD_MONEY, .required = true },
	{ "processingFee", FIELD_MONEY, .required = true },
	{ "netAmount", FIELD_MONEY, .required = true, .summary = "The amount less the fee" },
	{ "currency", FIELD_TEXT, .required = true },
	{ "status", FIELD_ENUM, .required = true, .words = payout_status_words },
	{ "method", FIELD_ENUM, .required = true, .words = payout_method_words },
	{ "bankDetails", FIELD_OBJECT, .required = true },
	{ "requestedAt", FIELD_TIME, .required = true },
	{ "processedAt", FIELD_TIME, .nullable = true },
	{ "completedAt", FIELD_TIME, .nullable = true },
	{ "failureReason", FIELD_TEXT, .nullable = true },
	{ "rejectionReason", FIELD_TEXT, .nullable = true },
	{ "transactionReference", FIELD_TEXT, .nullable = true }, FIELD_END_TITLED("Payout") };
static const struct field pagination_fields[] = { FULL_PAGINATION_FIELDS("totalPayouts"),
	FIELD_END };
const struct field payouts_fields[] = {
	{ "payouts", FIELD_LIST, .required = true, .of = payout_fields },
	{ "pagination", FIELD_OBJECT, .required = true, .of = pagination_fields },
	{ "total", FIELD_INT, .required = true },
	FIELD_END,
};
const struct field payout_balance_fields[] = {
	{ "availableBalance", FIELD_MONEY, .required = true },
	{ "withdrawable", FIELD_MONEY, .required = true,
		.summary = "The balance less cash in hand" },
	{ "minimumPayout", FIELD_MONEY, .required = true },
	{ "canRequestPayout", FIELD_BOOL, .required = true },
	FIELD_END,
};

/* --- Requests --------------------------------------------------------------------------------- */

/* Replies with the smallest pay-out, or with the fee that the amount must exceed. */
static void reply_payout_minimum(struct request *rq, const struct payout_order *order)
{
	const char *words = order->limit_is_fee
		? (rq->french ? "Le montant doit dépasser les frais de %lld XAF"
			      : "The amount must be more than the fee of %lld XAF")
		: (rq->french ? "Le retrait minimum est de %lld XAF"
			      : "The smallest pay-out is %lld XAF");

	reply_error_with(rq, E_PAYOUT_MINIMUM,
		arena_printf(rq->arena, words, (long long)order->limit),
		text_of(json_int_object(
			rq->arena, order->limit_is_fee ? "fee" : "minimum", order->limit)));
}

static void payout_request_done(struct payout_order *order, int error, struct text payout)
{
	struct request *rq = order->owner;

	if (!request_release(rq))
		return;
	if (error == E_PAYOUT_MINIMUM)
		return reply_payout_minimum(rq, order);
	if (error == E_IDEMPOTENCY_RUNNING || (!error && !payout.at))
		return request_replay(rq, reply_idempotency_running);
	if (error)
		return reply_error(rq, error);
	reply_data(rq, payout);
}

void request_payout(struct request *rq)
{
	struct payout_order *order = ARENA_NEW(rq->arena, struct payout_order);
	const json_t *details = member(rq->body, "bankDetails");

	if (!order)
		return reply_error(rq, E_NO_MEMORY);
	*order = (struct payout_order){ .kind = account_kind(rq)->name,
		.owner_id = rq->caller.id,
		.amount = body_int(rq, "amount", 0),
		.account_number = details ? member_text(details, "accountNumber") : NULL,
		.idempotency_key = rq->idempotency_key,
		.fingerprint = rq->fingerprint,
		.done = payout_request_done,
		.owner = rq };
	if (details && !object_take(rq, details, bank_fields, &order->bank_details))
		return;
	request_hold(rq);
	payout_request(rq->app, order);
}

/* --- Reading ---------------------------------------------------------------------------------- */

static void payouts_listed(struct request *rq, const struct db_result *result)
{
	reply_full_page(rq, "payouts", "totalPayouts", db_text(result, 0, PAYOUT_LIST_PAYOUTS),
		request_page(rq, 20), db_int(result, 0, PAYOUT_LIST_TOTAL));
}

void list_owner_payouts(struct request *rq)
{
	struct page page = request_page(rq, 20);

	sql_read(rq, payout_list, payouts_listed,
		&(struct payout_list){
			.owner_id = rq->caller.id, .limit = page.limit, .offset = page.offset });
}

/* Another owner's pay-out: vendors get "not the owner", riders "not found". */
static void owner_payout_read(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return reply_error(rq, E_PAYOUT_NOT_FOUND);
	if (!text_is(db_text(result, 0, PAYOUT_GET_OWNER_ID), text_of(rq->caller.id)))
		return reply_error(
			rq, rq->ns == NS_VENDOR ? E_PAYOUT_NOT_OWNER : E_PAYOUT_NOT_FOUND);
	reply_data(rq, db_text(result, 0, PAYOUT_GET_PAYOUT));
}

void get_owner_payout(struct request *rq)
{
	sql_read(rq, payout_get, owner_payout_read,
		&(struct payout_get){ .payout_id = rq->params[0] });
}

static void payout_balance_read(struct request *rq, const struct db_result *result)
{
	reply_data(rq, db_text(result, 0, PAYOUT_BALANCE_BALANCE));
}

void get_owner_payout_balance(struct request *rq)
{
	sql_read(rq, payout_balance, payout_balance_read,
		&(struct payout_balance){
			.owner_id = rq->caller.id, .minimum = payout_minimum(rq->app) });
}
