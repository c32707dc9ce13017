/* SPDX-License-Identifier: MIT
 *
 * Pay-outs for vendors and riders: request, list, read. A request runs two statements: payout_facts
 * reads the stored destination; payout_request holds the amount if the wallet still has it.
 */
#include "reeyo/api/account.h"
#include "reeyo/api/money.h"
#include "reeyo/api/order_acts.h"
#include "reeyo/api/pages.h"
#include "reeyo/api/settings.h"
#include "reeyo/domain/operator.h"
#include "reeyo/domain/payout_state.h"

#define MOST_OPEN "20"

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

static int64_t payout_minimum(struct request *rq)
{
	return settings_int(rq->app->settings, SETTING_MIN_PAYOUT_XAF);
}

/* --- Requests --------------------------------------------------------------------------------- */

struct payout_draft {
	char id[ID_SIZE], entry[ID_SIZE], phone[14];
	int64_t amount, fee;
	const char *details; /* JSON */
	const char *destination, *method;
};

static void payout_requested(struct request *rq, const struct db_result *result)
{
	struct text outcome;

	if (!outcome_or_reply(rq, result, &outcome))
		return;
	if (!text_is(outcome, TEXT("REQUESTED")))
		return reply_error(rq, error_from_name(outcome.at, outcome.len));
	reply_data(rq, db_text(result, 0, 1));
}

static void payout_insert(struct request *rq, struct payout_draft *draft)
{
	id_new(draft->id, "payout_");
	id_new(draft->entry, "txn_");
	sql_try_write_positional(rq, payout_request, payout_requested, draft->id,
		account_kind(rq)->name, rq->caller.id, arg_int(rq, draft->amount),
		arg_int(rq, draft->fee), draft->method, draft->destination, draft->details,
		MOST_OPEN, draft->entry, rq->idempotency_key, rq->fingerprint);
}

static bool stored_destination_take(
	struct request *rq, const struct db_result *result, struct payout_draft *draft)
{
	struct text stored = db_text(result, 0, 2);
	json_auto_t *details = stored.at ? json_loadb(stored.at, stored.len, 0, NULL)
					 : json_object();
	const char *number = json_string_value(json_object_get(details, "accountNumber"));

	if (!number)
		return true;
	draft->destination = arena_copy(rq->arena, number, strlen(number));
	draft->details = account_text(rq, stored);
	if (draft->destination && draft->details)
		return true;
	reply_error(rq, E_NO_MEMORY);
	return false;
}

/* The destination from the request, or else the stored one. False when it has replied. */
static bool destination_take(
	struct request *rq, const struct db_result *result, struct payout_draft *draft)
{
	const json_t *given = member(rq->body, "bankDetails");

	if (given) {
		draft->destination = member_text(given, "accountNumber");
		return object_take(rq, given, bank_fields, &draft->details);
	}
	return stored_destination_take(rq, result, draft);
}

/* Replies with the smallest pay-out, or with the fee that the amount must exceed. */
static void reply_payout_minimum(struct request *rq, const struct payout_draft *draft)
{
	bool below = draft->amount < payout_minimum(rq);
	long long limit = below ? payout_minimum(rq) : draft->fee;
	const char *words = below
		? (rq->french ? "Le retrait minimum est de %lld XAF"
			      : "The smallest pay-out is %lld XAF")
		: (rq->french ? "Le montant doit dépasser les frais de %lld XAF"
			      : "The amount must be more than the fee of %lld XAF");

	reply_error_with(rq, E_PAYOUT_MINIMUM, arena_printf(rq->arena, words, limit),
		text_of(arena_printf(
			rq->arena, "{\"%s\":%lld}", below ? "minimum" : "fee", limit)));
}

/* True when it has replied. */
static bool payout_refused(
	struct request *rq, const struct db_result *result, const struct payout_draft *draft)
{
	if (db_bool(result, 0, 1))
		reply_error(rq, E_SUSPENDED);
	else if (rq->ns == NS_RIDER && !db_bool(result, 0, 0))
		reply_error(rq, E_PHONE_UNVERIFIED);
	else if (draft->amount < payout_minimum(rq) || draft->amount <= draft->fee)
		reply_payout_minimum(rq, draft);
	else
		return false;
	return true;
}

static void payout_facts_read(struct request *rq, const struct db_result *result)
{
	struct payout_draft *draft = rq->state;

	if (db_rows(result) == 0)
		return reply_error(rq, E_ACCOUNT_GONE);
	if (payout_refused(rq, result, draft))
		return;
	if (!destination_take(rq, result, draft))
		return;
	if (!draft->destination || !draft->destination[0])
		return reply_error(rq, E_PAYOUT_ACCOUNT);
	draft->method = "BANK_TRANSFER";
	if (phone_normalise(draft->destination, draft->phone) &&
		phone_is_mobile_money(draft->phone)) {
		draft->destination = draft->phone;
		draft->method = "MOBILE_MONEY";
	}
	payout_insert(rq, draft);
}

void request_payout(struct request *rq)
{
	struct payout_draft *draft = ARENA_NEW(rq->arena, struct payout_draft);
	bool rider = rq->ns == NS_RIDER;

	if (!draft)
		return reply_error(rq, E_NO_MEMORY);
	rq->state = draft;
	draft->amount = body_int(rq, "amount", 0);
	draft->fee = settings_int(
		rq->app->settings, rider ? SETTING_PAYOUT_FEE_RIDER : SETTING_PAYOUT_FEE_VENDOR);
	sql_write_positional(
		rq, payout_facts, payout_facts_read, account_kind(rq)->name, rq->caller.id);
}

/* --- Reading ---------------------------------------------------------------------------------- */

static void payouts_listed(struct request *rq, const struct db_result *result)
{
	reply_full_page(rq, "payouts", "totalPayouts", db_text(result, 0, 1), request_page(rq, 20),
		db_int(result, 0, 0));
}

void list_owner_payouts(struct request *rq)
{
	struct page page = request_page(rq, 20);

	sql_read_positional(rq, payout_list, payouts_listed, rq->caller.id, arg_int(rq, page.limit),
		arg_int(rq, page.offset));
}

/* Another owner's pay-out: vendors get "not the owner", riders "not found". */
static void payout_read(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return reply_error(rq, E_PAYOUT_NOT_FOUND);
	if (!text_is(db_text(result, 0, 0), text_of(rq->caller.id)))
		return reply_error(
			rq, rq->ns == NS_VENDOR ? E_PAYOUT_NOT_OWNER : E_PAYOUT_NOT_FOUND);
	reply_data(rq, db_text(result, 0, 1));
}

void get_owner_payout(struct request *rq)
{
	sql_read_positional(rq, payout_get, payout_read, rq->params[0]);
}

static void payout_balance_read(struct request *rq, const struct db_result *result)
{
	reply_data(rq, db_text(result, 0, 0));
}

void get_owner_payout_balance(struct request *rq)
{
	sql_read_positional(rq, payout_balance, payout_balance_read, rq->caller.id,
		arg_int(rq, payout_minimum(rq)));
}
