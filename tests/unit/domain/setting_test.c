/* SPDX-License-Identifier: MIT
 *
 * The table of settings.
 */
#include <check.h>
#include <stdlib.h>

#include "../suite.h"
#include "reeyo/domain/setting.h"

START_TEST(every_default_has_its_type_and_is_within_its_limits)
{
	enum setting setting = (enum setting)_i;
	const struct setting_row *row = &setting_table[_i];
	json_auto_t *value = setting_default(setting);

	if (!row->fallback[0]) {
		ck_assert_ptr_null(value);
		return;
	}
	ck_assert_msg(setting_type_fits(setting, value), "%s", row->key);
	if (json_is_number(value) && row->max > 0)
		ck_assert_msg(setting_in_range(setting, json_number_value(value)), "%s", row->key);
}
END_TEST

START_TEST(no_two_settings_have_the_same_key)
{
	for (int i = 0; i < SETTINGS; i++)
		for (int k = 0; k < i; k++)
			ck_assert_str_ne(setting_table[i].key, setting_table[k].key);
}
END_TEST

START_TEST(values_of_another_type_do_not_fit)
{
	json_auto_t *text = json_string("flat"), *number = json_integer(1), *list = json_array();

	ck_assert(setting_type_fits(SETTING_DELIVERY_FEE_MODE, text));
	ck_assert(!setting_type_fits(SETTING_DELIVERY_FEE_MODE, number));
	ck_assert(!setting_type_fits(SETTING_DELIVERY_FEE_BASE, text));
	ck_assert(!setting_type_fits(SETTING_MAINTENANCE, number));
	ck_assert(setting_type_fits(SETTING_PAYMENT_METHODS, list));
	ck_assert(!setting_type_fits(SETTING_TIME_ZONE, NULL));
}
END_TEST

START_TEST(limits_are_inclusive)
{
	ck_assert(setting_in_range(SETTING_ACCEPT_MINUTES, 1));
	ck_assert(setting_in_range(SETTING_ACCEPT_MINUTES, 1440));
	ck_assert(!setting_in_range(SETTING_ACCEPT_MINUTES, 0));
	ck_assert(!setting_in_range(SETTING_ACCEPT_MINUTES, 1441));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("setting");
	TCase *tests = tcase_create("setting");

	tcase_add_loop_test(
		tests, every_default_has_its_type_and_is_within_its_limits, 0, SETTINGS);
	tcase_add_test(tests, no_two_settings_have_the_same_key);
	tcase_add_test(tests, values_of_another_type_do_not_fit);
	tcase_add_test(tests, limits_are_inclusive);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
