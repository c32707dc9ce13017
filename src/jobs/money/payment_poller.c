/* SPDX-License-Identifier: MIT
 *
 * Runs every second. First expires payments that were not paid in time. Then queries the gateway
 * for payments whose next check is due, a few at a time, so that queries do not queue in front of
 * it, and at most payment_asks in a second. Due payments are read, domain/payment_state.h gives the
 * time of their next check, and a statement takes them. A crash, or two pollers at once, cost one
 * extra query.
 *
 *   payments_expire … ─ payments_due ─ payments_take ─┬─ payment_check
 *                                                     └─ no reference: search the history
 *
 * A payment whose call got no response has no reference to query by. The poller searches the
 * gateway's history of its day, for many payments at once. A payment that is missing there after 15
 * minutes never reached the gateway. A history that cannot be read, or that a dialect does not
 * have, proves nothing; that is recorded with the payment.
 */
#include "reeyo/jobs/payment_poller.h"

#include <stdio.h>
#include <stdlib.h>

#include "reeyo/core/clock.h"
#include "reeyo/core/config.h"
#include "reeyo/core/id.h"
#include "reeyo/core/log.h"
#include "reeyo/core/memory.h"
#include "reeyo/db/db.h"
#include "reeyo/db/periodic.h"
#include "reeyo/db/queries/payments.h"
#include "reeyo/domain/order.h"
#include "reeyo/domain/payment_state.h"
#include "reeyo/partners/gateway.h"
#include "reeyo/service/counters.h"
#include "reeyo/service/orders.h"
#include "reeyo/service/payments.h"

#define EVERY_MS 100
#define SECOND_MS 1000
#define DUE_MAX 64
/* Each ends an order, which locks its stock: one in a transaction. */
#define EXPIRE_BATCH 1
#define LOST_MAX 500     /* searched for in one read of the history … */
#define HISTORY_MS 5000  /* … which is read at most this often, … */
#define HISTORY_SHARE 10 /* … and for at most a tenth of the time */

struct due {
	char id[ID_SIZE], reference[GATEWAY_REFERENCE_SIZE], day[CLOCK_DAY_SIZE];
	int64_t amount, age_s, checks, delay_s;
};

struct lost {
	char id[ID_SIZE], reference[GATEWAY_REFERENCE_SIZE];
	int64_t age_s;
};

struct payment_poller {
	struct app *app;
	struct periodic periodic;
	struct db_call found;
	struct due due[DUE_MAX];
	unsigned due_count;
	struct gateway_history history;
	struct lost lost[LOST_MAX];
	unsigned lost_count;
	/* start of the last read of the history; pause after it */
	uint64_t read_ms, rest_ms;
	uint64_t second_ms;  /* end of this second */
	int64_t left;        /* queries left in this second */
	bool more;           /* more rows may be due */
	bool history_failed; /* the last read of the history failed */
	bool reading, finding;
};

/* --- Payments without a reference ------------------------------------------------------------- */

static bool lost_is_old(const struct lost *lost)
{
	return lost->age_s > PAYMENT_LOST_AFTER_S;
}

static int lost_compare(const void *a, const void *b)
{
	return strcmp(((const struct lost *)a)->id, ((const struct lost *)b)->id);
}

static struct lost *lost_find(struct payment_poller *poller, struct text id)
{
	struct lost like;

	if (!id.len || id.len >= sizeof(like.id))
		return NULL;
	snprintf(like.id, sizeof(like.id), "%.*s", TEXT_ARGS(id));
	return bsearch(&like, poller->lost, poller->lost_count, sizeof(like), lost_compare);
}

/* On a thread of the work pool: lost_add and poller_history_start wait until it ends. */
static void lost_match(struct gateway_history *history,
	const struct gateway_transaction *transaction, bool withdrawal)
{
	struct payment_poller *poller = history->owner;
	struct lost *lost = withdrawal ? NULL : lost_find(poller, transaction->external);

	/* A reference longer than the buffer is ignored; the payment stays unmatched. */
	if (lost && transaction->reference.len &&
		!text_copy_whole(lost->reference, sizeof(lost->reference), transaction->reference))
		lost->reference[0] = '\0';
}

static void poller_history_written(struct db_call *call, const struct db_result *result)
{
	struct payment_poller *poller = call->owner;

	(void)result; /* on an error they are searched for again */
	poller->finding = false;
	periodic_release(&poller->periodic);
}

static struct db_call *poller_history_call(struct payment_poller *poller)
{
	poller->finding = true;
	periodic_hold(&poller->periodic);
	poller->found = (struct db_call){
		.lane = DB_WRITE, .done = poller_history_written, .owner = poller
	};
	return &poller->found;
}

static void poller_found_write(struct payment_poller *poller)
{
	const char *ids[LOST_MAX], *references[LOST_MAX];
	size_t count = 0;

	for (unsigned i = 0; i < poller->lost_count; i++)
		if (poller->lost[i].reference[0]) {
			ids[count] = poller->lost[i].id;
			references[count++] = poller->lost[i].reference;
		}
	if (count)
		db_run(poller->app->db, poller_history_call(poller), payments_set_found,
			&(struct payments_set_found){ .payment_ids = { ids, count },
				.gateway_references = { references, count } });
}

static void poller_unanswered_write(struct payment_poller *poller)
{
	const char *ids[LOST_MAX];
	size_t count = 0;

	for (unsigned i = 0; i < poller->lost_count; i++)
		if (lost_is_old(&poller->lost[i]))
			ids[count++] = poller->lost[i].id;
	if (count)
		db_run(poller->app->db, poller_history_call(poller), payments_mark_unanswered,
			&(struct payments_mark_unanswered){ .payment_ids = { ids, count },
				.failure = PAYMENT_REASON_NO_ANSWER,
				.reason_english = payment_reason_text(
					PAYMENT_REASON_NO_ANSWER, false),
				.reason_french = payment_reason_text(
					PAYMENT_REASON_NO_ANSWER, true) });
}

/* Logged once, until the history can be read again. */
static void poller_history_failed(
	struct payment_poller *poller, enum gateway_outcome outcome, const char *why)
{
	if (!poller->history_failed)
		log_line(outcome == GATEWAY_REFUSED ? LOG_ERROR : LOG_WARN,
			"the gateway's history cannot be read", LOG_T("why", why ? why : ""));
	poller->history_failed = true;
	if (outcome != GATEWAY_UNREACHED)
		poller_unanswered_write(poller);
}

static void poller_missing_fail(struct payment_poller *poller)
{
	for (unsigned i = 0; i < poller->lost_count; i++) {
		const struct lost *lost = &poller->lost[i];

		if (lost_is_old(lost) && !lost->reference[0])
			payment_fail_unsent(poller->app,
				&(struct payment_ref){ .id = lost->id, .age_s = lost->age_s });
	}
}

static void poller_history_done(
	struct gateway_history *history, enum gateway_outcome outcome, const char *why)
{
	struct payment_poller *poller = history->owner;

	poller->reading = false;
	if (poller->periodic.closing)
		return periodic_release(&poller->periodic);
	poller->rest_ms = HISTORY_SHARE * (loop_now(poller->app->loop) - poller->read_ms);
	if (outcome == GATEWAY_ANSWERED) {
		poller->history_failed = false;
		poller_missing_fail(poller);
		poller_found_write(poller);
	} else {
		poller_history_failed(poller, outcome, why);
	}
	poller->lost_count = 0;
	periodic_release(&poller->periodic);
}

static void poller_history_start(struct payment_poller *poller)
{
	uint64_t now = loop_now(poller->app->loop);
	char tomorrow[CLOCK_ISO_SIZE];

	if (poller->reading || poller->finding || !poller->lost_count ||
		now < poller->read_ms + HISTORY_MS || now < poller->read_ms + poller->rest_ms)
		return;
	poller->reading = true;
	periodic_hold(&poller->periodic);
	poller->read_ms = now;
	qsort(poller->lost, poller->lost_count, sizeof(*poller->lost), lost_compare);
	/* The gateway's day may be an hour ahead of ours. */
	clock_iso(clock_wall_ms() + 3600000, tomorrow);
	snprintf(poller->history.to, sizeof(poller->history.to), "%.10s", tomorrow);
	poller->history.each = lost_match;
	poller->history.done = poller_history_done;
	poller->history.owner = poller;
	gateway_history_read(poller->app->gateway, &poller->history);
}

static void lost_add(struct payment_poller *poller, const struct due *due)
{
	char *from = poller->history.from;
	struct lost *lost;

	/* When there is no room, the payment is due again later. */
	if (poller->reading || poller->lost_count == LOST_MAX)
		return;
	if (!poller->lost_count || strcmp(due->day, from) < 0)
		snprintf(from, sizeof(poller->history.from), "%s", due->day);
	lost = &poller->lost[poller->lost_count++];
	*lost = (struct lost){ .age_s = due->age_s };
	snprintf(lost->id, sizeof(lost->id), "%s", due->id);
}

/* --- Due payments ----------------------------------------------------------------------------- */

static const struct due *due_find(const struct payment_poller *poller, struct text id)
{
	for (unsigned i = 0; i < poller->due_count; i++)
		if (text_is(id, text_of(poller->due[i].id)))
			return &poller->due[i];
	return NULL;
}

static void due_check(struct payment_poller *poller, const struct due *due)
{
	if (!due->reference[0])
		return lost_add(poller, due);
	(void)!payment_check(poller->app,
		&(struct payment_ref){ due->id, due->reference, due->amount, due->age_s }, NULL,
		NULL);
}

static void poller_round_end(struct payment_poller *poller)
{
	poller_history_start(poller);
	periodic_end(&poller->periodic, false);
}

static void poller_due_taken(struct db_call *call, const struct db_result *result)
{
	struct payment_poller *poller = call->owner;

	if (!periodic_continues(&poller->periodic, result))
		return;
	for (unsigned i = 0; i < db_rows(result); i++)
		due_check(poller, due_find(poller, db_text(result, i, PAYMENTS_TAKE_ID)));
	poller_round_end(poller);
}

static void due_read(struct due *due, const struct db_result *result, unsigned row)
{
	enum payment_state state = payment_state_named(db_text(result, row, PAYMENTS_DUE_STATE));
	struct text reference = db_text(result, row, PAYMENTS_DUE_GATEWAY_REFERENCE);

	*due = (struct due){ .amount = db_int(result, row, PAYMENTS_DUE_AMOUNT),
		.age_s = db_int(result, row, PAYMENTS_DUE_AGE_S),
		.checks = db_int(result, row, PAYMENTS_DUE_CHECKS) };
	due->delay_s = payment_check_delay(state, due->checks, due->age_s, reference.at != NULL);
	snprintf(
		due->id, sizeof(due->id), "%.*s", TEXT_ARGS(db_text(result, row, PAYMENTS_DUE_ID)));
	snprintf(due->day, sizeof(due->day), "%.*s",
		TEXT_ARGS(db_text(result, row, PAYMENTS_DUE_DAY)));
	snprintf(due->reference, sizeof(due->reference), "%.*s", TEXT_ARGS(reference));
}

static void poller_due_found(struct db_call *call, const struct db_result *result)
{
	struct payment_poller *poller = call->owner;
	const char *ids[DUE_MAX];
	int64_t checks[DUE_MAX], delays[DUE_MAX];
	size_t count;

	if (!periodic_continues(&poller->periodic, result))
		return;
	count = poller->due_count = db_rows(result);
	poller->more = count > 0;
	poller->left -= (int64_t)count;
	if (!count)
		return poller_round_end(poller);
	for (unsigned i = 0; i < count; i++) {
		due_read(&poller->due[i], result, i);
		ids[i] = poller->due[i].id;
		checks[i] = poller->due[i].checks;
		delays[i] = poller->due[i].delay_s;
	}
	periodic_run(&poller->periodic, poller_due_taken, payments_take,
		&(struct payments_take){ .payment_ids = { ids, count },
			.checks = { checks, count },
			.delays_s = { delays, count } });
}

static void poller_due_start(struct payment_poller *poller)
{
	const struct app *app = poller->app;
	int64_t most = app->config->gateway_at_once - payments_running(app->payments);

	if (most > poller->left)
		most = poller->left;
	if (!gateway_available(app->gateway) || most <= 0)
		return periodic_end(&poller->periodic, false);
	periodic_run(&poller->periodic, poller_due_found, payments_due,
		&(struct payments_due){ .limit = most < DUE_MAX ? most : DUE_MAX });
}

/* --- Expiry ----------------------------------------------------------------------------------- */

static void poller_expire(struct payment_poller *poller);

static void poller_expired(struct db_call *call, const struct db_result *result)
{
	struct payment_poller *poller = call->owner;
	char restocked_vendor[ID_SIZE];

	if (!periodic_continues(&poller->periodic, result))
		return;
	count_add(loop_counters(poller->app->loop), COUNT_PAYMENTS_EXPIRED, db_rows(result));
	for (unsigned i = 0; i < db_rows(result); i++) {
		if (!db_bool(result, i, PAYMENTS_EXPIRE_ORDER_ENDED))
			continue;
		text_copy_truncated(restocked_vendor, sizeof(restocked_vendor),
			db_text(result, i, PAYMENTS_EXPIRE_RESTOCKED_VENDOR_ID));
		order_cancelled(
			poller->app, restocked_vendor[0] ? restocked_vendor : NULL, NULL, NULL);
	}
	if (db_rows(result))
		return poller_expire(poller);
	poller_due_start(poller);
}

static void poller_expire(struct payment_poller *poller)
{
	int64_t wait_s = (poller->app->config->payment_wait + 999) / 1000;
	const char *allowed[PAYMENT_STATES], *cancellable[ORDER_STATUSES];
	size_t cancellable_count = order_states_list(
		order_states_before(FOOD, ACT_FAIL_PAYMENT, BY_SYSTEM), cancellable);

	periodic_run(&poller->periodic, poller_expired, payments_expire,
		&(struct payments_expire){ .wait_s = wait_s,
			.limit = EXPIRE_BATCH,
			.allowed = { allowed, payment_states_before(PAYMENT_TIMED_OUT, allowed) },
			.reason_english = payment_reason_text(PAYMENT_REASON_EXPIRED, false),
			.reason_french = payment_reason_text(PAYMENT_REASON_EXPIRED, true),
			.next_check_s = payment_check_delay(PAYMENT_EXPIRED, 0, wait_s, true),
			.checked_for_s = PAYMENT_CHECKED_FOR_S,
			.cancellable = { cancellable, cancellable_count } });
}

/* --- Life ------------------------------------------------------------------------------------- */

static void poller_round(void *job)
{
	struct payment_poller *poller = job;
	uint64_t now = loop_now(poller->app->loop);

	if (now >= poller->second_ms) {
		poller->second_ms = now + SECOND_MS;
		poller->left = poller->app->config->payment_asks;
		poller->more = true;
		return poller_expire(poller);
	}
	if (!poller->more)
		return periodic_end(&poller->periodic, false);
	poller_due_start(poller);
}

int payment_poller_new(struct app *app, struct payment_poller **ret)
{
	static const struct periodic_spec spec = {
		.lease = "payments", .every_ms = EVERY_MS, .round = poller_round, .free = free
	};
	struct payment_poller *poller = calloc(1, sizeof(*poller));

	if (!poller)
		return E_NO_MEMORY;
	poller->app = app;
	if (periodic_start(&poller->periodic, app->loop, app->db, &spec, poller)) {
		free(poller);
		return E_NO_MEMORY;
	}
	*ret = poller;
	return 0;
}

void payment_poller_close(struct payment_poller *poller)
{
	if (poller)
		periodic_close(&poller->periodic);
}
