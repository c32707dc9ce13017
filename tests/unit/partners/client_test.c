/* SPDX-License-Identifier: MIT
 *
 * The client against a service in the same process: what a caller is told, that he is told once,
 * and what the service gets to see. Names are resolved here (getaddrinfo below), so that a slow or
 * a treacherous one can be played.
 */
#include <dlfcn.h>
#include <netdb.h>

#include "peer.h"
#include "reeyo/core/clock.h"
#include "reeyo/core/log.h"
#include "transfer.h"
#include "../suite.h"

static struct loop *loop;
static struct client *client;
static struct partner *partner;
static struct peer *peer;
static uv_timer_t guard;
static unsigned expected;

/* Look-ups of slow.test take until they are let go (a minute at most). */
static atomic_bool let_go;
static atomic_uint looked_up;

/* private.test and any other name are this machine. */
int getaddrinfo(const char *node, const char *service,
	const struct addrinfo *hints, struct addrinfo **ret)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
		(int (*)(const char *, const char *, const struct addrinfo *,
			struct addrinfo **))dlsym(RTLD_NEXT, "getaddrinfo");

	if (node && strcmp(node, "slow.test") == 0) {
		for (int i = 0; i < 6000 && !let_go; i++)
			usleep(10000);
		looked_up++;
	}
	if (node && strcmp(node, "nowhere.test") == 0)
		return EAI_NONAME;
	return real(node && strstr(node, ".test") ? "127.0.0.1" : node, service, hints, ret);
}

/* --- The service ------------------------------------------------------------------------------ */

static void large(struct peer_request *rq, size_t len)
{
	char *text = malloc(len + 1);

	memset(text, 'x', len);
	text[len] = '\0';
	peer_reply(rq, 200, "", text);
	free(text);
}

static void many_headers(struct peer_request *rq)
{
	char line[1024];

	peer_write(rq, "HTTP/1.1 200 Said\r\n", 19);
	memset(line, 'h', sizeof(line));
	memcpy(line, "X: ", 3);
	memcpy(line + sizeof(line) - 2, "\r\n", 2);
	for (int i = 0; i < 100 && !rq->over; i++)
		peer_write(rq, line, sizeof(line));
	peer_write(rq, "\r\n", 2);
	rq->over = true;
}

/* So much is promised, two bytes come, and the rest does not. */
static void half(struct peer_request *rq, unsigned len)
{
	char head[128];

	snprintf(head, sizeof(head),
		"HTTP/1.1 200 Said\r\nContent-Length: %u\r\n\r\n%s", len, len ? "ok" : "");
	peer_write(rq, head, strlen(head));
	if (len > 2)
		peer_sleep(rq, 60000);
}

static atomic_bool healthy;

static void answer(struct peer_request *rq)
{
	const char *word = rq->path + 1, *number = strrchr(rq->path, '/') + 1;

	if (strncmp(word, "slow", 4) == 0)
		peer_sleep(rq, atoi(number));
	if (strncmp(word, "say", 3) == 0)
		peer_reply(rq, atoi(number), "Retry-After: 7\r\n", "said");
	else if (strcmp(word, "moody") == 0)
		peer_reply(rq, healthy ? 200 : 500, "", "");
	else if (strcmp(word, "reset") == 0 || (strcmp(word, "second-resets") == 0 && rq->nth > 1))
		peer_reset(rq);
	else if (strncmp(word, "large", 5) == 0)
		large(rq, strtoul(number, NULL, 10));
	else if (strncmp(word, "half", 4) == 0)
		half(rq, (unsigned)atoi(number));
	else if (strcmp(word, "headers") == 0)
		many_headers(rq);
	else if (strcmp(word, "away") == 0)
		peer_reply(rq, 302, "Location: /say/200\r\n", "away");
	else if (strcmp(word, "echo") == 0)
		peer_reply(rq, 200, "", rq->all);
	else
		peer_reply(rq, 200, "", "ok");
}

/* --- The caller ------------------------------------------------------------------------------- */

struct asked {
	struct client_call call;
	unsigned completions;
	int error;
	bool unsent, has_why;
	long status;
	int64_t retry_after;
	char url[128], body[2048];
	size_t len;
};

static void told(struct client_call *call, const struct client_answer *got)
{
	struct asked *asked = call->owner;

	asked->completions++;
	asked->error = got->error;
	asked->unsent = got->unsent;
	asked->status = got->status;
	asked->retry_after = got->retry_after_s;
	asked->has_why = got->why != NULL;
	asked->len = got->body.len;
	snprintf(asked->body, sizeof(asked->body), "%.*s", TEXT_ARGS(got->body));
	if (--expected == 0)
		loop_stop(loop);
}

static void too_long(uv_timer_t *timer)
{
	(void)timer;
	ck_abort_msg("nothing came for four minutes");
}

/* Runs until so many calls have ended. */
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

static void ask_at(struct asked *asked, const char *host, const char *path)
{
	asked->call.partner = asked->call.partner ? asked->call.partner : partner;
	asked->call.method = asked->call.method ? asked->call.method : "GET";
	snprintf(asked->url, sizeof(asked->url), "http://%s:%u%s", host, peer->port, path);
	asked->call.url = asked->url;
	asked->call.done = told;
	asked->call.owner = asked;
	client_call(client, &asked->call);
	ck_assert_uint_eq(asked->completions, 0);
}

static void ask(struct asked *asked, const char *path)
{
	ask_at(asked, "127.0.0.1", path);
}

static void ask_and_await(struct asked *asked, const char *path)
{
	ask(asked, path);
	await(1);
	ck_assert_uint_eq(asked->completions, 1);
}

static void partner_make(unsigned at_once, unsigned waiting, unsigned timeout_ms,
	unsigned failures, unsigned pause_ms)
{
	partner = partner_new(client, "peer",
		&(struct partner_limits){ at_once, waiting, timeout_ms, failures, pause_ms });
}

static uint64_t counted(enum counter which)
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
	peer = peer_open(answer);
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

START_TEST(an_answer_comes_with_status_and_body)
{
	struct asked asked = { 0 };

	ask_and_await(&asked, "/ok");
	ck_assert_int_eq(asked.error, 0);
	ck_assert_int_eq(asked.status, 200);
	ck_assert_str_eq(asked.body, "ok");
	ck_assert(!asked.unsent);
	ck_assert_uint_eq(counted(COUNT_PARTNERS_ANSWERED), 1);
	ck_assert_uint_eq(counted(COUNT_PARTNERS_RUNNING), 0);
}
END_TEST

START_TEST(a_request_arrives_as_it_was_given)
{
	char body[] = "a=1&b=2 and more", url_scratch[16] = "X-Own: yes";
	struct asked asked = { .call = { .method = "POST",
		.headers = { url_scratch, "Content-Type: text/plain" },
		.body = { body, 7 }, .user = "me", .password = "secret" } };

	ask(&asked, "/echo");
	memset(body, '!', sizeof(body) - 1); /* what was given is copied */
	memset(url_scratch, '!', sizeof(url_scratch) - 1);
	memset(asked.url, '!', 10);
	await(1);
	ck_assert_ptr_nonnull(strstr(asked.body, "POST /echo HTTP/1.1\r\n"));
	ck_assert_ptr_nonnull(strstr(asked.body, "X-Own: yes\r\n"));
	ck_assert_ptr_nonnull(strstr(asked.body, "Content-Type: text/plain\r\n"));
	ck_assert_ptr_nonnull(strstr(asked.body, "Authorization: Basic bWU6c2VjcmV0\r\n"));
	ck_assert_ptr_nonnull(strstr(asked.body, "\r\n\r\na=1&b=2"));
	ck_assert_ptr_null(strstr(asked.body, "Expect"));
	ck_assert_ptr_null(strstr(asked.body, "and more"));
}
END_TEST

START_TEST(a_request_is_signed_for_aws)
{
	struct asked asked = { .call = { .method = "POST", .body = TEXT("Action=Publish"),
		.user = "KEYID", .password = "secret", .aws_sigv4 = "aws:amz:eu-west-1:sns" } };

	ask_and_await(&asked, "/echo");
	ck_assert_ptr_nonnull(strstr(asked.body,
		"Authorization: AWS4-HMAC-SHA256 Credential=KEYID/"));
	ck_assert_ptr_nonnull(strstr(asked.body, "/eu-west-1/sns/aws4_request"));
	ck_assert_ptr_nonnull(strcasestr(asked.body, "X-Amz-Date: "));
}
END_TEST

START_TEST(other_methods_and_empty_bodies_go_out_too)
{
	struct asked deleted = { .call = { .method = "DELETE" } },
		posted = { .call = { .method = "POST" } };

	ask_and_await(&deleted, "/echo");
	ck_assert_ptr_nonnull(strstr(deleted.body, "DELETE /echo "));
	ask_and_await(&posted, "/echo");
	ck_assert_ptr_nonnull(strstr(posted.body, "Content-Length: 0\r\n"));
}
END_TEST

START_TEST(a_redirect_is_an_answer)
{
	struct asked asked = { 0 };

	ask_and_await(&asked, "/away");
	ck_assert_int_eq(asked.status, 302);
	ck_assert_uint_eq(peer->asked, 1);
}
END_TEST

START_TEST(retry_after_is_told_of_429_and_503_alone)
{
	struct asked asked[3] = { 0 };

	ask_and_await(&asked[0], "/say/429");
	ck_assert_int_eq(asked[0].retry_after, 7);
	ask_and_await(&asked[1], "/say/503");
	ck_assert_int_eq(asked[1].retry_after, 7);
	ask_and_await(&asked[2], "/say/200");
	ck_assert_int_eq(asked[2].retry_after, 0);
}
END_TEST

START_TEST(a_connection_is_used_again)
{
	for (int i = 0; i < 5; i++) {
		struct asked asked = { 0 };

		ask_and_await(&asked, "/ok");
	}
	ck_assert_uint_eq(peer->asked, 5);
	ck_assert_uint_eq(peer->connections, 1);
}
END_TEST

/* --- Failures --------------------------------------------------------------------------------- */

START_TEST(a_service_that_is_not_there_has_seen_nothing)
{
	struct asked asked = { .call = { .method = "POST" } }, nowhere = { 0 };

	shutdown(peer->fd, SHUT_RDWR); /* listens no more */
	ask_and_await(&asked, "/ok");
	ck_assert_int_eq(asked.error, E_STORE_DOWN);
	ck_assert(asked.unsent);
	ck_assert(asked.has_why);
	ask_at(&nowhere, "nowhere.test", "/ok");
	await(1);
	ck_assert_int_eq(nowhere.error, E_STORE_DOWN);
	ck_assert(nowhere.unsent);
}
END_TEST

START_TEST(a_broken_connection_leaves_it_in_doubt)
{
	struct asked asked = { .call = { .method = "POST", .body = TEXT("x") } };

	ask_and_await(&asked, "/reset");
	ck_assert_int_eq(asked.error, E_STORE_DOWN);
	ck_assert(!asked.unsent);
	ck_assert_int_eq(asked.status, 0);
	ck_assert_uint_eq(counted(COUNT_PARTNERS_FAILED), 1);
}
END_TEST

START_TEST(a_post_on_a_kept_connection_that_breaks_is_not_sent_again)
{
	struct asked first = { .call = { .method = "POST" } }, second = first;

	ask_and_await(&first, "/second-resets");
	ck_assert_int_eq(first.status, 200);
	ask_and_await(&second, "/second-resets");
	ck_assert_int_eq(second.error, E_STORE_DOWN);
	ck_assert(!second.unsent);
	ck_assert_uint_eq(peer->asked, 2);
}
END_TEST

START_TEST(a_get_on_a_kept_connection_that_breaks_is)
{
	struct asked first = { 0 }, second = { 0 };

	ask_and_await(&first, "/second-resets");
	ask_and_await(&second, "/second-resets");
	ck_assert_int_eq(second.status, 200);
	ck_assert_uint_eq(peer->asked, 3);
}
END_TEST

START_TEST(a_slow_service_is_given_up)
{
	struct asked asked = { .call = { .method = "POST" } };

	partner_make(4, 8, 150, 0, 0);
	ask_and_await(&asked, "/slow/5000");
	ck_assert_int_eq(asked.error, E_TIMED_OUT);
	ck_assert(!asked.unsent);
}
END_TEST

START_TEST(an_answer_of_the_largest_size_is_taken_and_a_larger_one_is_not)
{
	struct asked fits = { .call = { .max_answer = 1000 } },
		over = { .call = { .max_answer = 1000 } }, unsaid = { 0 };

	ask_and_await(&fits, "/large/1000");
	ck_assert_int_eq(fits.error, 0);
	ck_assert_uint_eq(fits.len, 1000);
	ask_and_await(&over, "/large/1001");
	ck_assert_int_eq(over.error, E_BODY_TOO_LARGE);
	ck_assert_int_eq(over.status, 200);
	ask_and_await(&unsaid, "/large/65537");
	ck_assert_int_eq(unsaid.error, E_BODY_TOO_LARGE);
}
END_TEST

START_TEST(who_wants_the_status_alone_does_not_wait_for_the_rest)
{
	static const char *const paths[] = { "/half/1000", "/large/70000", "/say/200", "/ok" };

	partner_make(4, 8, 30000, 1, 60000); /* the rest comes later than that */
	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		struct asked asked = { .call = { .method = "POST", .status_only = true } };

		ask_and_await(&asked, paths[i]);
		ck_assert_int_eq(asked.error, 0);
		ck_assert_int_eq(asked.status, 200);
		ck_assert_uint_eq(asked.len, 0);
		ck_assert(!asked.has_why);
	}
	ck_assert_uint_eq(peer->connections, 3); /* a short answer keeps its connection */
}
END_TEST

START_TEST(who_wants_the_body_gets_the_whole_or_none)
{
	struct asked asked = { 0 };

	partner_make(4, 8, 200, 0, 0);
	ask_and_await(&asked, "/half/1000");
	ck_assert_int_eq(asked.error, E_TIMED_OUT);
	ck_assert_int_eq(asked.status, 0);
	ck_assert_uint_eq(asked.len, 0);
}
END_TEST

START_TEST(headers_without_end_are_cut)
{
	struct asked asked = { 0 };

	ask_and_await(&asked, "/headers");
	ck_assert_int_eq(asked.error, E_BODY_TOO_LARGE);
}
END_TEST

START_TEST(what_is_no_web_address_is_refused)
{
	static const char *const urls[] = { "file:///etc/passwd", "ftp://127.0.0.1/",
		"gopher://127.0.0.1/", "", "http://" };

	for (size_t i = 0; i < COUNT_OF(urls); i++) {
		struct asked asked = { .call = { .partner = partner, .method = "GET",
			.url = urls[i], .done = told } };

		asked.call.owner = &asked;
		client_call(client, &asked.call);
		await(1);
		ck_assert_int_eq(asked.error, E_STORE_DOWN);
		ck_assert(asked.unsent);
	}
}
END_TEST

/* --- Bounds ----------------------------------------------------------------------------------- */

START_TEST(so_many_at_once_the_next_wait_and_more_are_refused)
{
	struct asked asked[14] = { 0 };
	unsigned answered = 0, refused = 0;

	for (size_t i = 0; i < COUNT_OF(asked); i++)
		ask(&asked[i], "/slow/50");
	ck_assert_uint_eq(counted(COUNT_PARTNERS_RUNNING), 4);
	ck_assert_uint_eq(counted(COUNT_PARTNERS_WAITING), 8);
	await(COUNT_OF(asked));
	for (size_t i = 0; i < COUNT_OF(asked); i++) {
		ck_assert_uint_eq(asked[i].completions, 1);
		answered += asked[i].error == 0;
		refused += asked[i].error == E_BUSY && asked[i].unsent;
	}
	ck_assert_uint_eq(answered, 12);
	ck_assert_uint_eq(refused, 2);
	ck_assert_uint_eq(peer->most, 4);
	ck_assert_uint_eq(counted(COUNT_PARTNERS_REFUSED), 2);
	ck_assert_uint_eq(counted(COUNT_PARTNERS_WAITING), 0);
}
END_TEST

START_TEST(a_call_waits_no_longer_than_it_may_take)
{
	struct asked slow = { 0 }, waits = { 0 };

	partner_make(1, 8, 200, 0, 0);
	ask(&slow, "/slow/5000");
	run_for(100);
	ask(&waits, "/slow/5000");
	await(1);
	ck_assert_int_eq(slow.error, E_TIMED_OUT);
	await(1);
	ck_assert_int_eq(waits.error, E_TIMED_OUT);
	ck_assert(waits.completions == 1);
}
END_TEST

START_TEST(two_hundred_at_once_each_end_once)
{
	struct asked *asked = calloc(200, sizeof(*asked));

	partner_make(50, 150, 10000, 0, 0);
	for (int i = 0; i < 200; i++)
		ask(&asked[i], "/slow/100");
	await(200);
	for (int i = 0; i < 200; i++) {
		ck_assert_uint_eq(asked[i].completions, 1);
		ck_assert_int_eq(asked[i].error, 0);
	}
	ck_assert_uint_eq(peer->most, 50);
	free(asked);
}
END_TEST

/* --- The breaker ------------------------------------------------------------------------------ */

START_TEST(failures_in_a_row_open_the_breaker_and_a_good_answer_closes_it)
{
	struct asked asked[8] = { 0 };

	partner_make(4, 8, 30000, 3, 200);
	for (int i = 0; i < 3; i++) {
		ck_assert(partner_up(partner));
		ask_and_await(&asked[i], "/moody");
		ck_assert_int_eq(asked[i].status, 500);
	}
	ck_assert(!partner_up(partner));
	ck_assert_uint_eq(counted(COUNT_PARTNERS_BREAKER_OPEN), 1);
	ask_and_await(&asked[3], "/moody");
	ck_assert_int_eq(asked[3].error, E_BUSY);
	ck_assert(asked[3].unsent);
	ck_assert_uint_eq(peer->asked, 3);
	run_for(250); /* the pause and its fifth */
	ck_assert(partner_up(partner));
	healthy = true;
	ask_and_await(&asked[4], "/moody");
	ck_assert_int_eq(asked[4].status, 200);
	ck_assert(partner_up(partner));
	ck_assert_uint_eq(counted(COUNT_PARTNERS_BREAKER_OPEN), 0);
}
END_TEST

START_TEST(while_one_call_tries_the_others_are_refused)
{
	struct asked asked[5] = { 0 };

	partner_make(4, 8, 30000, 1, 100);
	ask_and_await(&asked[0], "/moody");
	run_for(150);
	ask(&asked[1], "/slow/100");
	ask(&asked[2], "/ok");
	await(2);
	ck_assert_int_eq(asked[1].error, 0);
	ck_assert_int_eq(asked[2].error, E_BUSY);
	ck_assert(partner_up(partner));
}
END_TEST

START_TEST(a_trial_that_is_cancelled_leaves_the_next_to_try)
{
	struct asked asked[3] = { 0 };

	partner_make(4, 8, 30000, 1, 100);
	ask_and_await(&asked[0], "/moody");
	run_for(150);
	ask(&asked[1], "/slow/5000");
	client_cancel(&asked[1].call);
	ask_and_await(&asked[2], "/ok");
	ck_assert_int_eq(asked[2].error, 0);
	ck_assert_uint_eq(asked[1].completions, 0);
}
END_TEST

START_TEST(what_waits_for_a_service_that_fails_is_refused)
{
	struct asked asked[6] = { 0 };

	partner_make(1, 8, 30000, 1, 60000);
	for (size_t i = 0; i < COUNT_OF(asked); i++)
		ask(&asked[i], "/moody");
	await(COUNT_OF(asked));
	ck_assert_int_eq(asked[0].status, 500);
	for (size_t i = 1; i < COUNT_OF(asked); i++) {
		ck_assert_int_eq(asked[i].error, E_BUSY);
		ck_assert(asked[i].unsent);
	}
	ck_assert_uint_eq(peer->asked, 1);
}
END_TEST

START_TEST(errors_of_ours_do_not_open_the_breaker)
{
	struct asked asked[4] = { [3] = { .call = { .public_only = true } } };

	partner_make(4, 8, 30000, 1, 60000);
	ask_and_await(&asked[0], "/say/404");
	ask_and_await(&asked[1], "/say/429");
	ask_and_await(&asked[2], "/large/70000");
	ask_and_await(&asked[3], "/ok");
	ck_assert_int_eq(asked[3].error, E_NOT_OWNER);
	ck_assert(partner_up(partner));
}
END_TEST

START_TEST(the_pause_is_jittered_by_a_fifth)
{
	struct breaker breaker = { .limit = 1, .pause_ms = 1000 };
	bool trial;

	breaker_failed(&breaker, false, 5000, 0);
	ck_assert(!breaker_up(&breaker, 5799));
	ck_assert(breaker_admits(&breaker, 5800, &trial));
	ck_assert(trial);
	breaker_failed(&breaker, true, 6000, 999);
	ck_assert(!breaker_up(&breaker, 7198));
	ck_assert(breaker_up(&breaker, 7200));
}
END_TEST

/* --- Private addresses ------------------------------------------------------------------------ */

START_TEST(a_private_address_is_refused_whatever_its_name)
{
	static const char *const hosts[] = { "127.0.0.1", "private.test", "localhost",
		"2130706433", "0x7f.1" };

	for (size_t i = 0; i < COUNT_OF(hosts); i++) {
		struct asked asked = { .call = { .public_only = true } };

		ask_at(&asked, hosts[i], "/ok");
		await(1);
		ck_assert_int_eq(asked.error, E_NOT_OWNER);
		ck_assert(asked.unsent);
	}
	ck_assert_uint_eq(peer->connections, 0);
}
END_TEST

START_TEST(a_kept_connection_to_a_private_address_is_refused_too)
{
	struct asked open = { 0 }, closed = { .call = { .public_only = true } };

	ask_and_await(&open, "/ok");
	ask_and_await(&closed, "/ok");
	ck_assert_int_eq(closed.error, E_NOT_OWNER);
	ck_assert(closed.unsent);
	ck_assert_uint_eq(peer->asked, 1);
}
END_TEST

/* --- Cancelling and closing ------------------------------------------------------------------- */

START_TEST(a_cancelled_call_is_not_told)
{
	struct asked runs = { 0 }, waits = { 0 }, refused = { 0 }, after = { 0 }, ended = { 0 };

	client_cancel(&ended.call);
	partner_make(1, 1, 30000, 0, 0);
	ask(&runs, "/slow/5000");
	ask(&waits, "/ok");
	ask(&refused, "/ok");
	client_cancel(&refused.call);
	client_cancel(&waits.call);
	client_cancel(&runs.call);
	client_cancel(&runs.call);
	ask_and_await(&after, "/ok");
	client_cancel(&after.call);
	run_for(50);
	ck_assert_uint_eq(runs.completions + waits.completions + refused.completions, 0);
	ck_assert_uint_eq(after.completions, 1);
	ck_assert_uint_eq(counted(COUNT_PARTNERS_RUNNING), 0);
}
END_TEST

START_TEST(a_cancelled_call_gives_its_slot_to_the_next)
{
	struct asked runs = { 0 }, waits = { 0 };

	partner_make(1, 1, 30000, 0, 0);
	ask(&runs, "/slow/5000");
	ask(&waits, "/ok");
	client_cancel(&runs.call);
	await(1);
	ck_assert_str_eq(waits.body, "ok");
}
END_TEST

START_TEST(closing_ends_each_call_once)
{
	struct asked sent = { .call = { .method = "POST" } }, waits = { 0 }, refused = { 0 };

	partner_make(1, 1, 30000, 0, 0);
	ask(&sent, "/slow/5000");
	run_for(100);
	ask(&waits, "/ok");
	ask(&refused, "/ok");
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

START_TEST(a_name_that_is_being_looked_up_holds_nobody_up)
{
	struct asked cancelled = { 0 }, closed = { 0 }, other = { 0 };

	ask_at(&cancelled, "slow.test", "/ok");
	ask_at(&closed, "slow.test", "/ok");
	run_for(50);
	client_cancel(&cancelled.call);
	ask_and_await(&other, "/ok");
	expected = 100;
	client_free(client);
	client = NULL;
	ck_assert_int_eq(closed.error, E_DRAINING);
	ck_assert(closed.unsent);
	ck_assert_uint_eq(looked_up, 0);
	let_go = true;
	for (int i = 0; i < 6000 && looked_up < 2; i++)
		usleep(10000);
	ck_assert_uint_eq(looked_up, 2);
	usleep(100000); /* and their threads with them, or they count as leaks */
}
END_TEST

static void again(struct client_call *call, const struct client_answer *got)
{
	struct asked *asked = call->owner;

	told(call, got);
	if (asked->completions < 5)
		client_call(client, call);
}

START_TEST(a_call_may_be_made_again_from_its_own_end)
{
	struct asked asked = { 0 };

	ask(&asked, "/ok");
	asked.call.done = again;
	await(5);
	ck_assert_uint_eq(asked.completions, 5);
	ck_assert_uint_eq(peer->asked, 5);
}
END_TEST

START_TEST(an_idle_client_watches_nothing)
{
	struct asked asked = { 0 };

	ask_and_await(&asked, "/ok");
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
		{ "calls", { an_answer_comes_with_status_and_body,
			a_request_arrives_as_it_was_given, a_request_is_signed_for_aws,
			other_methods_and_empty_bodies_go_out_too, a_redirect_is_an_answer,
			retry_after_is_told_of_429_and_503_alone, a_connection_is_used_again } },
		{ "failures", { a_service_that_is_not_there_has_seen_nothing,
			a_broken_connection_leaves_it_in_doubt,
			a_post_on_a_kept_connection_that_breaks_is_not_sent_again,
			a_get_on_a_kept_connection_that_breaks_is, a_slow_service_is_given_up,
			an_answer_of_the_largest_size_is_taken_and_a_larger_one_is_not,
			headers_without_end_are_cut,
			who_wants_the_status_alone_does_not_wait_for_the_rest,
			who_wants_the_body_gets_the_whole_or_none,
			what_is_no_web_address_is_refused } },
		{ "bounds", { so_many_at_once_the_next_wait_and_more_are_refused,
			a_call_waits_no_longer_than_it_may_take,
			two_hundred_at_once_each_end_once } },
		{ "breaker", { failures_in_a_row_open_the_breaker_and_a_good_answer_closes_it,
			while_one_call_tries_the_others_are_refused,
			a_trial_that_is_cancelled_leaves_the_next_to_try,
			what_waits_for_a_service_that_fails_is_refused,
			errors_of_ours_do_not_open_the_breaker,
			the_pause_is_jittered_by_a_fifth } },
		{ "private", { a_private_address_is_refused_whatever_its_name,
			a_kept_connection_to_a_private_address_is_refused_too } },
		{ "ends", { a_cancelled_call_is_not_told,
			a_cancelled_call_gives_its_slot_to_the_next,
			closing_ends_each_call_once, a_name_that_is_being_looked_up_holds_nobody_up,
			a_call_may_be_made_again_from_its_own_end,
			an_idle_client_watches_nothing } },
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
