/* SPDX-License-Identifier: MIT
 *
 * Rounding, shares and checked sums of money.
 */
#include <check.h>
#include <stdlib.h>

#include "../suite.h"
#include "reeyo/domain/money.h"

START_TEST(halves_round_up)
{
	ck_assert_int_eq(round_half_up(0, 2), 0);
	ck_assert_int_eq(round_half_up(1, 2), 1);
	ck_assert_int_eq(round_half_up(1, 3), 0);
	ck_assert_int_eq(round_half_up(2, 3), 1);
	ck_assert_int_eq(round_half_up(14999, 10000), 1);
	ck_assert_int_eq(round_half_up(15000, 10000), 2);
	ck_assert_int_eq(round_half_up(INT64_MAX, 1), INT64_MAX);
	ck_assert_int_eq(round_half_up(INT64_MAX, INT64_MAX), 1);
	ck_assert_int_eq(round_half_up(INT64_MAX - 1, INT64_MAX), 1);
}
END_TEST

START_TEST(a_share_is_exact_up_to_the_largest_amount)
{
	ck_assert_int_eq(money_share(10000, 1500), 1500);
	ck_assert_int_eq(money_share(5000, 2000), 1000);
	ck_assert_int_eq(money_share(3, 5000), 2);
	ck_assert_int_eq(money_share(INT64_MAX, 10000), INT64_MAX);
	ck_assert_int_eq(money_share(INT64_MAX, 0), 0);
	for (int64_t amount = 0; amount < 3000; amount++)
		for (int64_t bps = 0; bps <= 10000; bps += 37)
			ck_assert_int_eq(
				money_share(amount, bps), round_half_up(amount * bps, 10000));
}
END_TEST

START_TEST(an_overflow_is_an_error_and_leaves_the_result)
{
	int64_t sum = 7;

	ck_assert_int_eq(money_add(INT64_MAX, 1, &sum), E_ABOVE_MAXIMUM);
	ck_assert_int_eq(money_times(INT64_MAX / 2 + 1, 2, &sum), E_ABOVE_MAXIMUM);
	ck_assert_int_eq(sum, 7);
	ck_assert_int_eq(money_add(INT64_MAX - 1, 1, &sum), 0);
	ck_assert_int_eq(sum, INT64_MAX);
	ck_assert_int_eq(money_times(2500, 3, &sum), 0);
	ck_assert_int_eq(sum, 7500);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("money");
	TCase *tests = tcase_create("money");

	tcase_add_test(tests, halves_round_up);
	tcase_add_test(tests, a_share_is_exact_up_to_the_largest_amount);
	tcase_add_test(tests, an_overflow_is_an_error_and_leaves_the_result);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
