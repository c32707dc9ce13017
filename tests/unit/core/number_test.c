/* SPDX-License-Identifier: MIT
 *
 * Doubles as text: the forms of PostgreSQL.
 */
#include <check.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "../suite.h"
#include "reeyo/core/memory.h"
#include "reeyo/core/text.h"

/* What PostgreSQL 15 prints for the value. */
static const struct {
	double value;
	const char *text;
} doubles[] = {
	{ 0, "0" },
	{ -0.0, "-0" },
	{ 1, "1" },
	{ -1.5, "-1.5" },
	{ 100, "100" },
	{ 0.1, "0.1" },
	{ 0.05, "0.05" },
	{ 4.0511, "4.0511" },
	{ -9.767913, "-9.767913" },
	{ 3.287, "3.287" },
	{ 999999999.999999, "999999999.999999" },
	{ 0.1 + 0.2, "0.30000000000000004" },
	{ 1.0 / 3, "0.3333333333333333" },
	{ 0.0001, "0.0001" },
	{ 0.00012, "0.00012" },
	{ 0.00001, "1e-05" },
	{ 0.0000125, "1.25e-05" },
	{ 100000000000000, "100000000000000" },
	{ 123456789012345.5, "123456789012345.5" },
	{ 1e15, "1e+15" },
	{ 1234567890123456.7, "1.2345678901234568e+15" },
	{ 9007199254740993.0, "9.007199254740992e+15" },
	{ 1e21, "1e+21" },
	{ 1e100, "1e+100" },
	{ 5e-324, "5e-324" },
	{ DBL_MIN, "2.2250738585072014e-308" },
	{ DBL_MAX, "1.7976931348623157e+308" },
};

START_TEST(a_double_is_the_shortest_decimal)
{
	char out[DOUBLE_TEXT_SIZE + 1];

	out[double_to_text(doubles[_i].value, out)] = '\0';
	ck_assert_str_eq(out, doubles[_i].text);
}
END_TEST

/* Values of up to six decimals are printed by another way than the others. */
START_TEST(a_double_reads_back_as_itself)
{
	char out[DOUBLE_TEXT_SIZE + 1];

	srand48(1);
	for (int i = 0; i < 100000; i++) {
		double value = (drand48() - 0.5) * pow(10, (int)(lrand48() % 12));

		if (i % 2)
			value = round(value * 1e6) / 1e6;
		out[double_to_text(value, out)] = '\0';
		ck_assert_msg(strtod(out, NULL) == value, "%.17g became %s", value, out);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("number");
	TCase *all = tcase_create("all");

	tcase_add_loop_test(all, a_double_is_the_shortest_decimal, 0, COUNT_OF(doubles));
	tcase_add_test(all, a_double_reads_back_as_itself);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
