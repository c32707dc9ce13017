/* SPDX-License-Identifier: MIT
 *
 * Which rider dispatch offers an order to first.
 */
#include <check.h>
#include <stdlib.h>

#include "../suite.h"
#include "reeyo/domain/dispatch.h"

static double total(struct candidate candidate)
{
	return candidate_score(&candidate).total;
}

START_TEST(a_score_is_the_sum_of_the_contracts_parts)
{
	struct candidate rider = {
		.km = 1.5, .completed = 90, .total = 100, .rating = 4, .active = 1
	};
	struct score score = candidate_score(&rider);

	ck_assert_double_eq_tol(score.distance, 28, 1e-9);
	ck_assert_double_eq_tol(score.completion, 22.5, 1e-9);
	ck_assert_double_eq_tol(score.rating, 20, 1e-9);
	ck_assert_double_eq_tol(score.load, 5, 1e-9);
	ck_assert_double_eq_tol(score.total, 65.5, 1e-9);
}
END_TEST

START_TEST(parts_have_their_limits)
{
	ck_assert_double_eq_tol(
		total((struct candidate){ .km = 0, .completed = 1, .total = 1, .rating = 5 }), 90,
		1e-9);
	ck_assert_double_eq_tol(
		total((struct candidate){ .km = 7, .completed = 1, .total = 1, .rating = 5 }), 50,
		1e-9);
	ck_assert_double_eq_tol(
		total((struct candidate){
			.km = 5, .completed = 0, .total = 9, .rating = 1, .active = 7 }),
		-5, 1e-9);
}
END_TEST

START_TEST(a_newcomer_counts_as_one_without_a_complaint)
{
	ck_assert_double_eq_tol(total((struct candidate){ .km = 0 }), 90, 1e-9);
}
END_TEST

START_TEST(the_best_score_is_asked_first_and_nobody_twice_in_a_round)
{
	struct candidate riders[] = {
		{ .km = 1, .completed = 5, .total = 10, .rating = 5 },
		{ .km = 2, .completed = 10, .total = 10, .rating = 5 },
		{ .km = 0.1, .completed = 10, .total = 10, .rating = 5, .active = 2 },
		{ .km = 4.9, .completed = 1, .total = 10, .rating = 2 },
	};

	ck_assert_int_eq(candidate_best(riders, 4, false), 2);
	riders[2].offered = true;
	ck_assert_int_eq(candidate_best(riders, 4, false), 1);
	riders[1].offered = true;
	ck_assert_int_eq(candidate_best(riders, 4, false), 0);
	riders[0].offered = riders[3].offered = true;
	ck_assert_int_eq(candidate_best(riders, 4, false), -1);
	ck_assert_int_eq(candidate_best(riders, 4, true), 2);
	ck_assert_int_eq(candidate_best(riders, 0, true), -1);
}
END_TEST

START_TEST(of_equal_scores_the_nearest_is_asked)
{
	struct candidate riders[] = { { .km = 9 }, { .km = 6 }, { .km = 6 }, { .km = 7 } };

	ck_assert_int_eq(candidate_best(riders, 4, false), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dispatch");
	TCase *tests = tcase_create("dispatch");

	tcase_add_test(tests, a_score_is_the_sum_of_the_contracts_parts);
	tcase_add_test(tests, parts_have_their_limits);
	tcase_add_test(tests, a_newcomer_counts_as_one_without_a_complaint);
	tcase_add_test(tests, the_best_score_is_asked_first_and_nobody_twice_in_a_round);
	tcase_add_test(tests, of_equal_scores_the_nearest_is_asked);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
