/* SPDX-License-Identifier: MIT
 *
 * The gateway's calls against a server in the same process, in both dialects: the requests sent,
 * the results for the caller, and the number of token fetches.
 */
#include "../suite.h"
#include "peer.h"
#include "reeyo/core/clock.h"
#include "reeyo/core/log.h"
#include "reeyo/partners/gateway.h"
#include "transaction.h"

static struct loop *loop;
static struct client *client;
static struct gateway *gateway;
static struct config config;
static struct peer *peer;
static uv_timer_t guard;
static unsigned expected;
static char url[64];

/* --- The service ------------------------------------------------------------------------------ */

static atomic_uint tokens, first_token_good, days;
static atomic_int token_status, status;
static const char *volatile token_more, *volatile body;
static char *long_body; /* freed last: the server may still be sending it when the call has ended */
static char seen[PEER_REQUEST];
static pthread_mutex_t seen_mutex = PTHREAD_MUTEX_INITIALIZER;

static void serve_token(struct peer_request *rq)
{
	char text[256];

	peer_sleep(rq, 50); /* long enough for other calls to queue for the token */
	snprintf(text, sizeof(text), "{\"token\":\"t%u\",%s}", ++tokens, token_more);
	peer_reply(rq, token_status, "", text);
}

static void serve(struct peer_request *rq)
{
	if (strstr(rq->path, "/token"))
		return serve_token(rq);
	days += strstr(rq->path, "/history") != NULL;
	pthread_mutex_lock(&seen_mutex);
	snprintf(seen, sizeof(seen), "%s", rq->all);
	pthread_mutex_unlock(&seen_mutex);
	if (!first_token_good && strstr(rq->all, "Token t1\r\n"))
		peer_reply(rq, 401, "", "{\"detail\":\"Invalid token.\"}");
	else if (status == -1)
		peer_reset(rq);
	else if (status == -2)
		peer_sleep(rq, 60000);
	else
		peer_reply(rq, status, "", body);
}

/* --- The caller ------------------------------------------------------------------------------- */

struct attempt {
	struct gateway_call call;
	unsigned completions;
	enum gateway_outcome outcome;
	enum gateway_state state;
	int64_t amount;
	char reference[64], external[64], ussd[32], operator[16], reason[64], why[128];
};

static void copy(char *to, size_t size, struct text text)
{
	snprintf(to, size, "%.*s", TEXT_ARGS(text));
}

static void gateway_call_done(struct gateway_call *call, const struct gateway_answer *got)
{
	struct attempt *attempt = call->owner;

	attempt->completions++;
	attempt->outcome = got->outcome;
	attempt->state = got->transaction.state;
	attempt->amount = got->transaction.amount;
	copy(attempt->reference, sizeof(attempt->reference), got->transaction.reference);
	copy(attempt->external, sizeof(attempt->external), got->transaction.external);
	copy(attempt->ussd, sizeof(attempt->ussd), got->transaction.ussd_code);
	copy(attempt->operator, sizeof(attempt->operator), got->transaction.operator);
	copy(attempt->reason, sizeof(attempt->reason), got->transaction.reason);
	snprintf(attempt->why, sizeof(attempt->why), "%s", got->why ? got->why : "");
	if (--expected == 0)
		loop_stop(loop);
}

static void too_long(uv_timer_t *timer)
{
	(void)timer;
	ck_abort_msg("no completion for four minutes");
}

static void await(unsigned count)
{
	expected = count;
	uv_timer_start(&guard, too_long, 240000, 0);
	loop_run(loop);
}

static struct attempt new_call(void)
{
	return (struct attempt){ .call = { .phone = "+237670000001",
					 .amount = 2500,
					 .external = "pay_1",
					 .description = "Reeyo \"top-up\"",
					 .reference = "ref-1",
					 .done = gateway_call_done } };
}

static void ask(struct attempt *attempt, void (*verb)(struct gateway *, struct gateway_call *))
{
	attempt->call.owner = attempt;
	verb(gateway, &attempt->call);
	ck_assert_uint_eq(attempt->completions, 0);
}

static struct attempt ask_and_await(void (*verb)(struct gateway *, struct gateway_call *))
{
	struct attempt attempt = new_call();

	ask(&attempt, verb);
	await(1);
	ck_assert_uint_eq(attempt.completions, 1);
	return attempt;
}

static void gateway_make(const char *dialect)
{
	snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", peer->port,
		strcmp(dialect, "upstream") ? "/" : "");
	config.campay_url = url;
	config.campay_dialect = dialect;
	ck_assert_int_eq(client_new(loop, &client), 0);
	ck_assert_int_eq(gateway_new(loop, client, &config, &gateway), 0);
}

static void gateway_end(void)
{
	client_free(client);
	gateway_free(gateway);
	client = NULL;
	gateway = NULL;
}

static void world_open(void)
{
	log_set_level(LOG_OFF);
	tokens = 0;
	first_token_good = 1;
	token_status = status = 200;
	token_more = "\"expires_in\":3600";
	body = "{\"reference\":\"ref-1\",\"ussd_code\":\"*126#\",\"operator\":\"mtn\"}";
	config = (struct config){ .campay_username = "reeyo",
		.campay_password = "secret",
		.campay_app_key = "app-key",
		.campay_webhook_key = "",
		.gateway_timeout = 10000,
		.gateway_at_once = 16 };
	ck_assert_int_eq(loop_new(0, &loop), 0);
	uv_timer_init(loop_uv(loop), &guard);
	peer = peer_open(serve);
	gateway_make("campay");
}

static void world_close(void)
{
	gateway_end();
	loop_free(loop);
	peer_close(peer);
	free(TAKE_PTR(long_body));
}

#define ck_assert_seen(text) ck_assert_msg(strstr(seen, (text)), "%s", seen)

/* --- Requests and results --------------------------------------------------------------------- */

START_TEST(collect_bills_a_phone_and_returns_the_code_to_dial)
{
	struct attempt attempt = ask_and_await(gateway_collect);

	ck_assert_int_eq(attempt.outcome, GATEWAY_ANSWERED);
	ck_assert_int_eq(attempt.state, GATEWAY_PENDING);
	ck_assert_str_eq(attempt.reference, "ref-1");
	ck_assert_str_eq(attempt.ussd, "*126#");
	ck_assert_str_eq(attempt.operator, "MTN");
	ck_assert_int_eq(attempt.amount, -1);
	ck_assert_seen("POST /collect/ HTTP/1.1\r\n");
	ck_assert_seen("Authorization: Token t1\r\n");
	ck_assert_seen("\"amount\":\"2500\"");
	ck_assert_seen("\"currency\":\"XAF\"");
	ck_assert_seen("\"from\":\"237670000001\"");
	ck_assert_seen("\"external_reference\":\"pay_1\"");
	ck_assert_seen("\"description\":\"Reeyo \\\"top-up\\\"\"");
}
END_TEST

START_TEST(withdraw_pays_a_phone)
{
	struct attempt attempt;

	body = "{\"reference\":\"ref-2\",\"status\":\"PENDING\"}";
	attempt = ask_and_await(gateway_withdraw);
	ck_assert_int_eq(attempt.outcome, GATEWAY_ANSWERED);
	ck_assert_str_eq(attempt.reference, "ref-2");
	ck_assert_seen("POST /withdraw/ HTTP/1.1\r\n");
	ck_assert_seen("\"to\":\"237670000001\"");
}
END_TEST

START_TEST(query_returns_the_state_of_a_transaction)
{
	struct attempt attempt;

	body = "{\"reference\":\"ref-1\",\"external_reference\":\"pay_1\",\"status\":\"FAILED\","
	       "\"amount\":2500,\"reason\":\"no money\"}";
	attempt = ask_and_await(gateway_query);
	ck_assert_int_eq(attempt.state, GATEWAY_FAILED);
	ck_assert_int_eq(attempt.amount, 2500);
	ck_assert_str_eq(attempt.external, "pay_1");
	ck_assert_str_eq(attempt.reason, "no money");
	ck_assert_seen("GET /transaction/ref-1/ HTTP/1.1\r\n");
	body = "{\"reference\":\"ref-1\",\"status\":\"SUCCESSFUL\",\"amount\":\"2500.00\"}";
	attempt = ask_and_await(gateway_query);
	ck_assert_int_eq(attempt.state, GATEWAY_SUCCESSFUL);
	ck_assert_int_eq(attempt.amount, 2500);
}
END_TEST

START_TEST(a_reference_is_escaped_in_the_url)
{
	struct attempt attempt = new_call();

	attempt.call.reference = "../token?x=1&y z";
	ask(&attempt, gateway_query);
	await(1);
	ck_assert_seen("GET /transaction/%2E%2E%2Ftoken%3Fx%3D1%26y%20z/ HTTP/1.1\r\n");
}
END_TEST

START_TEST(the_upstream_dialect_has_its_own_paths_and_headers)
{
	struct attempt attempt;

	gateway_end();
	token_more = "\"expires_at\":\"2999-01-01T00:00:00Z\"";
	gateway_make("upstream");
	attempt = ask_and_await(gateway_collect);
	ck_assert_int_eq(attempt.outcome, GATEWAY_ANSWERED);
	ck_assert_seen("POST /collect HTTP/1.1\r\n");
	ck_assert_seen("Authorization: Bearer t1\r\n");
	ck_assert_seen("X-API-KEY: app-key\r\n");
	ask_and_await(gateway_withdraw);
	ck_assert_seen("POST /disburse HTTP/1.1\r\n");
	ask_and_await(gateway_query);
	ck_assert_seen("GET /transaction/ref-1 HTTP/1.1\r\n");
	ck_assert_uint_eq(tokens, 1);
}
END_TEST

static const struct amount {
	const char *json;
	int64_t amount;
} amounts[] = {
	{ "1000", 1000 },
	{ "\"1000\"", 1000 },
	{ "\"1000.00\"", 1000 },
	{ "1000.0", 1000 },
	{ "0", 0 },
	{ "\"9223372036854775807\"", INT64_MAX },
	{ "1000.5", -1 },
	{ "\"1000.50\"", -1 },
	{ "-5", -1 },
	{ "\"-5\"", -1 },
	{ "\"9223372036854775808\"", -1 },
	{ "1e300", -1 },
	{ "\"1e3\"", -1 },
	{ "\"\"", -1 },
	{ "\"1 000\"", -1 },
	{ "null", -1 },
	{ "true", -1 },
	{ "[1000]", -1 },
	{ "\"0x10\"", -1 },
	{ "\".00\"", -1 },
};

START_TEST(an_amount_is_a_whole_number_or_absent)
{
	json_t *json = json_loads(amounts[_i].json, JSON_DECODE_ANY, NULL);

	ck_assert_msg(transaction_amount(json) == amounts[_i].amount, "%s", amounts[_i].json);
	json_decref(json);
}
END_TEST

/* --- Meaning of a response -------------------------------------------------------------------- */

static const struct meaning {
	int status;
	const char *body;
	enum gateway_outcome outcome;
} meanings[] = {
	{ 201, "{\"reference\":\"r\"}", GATEWAY_ANSWERED },
	{ 200, "{}", GATEWAY_UNCERTAIN },
	{ 200, "<html>", GATEWAY_UNCERTAIN },
	{ 200, "", GATEWAY_UNCERTAIN },
	{ 302, "", GATEWAY_UNCERTAIN },
	{ 400, "{\"message\":\"Invalid phone number\"}", GATEWAY_REFUSED },
	{ 403, "", GATEWAY_REFUSED },
	{ 404, "", GATEWAY_REFUSED },
	{ 408, "", GATEWAY_UNCERTAIN },
	{ 409, "", GATEWAY_UNCERTAIN },
	{ 422, "", GATEWAY_REFUSED },
	{ 429, "", GATEWAY_UNREACHED },
	{ 500, "", GATEWAY_UNCERTAIN },
	{ 503, "{\"message\":\"x\"}", GATEWAY_UNCERTAIN },
	{ -1, "", GATEWAY_UNCERTAIN },
	{ -2, "", GATEWAY_UNCERTAIN },
};

START_TEST(only_a_clear_refusal_counts_as_refused)
{
	struct attempt attempt;

	status = meanings[_i].status;
	body = meanings[_i].body;
	attempt = ask_and_await(gateway_collect);
	ck_assert_int_eq(attempt.outcome, meanings[_i].outcome);
	ck_assert(attempt.outcome == GATEWAY_ANSWERED || attempt.why[0]);
	if (status == 400)
		ck_assert_str_eq(attempt.why, "Invalid phone number");
}
END_TEST

START_TEST(a_call_without_a_connection_is_unreached)
{
	shutdown(peer->fd, SHUT_RDWR);
	ck_assert_int_eq(ask_and_await(gateway_collect).outcome, GATEWAY_UNREACHED);
}
END_TEST

START_TEST(repeated_failures_open_the_breaker)
{
	struct attempt attempt;

	status = 500;
	for (int i = 0; i < 5; i++) {
		ck_assert(gateway_available(gateway));
		ask_and_await(gateway_collect);
	}
	ck_assert(!gateway_available(gateway));
	attempt = ask_and_await(gateway_collect);
	ck_assert_int_eq(attempt.outcome, GATEWAY_UNREACHED);
	ck_assert_uint_eq(peer->requests, 6);
}
END_TEST

START_TEST(a_gateway_without_credentials_refuses_calls)
{
	gateway_end();
	config.campay_username = "";
	gateway_make("campay");
	ck_assert(!gateway_configured(gateway));
	ck_assert(!gateway_available(gateway));
	ck_assert_int_eq(ask_and_await(gateway_collect).outcome, GATEWAY_UNREACHED);
	ck_assert_uint_eq(peer->requests, 0);
}
END_TEST

START_TEST(a_body_that_cannot_be_built_fails_asynchronously)
{
	struct attempt attempt = new_call();

	attempt.call.description = "\xff\xfe";
	ask(&attempt, gateway_collect);
	await(1);
	ck_assert_int_eq(attempt.outcome, GATEWAY_UNREACHED);
}
END_TEST

/* --- Tokens ----------------------------------------------------------------------------------- */

static void calls_run(struct attempt *attempt, int count)
{
	for (int i = 0; i < count; i++) {
		attempt[i] = new_call();
		ask(&attempt[i], gateway_collect);
	}
	await((unsigned)count);
	for (int i = 0; i < count; i++)
		ck_assert_uint_eq(attempt[i].completions, 1);
}

START_TEST(one_token_fetch_serves_all_waiting_calls)
{
	struct attempt attempt[50];

	calls_run(attempt, 50);
	for (int i = 0; i < 50; i++)
		ck_assert_int_eq(attempt[i].outcome, GATEWAY_ANSWERED);
	ck_assert_uint_eq(tokens, 1);
	ck_assert_uint_le(peer->most, 16);
	ask_and_await(gateway_query);
	ck_assert_uint_eq(tokens, 1);
}
END_TEST

START_TEST(a_refused_token_is_replaced_once_for_all_calls)
{
	struct attempt attempt[50];

	first_token_good = 0;
	calls_run(attempt, 50);
	for (int i = 0; i < 50; i++)
		ck_assert_int_eq(attempt[i].outcome, GATEWAY_ANSWERED);
	ck_assert_uint_eq(tokens, 2);
	ck_assert_seen("Authorization: Token t2\r\n");
}
END_TEST

START_TEST(a_second_401_fails_the_call)
{
	struct attempt attempt;

	status = 401;
	body = "{\"detail\":\"no\"}";
	attempt = ask_and_await(gateway_collect);
	ck_assert_int_eq(attempt.outcome, GATEWAY_UNREACHED);
	ck_assert_str_eq(attempt.why, "no");
	ck_assert_uint_eq(tokens, 2);
	ck_assert_uint_eq(peer->requests, 4);
}
END_TEST

START_TEST(no_call_is_sent_without_a_token)
{
	struct attempt attempt[10];

	token_status = 400;
	calls_run(attempt, 10);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(attempt[i].outcome, GATEWAY_UNREACHED);
	ck_assert_uint_eq(peer->requests, 1);
}
END_TEST

static const struct life {
	const char *expiry;
	bool kept;
} lives[] = {
	{ "\"expires_in\":3600", true },
	{ "\"expires_in\":\"3600\"", true },
	{ "\"expires_in\":1", false },
	{ "\"expires_at\":\"2999-01-01T00:00:00Z\"", true },
	{ "\"expires_at\":32503680000", true },
	{ "\"expires_at\":32503680000000", true },
	{ "\"none\":0", true },
};

/* A token that lives one second has expired after one, and is fetched again. */
START_TEST(a_token_is_kept_until_it_expires)
{
	token_more = lives[_i].expiry;
	ask_and_await(gateway_query);
	usleep(1100000);
	uv_update_time(loop_uv(loop));
	ask_and_await(gateway_query);
	ck_assert_uint_eq(tokens, lives[_i].kept ? 1 : 2);
}
END_TEST

static const char *const bad_tokens[] = {
	"\"expires_at\":\"2001-01-01T00:00:00Z\"",
	"\"token\":\"\"",
	"\"token\":\"a\\r\\nX-Injected: 1\"",
	"\"token\":7",
};

START_TEST(an_invalid_token_is_not_used)
{
	token_more = bad_tokens[_i];
	ck_assert_int_eq(ask_and_await(gateway_collect).outcome, GATEWAY_UNREACHED);
	ck_assert_uint_eq(peer->requests, 1);
}
END_TEST

START_TEST(closing_completes_waiting_and_running_calls)
{
	struct attempt waits = new_call(), sent = new_call();

	ask(&waits, gateway_collect);
	expected = 100;
	gateway_end();
	ck_assert_int_eq(waits.outcome, GATEWAY_UNREACHED);
	ck_assert_uint_eq(waits.completions, 1);
	gateway_make("campay");
	ask_and_await(gateway_query);
	status = -2;
	ask(&sent, gateway_collect);
	for (int i = 0; i < 3000 && peer->running == 0; i++) {
		uv_run(loop_uv(loop), UV_RUN_NOWAIT);
		usleep(10000);
	}
	expected = 100;
	gateway_end();
	ck_assert_int_eq(sent.outcome, GATEWAY_UNCERTAIN);
	ck_assert_uint_eq(sent.completions, 1);
}
END_TEST

/* --- History ---------------------------------------------------------------------------------- */

static unsigned listed, withdrawals, histories_done;
static int64_t listed_amount;
static enum gateway_outcome list_outcome;
static char list_why[128];
static bool list_ends; /* close the gateway while the first rows are parsed */
static pthread_t list_thread;

static void row_count(
	struct gateway_history *history, const struct gateway_transaction *one, bool withdrawal)
{
	(void)history;
	listed++;
	withdrawals += withdrawal;
	listed_amount += one->amount;
	list_thread = pthread_self();
	ck_assert(one->reference.at);
}

static void history_done(
	struct gateway_history *history, enum gateway_outcome outcome, const char *why)
{
	(void)history;
	list_outcome = outcome;
	snprintf(list_why, sizeof(list_why), "%s", why ? why : "");
	histories_done++;
	loop_stop(loop);
}

static void gateway_close_while_parsing(uv_timer_t *timer)
{
	if (work_pending() == 0)
		return;
	uv_timer_stop(timer);
	gateway_end();
}

static void list(const char *from, const char *to)
{
	struct gateway_history history = { .each = row_count, .done = history_done };

	snprintf(history.from, sizeof(history.from), "%s", from);
	snprintf(history.to, sizeof(history.to), "%s", to);
	listed = withdrawals = histories_done = days = 0;
	listed_amount = 0;
	gateway_history_read(gateway, &history);
	ck_assert_uint_eq(histories_done, 0);
	uv_timer_start(&guard, list_ends ? gateway_close_while_parsing : too_long,
		list_ends ? 1 : 240000, 1);
	loop_run(loop);
	ck_assert_uint_eq(histories_done, 1);
}

START_TEST(the_history_is_parsed_row_by_row_off_the_loop_thread)
{
	body = "[{\"reference_uuid\":\"a\",\"amount\":1000,\"debit\":0,\"credit\":985,"
	       "\"status\":\"SUCCESSFUL\"},{\"reference\":\"b\",\"amount\":\"500\",\"debit\":500,"
	       "\"credit\":0,\"status\":\"FAILED\"}]";
	list("2026-11-01", "2026-11-01");
	ck_assert_int_eq(list_outcome, GATEWAY_ANSWERED);
	ck_assert_uint_eq(listed, 2);
	ck_assert_uint_eq(withdrawals, 1);
	ck_assert_int_eq(listed_amount, 1500);
	ck_assert(!pthread_equal(list_thread, pthread_self()));
	ck_assert_seen("POST /history/ HTTP/1.1\r\n");
	ck_assert_seen("{\"start_date\":\"2026-11-01\",\"end_date\":\"2026-11-01\"}");
	body = " { \"count\" : 1, \"links\" : [{\"data\":[]}], \"data\" : [ "
	       "{\"reference\":\"c\",\"amount\":7,\"endpoint\":\"withdraw\"} ] }";
	list("2026-11-01", "2026-11-01");
	ck_assert_int_eq(list_outcome, GATEWAY_ANSWERED);
	ck_assert_uint_eq(listed, 1);
	ck_assert_uint_eq(withdrawals, 1);
	body = "{\"data\":[]}";
	list("2026-11-01", "2026-11-01");
	ck_assert_int_eq(list_outcome, GATEWAY_ANSWERED);
	ck_assert_uint_eq(listed, 0);
}
END_TEST

START_TEST(the_history_is_requested_day_by_day)
{
	body = "[{\"reference\":\"a\",\"amount\":1}]";
	list("2026-12-30", "2027-01-02");
	ck_assert_int_eq(list_outcome, GATEWAY_ANSWERED);
	ck_assert_uint_eq(days, 4);
	ck_assert_uint_eq(listed, 4);
	ck_assert_seen("{\"start_date\":\"2027-01-02\",\"end_date\":\"2027-01-02\"}");
}
END_TEST

#define ROW "{\"reference\":\"a\"}"
static const struct {
	const char *body;
	int status;
} no_lists[] = {
	{ "{\"message\":\"ok\"}", 200 },
	{ "{\"data\":{}}", 200 },
	{ "", 200 },
	{ "7", 200 },
	{ "[", 200 },
	{ "[" ROW, 200 },
	{ "[" ROW ",]", 200 },
	{ "[" ROW "}", 200 },
	{ "{\"data\":[" ROW "]", 200 },
	{ "{\"data\":[" ROW "],", 200 },
	{ "{data:[]}", 200 },
	{ "{\"data\"", 200 },
	{ "[]", 500 },
};

START_TEST(an_invalid_history_is_uncertain)
{
	body = no_lists[_i].body;
	status = no_lists[_i].status;
	list("2026-11-01", "2026-11-02");
	ck_assert_int_eq(list_outcome, GATEWAY_UNCERTAIN);
	ck_assert_uint_eq(days, 1);
}
END_TEST

START_TEST(a_dialect_without_a_history_refuses)
{
	gateway_end();
	gateway_make("upstream");
	body = "{\"message\":\"Cannot POST /history\"}";
	status = 404;
	list("2026-11-01", "2026-11-02");
	ck_assert_int_eq(list_outcome, GATEWAY_REFUSED);
	ck_assert_str_eq(list_why, "Cannot POST /history");
	ck_assert_uint_eq(days, 1);
}
END_TEST

/* Rows of 1.2 KB, as the gateway writes them. */
static void long_list(size_t rows)
{
	static const char head[] = "{\"reference\":\"a\",\"amount\":1,\"description\":\"";
	char *list = malloc(rows * 1200 + 2), *at = list;

	*at++ = '[';
	for (size_t i = 0; i < rows; i++) {
		memset(at, 'x', 1200);
		memcpy(at, head, sizeof(head) - 1);
		memcpy(at + 1196, "\"} ,", 4);
		at += 1200;
	}
	at[-1] = ']';
	*at = '\0';
	body = long_body = list;
}

START_TEST(a_day_of_forty_thousand_transactions_is_read)
{
	long_list(40000);
	list("2026-11-01", "2026-11-01");
	ck_assert_int_eq(list_outcome, GATEWAY_ANSWERED);
	ck_assert_uint_eq(listed, 40000);
}
END_TEST

START_TEST(a_day_over_the_size_limit_is_reported)
{
	long_list(60000);
	list("2026-11-01", "2026-11-02");
	ck_assert_int_eq(list_outcome, GATEWAY_UNCERTAIN);
	ck_assert_str_eq(list_why, "a day of the history is larger than 64 MB");
	ck_assert_uint_eq(listed, 0);
}
END_TEST

START_TEST(a_gateway_may_be_freed_while_a_history_is_parsed)
{
	long_list(20000);
	list_ends = true;
	list("2026-11-01", "2026-11-02");
	list_ends = false;
	ck_assert_int_eq(list_outcome, GATEWAY_UNREACHED);
	ck_assert_uint_eq(listed, 20000);
}
END_TEST

static Suite *gateway_suite(void)
{
	Suite *suite = suite_create("gateway");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, world_open, world_close);
	tcase_set_timeout(all, 300);
	tcase_add_test(all, collect_bills_a_phone_and_returns_the_code_to_dial);
	tcase_add_test(all, withdraw_pays_a_phone);
	tcase_add_test(all, query_returns_the_state_of_a_transaction);
	tcase_add_test(all, a_reference_is_escaped_in_the_url);
	tcase_add_test(all, the_upstream_dialect_has_its_own_paths_and_headers);
	tcase_add_loop_test(all, an_amount_is_a_whole_number_or_absent, 0, COUNT_OF(amounts));
	tcase_add_loop_test(all, only_a_clear_refusal_counts_as_refused, 0, COUNT_OF(meanings));
	tcase_add_test(all, a_call_without_a_connection_is_unreached);
	tcase_add_test(all, repeated_failures_open_the_breaker);
	tcase_add_test(all, a_gateway_without_credentials_refuses_calls);
	tcase_add_test(all, a_body_that_cannot_be_built_fails_asynchronously);
	tcase_add_test(all, one_token_fetch_serves_all_waiting_calls);
	tcase_add_test(all, a_refused_token_is_replaced_once_for_all_calls);
	tcase_add_test(all, a_second_401_fails_the_call);
	tcase_add_test(all, no_call_is_sent_without_a_token);
	tcase_add_loop_test(all, a_token_is_kept_until_it_expires, 0, COUNT_OF(lives));
	tcase_add_loop_test(all, an_invalid_token_is_not_used, 0, COUNT_OF(bad_tokens));
	tcase_add_test(all, closing_completes_waiting_and_running_calls);
	tcase_add_test(all, the_history_is_parsed_row_by_row_off_the_loop_thread);
	tcase_add_test(all, the_history_is_requested_day_by_day);
	tcase_add_loop_test(all, an_invalid_history_is_uncertain, 0, COUNT_OF(no_lists));
	tcase_add_test(all, a_dialect_without_a_history_refuses);
	tcase_add_test(all, a_day_of_forty_thousand_transactions_is_read);
	tcase_add_test(all, a_day_over_the_size_limit_is_reported);
	tcase_add_test(all, a_gateway_may_be_freed_while_a_history_is_parsed);
	suite_add_tcase(suite, all);
	return suite;
}

int main(void)
{
	return suite_run(gateway_suite());
}
