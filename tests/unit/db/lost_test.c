/* SPDX-License-Identifier: MIT
 *
 * Lanes when connections are lost: which calls are tried again, which fail, and that the lanes
 * reconnect. Every call completes exactly once in every case.
 */
#define TEST_SCHEMA "db_lost_test"
#include "proxy.h"
#include "reeyo/db/counters.h"
#include "world.h"

/* A world whose connections go through a proxy. */
static struct world world_behind(struct proxy *proxy, struct config **ret_config)
{
	struct config *config = world_config(proxy->address);
	struct world world = world_begin(config);

	wait_whole(&world);
	if (ret_config)
		*ret_config = config;
	return world;
}

START_TEST(reads_in_flight_are_tried_on_another_lane)
{
	struct world world = world_new();
	struct asked asked[20], first[2];

	world.db->counts[DB_READ] = 1;
	ask(&world, &first[0], DB_READ, SAY, "known from now on", NULL);
	ask(&world, &first[1], DB_READ, SLEEP, "0", "");
	wait_all(&world, first, 2);
	for (unsigned i = 0; i < COUNT_OF(asked); i++)
		ask(&world, &asked[i], DB_READ, i ? SAY : SLEEP, i ? "here" : "0.5", i ? NULL : "");
	flush(&world);
	world.db->counts[DB_READ] = 2;
	ck_assert_uint_eq(world.db->lanes[DB_READ][0].in_flight.count, COUNT_OF(asked));
	backend_kill(&world, lane_backend(&world.db->lanes[DB_READ][0]));
	wait_all(&world, asked, COUNT_OF(asked));
	for (unsigned i = 0; i < COUNT_OF(asked); i++) {
		ck_assert_int_eq(asked[i].error, 0);
		ck_assert_uint_eq(asked[i].completions, 1);
	}
	ck_assert_int_eq(counted(&world, COUNT_DB_RECONNECTS), 1);
	wait_whole(&world);
	world_end(&world);
}
END_TEST

START_TEST(writes_in_flight_fail_and_unsent_writes_use_another_lane)
{
	struct world world = world_new();
	struct asked sent[5], waiting[5];
	char id[16], kept[16];
	struct lane *lane = &world.db->lanes[DB_WRITE][0];

	world.db->counts[DB_WRITE] = 1;
	for (unsigned i = 0; i < 5; i++)
		ask(&world, &sent[i], DB_WRITE, SLEEP, "30", "");
	flush(&world);
	for (unsigned i = 0; i < 5; i++) {
		snprintf(id, sizeof(id), "%u", 100 + i);
		ask(&world, &waiting[i], DB_WRITE, INSERT, id, NULL);
	}
	world.db->counts[DB_WRITE] = 2;
	lane_lose(lane, "closed by the test");
	wait_all(&world, sent, 5);
	wait_all(&world, waiting, 5);
	for (unsigned i = 0; i < 5; i++) {
		ck_assert_int_eq(sent[i].error, E_STORE_DOWN);
		ck_assert_int_eq(waiting[i].error, 0);
		ck_assert_uint_eq(sent[i].completions + waiting[i].completions, 2);
	}
	beside_value(&world,
		"SELECT count(*) FROM " TEST_SCHEMA ".kept WHERE id BETWEEN 100 AND 104", kept,
		sizeof(kept));
	ck_assert_str_eq(kept, "5");
	wait_whole(&world);
	world_end(&world);
}
END_TEST

START_TEST(a_write_on_a_killed_connection_completes_with_store_down)
{
	struct world world = world_new();
	struct asked slow, behind, later;

	world.db->counts[DB_WRITE] = 1;
	ask(&world, &slow, DB_WRITE, SLEEP, "30", "");
	ask(&world, &behind, DB_WRITE, INSERT, "200", NULL);
	flush(&world);
	world.db->counts[DB_WRITE] = 2;
	backend_kill(&world, lane_backend(&world.db->lanes[DB_WRITE][0]));
	wait_one(&world, &slow);
	wait_one(&world, &behind);
	ck_assert_int_eq(slow.error, E_STORE_DOWN);
	ck_assert_int_eq(behind.error, E_STORE_DOWN);
	wait_whole(&world);
	ask(&world, &later, DB_WRITE, INSERT, "200", NULL); /* safe to repeat */
	wait_one(&world, &later);
	ck_assert_int_eq(later.error, 0);
	world_end(&world);
}
END_TEST

START_TEST(an_account_moves_to_another_lane_with_its_calls)
{
	struct world world = world_new();
	struct asked asked[10];

	for (unsigned i = 0; i < COUNT_OF(asked); i++) {
		memset(&asked[i], 0, sizeof(asked[i]));
		asked[i].call = (struct db_call){ .query = (enum query)PID,
			.lane = DB_READ,
			.done = asked_done,
			.affinity = 77 };
		db_submit(world.db, &asked[i].call);
	}
	lane_lose(&world.db->lanes[DB_READ][0], "closed by the test");
	wait_all(&world, asked, COUNT_OF(asked));
	for (unsigned i = 0; i < COUNT_OF(asked); i++) {
		ck_assert_int_eq(asked[i].error, 0);
		ck_assert_str_eq(asked[i].text, asked[0].text);
	}
	for (unsigned i = 0; i < AFFINITY_SLOTS; i++)
		ck_assert_uint_eq(world.db->affinity[DB_READ][i].in_flight, 0);
	wait_whole(&world);
	world_end(&world);
}
END_TEST

START_TEST(reads_without_a_read_lane_go_to_the_primary_and_reports_do_not)
{
	struct config *config = world_config(test_url());
	struct world world;
	struct asked read, report;

	config->replica_url = "host=127.0.0.1 port=1 dbname=nowhere"; /* nobody listens there */
	world = world_begin(config);
	wait_lanes(&world, DB_WRITE, 2);
	ck_assert(db_ready(world.db));
	ask(&world, &read, DB_READ, SAY, "from the primary", NULL);
	ask(&world, &report, DB_REPORT, SAY, "", NULL);
	wait_one(&world, &read);
	wait_one(&world, &report);
	ck_assert_int_eq(read.error, 0);
	ck_assert_str_eq(read.text, "from the primary");
	ck_assert_int_eq(report.error, E_STORE_DOWN);
	world_end(&world);
}
END_TEST

START_TEST(lanes_reconnect_when_the_server_returns)
{
	struct proxy *proxy = proxy_new(test_url());
	struct world world = world_behind(proxy, NULL);
	struct asked before[10], during[10], after[10];

	for (unsigned i = 0; i < 10; i++)
		ask(&world, &before[i], i % 2 ? DB_WRITE : DB_READ, SLEEP, "30", "");
	flush(&world);
	proxy_set(proxy, PROXY_REFUSES);
	wait_all(&world, before, 10);
	for (int kind = 0; kind < DB_LANES; kind++)
		wait_lanes(&world, (enum db_lane)kind, 0);
	ck_assert(!db_ready(world.db));
	for (unsigned i = 0; i < 10; i++) {
		ck_assert_int_eq(before[i].error, E_STORE_DOWN);
		ask(&world, &during[i], i % 2 ? DB_WRITE : DB_READ, SAY, "", NULL);
	}
	flush(&world); /* one turn is enough: calls do not wait for a lane */
	for (unsigned i = 0; i < 10; i++) {
		ck_assert_uint_eq(during[i].completions, 1);
		ck_assert_int_eq(during[i].error, E_STORE_DOWN);
	}
	proxy_set(proxy, PROXY_PASSES);
	wait_whole(&world);
	for (unsigned i = 0; i < 10; i++)
		ask(&world, &after[i], i % 2 ? DB_WRITE : DB_READ, SAY, "back", NULL);
	wait_all(&world, after, 10);
	for (unsigned i = 0; i < 10; i++)
		ck_assert_int_eq(after[i].error, 0);
	world_end(&world);
	proxy_free(proxy);
}
END_TEST

START_TEST(the_next_attempt_is_at_most_a_second_away)
{
	struct config *config = world_config("host=127.0.0.1 port=1 dbname=nowhere");
	struct world world = world_begin(config);
	struct lane *lane = &world.db->lanes[DB_WRITE][0];

	for (unsigned attempts = 0; attempts < 40; attempts++) {
		uint64_t least = 25u << (attempts < 5 ? attempts : 5);

		lane->attempts = attempts;
		lane->state = LANE_CONNECTING;
		lane_lose(lane, "closed by the test");
		ck_assert_uint_eq(lane->attempts, attempts + 1);
		ck_assert_uint_le(uv_timer_get_due_in(&lane->timer), 1000);
		ck_assert_uint_ge(uv_timer_get_due_in(&lane->timer), least < 500 ? least : 500);
	}
	world_end(&world);
}
END_TEST

START_TEST(a_silent_connection_is_closed)
{
	struct proxy *proxy = proxy_new(test_url());
	struct config *config;
	struct world world = world_behind(proxy, &config);
	struct asked asked[4];

	/* the network drops everything: only our own deadline detects it */
	world.db->stalls.after_ms = 150;
	proxy_set(proxy, PROXY_DROPS);
	for (unsigned i = 0; i < 4; i++)
		ask(&world, &asked[i], i % 2 ? DB_WRITE : DB_READ, SAY, "", NULL);
	wait_all(&world, asked, 4);
	for (unsigned i = 0; i < 4; i++) {
		ck_assert_uint_eq(asked[i].completions, 1);
		ck_assert_int_eq(asked[i].error, E_STORE_DOWN);
	}
	proxy_set(proxy, PROXY_PASSES);
	wait_whole(&world);
	world_end(&world);
	proxy_free(proxy);
}
END_TEST

START_TEST(statements_that_do_not_fit_the_schema_keep_the_lane_down)
{
	static const struct query_text wrong[] = { { "right", "SELECT 1" },
		{ "wrong", "SELECT no_such_column FROM " TEST_SCHEMA ".kept" } };
	struct world world = { .config = world_config(test_url()) };
	struct asked asked;

	ck_assert_int_eq(loop_new(0, &world.loop), 0);
	ck_assert_int_eq(db_session_open(test_url(), &world.beside), 0);
	ck_assert_int_eq(db_new_with(world.loop, world.config, wrong, 2, &world.db), 0);
	while (!world.db->lanes[DB_WRITE][0].prepare_failure_logged)
		turn(&world);
	ck_assert(!db_ready(world.db));
	ask(&world, &asked, DB_READ, SAY, NULL, NULL);
	wait_one(&world, &asked);
	ck_assert_int_eq(asked.error, E_STORE_DOWN);
	ck_assert_int_eq(db_session_run(world.beside,
				 "ALTER TABLE " TEST_SCHEMA ".kept ADD no_such_column int"),
		0);
	wait_whole(&world); /* migrated meanwhile */
	ck_assert_int_eq(db_session_run(world.beside,
				 "ALTER TABLE " TEST_SCHEMA ".kept DROP no_such_column"),
		0);
	world_end(&world);
}
END_TEST

START_TEST(a_migration_while_the_server_runs_is_handled)
{
	static const struct query_text star[] = { { "star",
		"SELECT * FROM " TEST_SCHEMA ".held" } };
	struct world world = { .config = world_config(test_url()) };
	struct asked first, second, third;

	ck_assert_int_eq(loop_new(0, &world.loop), 0);
	ck_assert_int_eq(db_session_open(test_url(), &world.beside), 0);
	ck_assert_int_eq(db_new_with(world.loop, world.config, star, 1, &world.db), 0);
	wait_whole(&world);
	ask(&world, &first, DB_READ, (enum statement)0, NULL, NULL);
	wait_one(&world, &first);
	ck_assert_int_eq(
		db_session_run(world.beside, "ALTER TABLE " TEST_SCHEMA ".held ADD more int"), 0);
	ask(&world, &second, DB_READ, (enum statement)0, NULL, NULL);
	wait_one(&world, &second);
	wait_whole(&world);
	ask(&world, &third, DB_READ, (enum statement)0, NULL, NULL);
	wait_one(&world, &third);
	ck_assert_int_eq(first.error, 0);
	ck_assert_int_eq(third.error, 0);
	ck_assert_int_eq(
		db_session_run(world.beside, "ALTER TABLE " TEST_SCHEMA ".held DROP more"), 0);
	world_end(&world);
}
END_TEST

/* --- Where to connect ------------------------------------------------------------------------- */

static void answers_from(const char *address)
{
	struct world world = world_begin(world_config(address));
	struct asked asked[2];

	wait_whole(&world);
	ask(&world, &asked[0], DB_READ, SAY, "hello", NULL);
	ask(&world, &asked[1], DB_WRITE, SAY, "hello", NULL);
	wait_all(&world, asked, 2);
	ck_assert_int_eq(asked[0].error, 0);
	ck_assert_int_eq(asked[1].error, 0);
	world_end(&world);
}

/* The proxy's address with other hosts and ports. */
static void through(const struct proxy *proxy, const char *hosts, const char *ports, char out[600])
{
	const char *rest = strstr(proxy->address, "sslmode");

	snprintf(out, 600, "host=%s port=%s %s", hosts, ports, rest);
}

START_TEST(host_names_are_resolved_with_all_their_addresses)
{
	struct proxy *proxy = proxy_new(test_url());
	char address[600], port[40];

	snprintf(port, sizeof(port), "%d", proxy->port);
	through(proxy, "localhost", port, address);
	answers_from(address);
	snprintf(port, sizeof(port), "1,%d", proxy->port);
	through(proxy, "no-such-host.invalid,localhost", port, address);
	answers_from(address);
	through(proxy, "127.0.0.1,localhost", port, address);
	answers_from(address);
	proxy_free(proxy);
}
END_TEST

START_TEST(a_host_that_drops_packets_does_not_hide_the_next)
{
	struct proxy *dead = proxy_new(test_url()), *live = proxy_new(test_url());
	char address[600], ports[40];

	proxy_set(dead, PROXY_DROPS);
	snprintf(ports, sizeof(ports), "%d,%d", dead->port, live->port);
	through(live, "127.0.0.1,127.0.0.1", ports, address);
	answers_from(address);
	proxy_free(dead);
	proxy_free(live);
}
END_TEST

START_TEST(a_name_that_does_not_resolve_is_tried_again)
{
	struct world world = world_begin(world_config("host=no-such-host.invalid dbname=x"));

	while (world.db->lanes[DB_WRITE][0].attempts < 2)
		turn(&world);
	ck_assert(!db_ready(world.db));
	world_end(&world);
}
END_TEST

/* --- Chaos ------------------------------------------------------------------------------------ */

#define CHAOS_CALLS 3000
#define CHAOS_AT_ONCE 60
#define CHAOS_CUT_EVERY 40 /* in served calls: refused calls do not count */

struct chaos {
	struct asked asked[CHAOS_CALLS];
	unsigned submitted, done, served;
};

static void chaos_count(struct chaos *chaos)
{
	chaos->done = chaos->served = 0;
	for (unsigned i = 0; i < chaos->submitted; i++) {
		chaos->done += chaos->asked[i].completions;
		chaos->served += chaos->asked[i].completions && !chaos->asked[i].error;
	}
}

static void chaos_submit(struct world *world, struct chaos *chaos)
{
	struct asked *asked = &chaos->asked[chaos->submitted];
	char id[16];

	snprintf(id, sizeof(id), "%u", 1000000 + chaos->submitted++);
	ask(world, asked, chaos->submitted % 2 ? DB_WRITE : DB_READ,
		chaos->submitted % 2 ? INSERT : SAY, id, NULL);
}

START_TEST(every_call_completes_once_when_connections_are_cut)
{
	struct proxy *proxy = proxy_new(test_url());
	struct world world = world_behind(proxy, NULL);
	struct chaos *chaos = calloc(1, sizeof(*chaos));
	unsigned written = 0, failed = 0, cut_at = CHAOS_CUT_EVERY;
	char sql[200], kept[16];

	while (chaos->done < CHAOS_CALLS) {
		while (chaos->submitted < CHAOS_CALLS &&
			chaos->submitted - chaos->done < CHAOS_AT_ONCE)
			chaos_submit(&world, chaos);
		if (chaos->served >= cut_at) {
			cut_at = chaos->served + CHAOS_CUT_EVERY;
			atomic_store(&proxy->cuts, 1 + (int)randombytes_uniform(3));
			if (randombytes_uniform(10) == 0) {
				proxy_set(proxy, PROXY_REFUSES);
				proxy_set(proxy, PROXY_PASSES);
			}
		}
		if (!db_ready(world.db) && randombytes_uniform(8))
			wait_ready(&world); /* else nearly all would be refused at once */
		turn(&world);
		chaos_count(chaos);
	}
	for (unsigned i = 0; i < CHAOS_CALLS; i++) {
		const struct asked *asked = &chaos->asked[i];

		ck_assert_uint_eq(asked->completions, 1);
		ck_assert(asked->error == 0 || asked->error == E_STORE_DOWN);
		failed += asked->error != 0;
		if (asked->call.lane != DB_WRITE || asked->error)
			continue;
		written++;
		snprintf(sql, sizeof(sql),
			"SELECT count(*) FROM " TEST_SCHEMA ".kept WHERE id = %s", asked->given[0]);
		beside_value(&world, sql, kept, sizeof(kept));
		ck_assert_str_eq(kept, "1");
	}
	ck_assert_uint_gt(written, 0);
	ck_assert_uint_gt(failed, 0);
	wait_whole(&world);
	world_end(&world);
	free(chaos);
	proxy_free(proxy);
}
END_TEST

static Suite *suite(void)
{
	Suite *all = suite_create("lost connections");
	TCase *lost = tcase_create("lost");

	tcase_set_timeout(lost, 120);
	tcase_add_test(lost, reads_in_flight_are_tried_on_another_lane);
	tcase_add_test(lost, writes_in_flight_fail_and_unsent_writes_use_another_lane);
	tcase_add_test(lost, a_write_on_a_killed_connection_completes_with_store_down);
	tcase_add_test(lost, an_account_moves_to_another_lane_with_its_calls);
	tcase_add_test(lost, reads_without_a_read_lane_go_to_the_primary_and_reports_do_not);
	tcase_add_test(lost, lanes_reconnect_when_the_server_returns);
	tcase_add_test(lost, the_next_attempt_is_at_most_a_second_away);
	tcase_add_test(lost, a_silent_connection_is_closed);
	tcase_add_test(lost, statements_that_do_not_fit_the_schema_keep_the_lane_down);
	tcase_add_test(lost, a_migration_while_the_server_runs_is_handled);
	tcase_add_test(lost, host_names_are_resolved_with_all_their_addresses);
	tcase_add_test(lost, a_host_that_drops_packets_does_not_hide_the_next);
	tcase_add_test(lost, a_name_that_does_not_resolve_is_tried_again);
	tcase_add_test(lost, every_call_completes_once_when_connections_are_cut);
	suite_add_tcase(all, lost);
	return all;
}

int main(void)
{
	return world_run(suite());
}
