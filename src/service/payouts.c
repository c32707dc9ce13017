/* SPDX-License-Identifier: MIT
 *
 * Pay-outs: rows, requests of owners and decisions of admins.
 *
 *   request   payout_owner_get ─ checks ─ payout_request
 *   decision  payout_read ─ payout_rule ─ payout_apply_ruling ─ CHANGED: from the beginning
 */
#include "reeyo/service/payouts.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reeyo/core/memory.h"
#include "reeyo/db/queries/payouts.h"
#include "reeyo/domain/operator.h"
#include "reeyo/service/settings.h"

#define OPEN_LIMIT 20
#define TRIES 5

/* --- Rows ------------------------------------------------------------------------------------- */

_Static_assert((int)PAYOUT_READ_DESTINATION == (int)PAYOUTS_SEND_DESTINATION &&
		(int)PAYOUT_READ_DESTINATION == (int)PAYOUTS_DUE_DESTINATION &&
		(int)PAYOUT_READ_DESTINATION == (int)PAYOUTS_TAKE_DESTINATION,
	"the statements have the columns of payout_facts first");

static struct text payout_text_keep(char *out, size_t size, struct text text)
{
	if (!text.at)
		return TEXT_NONE;
	text_copy_truncated(out, size, text);
	return text_of(out);
}

#define KEEP(row, member, column) \
	payout_text_keep((row)->member, sizeof((row)->member), db_text(result, n, column))

void payout_row_read(struct payout_row *row, const struct db_result *result, unsigned n)
{
	struct payout_facts *facts = &row->facts;

	KEEP(row, id, PAYOUT_READ_ID);
	KEEP(row, version, PAYOUT_READ_VERSION);
	KEEP(row, kind, PAYOUT_READ_OWNER_KIND);
	KEEP(row, destination, PAYOUT_READ_DESTINATION);
	*facts = (struct payout_facts){
		.state = payout_state_named(db_text(result, n, PAYOUT_READ_STATUS)),
		.resolution = payout_resolution_named(db_text(result, n, PAYOUT_READ_RESOLUTION)),
		.first_resolution = payout_resolution_named(
			db_text(result, n, PAYOUT_READ_FIRST_RESOLUTION)),
		.mobile_money = db_bool(result, n, PAYOUT_READ_MOBILE_MONEY),
		.amount = db_int(result, n, PAYOUT_READ_AMOUNT),
		.fee = db_int(result, n, PAYOUT_READ_FEE),
		.paid_amount = db_int(result, n, PAYOUT_READ_PAID_AMOUNT),
		.checks = db_int(result, n, PAYOUT_READ_CHECKS),
		.sent_age_s = db_int(result, n, PAYOUT_READ_SENT_AGE_S),
		.ended_age_s = db_int(result, n, PAYOUT_READ_ENDED_AGE_S),
		.gateway_reference = KEEP(row, gateway_reference, PAYOUT_READ_GATEWAY_REFERENCE),
		.transaction_reference = KEEP(
			row, transaction_reference, PAYOUT_READ_TRANSACTION_REFERENCE),
		.discrepancy = KEEP(row, discrepancy, PAYOUT_READ_TROUBLE),
		.first_approved_by = KEEP(row, first_approved_by, PAYOUT_READ_FIRST_APPROVED_BY),
		.first_resolved_by = KEEP(row, first_resolved_by, PAYOUT_READ_FIRST_RESOLVED_BY),
	};
}

static void payout_text_rebase(struct text *text, const char *at)
{
	if (text->at)
		*text = text_of(at);
}

void payout_row_copy(struct payout_row *to, const struct payout_row *from)
{
	struct payout_facts *facts = &to->facts;

	*to = *from;
	payout_text_rebase(&facts->gateway_reference, to->gateway_reference);
	payout_text_rebase(&facts->transaction_reference, to->transaction_reference);
	payout_text_rebase(&facts->discrepancy, to->discrepancy);
	payout_text_rebase(&facts->first_approved_by, to->first_approved_by);
	payout_text_rebase(&facts->first_resolved_by, to->first_resolved_by);
}

/* --- Requests of owners ----------------------------------------------------------------------- */

int64_t payout_minimum(const struct app *app)
{
	return settings_int(app->settings, SETTING_MIN_PAYOUT_XAF);
}

static void payout_order_done(struct payout_order *order, int error, struct text payout)
{
	char *stored = TAKE_PTR(order->stored);

	order->done(order, error, payout);
	free(stored);
}

static void payout_requested(struct db_call *call, const struct db_result *result)
{
	struct payout_order *order = call->owner;
	struct text outcome;

	if (db_error(result))
		return payout_order_done(order, db_error(result), TEXT_NONE);
	outcome = db_text(result, 0, PAYOUT_REQUEST_OUTCOME);
	if (text_is(outcome, TEXT("PAYOUT_SHORT")))
		return payout_order_done(order, E_PAYOUT_SHORT, TEXT_NONE);
	if (text_is(outcome, TEXT("PAYOUT_MANY")))
		return payout_order_done(order, E_PAYOUT_MANY, TEXT_NONE);
	payout_order_done(order, 0, db_text(result, 0, PAYOUT_REQUEST_PAYOUT));
}

static void payout_insert(struct payout_order *order, const char *details, const char *number)
{
	bool mobile = phone_normalise(number, order->phone) && phone_is_mobile_money(order->phone);

	id_new(order->id, "payout_");
	id_new(order->entry, "txn_");
	order->statement =
		(struct db_call){ .lane = DB_WRITE, .done = payout_requested, .owner = order };
	db_run(order->app->db, &order->statement, payout_request,
		&(struct payout_request){ .payout_id = order->id,
			.kind = order->kind,
			.owner_id = order->owner_id,
			.amount = order->amount,
			.fee = order->fee,
			.method = payout_method_words[!mobile],
			.destination = mobile ? order->phone : number,
			.bank_details = details,
			.open_limit = OPEN_LIMIT,
			.entry_id = order->entry,
			.key = order->idempotency_key,
			.fingerprint = order->fingerprint });
}

/* Copies the stored details and their account number into order->stored, one after the other.
 * Returns the number, or NULL. */
static const char *payout_stored_take(struct payout_order *order, struct text details)
{
	json_t *json = details.at ? json_loadb(details.at, details.len, 0, NULL) : NULL;
	const char *number = json_string_value(json_object_get(json, "accountNumber"));
	size_t number_len = number ? strlen(number) : 0;

	if (details.at && number_len && (order->stored = malloc(details.len + number_len + 2))) {
		memcpy(order->stored, details.at, details.len);
		order->stored[details.len] = '\0';
		memcpy(order->stored + details.len + 1, number, number_len + 1);
	}
	json_decref(json);
	return order->stored ? order->stored + details.len + 1 : NULL;
}

/* 0, or why the owner may not request this amount. */
static int payout_order_check(struct payout_order *order, const struct db_result *result)
{
	int64_t minimum = payout_minimum(order->app);
	bool rider = strcmp(order->kind, "RIDER") == 0;

	if (db_rows(result) == 0)
		return E_ACCOUNT_GONE;
	if (db_bool(result, 0, PAYOUT_OWNER_GET_SUSPENDED))
		return E_SUSPENDED;
	if (rider && !db_bool(result, 0, PAYOUT_OWNER_GET_PHONE_VERIFIED))
		return E_PHONE_UNVERIFIED;
	order->fee = settings_int(
		order->app->settings, rider ? SETTING_PAYOUT_FEE_RIDER : SETTING_PAYOUT_FEE_VENDOR);
	order->limit_is_fee = order->amount >= minimum;
	order->limit = order->limit_is_fee ? order->fee : minimum;
	return order->amount < minimum || order->amount <= order->fee ? E_PAYOUT_MINIMUM : 0;
}

static void payout_owner_read(struct db_call *call, const struct db_result *result)
{
	struct payout_order *order = call->owner;
	const char *number = order->account_number;
	int error = db_error(result) ? db_error(result) : payout_order_check(order, result);

	if (error)
		return payout_order_done(order, error, TEXT_NONE);
	if (!order->bank_details)
		number = payout_stored_take(
			order, db_text(result, 0, PAYOUT_OWNER_GET_BANK_DETAILS));
	if (!number || !*number)
		return payout_order_done(order, E_PAYOUT_ACCOUNT, TEXT_NONE);
	payout_insert(order, order->bank_details ? order->bank_details : order->stored, number);
}

void payout_request(struct app *app, struct payout_order *order)
{
	order->app = app;
	order->stored = NULL;
	order->statement =
		(struct db_call){ .lane = DB_WRITE, .done = payout_owner_read, .owner = order };
	db_run(app->db, &order->statement, payout_owner_get,
		&(struct payout_owner_get){ .kind = order->kind, .owner_id = order->owner_id });
}

/* --- Decisions of admins ---------------------------------------------------------------------- */

static const char *const step_words[] = {
	[PAYOUT_STEP_NOTE_APPROVAL] = "NOTE_APPROVAL",
	[PAYOUT_STEP_APPROVE] = "APPROVE",
	[PAYOUT_STEP_COMPLETE] = "COMPLETE",
	[PAYOUT_STEP_REJECT] = "REJECT",
	[PAYOUT_STEP_NOTE_RESOLUTION] = "NOTE_RESOLUTION",
	[PAYOUT_STEP_RESOLVE] = "RESOLVE",
};

static void review_start(struct payout_review *review);

static void review_applied(struct db_call *call, const struct db_result *result)
{
	struct payout_review *review = call->owner;

	if (db_error(result))
		return review->done(review, db_error(result), TEXT_NONE);
	if (text_is(db_text(result, 0, PAYOUT_APPLY_RULING_OUTCOME), TEXT("APPLIED")))
		return review->done(review, 0, db_text(result, 0, PAYOUT_APPLY_RULING_PAYOUT));
	if (++review->tries == TRIES)
		return review->done(review, E_CONFLICT_ROW, TEXT_NONE);
	review_start(review);
}

static void review_shown(struct db_call *call, const struct db_result *result)
{
	struct payout_review *review = call->owner;

	if (db_error(result) || db_rows(result) == 0)
		return review->done(review,
			db_error(result) ? db_error(result) : E_PAYOUT_NOT_FOUND, TEXT_NONE);
	review->done(review, 0, db_text(result, 0, ADMIN_PAYOUT_GET_PAYOUT));
}

static void review_apply(struct payout_review *review, const struct payout_ruling *ruling)
{
	char ids[4][ID_SIZE];
	const char *entries[4];

	for (size_t i = 0; i < COUNT_OF(entries); i++) {
		id_new(ids[i], "txn_");
		entries[i] = ids[i];
	}
	review->statement =
		(struct db_call){ .lane = DB_WRITE, .done = review_applied, .owner = review };
	db_run(review->app->db, &review->statement, payout_apply_ruling,
		&(struct payout_apply_ruling){ .payout_id = review->payout_id,
			.version = review->row.version,
			.step = step_words[ruling->step],
			.resolution = ruling->resolution == PAYOUT_UNRESOLVED
				? NULL
				: payout_resolution_words[ruling->resolution -
					  PAYOUT_RESOLVED_PAID],
			.next_state = payout_status_words[ruling->next],
			.reference = review->act.reference.at,
			.reason = review->reason,
			.notes = review->notes,
			.two_admins_from = review->act.two_admins_from,
			.admin_id = review->act.admin.at,
			.next_check_s = ruling->next_check_s == PAYOUT_NO_CHECK
				? NULL
				: &ruling->next_check_s,
			.entry_ids = { entries, COUNT_OF(entries) },
			.audit = review->audit });
}

static void review_rule(struct payout_review *review)
{
	struct payout_ruling ruling;
	int error = payout_rule(&review->row.facts, &review->act, &ruling);

	if (error)
		return review->done(review, error, TEXT_NONE);
	if (ruling.step != PAYOUT_STEP_NONE)
		return review_apply(review, &ruling);
	review->statement =
		(struct db_call){ .lane = DB_WRITE, .done = review_shown, .owner = review };
	db_run(review->app->db, &review->statement, admin_payout_get,
		&(struct admin_payout_get){ .payout_id = review->payout_id,
			.two_admins_from = review->act.two_admins_from });
}

static void review_row_read(struct db_call *call, const struct db_result *result)
{
	struct payout_review *review = call->owner;

	if (db_error(result))
		return review->done(review, db_error(result), TEXT_NONE);
	if (db_rows(result))
		payout_row_read(&review->row, result, 0);
	review->other_kind = db_rows(result) && review->kind &&
		strcmp(review->kind, review->row.kind) != 0;
	if (db_rows(result) == 0 || review->other_kind)
		return review->done(review, E_PAYOUT_NOT_FOUND, TEXT_NONE);
	review_rule(review);
}

static void review_start(struct payout_review *review)
{
	review->statement =
		(struct db_call){ .lane = DB_WRITE, .done = review_row_read, .owner = review };
	db_run(review->app->db, &review->statement, payout_read,
		&(struct payout_read){ .payout_id = review->payout_id });
}

void payout_decide_by_admin(struct app *app, struct payout_review *review)
{
	review->app = app;
	review->tries = 0;
	review_start(review);
}
