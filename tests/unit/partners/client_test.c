/* SPDX-License-Identifier: MIT
 *
 * The client against a server in the same process: results, that each call completes once, and the
 * requests that the server receives. getaddrinfo is replaced below, to simulate a slow resolver
 * and names that resolve to private addresses.
 */
#include <dlfcn.h>
#include <netdb.h>

#include "../suite.h"
#include "peer.h"
#include "reeyo/core/clock.h"
#include "reeyo/core/log.h"
#include "reeyo/partners/counters.h"
#include "transfer.h"

static struct loop *loop;
static struct client *client;
static struct partner *partner;
static struct peer *peer;
static uv_timer_t guard;
static unsigned expected;

/* Resolving slow.test blocks until this is set (at most a minute). */
static atomic_bool resolve_now;
static atomic_uint resolved;

/* private.test and all other names resolve to this machine. */
int getaddrinfo(
	const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **ret)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
		(int (*)(const char *, const char *, const struct addrinfo *,
			struct addrinfo **))dlsym(RTLD_NEXT, "getaddrinfo");

	if (node && strcmp(node, "slow.test") == 0) {
		for (int i = 0; i < 6000 && !resolve_now; i++)
			usleep(10000);
		resolved++;
	}
	if (node && strcmp(node, "nowhere.test") == 0)
		return EAI_NONAME;
	return real(node && strstr(node, ".test") ? "127.0.0.1" : node, service, hints, ret);
}

/* --- The service ------------------------------------------------------------------------------ */

static void serve_large(struct peer_request *rq, size_t len)
{
	char *text = malloc(len + 1);

	memset(text, 'x', len);
	text[len] = '\0';
	peer_reply(rq, 200, "", text);
	free(text);
}

static void serve_many_headers(struct peer_request *rq)
{
	char line[1024];

	peer_write(rq, "HTTP/1.1 200 Fine\r\n", 19);
	memset(line, 'h', sizeof(line));
	memcpy(line, "X: ", 3);
	memcpy(line + sizeof(line) - 2, "\r\n", 2);
	for (int i = 0; i < 100 && !rq->closed; i++)
		peer_write(rq, line, sizeof(line));
	peer_write(rq, "\r\n", 2);
	rq->closed = true;
}

/* Announces `len` bytes but sends two. */
static void serve_half(struct peer_request *rq, unsigned len)
{
	char head[128];

	snprintf(head, sizeof(head), "HTTP/1.1 200 Fine\r\nContent-Length: %u\r\n\r\n%s", len,
		len ? "ok" : "");
	peer_write(rq, head, strlen(head));
	if (len > 2)
		peer_sleep(rq, 60000);
}

static atomic_bool healthy;

static void serve(struct peer_request *rq)
{
	const char *word = rq->path + 1, *number = strrchr(rq->path, '/') + 1;

	if (strncmp(word, "slow", 4) == 0)
		peer_sleep(rq, atoi(number));
	if (strncmp(word, "say", 3) == 0)
		peer_reply(rq, atoi(number), "Retry-After: 7\r\n", "body");
	else if (strcmp(word, "moody") == 0)
		peer_reply(rq, healthy ? 200 : 500, "", "");
	else if (strcmp(word, "reset") == 0 || (strcmp(word, "second-resets") == 0 && rq->nth > 1))
		peer_reset(rq);
	else if (strncmp(word, "large", 5) == 0)
		serve_large(rq, strtoul(number, NULL, 10));
	else if (strncmp(word, "half", 4) == 0)
		serve_half(rq, (unsigned)atoi(number));
	else if (strcmp(word, "headers") == 0)
		serve_many_headers(rq);
	else if (strcmp(word, "away") == 0)
		peer_reply(rq, 302, "Location: /say/200\r\n", "away");
	else if (strcmp(word, "echo") == 0)
		peer_reply(rq, 200, "", rq->all);
	else
		peer_reply(rq, 200, "", "ok");
}

/* --- The caller ------------------------------------------------------------------------------- */

struct attempt {
	struct client_call call;
	unsigned completions;
	int error;
	bool unsent, has_why;
	long status;
	int64_t retry_after;
	char url[128], body[2048];
	size_t len;
};

static void call_done(struct client_call *call, const struct client_answer *got)
{
	struct attempt *attempt = call->owner;

	attempt->completions++;
	attempt->error = got->error;
	attempt->unsent = got->unsent;
	attempt->status = got->status;
	attempt->retry_after = got->retry_after_s;
	attempt->has_why = got->why != NULL;
	attempt->len = got->body.len;
	snprintf(attempt->body, sizeof(attempt->body), "%.*s", TEXT_ARGS(got->body));
	if (--expected == 0)
		loop_stop(loop);
}

static void too_long(uv_timer_t *timer)
{
	(void)timer;
	ck_abort_msg("no completion for four minutes");
}

/* Runs the loop until `count` calls have completed. */
static void await(unsigned count)
{
	expected = count;
	uv_timer_start(&guard, too_long, 240000, 0);
	loop_run(loop);
	ck_assert_uint_eq(expected, 0);
}

static void stop(uv_timer_t *timer)
{
	(void)timer;
	loop_stop(loop);
}

static void run_for(uint64_t ms)
{
	uv_timer_start(&guard, stop, ms, 0);
	loop_run(loop);
}

static void attempt_start_at(struct attempt *attempt, const char *host, const char *path)
{
	attempt->call.partner = attempt->call.partner ? attempt->call.partner : partner;
	attempt->call.method = attempt->call.method ? attempt->call.method : "GET";
	snprintf(attempt->url, sizeof(attempt->url), "http://%s:%u%s", host, peer->port, path);
	attempt->call.url = attempt->url;
	attempt->call.done = call_done;
	attempt->call.owner = attempt;
	client_call(client, &attempt->call);
	ck_assert_uint_eq(attempt->completions, 0);
}

static void attempt_start(struct attempt *attempt, const char *path)
{
	attempt_start_at(attempt, "127.0.0.1", path);
}

static void attempt_run(struct attempt *attempt, const char *path)
{
	attempt_start(attempt, path);
	await(1);
	ck_assert_uint_eq(attempt->completions, 1);
}

static void partner_make(unsigned at_once, unsigned waiting, unsigned timeout_ms, unsigned failures,
	unsigned pause_ms)
{
	partner = partner_new(client, "peer",
		&(struct partner_limits){ at_once, waiting, timeout_ms, failures, pause_ms });
}

static uint64_t counted(unsigned which)
{
	return loop_counters(loop)->value[which];
}

static void world_open(void)
{
	log_set_level(LOG_OFF);
	healthy = false;
	ck_assert_int_eq(loop_new(0, &loop), 0);
	ck_assert_int_eq(client_new(loop, &client), 0);
	uv_timer_init(loop_uv(loop), &guard);
	peer = peer_open(serve);
	partner_make(4, 8, 30000, 0, 0);
}

static void world_close(void)
{
	client_free(client);
	client = NULL;
	loop_free(loop);
	peer_close(peer);
}

/* --- Calls ------------------------------------------------------------------------------------ */

START_TEST(a_response_has_status_and_body)
{
	struct attempt attempt = { 0 };

	attempt_run(&attempt, "/ok");
	ck_assert_int_eq(attempt.error, 0);
	ck_assert_int_eq(attempt.status, 200);
	ck_assert_str_eq(attempt.body, "ok");
	ck_assert(!attempt.unsent);
	ck_assert_uint_eq(counted(COUNT_PARTNERS_ANSWERED), 1);
	ck_assert_uint_eq(counted(COUNT_PARTNERS_RUNNING), 0);
}
END_TEST

START_TEST(a_request_arrives_unchanged)
{
	char body[] = "a=1&b=2 and more", url_scratch[16] = "X-Own: yes";
	struct attempt attempt = { .call = { .method = "POST",
					   .headers = { url_scratch, "Content-Type: text/plain" },
					   .body = { body, 7 },
					   .user = "me",
					   .password = "secret" } };

	attempt_start(&attempt, "/echo");
	memset(body, '!', sizeof(body) - 1); /* the client has copied it */
	memset(url_scratch, '!', sizeof(url_scratch) - 1);
	memset(attempt.url, '!', 10);
	await(1);
	ck_assert_ptr_nonnull(strstr(attempt.body, "POST /echo HTTP/1.1\r\n"));
	ck_assert_ptr_nonnull(strstr(attempt.body, "X-Own: yes\r\n"));
	ck_assert_ptr_nonnull(strstr(attempt.body, "Content-Type: text/plain\r\n"));
	ck_assert_ptr_nonnull(strstr(attempt.body, "Authorization: Basic bWU6c2VjcmV0\r\n"));
	ck_assert_ptr_nonnull(strstr(attempt.body, "\r\n\r\na=1&b=2"));
	ck_assert_ptr_null(strstr(attempt.body, "Expect"));
	ck_assert_ptr_null(strstr(attempt.body, "and more"));
}
END_TEST

START_TEST(a_request_is_signed_for_aws)
{
	struct attempt attempt = { .call = { .method = "POST",
					   .body = TEXT("Action=Publish"),
					   .user = "KEYID",
					   .password = "secret",
					   .aws_sigv4 = "aws:amz:eu-west-1:sns" } };

	attempt_run(&attempt, "/echo");
	ck_assert_ptr_nonnull(
		strstr(attempt.body, "Authorization: AWS4-HMAC-SHA256 Credential=KEYID/"));
	ck_assert_ptr_nonnull(strstr(attempt.body, "/eu-west-1/sns/aws4_request"));
	ck_assert_ptr_nonnull(strcasestr(attempt.body, "X-Amz-Date: "));
}
END_TEST

START_TEST(other_methods_and_empty_bodies_are_sent)
{
	struct attempt deleted = { .call = { .method = "DELETE" } },
		       posted = { .call = { .method = "POST" } };

	attempt_run(&deleted, "/echo");
	ck_assert_ptr_nonnull(strstr(deleted.body, "DELETE /echo "));
	attempt_run(&posted, "/echo");
	ck_assert_ptr_nonnull(strstr(posted.body, "Content-Length: 0\r\n"));
}
END_TEST

START_TEST(a_redirect_is_not_followed)
{
	struct attempt attempt = { 0 };

	attempt_run(&attempt, "/away");
	ck_assert_int_eq(attempt.status, 302);
	ck_assert_uint_eq(peer->requests, 1);
}
END_TEST

START_TEST(retry_after_is_reported_for_429_and_503_only)
{
	struct attempt attempt[3] = { 0 };

	attempt_run(&attempt[0], "/say/429");
	ck_assert_int_eq(attempt[0].retry_after, 7);
	attempt_run(&attempt[1], "/say/503");
	ck_assert_int_eq(attempt[1].retry_after, 7);
	attempt_run(&attempt[2], "/say/200");
	ck_assert_int_eq(attempt[2].retry_after, 0);
}
END_TEST

START_TEST(a_connection_is_reused)
{
	for (int i = 0; i < 5; i++) {
		struct attempt attempt = { 0 };

		attempt_run(&attempt, "/ok");
	}
	ck_assert_uint_eq(peer->requests, 5);
	ck_assert_uint_eq(peer->connections, 1);
}
END_TEST

/* --- Failures --------------------------------------------------------------------------------- */

START_TEST(without_a_connection_nothing_was_sent)
{
	struct attempt attempt = { .call = { .method = "POST" } }, nowhere = { 0 };

	shutdown(peer->fd, SHUT_RDWR); /* stops listening */
	attempt_run(&attempt, "/ok");
	ck_assert_int_eq(attempt.error, E_STORE_DOWN);
	ck_assert(attempt.unsent);
	ck_assert(attempt.has_why);
	attempt_start_at(&nowhere, "nowhere.test", "/ok");
	await(1);
	ck_assert_int_eq(nowhere.error, E_STORE_DOWN);
	ck_assert(nowhere.unsent);
}
END_TEST

START_TEST(a_lost_connection_may_have_sent_the_request)
{
	struct attempt attempt = { .call = { .method = "POST", .body = TEXT("x") } };

	attempt_run(&attempt, "/reset");
	ck_assert_int_eq(attempt.error, E_STORE_DOWN);
	ck_assert(!attempt.unsent);
	ck_assert_int_eq(attempt.status, 0);
	ck_assert_uint_eq(counted(COUNT_PARTNERS_FAILED), 1);
}
END_TEST

START_TEST(a_post_on_a_closed_reused_connection_is_not_repeated)
{
	struct attempt first = { .call = { .method = "POST" } }, second = first;

	attempt_run(&first, "/second-resets");
	ck_assert_int_eq(first.status, 200);
	attempt_run(&second, "/second-resets");
	ck_assert_int_eq(second.error, E_STORE_DOWN);
	ck_assert(!second.unsent);
	ck_assert_uint_eq(peer->requests, 2);
}
END_TEST

START_TEST(a_get_on_a_closed_reused_connection_is_repeated)
{
	struct attempt first = { 0 }, second = { 0 };

	attempt_run(&first, "/second-resets");
	attempt_run(&second, "/second-resets");
	ck_assert_int_eq(second.status, 200);
	ck_assert_uint_eq(peer->requests, 3);
}
END_TEST

START_TEST(a_slow_service_times_out)
{
	struct attempt attempt = { .call = { .method = "POST" } };

	partner_make(4, 8, 150, 0, 0);
	attempt_run(&attempt, "/slow/5000");
	ck_assert_int_eq(attempt.error, E_TIMED_OUT);
	ck_assert(!attempt.unsent);
}
END_TEST

START_TEST(a_response_over_the_size_limit_is_refused)
{
	struct attempt fits = { .call = { .max_answer = 1000 } },
		       over = { .call = { .max_answer = 1000 } }, default_limit = { 0 };

	attempt_run(&fits, "/large/1000");
	ck_assert_int_eq(fits.error, 0);
	ck_assert_uint_eq(fits.len, 1000);
	attempt_run(&over, "/large/1001");
	ck_assert_int_eq(over.error, E_BODY_TOO_LARGE);
	ck_assert_int_eq(over.status, 200);
	attempt_run(&default_limit, "/large/65537");
	ck_assert_int_eq(default_limit.error, E_BODY_TOO_LARGE);
}
END_TEST

START_TEST(a_status_only_call_does_not_wait_for_the_body)
{
	static const char *const paths[] = { "/half/1000", "/large/70000", "/say/200", "/ok" };

	partner_make(4, 8, 30000, 1, 60000); /* the rest of the body would come later */
	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		struct attempt attempt = { .call = { .method = "POST", .status_only = true } };

		attempt_run(&attempt, paths[i]);
		ck_assert_int_eq(attempt.error, 0);
		ck_assert_int_eq(attempt.status, 200);
		ck_assert_uint_eq(attempt.len, 0);
		ck_assert(!attempt.has_why);
	}
	ck_assert_uint_eq(peer->connections, 3); /* a short response keeps its connection */
}
END_TEST

START_TEST(an_incomplete_body_is_not_returned)
{
	struct attempt attempt = { 0 };

	partner_make(4, 8, 200, 0, 0);
	attempt_run(&attempt, "/half/1000");
	ck_assert_int_eq(attempt.error, E_TIMED_OUT);
	ck_assert_int_eq(attempt.status, 0);
	ck_assert_uint_eq(attempt.len, 0);
}
END_TEST

START_TEST(endless_headers_are_refused)
{
	struct attempt attempt = { 0 };

	attempt_run(&attempt, "/headers");
	ck_assert_int_eq(attempt.error, E_BODY_TOO_LARGE);
}
END_TEST

START_TEST(a_url_other_than_http_is_refused)
{
	static const char *const urls[] = { "file:///etc/passwd", "ftp://127.0.0.1/",
		"gopher://127.0.0.1/", "", "http://" };

	for (size_t i = 0; i < COUNT_OF(urls); i++) {
		struct attempt attempt = { .call = { .partner = partner,
						   .method = "GET",
						   .url = urls[i],
						   .done = call_done } };

		attempt.call.owner = &attempt;
		client_call(client, &attempt.call);
		await(1);
		ck_assert_int_eq(attempt.error, E_STORE_DOWN);
		ck_assert(attempt.unsent);
	}
}
END_TEST

/* --- Bounds ----------------------------------------------------------------------------------- */

START_TEST(calls_over_the_limits_wait_and_then_are_refused)
{
	struct attempt attempt[14] = { 0 };
	unsigned served = 0, refused = 0;

	for (size_t i = 0; i < COUNT_OF(attempt); i++)
		attempt_start(&attempt[i], "/slow/50");
	ck_assert_uint_eq(counted(COUNT_PARTNERS_RUNNING), 4);
	ck_assert_uint_eq(counted(COUNT_PARTNERS_WAITING), 8);
	await(COUNT_OF(attempt));
	for (size_t i = 0; i < COUNT_OF(attempt); i++) {
		ck_assert_uint_eq(attempt[i].completions, 1);
		served += attempt[i].error == 0;
		refused += attempt[i].error == E_BUSY && attempt[i].unsent;
	}
	ck_assert_uint_eq(served, 12);
	ck_assert_uint_eq(refused, 2);
	ck_assert_uint_eq(peer->most, 4);
	ck_assert_uint_eq(counted(COUNT_PARTNERS_REFUSED), 2);
	ck_assert_uint_eq(counted(COUNT_PARTNERS_WAITING), 0);
}
END_TEST

START_TEST(a_queued_call_times_out)
{
	struct attempt slow = { 0 }, waits = { 0 };

	partner_make(1, 8, 200, 0, 0);
	attempt_start(&slow, "/slow/5000");
	run_for(100);
	attempt_start(&waits, "/slow/5000");
	await(1);
	ck_assert_int_eq(slow.error, E_TIMED_OUT);
	await(1);
	ck_assert_int_eq(waits.error, E_TIMED_OUT);
	ck_assert(waits.completions == 1);
}
END_TEST

START_TEST(two_hundred_calls_at_once_complete_once_each)
{
	struct attempt *attempt = calloc(200, sizeof(*attempt));

	partner_make(50, 150, 10000, 0, 0);
	for (int i = 0; i < 200; i++)
		attempt_start(&attempt[i], "/slow/100");
	await(200);
	for (int i = 0; i < 200; i++) {
		ck_assert_uint_eq(attempt[i].completions, 1);
		ck_assert_int_eq(attempt[i].error, 0);
	}
	ck_assert_uint_eq(peer->most, 50);
	free(attempt);
}
END_TEST

/* --- The breaker ------------------------------------------------------------------------------ */

START_TEST(consecutive_failures_open_the_breaker_and_a_success_closes_it)
{
	struct attempt attempt[8] = { 0 };

	partner_make(4, 8, 30000, 3, 200);
	for (int i = 0; i < 3; i++) {
		ck_assert(partner_available(partner));
		attempt_run(&attempt[i], "/moody");
		ck_assert_int_eq(attempt[i].status, 500);
	}
	ck_assert(!partner_available(partner));
	ck_assert_uint_eq(counted(COUNT_PARTNERS_BREAKER_OPEN), 1);
	attempt_run(&attempt[3], "/moody");
	ck_assert_int_eq(attempt[3].error, E_BUSY);
	ck_assert(attempt[3].unsent);
	ck_assert_uint_eq(peer->requests, 3);
	run_for(250); /* the pause plus 20 % */
	ck_assert(partner_available(partner));
	healthy = true;
	attempt_run(&attempt[4], "/moody");
	ck_assert_int_eq(attempt[4].status, 200);
	ck_assert(partner_available(partner));
	ck_assert_uint_eq(counted(COUNT_PARTNERS_BREAKER_OPEN), 0);
}
END_TEST

START_TEST(calls_are_refused_during_the_trial_call)
{
	struct attempt attempt[5] = { 0 };

	partner_make(4, 8, 30000, 1, 100);
	attempt_run(&attempt[0], "/moody");
	run_for(150);
	attempt_start(&attempt[1], "/slow/100");
	attempt_start(&attempt[2], "/ok");
	await(2);
	ck_assert_int_eq(attempt[1].error, 0);
	ck_assert_int_eq(attempt[2].error, E_BUSY);
	ck_assert(partner_available(partner));
}
END_TEST

START_TEST(after_a_cancelled_trial_the_next_call_is_the_trial)
{
	struct attempt attempt[3] = { 0 };

	partner_make(4, 8, 30000, 1, 100);
	attempt_run(&attempt[0], "/moody");
	run_for(150);
	attempt_start(&attempt[1], "/slow/5000");
	client_cancel(&attempt[1].call);
	attempt_run(&attempt[2], "/ok");
	ck_assert_int_eq(attempt[2].error, 0);
	ck_assert_uint_eq(attempt[1].completions, 0);
}
END_TEST

START_TEST(queued_calls_are_refused_when_the_breaker_opens)
{
	struct attempt attempt[6] = { 0 };

	partner_make(1, 8, 30000, 1, 60000);
	for (size_t i = 0; i < COUNT_OF(attempt); i++)
		attempt_start(&attempt[i], "/moody");
	await(COUNT_OF(attempt));
	ck_assert_int_eq(attempt[0].status, 500);
	for (size_t i = 1; i < COUNT_OF(attempt); i++) {
		ck_assert_int_eq(attempt[i].error, E_BUSY);
		ck_assert(attempt[i].unsent);
	}
	ck_assert_uint_eq(peer->requests, 1);
}
END_TEST

START_TEST(client_errors_do_not_open_the_breaker)
{
	struct attempt attempt[4] = { [3] = { .call = { .public_only = true } } };

	partner_make(4, 8, 30000, 1, 60000);
	attempt_run(&attempt[0], "/say/404");
	attempt_run(&attempt[1], "/say/429");
	attempt_run(&attempt[2], "/large/70000");
	attempt_run(&attempt[3], "/ok");
	ck_assert_int_eq(attempt[3].error, E_NOT_OWNER);
	ck_assert(partner_available(partner));
}
END_TEST

START_TEST(the_pause_is_jittered_by_a_fifth)
{
	struct breaker breaker = { .limit = 1, .pause_ms = 1000 };
	bool trial;

	breaker_failed(&breaker, false, 5000, 0);
	ck_assert(!breaker_would_admit(&breaker, 5799));
	ck_assert(breaker_admit(&breaker, 5800, &trial));
	ck_assert(trial);
	breaker_failed(&breaker, true, 6000, 999);
	ck_assert(!breaker_would_admit(&breaker, 7198));
	ck_assert(breaker_would_admit(&breaker, 7200));
}
END_TEST

/* --- Private addresses ------------------------------------------------------------------------ */

START_TEST(a_private_address_is_refused_under_any_name)
{
	static const char *const hosts[] = { "127.0.0.1", "private.test", "localhost", "2130706433",
		"0x7f.1" };

	for (size_t i = 0; i < COUNT_OF(hosts); i++) {
		struct attempt attempt = { .call = { .public_only = true } };

		attempt_start_at(&attempt, hosts[i], "/ok");
		await(1);
		ck_assert_int_eq(attempt.error, E_NOT_OWNER);
		ck_assert(attempt.unsent);
	}
	ck_assert_uint_eq(peer->connections, 0);
}
END_TEST

START_TEST(a_reused_connection_to_a_private_address_is_refused)
{
	struct attempt open = { 0 }, closed = { .call = { .public_only = true } };

	attempt_run(&open, "/ok");
	attempt_run(&closed, "/ok");
	ck_assert_int_eq(closed.error, E_NOT_OWNER);
	ck_assert(closed.unsent);
	ck_assert_uint_eq(peer->requests, 1);
}
END_TEST

/* --- Cancelling and closing ------------------------------------------------------------------- */

START_TEST(a_cancelled_call_is_not_completed)
{
	struct attempt runs = { 0 }, waits = { 0 }, refused = { 0 }, after = { 0 }, ended = { 0 };

	client_cancel(&ended.call);
	partner_make(1, 1, 30000, 0, 0);
	attempt_start(&runs, "/slow/5000");
	attempt_start(&waits, "/ok");
	attempt_start(&refused, "/ok");
	client_cancel(&refused.call);
	client_cancel(&waits.call);
	client_cancel(&runs.call);
	client_cancel(&runs.call);
	attempt_run(&after, "/ok");
	client_cancel(&after.call);
	run_for(50);
	ck_assert_uint_eq(runs.completions + waits.completions + refused.completions, 0);
	ck_assert_uint_eq(after.completions, 1);
	ck_assert_uint_eq(counted(COUNT_PARTNERS_RUNNING), 0);
}
END_TEST

START_TEST(a_cancelled_call_frees_its_slot)
{
	struct attempt runs = { 0 }, waits = { 0 };

	partner_make(1, 1, 30000, 0, 0);
	attempt_start(&runs, "/slow/5000");
	attempt_start(&waits, "/ok");
	client_cancel(&runs.call);
	await(1);
	ck_assert_str_eq(waits.body, "ok");
}
END_TEST

START_TEST(closing_completes_each_call_once)
{
	struct attempt sent = { .call = { .method = "POST" } }, waits = { 0 }, refused = { 0 };

	partner_make(1, 1, 30000, 0, 0);
	attempt_start(&sent, "/slow/5000");
	run_for(100);
	attempt_start(&waits, "/ok");
	attempt_start(&refused, "/ok");
	expected = 100;
	client_free(client);
	client = NULL;
	ck_assert_uint_eq(sent.completions, 1);
	ck_assert_int_eq(sent.error, E_DRAINING);
	ck_assert(!sent.unsent);
	ck_assert_int_eq(waits.error, E_DRAINING);
	ck_assert(waits.unsent);
	ck_assert_int_eq(refused.error, E_BUSY);
}
END_TEST

START_TEST(a_slow_name_resolution_does_not_block)
{
	struct attempt cancelled = { 0 }, closed = { 0 }, other = { 0 };

	attempt_start_at(&cancelled, "slow.test", "/ok");
	attempt_start_at(&closed, "slow.test", "/ok");
	run_for(50);
	client_cancel(&cancelled.call);
	attempt_run(&other, "/ok");
	expected = 100;
	client_free(client);
	client = NULL;
	ck_assert_int_eq(closed.error, E_DRAINING);
	ck_assert(closed.unsent);
	ck_assert_uint_eq(resolved, 0);
	resolve_now = true;
	for (int i = 0; i < 6000 && resolved < 2; i++)
		usleep(10000);
	ck_assert_uint_eq(resolved, 2);
	usleep(100000); /* the threads must end, or they count as leaks */
}
END_TEST

static void call_repeat(struct client_call *call, const struct client_answer *got)
{
	struct attempt *attempt = call->owner;

	call_done(call, got);
	if (attempt->completions < 5)
		client_call(client, call);
}

START_TEST(a_call_may_be_repeated_from_its_completion)
{
	struct attempt attempt = { 0 };

	attempt_start(&attempt, "/ok");
	attempt.call.done = call_repeat;
	await(5);
	ck_assert_uint_eq(attempt.completions, 5);
	ck_assert_uint_eq(peer->requests, 5);
}
END_TEST

START_TEST(an_idle_client_runs_no_timer)
{
	struct attempt attempt = { 0 };

	attempt_run(&attempt, "/ok");
	uv_timer_stop(&guard);
	run_for(300);
	ck_assert(!uv_is_active((uv_handle_t *)&client->timer));
	ck_assert(!client->hook.wanted);
}
END_TEST

static Suite *client_suite(void)
{
	const struct {
		const char *name;
		const TTest *tests[12];
	} cases[] = {
		{ "calls",
			{ a_response_has_status_and_body, a_request_arrives_unchanged,
				a_request_is_signed_for_aws,
				other_methods_and_empty_bodies_are_sent, a_redirect_is_not_followed,
				retry_after_is_reported_for_429_and_503_only,
				a_connection_is_reused } },
		{ "failures",
			{ without_a_connection_nothing_was_sent,
				a_lost_connection_may_have_sent_the_request,
				a_post_on_a_closed_reused_connection_is_not_repeated,
				a_get_on_a_closed_reused_connection_is_repeated,
				a_slow_service_times_out, a_response_over_the_size_limit_is_refused,
				endless_headers_are_refused,
				a_status_only_call_does_not_wait_for_the_body,
				an_incomplete_body_is_not_returned,
				a_url_other_than_http_is_refused } },
		{ "bounds",
			{ calls_over_the_limits_wait_and_then_are_refused, a_queued_call_times_out,
				two_hundred_calls_at_once_complete_once_each } },
		{ "breaker",
			{ consecutive_failures_open_the_breaker_and_a_success_closes_it,
				calls_are_refused_during_the_trial_call,
				after_a_cancelled_trial_the_next_call_is_the_trial,
				queued_calls_are_refused_when_the_breaker_opens,
				client_errors_do_not_open_the_breaker,
				the_pause_is_jittered_by_a_fifth } },
		{ "private",
			{ a_private_address_is_refused_under_any_name,
				a_reused_connection_to_a_private_address_is_refused } },
		{ "ends",
			{ a_cancelled_call_is_not_completed, a_cancelled_call_frees_its_slot,
				closing_completes_each_call_once,
				a_slow_name_resolution_does_not_block,
				a_call_may_be_repeated_from_its_completion,
				an_idle_client_runs_no_timer } },
	};
	Suite *suite = suite_create("client");

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		TCase *tcase = tcase_create(cases[i].name);

		tcase_add_checked_fixture(tcase, world_open, world_close);
		tcase_set_timeout(tcase, 300);
		for (size_t j = 0; cases[i].tests[j]; j++)
			tcase_add_test(tcase, cases[i].tests[j]);
		suite_add_tcase(suite, tcase);
	}
	return suite;
}

int main(void)
{
	return suite_run(client_suite());
}
