/* SPDX-License-Identifier: MIT
 *
 * Business hours in Douala's time (UTC+1), across midnight and across the week.
 */
#include <check.h>
#include <stdlib.h>

#include "../suite.h"
#include "reeyo/core/clock.h"
#include "reeyo/domain/hours.h"

/* Whether the hours are open at a time. */
static bool open_at(const char *hours, const char *utc)
{
	json_auto_t *object = json_loads(hours, 0, NULL);
	struct hours read;
	const char *day;
	int64_t ms;

	ck_assert(object && hours_read(object, &read, &day));
	ck_assert_int_eq(clock_parse(utc, &ms), 0);
	return hours_open(&read, ms, 60);
}

START_TEST(hours_are_local_and_the_closing_minute_is_closed)
{
	const char *friday = "{\"friday\":{\"open\":\"08:00\",\"close\":\"22:00\"}}";

	ck_assert(!open_at(friday, "2026-11-27T06:59:59Z"));
	ck_assert(open_at(friday, "2026-11-27T07:00:00Z"));
	ck_assert(open_at(friday, "2026-11-27T20:59:59.999Z"));
	ck_assert(!open_at(friday, "2026-11-27T21:00:00Z"));
	ck_assert(!open_at(friday, "2026-11-26T12:00:00Z"));
	/* 23:30 UTC on Thursday is Friday 00:30 in Douala. */
	ck_assert(open_at(
		"{\"friday\":{\"open\":\"00:00\",\"close\":\"01:00\"}}", "2026-11-26T23:30:00Z"));
}
END_TEST

START_TEST(a_close_before_the_open_spans_midnight)
{
	const char *sunday = "{\"sunday\":{\"open\":\"18:00\",\"close\":\"02:00\"}}";

	ck_assert(!open_at(sunday, "2026-11-29T16:59:00Z"));
	ck_assert(open_at(sunday, "2026-11-29T17:00:00Z"));
	ck_assert(open_at(sunday, "2026-11-30T00:59:00Z")); /* Monday 01:59 */
	ck_assert(!open_at(sunday, "2026-11-30T01:00:00Z"));
	ck_assert(!open_at(sunday, "2026-11-29T00:30:00Z")); /* Saturday night */
}
END_TEST

START_TEST(a_closed_day_is_closed_and_equal_times_are_the_whole_day)
{
	ck_assert(!open_at("{\"thursday\":{\"closed\":true}}", "2026-11-27T12:00:00Z"));
	ck_assert(!open_at("{\"friday\":{\"open\":\"08:00\",\"close\":\"22:00\",\"closed\":true}}",
		"2026-11-27T12:00:00Z"));
	ck_assert(open_at(
		"{\"friday\":{\"open\":\"00:00\",\"close\":\"24:00\"}}", "2026-11-27T22:59:00Z"));
	ck_assert(open_at(
		"{\"friday\":{\"open\":\"09:00\",\"close\":\"09:00\"}}", "2026-11-28T07:59:00Z"));
	ck_assert(open_at(
		"{\"thursday\":{\"open\":\"00:00\",\"close\":\"24:00\"}}", "1970-01-01T00:00:00Z"));
	ck_assert(open_at("{\"wednesday\":{\"open\":\"00:00\",\"close\":\"24:00\"}}",
		"1969-12-31T12:00:00Z"));
}
END_TEST

START_TEST(hours_without_any_day_are_always_open)
{
	json_auto_t *none = json_object();
	json_auto_t *null = json_pack("{s:n}", "friday");
	struct hours hours;
	const char *day;

	for (int64_t ms = 0; ms < 14 * 86400000LL; ms += 3600000) {
		ck_assert(hours_read(none, &hours, &day) && hours_open(&hours, ms, 60));
		ck_assert(hours_read(null, &hours, &day) && hours_open(&hours, ms, 60));
	}
}
END_TEST

START_TEST(malformed_hours_are_refused_and_named)
{
	static const char *const wrong[] = {
		"{\"tuesday\":{\"open\":\"8:00\",\"close\":\"22:00\"}}",
		"{\"tuesday\":{\"open\":\"08:60\",\"close\":\"22:00\"}}",
		"{\"tuesday\":{\"open\":\"24:00\",\"close\":\"25:00\"}}",
		"{\"tuesday\":{\"open\":\"08:00\"}}", "{\"tuesday\":{\"open\":8,\"close\":22}}",
		"{\"tuesday\":\"always\"}",
		"{\"tuesday\":{\"open\":\"08:00\",\"close\":\"22:00\",\"closed\":\"no\"}}"
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		json_auto_t *object = json_loads(wrong[i], 0, NULL);
		struct hours read;
		const char *day = NULL;

		ck_assert_msg(!hours_read(object, &read, &day), "%s", wrong[i]);
		ck_assert_str_eq(day, "tuesday");
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hours");
	TCase *tests = tcase_create("hours");

	tcase_add_test(tests, hours_are_local_and_the_closing_minute_is_closed);
	tcase_add_test(tests, a_close_before_the_open_spans_midnight);
	tcase_add_test(tests, a_closed_day_is_closed_and_equal_times_are_the_whole_day);
	tcase_add_test(tests, hours_without_any_day_are_always_open);
	tcase_add_test(tests, malformed_hours_are_refused_and_named);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
