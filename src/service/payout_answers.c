/* SPDX-License-Identifier: MIT
 *
 * Pay-outs and the gateway:
 *
 *   payout_send, payout_check ─ gateway ─ answer ─┐
 *   payout_record (search in the history) ────────┴ payout_decide ─ payout_apply_answer
 *
 * When the row has changed meanwhile, when another pay-out has the reference, or when the wallet
 * cannot pay a late success, the decision is made again with that knowledge.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reeyo/core/log.h"
#include "reeyo/core/memory.h"
#include "reeyo/db/queries/payouts.h"
#include "reeyo/service/counters.h"
#include "reeyo/service/payouts.h"

#define TRIES 5

static const char *const action_words[] = {
	[PAYOUT_KEEP] = "KEEP",
	[PAYOUT_SETTLE] = "SETTLE",
	[PAYOUT_SETTLE_LATE] = "SETTLE_LATE",
	[PAYOUT_RETURN] = "RETURN",
	[PAYOUT_DISCREPANCY] = "DISCREPANCY",
	[PAYOUT_CLEAR] = "CLEAR",
};

/* --- Applying a decision ---------------------------------------------------------------------- */

static void answer_decide(struct payout_call *call);

static void answer_count(struct payout_call *call)
{
	struct counters *counters = loop_counters(call->app->loop);

	switch (call->decision.action) {
	case PAYOUT_SETTLE:
		return count_one(counters, COUNT_PAYOUTS_COMPLETED);
	case PAYOUT_SETTLE_LATE:
		return count_one(counters, COUNT_PAYOUTS_LATE);
	case PAYOUT_RETURN:
		return count_one(counters, COUNT_PAYOUTS_FAILED);
	case PAYOUT_DISCREPANCY:
		return count_one(counters, COUNT_PAYOUTS_TROUBLED);
	default:
		return;
	}
}

/* Logs what an admin must look at, and failures. */
static void answer_log(struct payout_call *call)
{
	enum payout_action action = call->decision.action;

	if (action == PAYOUT_DISCREPANCY || action == PAYOUT_SETTLE_LATE)
		log_line(LOG_ERROR, "the gateway's answer about a pay-out is a discrepancy",
			LOG_T("payout", call->row.id),
			LOG_T("answer", payout_answer_words[call->answer.kind]),
			LOG_I("amount", call->answer.amount), LOG_T("reference", call->reference),
			LOG_T("done",
				action == PAYOUT_SETTLE_LATE ? "booked from the available balance"
							     : "nothing"));
	else if (action == PAYOUT_RETURN)
		log_line(LOG_WARN, "a pay-out failed", LOG_T("payout", call->row.id),
			LOG_T("answer", payout_answer_words[call->answer.kind]),
			LOG_T("why", call->decision.text));
}

static void answer_row_read(struct db_call *statement, const struct db_result *result)
{
	struct payout_call *call = statement->owner;

	if (db_error(result) || db_rows(result) == 0)
		return call->done(call); /* the row is due again soon */
	payout_row_read(&call->row, result, 0);
	answer_decide(call);
}

static void answer_again(struct payout_call *call)
{
	if (++call->tries == TRIES)
		return call->done(call);
	call->statement =
		(struct db_call){ .lane = DB_WRITE, .done = answer_row_read, .owner = call };
	db_run(call->app->db, &call->statement, payout_read,
		&(struct payout_read){ .payout_id = call->row.id });
}

static void answer_applied(struct db_call *statement, const struct db_result *result)
{
	struct payout_call *call = statement->owner;
	struct text outcome;

	if (db_error(result) == E_CONFLICT_ROW)
		log_line(LOG_ERROR, "the gateway's answer about a pay-out is booked already",
			LOG_T("payout", call->row.id), LOG_T("reference", call->reference));
	if (db_error(result))
		return call->done(call); /* the row is due again soon */
	outcome = db_text(result, 0, PAYOUT_APPLY_ANSWER_OUTCOME);
	if (text_is(outcome, TEXT("APPLIED"))) {
		answer_count(call);
		answer_log(call);
		return call->done(call);
	}
	call->answer.reference_taken = text_is(outcome, TEXT("REFERENCE_TAKEN"));
	call->answer.wallet_short = text_is(outcome, TEXT("WALLET_SHORT"));
	answer_again(call);
}

static bool decision_is_empty(const struct payout_call *call)
{
	const struct payout_decision *decision = &call->decision;

	return decision->action == PAYOUT_KEEP && !decision->take_reference &&
		decision->next == call->row.facts.state &&
		decision->next_check_s == PAYOUT_CHECK_UNCHANGED;
}

static void answer_decide(struct payout_call *call)
{
	const struct payout_decision *decision = &call->decision;
	char ids[2][ID_SIZE];
	const char *entries[2] = { ids[0], ids[1] };

	payout_decide(&call->row.facts, &call->answer, &call->decision);
	if (call->abandoned || decision_is_empty(call))
		return call->done(call);
	id_new(ids[0], "txn_");
	id_new(ids[1], "txn_");
	call->statement =
		(struct db_call){ .lane = DB_WRITE, .done = answer_applied, .owner = call };
	db_run(call->app->db, &call->statement, payout_apply_answer,
		&(struct payout_apply_answer){ .payout_id = call->row.id,
			.version = call->row.version,
			.action = action_words[decision->action],
			.next_state = payout_status_words[decision->next],
			.reference = decision->take_reference ? call->reference : NULL,
			.checks = decision->checks,
			.reschedule = decision->next_check_s != PAYOUT_CHECK_UNCHANGED,
			.next_check_s = decision->next_check_s < 0 ? NULL : &decision->next_check_s,
			.paid_amount = decision->paid_amount < 0 ? NULL : &decision->paid_amount,
			.remark = decision->text[0] ? decision->text : NULL,
			.entry_ids = { entries, COUNT_OF(entries) } });
}

/* Keeps the texts of an answer in the call, and decides. A reference that is too long would name
 * another transaction when cut, and is dropped. */
static void answer_take(struct payout_call *call, const struct payout_answer *answer)
{
	call->answer = *answer;
	call->tries = 0;
	text_copy_truncated(call->why, sizeof(call->why), answer->why);
	if (!answer->reference.at ||
		!text_copy_whole(call->reference, sizeof(call->reference), answer->reference))
		call->reference[0] = '\0';
	call->answer.why = text_of(call->why);
	call->answer.reference = call->reference[0] ? text_of(call->reference) : TEXT_NONE;
	answer_decide(call);
}

void payout_record(struct app *app, struct payout_call *call, const struct payout_answer *answer)
{
	call->app = app;
	answer_take(call, answer);
}

/* --- Calls ------------------------------------------------------------------------------------ */

static void payout_reference_cleared(struct db_call *statement, const struct db_result *result)
{
	struct payout_call *call = statement->owner;

	(void)result; /* on an error it is queried again later */
	call->done(call);
}

/* The reference belongs to another transaction: clear it, so that the history is searched. */
static void payout_reference_clear(struct payout_call *call)
{
	call->statement = (struct db_call){
		.lane = DB_WRITE, .done = payout_reference_cleared, .owner = call
	};
	db_run(call->app->db, &call->statement, payout_clear_reference,
		&(struct payout_clear_reference){ .payout_id = call->row.id,
			.reference = call->row.gateway_reference,
			.next_check_s = payout_retry_delay(0) });
}

static void payout_transaction_take(
	struct payout_call *call, const struct gateway_transaction *transaction)
{
	static const enum payout_answer_kind kinds[] = {
		[GATEWAY_PENDING] = PAYOUT_ANSWER_PENDING,
		[GATEWAY_SUCCESSFUL] = PAYOUT_ANSWER_PAID,
		[GATEWAY_FAILED] = PAYOUT_ANSWER_FAILED,
	};
	bool foreign = transaction->external.at &&
		!text_is(transaction->external, text_of(call->row.id));

	if (foreign)
		log_line(LOG_ERROR, "the gateway answered a pay-out with another transaction",
			LOG_T("payout", call->row.id));
	if (foreign && !call->sends)
		return payout_reference_clear(call);
	if (foreign)
		return answer_take(call,
			&(struct payout_answer){ .kind = PAYOUT_ANSWER_UNCERTAIN, .amount = -1 });
	answer_take(call,
		&(struct payout_answer){ .kind = kinds[transaction->state],
			.reference = transaction->reference,
			.amount = transaction->amount,
			.why = transaction->reason });
}

static enum payout_answer_kind answer_kind(bool sends, enum gateway_outcome outcome)
{
	if (!sends)
		return outcome == GATEWAY_UNREACHED ? PAYOUT_ANSWER_NOT_ASKED
						    : PAYOUT_ANSWER_UNKNOWN;
	return outcome == GATEWAY_REFUSED      ? PAYOUT_ANSWER_REFUSED
		: outcome == GATEWAY_UNREACHED ? PAYOUT_ANSWER_UNREACHED
					       : PAYOUT_ANSWER_UNCERTAIN;
}

static void payout_answered(struct gateway_call *gateway, const struct gateway_answer *answer)
{
	struct payout_call *call = gateway->owner;
	enum payout_answer_kind kind = answer_kind(call->sends, answer->outcome);

	if (call->abandoned)
		return call->done(call); /* the next leader finds it PROCESSING */
	if (answer->outcome == GATEWAY_ANSWERED)
		return payout_transaction_take(call, &answer->transaction);
	log_line(LOG_WARN,
		call->sends ? "a pay-out was not sent"
			    : "the gateway did not answer about a pay-out",
		LOG_T("payout", call->row.id), LOG_T("outcome", payout_answer_words[kind]),
		LOG_T("why", answer->why));
	answer_take(call,
		&(struct payout_answer){ .kind = kind, .amount = -1, .why = text_of(answer->why) });
}

static void payout_call_start(struct app *app, struct payout_call *call, bool sends)
{
	call->app = app;
	call->sends = sends;
	call->gateway = (struct gateway_call){ .done = payout_answered, .owner = call };
}

void payout_send(struct app *app, struct payout_call *call)
{
	payout_call_start(app, call, true);
	call->gateway.phone = call->row.destination;
	call->gateway.amount = call->row.facts.amount - call->row.facts.fee;
	call->gateway.external = call->row.id;
	call->gateway.description = "Reeyo";
	gateway_withdraw(app->gateway, &call->gateway);
}

void payout_check(struct app *app, struct payout_call *call)
{
	payout_call_start(app, call, false);
	call->gateway.reference = call->row.gateway_reference;
	gateway_query(app->gateway, &call->gateway);
}

/* --- Callbacks -------------------------------------------------------------------------------- */

struct payout_note {
	struct db_call statement;
	char id[ID_SIZE], reference[GATEWAY_REFERENCE_SIZE];
};

static void payout_callback_noted(struct db_call *statement, const struct db_result *result)
{
	(void)result; /* on an error the job checks it later by itself */
	free(statement->owner);
}

void payout_note_callback(struct app *app, const char *payout_id, struct text gateway_reference)
{
	struct payout_note *note = calloc(1, sizeof(*note));

	if (!note || strlen(payout_id) >= sizeof(note->id) ||
		gateway_reference.len >= sizeof(note->reference))
		return free(note);
	text_copy_truncated(note->id, sizeof(note->id), text_of(payout_id));
	text_copy_truncated(note->reference, sizeof(note->reference), gateway_reference);
	note->statement =
		(struct db_call){ .lane = DB_WRITE, .done = payout_callback_noted, .owner = note };
	db_run(app->db, &note->statement, payout_note_callback,
		&(struct payout_note_callback){ .payout_id = note->id,
			.reference = note->reference[0] ? note->reference : NULL });
}
