/* SPDX-License-Identifier: MIT
 *
 * A lane: one connection in pipeline mode.
 *
 * Calls of a turn leave together at its end. The server answers in the order of the queue.
 *
 * The first write lane prepares every statement when it connects: that proves that the schema fits,
 * and only then do the others connect. They prepare a statement with the first call of it, in front
 * of it, and hold further calls of it back until that is answered: a lane needs few of all
 * statements, and each costs the server some 40 KB.
 *
 * A write is followed by a Sync of its own, so that it is a transaction of its own, and is complete
 * when that Sync is answered, not when its rows are: only then is it committed (an error at commit
 * comes in between).
 *
 * Reads have nothing to commit, so up to READ_GROUP of them share a Sync: one write to the socket,
 * one answer from the server, one transaction. They gather while the lane's group before them is
 * under way, so an idle lane sends one at once and a busy one many together. Each still sees what
 * was committed when it began, and is complete when its rows are there. If one fails, the server
 * skips those behind it in its group; they are sent again.
 */
#include "lane.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reeyo/core/clock.h"
#include "reeyo/core/log.h"
#include "reeyo/core/memory.h"

#define PREPARE_LIMIT_MS 10000

static void lane_sent(struct lane *lane);

/* --- Watching the socket ---------------------------------------------------------------------- */

static void watch_closed(uv_handle_t *handle)
{
	struct lane_watch *watch = handle->data;
	struct db *db = watch->lane->db;

	free(watch);
	db->open_handles--;
}

void lane_watch(struct lane *lane, int events, uv_poll_cb happened)
{
	struct lane_watch *watch = lane->watch;

	if (!watch) {
		watch = calloc(1, sizeof(*watch));
		if (!watch ||
			uv_poll_init(loop_uv(lane->db->loop), &watch->poll, PQsocket(lane->pg))) {
			free(watch);
			lane_lose(lane, "the connection cannot be watched");
			return;
		}
		watch->lane = lane;
		watch->poll.data = watch;
		lane->db->open_handles++;
		lane->watch = watch;
	}
	uv_poll_start(&watch->poll, events, happened);
}

void lane_unwatch(struct lane *lane)
{
	if (!lane->watch)
		return;
	uv_poll_stop(&lane->watch->poll);
	uv_close((uv_handle_t *)&lane->watch->poll, watch_closed);
	lane->watch = NULL;
}

/* --- Preparing -------------------------------------------------------------------------------- */

static void prepare_limit(uv_timer_t *timer)
{
	lane_lose(timer->data, "preparing the statements takes too long");
}

static const char *prepared_name(unsigned index, char out[16])
{
	snprintf(out, 16, "q%u", index);
	return out;
}

static bool statement_prepare(struct lane *lane, unsigned index)
{
	char name[16];

	lane->known[index] = STATEMENT_ASKED;
	return PQsendPrepare(lane->pg, prepared_name(index, name), lane->db->texts[index].text, 0,
		NULL);
}

static int statements_prepare(struct lane *lane)
{
	for (unsigned i = 0; i < lane->db->text_count; i++)
		if (!statement_prepare(lane, i))
			return E_STORE_DOWN;
	return PQpipelineSync(lane->pg) ? 0 : E_STORE_DOWN;
}

static void notice_received(void *arg, const PGresult *notice)
{
	const char *text = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);

	(void)arg;
	log_line(LOG_DEBUG, "a notice of the database", LOG_T("text", text));
}

static bool lane_proves(const struct lane *lane)
{
	return lane->kind == DB_WRITE && lane->number == 0;
}

static void lane_is_up(struct lane *lane)
{
	uv_timer_stop(&lane->timer);
	lane->state = LANE_UP;
	lane->attempts = 0;
	lane->prepare_told = false;
	if (lane_proves(lane))
		db_proved(lane->db);
	db_lane_up(lane);
}

void lane_connected(struct lane *lane)
{
	lane->state = LANE_PREPARING;
	lane->prepared = 0;
	lane->syncs = 0;
	memset(lane->known, STATEMENT_UNKNOWN, lane->db->text_count);
	uv_timer_start(&lane->timer, prepare_limit, PREPARE_LIMIT_MS, 0);
	PQsetNoticeReceiver(lane->pg, notice_received, NULL);
	if (PQsetnonblocking(lane->pg, 1) || !PQenterPipelineMode(lane->pg) ||
		(lane_proves(lane) && statements_prepare(lane))) {
		lane_lose(lane, PQerrorMessage(lane->pg));
		return;
	}
	lane_sent(lane);
	if (lane->state == LANE_PREPARING && !lane_proves(lane))
		lane_is_up(lane);
}

static void prepare_failed(struct lane *lane, const PGresult *pg)
{
	const struct db *db = lane->db;
	const char *name = lane->prepared < db->text_count ? db->texts[lane->prepared].name : "?";

	if (!lane->prepare_told)
		log_line(LOG_ERROR, "a statement does not fit the schema: try `reeyo migrate`",
			LOG_T("statement", name),
			LOG_T("why", PQresultErrorField(pg, PG_DIAG_MESSAGE_PRIMARY)));
	lane->prepare_told = true;
	lane_lose(lane, "preparing failed");
}

/* One answer while preparing; false when the lane was lost. */
static bool prepare_answer(struct lane *lane, PGresult *pg)
{
	ExecStatusType status = PQresultStatus(pg);

	if (status == PGRES_COMMAND_OK)
		lane->known[lane->prepared++] = STATEMENT_KNOWN;
	else if (status == PGRES_PIPELINE_SYNC)
		lane_is_up(lane);
	else
		prepare_failed(lane, pg);
	PQclear(pg);
	return lane->state != LANE_DOWN;
}

/* --- Answers ---------------------------------------------------------------------------------- */

static void first_complete(struct lane *lane)
{
	struct db_call *call = queue_pop(&lane->in_flight);
	struct db_result result = { .pg = TAKE_PTR(lane->result) };

	if (lane->in_flight.count)
		deadline_start(db_stalls(lane), &lane->stall);
	else
		deadline_stop(&lane->stall);
	if (result.pg && PQresultStatus(result.pg) == PGRES_PIPELINE_ABORTED) {
		PQclear(result.pg);
		db_try_again(lane, call);
		return;
	}
	if (result.pg && result_is_undone(result.pg) && call->tries == 0 && !lane->db->closing) {
		log_line(LOG_WARN, "a statement met another in a deadlock and is run again",
			LOG_T("statement", lane->db->texts[call->query].name));
		PQclear(result.pg);
		db_try_again(lane, call);
		return;
	}
	if (result.pg)
		result_judge(&result, lane->db->texts[call->query].name);
	else
		result = (struct db_result){ .error = E_INTERNAL, .detail = "" };
	db_completed(lane, call, &result);
	PQclear(result.pg);
}

/* What gathered meanwhile goes out as the next groups. */
static void group_answered(struct lane *lane)
{
	lane->syncs--;
	if (lane->waiting.count)
		lane->db->flush.wanted = true;
}

/* The answer to a Parse comes before that of the call it went out with; no other call of the
 * statement is under way. */
static bool parse_is_due(const struct lane *lane)
{
	const struct db_call *call = lane->in_flight.first;

	return call && lane->known[call->query] == STATEMENT_ASKED;
}

/* An error stays in lane->result, as the call's own: what follows is only that the call was
 * skipped. */
static void parse_answered(struct lane *lane)
{
	lane->known[lane->in_flight.first->query] = lane->result ? STATEMENT_UNKNOWN :
		STATEMENT_KNOWN;
	if (lane->waiting.count)
		lane->db->flush.wanted = true;
}

/* One answer of the pipeline; false when the lane was lost. */
static bool lane_answer(struct lane *lane, PGresult *pg)
{
	if (PQresultStatus(pg) == PGRES_PIPELINE_SYNC) {
		PQclear(pg);
		if (lane->kind == DB_READ)
			group_answered(lane);
		else
			first_complete(lane);
		return lane->state == LANE_UP;
	}
	if (result_ends_connection(pg, lane->kind)) {
		char why[256];

		snprintf(why, sizeof(why), "%s", PQresultErrorMessage(pg));
		PQclear(pg);
		lane_lose(lane, why);
		return false;
	}
	if (parse_is_due(lane) && PQresultStatus(pg) == PGRES_COMMAND_OK) {
		PQclear(pg);
		return true;
	}
	/* An error at commit follows the rows and replaces them. */
	if (!lane->result || PQresultStatus(lane->result) != PGRES_FATAL_ERROR) {
		PQclear(lane->result);
		lane->result = pg;
	} else {
		PQclear(pg);
	}
	return true;
}

static bool lane_expects(const struct lane *lane)
{
	return lane->state == LANE_PREPARING || lane->in_flight.count > 0 || lane->syncs > 0;
}

/* The end of one statement's results: a read is complete. False when the lane was lost. */
static bool results_end(struct lane *lane)
{
	if (lane->state == LANE_UP && parse_is_due(lane))
		parse_answered(lane);
	else if (lane->state == LANE_UP && lane->kind == DB_READ && lane->result)
		first_complete(lane);
	return lane->state != LANE_DOWN;
}

/* Takes the answers that libpq holds; false when the lane was lost. */
static bool answers_take(struct lane *lane)
{
	unsigned empty = 0;

	while (lane_expects(lane) && !PQisBusy(lane->pg)) {
		PGresult *pg = PQgetResult(lane->pg);

		/* One NULL ends a statement's results. Two mean that libpq expects nothing more,
		 * because the connection is gone or because its count and ours differ: never spin
		 * on that. */
		empty = pg ? 0 : empty + 1;
		if (empty == 2) {
			lane_lose(lane, PQstatus(lane->pg) == CONNECTION_BAD
						? PQerrorMessage(lane->pg)
						: "answers and calls are out of step");
			return false;
		}
		if (!(!pg ? results_end(lane)
			  : lane->state == LANE_PREPARING ? prepare_answer(lane, pg)
							  : lane_answer(lane, pg)))
			return false;
	}
	return true;
}

/* With TLS one read may leave decrypted bytes behind that no readiness will tell of, because
 * libpq's buffer was short of room for a whole record; after the answers are taken there is room.
 */
static void lane_read(struct lane *lane)
{
	for (int rounds = PQsslInUse(lane->pg) ? 2 : 1; rounds > 0; rounds--) {
		if (!PQconsumeInput(lane->pg) || PQstatus(lane->pg) == CONNECTION_BAD) {
			lane_lose(lane, PQerrorMessage(lane->pg));
			return;
		}
		if (!answers_take(lane))
			return;
	}
}

static bool lane_is_watched_by(const struct lane *lane, const uv_poll_t *poll)
{
	return lane->watch && &lane->watch->poll == poll;
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
	struct lane *lane = CONTAINER_OF(poll, struct lane_watch, poll)->lane;

	if (events & UV_WRITABLE && lane_is_watched_by(lane, poll))
		lane_sent(lane);
	if ((events & UV_READABLE || status < 0) && lane_is_watched_by(lane, poll))
		lane_read(lane);
	if (status < 0 && lane_is_watched_by(lane, poll)) /* libuv has stopped watching */
		lane_lose(lane, "the connection failed");
}

/* --- Sending ---------------------------------------------------------------------------------- */

/* Pushes what libpq holds; watches for room when the socket is full. */
static void lane_sent(struct lane *lane)
{
	int left = PQflush(lane->pg);

	if (left < 0) {
		lane_lose(lane, PQerrorMessage(lane->pg));
		return;
	}
	if (!lane->watch || lane->wants_write != (left == 1)) {
		lane->wants_write = left == 1;
		lane_watch(lane, left ? UV_READABLE | UV_WRITABLE : UV_READABLE, on_socket);
	}
}

/* libpq 15's PQpipelineSync writes to the socket at once, so a turn's calls leave in one write each
 * (2.4 µs of system time a statement, 1.4 with one write for all, measured with 64 calls in flight
 * on 8 lanes); from libpq 17 on they leave together. */
static int sync_send(PGconn *pg)
{
#ifdef LIBPQ_HAS_SEND_PIPELINE_SYNC
	return PQsendPipelineSync(pg);
#else
	return PQpipelineSync(pg);
#endif
}

static bool call_send(struct lane *lane, struct db_call *call)
{
	unsigned index = (unsigned)call->query;
	char name[16];

	if (lane->known[index] == STATEMENT_UNKNOWN && !statement_prepare(lane, index))
		return false;
	return PQsendQueryPrepared(lane->pg, prepared_name(index, name),
		(int)call->count, call->params, NULL, NULL, 0);
}

/* The first that waits may leave: there is one, and its statement is not being prepared. */
static bool next_may_leave(const struct lane *lane)
{
	return lane->waiting.first && lane->known[lane->waiting.first->query] != STATEMENT_ASKED;
}

/* After a call, and `group` calls since the last Sync: does one belong here? */
static bool sync_is_due(const struct lane *lane, unsigned group)
{
	return lane->kind != DB_READ || group == READ_GROUP || !next_may_leave(lane);
}

static bool group_end(struct lane *lane)
{
	if (lane->kind == DB_READ)
		lane->syncs++;
	return sync_send(lane->pg);
}

void lane_flush(struct lane *lane)
{
	unsigned at_once =
		lane->kind == DB_REPORT ? 1 : lane->waiting.count + lane->in_flight.count;
	unsigned group = 0;
	bool sent = false;

	if (lane->state != LANE_UP || lane->syncs)
		return; /* reads gather until the lane's group is answered: the busier, the larger
		         * the groups */
	while (next_may_leave(lane) && lane->in_flight.count < at_once) {
		struct db_call *call = queue_pop(&lane->waiting);

		call->sent_us = clock_us();
		queue_push(&lane->in_flight, call);
		sent = true;
		group++;
		if (!call_send(lane, call) || (sync_is_due(lane, group) && !group_end(lane))) {
			lane_lose(lane, PQerrorMessage(lane->pg));
			return;
		}
		if (group == READ_GROUP)
			group = 0;
	}
	if (!sent)
		return;
	if (!deadline_runs(&lane->stall))
		deadline_start(db_stalls(lane), &lane->stall);
	lane_sent(lane);
}

/* --- Life ------------------------------------------------------------------------------------- */

int lane_start(struct lane *lane)
{
	queue_init(&lane->waiting);
	queue_init(&lane->in_flight);
	lane->timer.data = lane;
	lane->known = calloc(lane->db->text_count, sizeof(*lane->known));
	if (!lane->known || uv_timer_init(loop_uv(lane->db->loop), &lane->timer))
		return E_NO_MEMORY;
	lane->db->open_handles++;
	if (lane_proves(lane))
		lane_connect(lane);
	return 0;
}

static void timer_closed(uv_handle_t *handle)
{
	struct lane *lane = handle->data;

	lane->db->open_handles--;
}

void lane_close(struct lane *lane)
{
	lane_lose(lane, "closing");
	lane_drop(lane);
	lane->state = LANE_CLOSED;
	free(TAKE_PTR(lane->known));
	uv_close((uv_handle_t *)&lane->timer, timer_closed);
}
