/* SPDX-License-Identifier: MIT
 *
 * The gateway's calls against a service in the same process, in both dialects: what is sent, what a
 * caller is told, and how often a token is fetched.
 */
#include "peer.h"
#include "reeyo/core/clock.h"
#include "reeyo/core/log.h"
#include "reeyo/partners/gateway.h"
#include "told.h"
#include "../suite.h"

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
static char *long_body; /* the service may be sending it still when its caller has heard enough */
static char seen[PEER_REQUEST];
static pthread_mutex_t seen_mutex = PTHREAD_MUTEX_INITIALIZER;

static void answer_token(struct peer_request *rq)
{
	char text[256];

	peer_sleep(rq, 50); /* long enough for others to want it too */
	snprintf(text, sizeof(text), "{\"token\":\"t%u\",%s}", ++tokens, token_more);
	peer_reply(rq, token_status, "", text);
}

static void answer(struct peer_request *rq)
{
	if (strstr(rq->path, "/token"))
		return answer_token(rq);
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

struct asked {
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

static void told(struct gateway_call *call, const struct gateway_answer *got)
{
	struct asked *asked = call->owner;

	asked->completions++;
	asked->outcome = got->outcome;
	asked->state = got->told.state;
	asked->amount = got->told.amount;
	copy(asked->reference, sizeof(asked->reference), got->told.reference);
	copy(asked->external, sizeof(asked->external), got->told.external);
	copy(asked->ussd, sizeof(asked->ussd), got->told.ussd_code);
	copy(asked->operator, sizeof(asked->operator), got->told.operator);
	copy(asked->reason, sizeof(asked->reason), got->told.reason);
	snprintf(asked->why, sizeof(asked->why), "%s", got->why ? got->why : "");
	if (--expected == 0)
		loop_stop(loop);
}

static void too_long(uv_timer_t *timer)
{
	(void)timer;
	ck_abort_msg("nothing came for four minutes");
}

static void await(unsigned count)
{
	expected = count;
	uv_timer_start(&guard, too_long, 240000, 0);
	loop_run(loop);
}

static struct asked new_call(void)
{
	return (struct asked){ .call = { .phone = "+237670000001",
		.amount = 2500, .external = "pay_1",
		.description = "Reeyo \"top-up\"", .reference = "ref-1", .done = told } };
}

static void ask(struct asked *asked, void (*verb)(struct gateway *, struct gateway_call *))
{
	asked->call.owner = asked;
	verb(gateway, &asked->call);
	ck_assert_uint_eq(asked->completions, 0);
}

static struct asked ask_and_await(void (*verb)(struct gateway *, struct gateway_call *))
{
	struct asked asked = new_call();

	ask(&asked, verb);
	await(1);
	ck_assert_uint_eq(asked.completions, 1);
	return asked;
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
		.campay_password = "secret", .campay_app_key = "app-key",
		.campay_webhook_key = "", .gateway_timeout = 10000, .gateway_at_once = 16 };
	ck_assert_int_eq(loop_new(0, &loop), 0);
	uv_timer_init(loop_uv(loop), &guard);
	peer = peer_open(answer);
	gateway_make("campay");
}

static void world_close(void)
{
	gateway_end();
	loop_free(loop);
	peer_close(peer);
	free(TAKE_PTR(long_body));
}

#define SAW(text) ck_assert_msg(strstr(seen, (text)), "%s", seen)

/* --- What is sent, and told ------------------------------------------------------------------- */

START_TEST(collect_asks_a_phone_and_tells_what_to_dial)
{
	struct asked asked = ask_and_await(gateway_collect);

	ck_assert_int_eq(asked.outcome, GATEWAY_TOLD);
	ck_assert_int_eq(asked.state, GATEWAY_PENDING);
	ck_assert_str_eq(asked.reference, "ref-1");
	ck_assert_str_eq(asked.ussd, "*126#");
	ck_assert_str_eq(asked.operator, "MTN");
	ck_assert_int_eq(asked.amount, -1);
	SAW("POST /collect/ HTTP/1.1\r\n");
	SAW("Authorization: Token t1\r\n");
	SAW("\"amount\":\"2500\"");
	SAW("\"currency\":\"XAF\"");
	SAW("\"from\":\"237670000001\"");
	SAW("\"external_reference\":\"pay_1\"");
	SAW("\"description\":\"Reeyo \\\"top-up\\\"\"");
}
END_TEST

START_TEST(withdraw_sends_to_a_phone)
{
	struct asked asked;

	body = "{\"reference\":\"ref-2\",\"status\":\"PENDING\"}";
	asked = ask_and_await(gateway_withdraw);
	ck_assert_int_eq(asked.outcome, GATEWAY_TOLD);
	ck_assert_str_eq(asked.reference, "ref-2");
	SAW("POST /withdraw/ HTTP/1.1\r\n");
	SAW("\"to\":\"237670000001\"");
}
END_TEST

START_TEST(ask_tells_what_became_of_it)
{
	struct asked asked;

	body = "{\"reference\":\"ref-1\",\"external_reference\":\"pay_1\",\"status\":\"FAILED\","
	       "\"amount\":2500,\"reason\":\"no money\"}";
	asked = ask_and_await(gateway_ask);
	ck_assert_int_eq(asked.state, GATEWAY_FAILED);
	ck_assert_int_eq(asked.amount, 2500);
	ck_assert_str_eq(asked.external, "pay_1");
	ck_assert_str_eq(asked.reason, "no money");
	SAW("GET /transaction/ref-1/ HTTP/1.1\r\n");
	body = "{\"reference\":\"ref-1\",\"status\":\"SUCCESSFUL\",\"amount\":\"2500.00\"}";
	asked = ask_and_await(gateway_ask);
	ck_assert_int_eq(asked.state, GATEWAY_SUCCESSFUL);
	ck_assert_int_eq(asked.amount, 2500);
}
END_TEST

START_TEST(a_reference_cannot_leave_its_place_in_the_address)
{
	struct asked asked = new_call();

	asked.call.reference = "../token?x=1&y z";
	ask(&asked, gateway_ask);
	await(1);
	SAW("GET /transaction/%2E%2E%2Ftoken%3Fx%3D1%26y%20z/ HTTP/1.1\r\n");
}
END_TEST

START_TEST(the_upstream_dialect_has_its_own_paths_and_headers)
{
	struct asked asked;

	gateway_end();
	token_more = "\"expires_at\":\"2999-01-01T00:00:00Z\"";
	gateway_make("upstream");
	asked = ask_and_await(gateway_collect);
	ck_assert_int_eq(asked.outcome, GATEWAY_TOLD);
	SAW("POST /collect HTTP/1.1\r\n");
	SAW("Authorization: Bearer t1\r\n");
	SAW("X-API-KEY: app-key\r\n");
	ask_and_await(gateway_withdraw);
	SAW("POST /disburse HTTP/1.1\r\n");
	ask_and_await(gateway_ask);
	SAW("GET /transaction/ref-1 HTTP/1.1\r\n");
	ck_assert_uint_eq(tokens, 1);
}
END_TEST

static const struct amount {
	const char *json;
	int64_t amount;
} amounts[] = {
	{ "1000", 1000 }, { "\"1000\"", 1000 }, { "\"1000.00\"", 1000 }, { "1000.0", 1000 },
	{ "0", 0 }, { "\"9223372036854775807\"", INT64_MAX }, { "1000.5", -1 },
	{ "\"1000.50\"", -1 }, { "-5", -1 }, { "\"-5\"", -1 }, { "\"9223372036854775808\"", -1 },
	{ "1e300", -1 }, { "\"1e3\"", -1 }, { "\"\"", -1 }, { "\"1 000\"", -1 }, { "null", -1 },
	{ "true", -1 }, { "[1000]", -1 }, { "\"0x10\"", -1 }, { "\".00\"", -1 },
};

START_TEST(an_amount_is_a_whole_number_or_untold)
{
	json_t *json = json_loads(amounts[_i].json, JSON_DECODE_ANY, NULL);

	ck_assert_msg(told_amount(json) == amounts[_i].amount, "%s", amounts[_i].json);
	json_decref(json);
}
END_TEST

/* --- What an answer means --------------------------------------------------------------------- */

static const struct meaning {
	int status;
	const char *body;
	enum gateway_outcome outcome;
} meanings[] = {
	{ 201, "{\"reference\":\"r\"}", GATEWAY_TOLD },
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

START_TEST(only_what_is_plainly_a_refusal_is_one)
{
	struct asked asked;

	status = meanings[_i].status;
	body = meanings[_i].body;
	asked = ask_and_await(gateway_collect);
	ck_assert_int_eq(asked.outcome, meanings[_i].outcome);
	ck_assert(asked.outcome == GATEWAY_TOLD || asked.why[0]);
	if (status == 400)
		ck_assert_str_eq(asked.why, "Invalid phone number");
}
END_TEST

START_TEST(a_gateway_that_is_not_there_has_done_nothing)
{
	shutdown(peer->fd, SHUT_RDWR);
	ck_assert_int_eq(ask_and_await(gateway_collect).outcome, GATEWAY_UNREACHED);
}
END_TEST

START_TEST(a_gateway_that_fails_is_left_alone)
{
	struct asked asked;

	status = 500;
	for (int i = 0; i < 5; i++) {
		ck_assert(gateway_up(gateway));
		ask_and_await(gateway_collect);
	}
	ck_assert(!gateway_up(gateway));
	asked = ask_and_await(gateway_collect);
	ck_assert_int_eq(asked.outcome, GATEWAY_UNREACHED);
	ck_assert_uint_eq(peer->asked, 6);
}
END_TEST

START_TEST(a_gateway_without_credentials_is_off)
{
	gateway_end();
	config.campay_username = "";
	gateway_make("campay");
	ck_assert(!gateway_on(gateway));
	ck_assert(!gateway_up(gateway));
	ck_assert_int_eq(ask_and_await(gateway_collect).outcome, GATEWAY_UNREACHED);
	ck_assert_uint_eq(peer->asked, 0);
}
END_TEST

START_TEST(what_cannot_be_written_is_refused_later)
{
	struct asked asked = new_call();

	asked.call.description = "\xff\xfe";
	ask(&asked, gateway_collect);
	await(1);
	ck_assert_int_eq(asked.outcome, GATEWAY_UNREACHED);
}
END_TEST

/* --- Tokens ----------------------------------------------------------------------------------- */

static void many(struct asked *asked, int count)
{
	for (int i = 0; i < count; i++) {
		asked[i] = new_call();
		ask(&asked[i], gateway_collect);
	}
	await((unsigned)count);
	for (int i = 0; i < count; i++)
		ck_assert_uint_eq(asked[i].completions, 1);
}

START_TEST(a_token_is_fetched_once_for_all_who_wait)
{
	struct asked asked[50];

	many(asked, 50);
	for (int i = 0; i < 50; i++)
		ck_assert_int_eq(asked[i].outcome, GATEWAY_TOLD);
	ck_assert_uint_eq(tokens, 1);
	ck_assert_uint_le(peer->most, 16);
	ask_and_await(gateway_ask);
	ck_assert_uint_eq(tokens, 1);
}
END_TEST

START_TEST(a_token_that_is_refused_is_fetched_once_more_for_all)
{
	struct asked asked[50];

	first_token_good = 0;
	many(asked, 50);
	for (int i = 0; i < 50; i++)
		ck_assert_int_eq(asked[i].outcome, GATEWAY_TOLD);
	ck_assert_uint_eq(tokens, 2);
	SAW("Authorization: Token t2\r\n");
}
END_TEST

START_TEST(a_call_that_is_refused_twice_for_its_token_is_told_so)
{
	struct asked asked;

	status = 401;
	body = "{\"detail\":\"no\"}";
	asked = ask_and_await(gateway_collect);
	ck_assert_int_eq(asked.outcome, GATEWAY_UNREACHED);
	ck_assert_str_eq(asked.why, "no");
	ck_assert_uint_eq(tokens, 2);
	ck_assert_uint_eq(peer->asked, 4);
}
END_TEST

START_TEST(without_a_token_nothing_is_sent)
{
	struct asked asked[10];

	token_status = 400;
	many(asked, 10);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(asked[i].outcome, GATEWAY_UNREACHED);
	ck_assert_uint_eq(peer->asked, 1);
}
END_TEST

static const struct life {
	const char *told;
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

/* What lives a second is gone after one and fetched again. */
START_TEST(a_token_is_kept_until_it_ends)
{
	token_more = lives[_i].told;
	ask_and_await(gateway_ask);
	usleep(1100000);
	uv_update_time(loop_uv(loop));
	ask_and_await(gateway_ask);
	ck_assert_uint_eq(tokens, lives[_i].kept ? 1 : 2);
}
END_TEST

static const char *const bad_tokens[] = {
	"\"expires_at\":\"2001-01-01T00:00:00Z\"", "\"token\":\"\"",
	"\"token\":\"a\\r\\nX-Injected: 1\"", "\"token\":7",
};

START_TEST(a_token_that_is_none_is_not_used)
{
	token_more = bad_tokens[_i];
	ck_assert_int_eq(ask_and_await(gateway_collect).outcome, GATEWAY_UNREACHED);
	ck_assert_uint_eq(peer->asked, 1);
}
END_TEST

START_TEST(closing_tells_those_who_wait_and_those_who_are_asked)
{
	struct asked waits = new_call(), sent = new_call();

	ask(&waits, gateway_collect);
	expected = 100;
	gateway_end();
	ck_assert_int_eq(waits.outcome, GATEWAY_UNREACHED);
	ck_assert_uint_eq(waits.completions, 1);
	gateway_make("campay");
	ask_and_await(gateway_ask);
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

static unsigned listed, withdrawals, over;
static int64_t listed_amount;
static enum gateway_outcome list_outcome;
static char list_why[128];
static bool list_ends; /* its gateway is closed by the first row's reading */
static pthread_t list_thread;

static void each(struct gateway_history *history, const struct gateway_told *one, bool withdrawal)
{
	(void)history;
	listed++;
	withdrawals += withdrawal;
	listed_amount += one->amount;
	list_thread = pthread_self();
	ck_assert(one->reference.at);
}

static void list_over(struct gateway_history *history,
	enum gateway_outcome outcome, const char *why)
{
	(void)history;
	list_outcome = outcome;
	snprintf(list_why, sizeof(list_why), "%s", why ? why : "");
	over++;
	loop_stop(loop);
}

static void list_close(uv_timer_t *timer)
{
	if (work_pending() == 0)
		return;
	uv_timer_stop(timer);
	gateway_end();
}

static void list(const char *from, const char *to)
{
	struct gateway_history history = { .each = each, .done = list_over };

	snprintf(history.from, sizeof(history.from), "%s", from);
	snprintf(history.to, sizeof(history.to), "%s", to);
	listed = withdrawals = over = days = 0;
	listed_amount = 0;
	gateway_list(gateway, &history);
	ck_assert_uint_eq(over, 0);
	uv_timer_start(&guard, list_ends ? list_close : too_long, list_ends ? 1 : 240000, 1);
	loop_run(loop);
	ck_assert_uint_eq(over, 1);
}

START_TEST(the_history_is_told_one_by_one_and_read_beside_the_loop)
{
	body = "[{\"reference_uuid\":\"a\",\"amount\":1000,\"debit\":0,\"credit\":985,"
	       "\"status\":\"SUCCESSFUL\"},{\"reference\":\"b\",\"amount\":\"500\",\"debit\":500,"
	       "\"credit\":0,\"status\":\"FAILED\"}]";
	list("2026-11-01", "2026-11-01");
	ck_assert_int_eq(list_outcome, GATEWAY_TOLD);
	ck_assert_uint_eq(listed, 2);
	ck_assert_uint_eq(withdrawals, 1);
	ck_assert_int_eq(listed_amount, 1500);
	ck_assert(!pthread_equal(list_thread, pthread_self()));
	SAW("POST /history/ HTTP/1.1\r\n");
	SAW("{\"start_date\":\"2026-11-01\",\"end_date\":\"2026-11-01\"}");
	body = " { \"count\" : 1, \"links\" : [{\"data\":[]}], \"data\" : [ "
		"{\"reference\":\"c\",\"amount\":7,\"endpoint\":\"withdraw\"} ] }";
	list("2026-11-01", "2026-11-01");
	ck_assert_int_eq(list_outcome, GATEWAY_TOLD);
	ck_assert_uint_eq(listed, 1);
	ck_assert_uint_eq(withdrawals, 1);
	body = "{\"data\":[]}";
	list("2026-11-01", "2026-11-01");
	ck_assert_int_eq(list_outcome, GATEWAY_TOLD);
	ck_assert_uint_eq(listed, 0);
}
END_TEST

START_TEST(the_history_is_asked_day_by_day)
{
	body = "[{\"reference\":\"a\",\"amount\":1}]";
	list("2026-12-30", "2027-01-02");
	ck_assert_int_eq(list_outcome, GATEWAY_TOLD);
	ck_assert_uint_eq(days, 4);
	ck_assert_uint_eq(listed, 4);
	SAW("{\"start_date\":\"2027-01-02\",\"end_date\":\"2027-01-02\"}");
}
END_TEST

#define ROW "{\"reference\":\"a\"}"
static const struct {
	const char *body;
	int status;
} no_lists[] = {
	{ "{\"message\":\"ok\"}", 200 }, { "{\"data\":{}}", 200 }, { "", 200 }, { "7", 200 },
	{ "[", 200 }, { "[" ROW, 200 }, { "[" ROW ",]", 200 }, { "[" ROW "}", 200 },
	{ "{\"data\":[" ROW "]", 200 }, { "{\"data\":[" ROW "],", 200 }, { "{data:[]}", 200 },
	{ "{\"data\"", 200 }, { "[]", 500 },
};

START_TEST(a_history_that_is_none_is_not_told)
{
	body = no_lists[_i].body;
	status = no_lists[_i].status;
	list("2026-11-01", "2026-11-02");
	ck_assert_int_eq(list_outcome, GATEWAY_UNCERTAIN);
	ck_assert_uint_eq(days, 1);
}
END_TEST

START_TEST(a_dialect_without_a_history_refuses_it)
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
	ck_assert_int_eq(list_outcome, GATEWAY_TOLD);
	ck_assert_uint_eq(listed, 40000);
}
END_TEST

START_TEST(a_day_that_is_too_large_is_said_to_be)
{
	long_list(60000);
	list("2026-11-01", "2026-11-02");
	ck_assert_int_eq(list_outcome, GATEWAY_UNCERTAIN);
	ck_assert_str_eq(list_why, "a day of the history is larger than 64 MB");
	ck_assert_uint_eq(listed, 0);
}
END_TEST

START_TEST(a_history_may_be_read_longer_than_its_gateway_lives)
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
	tcase_add_test(all, collect_asks_a_phone_and_tells_what_to_dial);
	tcase_add_test(all, withdraw_sends_to_a_phone);
	tcase_add_test(all, ask_tells_what_became_of_it);
	tcase_add_test(all, a_reference_cannot_leave_its_place_in_the_address);
	tcase_add_test(all, the_upstream_dialect_has_its_own_paths_and_headers);
	tcase_add_loop_test(all, an_amount_is_a_whole_number_or_untold, 0, COUNT_OF(amounts));
	tcase_add_loop_test(all, only_what_is_plainly_a_refusal_is_one, 0, COUNT_OF(meanings));
	tcase_add_test(all, a_gateway_that_is_not_there_has_done_nothing);
	tcase_add_test(all, a_gateway_that_fails_is_left_alone);
	tcase_add_test(all, a_gateway_without_credentials_is_off);
	tcase_add_test(all, what_cannot_be_written_is_refused_later);
	tcase_add_test(all, a_token_is_fetched_once_for_all_who_wait);
	tcase_add_test(all, a_token_that_is_refused_is_fetched_once_more_for_all);
	tcase_add_test(all, a_call_that_is_refused_twice_for_its_token_is_told_so);
	tcase_add_test(all, without_a_token_nothing_is_sent);
	tcase_add_loop_test(all, a_token_is_kept_until_it_ends, 0, COUNT_OF(lives));
	tcase_add_loop_test(all, a_token_that_is_none_is_not_used, 0, COUNT_OF(bad_tokens));
	tcase_add_test(all, closing_tells_those_who_wait_and_those_who_are_asked);
	tcase_add_test(all, the_history_is_told_one_by_one_and_read_beside_the_loop);
	tcase_add_test(all, the_history_is_asked_day_by_day);
	tcase_add_loop_test(all, a_history_that_is_none_is_not_told, 0, COUNT_OF(no_lists));
	tcase_add_test(all, a_dialect_without_a_history_refuses_it);
	tcase_add_test(all, a_day_of_forty_thousand_transactions_is_read);
	tcase_add_test(all, a_day_that_is_too_large_is_said_to_be);
	tcase_add_test(all, a_history_may_be_read_longer_than_its_gateway_lives);
	suite_add_tcase(suite, all);
	return suite;
}

int main(void)
{
	return suite_run(gateway_suite());
}
