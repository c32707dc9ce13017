/* SPDX-License-Identifier: MIT
 *
 * Redis absent, killed, stopped and back: no reader gets an error or an old value from it.
 */
#include "reeyo/cache/counters.h"
#include "rig.h"

static struct server server;
static struct store store;

static void set_up(void)
{
	rig_timeout_ms = 50;
	memset(&server, 0, sizeof(server));
	memset(&store, 0, sizeof(store));
	store.size = 2000;
	server.extra[0] = "--appendonly";
	server.extra[1] = "yes";
	server.extra[2] = "--appendfsync";
	server.extra[3] = "always";
	server_start(&server);
}

static void tear_down(void)
{
	server_end(&server);
}

/* The version that Redis holds, -1: no value. */
static int version_kept(const char *key)
{
	char command[128];
	redisReply *reply;
	const char *at;
	int version = -1;

	snprintf(command, sizeof(command), "GET %s", key);
	reply = server_ask(&server, command);
	at = reply && reply->type == REDIS_REPLY_STRING ? strstr(reply->str, "\"v\":") : NULL;
	if (at)
		version = atoi(at + 4);
	freeReplyObject(reply);
	return version;
}

START_TEST(without_redis_every_read_loads_and_every_invalidation_completes)
{
	struct rig rig;

	rig_open(&rig, "unix:///nonexistent/redis.sock", &store);
	rig_read_one(&rig, "m", 0);
	rig_drop(&rig, "m");
	rig_read_one(&rig, "m", 0);
	ck_assert_uint_eq(rig.errors, 0);
	ck_assert_uint_eq(store.loads, 2);
	ck_assert(!cache_up(rig.cache));
	rig_close(&rig);
	rig_open(&rig, "", &store);
	rig_read_one(&rig, "m", 0);
	rig_drop(&rig, "m");
	ck_assert_uint_eq(store.loads, 3);
	rig_close(&rig);
}
END_TEST

START_TEST(without_redis_readers_share_only_loads_that_began_after_their_read)
{
	struct rig rig;

	store.delay_ms = 20;
	rig_open(&rig, "", &store);
	rig_read(&rig, KEY_MENU, "m", 0);
	store.version = 1;
	for (int i = 0; i < 500; i++)
		rig_read(&rig, KEY_MENU, "m", 1);
	RIG_UNTIL(&rig, rig.done == 501);
	ck_assert_uint_eq(store.loads, 2);
	rig_close(&rig);
}
END_TEST

START_TEST(a_name_is_resolved_and_a_password_and_a_database_are_used)
{
	static const char *const forms[] = { "redis://:s%%20cret@localhost:%d/3",
		"redis://default:s%%20cret@127.0.0.1:%d/3" };
	struct rig rig;
	char url[128];

	server_end(&server);
	memset(server.extra, 0, sizeof(server.extra));
	server.extra[0] = "--requirepass";
	server.extra[1] = "s cret";
	server.port = free_port();
	server_start(&server);
	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		char id[2] = { (char)('a' + i), '\0' };

		snprintf(url, sizeof(url), forms[i], server.port);
		rig_open(&rig, url, &store);
		rig_up(&rig);
		rig_read_one(&rig, id, 0);
		RIG_UNTIL(&rig, (rig_read_one(&rig, id, 0), rig_count(&rig, COUNT_CACHE_HITS) > 0));
		rig_close(&rig);
	}
	snprintf(url, sizeof(url), "redis://:wrong@localhost:%d/3", server.port);
	rig_open(&rig, url, &store);
	rig_wait(&rig, 200);
	ck_assert(!cache_up(rig.cache));
	rig_read_one(&rig, "a", 0);
	ck_assert_uint_eq(rig.errors, 0);
	rig_close(&rig);
}
END_TEST

START_TEST(redis_killed_under_load_gives_no_reader_an_error)
{
	struct rig rig;
	unsigned asked = 0;

	store.delay_ms = 2;
	rig_open(&rig, server.url, &store);
	rig_up(&rig);
	for (int i = 0; i < 600; i++) {
		char id[16];

		snprintf(id, sizeof(id), "%d", i % 7);
		for (int n = 0; n < 5; n++, asked++)
			rig_read(&rig, KEY_MENU, id, 0);
		if (i == 200) {
			server_kill(&server);
		} else if (i == 400) {
			server_start(&server);
		}
		rig_turn(&rig);
	}
	RIG_UNTIL(&rig, rig.done == asked);
	ck_assert_uint_eq(rig.errors, 0);
	rig_up(&rig);
	rig_read_one(&rig, "again", 0);
	RIG_UNTIL(&rig, version_kept("menu:again") == 0);
	asked = (unsigned)store.loads;
	rig_read_one(&rig, "again", 0);
	ck_assert_uint_eq(store.loads, asked);
	rig_close(&rig);
}
END_TEST

START_TEST(an_invalidation_during_an_outage_is_applied_before_any_read)
{
	struct rig rig, other;

	rig_open(&rig, server.url, &store);
	rig_open(&other, server.url, &store);
	rig_up(&rig);
	rig_up(&other);
	rig_read_one(&rig, "m", 0);
	RIG_UNTIL(&rig, version_kept("menu:m") == 0);
	server_kill(&server);
	RIG_UNTIL(&rig, !cache_up(rig.cache));
	store.version = 1;
	rig_drop(&rig, "m");
	ck_assert_uint_eq(rig_count(&rig, COUNT_CACHE_DROPS_WAITING), 1);
	server_start(&server);
	ck_assert_int_eq(version_kept("menu:m"), 0); /* Redis has come back with its old data */
	for (int i = 0; i < 200 || !cache_up(rig.cache) || !cache_up(other.cache); i++) {
		/* another loop of the same process, which may reconnect first */
		rig_read_one(&other, "m", 1);
		rig_read_one(&rig, "m", 1);
	}
	RIG_UNTIL(&rig,
		rig_count(&rig, COUNT_CACHE_DROPS_WAITING) +
				rig_count(&other, COUNT_CACHE_DROPS_WAITING) ==
			0);
	rig_read_one(&rig, "m", 1);
	RIG_UNTIL(&rig, version_kept("menu:m") == 1);
	rig_close(&rig);
	rig_close(&other);
}
END_TEST

START_TEST(an_invalidation_lost_by_one_loop_applies_to_all_loops)
{
	struct rig rig, other;

	rig_open(&rig, server.url, &store);
	rig_up(&rig);
	rig_read_one(&rig, "m", 0);
	RIG_UNTIL(&rig, version_kept("menu:m") == 0);
	freeReplyObject(server_ask(&server, "CLIENT KILL TYPE normal SKIPME yes"));
	rig_open(&other, server.url, &store);
	rig_up(&other);
	store.version = 1;
	rig_drop(&rig, "m"); /* its connection is gone */
	ck_assert_int_eq(version_kept("menu:m"), 0);
	rig_read_one(&other, "m", 1);
	RIG_UNTIL(&rig, version_kept("menu:m") == -1);
	RIG_UNTIL(&rig, rig_count(&rig, COUNT_CACHE_DROPS_WAITING) == 0);
	rig_read_one(&other, "m", 1);
	rig_close(&rig);
	rig_close(&other);
}
END_TEST

START_TEST(a_stopped_redis_opens_the_breaker_and_a_resumed_one_closes_it)
{
	struct rig rig;

	rig_open(&rig, server.url, &store);
	rig_up(&rig);
	rig_read_one(&rig, "m", 0);
	RIG_UNTIL(&rig, version_kept("menu:m") == 0);
	server_signal(&server, SIGSTOP);
	for (int i = 0; i < 10; i++)
		rig_read_one(&rig, "m", 0);
	ck_assert_uint_eq(rig.errors, 0);
	ck_assert_uint_ge(rig_count(&rig, COUNT_CACHE_ERRORS), 5);
	ck_assert_uint_eq(rig_count(&rig, COUNT_CACHE_BREAKER_OPEN), 1);
	ck_assert(!cache_up(rig.cache));
	store.version = 1;
	rig_drop(&rig, "m");
	ck_assert_uint_eq(rig_count(&rig, COUNT_CACHE_DROPS_WAITING), 1);
	rig_read_one(&rig, "m", 1);
	server_signal(&server, SIGCONT);
	RIG_UNTIL(&rig, (rig_read_one(&rig, "m", 1), cache_up(rig.cache)));
	RIG_UNTIL(&rig, (rig_read_one(&rig, "m", 1), rig_count(&rig, COUNT_CACHE_HITS) > 0));
	ck_assert_uint_eq(rig_count(&rig, COUNT_CACHE_BREAKER_OPEN), 0);
	ck_assert_uint_eq(rig_count(&rig, COUNT_CACHE_DROPS_WAITING), 0);
	rig_close(&rig);
}
END_TEST

START_TEST(a_redis_that_does_not_answer_is_reconnected)
{
	struct rig rig;

	rig_open(&rig, server.url, &store);
	rig_up(&rig);
	server_signal(&server, SIGSTOP);
	for (int i = 0; i < 6; i++)
		rig_read_one(&rig, "m", 0);
	rig_wait(&rig, 3000); /* three probes */
	server_signal(&server, SIGCONT);
	rig_up(&rig);
	RIG_UNTIL(&rig, (rig_read_one(&rig, "m", 0), rig_count(&rig, COUNT_CACHE_HITS) > 0));
	ck_assert_uint_eq(rig.errors, 0);
	rig_close(&rig);
}
END_TEST

START_TEST(an_invalidation_without_a_reply_is_repeated)
{
	struct rig rig;

	rig_open(&rig, server.url, &store);
	rig_up(&rig);
	rig_read_one(&rig, "m", 0);
	RIG_UNTIL(&rig, version_kept("menu:m") == 0);
	server_signal(&server, SIGSTOP);
	store.version = 1;
	rig_drop(&rig, "m");
	server_signal(&server, SIGCONT);
	rig_read_one(&rig, "m", 1);
	RIG_UNTIL(&rig, (rig_read_one(&rig, "m", 1), version_kept("menu:m") == 1));
	ck_assert_uint_eq(rig_count(&rig, COUNT_CACHE_DROPS_WAITING), 0);
	rig_close(&rig);
}
END_TEST

static void count_drop(void *arg)
{
	++*(unsigned *)arg;
}

START_TEST(a_full_backlog_disables_cached_values_of_that_kind)
{
	struct rig rig;
	unsigned dropped = 0;

	rig_open(&rig, server.url, &store);
	rig_up(&rig);
	rig_read_one(&rig, "m", 0);
	RIG_UNTIL(&rig, version_kept("menu:m") == 0);
	server_kill(&server);
	RIG_UNTIL(&rig, !cache_up(rig.cache));
	for (int i = 0; i < 65537; i++) {
		char id[16];

		snprintf(id, sizeof(id), "%d", i);
		cache_key_invalidate(rig.cache, KEY_MENU, id, count_drop, &dropped);
	}
	ck_assert_uint_eq(dropped, 65537);
	ck_assert_uint_eq(rig_count(&rig, COUNT_CACHE_DROPS_WAITING), 65536);
	server_start(&server);
	rig_up(&rig);
	RIG_UNTIL(&rig, rig_count(&rig, COUNT_CACHE_DROPS_WAITING) == 0);
	store.version = 1; /* as if the invalidation that did not fit were of this key */
	rig_read_one(&rig, "m", 1);
	ck_assert_uint_eq(rig_count(&rig, COUNT_CACHE_HITS), 0);
	rig_read(&rig, KEY_VENDOR, "m", 0);
	RIG_UNTIL(&rig, version_kept("vendor:m") == 1);
	rig_close(&rig);
}
END_TEST

START_TEST(more_reads_than_may_wait_for_redis_load_instead)
{
	struct rig rig;

	rig_open(&rig, server.url, &store);
	rig_up(&rig);
	for (int i = 0; i < 20000; i++) {
		char id[16];

		snprintf(id, sizeof(id), "%d", i);
		rig_read(&rig, KEY_MENU, id, 0);
	}
	RIG_UNTIL(&rig, rig.done == 20000);
	ck_assert_uint_eq(rig.errors, 0);
	ck_assert_uint_ge(rig_count(&rig, COUNT_CACHE_BYPASSES), 20000 - 16384);
	rig_close(&rig);
}
END_TEST

START_TEST(a_wrong_address_is_refused_at_start)
{
	static const char *const wrong[] = { "http://x", "rediss://x", "redis://", "redis://h:0",
		"redis://h:6379/x", "redis://pass@h", "redis://a,b", "unix://relative",
		"redis://:%zz@h", "redis://[::1", "redis-cluster://a:1/2" };
	struct config config = { .redis_timeout = 50 };
	struct loop *loop;
	struct cache *cache = NULL;

	ck_assert_int_eq(loop_new(0, &loop), 0);
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		config.redis_url = wrong[i];
		ck_assert_msg(
			cache_new(loop, &config, &rig_layout, &cache) == E_CONFIG, "%s", wrong[i]);
		ck_assert_ptr_null(cache);
	}
	loop_free(loop);
}
END_TEST

static void add(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, without_redis_every_read_loads_and_every_invalidation_completes);
	tcase_add_test(tests, without_redis_readers_share_only_loads_that_began_after_their_read);
	tcase_add_test(tests, a_name_is_resolved_and_a_password_and_a_database_are_used);
	tcase_add_test(tests, redis_killed_under_load_gives_no_reader_an_error);
	tcase_add_test(tests, an_invalidation_during_an_outage_is_applied_before_any_read);
	tcase_add_test(tests, an_invalidation_lost_by_one_loop_applies_to_all_loops);
	tcase_add_test(tests, a_stopped_redis_opens_the_breaker_and_a_resumed_one_closes_it);
	tcase_add_test(tests, a_redis_that_does_not_answer_is_reconnected);
	tcase_add_test(tests, an_invalidation_without_a_reply_is_repeated);
	tcase_add_test(tests, a_full_backlog_disables_cached_values_of_that_kind);
	tcase_add_test(tests, more_reads_than_may_wait_for_redis_load_instead);
	tcase_add_test(tests, a_wrong_address_is_refused_at_start);
}

int main(void)
{
	return run_tests("faults", add);
}
