/* SPDX-License-Identifier: MIT
 *
 * Eligibility of riders. That SQL has the same rule is in service/sql_rules_test.c.
 */
#include <check.h>
#include <stdlib.h>

#include "../suite.h"
#include "reeyo/domain/rider.h"

static const struct rider_standing ready = { "APPROVED", "ACTIVE", true, true };

START_TEST(a_verified_approved_active_rider_online_is_eligible_for_all)
{
	ck_assert_int_eq(rider_ineligibility(&ready, RIDER_MAY_CARRY), 0);
	ck_assert_int_eq(rider_ineligibility(&ready, RIDER_MAY_WORK), 0);
	ck_assert_int_eq(rider_ineligibility(&ready, RIDER_MAY_TAKE), 0);
}
END_TEST

START_TEST(the_first_reason_is_given)
{
	struct rider_standing rider = { "SUSPENDED", "INACTIVE", false, false };

	ck_assert_int_eq(rider_ineligibility(&rider, RIDER_MAY_TAKE), E_SUSPENDED);
	rider.approval_status = "PENDING";
	ck_assert_int_eq(rider_ineligibility(&rider, RIDER_MAY_TAKE), E_PHONE_UNVERIFIED);
	rider.phone_verified = true;
	ck_assert_int_eq(rider_ineligibility(&rider, RIDER_MAY_TAKE), E_NOT_APPROVED);
	rider.approval_status = "APPROVED";
	ck_assert_int_eq(rider_ineligibility(&rider, RIDER_MAY_TAKE), E_INACTIVE);
	rider.status = "ACTIVE";
	ck_assert_int_eq(rider_ineligibility(&rider, RIDER_MAY_TAKE), E_RIDER_OFFLINE);
}
END_TEST

START_TEST(an_act_asks_only_for_what_it_needs)
{
	struct rider_standing rider = ready;

	rider.is_online = false;
	ck_assert_int_eq(rider_ineligibility(&rider, RIDER_MAY_WORK), 0);
	rider.phone_verified = false;
	ck_assert_int_eq(rider_ineligibility(&rider, RIDER_MAY_CARRY), 0);
	ck_assert_int_eq(rider_ineligibility(&rider, RIDER_NEEDS_ONLINE), E_RIDER_OFFLINE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rider");
	TCase *tests = tcase_create("rider");

	tcase_add_test(tests, a_verified_approved_active_rider_online_is_eligible_for_all);
	tcase_add_test(tests, the_first_reason_is_given);
	tcase_add_test(tests, an_act_asks_only_for_what_it_needs);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
