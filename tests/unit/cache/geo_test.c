/* SPDX-License-Identifier: MIT
 *
 * Positions in Redis: what is stored, found, refused and swept; and that nothing stops without
 * Redis.
 */
#include "rig.h"

#include <math.h>

#include "reeyo/cache/geo.h"

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

struct answer {
	bool done;
	int error;
	int64_t known_ms;
	unsigned count;
	char id[4][32];
	struct geo_rider rider[4];
};

static void stored(void *owner, int error, int64_t known_ms)
{
	*(struct answer *)owner =
		(struct answer){ .done = true, .error = error, .known_ms = known_ms };
}

static int put(
	struct rig *rig, const char *rider, double lat, double lng, int64_t first, int64_t last)
{
	struct answer answer = { 0 };

	ck_assert_int_eq(geo_store(rig->cache, rider, lat, lng, first, last, stored, &answer), 0);
	ck_assert_msg(!answer.done, "completed before geo_store returned");
	RIG_UNTIL(rig, answer.done);
	return answer.error;
}

static void found(void *owner, int error, unsigned count, const struct geo_rider *riders)
{
	struct answer *answer = owner;

	answer->done = true;
	answer->error = error;
	answer->count = count;
	for (unsigned i = 0; i < count && i < 4; i++) {
		answer->rider[i] = riders[i];
		snprintf(answer->id[i], sizeof(answer->id[i]), "%s", riders[i].id);
	}
}

static struct answer near_douala(struct rig *rig, unsigned count)
{
	struct answer answer = { 0 };

	ck_assert_int_eq(geo_search(rig->cache, 4.05, 9.70, 5000, count, found, &answer), 0);
	RIG_UNTIL(rig, answer.done);
	ck_assert_int_eq(answer.error, 0);
	return answer;
}

static struct answer find_one(struct rig *rig, const char *rider)
{
	struct answer answer = { 0 };

	ck_assert_int_eq(geo_find(rig->cache, rider, found, &answer), 0);
	RIG_UNTIL(rig, answer.done);
	return answer;
}

static long long score(const char *key, const char *rider)
{
	char command[128];
	redisReply *reply;
	long long value;

	snprintf(command, sizeof(command), "ZSCORE %s %s", key, rider);
	reply = server_ask(&server, command);
	value = reply && reply->type == REDIS_REPLY_STRING ? atoll(reply->str) : -1;
	freeReplyObject(reply);
	return value;
}

START_TEST(riders_who_reported_recently_are_found_nearest_first)
{
	int64_t now = clock_wall_ms();
	struct answer answer;
	struct rig rig;

	rig_open(&rig, server.url, &store);
	rig_up(&rig);
	ck_assert_int_eq(put(&rig, "far", 4.08, 9.70, now, now), 0);
	ck_assert_int_eq(put(&rig, "near", 4.051, 9.70, now, now), 0);
	ck_assert_int_eq(put(&rig, "beyond", 4.50, 9.70, now, now), 0);
	answer = near_douala(&rig, 4);
	ck_assert_uint_eq(answer.count, 2);
	ck_assert_str_eq(answer.id[0], "near");
	ck_assert_str_eq(answer.id[1], "far");
	ck_assert_double_eq_tol(answer.rider[0].distance_m, 111, 2);
	ck_assert_uint_eq(near_douala(&rig, 1).count, 1);
	answer = find_one(&rig, "far");
	ck_assert_uint_eq(answer.count, 1);
	ck_assert_double_eq_tol(answer.rider[0].lat, 4.08, 1e-5);
	ck_assert_double_eq_tol(answer.rider[0].lng, 9.70, 1e-5);
	ck_assert_int_eq(answer.rider[0].seen_ms, now);
	ck_assert_uint_eq(find_one(&rig, "nobody").count, 0);
	memset(&answer, 0, sizeof(answer));
	ck_assert_int_eq(geo_all(rig.cache, 4, found, &answer), 0);
	RIG_UNTIL(&rig, answer.done);
	ck_assert_uint_eq(answer.count, 3);
	rig_close(&rig);
}
END_TEST

START_TEST(a_time_that_goes_back_is_refused_on_every_instance)
{
	int64_t now = clock_wall_ms();
	struct rig rig, other;

	rig_open(&rig, server.url, &store);
	rig_open(&other, server.url, &store);
	rig_up(&rig);
	rig_up(&other);
	ck_assert_int_eq(put(&rig, "rider", 4.05, 9.70, now, now), 0);
	ck_assert_int_eq(put(&other, "rider", 4.06, 9.70, now - 1, now + 5), E_VALIDATION);
	ck_assert_double_eq_tol(find_one(&other, "rider").rider[0].lat, 4.05, 1e-5);
	ck_assert_int_eq(score("{geo:riders}:seen", "rider"), now);
	ck_assert_int_eq(put(&other, "rider", 4.06, 9.70, now, now + 5), 0);
	ck_assert_double_eq_tol(find_one(&rig, "rider").rider[0].lat, 4.06, 1e-5);
	/* a report without times is never refused, and sets no time back */
	ck_assert_int_eq(put(&rig, "rider", 4.07, 9.70, INT64_MAX, now), 0);
	ck_assert_double_eq_tol(find_one(&rig, "rider").rider[0].lat, 4.07, 1e-5);
	ck_assert_int_eq(score("{geo:riders}:seen", "rider"), now + 5);
	rig_close(&rig);
	rig_close(&other);
}
END_TEST

START_TEST(riders_without_reports_are_swept_but_their_time_is_kept)
{
	int64_t now = clock_wall_ms();
	struct rig rig;

	rig_open(&rig, server.url, &store);
	rig_up(&rig);
	ck_assert_int_eq(put(&rig, "late", 4.05, 9.70, now - 60000, now - 60000), 0);
	ck_assert_int_eq(put(&rig, "silent", 4.05, 9.70, now, now), 0);
	ck_assert_int_eq(put(&rig, "here", 4.05, 9.70, now, now), 0);
	ck_assert_int_eq(score("geo:riders", "late"), -1);
	freeReplyObject(server_ask(&server, "ZINCRBY {geo:riders}:seen -31000 silent"));
	ck_assert_uint_eq(near_douala(&rig, 4).count, 1);
	ck_assert_uint_eq(find_one(&rig, "silent").count, 0);
	freeReplyObject(server_ask(&server, "ZADD {geo:riders}:seen 1 ancient"));
	geo_sweep(rig.cache);
	RIG_UNTIL(&rig, score("{geo:riders}:seen", "ancient") == -1);
	ck_assert_int_eq(score("geo:riders", "silent"), -1);
	ck_assert_int_eq(score("{geo:riders}:seen", "silent"), now - 31000);
	ck_assert_uint_eq(near_douala(&rig, 4).count, 1);
	geo_remove(rig.cache, "here");
	RIG_UNTIL(&rig, score("geo:riders", "here") == -1);
	ck_assert_int_eq(score("{geo:riders}:seen", "here"), now);
	rig_close(&rig);
}
END_TEST

START_TEST(reports_of_one_turn_are_sent_together_and_each_completes)
{
	int64_t now = clock_wall_ms();
	struct answer answers[150] = { 0 };
	redisReply *reply;
	struct rig rig;
	char id[16];

	rig_open(&rig, server.url, &store);
	rig_up(&rig);
	for (int round = 0; round < 2; round++) {
		memset(answers, 0, sizeof(answers));
		for (int i = 0; i < 150; i++) {
			snprintf(id, sizeof(id), "r%d", i);
			ck_assert_int_eq(geo_store(rig.cache, id, -4.05 + i * 1e-4, 9.7000012,
						 INT64_MAX, now + round, stored, &answers[i]),
				0);
			ck_assert(!answers[149].done);
		}
		for (int i = 0; i < 150; i++)
			RIG_UNTIL(&rig, answers[i].done && !answers[i].error);
	}
	reply = server_ask(&server, "INFO commandstats");
	ck_assert_ptr_nonnull(strstr(reply->str, "cmdstat_geoadd:calls=6,"));
	freeReplyObject(reply);
	ck_assert_int_eq(score("{geo:riders}:seen", "r149"), now + 1);
	ck_assert_double_eq_tol(find_one(&rig, "r0").rider[0].lat, -4.05, 1e-5);
	ck_assert_double_eq_tol(find_one(&rig, "r149").rider[0].lat, -4.0351, 1e-5);
	ck_assert_double_eq_tol(find_one(&rig, "r149").rider[0].lng, 9.7, 1e-5);
	/* reports of a turn that Redis does not receive */
	ck_assert_int_eq(
		geo_store(rig.cache, "late", 4, 9, INT64_MAX, now, stored, &answers[0]), 0);
	answers[0].done = false;
	cache_close(rig.cache);
	ck_assert(answers[0].done && answers[0].error == E_STORE_DOWN);
	ck_assert_int_eq(cache_new(rig.loop, &rig.config, &rig_layout, &rig.cache), 0);
	rig_close(&rig);
}
END_TEST

START_TEST(without_redis_nothing_is_stored_and_nobody_waits)
{
	struct answer answer = { 0 };
	struct rig rig;

	rig_open(&rig, "", &store);
	ck_assert_int_eq(geo_store(rig.cache, "r", 4, 9, 1, 1, stored, &answer), E_STORE_DOWN);
	ck_assert_int_eq(geo_search(rig.cache, 4, 9, 1, 1, found, &answer), E_STORE_DOWN);
	geo_remove(rig.cache, "r");
	geo_sweep(rig.cache);
	rig_close(&rig);
	rig_open(&rig, server.url, &store);
	rig_up(&rig);
	server_kill(&server);
	if (geo_search(rig.cache, 4, 9, 1, 1, found, &answer) == 0) {
		RIG_UNTIL(&rig, answer.done);
		ck_assert_int_ne(answer.error, 0);
		ck_assert_uint_eq(answer.count, 0);
	}
	RIG_UNTIL(&rig, geo_search(rig.cache, 4, 9, 1, 1, found, &answer) == E_STORE_DOWN);
	rig_close(&rig);
}
END_TEST

START_TEST(a_script_is_sent_whole_only_once)
{
	int64_t now = clock_wall_ms();
	redisReply *reply;
	struct rig rig;

	rig_open(&rig, server.url, &store);
	rig_up(&rig);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(put(&rig, "r", 4.05, 9.70, now, now), 0);
		near_douala(&rig, 4);
		find_one(&rig, "r");
		geo_sweep(rig.cache);
	}
	for (int i = 0; i < 3; i++) {
		struct answer answer = { 0 };

		ck_assert_int_eq(geo_all(rig.cache, 4, found, &answer), 0);
		RIG_UNTIL(&rig, answer.done);
	}
	reply = server_ask(&server, "INFO commandstats");
	ck_assert_ptr_nonnull(strstr(reply->str, "cmdstat_eval:calls=5,"));
	freeReplyObject(reply);
	rig_close(&rig);
}
END_TEST

static void add(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, riders_who_reported_recently_are_found_nearest_first);
	tcase_add_test(tests, a_time_that_goes_back_is_refused_on_every_instance);
	tcase_add_test(tests, riders_without_reports_are_swept_but_their_time_is_kept);
	tcase_add_test(tests, reports_of_one_turn_are_sent_together_and_each_completes);
	tcase_add_test(tests, without_redis_nothing_is_stored_and_nobody_waits);
	tcase_add_test(tests, a_script_is_sent_whole_only_once);
}

int main(void)
{
	return run_tests("geo", add);
}
