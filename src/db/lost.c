/* SPDX-License-Identifier: MIT
 *
 * Losing a lane's connection and getting it back.
 *
 * Calls that were not sent, and reads, are tried once more on another lane. A write that was sent
 * may or may not be committed, so it completes with E_STORE_DOWN. New attempts to connect back off
 * with jitter, up to a second, so that the lanes of all instances do not reconnect at the same
 * time.
 */
#include "lane.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "reeyo/core/log.h"
#include "reeyo/core/memory.h"
#include "reeyo/core/secret.h"
#include "reeyo/db/counters.h"

/* Short, because the next attempt begins with the next host of the list. */
#define CONNECT_LIMIT_MS 3000
#define RETRY_FIRST_MS 50
#define RETRY_MOST_MS 1000

/* --- Reconnecting ----------------------------------------------------------------------------- */

static void lane_connect_timeout(uv_timer_t *timer)
{
	lane_lose(timer->data, "connecting takes too long");
}

void lane_connect(struct lane *lane)
{
	lane->state = LANE_CONNECTING;
	uv_timer_start(&lane->timer, lane_connect_timeout, CONNECT_LIMIT_MS, 0);
	connect_begin(lane);
}

static void lane_retry_due(uv_timer_t *timer)
{
	lane_connect(timer->data);
}

void lane_connect_after(struct lane *lane, uint64_t wait_ms)
{
	uv_timer_start(&lane->timer, lane_retry_due, wait_ms, 0);
}

/* 50 ms, 100 ms, 200 ms … 1 s, each reduced by a random part of up to a half. */
static void lane_retry(struct lane *lane)
{
	uint64_t wait = RETRY_FIRST_MS << (lane->attempts < 5 ? lane->attempts : 5);

	if (wait > RETRY_MOST_MS)
		wait = RETRY_MOST_MS;
	lane->attempts++;
	wait -= randombytes_uniform((uint32_t)(wait / 2));
	lane_connect_after(lane, wait);
}

/* --- Losing ----------------------------------------------------------------------------------- */

void lane_drop(struct lane *lane)
{
	deadline_stop(&lane->stall);
	uv_timer_stop(&lane->timer);
	connect_cancel(lane);
	lane_unwatch(lane);
	PQclear(TAKE_PTR(lane->result));
	PQfinish(TAKE_PTR(lane->pg));
	lane->wants_write = false;
}

static const char *const kind_names[DB_LANES] = { "read", "write", "report" };

static void lane_report_lost(struct lane *lane, const char *why)
{
	struct counters *counters = loop_counters(lane->db->loop);
	char words[256];

	snprintf(words, sizeof(words), "%s", why);
	words[strcspn(words, "\n")] = '\0';
	secret_scrub(lane->db->config->database_url, words);
	secret_scrub(lane->db->config->replica_url, words);
	if (!lane->db->closing && (lane->state == LANE_UP || lane->attempts == 0))
		log_line(LOG_WARN, "a database connection was lost",
			LOG_T("kind", kind_names[lane->kind]), LOG_I("lane", lane->number),
			LOG_T("why", words));
	if (lane->state != LANE_UP)
		return;
	count_add(counters, COUNT_DB_LANES_UP, -1);
	if (!lane->db->closing)
		count_one(counters, COUNT_DB_RECONNECTS);
}

/* Takes all calls of the lane, in order. */
static struct db_call *lane_calls_take(struct lane *lane)
{
	struct db_call *all;

	*lane->in_flight.last = lane->waiting.first;
	all = lane->in_flight.first;
	queue_init(&lane->in_flight);
	queue_init(&lane->waiting);
	for (struct db_call *call = all; call; call = call->next)
		affinity_give(call);
	return all;
}

/* Reads and calls that were never sent may be repeated. */
static void lane_call_rescue(struct lane *lane, struct db_call *call)
{
	static const struct db_result lost = { .error = E_STORE_DOWN, .detail = "" };
	bool repeatable = !call->sent_us || call->lane != DB_WRITE;

	if (repeatable && call->tries == 0 && !lane->db->closing)
		db_retry(lane, call);
	else
		db_completed(lane, call, &lost);
}

void lane_lose(struct lane *lane, const char *why)
{
	struct db_call *calls, *next;

	if (lane->state == LANE_DOWN || lane->state == LANE_CLOSED)
		return;
	lane_report_lost(lane, why);
	lane_drop(lane);
	lane->state = LANE_DOWN;
	db_lane_down(lane);
	if (!lane->db->closing)
		lane_retry(lane);
	calls = lane_calls_take(lane);
	for (struct db_call *call = calls; call; call = next) {
		next = call->next;
		lane_call_rescue(lane, call);
	}
}
