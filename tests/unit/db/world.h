/* SPDX-License-Identifier: MIT
 *
 * Shared by the tests of lanes: a loop with a database, statements, calls that record their
 * results, and a separate blocking session. TEST_SCHEMA is the schema of the test program.
 */
#ifndef REEYO_TESTS_DB_WORLD_H
#define REEYO_TESTS_DB_WORLD_H

#include <check.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lane.h"
#include "reeyo/core/clock.h"
#include "reeyo/core/log.h"
#include "reeyo/core/memory.h"
#include "reeyo/db/counters.h"

enum statement {
	SAY,
	DIVIDE,
	SLEEP,
	FAIL,
	FAIL_DETAIL,
	PID,
	INSERT,
	HOLD,
	WIDE,
	TYPES,
	KEPT,
	STATEMENTS
};

static const struct query_text statements[] = {
	[SAY] = { "say", "SELECT $1::text" },
	[DIVIDE] = { "divide", "SELECT 1 / $1::int" },
	[SLEEP] = { "sleep", "SELECT pg_sleep($1::float8), $2::text" },
	[FAIL] = { "fail", "SELECT " TEST_SCHEMA ".fail($1::text)" },
	[FAIL_DETAIL] = { "fail_detail", "SELECT " TEST_SCHEMA ".fail($1::text, $2::text)" },
	[PID] = { "pid", "SELECT pg_backend_pid()" },
	[INSERT] = { "insert", "INSERT INTO " TEST_SCHEMA ".kept (id) VALUES ($1::bigint)" },
	[HOLD] = { "hold", "SELECT n FROM " TEST_SCHEMA ".held WHERE id = 1 FOR UPDATE" },
	[WIDE] = { "wide", "SELECT repeat('x', $1::int)" },
	[TYPES] = { "types", "SELECT NULL::text, 7::bigint, 4.5::float8, true, ''::text" },
	[KEPT] = { "kept", "SELECT count(*) FROM " TEST_SCHEMA ".kept" },
};

#define SCHEMA \
	"DROP SCHEMA IF EXISTS " TEST_SCHEMA " CASCADE; CREATE SCHEMA " TEST_SCHEMA ";" \
	"CREATE TABLE " TEST_SCHEMA ".kept (id bigint CONSTRAINT kept_once PRIMARY KEY);" \
	"CREATE TABLE " TEST_SCHEMA ".held (id int PRIMARY KEY, n int NOT NULL);" \
	"INSERT INTO " TEST_SCHEMA ".held VALUES (1, 0);" \
	"CREATE FUNCTION " TEST_SCHEMA \
	".fail(name text, detail text DEFAULT '') RETURNS void LANGUAGE plpgsql AS $$" \
	"BEGIN RAISE EXCEPTION USING ERRCODE = 'RY000', MESSAGE = name, DETAIL = detail; END $$;"

struct world {
	struct config *config;
	struct loop *loop;
	struct db *db;
	struct db_session *beside;
};

/* A call and its result. */
struct asked {
	struct db_call call;
	unsigned completions;
	unsigned order; /* position among all completions */
	int error;
	unsigned rows;
	char text[64], detail[64], given[2][64];
};

static unsigned completed_count;

static inline const char *test_url(void)
{
	return getenv("REEYO_TEST_DATABASE_URL");
}

static inline void asked_done(struct db_call *call, const struct db_result *result)
{
	struct asked *asked = CONTAINER_OF(call, struct asked, call);
	struct text text = db_rows(result) ? db_text(result, 0, 0) : TEXT_NONE;

	asked->completions++;
	asked->order = completed_count++;
	asked->error = db_error(result);
	asked->rows = db_rows(result);
	snprintf(asked->text, sizeof(asked->text), "%.*s", TEXT_ARGS(text));
	snprintf(asked->detail, sizeof(asked->detail), "%s", db_error_detail(result));
}

/* Submits; first and second are copied, NULL for none. */
static inline void ask(struct world *world, struct asked *asked, enum db_lane lane,
	enum statement statement, const char *first, const char *second)
{
	const char *given[] = { first, second };

	memset(asked, 0, sizeof(*asked));
	asked->call.query = (enum query)statement;
	asked->call.lane = lane;
	asked->call.done = asked_done;
	for (; asked->call.count < 2 && given[asked->call.count]; asked->call.count++) {
		char *copy = asked->given[asked->call.count];

		snprintf(copy, sizeof(asked->given[0]), "%s", given[asked->call.count]);
		asked->call.params[asked->call.count] = copy;
	}
	db_submit(world->db, &asked->call);
}

static inline void turn(struct world *world)
{
	uv_run(loop_uv(world->loop), UV_RUN_ONCE);
}

/* One turn that does not block: submitted calls are sent or refused. */
static inline void flush(struct world *world)
{
	uv_run(loop_uv(world->loop), UV_RUN_NOWAIT);
}

static inline void wait_all(struct world *world, const struct asked *asked, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		while (!asked[i].completions)
			turn(world);
}

static inline void wait_one(struct world *world, const struct asked *asked)
{
	wait_all(world, asked, 1);
}

static inline void wait_ready(struct world *world)
{
	while (!db_ready(world->db))
		turn(world);
}

static inline unsigned lanes_up(const struct world *world, enum db_lane kind)
{
	unsigned up = 0;

	for (unsigned i = 0; i < world->db->counts[kind]; i++)
		up += world->db->lanes[kind][i].state == LANE_UP;
	return up;
}

static inline void wait_lanes(struct world *world, enum db_lane kind, unsigned count)
{
	while (lanes_up(world, kind) != count)
		turn(world);
}

static inline void wait_whole(struct world *world)
{
	for (int kind = 0; kind < DB_LANES; kind++)
		wait_lanes(world, (enum db_lane)kind, world->db->counts[kind]);
}

static inline int64_t counted(const struct world *world, unsigned which)
{
	return (int64_t)loop_counters(world->loop)->value[which];
}

static inline void beside_value(struct world *world, const char *sql, char *out, size_t size)
{
	ck_assert_int_eq(db_session_value(world->beside, sql, out, size), 0);
}

/* The PID of the lane's backend. */
static inline int lane_backend(const struct lane *lane)
{
	return PQbackendPID(lane->pg);
}

static inline void backend_kill(struct world *world, int backend)
{
	char sql[80], out[8];

	snprintf(sql, sizeof(sql), "SELECT pg_terminate_backend(%d)", backend);
	beside_value(world, sql, out, sizeof(out));
}

/* A configuration with one loop and two lanes of each kind; the caller may change it. */
static inline struct config *world_config(const char *url)
{
	struct config *config = NULL;
	char *argv[] = { "--loops", "1", "--db-write-lanes", "2", "--db-read-lanes", "2", NULL };
	int rest = 0;

	ck_assert_int_eq(config_load(6, argv, &rest, &config), 0);
	config->database_url = url;
	config->replica_url = "";
	return config;
}

static inline struct world world_begin(struct config *config)
{
	struct world world = { .config = config };

	completed_count = 0;
	ck_assert_int_eq(loop_new(0, &world.loop), 0);
	ck_assert_int_eq(db_session_open(test_url(), &world.beside), 0);
	ck_assert_int_eq(db_new_with(world.loop, config, statements, STATEMENTS, &world.db), 0);
	return world;
}

static inline struct world world_new(void)
{
	struct world world = world_begin(world_config(test_url()));

	wait_whole(&world);
	return world;
}

static inline void world_end(struct world *world)
{
	db_close(world->db);
	ck_assert_int_eq(counted(world, COUNT_DB_IN_FLIGHT), 0);
	ck_assert_int_eq(counted(world, COUNT_DB_LANES_UP), 0);
	db_session_close(world->beside);
	loop_free(world->loop);
	world->config->database_url = world->config->replica_url = "";
	config_free(world->config);
}

/* Runs a suite in a schema of its own; the process's exit code. */
static inline int world_run(Suite *suite)
{
	struct db_session *session;
	SRunner *runner = srunner_create(suite);
	int failed;

	if (!test_url()) {
		puts("skipped: REEYO_TEST_DATABASE_URL is not set");
		srunner_free(runner);
		return 77;
	}
	if (sodium_init() < 0 || db_session_open(test_url(), &session) ||
		db_session_run(session, SCHEMA))
		return 1;
	log_set_level(getenv("REEYO_TEST_LOG") ? LOG_DEBUG : LOG_OFF);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	if (db_session_run(session, "DROP SCHEMA " TEST_SCHEMA " CASCADE"))
		failed++;
	db_session_close(session);
	return failed ? 1 : 0;
}

#endif
