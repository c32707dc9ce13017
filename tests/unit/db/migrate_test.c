/* SPDX-License-Identifier: MIT
 *
 * Migrations: schema files are applied once, in order, by one process at a time; a changed or
 * unknown file stops the migration. Function files are applied when they changed.
 */
#include <check.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../suite.h"
#include "migrations.h"
#include "reeyo/core/log.h"
#include "reeyo/db/db.h"

#define SCHEMA "db_migrate_test"

static char url[1024];
static struct db_session *session;

#define PEOPLE \
	{ \
		1, "people", \
			"CREATE TABLE people (id int PRIMARY KEY, age int DEFAULT age_default());\n" \
			"INSERT INTO people VALUES (1);" \
	}
#define NAMES \
	{ \
		2, "names", \
			"ALTER TABLE people ADD name text; UPDATE people SET name = 'semicolon; " \
			"quote''s';" \
	}

static const struct sql_file two_files[] = { PEOPLE, NAMES, { 0 } };
static const struct sql_file three_files[] = {
	PEOPLE,
	NAMES,
	{ 3, "more",
		"DROP VIEW IF EXISTS names_view; ALTER TABLE people ALTER name TYPE varchar;"
		"INSERT INTO people (id, name) VALUES (2, 'two'); SELECT pg_sleep(0.2);" },
	{ 0 },
};
static const struct sql_file changed_files[] = {
	{ 1, "people", "CREATE TABLE people (id bigint PRIMARY KEY);" },
	NAMES,
	{ 0 },
};
static const struct sql_file broken_files[] = {
	PEOPLE,
	{ 2, "half", "CREATE TABLE half (id int); SELECT 1 / 0;" },
	{ 0 },
};

#define BASE \
	{ \
		0, "base", \
			"CREATE OR REPLACE FUNCTION age_default() RETURNS int LANGUAGE sql AS " \
			"$$SELECT 7$$" \
	}
#define LATER \
	{ \
		0, "later", \
			"CREATE OR REPLACE FUNCTION later() RETURNS text LANGUAGE sql AS $$SELECT 'z'$$" \
	}

/* `greetings` uses a view of its own file and a function of a later file. */
#define GREETINGS(word) \
	{ \
		0, "greetings", \
			"CREATE OR REPLACE VIEW names_view AS SELECT name FROM people;" \
			"CREATE OR REPLACE FUNCTION greet() RETURNS text LANGUAGE sql AS " \
			"$$SELECT '" word " ' || later()$$" \
	}

static const struct sql_file functions[] = { BASE, GREETINGS("hello"), LATER, { 0 } };
static const struct sql_file new_functions[] = { BASE, GREETINGS("good day"), LATER, { 0 } };
static const struct sql_file broken_functions[] = { BASE, GREETINGS("bye"), LATER,
	{ 0, "wrong", "CREATE OR REPLACE FUNCTION" }, { 0 } };

static const struct sql_set first_two = { two_files, functions };
static const struct sql_set all_three = { three_files, functions };
static const struct sql_set changed = { changed_files, functions };
static const struct sql_set broken = { broken_files, functions };
static const struct sql_set greeting_changed = { two_files, new_functions };
static const struct sql_set functions_broken = { three_files, broken_functions };

static const char *value_of(const char *sql)
{
	static char value[64];

	ck_assert_int_eq(db_session_value(session, sql, value, sizeof(value)), 0);
	return value;
}

static void schema_make(void)
{
	ck_assert_int_eq(db_session_open(url, &session), 0);
	ck_assert_int_eq(db_session_run(session,
				 "DROP SCHEMA IF EXISTS " SCHEMA " CASCADE; CREATE SCHEMA " SCHEMA),
		0);
}

static void schema_drop(void)
{
	ck_assert_int_eq(db_session_run(session, "DROP SCHEMA IF EXISTS " SCHEMA " CASCADE"), 0);
	db_session_close(session);
}

START_TEST(missing_files_are_applied_once)
{
	ck_assert_int_eq(migrate_run_with(url, &first_two), 0);
	ck_assert_str_eq(value_of("SELECT name FROM people"), "semicolon; quote's");
	ck_assert_int_eq(migrate_run_with(url, &first_two), 0);
	ck_assert_int_eq(migrate_run_with(url, &all_three), 0);
	ck_assert_str_eq(value_of("SELECT count(*) FROM people"), "2");
	ck_assert_str_eq(value_of("SELECT string_agg(version || name, ' ' ORDER BY version) FROM "
				  "schema_migrations"),
		"1people 2names 3more");
	ck_assert_str_eq(value_of("SELECT min(length(checksum)) FROM schema_migrations"), "64");
	ck_assert_int_eq(migrate_status_with(url, &all_three), 0);
}
END_TEST

START_TEST(a_changed_schema_file_stops_the_migration)
{
	ck_assert_int_eq(migrate_run_with(url, &first_two), 0);
	ck_assert_int_eq(migrate_run_with(url, &changed), E_CONFIG);
	ck_assert_int_eq(migrate_status_with(url, &changed), 0);
}
END_TEST

START_TEST(an_unknown_version_stops_the_migration_but_not_the_server)
{
	ck_assert_int_eq(migrate_run_with(url, &all_three), 0);
	ck_assert_int_eq(migrate_run_with(url, &first_two), E_CONFIG);
	ck_assert_int_eq(migrate_check_with(url, &first_two), 0);
}
END_TEST

START_TEST(a_server_newer_than_the_schema_does_not_start)
{
	ck_assert_int_eq(migrate_check_with(url, &first_two), E_CONFIG);
	ck_assert_int_eq(migrate_run_with(url, &first_two), 0);
	ck_assert_int_eq(migrate_check_with(url, &first_two), 0);
	ck_assert_int_eq(migrate_check_with(url, &all_three), E_CONFIG);
	ck_assert_int_eq(migrate_check_with("host=127.0.0.1 port=1", &first_two), E_STORE_DOWN);
}
END_TEST

START_TEST(a_failed_run_changes_nothing)
{
	ck_assert_int_ne(migrate_run_with(url, &broken), 0);
	ck_assert_str_eq(value_of("SELECT to_regclass('half') IS NULL"), "t");
	ck_assert_str_eq(value_of("SELECT to_regclass('people') IS NULL"), "t");
	ck_assert_str_eq(value_of("SELECT to_regproc('greet') IS NULL"), "t");
	ck_assert_str_eq(value_of("SELECT count(*) FROM schema_migrations"), "0");
	ck_assert_str_eq(value_of("SELECT count(*) FROM schema_functions"), "0");
}
END_TEST

START_TEST(a_changed_function_file_is_applied_again_and_the_others_are_not)
{
	ck_assert_int_eq(migrate_run_with(url, &first_two), 0);
	ck_assert_str_eq(value_of("SELECT greet()"), "hello z");
	ck_assert_int_eq(db_session_run(session, "DROP FUNCTION later()"), 0);
	ck_assert_int_eq(migrate_run_with(url, &greeting_changed), 0);
	ck_assert_str_eq(value_of("SELECT to_regproc('later') IS NULL"), "t");
	ck_assert_str_eq(value_of("SELECT string_agg(name, ' ' ORDER BY name) FROM "
				  "schema_functions WHERE current"),
		"base greetings later");
	ck_assert_str_eq(value_of("SELECT count(*) FROM schema_functions"), "4");
}
END_TEST

START_TEST(all_function_files_are_applied_again_after_a_schema_file)
{
	ck_assert_int_eq(migrate_run_with(url, &first_two), 0);
	ck_assert_int_eq(db_session_run(session, "DROP FUNCTION later()"), 0);
	ck_assert_int_eq(migrate_run_with(url, &all_three), 0);
	ck_assert_str_eq(value_of("SELECT greet()"), "hello z");
	ck_assert_str_eq(value_of("SELECT count(*) FROM names_view"), "2");
}
END_TEST

START_TEST(a_schema_file_is_not_kept_when_a_function_file_of_its_run_fails)
{
	ck_assert_int_eq(migrate_run_with(url, &first_two), 0);
	ck_assert_int_ne(migrate_run_with(url, &functions_broken), 0);
	ck_assert_str_eq(value_of("SELECT max(version) FROM schema_migrations"), "2");
	ck_assert_str_eq(value_of("SELECT count(*) FROM people"), "1");
	ck_assert_str_eq(value_of("SELECT greet()"), "hello z");
}
END_TEST

START_TEST(a_server_starts_on_newer_functions_and_not_on_older_ones)
{
	ck_assert_int_eq(migrate_run_with(url, &first_two), 0);
	ck_assert_int_eq(migrate_check_with(url, &greeting_changed), E_CONFIG);
	ck_assert_int_eq(migrate_run_with(url, &greeting_changed), 0);
	ck_assert_int_eq(migrate_check_with(url, &greeting_changed), 0);
	ck_assert_int_eq(migrate_check_with(url, &first_two), 0);
}
END_TEST

START_TEST(an_older_binary_that_migrates_restores_its_functions)
{
	ck_assert_int_eq(migrate_run_with(url, &greeting_changed), 0);
	ck_assert_int_eq(migrate_run_with(url, &first_two), 0);
	ck_assert_int_eq(migrate_run_with(url, &greeting_changed), 0);
	ck_assert_int_eq(migrate_run_with(url, &first_two), 0);
	ck_assert_str_eq(value_of("SELECT greet()"), "hello z");
	ck_assert_int_eq(migrate_status_with(url, &greeting_changed), 0);
}
END_TEST

START_TEST(processes_that_start_together_apply_each_once)
{
	pid_t children[4];

	for (int i = 0; i < 4; i++)
		if ((children[i] = fork()) == 0)
			_exit(migrate_run_with(url, &all_three) ? 1 : 0);
	for (int i = 0; i < 4; i++) {
		int status = -1;

		ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
		ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	ck_assert_str_eq(value_of("SELECT count(*) FROM people"), "2");
	ck_assert_str_eq(value_of("SELECT count(*) FROM schema_migrations"), "3");
}
END_TEST

static void row_count(void *arg, int n, char *const *values)
{
	unsigned *rows = arg;

	ck_assert_int_eq(n, 2);
	ck_assert_ptr_null(values[1]);
	(*rows)++;
}

START_TEST(a_session_runs_statements_and_reads_rows)
{
	const char *params[] = { "3" };
	unsigned rows = 0;

	ck_assert_int_eq(
		db_session_each(session, "SELECT n, NULL FROM generate_series(1, $1::int) n", 1,
			params, row_count, &rows),
		0);
	ck_assert_uint_eq(rows, 3);
	ck_assert_str_eq(value_of("SELECT 1 WHERE false"), "");
	ck_assert_int_eq(db_session_run(session, "SELECT broken"), E_INTERNAL);
	ck_assert_str_eq(value_of("SHOW search_path"), SCHEMA);
}
END_TEST

static Suite *suite(void)
{
	Suite *all = suite_create("migrations");
	TCase *migrations = tcase_create("migrations");

	tcase_set_timeout(migrations, 120);
	tcase_add_checked_fixture(migrations, schema_make, schema_drop);
	tcase_add_test(migrations, missing_files_are_applied_once);
	tcase_add_test(migrations, a_changed_schema_file_stops_the_migration);
	tcase_add_test(migrations, an_unknown_version_stops_the_migration_but_not_the_server);
	tcase_add_test(migrations, a_server_newer_than_the_schema_does_not_start);
	tcase_add_test(migrations, a_failed_run_changes_nothing);
	tcase_add_test(migrations, a_changed_function_file_is_applied_again_and_the_others_are_not);
	tcase_add_test(migrations, all_function_files_are_applied_again_after_a_schema_file);
	tcase_add_test(migrations, a_schema_file_is_not_kept_when_a_function_file_of_its_run_fails);
	tcase_add_test(migrations, a_server_starts_on_newer_functions_and_not_on_older_ones);
	tcase_add_test(migrations, an_older_binary_that_migrates_restores_its_functions);
	tcase_add_test(migrations, processes_that_start_together_apply_each_once);
	tcase_add_test(migrations, a_session_runs_statements_and_reads_rows);
	suite_add_tcase(all, migrations);
	return all;
}

int main(void)
{
	const char *given = getenv("REEYO_TEST_DATABASE_URL");
	int failed;

	if (!given) {
		puts("skipped: REEYO_TEST_DATABASE_URL is not set");
		return 77;
	}
	if (sodium_init() < 0)
		return 1;
	/* tables of these tests live in a schema of their own */
	snprintf(url, sizeof(url), "%s%coptions=-csearch_path%%3D" SCHEMA, given,
		strchr(given, '?') ? '&' : '?');
	log_set_level(getenv("REEYO_TEST_LOG") ? LOG_DEBUG : LOG_OFF);
	failed = suite_run(suite());
	return failed ? 1 : 0;
}
