/* SPDX-License-Identifier: MIT
 *
 * The poller: see the header. Once a second: what was not paid in time is given up, then what is
 * due is taken and asked after, a few at a time, so that asks never stand in a queue before the
 * gateway, and at most payment_asks in a second. Taking a row moves its next time on, so a poller
 * that dies, or two that work at once, cost an ask and nothing else.
 *
 * A payment whose call was never answered has no reference to ask by. Those are looked for in the
 * gateway's history of their days, many at a time; one that is not there after 15 minutes never
 * reached the gateway. A history that cannot be read, or that a dialect of the gateway does not
 * have, proves nothing: that is written down with the payment.
 */
#include <stdio.h>
#include <stdlib.h>

#include "reeyo/core/clock.h"
#include "reeyo/core/config.h"
#include "reeyo/core/id.h"
#include "reeyo/core/log.h"
#include "reeyo/core/memory.h"
#include "reeyo/db/db.h"
#include "reeyo/db/lead.h"
#include "reeyo/jobs/payment_poller.h"
#include "reeyo/jobs/payments.h"
#include "reeyo/partners/gateway.h"

#define EVERY_MS 100
#define TICKS 10 /* to a second */
/* Each ends an order, which locks its stock: as in timers.c one in a transaction. */
#define EXPIRE_BATCH_TEXT "1"
#define LOST_MAX 500     /* looked for in one reading of the history … */
#define HISTORY_MS 5000  /* … which is read this often at most, … */
#define HISTORY_SHARE 10 /* … and for a tenth of the time at most */
/* Arrays of all that is looked for: each member in quotes, behind a comma. */
#define IDS_SIZE (LOST_MAX * (ID_SIZE + 3) + 2)
#define REFERENCES_SIZE (LOST_MAX * (GATEWAY_REFERENCE_SIZE + 3) + 2)

struct lost {
	char id[ID_SIZE], reference[GATEWAY_REFERENCE_SIZE];
	bool old; /* it had 15 minutes to arrive */
};

struct payment_poller {
	struct app *app;
	struct lead *lead;
	uv_timer_t timer;
	struct db_call call, found;
	char seconds[24], most[24];
	struct gateway_history history;
	struct lost lost[LOST_MAX];
	unsigned lost_count;
	/* when the history was last asked for; for how long then it is not */
	uint64_t read_ms, rest_ms;
	unsigned tick;
	int64_t left;   /* of this second's asks */
	bool more;      /* there may be more that is due */
	char *ids, *references; /* what was found, as arrays */
	bool unread;    /* the history could not be read lately */
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

static void ask(struct payment_poller *poller, enum query query,
	void (*done)(struct db_call *call, const struct db_result *result), unsigned count,
	const char *first, const char *second)
{
	poller->running = true;
	poller->call = (struct db_call){ .query = query, .lane = DB_WRITE, .count = count,
		.params = { first, second }, .done = done, .owner = poller };
	db_submit(poller->app->db, &poller->call);
}

/* False when this round is over. */
static bool answered(struct payment_poller *poller, const struct db_result *result)
{
	poller->running = false;
	if (!poller->closing)
		return !db_error(result);
	poller_end(poller);
	return false;
}

/* --- What has no reference -------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct lost *)a)->id, ((const struct lost *)b)->id);
}

static struct lost *lost_find(struct payment_poller *poller, struct text id)
{
	struct lost like;

	if (!id.len || id.len >= sizeof(like.id))
		return NULL;
	snprintf(like.id, sizeof(like.id), "%.*s", TEXT_ARGS(id));
	return bsearch(&like, poller->lost, poller->lost_count, sizeof(like), by_id);
}

/* On a thread of the work pool: lost_add and history_start wait until it is over. */
static void in_history(struct gateway_history *history,
	const struct gateway_told *told, bool withdrawal)
{
	struct payment_poller *poller = history->owner;
	struct lost *lost = withdrawal ? NULL : lost_find(poller, told->external);

	/* One that is too long is none: what it names stays lost. */
	if (lost && told->reference.len &&
		!text_copy_whole(lost->reference, sizeof(lost->reference), told->reference))
		lost->reference[0] = '\0';
}

static void found(struct db_call *call, const struct db_result *result)
{
	struct payment_poller *poller = call->owner;

	(void)result; /* on an error they are looked for again */
	poller->finding = false;
	free(TAKE_PTR(poller->ids));
	free(TAKE_PTR(poller->references));
	if (poller->closing)
		poller_end(poller);
}

/* A member of a PostgreSQL array; a reference with a quote in it is none of a gateway's. */
static size_t member_add(char *array, size_t size, size_t len, const char *value)
{
	return len + (size_t)snprintf(array + len, size - len, "%c\"%s\"", len ? ',' : '{', value);
}

/* Those that were found, into the statement's arrays. False when there is nothing to say. */
static bool arrays_write(struct payment_poller *poller)
{
	size_t ids = 0, references = 0;

	poller->ids = malloc(IDS_SIZE);
	poller->references = malloc(REFERENCES_SIZE);
	for (unsigned i = 0; poller->ids && poller->references && i < poller->lost_count; i++) {
		const struct lost *lost = &poller->lost[i];

		if (!lost->reference[0] || strpbrk(lost->reference, "\"\\"))
			continue;
		ids = member_add(poller->ids, IDS_SIZE, ids, lost->id);
		references = member_add(poller->references, REFERENCES_SIZE,
			references, lost->reference);
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

/* Of what had its time and is not told of, into the statement's array. False when there is none. */
static bool untold_write(struct payment_poller *poller)
{
	size_t len = 0;

	poller->ids = malloc(IDS_SIZE);
	for (unsigned i = 0; poller->ids && i < poller->lost_count; i++)
		if (poller->lost[i].old)
			len = member_add(poller->ids, IDS_SIZE, len, poller->lost[i].id);
	if (len)
		memcpy(poller->ids + len, "}", 2);
	else
		free(TAKE_PTR(poller->ids));
	return len > 0;
}

static void found_tell(struct payment_poller *poller, enum query query, unsigned count)
{
	poller->finding = true;
	poller->found = (struct db_call){ .query = query, .lane = DB_WRITE, .count = count,
		.params = { poller->ids, poller->references }, .done = found, .owner = poller };
	db_submit(poller->app->db, &poller->found);
}

/* Said once, until it can be read again. */
static void history_unread(struct payment_poller *poller,
	enum gateway_outcome outcome, const char *why)
{
	if (!poller->unread)
		log_line(outcome == GATEWAY_REFUSED ? LOG_ERROR : LOG_WARN,
			"the gateway's history cannot be read", LOG_T("why", why ? why : ""));
	poller->unread = true;
	if (outcome != GATEWAY_UNREACHED && untold_write(poller))
		found_tell(poller, QUERY_payments_untold, 1);
}

static void history_read(struct gateway_history *history,
	enum gateway_outcome outcome, const char *why)
{
	struct payment_poller *poller = history->owner;

	poller->reading = false;
	if (poller->closing)
		return poller_end(poller);
	poller->rest_ms = HISTORY_SHARE * (loop_now(poller->app->loop) - poller->read_ms);
	if (outcome == GATEWAY_TOLD) {
		poller->unread = false;
		for (unsigned i = 0; i < poller->lost_count; i++)
			if (poller->lost[i].old && !poller->lost[i].reference[0])
				payment_missed(poller->app->payments, poller->lost[i].id);
		if (arrays_write(poller))
			found_tell(poller, QUERY_payments_found, 2);
	} else {
		history_unread(poller, outcome, why);
	}
	poller->lost_count = 0;
}

static void history_start(struct payment_poller *poller)
{
	uint64_t now = loop_now(poller->app->loop);
	char tomorrow[CLOCK_ISO_SIZE];

	if (poller->reading || poller->finding || !poller->lost_count ||
		now < poller->read_ms + HISTORY_MS || now < poller->read_ms + poller->rest_ms)
		return;
	poller->reading = true;
	poller->read_ms = now;
	qsort(poller->lost, poller->lost_count, sizeof(*poller->lost), by_id);
	/* The gateway's day may be an hour ahead of ours. */
	clock_iso(clock_wall_ms() + 3600000, tomorrow);
	snprintf(poller->history.to, sizeof(poller->history.to), "%.10s", tomorrow);
	poller->history.each = in_history;
	poller->history.done = history_read;
	poller->history.owner = poller;
	gateway_list(poller->app->gateway, &poller->history);
}

static void lost_add(struct payment_poller *poller, const struct db_result *result, unsigned row)
{
	char *from = poller->history.from;
	struct text day = db_text(result, row, 2);
	struct lost *lost;

	/* Those for which there is no room are due again later. */
	if (poller->reading || poller->lost_count == LOST_MAX)
		return;
	if (!poller->lost_count || strncmp(day.at, from, sizeof(poller->history.from) - 1) < 0)
		snprintf(from, sizeof(poller->history.from), "%.*s", TEXT_ARGS(day));
	lost = &poller->lost[poller->lost_count++];
	*lost = (struct lost){ .old = db_bool(result, row, 3) };
	snprintf(lost->id, sizeof(lost->id), "%.*s", TEXT_ARGS(db_text(result, row, 0)));
}

/* --- What is due ------------------------------------------------------------------------------ */

static void taken(struct db_call *call, const struct db_result *result)
{
	struct payment_poller *poller = call->owner;
	char id[ID_SIZE], reference[GATEWAY_REFERENCE_SIZE];

	if (!answered(poller, result))
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
	history_start(poller);
}

static void take(struct payment_poller *poller)
{
	int64_t room =
		poller->app->config->gateway_at_once - payments_running(poller->app->payments);
	int64_t most = room < poller->left ? room : poller->left;

	if (!gateway_on(poller->app->gateway) || !gateway_up(poller->app->gateway) || most <= 0)
		return;
	snprintf(poller->most, sizeof(poller->most), "%lld", (long long)most);
	ask(poller, QUERY_payments_due, taken, 1, poller->most, NULL);
}

/* --- What was not paid in time ---------------------------------------------------------------- */

static void expire(struct payment_poller *poller);

static void expired(struct db_call *call, const struct db_result *result)
{
	struct payment_poller *poller = call->owner;
	char vendor[ID_SIZE];

	if (!answered(poller, result))
		return;
	count_add(loop_counters(poller->app->loop), COUNT_PAYMENTS_EXPIRED, db_rows(result));
	for (unsigned i = 0; i < db_rows(result); i++) {
		if (!db_bool(result, i, 3))
			continue;
		snprintf(vendor, sizeof(vendor), "%.*s", TEXT_ARGS(db_text(result, i, 2)));
		payment_order_ended(poller->app->payments, vendor[0] ? vendor : NULL);
	}
	if (db_rows(result))
		return expire(poller);
	take(poller);
}

static void expire(struct payment_poller *poller)
{
	snprintf(poller->seconds, sizeof(poller->seconds), "%lld",
		(long long)(poller->app->config->payment_wait + 999) / 1000);
	ask(poller, QUERY_payments_expire, expired, 2, poller->seconds, EXPIRE_BATCH_TEXT);
}

/* --- Life ------------------------------------------------------------------------------------- */

static void tick(uv_timer_t *timer)
{
	struct payment_poller *poller = timer->data;
	bool second = poller->tick++ % TICKS == 0;

	if (second) {
		poller->left = poller->app->config->payment_asks;
		poller->more = true;
	}
	if (poller->running || poller->closing || !lead_held(poller->lead))
		return;
	if (second)
		expire(poller);
	else if (poller->more)
		take(poller);
}

int payment_poller_new(struct app *app, struct payment_poller **ret)
{
	struct payment_poller *poller = calloc(1, sizeof(*poller));
	int error;

	if (!poller)
		return E_NO_MEMORY;
	poller->app = app;
	poller->timer.data = poller;
	error = lead_new(app->loop, app->db, "payments", NULL, NULL, &poller->lead);
	if (error || uv_timer_init(loop_uv(app->loop), &poller->timer)) {
		lead_close(poller->lead);
		free(poller);
		return E_NO_MEMORY;
	}
	poller->timer_open = true;
	uv_timer_start(&poller->timer, tick, EVERY_MS, EVERY_MS);
	*ret = poller;
	return 0;
}

static void timer_closed(uv_handle_t *handle)
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
	lead_close(poller->lead);
	uv_close((uv_handle_t *)&poller->timer, timer_closed);
}
