/* SPDX-License-Identifier: MIT
 *
 * Rate limits, counted in Redis for all instances, and in the process while Redis is down.
 */
#include "rig.h"

static struct server server;
static struct store store;

static void set_up(void)
{
	memset(&server, 0, sizeof(server));
	server_start(&server);
}

static void tear_down(void)
{
	server_end(&server);
}

struct use {
	struct limit_use use;
	struct limit_result result;
	bool done;
};

static void used(struct limit_use *limit, const struct limit_result *result)
{
	struct use *use = CONTAINER_OF(limit, struct use, use);

	use->result = *result;
	use->done = true;
}

static struct limit_result use_once(
	struct rig *rig, const char *name, int64_t limit, int64_t window_ms, int64_t cost)
{
	struct use use = {
		.use = { .limit = limit, .window_ms = window_ms, .cost = cost, .done = used }
	};

	snprintf(use.use.name, sizeof(use.use.name), "%s", name);
	limit_use(rig->cache, &use.use);
	ck_assert_msg(!use.done, "completed before limit_use returned");
	RIG_UNTIL(rig, use.done);
	return use.result;
}

/* The rules, for both places of counting. */
static void check_rules(struct rig *rig, const char *name)
{
	struct limit_result result = use_once(rig, name, 3, 60000, 0);

	ck_assert(result.allowed);
	ck_assert_int_eq(result.remaining, 3);
	for (int i = 2; i >= 0; i--) {
		result = use_once(rig, name, 3, 60000, 1);
		ck_assert(result.allowed);
		ck_assert_int_eq(result.limit, 3);
		ck_assert_int_eq(result.remaining, i);
		ck_assert_int_ge(result.reset_s, 1);
		ck_assert_int_le(result.reset_s, 60);
	}
	ck_assert(!use_once(rig, name, 3, 60000, 0).allowed);
	result = use_once(rig, name, 3, 60000, 1);
	ck_assert(!result.allowed);
	ck_assert_int_eq(result.remaining, 0);
	ck_assert(use_once(rig, "another", 3, 60000, 1).allowed);
	/* A cost that is given back can be taken again, and a refusal takes nothing. */
	ck_assert_int_eq(use_once(rig, name, 3, 60000, -1).remaining, 1);
	ck_assert(!use_once(rig, name, 3, 60000, 2).allowed);
	ck_assert(use_once(rig, name, 3, 60000, 1).allowed);
	ck_assert(!use_once(rig, name, 3, 60000, 1).allowed);
	/* Never more than was taken. */
	ck_assert_int_eq(use_once(rig, "another", 3, 60000, -2).remaining, 3);
	ck_assert_int_eq(use_once(rig, "nobody's", 3, 60000, -1).remaining, 3);
	ck_assert_int_eq(use_once(rig, "nobody's", 3, 60000, 0).remaining, 3);
}

/* A window ends, and reading does not start one. */
static void check_window(struct rig *rig)
{
	ck_assert(use_once(rig, "short", 1, 150, 1).allowed);
	ck_assert(!use_once(rig, "short", 1, 150, 0).allowed);
	RIG_UNTIL(rig, use_once(rig, "short", 1, 150, 0).allowed);
	ck_assert(use_once(rig, "short", 1, 150, 1).allowed);
}

START_TEST(all_instances_share_the_count_in_redis)
{
	struct rig rig, other;

	rig_open(&rig, server.url, &store);
	rig_open(&other, server.url, &store);
	rig_up(&rig);
	rig_up(&other);
	check_rules(&rig, "login:+237670000001");
	ck_assert(!use_once(&other, "login:+237670000001", 3, 60000, 1).allowed);
	check_window(&rig);
	rig_close(&rig);
	rig_close(&other);
}
END_TEST

START_TEST(the_script_is_sent_whole_only_once)
{
	struct rig rig;
	redisReply *reply;

	rig_open(&rig, server.url, &store);
	rig_up(&rig);
	for (int i = 0; i < 5; i++)
		use_once(&rig, "n", 10, 60000, 1);
	reply = server_ask(&server, "INFO commandstats");
	ck_assert_ptr_nonnull(strstr(reply->str, "cmdstat_eval:calls=1,"));
	ck_assert_ptr_nonnull(strstr(reply->str, "cmdstat_evalsha:calls=5,"));
	freeReplyObject(reply);
	rig_close(&rig);
}
END_TEST

START_TEST(without_redis_the_loops_of_a_process_count_together)
{
	struct rig rig, other;

	rig_open(&rig, "", &store);
	rig_open(&other, "", &store);
	check_rules(&rig, "login:+237670000001");
	ck_assert(!use_once(&other, "login:+237670000001", 3, 60000, 1).allowed);
	check_window(&rig);
	rig_close(&rig);
	ck_assert(!use_once(&other, "login:+237670000001", 3, 60000, 1).allowed);
	rig_close(&other);
}
END_TEST

START_TEST(uses_counted_in_the_process_never_reach_redis)
{
	struct rig rig;
	struct use use = { .use = { .name = "messages",
				   .limit = 1,
				   .window_ms = 60000,
				   .cost = 1,
				   .local = true,
				   .done = used } };
	redisReply *reply;

	rig_open(&rig, server.url, &store);
	rig_up(&rig);
	for (int i = 0; i < 2; i++) {
		use.done = false;
		limit_use(rig.cache, &use.use);
		RIG_UNTIL(&rig, use.done);
		ck_assert(use.result.allowed == (i == 0));
	}
	reply = server_ask(&server, "DBSIZE");
	ck_assert_int_eq(reply->integer, 0);
	freeReplyObject(reply);
	rig_close(&rig);
}
END_TEST

START_TEST(names_counted_in_the_process_are_bounded_and_the_oldest_is_evicted)
{
	struct rig rig;

	rig_open(&rig, "", &store);
	ck_assert(use_once(&rig, "first", 1, 60000, 1).allowed);
	ck_assert(use_once(&rig, "second", 1, 60000, 1).allowed);
	for (int i = 0; i < 16383; i++) {
		struct use *use = calloc(1, sizeof(*use));

		use->use = (struct limit_use){
			.limit = 1, .window_ms = 60000, .cost = 1, .done = used
		};
		snprintf(use->use.name, sizeof(use->use.name), "n%d", i);
		limit_use(rig.cache, &use->use);
		RIG_UNTIL(&rig, use->done);
		free(use);
	}
	ck_assert(use_once(&rig, "first", 1, 60000, 0).allowed); /* evicted */
	ck_assert(!use_once(&rig, "second", 1, 60000, 0).allowed);
	rig_close(&rig);
}
END_TEST

START_TEST(every_use_completes_when_redis_is_killed)
{
	struct rig rig;
	struct use use[50];

	rig_open(&rig, server.url, &store);
	rig_up(&rig);
	memset(use, 0, sizeof(use));
	for (int i = 0; i < 50; i++) {
		use[i].use = (struct limit_use){
			.name = "many", .limit = 40, .window_ms = 60000, .cost = 1, .done = used
		};
		limit_use(rig.cache, &use[i].use);
		if (i == 25) {
			rig_turn(&rig);
			server_kill(&server);
		}
	}
	for (int i = 0; i < 50; i++)
		RIG_UNTIL(&rig, use[i].done);
	rig_close(&rig);
}
END_TEST

static void add(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, all_instances_share_the_count_in_redis);
	tcase_add_test(tests, the_script_is_sent_whole_only_once);
	tcase_add_test(tests, without_redis_the_loops_of_a_process_count_together);
	tcase_add_test(tests, uses_counted_in_the_process_never_reach_redis);
	tcase_add_test(tests, names_counted_in_the_process_are_bounded_and_the_oldest_is_evicted);
	tcase_add_test(tests, every_use_completes_when_redis_is_killed);
}

int main(void)
{
	return run_tests("limiter", add);
}
