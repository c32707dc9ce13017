/* SPDX-License-Identifier: MIT
 *
 * Rules of src/domain that SQL repeats, because a statement selects or locks by them: both are run
 * on the same generated cases.
 */
#include <check.h>
#include <jansson.h>
#include <stdlib.h>

#include "../own_database.h"
#include "../suite.h"
#include "reeyo/core/clock.h"
#include "reeyo/domain/hours.h"
#include "reeyo/domain/rider.h"
#include "reeyo/domain/setting.h"
#include "reeyo/service/settings.h"

#define HOURS_CASES 5000

static char url[1200];

/* A generator of its own, so that a failure comes back with the next run. */
static unsigned random_below(unsigned limit)
{
	static uint64_t state = 20261127;

	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % limit;
}

/* --- The database's answers ------------------------------------------------------------------- */

struct answers {
	char (*at)[32];
	size_t count;
};

static void answer_take(void *arg, int n, char *const *values)
{
	struct answers *answers = arg;

	ck_assert_int_eq(n, 1);
	snprintf(answers->at[answers->count++], 32, "%s", values[0] ? values[0] : "");
}

/* One answer for each case, in their order. sql: an expression of `c`, the case. */
static struct answers answers_get(const char *sql, const json_t *cases)
{
	struct answers answers = { calloc(json_array_size(cases), 32), 0 };
	char *text = json_dumps(cases, JSON_COMPACT);
	const char *params[] = { text };
	struct db_session *session;
	char query[600];

	snprintf(query, sizeof(query),
		"SELECT %s FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY e(c, n) ORDER BY n",
		sql);
	ck_assert_int_eq(db_session_open(url, &session), 0);
	ck_assert_int_eq(db_session_each(session, query, 1, params, answer_take, &answers), 0);
	db_session_close(session);
	free(text);
	ck_assert_uint_eq(answers.count, json_array_size(cases));
	return answers;
}

/* --- Business hours --------------------------------------------------------------------------- */

/* On a grid of 30 minutes, so that hours often touch, end at midnight, or are equal. */
static json_t *clock_random(bool opens)
{
	unsigned minutes = random_below(opens ? 48 : 49) * 30;
	char text[16];

	snprintf(text, sizeof(text), "%02u:%02u", minutes / 60, minutes % 60);
	return json_string(text);
}

static json_t *hours_random(void)
{
	json_t *hours = json_object();

	for (int i = 0; i < 7; i++) {
		json_t *day;

		if (random_below(4) == 0)
			continue;
		day = json_object();
		json_object_set_new(day, "open", clock_random(true));
		json_object_set_new(day, "close", clock_random(false));
		if (random_below(6) == 0)
			json_object_set_new(day, "closed", json_boolean(random_below(2)));
		json_object_set_new(hours, day_names[i], day);
	}
	return hours;
}

static bool hours_open_in_c(const json_t *row)
{
	struct hours hours;
	const char *day;
	int64_t ms;

	ck_assert(hours_read(json_object_get(row, "hours"), &hours, &day));
	ck_assert_int_eq(clock_parse(json_string_value(json_object_get(row, "at")), &ms), 0);
	return hours_open(&hours, ms, 0);
}

START_TEST(hours_are_open_in_c_when_they_are_in_sql)
{
	json_auto_t *cases = json_array();
	struct answers answers;

	for (int i = 0; i < HOURS_CASES; i++) {
		/* Four weeks from 2026-01-01, on the grid or a minute before it. */
		int64_t minute = 1 + (int64_t)random_below(28 * 48) * 30 - random_below(2);
		char at[CLOCK_ISO_SIZE];

		clock_iso(1767225600000 + minute * 60000, at);
		json_array_append_new(
			cases, json_pack("{s:o,s:s}", "hours", hours_random(), "at", at));
	}
	answers = answers_get(
		"hours_open(c -> 'hours', (c ->> 'at')::timestamptz AT TIME ZONE 'UTC')", cases);
	for (size_t i = 0; i < answers.count; i++) {
		const json_t *row = json_array_get(cases, i);

		if ((answers.at[i][0] == 't') != hours_open_in_c(row))
			ck_abort_msg("SQL has %s for %s", answers.at[i], json_dumps(row, 0));
	}
	free(answers.at);
}
END_TEST

/* --- Riders ----------------------------------------------------------------------------------- */

static const char *const approvals[] = { "PENDING", "APPROVED", "REJECTED", "SUSPENDED" };
static const char *const states[] = { "ACTIVE", "INACTIVE" };
#define STANDINGS (4 * 2 * 2 * 2)
#define NEEDS 4 /* combinations of enum rider_needs */

static struct rider_standing standing_of(unsigned number)
{
	return (struct rider_standing){ .approval_status = approvals[number % 4],
		.status = states[number / 4 % 2],
		.phone_verified = number / 8 % 2,
		.is_online = number / 16 % 2 };
}

static json_t *standing_json(unsigned number, unsigned needs)
{
	struct rider_standing rider = standing_of(number);

	return json_pack("{s:s,s:s,s:b,s:b,s:b,s:b}", "approval_status", rider.approval_status,
		"status", rider.status, "phone_verified", rider.phone_verified, "is_online",
		rider.is_online, "needsPhone", needs & RIDER_NEEDS_PHONE, "needsOnline",
		needs & RIDER_NEEDS_ONLINE);
}

START_TEST(riders_are_ineligible_in_c_for_the_reason_of_sql)
{
	json_auto_t *cases = json_array();
	struct answers answers;

	for (unsigned i = 0; i < STANDINGS * NEEDS; i++)
		json_array_append_new(cases, standing_json(i % STANDINGS, i / STANDINGS));
	answers = answers_get("rider_ineligibility(jsonb_populate_record(NULL::riders, c), "
			      "(c ->> 'needsPhone')::boolean, (c ->> 'needsOnline')::boolean)",
		cases);
	for (unsigned i = 0; i < STANDINGS * NEEDS; i++) {
		struct rider_standing rider = standing_of(i % STANDINGS);
		int error = rider_ineligibility(&rider, i / STANDINGS);

		ck_assert_str_eq(answers.at[i], error ? error_name(error) : "");
	}
	free(answers.at);
}
END_TEST

/* --- Settings --------------------------------------------------------------------------------- */

START_TEST(a_migrated_database_gets_the_missing_defaults_and_keeps_the_rest)
{
	struct db_session *session;
	char value[32];

	ck_assert_int_eq(settings_seed(url), 0);
	ck_assert_int_eq(db_session_open(url, &session), 0);
	ck_assert_int_eq(db_session_run(session,
				 "UPDATE settings SET value = '7' WHERE key = 'service_fee_bps';"
				 "DELETE FROM settings WHERE key = 'rider_cut_bps'"),
		0);
	ck_assert_int_eq(settings_seed(url), 0);
	ck_assert_int_eq(db_session_value(session,
				 "SELECT string_agg(value::text, ',' ORDER BY key) FROM settings "
				 "WHERE key IN ('service_fee_bps', 'rider_cut_bps')",
				 value, sizeof(value)),
		0);
	ck_assert_str_eq(value, "0,7");
	db_session_close(session);
}
END_TEST

static int url_keep(const char *given)
{
	snprintf(url, sizeof(url), "%s", given);
	return 0;
}

int main(void)
{
	Suite *suite = suite_create("sql_rules");
	TCase *tests = tcase_create("sql_rules");

	tcase_add_test(tests, hours_are_open_in_c_when_they_are_in_sql);
	tcase_add_test(tests, riders_are_ineligible_in_c_for_the_reason_of_sql);
	tcase_add_test(tests, a_migrated_database_gets_the_missing_defaults_and_keeps_the_rest);
	suite_add_tcase(suite, tests);
	return own_database_suite_run(suite, url_keep, NULL);
}
