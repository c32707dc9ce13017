/* SPDX-License-Identifier: MIT
 *
 * The hasher on a real loop and pool: which request waits for which hash, what is refused, what is
 * cached. Requests are stand-ins: the test counts holds, releases and replies itself.
 */
#include <check.h>
#include <sodium.h>
#include <stdlib.h>

#include "../suite.h"
#include "digest.h"
#include "reeyo/auth/counters.h"
#include "reeyo/auth/password.h"

#define PASSWORD "Test123!@#"

static struct loop *loop;
static struct arena_pool *pool;
static struct app app;
static struct hasher *hasher;
static char stored[PASSWORD_HASH_SIZE];
static int holds, answers, right, wrong, refused, rehashed, hashed;
static bool running; /* the loop: stopping one that does not run would stop its next run */
static bool gone;    /* requests have been answered before their result */
static int retry_after;

void request_hold(struct request *rq)
{
	(void)rq;
	holds++;
}

bool request_release(struct request *rq)
{
	(void)rq;
	holds--;
	return !gone;
}

void reply_retry_after(struct request *rq, int64_t seconds)
{
	(void)rq;
	retry_after = (int)seconds;
}

void reply_error(struct request *rq, int error)
{
	(void)rq;
	ck_assert_int_eq(error, E_BUSY);
	refused++;
}

static void stop_when_quiet(void)
{
	if (running && work_pending() == 0 && holds == 0)
		loop_stop(loop);
}

static void run(void)
{
	running = true;
	loop_run(loop);
	running = false;
}

static void verified(struct request *rq, bool is_right, const char *rehash)
{
	(void)rq;
	answers++;
	right += is_right;
	wrong += !is_right;
	if (rehash) {
		const struct digest_cost cost = { 64 * 1024, 1 };

		rehashed++;
		ck_assert(digest_verify(&cost, rehash, PASSWORD));
		ck_assert(!digest_is_outdated(&cost, rehash));
	}
	stop_when_quiet();
}

static void made(struct request *rq, const char *hash)
{
	const struct digest_cost cost = { 64 * 1024, 1 };

	(void)rq;
	hashed += hash && digest_verify(&cost, hash, PASSWORD);
	stop_when_quiet();
}

static struct config config = { .argon2_memory = 64 * 1024, .argon2_passes = 1 };

static void start(bool memory, const struct digest_cost *cost)
{
	config.login_memory = memory;
	ck_assert_int_eq(loop_new(0, &loop), 0);
	work_configure(2, 64);
	pool = arena_pool_new(1 << 20);
	ck_assert_int_eq(hasher_new(loop, &config, &hasher), 0);
	app = (struct app){ .config = &config, .loop = loop, .hasher = hasher, .pool = pool };
	ck_assert_int_eq(digest_create(cost, PASSWORD, stored), 0);
	holds = answers = right = wrong = refused = rehashed = hashed = retry_after = 0;
	gone = false;
}

static void end(void)
{
	hasher_free(hasher);
	loop_free(loop);
	arena_pool_free(pool);
}

static uint64_t count_of(unsigned which)
{
	return loop_counters(loop)->value[which];
}

static struct request *request(struct arena **ret)
{
	struct arena *arena = arena_new(pool, 1 << 20);
	struct request *rq = ARENA_NEW(arena, struct request);

	rq->arena = arena;
	rq->app = &app;
	*ret = arena;
	return rq;
}

/* Starts n verifications in one turn, then runs the loop until all are complete. */
static void verify(int n, const char *hash, const char *password)
{
	struct arena *arenas[200];

	for (int i = 0; i < n; i++)
		password_verify(request(&arenas[i]), "user_1", hash, password, verified);
	if (holds > 0)
		run();
	for (int i = 0; i < n; i++)
		arena_free(arenas[i]);
}

static const struct digest_cost cheap = { 64 * 1024, 1 }, dear = { 128 * 1024, 2 };

START_TEST(a_hundred_log_ins_at_once_cost_one_hash)
{
	start(true, &cheap);
	verify(100, stored, PASSWORD);
	ck_assert_int_eq(right, 100);
	ck_assert_uint_eq(count_of(COUNT_AUTH_HASHES), 1);
	verify(100, stored, PASSWORD);
	ck_assert_int_eq(right, 200);
	ck_assert_uint_eq(count_of(COUNT_AUTH_HASHES), 1);
	ck_assert_uint_eq(count_of(COUNT_AUTH_LOGINS_CACHED), 199);
	end();
}
END_TEST

START_TEST(failures_are_never_cached)
{
	start(true, &cheap);
	verify(10, stored, "wrong");
	verify(10, stored, "wrong");
	ck_assert_int_eq(wrong, 20);
	ck_assert_uint_eq(count_of(COUNT_AUTH_HASHES), 2);
	verify(1, stored, PASSWORD);
	ck_assert_int_eq(right, 1);
	end();
}
END_TEST

START_TEST(a_changed_hash_voids_the_cached_log_in)
{
	char changed[PASSWORD_HASH_SIZE];

	start(true, &cheap);
	verify(1, stored, PASSWORD);
	ck_assert_int_eq(digest_create(&cheap, "Another-1!", changed), 0);
	verify(1, changed, PASSWORD);
	ck_assert_int_eq(right, 1);
	ck_assert_int_eq(wrong, 1);
	end();
}
END_TEST

START_TEST(without_the_cache_each_log_in_costs_a_hash)
{
	start(false, &cheap);
	verify(10, stored, PASSWORD);
	verify(10, stored, PASSWORD);
	ck_assert_int_eq(right, 20);
	ck_assert_uint_eq(count_of(COUNT_AUTH_HASHES), 20);
	end();
}
END_TEST

START_TEST(an_unknown_account_costs_a_hash_and_fails)
{
	start(true, &cheap);
	verify(3, NULL, PASSWORD);
	ck_assert_int_eq(wrong, 3);
	ck_assert_uint_eq(count_of(COUNT_AUTH_HASHES), 3);
	end();
}
END_TEST

START_TEST(a_hash_of_old_parameters_comes_with_a_new_one)
{
	start(true, &dear);
	verify(5, stored, PASSWORD);
	ck_assert_int_eq(right, 5);
	ck_assert_int_eq(rehashed, 5);
	verify(1, stored, "wrong");
	ck_assert_int_eq(rehashed, 5);
	verify(1, "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*V");
	ck_assert_int_eq(rehashed, 5);
	end();
}
END_TEST

START_TEST(beyond_the_queue_log_ins_are_refused)
{
	start(false, &cheap);
	verify(200, stored, PASSWORD);
	ck_assert_int_gt(refused, 0);
	ck_assert_int_ge(answers, 64);
	ck_assert_int_eq(answers + refused, 200);
	ck_assert_int_eq(right, answers);
	ck_assert_int_ge(retry_after, 1);
	ck_assert_int_eq(holds, 0);
	end();
}
END_TEST

static void give_up(uv_timer_t *timer)
{
	if (work_pending() > 0 || holds > 0)
		return;
	uv_timer_stop(timer);
	loop_stop(loop);
}

START_TEST(requests_that_ended_early_are_not_called)
{
	uv_timer_t timer;

	start(true, &cheap);
	gone = true;
	uv_timer_init(loop_uv(loop), &timer);
	uv_timer_start(&timer, give_up, 1, 1);
	verify(20, stored, PASSWORD);
	ck_assert_int_eq(answers, 0);
	ck_assert_int_eq(holds, 0);
	end();
}
END_TEST

START_TEST(a_new_password_is_hashed)
{
	struct arena *arena;

	start(true, &cheap);
	password_hash(request(&arena), PASSWORD, made);
	run();
	ck_assert_int_eq(hashed, 1);
	arena_free(arena);
	end();
}
END_TEST

START_TEST(a_hasher_freed_with_running_tasks_is_destroyed_later)
{
	struct arena *arena;

	start(true, &cheap);
	password_verify(request(&arena), "user_1", stored, PASSWORD, verified);
	gone = true;
	hasher_free(hasher);
	loop_free(loop);
	ck_assert_int_eq(answers, 0);
	ck_assert_int_eq(holds, 0);
	arena_free(arena);
	arena_pool_free(pool);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("passwords");
	TCase *tests = tcase_create("passwords");

	if (sodium_init() < 0)
		return 1;
	tcase_add_test(tests, a_hundred_log_ins_at_once_cost_one_hash);
	tcase_add_test(tests, failures_are_never_cached);
	tcase_add_test(tests, a_changed_hash_voids_the_cached_log_in);
	tcase_add_test(tests, without_the_cache_each_log_in_costs_a_hash);
	tcase_add_test(tests, an_unknown_account_costs_a_hash_and_fails);
	tcase_add_test(tests, a_hash_of_old_parameters_comes_with_a_new_one);
	tcase_add_test(tests, beyond_the_queue_log_ins_are_refused);
	tcase_add_test(tests, requests_that_ended_early_are_not_called);
	tcase_add_test(tests, a_new_password_is_hashed);
	tcase_add_test(tests, a_hasher_freed_with_running_tasks_is_destroyed_later);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
