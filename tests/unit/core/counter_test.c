/* SPDX-License-Identifier: MIT
 *
 * Counters and histograms: an observation falls into one bucket, and the counters of loops add up.
 */
#include <check.h>
#include <stdlib.h>

#include "../suite.h"
#include "reeyo/core/counter.h"

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

	count_one(&a, COUNT_ORDERS_PLACED);
	count_add(&b, COUNT_ORDERS_PLACED, 5);
	count_add(&a, COUNT_CONNECTIONS, 3);
	count_add(&b, COUNT_CONNECTIONS, 3);
	count_add(&b, COUNT_CONNECTIONS, -4); /* closed on another loop */
	histogram_add(&a.response, 50);
	histogram_add(&b.response, 50);
	histogram_add(&b.db, 7);
	histogram_add(&a.redis, 9);
	counters_sum(&sum, &a);
	counters_sum(&sum, &b);
	ck_assert_uint_eq(sum.value[COUNT_ORDERS_PLACED], 6);
	ck_assert_uint_eq(sum.value[COUNT_CONNECTIONS], 2);
	ck_assert_uint_eq(sum.response.bucket[0], 2);
	ck_assert_uint_eq(sum.response.sum_us, 100);
	ck_assert_uint_eq(sum.db.sum_us, 7);
	ck_assert_uint_eq(sum.redis.sum_us, 9);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("counter");
	TCase *all = tcase_create("all");

	tcase_add_test(all, bounds_ascend);
	tcase_add_test(all, a_bound_belongs_to_its_own_bucket);
	tcase_add_test(all, loops_add_up_and_gauges_go_down);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
