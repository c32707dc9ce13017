/* SPDX-License-Identifier: MIT
 *
 * The pay-out job. Every second it takes rows that are due, in this order. Taking a row moves its
 * next time forward, so that an interrupted row is taken again:
 *
 *   payouts_send                      APPROVED → PROCESSING ─────── payout_send
 *   payouts_due, payouts_take         rows with a reference ─────── payout_check
 *   payouts_due (search), …_take      rows without a reference ──── history ─ payout_record
 *
 * A pay-out that may have been sent is never sent again. It is searched for in the gateway's
 * history.
 */
#include "reeyo/jobs/payouts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reeyo/core/clock.h"
#include "reeyo/core/config.h"
#include "reeyo/core/log.h"
#include "reeyo/core/memory.h"
#include "reeyo/db/periodic.h"
#include "reeyo/db/queries/payouts.h"
#include "reeyo/partners/gateway.h"
#include "reeyo/service/payouts.h"

#define CALLS 16 /* sent or queried at once; at most half of them are sent */
#define SEARCH_MAX 50
#define SEARCH_EVERY 5 /* rounds between two reads of the history */
/* A call without a recorded answer is searched for after its time limit, its time in the queue and
 * this margin. */
#define ANSWER_MARGIN_S 30

struct slot {
	struct payout_call call;
	bool busy;
};

/* A pay-out that is searched for, and the transaction found. */
struct searched {
	struct payout_row row;
	char reference[GATEWAY_REFERENCE_SIZE], why[200];
	enum gateway_state state;
	int64_t amount; /* ours; then the reported one */
	bool found, maybe;
};

struct payout_job {
	struct app *app;
	struct periodic periodic;
	bool search; /* the statement in progress takes rows to search for */
	struct slot slots[CALLS];
	struct gateway_history history;
	struct searched searched[SEARCH_MAX];
	struct payout_call recording;
	unsigned searched_count, recorded, round;
	enum gateway_outcome history_outcome;
	bool searching;
};

/* --- Calls ------------------------------------------------------------------------------------ */

static void payout_slot_done(struct payout_call *call)
{
	struct slot *slot = CONTAINER_OF(call, struct slot, call);
	struct payout_job *job = call->owner;

	slot->busy = false;
	periodic_release(&job->periodic);
}

static struct payout_call *payout_slot_take(struct payout_job *job)
{
	struct slot *slot = job->slots;

	while (slot->busy) /* no more rows are taken than slots are free */
		slot++;
	slot->busy = true;
	slot->call = (struct payout_call){ .done = payout_slot_done, .owner = job };
	periodic_hold(&job->periodic);
	return &slot->call;
}

static unsigned payout_slots_free(const struct payout_job *job)
{
	unsigned count = 0;

	for (unsigned i = 0; i < CALLS; i++)
		count += !job->slots[i].busy;
	return count;
}

/* --- Rounds ----------------------------------------------------------------------------------- */

static void payout_search_due(struct payout_job *job);
static void payout_search_start(struct payout_job *job, const struct db_result *result);

static void payouts_taken(struct db_call *call, const struct db_result *result)
{
	struct payout_job *job = call->owner;

	if (!periodic_continues(&job->periodic, result))
		return;
	if (job->search) {
		if (db_rows(result))
			payout_search_start(job, result);
		return periodic_end(&job->periodic, false);
	}
	for (unsigned i = 0; i < db_rows(result); i++) {
		struct payout_call *slot = payout_slot_take(job);

		payout_row_read(&slot->row, result, i);
		payout_check(job->app, slot);
	}
	payout_search_due(job);
}

static void payouts_found(struct db_call *call, const struct db_result *result)
{
	struct payout_job *job = call->owner;
	struct payout_row rows[SEARCH_MAX];
	const char *ids[SEARCH_MAX], *versions[SEARCH_MAX];
	int64_t delays[SEARCH_MAX];
	size_t count;

	if (!periodic_continues(&job->periodic, result))
		return;
	count = db_rows(result) < SEARCH_MAX ? db_rows(result) : SEARCH_MAX;
	if (!count && job->search)
		return periodic_end(&job->periodic, false);
	if (!count)
		return payout_search_due(job);
	for (unsigned i = 0; i < count; i++) {
		payout_row_read(&rows[i], result, i);
		ids[i] = rows[i].id;
		versions[i] = rows[i].version;
		delays[i] = payout_check_delay(&rows[i].facts);
	}
	periodic_run(&job->periodic, payouts_taken, payouts_take,
		&(struct payouts_take){ .payout_ids = { ids, count },
			.versions = { versions, count },
			.delays_s = { delays, count } });
}

static void payouts_find_due(struct payout_job *job, bool search, unsigned most)
{
	job->search = search;
	periodic_run(&job->periodic, payouts_found, payouts_due,
		&(struct payouts_due){ .search = search, .limit = most });
}

static void payout_check_due(struct payout_job *job)
{
	if (payout_slots_free(job))
		return payouts_find_due(job, false, payout_slots_free(job));
	payout_search_due(job);
}

static void payouts_to_send(struct db_call *call, const struct db_result *result)
{
	struct payout_job *job = call->owner;

	if (!periodic_continues(&job->periodic, result))
		return;
	for (unsigned i = 0; i < db_rows(result); i++) {
		struct payout_call *slot = payout_slot_take(job);

		payout_row_read(&slot->row, result, i);
		payout_send(job->app, slot);
	}
	payout_check_due(job);
}

/* --- The history ------------------------------------------------------------------------------ */

static struct searched *searched_find(struct payout_job *job, struct text id)
{
	for (unsigned i = 0; i < job->searched_count; i++)
		if (text_is(text_of(job->searched[i].row.id), id))
			return &job->searched[i];
	return NULL;
}

/* An unnamed withdrawal may be any pay-out of that amount. */
static void searched_suspect(struct payout_job *job, int64_t amount)
{
	for (unsigned i = 0; i < job->searched_count; i++)
		if (amount < 0 || job->searched[i].amount == amount)
			job->searched[i].maybe = true;
}

/* On a thread of the work pool: the job leaves the searched rows alone until it ends. */
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

static struct payout_answer searched_answer(
	const struct payout_job *job, const struct searched *searched)
{
	static const enum payout_answer_kind kinds[] = {
		[GATEWAY_PENDING] = PAYOUT_ANSWER_PENDING,
		[GATEWAY_SUCCESSFUL] = PAYOUT_ANSWER_PAID,
		[GATEWAY_FAILED] = PAYOUT_ANSWER_FAILED,
	};

	/* an incomplete history proves nothing */
	if (job->history_outcome != GATEWAY_ANSWERED)
		return (struct payout_answer){ .kind = job->history_outcome == GATEWAY_UNREACHED
				? PAYOUT_ANSWER_NOT_ASKED
				: PAYOUT_ANSWER_UNKNOWN,
			.amount = -1 };
	if (!searched->found)
		return (struct payout_answer){ .kind = searched->maybe ? PAYOUT_ANSWER_UNNAMED
								       : PAYOUT_ANSWER_MISSING,
			.amount = -1 };
	return (struct payout_answer){ .kind = kinds[searched->state],
		.reference = text_of(searched->reference),
		.amount = searched->amount,
		.why = text_of(searched->why) };
}

/* Records the results of the search one by one. */
static void searched_record_next(struct payout_job *job)
{
	struct payout_answer answer;
	struct searched *searched;

	if (job->periodic.closing || job->recorded == job->searched_count) {
		job->searching = false;
		return periodic_release(&job->periodic);
	}
	searched = &job->searched[job->recorded++];
	answer = searched_answer(job, searched);
	payout_row_copy(&job->recording.row, &searched->row);
	payout_record(job->app, &job->recording, &answer);
}

static void searched_recorded(struct payout_call *call)
{
	searched_record_next(call->owner);
}

static void payout_history_done(
	struct gateway_history *history, enum gateway_outcome outcome, const char *why)
{
	struct payout_job *job = history->owner;

	if (outcome != GATEWAY_ANSWERED && !job->periodic.closing)
		log_line(LOG_WARN, "the gateway's history cannot be read", LOG_T("why", why));
	job->history_outcome = outcome;
	searched_record_next(job);
}

static void payout_search_start(struct payout_job *job, const struct db_result *result)
{
	struct gateway_history *history = &job->history;

	job->searched_count = db_rows(result) < SEARCH_MAX ? db_rows(result) : SEARCH_MAX;
	job->recorded = 0;
	for (unsigned i = 0; i < job->searched_count; i++) {
		struct searched *searched = &job->searched[i];
		struct text day = db_text(result, i, PAYOUTS_TAKE_FIRST_DAY);

		*searched = (struct searched){ 0 };
		payout_row_read(&searched->row, result, i);
		searched->amount = searched->row.facts.amount - searched->row.facts.fee;
		if (!i || strncmp(day.at, history->from, day.len) < 0)
			snprintf(history->from, sizeof(history->from), "%.*s", TEXT_ARGS(day));
	}
	snprintf(history->to, sizeof(history->to), "%.*s",
		TEXT_ARGS(db_text(result, 0, PAYOUTS_TAKE_LAST_DAY)));
	job->searching = true;
	periodic_hold(&job->periodic);
	gateway_history_read(job->app->gateway, history);
}

static void payout_search_due(struct payout_job *job)
{
	if (job->searching || job->round++ % SEARCH_EVERY)
		return periodic_end(&job->periodic, false);
	payouts_find_due(job, true, SEARCH_MAX);
}

/* --- Life ------------------------------------------------------------------------------------- */

static void payout_round(void *owner)
{
	struct payout_job *job = owner;
	unsigned left = payout_slots_free(job);

	if (!gateway_available(job->app->gateway))
		return periodic_end(&job->periodic, false);
	if (left <= CALLS / 2)
		return payout_check_due(job);
	periodic_run(&job->periodic, payouts_to_send, payouts_send,
		&(struct payouts_send){ .limit = left - CALLS / 2,
			.lease_s = 2 * job->app->config->gateway_timeout / 1000 +
				ANSWER_MARGIN_S });
}

int payouts_new(struct app *app, struct payout_job **ret)
{
	static const struct periodic_spec spec = {
		.lease = "payouts", .every_ms = 1000, .round = payout_round, .free = free
	};
	struct payout_job *job = calloc(1, sizeof(*job));

	if (!job)
		return E_NO_MEMORY;
	job->app = app;
	job->history.each = searched_match;
	job->history.done = payout_history_done;
	job->history.owner = job;
	job->recording.done = searched_recorded;
	job->recording.owner = job;
	if (periodic_start(&job->periodic, app->loop, app->db, &spec, job)) {
		free(job);
		return E_NO_MEMORY;
	}
	*ret = job;
	return 0;
}

void payouts_close(struct payout_job *job)
{
	if (!job)
		return;
	job->recording.abandoned = true;
	for (unsigned i = 0; i < CALLS; i++)
		job->slots[i].call.abandoned = true;
	periodic_close(&job->periodic);
}
