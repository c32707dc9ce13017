/* SPDX-License-Identifier: MIT
 *
 * Names of errors: distinct, and readable in both directions.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../suite.h"
#include "reeyo/core/error.h"

START_TEST(a_name_gives_its_error)
{
	const char *name = error_name(-_i);

	ck_assert_uint_gt(strlen(name), 0);
	ck_assert_int_eq(error_from_name(name, strlen(name)), -_i);
}
END_TEST

START_TEST(an_unknown_error_is_internal)
{
	ck_assert_str_eq(error_name(-ERR_INDEX_COUNT), "INTERNAL");
	ck_assert_str_eq(error_name(-1000000), "INTERNAL");
	ck_assert_str_eq(error_name(0), "INTERNAL");
	ck_assert_str_eq(error_name(7), "INTERNAL");
	ck_assert_str_eq(error_name(E_BUSY), "BUSY");
	ck_assert_int_eq(error_from_name("NO_SUCH_ERROR", 13), E_INTERNAL);
	ck_assert_int_eq(error_from_name("BUSYX", 4), E_BUSY);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("error");
	TCase *all = tcase_create("all");

	tcase_add_loop_test(all, a_name_gives_its_error, 1, ERR_INDEX_COUNT);
	tcase_add_test(all, an_unknown_error_is_internal);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
