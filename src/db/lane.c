/* SPDX-License-Identifier: MIT
 *
 * A lane: one connection in pipeline mode.
 *
 * The calls of a turn are sent together at its end. The server answers in the same order.
 *
 * The first write lane prepares every statement when it connects. This verifies that the schema
 * fits; only then do the other lanes connect. They prepare a statement right before its first call
 * and hold further calls of it back until that is answered: a lane uses few of all statements, and
 * each prepared statement takes about 40 KB of the server's memory.
 *
 * A write is followed by its own Sync, so that it is a transaction of its own. It is complete when
 * the Sync is answered, not when its rows arrive: only then is it committed (an error at commit
 * arrives in between).
 *
 * Reads have nothing to commit, so up to READ_GROUP of them share a Sync: one write to the socket,
 * one answer from the server, one transaction. Reads collect while the previous group of the lane
 * is in flight, so an idle lane sends one at once and a busy lane sends many together. Each read
 * still sees what was committed when it began, and is complete when its rows arrive. If one fails,
 * the server skips the reads after it in the group; they are sent again.
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

static void lane_socket_flush(struct lane *lane);

/* --- Watching the socket ---------------------------------------------------------------------- */

static void lane_watch_closed(uv_handle_t *handle)
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
	uv_close((uv_handle_t *)&lane->watch->poll, lane_watch_closed);
	lane->watch = NULL;
}

/* --- Preparing -------------------------------------------------------------------------------- */

static void lane_prepare_timeout(uv_timer_t *timer)
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

	lane->statement_states[index] = STATEMENT_PREPARING;
	return PQsendPrepare(
		lane->pg, prepared_name(index, name), lane->db->texts[index].text, 0, NULL);
}

static int statements_prepare(struct lane *lane)
{
	for (unsigned i = 0; i < lane->db->text_count; i++)
		if (!statement_prepare(lane, i))
			return E_STORE_DOWN;
	return PQpipelineSync(lane->pg) ? 0 : E_STORE_DOWN;
}

static void lane_notice_received(void *arg, const PGresult *notice)
{
	const char *text = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);

	(void)arg;
	log_line(LOG_DEBUG, "a notice of the database", LOG_T("text", text));
}

static bool lane_verifies_schema(const struct lane *lane)
{
	return lane->kind == DB_WRITE && lane->number == 0;
}

static void lane_set_up(struct lane *lane)
{
	uv_timer_stop(&lane->timer);
	lane->state = LANE_UP;
	lane->attempts = 0;
	lane->prepare_failure_logged = false;
	if (lane_verifies_schema(lane))
		db_schema_verified(lane->db);
	db_lane_up(lane);
}

void lane_connected(struct lane *lane)
{
	lane->state = LANE_PREPARING;
	lane->prepared = 0;
	lane->syncs = 0;
	memset(lane->statement_states, STATEMENT_UNKNOWN, lane->db->text_count);
	uv_timer_start(&lane->timer, lane_prepare_timeout, PREPARE_LIMIT_MS, 0);
	PQsetNoticeReceiver(lane->pg, lane_notice_received, NULL);
	if (PQsetnonblocking(lane->pg, 1) || !PQenterPipelineMode(lane->pg) ||
		(lane_verifies_schema(lane) && statements_prepare(lane))) {
		lane_lose(lane, PQerrorMessage(lane->pg));
		return;
	}
	lane_socket_flush(lane);
	if (lane->state == LANE_PREPARING && !lane_verifies_schema(lane))
		lane_set_up(lane);
}

static void lane_prepare_failed(struct lane *lane, const PGresult *pg)
{
	const struct db *db = lane->db;
	const char *name = lane->prepared < db->text_count ? db->texts[lane->prepared].name : "?";

	if (!lane->prepare_failure_logged)
		log_line(LOG_ERROR, "a statement does not fit the schema: try `reeyo migrate`",
			LOG_T("statement", name),
			LOG_T("why", PQresultErrorField(pg, PG_DIAG_MESSAGE_PRIMARY)));
	lane->prepare_failure_logged = true;
	lane_lose(lane, "preparing failed");
}

/* One answer while preparing; false when the lane was lost. */
static bool lane_prepare_answer(struct lane *lane, PGresult *pg)
{
	ExecStatusType status = PQresultStatus(pg);

	if (status == PGRES_COMMAND_OK)
		lane->statement_states[lane->prepared++] = STATEMENT_PREPARED;
	else if (status == PGRES_PIPELINE_SYNC)
		lane_set_up(lane);
	else
		lane_prepare_failed(lane, pg);
	PQclear(pg);
	return lane->state != LANE_DOWN;
}

/* --- Answers ---------------------------------------------------------------------------------- */

static void lane_complete_first(struct lane *lane)
{
	struct db_call *call = queue_pop(&lane->in_flight);
	struct db_result result = { .pg = TAKE_PTR(lane->result) };

	if (lane->in_flight.count)
		deadline_start(db_stalls(lane), &lane->stall);
	else
		deadline_stop(&lane->stall);
	if (result.pg && PQresultStatus(result.pg) == PGRES_PIPELINE_ABORTED) {
		PQclear(result.pg);
		db_retry(lane, call);
		return;
	}
	if (result.pg && result_is_retryable(result.pg) && call->tries == 0 && !lane->db->closing) {
		log_line(LOG_WARN,
			"a statement was rolled back because of a deadlock or conflict; it runs "
			"again",
			LOG_T("statement", lane->db->texts[call->query].name));
		PQclear(result.pg);
		db_retry(lane, call);
		return;
	}
	if (result.pg)
		result_classify(&result, lane->db->texts[call->query].name);
	else
		result = (struct db_result){ .error = E_INTERNAL, .detail = "" };
	db_completed(lane, call, &result);
	PQclear(result.pg);
}

/* The reads that collected meanwhile are sent as the next groups. */
static void lane_group_answered(struct lane *lane)
{
	lane->syncs--;
	if (lane->waiting.count)
		lane->db->flush.wanted = true;
}

/* The answer to a Parse arrives before the answer to the call that it was sent with. No other call
 * of the statement is in flight. */
static bool lane_parse_due(const struct lane *lane)
{
	const struct db_call *call = lane->in_flight.first;

	return call && lane->statement_states[call->query] == STATEMENT_PREPARING;
}

/* An error of the Parse stays in lane->result as the error of the call. The next answer only
 * reports that the call was skipped. */
static void lane_parse_answered(struct lane *lane)
{
	lane->statement_states[lane->in_flight.first->query] = lane->result ? STATEMENT_UNKNOWN
									    : STATEMENT_PREPARED;
	if (lane->waiting.count)
		lane->db->flush.wanted = true;
}

/* One answer of the pipeline; false when the lane was lost. */
static bool lane_answer(struct lane *lane, PGresult *pg)
{
	if (PQresultStatus(pg) == PGRES_PIPELINE_SYNC) {
		PQclear(pg);
		if (lane->kind == DB_READ)
			lane_group_answered(lane);
		else
			lane_complete_first(lane);
		return lane->state == LANE_UP;
	}
	if (result_ends_connection(pg, lane->kind)) {
		char why[256];

		snprintf(why, sizeof(why), "%s", PQresultErrorMessage(pg));
		PQclear(pg);
		lane_lose(lane, why);
		return false;
	}
	if (lane_parse_due(lane) && PQresultStatus(pg) == PGRES_COMMAND_OK) {
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

static bool lane_expects_answer(const struct lane *lane)
{
	return lane->state == LANE_PREPARING || lane->in_flight.count > 0 || lane->syncs > 0;
}

/* The results of one statement have ended: a read is complete. False when the lane was lost. */
static bool lane_results_end(struct lane *lane)
{
	if (lane->state == LANE_UP && lane_parse_due(lane))
		lane_parse_answered(lane);
	else if (lane->state == LANE_UP && lane->kind == DB_READ && lane->result)
		lane_complete_first(lane);
	return lane->state != LANE_DOWN;
}

/* Takes the answers that libpq has received; false when the lane was lost. */
static bool lane_answers_take(struct lane *lane)
{
	unsigned empty = 0;

	while (lane_expects_answer(lane) && !PQisBusy(lane->pg)) {
		PGresult *pg = PQgetResult(lane->pg);

		/* One NULL ends a statement's results. Two mean that libpq expects no more answers,
		 * because the connection is lost or because its count and ours differ. Without this
		 * check the loop would never end. */
		empty = pg ? 0 : empty + 1;
		if (empty == 2) {
			lane_lose(lane,
				PQstatus(lane->pg) == CONNECTION_BAD
					? PQerrorMessage(lane->pg)
					: "the number of answers and of calls differ");
			return false;
		}
		if (!(!pg                                           ? lane_results_end(lane)
				    : lane->state == LANE_PREPARING ? lane_prepare_answer(lane, pg)
								    : lane_answer(lane, pg)))
			return false;
	}
	return true;
}

/* With TLS one read may leave decrypted bytes for which the socket does not become readable,
 * because libpq's buffer had no room for a whole record. After the answers are taken there is room,
 * so we read once more. */
static void lane_read(struct lane *lane)
{
	for (int rounds = PQsslInUse(lane->pg) ? 2 : 1; rounds > 0; rounds--) {
		if (!PQconsumeInput(lane->pg) || PQstatus(lane->pg) == CONNECTION_BAD) {
			lane_lose(lane, PQerrorMessage(lane->pg));
			return;
		}
		if (!lane_answers_take(lane))
			return;
	}
}

static bool lane_watched_by(const struct lane *lane, const uv_poll_t *poll)
{
	return lane->watch && &lane->watch->poll == poll;
}

static void lane_socket_ready(uv_poll_t *poll, int status, int events)
{
	struct lane *lane = CONTAINER_OF(poll, struct lane_watch, poll)->lane;

	if (events & UV_WRITABLE && lane_watched_by(lane, poll))
		lane_socket_flush(lane);
	if ((events & UV_READABLE || status < 0) && lane_watched_by(lane, poll))
		lane_read(lane);
	if (status < 0 && lane_watched_by(lane, poll)) /* libuv has stopped watching */
		lane_lose(lane, "the connection failed");
}

/* --- Sending ---------------------------------------------------------------------------------- */

/* Sends the bytes that libpq has buffered; waits for a writable socket when it is full. */
static void lane_socket_flush(struct lane *lane)
{
	int left = PQflush(lane->pg);

	if (left < 0) {
		lane_lose(lane, PQerrorMessage(lane->pg));
		return;
	}
	if (!lane->watch || lane->wants_write != (left == 1)) {
		lane->wants_write = left == 1;
		lane_watch(lane, left ? UV_READABLE | UV_WRITABLE : UV_READABLE, lane_socket_ready);
	}
}

/* libpq 15's PQpipelineSync writes to the socket at once, so each call of a turn takes one write
 * (2.4 µs of system time per statement; 1.4 µs with one write for all, measured with 64 calls in
 * flight on 8 lanes). From libpq 17 on they are sent together. */
static int sync_send(PGconn *pg)
{
#ifdef LIBPQ_HAS_SEND_PIPELINE_SYNC
	return PQsendPipelineSync(pg);
#else
	return PQpipelineSync(pg);
#endif
}

static bool lane_call_send(struct lane *lane, struct db_call *call)
{
	unsigned index = (unsigned)call->query;
	char name[16];

	if (lane->statement_states[index] == STATEMENT_UNKNOWN && !statement_prepare(lane, index))
		return false;
	return PQsendQueryPrepared(lane->pg, prepared_name(index, name), (int)call->count,
		call->params, NULL, NULL, lane->db->texts[index].types != NULL);
}

/* The first waiting call may be sent: there is one, and its statement is not being prepared. */
static bool lane_next_sendable(const struct lane *lane)
{
	return lane->waiting.first &&
		lane->statement_states[lane->waiting.first->query] != STATEMENT_PREPARING;
}

/* True when a Sync must follow, `group` calls after the last Sync. */
static bool lane_sync_due(const struct lane *lane, unsigned group)
{
	return lane->kind != DB_READ || group == READ_GROUP || !lane_next_sendable(lane);
}

static bool lane_group_end(struct lane *lane)
{
	if (lane->kind == DB_READ)
		lane->syncs++;
	return sync_send(lane->pg);
}

void lane_flush(struct lane *lane)
{
	unsigned at_once = lane->kind == DB_REPORT ? 1
						   : lane->waiting.count + lane->in_flight.count;
	unsigned group = 0;
	bool sent = false;

	if (lane->state != LANE_UP || lane->syncs)
		return; /* reads collect until the lane's group is answered, so a busier lane has
			 * larger groups */
	while (lane_next_sendable(lane) && lane->in_flight.count < at_once) {
		struct db_call *call = queue_pop(&lane->waiting);

		call->sent_us = clock_us();
		queue_push(&lane->in_flight, call);
		sent = true;
		group++;
		if (!lane_call_send(lane, call) ||
			(lane_sync_due(lane, group) && !lane_group_end(lane))) {
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
	lane_socket_flush(lane);
}

/* --- Life ------------------------------------------------------------------------------------- */

int lane_start(struct lane *lane)
{
	queue_init(&lane->waiting);
	queue_init(&lane->in_flight);
	lane->timer.data = lane;
	lane->statement_states = calloc(lane->db->text_count, sizeof(*lane->statement_states));
	if (!lane->statement_states || uv_timer_init(loop_uv(lane->db->loop), &lane->timer))
		return E_NO_MEMORY;
	lane->db->open_handles++;
	if (lane_verifies_schema(lane))
		lane_connect(lane);
	return 0;
}

static void lane_timer_closed(uv_handle_t *handle)
{
	struct lane *lane = handle->data;

	lane->db->open_handles--;
}

void lane_close(struct lane *lane)
{
	lane_lose(lane, "closing");
	lane_drop(lane);
	lane->state = LANE_CLOSED;
	free(TAKE_PTR(lane->statement_states));
	uv_close((uv_handle_t *)&lane->timer, lane_timer_closed);
}
