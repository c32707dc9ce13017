/* SPDX-License-Identifier: MIT
 *
 * The error table: every error has a status, a code for every namespace and both languages.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../suite.h"
#include "reeyo/core/text.h"
#include "reeyo/http/errors.h"

START_TEST(every_error_is_complete)
{
	const struct error_row *row = error_row(-_i);

	ck_assert_msg(_i == ERR_INDEX_INTERNAL || row != error_row(E_INTERNAL), "%s has no row",
		error_name(-_i));
	ck_assert_int_ge(row->status, 400);
	ck_assert_int_le(row->status, 599);
	for (int ns = 0; ns < NS_COUNT; ns++) {
		ck_assert_ptr_nonnull(row->code[ns]);
		ck_assert_msg(row->code[ns][0], "%s has no code", error_name(-_i));
		ck_assert_uint_eq(strspn(row->code[ns], "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"),
			strlen(row->code[ns]));
	}
	ck_assert_msg(row->english[0] && row->french[0], "%s has no message", error_name(-_i));
	ck_assert(text_is_utf8(text_of(row->french)));
	ck_assert_msg(
		strcmp(row->english, row->french) != 0, "%s is not translated", error_name(-_i));
}
END_TEST

START_TEST(an_unknown_error_has_the_row_of_internal)
{
	const struct error_row *internal = error_row(E_INTERNAL);

	ck_assert_ptr_eq(error_row(-ERR_INDEX_COUNT), internal);
	ck_assert_ptr_eq(error_row(-1000000), internal);
	ck_assert_ptr_eq(error_row(0), internal);
	ck_assert_ptr_eq(error_row(7), internal);
	ck_assert_int_eq(error_row(E_BUSY)->status, 503);
}
END_TEST

START_TEST(a_namespace_may_have_another_status)
{
	int own = error_row(E_WRONG_PASSWORD)->status;

	ck_assert_int_eq(error_status(E_WRONG_PASSWORD, NS_ADMIN), 400);
	ck_assert_int_eq(error_status(E_WRONG_PASSWORD, NS_VENDOR), 400);
	ck_assert_int_eq(error_status(E_WRONG_PASSWORD, NS_USER), own);
	ck_assert_int_eq(error_status(E_CANNOT_CANCEL, NS_ADMIN), 409);
	ck_assert_int_eq(
		error_status(E_CANNOT_CANCEL, NS_USER), error_row(E_CANNOT_CANCEL)->status);
	for (int ns = 0; ns < NS_COUNT; ns++)
		ck_assert_int_eq(error_status(E_BUSY, (enum name_space)ns), 503);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("error_table");
	TCase *all = tcase_create("all");

	tcase_add_loop_test(all, every_error_is_complete, 1, ERR_INDEX_COUNT);
	tcase_add_test(all, an_unknown_error_has_the_row_of_internal);
	tcase_add_test(all, a_namespace_may_have_another_status);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
