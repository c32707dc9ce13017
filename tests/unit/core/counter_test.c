/* SPDX-License-Identifier: MIT
 *
 * Counters and histograms: an observation falls into one bucket, and the counters of loops add up.
 */
#include <check.h>
#include <stdlib.h>

#include "../suite.h"
#include "reeyo/core/counter.h"

#define TEST_COUNTERS(X) \
	X(ORDERS, "orders_total", "", "Orders") \
	X(OPEN, "open", "kind=\"a\"", "Open things")
COUNTERS_DECLARE(test, COUNTERS_HTTP, TEST_COUNTERS);
COUNTERS_DEFINE(test, COUNTERS_HTTP, TEST_COUNTERS, "seconds", "Durations");

START_TEST(bounds_ascend)
{
	for (int i = 1; i < HISTOGRAM_BOUNDS; i++)
		ck_assert_uint_gt(histogram_bounds_us[i], histogram_bounds_us[i - 1]);
}
END_TEST

START_TEST(a_bound_belongs_to_its_own_bucket)
{
	struct histogram histogram = { 0 };
	uint64_t sum = 0;

	for (int i = 0; i < HISTOGRAM_BOUNDS; i++) {
		histogram_add(&histogram, histogram_bounds_us[i]);
		histogram_add(&histogram, histogram_bounds_us[i] + 1);
		sum += 2 * (uint64_t)histogram_bounds_us[i] + 1;
	}
	ck_assert_uint_eq(histogram.bucket[0], 1);
	for (int i = 1; i < HISTOGRAM_BOUNDS; i++)
		ck_assert_uint_eq(histogram.bucket[i], 2);
	ck_assert_uint_eq(histogram.bucket[HISTOGRAM_BOUNDS], 1);
	ck_assert_uint_eq(histogram.count, 2 * HISTOGRAM_BOUNDS);
	ck_assert_uint_eq(histogram.sum_us, sum);
}
END_TEST

START_TEST(loops_add_up_and_gauges_go_down)
{
	struct counters a = { 0 }, b = { 0 }, sum = { 0 };

	count_one(&a, COUNT_ORDERS);
	count_add(&b, COUNT_ORDERS, 5);
	count_add(&a, COUNT_OPEN, 3);
	count_add(&b, COUNT_OPEN, 3);
	count_add(&b, COUNT_OPEN, -4); /* closed on another loop */
	histogram_add(&a.histogram[COUNTERS_HTTP], 50);
	histogram_add(&b.histogram[COUNTERS_HTTP], 50);
	histogram_add(&b.histogram[COUNTERS_DB], 7);
	histogram_add(&a.histogram[COUNTERS_CACHE], 9);
	counters_sum(&sum, &a);
	counters_sum(&sum, &b);
	ck_assert_uint_eq(sum.value[COUNT_ORDERS], 6);
	ck_assert_uint_eq(sum.value[COUNT_OPEN], 2);
	ck_assert_uint_eq(sum.histogram[COUNTERS_HTTP].bucket[0], 2);
	ck_assert_uint_eq(sum.histogram[COUNTERS_HTTP].sum_us, 100);
	ck_assert_uint_eq(sum.histogram[COUNTERS_DB].sum_us, 7);
	ck_assert_uint_eq(sum.histogram[COUNTERS_CACHE].sum_us, 9);
}
END_TEST

START_TEST(a_table_names_the_range_of_its_layer)
{
	ck_assert_uint_eq(test_counter_table.first, COUNTERS_HTTP * COUNTERS_PER_LAYER);
	ck_assert_uint_eq(test_counter_table.count, 2);
	ck_assert_uint_eq(COUNT_OPEN, test_counter_table.first + 1);
	ck_assert_str_eq(test_counter_table.rows[1].labels, "kind=\"a\"");
	ck_assert_str_eq(test_counter_table.histogram, "seconds");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("counter");
	TCase *all = tcase_create("all");

	tcase_add_test(all, a_table_names_the_range_of_its_layer);
	tcase_add_test(all, bounds_ascend);
	tcase_add_test(all, a_bound_belongs_to_its_own_bucket);
	tcase_add_test(all, loops_add_up_and_gauges_go_down);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
