/* SPDX-License-Identifier: MIT
 *
 * Dates in both directions: leap days, centuries, offsets, fractions, and invalid dates.
 */
#include <check.h>
#include <stdlib.h>
#include <time.h>

#include "../suite.h"
#include "reeyo/core/clock.h"

static const struct {
	const char *text;
	int64_t ms;
} dates[] = {
	{ "1970-01-01T00:00:00Z", 0 },
	{ "1969-12-31T23:59:59.999Z", -1 },
	{ "2000-02-29T00:00:00Z", 951782400000 },
	{ "2024-02-29T12:00:00Z", 1709208000000 },
	{ "2024-03-01T00:00:00Z", 1709251200000 },
	{ "2026-11-23T20:40:45.123Z", 1795466445123 },
	{ "2026-11-23T21:40:45.123+01:00", 1795466445123 },
	{ "2026-11-23T15:10:45.123-05:30", 1795466445123 },
	{ "2026-11-23T20:40:45.1239999Z", 1795466445123 },
	{ "2026-11-23T20:40:45.5Z", 1795466445500 },
	{ "2026-11-23t20:40:45z", 1795466445000 },
	{ "2025-01-01T00:30:00+01:00", 1735687800000 },
	{ "1900-02-28T23:59:59Z", -2203891201000 },
	{ "9999-12-31T23:59:59Z", 253402300799000 },
};

START_TEST(a_valid_date_is_parsed)
{
	int64_t ms = 42;

	ck_assert_int_eq(clock_parse(dates[_i].text, &ms), 0);
	ck_assert_int_eq(ms, dates[_i].ms);
}
END_TEST

static const char *const wrong[] = {
	"",
	"2026",
	"2026-11-23",
	"2026-11-23T20:40Z",
	"2026-11-23T20:40:45",
	"2023-02-29T00:00:00Z",
	"1900-02-29T00:00:00Z",
	"2026-13-01T00:00:00Z",
	"2026-00-01T00:00:00Z",
	"2026-04-31T00:00:00Z",
	"2026-11-00T00:00:00Z",
	"2026-11-23T24:00:00Z",
	"2026-11-23T20:60:00Z",
	"2026-11-23T20:40:61Z",
	"2026-11-23T20:40:45.Z",
	"2026-11-23T20:40:45+0100",
	"2026-11-23T20:40:45+24:00",
	"2026-11-23T20:40:45+01:60",
	"2026-11-23T20:40:45Zx",
	"2026-11-23T20:40:45+01:00 ",
	" 2026-11-23T20:40:45Z",
	"+026-11-23T20:40:45Z",
	"2026/11/23T20:40:45Z",
	"2026-11-23T20:40:4",
};

START_TEST(an_invalid_date_is_refused_and_the_result_is_untouched)
{
	int64_t ms = 42;

	ck_assert_msg(clock_parse(wrong[_i], &ms) == -1, "%s", wrong[_i]);
	ck_assert_int_eq(ms, 42);
}
END_TEST

START_TEST(a_time_is_written_as_the_c_library_writes_it)
{
	char text[CLOCK_ISO_SIZE], expected[32];
	struct tm tm;

	/* a day and some between samples, over four centuries and both sides of 1970 */
	for (int64_t s = -6000000000; s < 7000000000; s += 5 * 86400 + 12345) {
		time_t seconds = (time_t)s;
		int64_t back;

		gmtime_r(&seconds, &tm);
		strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S.007Z", &tm);
		clock_iso(s * 1000 + 7, text);
		ck_assert_str_eq(text, expected);
		ck_assert_int_eq(clock_parse(text, &back), 0);
		ck_assert_int_eq(back, s * 1000 + 7);
	}
	clock_iso(-1, text);
	ck_assert_str_eq(text, "1969-12-31T23:59:59.999Z");
	clock_iso(INT64_MAX, text);
	ck_assert_str_eq(text, "9999-12-31T23:59:59.999Z");
}
END_TEST

START_TEST(a_shift_moves_only_the_wall_clock)
{
	int64_t wall = clock_wall_ms();
	uint64_t monotonic = clock_ms();

	clock_shift(3600000);
	ck_assert_int_ge(clock_wall_ms(), wall + 3600000);
	ck_assert_uint_lt(clock_ms(), monotonic + 3600000);
	clock_shift(-3600000);
	ck_assert_int_lt(clock_wall_ms(), wall + 3600000);
	ck_assert_uint_ge(clock_us() / 1000, monotonic);
}
END_TEST

START_TEST(days_are_added_across_the_ends_of_months_and_years)
{
	char day[CLOCK_DAY_SIZE] = "2028-02-28";

	ck_assert_int_eq(clock_day_add(day, 1, day), 0);
	ck_assert_str_eq(day, "2028-02-29");
	ck_assert_int_eq(clock_day_add("2026-12-31", 1, day), 0);
	ck_assert_str_eq(day, "2027-01-01");
	ck_assert_int_eq(clock_day_add(day, -1, day), 0);
	ck_assert_str_eq(day, "2026-12-31");
	ck_assert_int_ne(clock_day_add("2026-11-31", 0, day), 0);
	ck_assert_int_ne(clock_day_add("2026-1-01", 0, day), 0);
	ck_assert_int_ne(clock_day_add("2026-11-01T", 0, day), 0);
	ck_assert_int_ne(clock_day_add("", 0, day), 0);
	ck_assert_str_eq(day, "2026-12-31");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("clock");
	TCase *all = tcase_create("all");

	tcase_add_loop_test(all, a_valid_date_is_parsed, 0, sizeof(dates) / sizeof(dates[0]));
	tcase_add_loop_test(all, an_invalid_date_is_refused_and_the_result_is_untouched, 0,
		sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_test(all, a_time_is_written_as_the_c_library_writes_it);
	tcase_add_test(all, a_shift_moves_only_the_wall_clock);
	tcase_add_test(all, days_are_added_across_the_ends_of_months_and_years);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
