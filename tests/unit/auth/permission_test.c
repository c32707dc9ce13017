/* SPDX-License-Identifier: MIT
 *
 * The table of permissions: which role holds which word.
 */
#include "../suite.h"
#include "reeyo/auth/permission.h"

#include <check.h>
#include <stdlib.h>

/* Words of both kinds, from the begin, the middle and the end of the table. */
static const struct {
	const char *word;
	enum access lowest;
} samples[] = {
	{ "admins.manage", SUPER_ADMIN },
	{ "analytics.read", ADMIN },
	{ "orders.read", ADMIN },
	{ "payouts.decide", ADMIN },
	{ "settings.write", SUPER_ADMIN },
	{ "webhooks.write", SUPER_ADMIN },
	{ "zones.write", ADMIN },
};

START_TEST(super_admins_hold_what_admins_hold_and_more)
{
	ck_assert_int_eq(permission_access(samples[_i].word), samples[_i].lowest);
	ck_assert(permission_granted(SUPER_ADMIN, samples[_i].word));
	ck_assert_int_eq(permission_granted(ADMIN, samples[_i].word), samples[_i].lowest == ADMIN);
	ck_assert(!permission_granted(CUSTOMER, samples[_i].word));
}
END_TEST

START_TEST(admins_change_neither_settings_nor_webhooks_nor_admins)
{
	ck_assert(permission_granted(ADMIN, "settings.read"));
	ck_assert(permission_granted(ADMIN, "payouts.decide"));
	ck_assert(!permission_granted(ADMIN, "settings.write"));
	ck_assert(!permission_granted(ADMIN, "webhooks.write"));
	ck_assert(!permission_granted(ADMIN, "admins.manage"));
}
END_TEST

START_TEST(an_unknown_word_is_held_by_no_role)
{
	ck_assert_int_eq(permission_access("payouts.steal"), ACCESS_UNSET);
	ck_assert(!permission_granted(SUPER_ADMIN, "payouts.steal"));
	ck_assert(!permission_granted(SUPER_ADMIN, ""));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("permission");
	TCase *tests = tcase_create("permission");

	tcase_add_loop_test(tests, super_admins_hold_what_admins_hold_and_more, 0,
		(int)(sizeof(samples) / sizeof(*samples)));
	tcase_add_test(tests, admins_change_neither_settings_nor_webhooks_nor_admins);
	tcase_add_test(tests, an_unknown_word_is_held_by_no_role);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
