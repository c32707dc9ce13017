/* SPDX-License-Identifier: MIT
 *
 * Runs every second. First expires payments that were not paid in time. Then queries the gateway
 * for payments whose next check is due, a few at a time, so that queries do not queue in front of
 * it, and at most payment_asks in a second. Taking a row moves its next check forward, so a crash,
 * or two pollers at once, cost one extra query.
 *
 * A payment whose call got no response has no reference to query by. The poller searches the
 * gateway's history of its day, for many payments at once. A payment that is missing there after 15
 * minutes never reached the gateway. A history that cannot be read, or that a dialect does not
 * have, proves nothing; that is recorded with the payment.
 */
#include <stdio.h>
#include <stdlib.h>

#include "reeyo/core/clock.h"
#include "reeyo/core/config.h"
#include "reeyo/core/id.h"
#include "reeyo/core/log.h"
#include "reeyo/core/memory.h"
#include "reeyo/db/db.h"
#include "reeyo/db/leadership.h"
#include "reeyo/jobs/payment_poller.h"
#include "reeyo/jobs/payments.h"
#include "reeyo/partners/gateway.h"

#define EVERY_MS 100
#define TICKS 10 /* to a second */
/* Each ends an order, which locks its stock: as in timers.c one in a transaction. */
#define EXPIRE_BATCH_TEXT "1"
#define LOST_MAX 500     /* searched for in one read of the history … */
#define HISTORY_MS 5000  /* … which is read at most this often, … */
#define HISTORY_SHARE 10 /* … and for at most a tenth of the time */
/* Arrays of all members, each in quotes and after a comma. */
#define IDS_SIZE (LOST_MAX * (ID_SIZE + 3) + 2)
#define REFERENCES_SIZE (LOST_MAX * (GATEWAY_REFERENCE_SIZE + 3) + 2)

struct lost {
	char id[ID_SIZE], reference[GATEWAY_REFERENCE_SIZE];
	bool old; /* older than 15 minutes */
};

struct payment_poller {
	struct app *app;
	struct leadership *leadership;
	uv_timer_t timer;
	struct db_call call, found;
	char seconds[24], most[24];
	struct gateway_history history;
	struct lost lost[LOST_MAX];
	unsigned lost_count;
	/* start of the last read of the history; pause after it */
	uint64_t read_ms, rest_ms;
	unsigned poller_tick;
	int64_t left;           /* queries left in this second */
	bool more;              /* more rows may be due */
	char *ids, *references; /* the payments poller_history_written, as arrays */
	bool history_failed;    /* the last read of the history failed */
	bool running, reading, finding, timer_open, closing;
};

static void poller_end(struct payment_poller *poller)
{
	if (poller->running || poller->reading || poller->finding || poller->timer_open)
		return;
	free(poller->ids);
	free(poller->references);
	free(poller);
}

static void poller_submit(struct payment_poller *poller, enum query query,
	void (*done)(struct db_call *call, const struct db_result *result), unsigned count,
	const char *first, const char *second)
{
	poller->running = true;
	poller->call = (struct db_call){ .query = query,
		.lane = DB_WRITE,
		.count = count,
		.params = { first, second },
		.done = done,
		.owner = poller };
	db_submit(poller->app->db, &poller->call);
}

/* False when this round is over. */
static bool poller_statement_done(struct payment_poller *poller, const struct db_result *result)
{
	poller->running = false;
	if (!poller->closing)
		return !db_error(result);
	poller_end(poller);
	return false;
}

/* --- Payments without a reference---------------------------------------------------------------
 */

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
	free(TAKE_PTR(poller->ids));
	free(TAKE_PTR(poller->references));
	if (poller->closing)
		poller_end(poller);
}

/* Adds a member to a PostgreSQL array. References with quotes are skipped by the caller. */
static size_t array_member_add(char *array, size_t size, size_t len, const char *value)
{
	return len + (size_t)snprintf(array + len, size - len, "%c\"%s\"", len ? ',' : '{', value);
}

/* Writes the payments poller_history_written into the statement's arrays. False: none. */
static bool found_arrays_write(struct payment_poller *poller)
{
	size_t ids = 0, references = 0;

	poller->ids = malloc(IDS_SIZE);
	poller->references = malloc(REFERENCES_SIZE);
	for (unsigned i = 0; poller->ids && poller->references && i < poller->lost_count; i++) {
		const struct lost *lost = &poller->lost[i];

		if (!lost->reference[0] || strpbrk(lost->reference, "\"\\"))
			continue;
		ids = array_member_add(poller->ids, IDS_SIZE, ids, lost->id);
		references = array_member_add(
			poller->references, REFERENCES_SIZE, references, lost->reference);
	}
	if (ids) {
		memcpy(poller->ids + ids, "}", 2);
		memcpy(poller->references + references, "}", 2);
		return true;
	}
	free(TAKE_PTR(poller->ids));
	free(TAKE_PTR(poller->references));
	return false;
}

/* Writes the payments older than 15 minutes into the statement's array. False: none. */
static bool unanswered_array_write(struct payment_poller *poller)
{
	size_t len = 0;

	poller->ids = malloc(IDS_SIZE);
	for (unsigned i = 0; poller->ids && i < poller->lost_count; i++)
		if (poller->lost[i].old)
			len = array_member_add(poller->ids, IDS_SIZE, len, poller->lost[i].id);
	if (len)
		memcpy(poller->ids + len, "}", 2);
	else
		free(TAKE_PTR(poller->ids));
	return len > 0;
}

static void poller_history_write(struct payment_poller *poller, enum query query, unsigned count)
{
	poller->finding = true;
	poller->found = (struct db_call){ .query = query,
		.lane = DB_WRITE,
		.count = count,
		.params = { poller->ids, poller->references },
		.done = poller_history_written,
		.owner = poller };
	db_submit(poller->app->db, &poller->found);
}

/* Logged once, until the history can be read again. */
static void poller_history_failed(
	struct payment_poller *poller, enum gateway_outcome outcome, const char *why)
{
	if (!poller->history_failed)
		log_line(outcome == GATEWAY_REFUSED ? LOG_ERROR : LOG_WARN,
			"the gateway's history cannot be read", LOG_T("why", why ? why : ""));
	poller->history_failed = true;
	if (outcome != GATEWAY_UNREACHED && unanswered_array_write(poller))
		poller_history_write(poller, QUERY_payments_untold, 1);
}

static void poller_history_done(
	struct gateway_history *history, enum gateway_outcome outcome, const char *why)
{
	struct payment_poller *poller = history->owner;

	poller->reading = false;
	if (poller->closing)
		return poller_end(poller);
	poller->rest_ms = HISTORY_SHARE * (loop_now(poller->app->loop) - poller->read_ms);
	if (outcome == GATEWAY_ANSWERED) {
		poller->history_failed = false;
		for (unsigned i = 0; i < poller->lost_count; i++)
			if (poller->lost[i].old && !poller->lost[i].reference[0])
				payment_missed(poller->app->payments, poller->lost[i].id);
		if (found_arrays_write(poller))
			poller_history_write(poller, QUERY_payments_found, 2);
	} else {
		poller_history_failed(poller, outcome, why);
	}
	poller->lost_count = 0;
}

static void poller_history_start(struct payment_poller *poller)
{
	uint64_t now = loop_now(poller->app->loop);
	char tomorrow[CLOCK_ISO_SIZE];

	if (poller->reading || poller->finding || !poller->lost_count ||
		now < poller->read_ms + HISTORY_MS || now < poller->read_ms + poller->rest_ms)
		return;
	poller->reading = true;
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

static void lost_add(struct payment_poller *poller, const struct db_result *result, unsigned row)
{
	char *from = poller->history.from;
	struct text day = db_text(result, row, 2);
	struct lost *lost;

	/* When there is no room, the payment is due again later. */
	if (poller->reading || poller->lost_count == LOST_MAX)
		return;
	if (!poller->lost_count || strncmp(day.at, from, sizeof(poller->history.from) - 1) < 0)
		snprintf(from, sizeof(poller->history.from), "%.*s", TEXT_ARGS(day));
	lost = &poller->lost[poller->lost_count++];
	*lost = (struct lost){ .old = db_bool(result, row, 3) };
	snprintf(lost->id, sizeof(lost->id), "%.*s", TEXT_ARGS(db_text(result, row, 0)));
}

/* --- Due payments ----------------------------------------------------------------------------- */

static void poller_due_taken(struct db_call *call, const struct db_result *result)
{
	struct payment_poller *poller = call->owner;
	char id[ID_SIZE], reference[GATEWAY_REFERENCE_SIZE];

	if (!poller_statement_done(poller, result))
		return;
	poller->more = db_rows(result) > 0;
	poller->left -= db_rows(result);
	for (unsigned i = 0; i < db_rows(result); i++) {
		if (db_is_null(result, i, 1)) {
			lost_add(poller, result, i);
			continue;
		}
		snprintf(id, sizeof(id), "%.*s", TEXT_ARGS(db_text(result, i, 0)));
		if (text_copy_whole(reference, sizeof(reference), db_text(result, i, 1)))
			(void)!payment_ask(poller->app->payments, id, reference, NULL, NULL);
	}
	poller_history_start(poller);
}

static void poller_due_take(struct payment_poller *poller)
{
	int64_t room = poller->app->config->gateway_at_once -
		payments_running(poller->app->payments);
	int64_t most = room < poller->left ? room : poller->left;

	if (!gateway_configured(poller->app->gateway) || !gateway_available(poller->app->gateway) ||
		most <= 0)
		return;
	snprintf(poller->most, sizeof(poller->most), "%lld", (long long)most);
	poller_submit(poller, QUERY_payments_due, poller_due_taken, 1, poller->most, NULL);
}

/* --- Expiry ----------------------------------------------------------------------------------- */

static void poller_expire(struct payment_poller *poller);

static void poller_expired(struct db_call *call, const struct db_result *result)
{
	struct payment_poller *poller = call->owner;
	char vendor[ID_SIZE];

	if (!poller_statement_done(poller, result))
		return;
	count_add(loop_counters(poller->app->loop), COUNT_PAYMENTS_EXPIRED, db_rows(result));
	for (unsigned i = 0; i < db_rows(result); i++) {
		if (!db_bool(result, i, 3))
			continue;
		snprintf(vendor, sizeof(vendor), "%.*s", TEXT_ARGS(db_text(result, i, 2)));
		payment_order_ended(poller->app->payments, vendor[0] ? vendor : NULL);
	}
	if (db_rows(result))
		return poller_expire(poller);
	poller_due_take(poller);
}

static void poller_expire(struct payment_poller *poller)
{
	snprintf(poller->seconds, sizeof(poller->seconds), "%lld",
		(long long)(poller->app->config->payment_wait + 999) / 1000);
	poller_submit(poller, QUERY_payments_expire, poller_expired, 2, poller->seconds,
		EXPIRE_BATCH_TEXT);
}

/* --- Life ------------------------------------------------------------------------------------- */

static void poller_tick(uv_timer_t *timer)
{
	struct payment_poller *poller = timer->data;
	bool second = poller->poller_tick++ % TICKS == 0;

	if (second) {
		poller->left = poller->app->config->payment_asks;
		poller->more = true;
	}
	if (poller->running || poller->closing || !leadership_held(poller->leadership))
		return;
	if (second)
		poller_expire(poller);
	else if (poller->more)
		poller_due_take(poller);
}

int payment_poller_new(struct app *app, struct payment_poller **ret)
{
	struct payment_poller *poller = calloc(1, sizeof(*poller));
	int error;

	if (!poller)
		return E_NO_MEMORY;
	poller->app = app;
	poller->timer.data = poller;
	error = leadership_new(app->loop, app->db, "payments", NULL, NULL, &poller->leadership);
	if (error || uv_timer_init(loop_uv(app->loop), &poller->timer)) {
		leadership_close(poller->leadership);
		free(poller);
		return E_NO_MEMORY;
	}
	poller->timer_open = true;
	uv_timer_start(&poller->timer, poller_tick, EVERY_MS, EVERY_MS);
	*ret = poller;
	return 0;
}

static void poller_timer_closed(uv_handle_t *handle)
{
	struct payment_poller *poller = handle->data;

	poller->timer_open = false;
	poller_end(poller);
}

void payment_poller_close(struct payment_poller *poller)
{
	if (!poller)
		return;
	poller->closing = true;
	leadership_close(poller->leadership);
	uv_close((uv_handle_t *)&poller->timer, poller_timer_closed);
}
