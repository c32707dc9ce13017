/* SPDX-License-Identifier: MIT
 *
 * Counters and histograms that each loop owns alone: a loop writes only its own copy (a relaxed
 * store, no lock, no shared line) and a scrape adds the copies up. Every metric of the product is
 * one line of the table below; whoever renders them (telemetry) needs no other list.
 */
#ifndef REEYO_CORE_COUNTER_H
#define REEYO_CORE_COUNTER_H

#include <stdint.h>

/* Name, Prometheus name, labels, help. Gauges are counters that also go down. */
#define REEYO_COUNTERS(X) \
	X(HTTP_1XX_2XX, "reeyo_http_responses_total", "class=\"2xx\"", \
		"Responses by status class") \
	X(HTTP_3XX, "reeyo_http_responses_total", "class=\"3xx\"", "") \
	X(HTTP_4XX, "reeyo_http_responses_total", "class=\"4xx\"", "") \
	X(HTTP_5XX, "reeyo_http_responses_total", "class=\"5xx\"", "") \
	X(HTTP_DEADLINES, "reeyo_http_deadlines_total", "", \
		"Connections cut because a deadline passed") \
	X(HTTP_REFUSED, "reeyo_http_refused_total", "", "Requests refused by the header audit") \
	X(CACHE_HITS, "reeyo_cache_reads_total", "result=\"hit\"", "Cache-aside reads by result") \
	X(CACHE_MISSES, "reeyo_cache_reads_total", "result=\"miss\"", "") \
	X(CACHE_JOINS, "reeyo_cache_reads_total", "result=\"joined\"", "") \
	X(CACHE_BYPASSES, "reeyo_cache_reads_total", "result=\"bypass\"", "") \
	X(CACHE_LOADS, "reeyo_cache_loads_total", "", "Loads of a cache key from PostgreSQL") \
	X(CACHE_LEASE_WAITS, "reeyo_cache_lease_waits_total", "", \
		"Reads that waited for another copy's lease") \
	X(CACHE_LEASES_VOIDED, "reeyo_cache_leases_voided_total", "", \
		"Fills refused because a write came between") \
	X(CACHE_DROPS, "reeyo_cache_drops_total", "", "Keys dropped after a write") \
	X(CACHE_DROPS_WAITING, "reeyo_cache_drops_waiting", "", \
		"Keys to drop as soon as Redis answers again") \
	X(CACHE_BREAKER_OPEN, "reeyo_cache_breaker_open", "", \
		"Loops that do not ask Redis at the moment") \
	X(CACHE_ERRORS, "reeyo_cache_errors_total", "", "Redis commands failed or timed out") \
	X(DB_STATEMENTS, "reeyo_db_statements_total", "", "Statements sent to PostgreSQL") \
	X(DB_ERRORS, "reeyo_db_errors_total", "", "Statements that failed") \
	X(DB_REFUSED, "reeyo_db_refused_total", "", \
		"Statements refused because a lane queue was full") \
	X(DB_RECONNECTS, "reeyo_db_reconnects_total", "", "Connections to PostgreSQL made again") \
	X(DB_LANES_UP, "reeyo_db_lanes_up", "", "Connections to PostgreSQL that are ready") \
	X(DB_IN_FLIGHT, "reeyo_db_in_flight", "", "Statements waiting for their answer") \
	X(AUTH_LOGINS, "reeyo_auth_logins_total", "result=\"ok\"", "Log-ins by result") \
	X(AUTH_LOGIN_FAILURES, "reeyo_auth_logins_total", "result=\"failed\"", "") \
	X(AUTH_HASHES, "reeyo_auth_hashes_total", "", "Passwords hashed with argon2id") \
	X(AUTH_LOGINS_REMEMBERED, "reeyo_auth_logins_remembered_total", "", \
		"Log-ins answered from the memory of verified log-ins") \
	X(AUTH_TOKENS_REMEMBERED, "reeyo_auth_tokens_remembered_total", "", \
		"Tokens answered from the memory of verified tokens") \
	X(WORK_REFUSED, "reeyo_work_refused_total", "", \
		"Jobs refused because the work pool was full") \
	X(RATE_LIMITED, "reeyo_rate_limited_total", "", "Requests refused by a rate limit") \
	X(ORDERS_PLACED, "reeyo_orders_placed_total", "", "Orders placed") \
	X(ORDERS_CANCELLED, "reeyo_orders_cancelled_total", "", "Orders cancelled") \
	X(PAYMENTS_STARTED, "reeyo_payments_total", "outcome=\"started\"", \
		"Payments by mobile money and card, by outcome") \
	X(PAYMENTS_SUCCEEDED, "reeyo_payments_total", "outcome=\"succeeded\"", "") \
	X(PAYMENTS_FAILED, "reeyo_payments_total", "outcome=\"failed\"", "") \
	X(PAYMENTS_EXPIRED, "reeyo_payments_total", "outcome=\"expired\"", "") \
	X(PAYMENTS_MISMATCHED, "reeyo_payments_total", "outcome=\"mismatched\"", "") \
	X(PAYMENTS_LATE, "reeyo_payments_late_total", "", \
		"Payments that succeeded after they had been given up") \
	X(PAYMENT_ASKS, "reeyo_payment_asks_total", "", \
		"Times the gateway was asked what became of a payment") \
	X(PAYOUTS_COMPLETED, "reeyo_payouts_total", "outcome=\"completed\"", \
		"Pay-outs to phones by what the gateway said") \
	X(PAYOUTS_FAILED, "reeyo_payouts_total", "outcome=\"failed\"", "") \
	X(PAYOUTS_LATE, "reeyo_payouts_total", "outcome=\"late\"", "") \
	X(PAYOUTS_TROUBLED, "reeyo_payouts_total", "outcome=\"trouble\"", "") \
	X(CALLBACKS, "reeyo_payment_callbacks_total", "result=\"heard\"", \
		"Callbacks of the gateway by result") \
	X(CALLBACKS_REFUSED, "reeyo_payment_callbacks_total", "result=\"refused\"", "") \
	X(STREAMS_OPEN, "reeyo_streams_open", "", "Open event streams") \
	X(STREAMS_CUT, "reeyo_streams_cut_total", "", \
		"Event streams cut because their client read too slowly") \
	X(EVENTS_RELAYED, "reeyo_events_relayed_total", "", \
		"Events moved from the outbox by this copy") \
	X(EVENTS_HEARD, "reeyo_events_heard_total", "", "Events heard, counted by each loop") \
	X(EVENTS_DELIVERED, "reeyo_events_delivered_total", "", "Events given to streams") \
	X(RELAY_LAG, "reeyo_relay_lag_milliseconds", "", \
		"Age of the oldest event when it was last moved") \
	X(RELAY_LEADS, "reeyo_relay_leads", "", "1 while this copy relays events") \
	X(PARTNERS_ANSWERED, "reeyo_partners_calls_total", "result=\"answered\"", \
		"Calls of other services by result") \
	X(PARTNERS_FAILED, "reeyo_partners_calls_total", "result=\"failed\"", "") \
	X(PARTNERS_REFUSED, "reeyo_partners_calls_total", "result=\"refused\"", "") \
	X(PARTNERS_RUNNING, "reeyo_partners_calls_running", "", \
		"Calls of other services under way") \
	X(PARTNERS_WAITING, "reeyo_partners_calls_waiting", "", \
		"Calls of other services that wait for one to end") \
	X(PARTNERS_BREAKER_OPEN, "reeyo_partners_breaker_open", "", \
		"Services that a loop does not ask at the moment") \
	X(WEBHOOKS_DELIVERED, "reeyo_webhooks_total", "result=\"delivered\"", \
		"Tries of webhooks by result") \
	X(WEBHOOKS_FAILED, "reeyo_webhooks_total", "result=\"failed\"", "") \
	X(MESSAGES_SENT, "reeyo_messages_total", "end=\"sent\"", \
		"Tries to send a message to a person, by their end") \
	X(MESSAGES_RETRIED, "reeyo_messages_total", "end=\"retry\"", "") \
	X(MESSAGES_DEAD, "reeyo_messages_total", "end=\"dead\"", "") \
	X(MESSAGES_SKIPPED, "reeyo_messages_total", "end=\"skipped\"", "") \
	X(CONNECTIONS, "reeyo_http_connections", "", "Open client connections") \
	X(REQUESTS_RUNNING, "reeyo_http_requests_running", "", "Requests being answered")

enum counter {
#define X(name, ...) COUNT_##name,
	REEYO_COUNTERS(X)
#undef X
		COUNTER_COUNT
};

/* Upper bounds in microseconds of the response-time histogram, the last one open. */
#define HISTOGRAM_BOUNDS 14
extern const uint32_t histogram_bounds_us[HISTOGRAM_BOUNDS];

struct histogram {
	uint64_t bucket[HISTOGRAM_BOUNDS + 1];
	uint64_t sum_us, count;
};

struct counters {
	uint64_t value[COUNTER_COUNT];
	struct histogram response, db, redis;
};

static inline void count_add(struct counters *counters, enum counter which, int64_t by)
{
	uint64_t *at = &counters->value[which];

	__atomic_store_n(
		at, __atomic_load_n(at, __ATOMIC_RELAXED) + (uint64_t)by, __ATOMIC_RELAXED);
}
#define count_one(counters, which) count_add((counters), (which), 1)

/* Adds one observation. The owning loop's thread only. */
void histogram_add(struct histogram *histogram, uint64_t us);
/* Adds `from`, which its owner may be changing, to `into`, which is the caller's. */
void counters_sum(struct counters *into, const struct counters *from);

#endif
