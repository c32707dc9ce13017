/* SPDX-License-Identifier: MIT
 *
 * Lanes with stable connections: order, errors, time limits, queue limits and affinity.
 */
#define TEST_SCHEMA "db_lane_test"
#include <unistd.h>

#include "reeyo/db/counters.h"
#include "world.h"

START_TEST(answers_come_in_the_order_of_the_queue)
{
	struct world world = world_new();
	struct asked asked[200];
	char text[16];

	world.db->counts[DB_READ] = 1; /* one lane: one order */
	for (unsigned i = 0; i < COUNT_OF(asked); i++) {
		snprintf(text, sizeof(text), "%u", i);
		ask(&world, &asked[i], DB_READ, SAY, text, NULL);
		ck_assert_uint_eq(asked[i].completions, 0);
	}
	wait_all(&world, asked, COUNT_OF(asked));
	world.db->counts[DB_READ] = 2;
	for (unsigned i = 0; i < COUNT_OF(asked); i++) {
		ck_assert_int_eq(asked[i].error, 0);
		ck_assert_uint_eq(asked[i].order, i);
		ck_assert_str_eq(asked[i].text, asked[i].given[0]);
	}
	ck_assert_int_eq(counted(&world, COUNT_DB_STATEMENTS), COUNT_OF(asked));
	ck_assert_uint_eq(loop_counters(world.loop)->histogram[COUNTERS_DB].count, COUNT_OF(asked));
	world_end(&world);
}
END_TEST

START_TEST(an_error_does_not_affect_other_calls)
{
	struct world world = world_new();
	struct asked asked[9];
	char kept[32];

	world.db->counts[DB_WRITE] = 1;
	for (unsigned i = 0; i < COUNT_OF(asked); i++) {
		snprintf(kept, sizeof(kept), "%u", i);
		ask(&world, &asked[i], DB_WRITE, i % 3 == 1 ? DIVIDE : INSERT,
			i % 3 == 1 ? "0" : kept, NULL);
	}
	wait_all(&world, asked, COUNT_OF(asked));
	for (unsigned i = 0; i < COUNT_OF(asked); i++)
		ck_assert_int_eq(asked[i].error, i % 3 == 1 ? E_INTERNAL : 0);
	beside_value(&world, "SELECT count(*) FROM " TEST_SCHEMA ".kept WHERE id < 9", kept,
		sizeof(kept));
	ck_assert_str_eq(kept, "6");
	world.db->counts[DB_WRITE] = 2;
	ck_assert_int_eq(counted(&world, COUNT_DB_ERRORS), 3);
	world_end(&world);
}
END_TEST

START_TEST(a_failed_read_does_not_affect_the_reads_after_it)
{
	struct world world = world_new();
	struct asked asked[3 * READ_GROUP];

	for (unsigned i = 0; i < COUNT_OF(asked); i++)
		ask(&world, &asked[i], DB_READ, DIVIDE, i % 3 == 1 ? "0" : "5", NULL);
	wait_all(&world, asked, COUNT_OF(asked));
	for (unsigned i = 0; i < COUNT_OF(asked); i++)
		ck_assert_int_eq(asked[i].error, i % 3 == 1 ? E_INTERNAL : 0);
	ck_assert_int_eq(counted(&world, COUNT_DB_ERRORS), READ_GROUP);
	ck_assert_int_eq(counted(&world, COUNT_DB_IN_FLIGHT), 0);
	world_end(&world);
}
END_TEST

START_TEST(a_lane_prepares_a_statement_once_with_its_first_call)
{
	static const enum db_lane kinds[] = { DB_READ, DB_WRITE, DB_REPORT };

	for (unsigned k = 0; k < COUNT_OF(kinds); k++) {
		struct world world = world_new();
		struct asked asked[40];
		unsigned last = world.db->counts[kinds[k]] - 1;
		struct lane *lane = &world.db->lanes[kinds[k]][last];

		ck_assert_int_eq(lane->statement_states[SAY],
			kinds[k] == DB_WRITE && last == 0 ? STATEMENT_PREPARED : STATEMENT_UNKNOWN);
		for (unsigned i = 0; i < COUNT_OF(asked); i++)
			ask(&world, &asked[i], kinds[k], i % 2 ? SAY : DIVIDE, "1", NULL);
		wait_all(&world, asked, COUNT_OF(asked));
		for (unsigned i = 0; i < COUNT_OF(asked); i++)
			ck_assert_int_eq(asked[i].error, 0);
		ck_assert_int_eq(lane->statement_states[SAY], STATEMENT_PREPARED);
		ck_assert_int_eq(lane->statement_states[WIDE],
			kinds[k] == DB_WRITE && last == 0 ? STATEMENT_PREPARED : STATEMENT_UNKNOWN);
		world_end(&world);
	}
}
END_TEST

START_TEST(a_statement_that_cannot_be_prepared_fails_alone_and_is_prepared_later)
{
	struct world world = world_new();
	struct asked asked[4 * READ_GROUP];

	ck_assert_int_eq(
		db_session_run(world.beside, "ALTER TABLE " TEST_SCHEMA ".kept RENAME TO away"), 0);
	for (int round = 0; round < 2; round++) {
		for (unsigned i = 0; i < COUNT_OF(asked); i++)
			ask(&world, &asked[i], DB_READ,
				i % 4 == 1           ? KEPT
					: i % 4 == 2 ? DIVIDE
						     : SAY,
				i % 4 == 2           ? "0"
					: i % 4 == 1 ? NULL
						     : "1",
				NULL);
		wait_all(&world, asked, COUNT_OF(asked));
		for (unsigned i = 0; i < COUNT_OF(asked); i++)
			ck_assert_int_eq(asked[i].error,
				i % 4 == 2 || (i % 4 == 1 && round == 0) ? E_INTERNAL : 0);
		if (round == 0)
			ck_assert_int_eq(db_session_run(world.beside,
						 "ALTER TABLE " TEST_SCHEMA ".away RENAME TO kept"),
				0);
	}
	world_end(&world);
}
END_TEST

START_TEST(an_answer_larger_than_the_socket_buffer_arrives)
{
	struct world world = world_new();
	struct asked asked[8];

	for (unsigned i = 0; i < COUNT_OF(asked); i++)
		ask(&world, &asked[i], DB_READ, WIDE, "3000000", NULL);
	wait_all(&world, asked, COUNT_OF(asked));
	for (unsigned i = 0; i < COUNT_OF(asked); i++) {
		ck_assert_int_eq(asked[i].error, 0);
		ck_assert_uint_eq(strlen(asked[i].text), sizeof(asked[i].text) - 1);
	}
	world_end(&world);
}
END_TEST

/* More bytes than both socket buffers hold, to a server that is sleeping: PQflush must wait for
 * room. */
START_TEST(a_call_larger_than_the_socket_buffer_is_sent)
{
	struct world world = world_new();
	struct asked first, asked[3];
	size_t len = 4000000;
	char *text = malloc(len + 1);

	memset(text, 'y', len);
	text[len] = '\0';
	world.db->counts[DB_READ] = 1;
	ask(&world, &first, DB_READ, SLEEP, "0.2", "z");
	flush(&world);
	for (unsigned i = 0; i < COUNT_OF(asked); i++) {
		ask(&world, &asked[i], DB_READ, SAY, "", NULL);
		asked[i].call.params[0] = text;
	}
	wait_all(&world, asked, COUNT_OF(asked));
	for (unsigned i = 0; i < COUNT_OF(asked); i++)
		ck_assert_int_eq(asked[i].text[62], 'y');
	world.db->counts[DB_READ] = 2;
	free(text);
	world_end(&world);
}
END_TEST

struct typed {
	struct db_call call;
	bool done;
};

static void types_arrived(struct db_call *call, const struct db_result *result)
{
	CONTAINER_OF(call, struct typed, call)->done = true;
	ck_assert(db_is_null(result, 0, 0));
	ck_assert_ptr_null(db_text(result, 0, 0).at);
	ck_assert_int_eq(db_int(result, 0, 0), 0);
	ck_assert(!db_bool(result, 0, 0));
	ck_assert_int_eq(db_int(result, 0, 1), 7);
	ck_assert_double_eq(db_double(result, 0, 2), 4.5);
	ck_assert(db_bool(result, 0, 3));
	ck_assert(!db_is_null(result, 0, 4));
	ck_assert_uint_eq(db_text(result, 0, 4).len, 0);
	ck_assert_ptr_nonnull(db_text(result, 0, 4).at);
}

START_TEST(columns_are_read_as_texts_numbers_and_booleans)
{
	struct world world = world_new();
	struct typed typed = {
		.call = { .query = (enum query)TYPES, .lane = DB_READ, .done = types_arrived }
	};

	db_submit(world.db, &typed.call);
	while (!typed.done)
		turn(&world);
	world_end(&world);
}
END_TEST

START_TEST(a_statement_raises_an_error_by_its_name)
{
	struct world world = world_new();
	struct asked plain, detailed, unknown, twice[2];

	ask(&world, &plain, DB_WRITE, FAIL, "WALLET_SHORT", NULL);
	ask(&world, &detailed, DB_WRITE, FAIL_DETAIL, "OUT_OF_STOCK", "item_7");
	ask(&world, &unknown, DB_WRITE, FAIL, "NO_SUCH_ERROR", NULL);
	ask(&world, &twice[0], DB_WRITE, INSERT, "5000", NULL);
	wait_one(&world, &twice[0]);
	ask(&world, &twice[1], DB_WRITE, INSERT, "5000", NULL);
	wait_one(&world, &plain);
	wait_one(&world, &detailed);
	wait_one(&world, &unknown);
	wait_all(&world, twice, 2);
	ck_assert_int_eq(plain.error, E_WALLET_SHORT);
	ck_assert_str_eq(plain.detail, "");
	ck_assert_uint_eq(plain.rows, 0);
	ck_assert_int_eq(detailed.error, E_OUT_OF_STOCK);
	ck_assert_str_eq(detailed.detail, "item_7");
	ck_assert_int_eq(unknown.error, E_INTERNAL);
	ck_assert_int_eq(twice[0].error, 0);
	ck_assert_int_eq(twice[1].error, E_CONFLICT_ROW);
	ck_assert_str_eq(twice[1].detail, "kept_once");
	world_end(&world);
}
END_TEST

START_TEST(the_log_names_the_statement_and_never_the_value)
{
	struct world world = world_new();
	struct asked asked;
	char output[2000] = "";
	FILE *kept = tmpfile();
	int before = dup(STDERR_FILENO);

	dup2(fileno(kept), STDERR_FILENO);
	log_set_level(LOG_DEBUG);
	ask(&world, &asked, DB_READ, DIVIDE, "+237670000001", NULL);
	wait_one(&world, &asked);
	ask(&world, &asked, DB_READ, DIVIDE, "a phone number", NULL);
	wait_one(&world, &asked);
	log_set_level(LOG_OFF);
	dup2(before, STDERR_FILENO);
	close(before);
	rewind(kept);
	ck_assert_uint_gt(fread(output, 1, sizeof(output) - 1, kept), 0);
	fclose(kept);
	ck_assert_int_eq(asked.error, E_INTERNAL);
	ck_assert_ptr_nonnull(strstr(output, "divide"));
	ck_assert_ptr_nonnull(strstr(output, "22P02"));
	ck_assert_ptr_null(strstr(output, "phone"));
	ck_assert_ptr_null(strstr(output, "237670"));
	world_end(&world);
}
END_TEST

START_TEST(a_wrong_number_of_parameters_does_not_end_the_connection)
{
	struct world world = world_new();
	struct asked wrong, right;

	ask(&world, &wrong, DB_READ, SAY, "one", "too many");
	wait_one(&world, &wrong);
	ask(&world, &right, DB_READ, SAY, "one", NULL);
	wait_one(&world, &right);
	ck_assert_int_eq(wrong.error, E_INTERNAL);
	ck_assert_int_eq(right.error, 0);
	ck_assert_int_eq(counted(&world, COUNT_DB_RECONNECTS), 0);
	world_end(&world);
}
END_TEST

START_TEST(a_statement_is_cancelled_after_its_timeout)
{
	struct config *config = world_config(test_url());
	struct world world;
	struct asked slow, quick;

	config->db_statement_timeout = 100;
	world = world_begin(config);
	wait_whole(&world);
	world.db->counts[DB_WRITE] = 1;
	ask(&world, &slow, DB_WRITE, SLEEP, "30", "");
	ask(&world, &quick, DB_WRITE, SAY, "after", NULL);
	wait_one(&world, &slow);
	wait_one(&world, &quick);
	world.db->counts[DB_WRITE] = 2;
	ck_assert_int_eq(slow.error, E_TIMED_OUT);
	ck_assert_int_eq(quick.error, 0);
	ck_assert_int_eq(counted(&world, COUNT_DB_RECONNECTS), 0);
	world_end(&world);
}
END_TEST

START_TEST(a_lock_wait_ends_after_its_timeout)
{
	struct config *config = world_config(test_url());
	struct world world;
	struct asked waits;

	config->db_lock_timeout = 100;
	world = world_begin(config);
	wait_whole(&world);
	ck_assert_int_eq(
		db_session_run(world.beside,
			"BEGIN; SELECT n FROM " TEST_SCHEMA ".held WHERE id = 1 FOR UPDATE"),
		0);
	ask(&world, &waits, DB_WRITE, HOLD, NULL, NULL);
	wait_one(&world, &waits);
	ck_assert_int_eq(waits.error, E_LOCK_TIMEOUT);
	ck_assert_int_eq(db_session_run(world.beside, "COMMIT"), 0);
	world_end(&world);
}
END_TEST

START_TEST(calls_above_the_queue_limit_are_refused_and_the_others_served)
{
	struct config *config = world_config(test_url());
	struct world world;
	struct asked asked[50];
	unsigned busy = 0;

	config->db_lane_depth = 10;
	world = world_begin(config);
	wait_whole(&world);
	for (unsigned i = 0; i < COUNT_OF(asked); i++)
		ask(&world, &asked[i], DB_READ, SAY, "x", NULL);
	wait_all(&world, asked, COUNT_OF(asked));
	for (unsigned i = 0; i < COUNT_OF(asked); i++) {
		ck_assert(asked[i].error == 0 || asked[i].error == E_BUSY);
		busy += asked[i].error == E_BUSY;
	}
	ck_assert_uint_eq(busy, 30);
	ck_assert_int_eq(counted(&world, COUNT_DB_REFUSED), 30);
	ask(&world, &asked[0], DB_READ, SAY, "x", NULL);
	wait_one(&world, &asked[0]);
	ck_assert_int_eq(asked[0].error, 0);
	world_end(&world);
}
END_TEST

static void ask_of(struct world *world, struct asked *asked, uint32_t account)
{
	memset(asked, 0, sizeof(*asked));
	asked->call = (struct db_call){
		.query = (enum query)PID, .lane = DB_WRITE, .done = asked_done, .affinity = account
	};
	db_submit(world->db, &asked->call);
}

START_TEST(calls_of_one_account_use_one_lane_and_others_spread)
{
	struct world world = world_new();
	struct asked hot[40], other[40];
	unsigned elsewhere = 0;

	for (unsigned i = 0; i < 40; i++)
		ask_of(&world, &hot[i], 12345);
	for (unsigned i = 0; i < 40; i++)
		ask_of(&world, &other[i], 0);
	wait_all(&world, hot, 40);
	wait_all(&world, other, 40);
	for (unsigned i = 0; i < 40; i++) {
		ck_assert_str_eq(hot[i].text, hot[0].text);
		elsewhere += strcmp(other[i].text, hot[0].text) != 0;
	}
	ck_assert_uint_eq(elsewhere, 40);
	for (unsigned i = 0; i < AFFINITY_SLOTS; i++)
		ck_assert_uint_eq(world.db->affinity[DB_WRITE][i].in_flight, 0);
	world_end(&world);
}
END_TEST

START_TEST(reads_of_an_account_do_not_change_the_lane_of_its_writes)
{
	struct world world = world_new();
	struct asked reads[4], writes[4];

	for (unsigned i = 0; i < 4; i++) {
		memset(&reads[i], 0, sizeof(reads[i]));
		reads[i].call = (struct db_call){ .query = (enum query)PID,
			.lane = DB_READ,
			.done = asked_done,
			.affinity = 99 };
		db_submit(world.db, &reads[i].call);
		ask_of(&world, &writes[i], 99);
	}
	wait_all(&world, reads, 4);
	wait_all(&world, writes, 4);
	for (unsigned i = 1; i < 4; i++) {
		ck_assert_str_eq(writes[i].text, writes[0].text);
		ck_assert_str_eq(reads[i].text, reads[0].text);
	}
	ck_assert_str_ne(writes[0].text, reads[0].text);
	world_end(&world);
}
END_TEST

START_TEST(reports_run_one_at_a_time)
{
	struct world world = world_new();
	struct asked asked[3];

	for (unsigned i = 0; i < 3; i++)
		ask(&world, &asked[i], DB_REPORT, SLEEP, "0.02", "");
	for (bool busy = true; busy;) {
		turn(&world);
		ck_assert_uint_le(world.db->lanes[DB_REPORT][0].in_flight.count, 1);
		busy = !asked[2].completions;
	}
	wait_all(&world, asked, 3);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_int_eq(asked[i].error, 0);
		ck_assert_uint_eq(asked[i].order, i);
	}
	world_end(&world);
}
END_TEST

/* The deadline for silent connections must stop with the last answer. */
START_TEST(an_idle_connection_is_not_closed)
{
	struct world world = world_new();
	struct asked quick, slow;

	world.db->stalls.after_ms = 100;
	ask(&world, &quick, DB_READ, SAY, "", NULL);
	wait_one(&world, &quick);
	ask(&world, &slow, DB_REPORT, SLEEP, "0.4", "");
	wait_one(&world, &slow);
	ck_assert_int_eq(slow.error, 0);
	ck_assert_int_eq(counted(&world, COUNT_DB_RECONNECTS), 0);
	world_end(&world);
}
END_TEST

struct chain {
	struct db_call call;
	struct world *world;
	unsigned left, done;
	int error;
};

static void chain_again(struct db_call *call, const struct db_result *result)
{
	struct chain *chain = CONTAINER_OF(call, struct chain, call);

	chain->error |= db_error(result);
	chain->done++;
	if (--chain->left)
		db_submit(chain->world->db, call);
}

START_TEST(a_completed_call_may_be_submitted_again_from_its_callback)
{
	struct world world = world_new();
	struct chain chain = { .call = { .query = (enum query)PID,
				       .lane = DB_WRITE,
				       .done = chain_again,
				       .affinity = 3 },
		.world = &world,
		.left = 100 };

	db_submit(world.db, &chain.call);
	while (chain.left)
		turn(&world);
	ck_assert_uint_eq(chain.done, 100);
	ck_assert_int_eq(chain.error, 0);
	world_end(&world);
}
END_TEST

static void count_ready(void *arg)
{
	++*(unsigned *)arg;
}

START_TEST(ready_is_called_once)
{
	struct world world = world_begin(world_config(test_url()));
	unsigned early = 0, late = 0;

	ck_assert(!db_ready(world.db));
	db_on_ready(world.db, count_ready, &early);
	ck_assert_uint_eq(early, 0);
	wait_whole(&world);
	ck_assert_uint_eq(early, 1);
	db_on_ready(world.db, count_ready, &late);
	ck_assert_uint_eq(late, 1);
	ck_assert_int_eq(counted(&world, COUNT_DB_LANES_UP), 5);
	world_end(&world);
}
END_TEST

START_TEST(closing_completes_calls_in_flight)
{
	struct world world = world_new();
	struct asked sent, waits;

	ask(&world, &sent, DB_READ, SLEEP, "30", "");
	flush(&world);
	ask(&world, &waits, DB_WRITE, SAY, "", NULL);
	world_end(&world);
	ck_assert_uint_eq(sent.completions, 1);
	ck_assert_int_eq(sent.error, E_STORE_DOWN);
	ck_assert_uint_eq(waits.completions, 1);
	ck_assert_int_eq(waits.error, E_STORE_DOWN);
}
END_TEST

START_TEST(too_many_connections_are_refused_or_reduced)
{
	struct config *config = world_config(test_url());
	struct loop *loop;
	struct db *db = NULL;

	ck_assert_int_eq(loop_new(0, &loop), 0);
	config->loops = 6;
	config->db_write_lanes = config->db_read_lanes = 4;
	ck_assert_int_eq(db_new_with(loop, config, statements, STATEMENTS, &db), E_CONFIG);
	config->loops = 0;
	config->db_write_lanes = config->db_read_lanes = 24;
	ck_assert_int_eq(db_new_with(loop, config, statements, STATEMENTS, &db), 0);
	ck_assert_uint_le(
		uv_available_parallelism() * (db->counts[DB_READ] + db->counts[DB_WRITE] + 1), 50);
	db_close(db);
	config->database_url = "host='unfinished";
	ck_assert_int_eq(db_new_with(loop, config, statements, STATEMENTS, &db), E_CONFIG);
	loop_free(loop);
	config_free(config);
}
END_TEST

static Suite *suite(void)
{
	Suite *all = suite_create("lanes");
	TCase *lanes = tcase_create("up");

	tcase_set_timeout(lanes, 120);
	tcase_add_test(lanes, answers_come_in_the_order_of_the_queue);
	tcase_add_test(lanes, an_error_does_not_affect_other_calls);
	tcase_add_test(lanes, a_failed_read_does_not_affect_the_reads_after_it);
	tcase_add_test(lanes, a_lane_prepares_a_statement_once_with_its_first_call);
	tcase_add_test(
		lanes, a_statement_that_cannot_be_prepared_fails_alone_and_is_prepared_later);
	tcase_add_test(lanes, an_answer_larger_than_the_socket_buffer_arrives);
	tcase_add_test(lanes, a_call_larger_than_the_socket_buffer_is_sent);
	tcase_add_test(lanes, columns_are_read_as_texts_numbers_and_booleans);
	tcase_add_test(lanes, a_statement_raises_an_error_by_its_name);
	tcase_add_test(lanes, the_log_names_the_statement_and_never_the_value);
	tcase_add_test(lanes, a_wrong_number_of_parameters_does_not_end_the_connection);
	tcase_add_test(lanes, a_statement_is_cancelled_after_its_timeout);
	tcase_add_test(lanes, a_lock_wait_ends_after_its_timeout);
	tcase_add_test(lanes, calls_above_the_queue_limit_are_refused_and_the_others_served);
	tcase_add_test(lanes, calls_of_one_account_use_one_lane_and_others_spread);
	tcase_add_test(lanes, reads_of_an_account_do_not_change_the_lane_of_its_writes);
	tcase_add_test(lanes, reports_run_one_at_a_time);
	tcase_add_test(lanes, an_idle_connection_is_not_closed);
	tcase_add_test(lanes, a_completed_call_may_be_submitted_again_from_its_callback);
	tcase_add_test(lanes, ready_is_called_once);
	tcase_add_test(lanes, closing_completes_calls_in_flight);
	tcase_add_test(lanes, too_many_connections_are_refused_or_reduced);
	suite_add_tcase(all, lanes);
	return all;
}

int main(void)
{
	return world_run(suite());
}
