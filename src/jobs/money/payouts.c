/* SPDX-License-Identifier: MIT
 *
 * Sending pay-outs: see the header. Once a second three statements, each of which takes rows that
 * are due and puts off when they are due next, so that whatever breaks here is taken up again:
 *
 *   payouts_send  APPROVED → PROCESSING, before the gateway is called ─ gateway_withdraw ─┐
 *   payouts_ask   those whose reference is known ────────────────────── gateway_ask ──────┤
 *   payouts_seek  PROCESSING without one: no answer came ────────────── gateway_list ─────┤
 *                                                                        payout_answered ─┘
 *
 * Nothing is ever sent twice on a guess. What may have arrived is looked for in the history, and
 * fails (the money is its owner's again) only when the gateway did not have it an hour later.
 * Should it then be paid all the same, payout_answered books it, or leaves a trouble for people to
 * look at; so it does when the gateway does not end one in time.
 */
#include "reeyo/jobs/payouts.h"

#include <stdio.h>
#include <stdlib.h>

#include "reeyo/core/config.h"
#include "reeyo/core/id.h"
#include "reeyo/core/log.h"
#include "reeyo/db/db.h"
#include "reeyo/db/lead.h"
#include "reeyo/partners/gateway.h"

#define EVERY_MS 1000
#define CALLS 16          /* sent or asked about at once; of them at most half are sent */
#define SEEK_MOST 50
#define SEEK_MOST_TEXT "50"
#define SEEK_EVERY 5      /* rounds: the history is read at most so often */
#define WHY_SIZE 200
/* After its time limit and its wait for a free connection, a call is looked for whose answer nobody
 * wrote down. */
#define ANSWER_MARGIN_S 30

/* What payout_answered is told; its parameters live here until it is done. */
struct telling {
	struct db_call db;
	char id[ID_SIZE], reference[GATEWAY_REFERENCE_SIZE], amount[24],
		why[WHY_SIZE], looked_at[40];
	char entries[2 * ID_SIZE + 4];
	const char *what;
};

/* One pay-out that is being sent or asked about, and then written down. */
struct call {
	struct payout_job *job;
	struct gateway_call gateway;
	struct telling telling;
	char phone[16], asked[GATEWAY_REFERENCE_SIZE];
	bool busy, sends;
};

struct sought {
	char id[ID_SIZE], reference[GATEWAY_REFERENCE_SIZE], why[WHY_SIZE];
	enum gateway_state state;
	int64_t amount;   /* ours; then what was told */
	bool found, maybe;
};

struct payout_job {
	struct app *app;
	struct lead *lead;
	uv_timer_t timer;
	struct db_call db;
	struct call calls[CALLS];
	unsigned running;         /* calls, statements and the timer: freed with the last */
	struct gateway_history history;
	struct sought sought[SEEK_MOST];
	unsigned sought_count, told_next, round;
	const char *unread;       /* the history was not: in which way */
	struct telling found;
	char looked_at[40], limit[8], patience[24];
	bool taking, seeking, closing;
};

static void job_release(struct payout_job *job)
{
	if (--job->running == 0)
		free(job);
}

/* --- Writing down what the gateway says ------------------------------------------------------- */

static void copy_text(char *out, size_t size, struct text text)
{
	snprintf(out, size, "%.*s", TEXT_ARGS(text));
}

static void telling_begin(struct telling *telling, const char *what, const char *reference,
	int64_t amount, const char *why)
{
	char first[ID_SIZE], second[ID_SIZE];

	id_new(first, "txn_");
	id_new(second, "txn_");
	telling->what = what;
	snprintf(telling->reference, sizeof(telling->reference), "%s", reference);
	snprintf(telling->amount, sizeof(telling->amount), "%lld", (long long)amount);
	text_copy_some(telling->why, sizeof(telling->why), text_of(why ? why : ""));
	snprintf(telling->entries, sizeof(telling->entries), "{%s,%s}", first, second);
}

static void tell(struct payout_job *job, struct telling *telling, void *owner,
	void (*done)(struct db_call *call, const struct db_result *result))
{
	telling->db = (struct db_call){
		.query = QUERY_payout_answered, .lane = DB_WRITE, .count = 7,
		.params = { telling->id, telling->what,
			telling->reference[0] ? telling->reference : NULL,
			telling->amount[0] == '-' ? NULL : telling->amount,
			telling->why[0] ? telling->why : NULL,
			telling->looked_at[0] ? telling->looked_at : NULL, telling->entries },
		.done = done, .owner = owner };
	db_submit(job->app->db, &telling->db);
}

static enum counter counter_of(struct text outcome)
{
	return text_is(outcome, TEXT("COMPLETED")) ? COUNT_PAYOUTS_COMPLETED :
		text_is(outcome, TEXT("FAILED")) ? COUNT_PAYOUTS_FAILED :
		text_is(outcome, TEXT("LATE")) ? COUNT_PAYOUTS_LATE :
		text_is(outcome, TEXT("TROUBLE")) ? COUNT_PAYOUTS_TROUBLED : COUNTER_COUNT;
}

/* Counts what became of it, and says aloud what a person has to look at and what went another way
 * than hoped. */
static void outcome_note(struct payout_job *job, const struct telling *telling,
	const struct db_result *result)
{
	struct text outcome = db_error(result) || !db_rows(result) ? TEXT_NONE :
		db_text(result, 0, 0);

	if (db_error(result) == E_CONFLICT_ROW)
		log_line(LOG_ERROR, "what the gateway says of a pay-out is booked already",
			LOG_T("payout", telling->id),
			LOG_T("told", telling->what), LOG_T("reference", telling->reference));
	if (!outcome.at)
		return; /* the row is due again soon */
	if (counter_of(outcome) != COUNTER_COUNT)
		count_one(loop_counters(job->app->loop), counter_of(outcome));
	if (text_is(outcome, TEXT("TROUBLE")) || text_is(outcome, TEXT("LATE")))
		log_line(LOG_ERROR, "the gateway says of a pay-out what does not fit",
			LOG_T("payout", telling->id), LOG_T("told", telling->what),
			LOG_T("amount", telling->amount), LOG_T("reference", telling->reference),
			LOG_T("done", text_is(outcome, TEXT("LATE")) ?
				"booked from what is available" : "nothing"));
	else if (text_is(outcome, TEXT("FAILED")))
		log_line(LOG_WARN, "a pay-out failed", LOG_T("payout", telling->id),
			LOG_T("told", telling->what), LOG_T("why", telling->why));
}

/* --- One call --------------------------------------------------------------------------------- */

static void call_free(struct call *call)
{
	call->busy = false;
	job_release(call->job);
}

static void written(struct db_call *db, const struct db_result *result)
{
	struct call *call = db->owner;

	outcome_note(call->job, &call->telling, result);
	call_free(call);
}

/* A callback's reference was another's: forget it. */
static void unhear(struct call *call)
{
	log_line(LOG_ERROR, "a reference of the gateway is another's",
		LOG_T("payout", call->telling.id), LOG_T("reference", call->asked));
	call->telling.what = "another's";
	call->telling.db = (struct db_call){
		.query = QUERY_payout_unheard, .lane = DB_WRITE, .count = 2,
		.params = { call->telling.id, call->asked }, .done = written, .owner = call };
	db_submit(call->job->app->db, &call->telling.db);
}

/* The answer to a sending names another pay-out, so what became of this one has to be looked
 * for. */
static void misheard(struct call *call, const struct gateway_told *told)
{
	text_copy_some(call->asked, sizeof(call->asked), told->reference);
	log_line(LOG_ERROR, "the gateway answers a pay-out with another's",
		LOG_T("payout", call->telling.id), LOG_T("reference", call->asked));
	telling_begin(&call->telling, "UNCERTAIN", "", -1, NULL);
	tell(call->job, &call->telling, call, written);
}

static void told(struct call *call, const struct gateway_told *told)
{
	char reference[GATEWAY_REFERENCE_SIZE], why[WHY_SIZE];

	if (told->external.at && !text_is(told->external, text_of(call->telling.id)))
		return call->sends ? misheard(call, told) : unhear(call);
	if (!text_copy_whole(reference, sizeof(reference), told->reference))
		reference[0] = '\0'; /* cut, it would be another's */
	text_copy_some(why, sizeof(why), told->reason);
	telling_begin(&call->telling, gateway_state_word(told->state), reference, told->amount,
		why);
	tell(call->job, &call->telling, call, written);
}

/* A question, of whatever kind, without an answer to it. */
static const char *silence(enum gateway_outcome outcome)
{
	return outcome == GATEWAY_UNREACHED ? "UNASKED" : "UNTOLD";
}

static void answered(struct gateway_call *gateway, const struct gateway_answer *answer)
{
	static const char *const words[] = { [GATEWAY_REFUSED] = "REFUSED",
		[GATEWAY_UNREACHED] = "UNREACHED", [GATEWAY_UNCERTAIN] = "UNCERTAIN" };
	struct call *call = gateway->owner;

	if (call->job->closing)
		return call_free(call); /* the next leader finds it PROCESSING */
	if (answer->outcome == GATEWAY_TOLD)
		return told(call, &answer->told);
	log_line(LOG_WARN,
		call->sends ? "a pay-out is not sent" :
			"the gateway does not say what became of a pay-out",
		LOG_T("payout", call->telling.id), LOG_T("outcome", words[answer->outcome]),
		LOG_T("why", answer->why));
	telling_begin(&call->telling,
		call->sends ? words[answer->outcome] : silence(answer->outcome),
		"", -1, answer->why);
	tell(call->job, &call->telling, call, written);
}

static struct call *call_new(struct payout_job *job, struct text id, bool sends)
{
	for (unsigned i = 0; i < CALLS; i++) {
		struct call *call = &job->calls[i];

		if (call->busy)
			continue;
		*call = (struct call){ .job = job, .busy = true, .sends = sends };
		call->gateway.done = answered;
		call->gateway.owner = call;
		copy_text(call->telling.id, sizeof(call->telling.id), id);
		job->running++;
		return call;
	}
	return NULL; /* cannot be: no more rows were taken than are free */
}

static unsigned calls_left(const struct payout_job *job)
{
	unsigned left = 0;

	for (unsigned i = 0; i < CALLS; i++)
		left += !job->calls[i].busy;
	return left;
}

/* --- A round ---------------------------------------------------------------------------------- */

static void take(struct payout_job *job, enum query query, unsigned most,
	void (*done)(struct db_call *call, const struct db_result *result))
{
	snprintf(job->limit, sizeof(job->limit), "%u", most);
	job->taking = true;
	job->running++;
	job->db = (struct db_call){ .query = query, .lane = DB_WRITE,
		.count = query == QUERY_payouts_send ? 2 : 1,
		.params = { job->limit, job->patience }, .done = done, .owner = job };
	db_submit(job->app->db, &job->db);
}

/* False when this round is over. */
static bool taken(struct payout_job *job, const struct db_result *result)
{
	bool goes_on = !job->closing && !db_error(result);

	job->taking = false;
	job_release(job); /* the timer holds it too: it is still there unless the job is closing */
	return goes_on;
}

static void seek(struct payout_job *job);

static void to_ask(struct db_call *db, const struct db_result *result)
{
	struct payout_job *job = db->owner;

	if (!taken(job, result))
		return;
	for (unsigned i = 0; i < db_rows(result); i++) {
		struct call *call = call_new(job, db_text(result, i, 0), false);

		copy_text(call->asked, sizeof(call->asked), db_text(result, i, 1));
		call->gateway.reference = call->asked;
		gateway_ask(job->app->gateway, &call->gateway);
	}
	seek(job);
}

static void ask(struct payout_job *job)
{
	if (calls_left(job))
		return take(job, QUERY_payouts_ask, calls_left(job), to_ask);
	seek(job);
}

static void to_send(struct db_call *db, const struct db_result *result)
{
	struct payout_job *job = db->owner;

	if (!taken(job, result))
		return;
	for (unsigned i = 0; i < db_rows(result); i++) {
		struct call *call = call_new(job, db_text(result, i, 0), true);

		copy_text(call->phone, sizeof(call->phone), db_text(result, i, 1));
		call->gateway.phone = call->phone;
		call->gateway.amount = db_int(result, i, 2);
		call->gateway.external = call->telling.id;
		call->gateway.description = "Reeyo";
		gateway_withdraw(job->app->gateway, &call->gateway);
	}
	ask(job);
}

/* --- The history ------------------------------------------------------------------------------ */

static struct sought *sought_named(struct payout_job *job, struct text id)
{
	for (unsigned i = 0; i < job->sought_count; i++)
		if (text_is(text_of(job->sought[i].id), id))
			return &job->sought[i];
	return NULL;
}

/* A payment that does not say whose it is may be any of that amount. */
static void suspect(struct payout_job *job, int64_t amount)
{
	for (unsigned i = 0; i < job->sought_count; i++)
		if (amount < 0 || job->sought[i].amount == amount)
			job->sought[i].maybe = true;
}

static void in_history(struct gateway_history *history,
	const struct gateway_told *told, bool withdrawal)
{
	struct payout_job *job = history->owner;
	struct sought *sought;

	if (!told->external.len)
		return withdrawal ? suspect(job, told->amount) : (void)0;
	sought = sought_named(job, told->external);
	if (!sought || !told->reference.len ||
		!text_copy_whole(sought->reference, sizeof(sought->reference), told->reference))
		return;
	sought->found = true;
	sought->state = told->state;
	sought->amount = told->amount;
	text_copy_some(sought->why, sizeof(sought->why), told->reason);
}

static void seek_end(struct payout_job *job)
{
	job->seeking = false;
	job_release(job);
}

static void found_written(struct db_call *db, const struct db_result *result);

/* One after the other what was sought: found or missing. What may be there unnamed stays as it is,
 * and is said. */
static void tell_found(struct payout_job *job)
{
	struct sought *sought;

	if (job->closing || job->told_next == job->sought_count)
		return seek_end(job);
	sought = &job->sought[job->told_next++];
	copy_text(job->found.id, sizeof(job->found.id), text_of(sought->id));
	snprintf(job->found.looked_at, sizeof(job->found.looked_at), "%s", job->looked_at);
	telling_begin(&job->found,
		job->unread ? job->unread : sought->found ? gateway_state_word(sought->state) :
			sought->maybe ? "UNNAMED" : "MISSING",
		sought->reference, sought->found ? sought->amount : -1, sought->why);
	tell(job, &job->found, job, found_written);
}

static void found_written(struct db_call *db, const struct db_result *result)
{
	struct payout_job *job = db->owner;

	outcome_note(job, &job->found, result);
	tell_found(job);
}

static void history_read(struct gateway_history *history,
	enum gateway_outcome outcome, const char *why)
{
	struct payout_job *job = history->owner;

	if (outcome != GATEWAY_TOLD && !job->closing)
		log_line(LOG_WARN, "the gateway's history cannot be read", LOG_T("why", why));
	job->unread = outcome == GATEWAY_TOLD ? NULL : silence(outcome);
	for (unsigned i = 0; job->unread && i < job->sought_count; i++) {
		job->sought[i].found = false; /* half a history proves nothing */
		job->sought[i].reference[0] = '\0';
	}
	tell_found(job);
}

static void to_seek(struct db_call *db, const struct db_result *result)
{
	struct payout_job *job = db->owner;
	char first[11] = "9999-12-31";

	if (!taken(job, result) || db_rows(result) == 0)
		return;
	for (unsigned i = 0; i < db_rows(result) && i < SEEK_MOST; i++) {
		job->sought[i] = (struct sought){ .amount = db_int(result, i, 4) };
		copy_text(job->sought[i].id, sizeof(job->sought[i].id), db_text(result, i, 0));
		copy_text(job->history.from, sizeof(job->history.from), db_text(result, i, 1));
		if (strcmp(job->history.from, first) < 0)
			snprintf(first, sizeof(first), "%s", job->history.from);
	}
	job->sought_count = db_rows(result);
	job->told_next = 0;
	snprintf(job->history.from, sizeof(job->history.from), "%s", first);
	copy_text(job->history.to, sizeof(job->history.to), db_text(result, 0, 2));
	copy_text(job->looked_at, sizeof(job->looked_at), db_text(result, 0, 3));
	job->seeking = true;
	job->running++;
	gateway_list(job->app->gateway, &job->history);
}

static void seek(struct payout_job *job)
{
	if (!job->seeking && job->round++ % SEEK_EVERY == 0)
		take(job, QUERY_payouts_seek, SEEK_MOST, to_seek);
}

/* --- Callbacks -------------------------------------------------------------------------------- */

struct hearing {
	struct db_call db;
	char id[ID_SIZE], reference[GATEWAY_REFERENCE_SIZE];
};

static void hearing_noted(struct db_call *db, const struct db_result *result)
{
	(void)result; /* lost: the job asks by itself, only later */
	free(db->owner);
}

void payout_heard(struct app *app, const char *payout_id, struct text gateway_reference)
{
	struct hearing *hearing = calloc(1, sizeof(*hearing));

	if (!hearing || strlen(payout_id) >= sizeof(hearing->id) ||
		gateway_reference.len >= sizeof(hearing->reference))
		return free(hearing);
	copy_text(hearing->id, sizeof(hearing->id), text_of(payout_id));
	copy_text(hearing->reference, sizeof(hearing->reference), gateway_reference);
	hearing->db = (struct db_call){ .query = QUERY_payout_heard, .lane = DB_WRITE, .count = 2,
		.params = { hearing->id, hearing->reference },
		.done = hearing_noted, .owner = hearing };
	db_submit(app->db, &hearing->db);
}

/* --- Life ------------------------------------------------------------------------------------- */

static void second_over(uv_timer_t *timer)
{
	struct payout_job *job = timer->data;

	if (job->taking || job->closing || !lead_held(job->lead) || !gateway_up(job->app->gateway))
		return;
	if (calls_left(job) > CALLS / 2)
		return take(job, QUERY_payouts_send, calls_left(job) - CALLS / 2, to_send);
	ask(job);
}

int payouts_new(struct app *app, struct payout_job **ret)
{
	struct payout_job *job = calloc(1, sizeof(*job));
	int error;

	if (!job)
		return E_NO_MEMORY;
	job->app = app;
	job->timer.data = job;
	job->history.each = in_history;
	job->history.done = history_read;
	job->history.owner = job;
	snprintf(job->patience, sizeof(job->patience), "%lld",
		(long long)(2 * app->config->gateway_timeout / 1000 + ANSWER_MARGIN_S));
	error = lead_new(app->loop, app->db, "payouts", NULL, NULL, &job->lead);
	if (error || uv_timer_init(loop_uv(app->loop), &job->timer)) {
		lead_close(job->lead);
		free(job);
		return E_NO_MEMORY;
	}
	job->running = 1;
	uv_timer_start(&job->timer, second_over, EVERY_MS, EVERY_MS);
	*ret = job;
	return 0;
}

static void timer_closed(uv_handle_t *handle)
{
	job_release(handle->data);
}

void payouts_close(struct payout_job *job)
{
	if (!job)
		return;
	job->closing = true;
	lead_close(job->lead);
	uv_close((uv_handle_t *)&job->timer, timer_closed);
}
