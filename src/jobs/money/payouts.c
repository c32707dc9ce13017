/* SPDX-License-Identifier: MIT
 *
 * The pay-out job. Every second it runs three statements. Each takes rows that are due and moves
 * their next time forward, so that an interrupted row is taken again:
 *
 *   payouts_send  APPROVED → PROCESSING, before the gateway is called ─ gateway_withdraw ─┐
 *   payouts_ask   rows with a reference ─────────────────────────────── gateway_query ──────┤
 *   payouts_seek  PROCESSING without a reference ────────────────────── gateway_history_read ─────┤
 *                                                                        payout_answered ─┘
 *
 * A pay-out that may have been sent is never sent again. It is searched for in the history, and
 * fails (the amount returns to its owner) only when the gateway did not have it an hour later. If
 * the gateway pays it after all, payout_answered books it or records a discrepancy for an admin. It
 * also records a discrepancy when the gateway does not end a pay-out in time.
 */
#include "reeyo/jobs/payouts.h"

#include <stdio.h>
#include <stdlib.h>

#include "reeyo/core/config.h"
#include "reeyo/core/id.h"
#include "reeyo/core/log.h"
#include "reeyo/db/db.h"
#include "reeyo/db/leadership.h"
#include "reeyo/partners/gateway.h"

#define EVERY_MS 1000
#define CALLS 16 /* sent or queried at once; at most half of them are sent */
#define SEEK_MOST 50
#define SEEK_MOST_TEXT "50"
#define SEEK_EVERY 5 /* rounds between two reads of the history */
#define WHY_SIZE 200
/* A call without a recorded answer is searched for after its time limit, its time in the queue and
 * this margin. */
#define ANSWER_MARGIN_S 30

/* The parameters of payout_answered, which must live until it is done. */
struct answer {
	struct db_call db;
	char id[ID_SIZE], reference[GATEWAY_REFERENCE_SIZE], amount[24], why[WHY_SIZE],
		looked_at[40];
	char entries[2 * ID_SIZE + 4];
	const char *what;
};

/* One pay-out that is sent or queried, until the answer is written. */
struct payout_call {
	struct payout_job *job;
	struct gateway_call gateway;
	struct answer answer;
	char phone[16], query_reference[GATEWAY_REFERENCE_SIZE];
	bool busy, sends;
};

struct searched {
	char id[ID_SIZE], reference[GATEWAY_REFERENCE_SIZE], why[WHY_SIZE];
	enum gateway_state state;
	int64_t amount; /* ours; then the reported one */
	bool found, maybe;
};

struct payout_job {
	struct app *app;
	struct leadership *leadership;
	uv_timer_t timer;
	struct db_call db;
	struct payout_call calls[CALLS];
	unsigned running; /* calls, statements and the timer: freed with the last */
	struct gateway_history history;
	struct searched searched[SEEK_MOST];
	unsigned sought_count, write_next, round;
	const char *unread; /* why the history could not be read */
	struct answer found;
	char looked_at[40], limit[8], patience[24];
	bool taking, seeking, closing;
};

static void payout_job_release(struct payout_job *job)
{
	if (--job->running == 0)
		free(job);
}

/* --- Writing an answer -------------------------------------------------------------------------*/

static void text_into(char *out, size_t size, struct text text)
{
	snprintf(out, size, "%.*s", TEXT_ARGS(text));
}

static void answer_begin(struct answer *answer, const char *what, const char *reference,
	int64_t amount, const char *why)
{
	char first[ID_SIZE], second[ID_SIZE];

	id_new(first, "txn_");
	id_new(second, "txn_");
	answer->what = what;
	snprintf(answer->reference, sizeof(answer->reference), "%s", reference);
	snprintf(answer->amount, sizeof(answer->amount), "%lld", (long long)amount);
	text_copy_truncated(answer->why, sizeof(answer->why), text_of(why ? why : ""));
	snprintf(answer->entries, sizeof(answer->entries), "{%s,%s}", first, second);
}

static void payout_answer_write(struct payout_job *job, struct answer *answer, void *owner,
	void (*done)(struct db_call *call, const struct db_result *result))
{
	answer->db = (struct db_call){ .query = QUERY_payout_answered,
		.lane = DB_WRITE,
		.count = 7,
		.params = { answer->id, answer->what,
			answer->reference[0] ? answer->reference : NULL,
			answer->amount[0] == '-' ? NULL : answer->amount,
			answer->why[0] ? answer->why : NULL,
			answer->looked_at[0] ? answer->looked_at : NULL, answer->entries },
		.done = done,
		.owner = owner };
	db_submit(job->app->db, &answer->db);
}

static enum counter payout_outcome_counter(struct text outcome)
{
	return text_is(outcome, TEXT("COMPLETED"))  ? COUNT_PAYOUTS_COMPLETED
		: text_is(outcome, TEXT("FAILED"))  ? COUNT_PAYOUTS_FAILED
		: text_is(outcome, TEXT("LATE"))    ? COUNT_PAYOUTS_LATE
		: text_is(outcome, TEXT("TROUBLE")) ? COUNT_PAYOUTS_TROUBLED
						    : COUNTER_COUNT;
}

/* Counts the outcome, and logs what an admin must look at and what failed. */
static void payout_outcome_log(
	struct payout_job *job, const struct answer *answer, const struct db_result *result)
{
	struct text outcome = db_error(result) || !db_rows(result) ? TEXT_NONE
								   : db_text(result, 0, 0);

	if (db_error(result) == E_CONFLICT_ROW)
		log_line(LOG_ERROR, "the gateway's answer about a pay-out is booked already",
			LOG_T("payout", answer->id), LOG_T("answer", answer->what),
			LOG_T("reference", answer->reference));
	if (!outcome.at)
		return; /* the row is due again soon */
	if (payout_outcome_counter(outcome) != COUNTER_COUNT)
		count_one(loop_counters(job->app->loop), payout_outcome_counter(outcome));
	if (text_is(outcome, TEXT("TROUBLE")) || text_is(outcome, TEXT("LATE")))
		log_line(LOG_ERROR, "the gateway's answer about a pay-out is a discrepancy",
			LOG_T("payout", answer->id), LOG_T("answer", answer->what),
			LOG_T("amount", answer->amount), LOG_T("reference", answer->reference),
			LOG_T("done",
				text_is(outcome, TEXT("LATE")) ? "booked from what is available"
							       : "nothing"));
	else if (text_is(outcome, TEXT("FAILED")))
		log_line(LOG_WARN, "a pay-out failed", LOG_T("payout", answer->id),
			LOG_T("answer", answer->what), LOG_T("why", answer->why));
}

/* --- One call --------------------------------------------------------------------------------- */

static void payout_call_free(struct payout_call *call)
{
	call->busy = false;
	payout_job_release(call->job);
}

static void payout_answer_written(struct db_call *db, const struct db_result *result)
{
	struct payout_call *call = db->owner;

	payout_outcome_log(call->job, &call->answer, result);
	payout_call_free(call);
}

/* The reference of a callback belongs to another transaction: clear it. */
static void payout_reference_clear(struct payout_call *call)
{
	log_line(LOG_ERROR, "a gateway reference belongs to another transaction",
		LOG_T("payout", call->answer.id), LOG_T("reference", call->query_reference));
	call->answer.what = "foreign";
	call->answer.db = (struct db_call){ .query = QUERY_payout_unheard,
		.lane = DB_WRITE,
		.count = 2,
		.params = { call->answer.id, call->query_reference },
		.done = payout_answer_written,
		.owner = call };
	db_submit(call->job->app->db, &call->answer.db);
}

/* The answer to a sending names another pay-out, so what became of this one has to be looked
 * for. */
static void payout_answer_foreign(
	struct payout_call *call, const struct gateway_transaction *transaction)
{
	text_copy_truncated(
		call->query_reference, sizeof(call->query_reference), transaction->reference);
	log_line(LOG_ERROR, "the gateway answered a pay-out with another transaction",
		LOG_T("payout", call->answer.id), LOG_T("reference", call->query_reference));
	answer_begin(&call->answer, "UNCERTAIN", "", -1, NULL);
	payout_answer_write(call->job, &call->answer, call, payout_answer_written);
}

static void payout_transaction_write(
	struct payout_call *call, const struct gateway_transaction *transaction)
{
	char reference[GATEWAY_REFERENCE_SIZE], why[WHY_SIZE];

	if (transaction->external.at && !text_is(transaction->external, text_of(call->answer.id)))
		return call->sends ? payout_answer_foreign(call, transaction)
				   : payout_reference_clear(call);
	if (!text_copy_whole(reference, sizeof(reference), transaction->reference))
		reference[0] = '\0'; /* a cut one would name another transaction */
	text_copy_truncated(why, sizeof(why), transaction->reason);
	answer_begin(&call->answer, gateway_state_word(transaction->state), reference,
		transaction->amount, why);
	payout_answer_write(call->job, &call->answer, call, payout_answer_written);
}

/* A query or search without an answer. */
static const char *unanswered_word(enum gateway_outcome outcome)
{
	return outcome == GATEWAY_UNREACHED ? "UNASKED" : "UNTOLD";
}

static void payout_answered_by_gateway(
	struct gateway_call *gateway, const struct gateway_answer *answer)
{
	static const char *const words[] = { [GATEWAY_REFUSED] = "REFUSED",
		[GATEWAY_UNREACHED] = "UNREACHED",
		[GATEWAY_UNCERTAIN] = "UNCERTAIN" };
	struct payout_call *call = gateway->owner;

	if (call->job->closing)
		return payout_call_free(call); /* the next leader finds it PROCESSING */
	if (answer->outcome == GATEWAY_ANSWERED)
		return payout_transaction_write(call, &answer->transaction);
	log_line(LOG_WARN,
		call->sends ? "a pay-out was not sent"
			    : "the gateway did not answer about a pay-out",
		LOG_T("payout", call->answer.id), LOG_T("outcome", words[answer->outcome]),
		LOG_T("why", answer->why));
	answer_begin(&call->answer,
		call->sends ? words[answer->outcome] : unanswered_word(answer->outcome), "", -1,
		answer->why);
	payout_answer_write(call->job, &call->answer, call, payout_answer_written);
}

static struct payout_call *payout_call_new(struct payout_job *job, struct text id, bool sends)
{
	for (unsigned i = 0; i < CALLS; i++) {
		struct payout_call *call = &job->calls[i];

		if (call->busy)
			continue;
		*call = (struct payout_call){ .job = job, .busy = true, .sends = sends };
		call->gateway.done = payout_answered_by_gateway;
		call->gateway.owner = call;
		text_into(call->answer.id, sizeof(call->answer.id), id);
		job->running++;
		return call;
	}
	return NULL; /* impossible: no more rows are taken than calls are free */
}

static unsigned payout_calls_left(const struct payout_job *job)
{
	unsigned left = 0;

	for (unsigned i = 0; i < CALLS; i++)
		left += !job->calls[i].busy;
	return left;
}

/* --- A round ---------------------------------------------------------------------------------- */

static void payout_rows_take(struct payout_job *job, enum query query, unsigned most,
	void (*done)(struct db_call *call, const struct db_result *result))
{
	snprintf(job->limit, sizeof(job->limit), "%u", most);
	job->taking = true;
	job->running++;
	job->db = (struct db_call){ .query = query,
		.lane = DB_WRITE,
		.count = query == QUERY_payouts_send ? 2 : 1,
		.params = { job->limit, job->patience },
		.done = done,
		.owner = job };
	db_submit(job->app->db, &job->db);
}

/* False when this round ends. */
static bool payout_rows_taken(struct payout_job *job, const struct db_result *result)
{
	bool goes_on = !job->closing && !db_error(result);

	job->taking = false;
	payout_job_release(
		job); /* the timer holds it too: it is still there unless the job is closing */
	return goes_on;
}

static void payout_search(struct payout_job *job);

static void payout_query_rows(struct db_call *db, const struct db_result *result)
{
	struct payout_job *job = db->owner;

	if (!payout_rows_taken(job, result))
		return;
	for (unsigned i = 0; i < db_rows(result); i++) {
		struct payout_call *call = payout_call_new(job, db_text(result, i, 0), false);

		text_into(call->query_reference, sizeof(call->query_reference),
			db_text(result, i, 1));
		call->gateway.reference = call->query_reference;
		gateway_query(job->app->gateway, &call->gateway);
	}
	payout_search(job);
}

static void payout_query_due(struct payout_job *job)
{
	if (payout_calls_left(job))
		return payout_rows_take(
			job, QUERY_payouts_ask, payout_calls_left(job), payout_query_rows);
	payout_search(job);
}

static void payout_send_rows(struct db_call *db, const struct db_result *result)
{
	struct payout_job *job = db->owner;

	if (!payout_rows_taken(job, result))
		return;
	for (unsigned i = 0; i < db_rows(result); i++) {
		struct payout_call *call = payout_call_new(job, db_text(result, i, 0), true);

		text_into(call->phone, sizeof(call->phone), db_text(result, i, 1));
		call->gateway.phone = call->phone;
		call->gateway.amount = db_int(result, i, 2);
		call->gateway.external = call->answer.id;
		call->gateway.description = "Reeyo";
		gateway_withdraw(job->app->gateway, &call->gateway);
	}
	payout_query_due(job);
}

/* --- The history ------------------------------------------------------------------------------ */

static struct searched *searched_find(struct payout_job *job, struct text id)
{
	for (unsigned i = 0; i < job->sought_count; i++)
		if (text_is(text_of(job->searched[i].id), id))
			return &job->searched[i];
	return NULL;
}

/* An unnamed withdrawal may be any pay-out of that amount. */
static void searched_suspect(struct payout_job *job, int64_t amount)
{
	for (unsigned i = 0; i < job->sought_count; i++)
		if (amount < 0 || job->searched[i].amount == amount)
			job->searched[i].maybe = true;
}

static void searched_match(struct gateway_history *history,
	const struct gateway_transaction *transaction, bool withdrawal)
{
	struct payout_job *job = history->owner;
	struct searched *searched;

	if (!transaction->external.len)
		return withdrawal ? searched_suspect(job, transaction->amount) : (void)0;
	searched = searched_find(job, transaction->external);
	if (!searched || !transaction->reference.len ||
		!text_copy_whole(
			searched->reference, sizeof(searched->reference), transaction->reference))
		return;
	searched->found = true;
	searched->state = transaction->state;
	searched->amount = transaction->amount;
	text_copy_truncated(searched->why, sizeof(searched->why), transaction->reason);
}

static void payout_search_end(struct payout_job *job)
{
	job->seeking = false;
	payout_job_release(job);
}

static void searched_written(struct db_call *db, const struct db_result *result);

/* Writes the results of the search one by one: found, missing, or possibly there without a name. */
static void searched_write_next(struct payout_job *job)
{
	struct searched *searched;

	if (job->closing || job->write_next == job->sought_count)
		return payout_search_end(job);
	searched = &job->searched[job->write_next++];
	text_into(job->found.id, sizeof(job->found.id), text_of(searched->id));
	snprintf(job->found.looked_at, sizeof(job->found.looked_at), "%s", job->looked_at);
	answer_begin(&job->found,
		job->unread               ? job->unread
			: searched->found ? gateway_state_word(searched->state)
			: searched->maybe ? "UNNAMED"
					  : "MISSING",
		searched->reference, searched->found ? searched->amount : -1, searched->why);
	payout_answer_write(job, &job->found, job, searched_written);
}

static void searched_written(struct db_call *db, const struct db_result *result)
{
	struct payout_job *job = db->owner;

	payout_outcome_log(job, &job->found, result);
	searched_write_next(job);
}

static void payout_history_done(
	struct gateway_history *history, enum gateway_outcome outcome, const char *why)
{
	struct payout_job *job = history->owner;

	if (outcome != GATEWAY_ANSWERED && !job->closing)
		log_line(LOG_WARN, "the gateway's history cannot be read", LOG_T("why", why));
	job->unread = outcome == GATEWAY_ANSWERED ? NULL : unanswered_word(outcome);
	for (unsigned i = 0; job->unread && i < job->sought_count; i++) {
		job->searched[i].found = false; /* an incomplete history proves nothing */
		job->searched[i].reference[0] = '\0';
	}
	searched_write_next(job);
}

static void payout_search_rows(struct db_call *db, const struct db_result *result)
{
	struct payout_job *job = db->owner;
	char first[11] = "9999-12-31";

	if (!payout_rows_taken(job, result) || db_rows(result) == 0)
		return;
	for (unsigned i = 0; i < db_rows(result) && i < SEEK_MOST; i++) {
		job->searched[i] = (struct searched){ .amount = db_int(result, i, 4) };
		text_into(job->searched[i].id, sizeof(job->searched[i].id), db_text(result, i, 0));
		text_into(job->history.from, sizeof(job->history.from), db_text(result, i, 1));
		if (strcmp(job->history.from, first) < 0)
			snprintf(first, sizeof(first), "%s", job->history.from);
	}
	job->sought_count = db_rows(result);
	job->write_next = 0;
	snprintf(job->history.from, sizeof(job->history.from), "%s", first);
	text_into(job->history.to, sizeof(job->history.to), db_text(result, 0, 2));
	text_into(job->looked_at, sizeof(job->looked_at), db_text(result, 0, 3));
	job->seeking = true;
	job->running++;
	gateway_history_read(job->app->gateway, &job->history);
}

static void payout_search(struct payout_job *job)
{
	if (!job->seeking && job->round++ % SEEK_EVERY == 0)
		payout_rows_take(job, QUERY_payouts_seek, SEEK_MOST, payout_search_rows);
}

/* --- Callbacks -------------------------------------------------------------------------------- */

struct callback_note {
	struct db_call db;
	char id[ID_SIZE], reference[GATEWAY_REFERENCE_SIZE];
};

static void payout_callback_noted(struct db_call *db, const struct db_result *result)
{
	(void)result; /* on an error the job queries later by itself */
	free(db->owner);
}

void payout_heard(struct app *app, const char *payout_id, struct text gateway_reference)
{
	struct callback_note *callback_note = calloc(1, sizeof(*callback_note));

	if (!callback_note || strlen(payout_id) >= sizeof(callback_note->id) ||
		gateway_reference.len >= sizeof(callback_note->reference))
		return free(callback_note);
	text_into(callback_note->id, sizeof(callback_note->id), text_of(payout_id));
	text_into(callback_note->reference, sizeof(callback_note->reference), gateway_reference);
	callback_note->db = (struct db_call){ .query = QUERY_payout_heard,
		.lane = DB_WRITE,
		.count = 2,
		.params = { callback_note->id, callback_note->reference },
		.done = payout_callback_noted,
		.owner = callback_note };
	db_submit(app->db, &callback_note->db);
}

/* --- Life ------------------------------------------------------------------------------------- */

static void payout_tick(uv_timer_t *timer)
{
	struct payout_job *job = timer->data;

	if (job->taking || job->closing || !leadership_held(job->leadership) ||
		!gateway_available(job->app->gateway))
		return;
	if (payout_calls_left(job) > CALLS / 2)
		return payout_rows_take(job, QUERY_payouts_send, payout_calls_left(job) - CALLS / 2,
			payout_send_rows);
	payout_query_due(job);
}

int payouts_new(struct app *app, struct payout_job **ret)
{
	struct payout_job *job = calloc(1, sizeof(*job));
	int error;

	if (!job)
		return E_NO_MEMORY;
	job->app = app;
	job->timer.data = job;
	job->history.each = searched_match;
	job->history.done = payout_history_done;
	job->history.owner = job;
	snprintf(job->patience, sizeof(job->patience), "%lld",
		(long long)(2 * app->config->gateway_timeout / 1000 + ANSWER_MARGIN_S));
	error = leadership_new(app->loop, app->db, "payouts", NULL, NULL, &job->leadership);
	if (error || uv_timer_init(loop_uv(app->loop), &job->timer)) {
		leadership_close(job->leadership);
		free(job);
		return E_NO_MEMORY;
	}
	job->running = 1;
	uv_timer_start(&job->timer, payout_tick, EVERY_MS, EVERY_MS);
	*ret = job;
	return 0;
}

static void payout_timer_closed(uv_handle_t *handle)
{
	payout_job_release(handle->data);
}

void payouts_close(struct payout_job *job)
{
	if (!job)
		return;
	job->closing = true;
	leadership_close(job->leadership);
	uv_close((uv_handle_t *)&job->timer, payout_timer_closed);
}
