/* SPDX-License-Identifier: MIT
 *
 * Which numbers mobile money reaches, and whose they are.
 */
#include <check.h>

#include "../suite.h"
#include "reeyo/core/memory.h"
#include "reeyo/domain/operator.h"

static const struct row {
	const char *phone, *operator;
	bool money;
} rows[] = {
	{ "+237670000001", "MTN", true },
	{ "+237650000001", "MTN", true },
	{ "+237680000001", "MTN", true },
	{ "+237690000001", "ORANGE", true },
	{ "+237620000001", NULL, true },
	{ "+237660000001", NULL, true },
	{ "+237610000001", NULL, false },
	{ "+237600000001", NULL, false },
	{ "+237222000001", NULL, false },
	{ "237670000001", NULL, false },
	{ "670000001", NULL, false },
	{ "+23767000000", NULL, false },
	{ "+2376700000011", NULL, false },
	{ "+23767000000a", NULL, false },
	{ "+33670000001", NULL, false },
	{ "+237", NULL, false },
	{ "", NULL, false },
};

START_TEST(a_number_belongs_to_the_operator_of_its_prefix)
{
	const char *operator= phone_operator(rows[_i].phone);

	ck_assert_msg(
		phone_is_mobile_money(rows[_i].phone) == rows[_i].money, "%s", rows[_i].phone);
	if (rows[_i].operator)
		ck_assert_str_eq(operator, rows[_i].operator);
	else
		ck_assert_ptr_null(operator);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("operator");
	TCase *all = tcase_create("all");

	tcase_add_loop_test(all, a_number_belongs_to_the_operator_of_its_prefix, 0, COUNT_OF(rows));
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
