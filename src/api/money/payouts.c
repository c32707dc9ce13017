/* SPDX-License-Identifier: MIT
 *
 * Pay-outs as vendors and riders ask for them and follow them. A request is two statements:
 * payout_facts says where the money may go; payout_request holds the amount while the wallet still
 * has it.
 */
#include "reeyo/api/account.h"
#include "reeyo/api/money.h"
#include "reeyo/api/order_acts.h"
#include "reeyo/api/pages.h"
#include "reeyo/api/settings.h"
#include "reeyo/domain/operator.h"
#include "reeyo/domain/payout.h"

#define MOST_OPEN "20"
#define MINIMUM_DEFAULT 5000
#define RIDER_FEE_DEFAULT 200

const struct field payout_body[] = {
	{ "amount", FIELD_MONEY, .required = true, .min = 1, .max = INT64_MAX,
		.does = "What leaves the wallet, fee included" },
	{ "bankDetails", FIELD_OBJECT, .of = bank_fields, .also = "bank_details",
		.does = "Where it goes; the stored ones when absent" },
	FIELD_END
};
const struct field payout_fields[] = {
	{ "payoutId", FIELD_ID, .required = true },
	{ "amount", FIELD_MONEY, .required = true },
	{ "processingFee", FIELD_MONEY, .required = true },
	{ "netAmount", FIELD_MONEY, .required = true, .does = "What arrives" },
	{ "currency", FIELD_TEXT, .required = true },
	{ "status", FIELD_ENUM, .required = true, .words = payout_status_words },
	{ "method", FIELD_ENUM, .required = true, .words = payout_method_words },
	{ "bankDetails", FIELD_OBJECT, .required = true },
	{ "requestedAt", FIELD_TIME, .required = true },
	{ "processedAt", FIELD_TIME, .nullable = true },
	{ "completedAt", FIELD_TIME, .nullable = true },
	{ "failureReason", FIELD_TEXT, .nullable = true },
	{ "rejectionReason", FIELD_TEXT, .nullable = true },
	{ "transactionReference", FIELD_TEXT, .nullable = true },
	FIELD_END_TITLED("Payout")
};
static const struct field pagination_fields[] = { FULL_PAGINATION_FIELDS("totalPayouts"),
	FIELD_END };
const struct field payouts_fields[] = {
	{ "payouts", FIELD_LIST, .required = true, .of = payout_fields },
	{ "pagination", FIELD_OBJECT, .required = true, .of = pagination_fields },
	{ "total", FIELD_INT, .required = true },
	FIELD_END
};
const struct field payout_balance_fields[] = {
	{ "availableBalance", FIELD_MONEY, .required = true },
	{ "withdrawable", FIELD_MONEY, .required = true, .does = "The same less cash in hand" },
	{ "minimumPayout", FIELD_MONEY, .required = true },
	{ "canRequestPayout", FIELD_BOOL, .required = true },
	FIELD_END
};

static int64_t minimum(struct request *rq)
{
	return settings_int(rq->app->settings, "min_payout.XAF", MINIMUM_DEFAULT);
}

/* --- Asking ----------------------------------------------------------------------------------- */

struct asking {
	char id[ID_SIZE], entry[ID_SIZE], phone[14];
	int64_t amount, fee;
	const char *details;      /* JSON */
	const char *destination, *method;
};

static void requested(struct request *rq, const struct db_result *result)
{
	struct text outcome;

	if (!outcome_take(rq, result, &outcome))
		return;
	if (!text_is(outcome, TEXT("REQUESTED")))
		return reply_error(rq, error_named(outcome.at, outcome.len));
	reply_data(rq, db_text(result, 0, 1));
}

static void request(struct request *rq, struct asking *asking)
{
	id_new(asking->id, "payout_");
	id_new(asking->entry, "txn_");
	sql_try_write(rq, payout_request, requested, asking->id, account_kind(rq)->name,
		rq->caller.id, arg_int(rq, asking->amount), arg_int(rq, asking->fee),
		asking->method, asking->destination,
		asking->details, MOST_OPEN, asking->entry, rq->idempotency_key, rq->fingerprint);
}

static bool stored_take(struct request *rq, const struct db_result *result, struct asking *asking)
{
	struct text stored = db_text(result, 0, 2);
	json_auto_t *details = stored.at ? json_loadb(stored.at, stored.len, 0, NULL) :
		json_object();
	const char *number = json_string_value(json_object_get(details, "accountNumber"));

	if (!number)
		return true;
	asking->destination = arena_copy(rq->arena, number, strlen(number));
	asking->details = account_text(rq, stored);
	if (asking->destination && asking->details)
		return true;
	reply_error(rq, E_NO_MEMORY);
	return false;
}

/* Where the money goes: what the request says, or what is stored. False when it has replied. */
static bool destination_take(struct request *rq,
	const struct db_result *result, struct asking *asking)
{
	const json_t *given = member(rq->body, "bankDetails");

	if (given) {
		asking->destination = member_text(given, "accountNumber");
		return object_take(rq, given, bank_fields, &asking->details);
	}
	return stored_take(rq, result, asking);
}

/* Names the smallest pay-out, or the fee that must leave something. */
static void too_little(struct request *rq, const struct asking *asking)
{
	bool below = asking->amount < minimum(rq);
	long long limit = below ? minimum(rq) : asking->fee;
	const char *words = below ?
		(rq->french ? "Le retrait minimum est de %lld XAF" :
			"The smallest pay-out is %lld XAF") :
		(rq->french ? "Le montant doit dépasser les frais de %lld XAF" :
			"The amount must be more than the fee of %lld XAF");

	reply_error_with(rq, E_PAYOUT_MINIMUM, arena_printf(rq->arena, words, limit),
		text_of(arena_printf(rq->arena, "{\"%s\":%lld}",
			below ? "minimum" : "fee", limit)));
}

/* True when it has replied. */
static bool refused(struct request *rq, const struct db_result *result, const struct asking *asking)
{
	if (db_bool(result, 0, 1))
		reply_error(rq, E_SUSPENDED);
	else if (rq->ns == NS_RIDER && !db_bool(result, 0, 0))
		reply_error(rq, E_PHONE_UNVERIFIED);
	else if (asking->amount < minimum(rq) || asking->amount <= asking->fee)
		too_little(rq, asking);
	else
		return false;
	return true;
}

static void facts_known(struct request *rq, const struct db_result *result)
{
	struct asking *asking = rq->state;

	if (db_rows(result) == 0)
		return reply_error(rq, E_ACCOUNT_GONE);
	if (refused(rq, result, asking))
		return;
	if (!destination_take(rq, result, asking))
		return;
	if (!asking->destination || !asking->destination[0])
		return reply_error(rq, E_PAYOUT_ACCOUNT);
	asking->method = "BANK_TRANSFER";
	if (phone_normalise(asking->destination, asking->phone) && phone_has_money(asking->phone)) {
		asking->destination = asking->phone;
		asking->method = "MOBILE_MONEY";
	}
	request(rq, asking);
}

void payout_ask(struct request *rq)
{
	struct asking *asking = ARENA_NEW(rq->arena, struct asking);
	bool rider = rq->ns == NS_RIDER;

	if (!asking)
		return reply_error(rq, E_NO_MEMORY);
	rq->state = asking;
	asking->amount = body_int(rq, "amount", 0);
	asking->fee = settings_int(rq->app->settings,
		rider ? "payout_fee.rider" : "payout_fee.vendor", rider ? RIDER_FEE_DEFAULT : 0);
	sql_write(rq, payout_facts, facts_known, account_kind(rq)->name, rq->caller.id);
}

/* --- Reading ---------------------------------------------------------------------------------- */

static void listed(struct request *rq, const struct db_result *result)
{
	reply_full_page(rq, "payouts", "totalPayouts", db_text(result, 0, 1), request_page(rq, 20),
		db_int(result, 0, 0));
}

void payouts_show(struct request *rq)
{
	struct page page = request_page(rq, 20);

	sql_read(rq, payout_list, listed, rq->caller.id, arg_int(rq, page.limit),
		arg_int(rq, page.offset));
}

/* Vendors are told that it is another's, riders that there is none. */
static void shown(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return reply_error(rq, E_PAYOUT_NOT_FOUND);
	if (!text_is(db_text(result, 0, 0), text_of(rq->caller.id)))
		return reply_error(rq,
			rq->ns == NS_VENDOR ? E_PAYOUT_NOT_OWNER : E_PAYOUT_NOT_FOUND);
	reply_data(rq, db_text(result, 0, 1));
}

void payout_show(struct request *rq)
{
	sql_read(rq, payout_get, shown, rq->params[0]);
}

static void balance_known(struct request *rq, const struct db_result *result)
{
	reply_data(rq, db_text(result, 0, 0));
}

void payout_show_balance(struct request *rq)
{
	sql_read(rq, payout_balance, balance_known, rq->caller.id, arg_int(rq, minimum(rq)));
}
