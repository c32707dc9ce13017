/* SPDX-License-Identifier: MIT
 *
 * Who is told what, and how he is reached.
 */
#include <check.h>
#include <stdlib.h>

#include "reeyo/domain/cause.h"
#include "../suite.h"

static const struct cause *first(const char *event, enum whom whom, const char *facts)
{
	json_t *sources[] = { json_loads(facts, 0, NULL), NULL };
	const struct cause *found = NULL;

	for (const struct cause *cause = causes; cause->event && !found; cause++)
		if (strcmp(cause->event, event) == 0 && cause->whom == whom &&
			cause_holds(cause, 2, sources))
			found = cause;
	json_decref(sources[0]);
	return found;
}

START_TEST(an_order_that_lapsed_is_told_in_other_words_than_a_cancelled_one)
{
	ck_assert_int_eq(first("order_cancelled", TO_USER, "{\"by\":\"SYSTEM\"}")->message,
		MESSAGE_ORDER_LAPSED);
	ck_assert_int_eq(first("order_cancelled", TO_USER, "{\"by\":\"ADMIN\"}")->message,
		MESSAGE_ORDER_CANCELLED);
	ck_assert_int_eq(first("order_cancelled", TO_USER, "{}")->message, MESSAGE_ORDER_CANCELLED);
}
END_TEST

START_TEST(what_another_event_says_better_is_not_said)
{
	ck_assert(first("order_cancelled", TO_USER, "{\"by\":\"PAYMENT\"}")->silent);
	ck_assert(first("refund_issued", TO_USER, "{\"disputeId\":\"dsp_1\"}")->silent);
	ck_assert(!first("refund_issued", TO_USER, "{\"orderId\":\"order_1\"}")->silent);
	for (const struct cause *cause = causes; cause->event; cause++)
		ck_assert(!cause->silent || !cause->notes);
}
END_TEST

START_TEST(an_account_is_told_of_its_approval_and_of_no_other_change)
{
	ck_assert_int_eq(first("vendor_changed", TO_VENDOR, "{\"approval\":\"APPROVED\"}")->message,
		MESSAGE_ACCOUNT_APPROVED);
	ck_assert_int_eq(first("rider_changed", TO_RIDER, "{\"approval\":\"REJECTED\"}")->message,
		MESSAGE_ACCOUNT_REJECTED);
	ck_assert_ptr_null(first("rider_changed", TO_RIDER, "{\"approval\":\"SUSPENDED\"}"));
	ck_assert_ptr_null(first("vendor_changed", TO_VENDOR, "{}"));
}
END_TEST

START_TEST(a_vendor_is_not_told_of_the_end_of_an_order_he_never_saw)
{
	ck_assert_ptr_null(first("order_cancelled", TO_VENDOR, "{\"by\":\"SYSTEM\"}"));
	ck_assert_ptr_nonnull(first("order_cancelled", TO_VENDOR, "{\"known\":\"yes\"}"));
}
END_TEST

START_TEST(only_some_steps_of_an_order_are_told)
{
	ck_assert_int_eq(first("order_status_update", TO_USER,
		"{\"status\":\"IN_TRANSIT\"}")->message, MESSAGE_ORDER_PICKED_UP);
	ck_assert_ptr_null(first("order_status_update", TO_USER, "{\"status\":\"PREPARING\"}"));
	ck_assert_ptr_null(first("order_status_update", TO_VENDOR, "{\"status\":\"IN_TRANSIT\"}"));
}
END_TEST

START_TEST(no_notification_makes_another_message)
{
	for (const struct cause *cause = causes; cause->event; cause++) {
		ck_assert_str_ne(cause->event, "notification");
		ck_assert_str_ne(cause->event, "broadcast");
		ck_assert(!cause->notes || message_goes_by(cause->message, CHANNEL_PUSH));
		ck_assert_uint_gt(cause->life_s, 0);
	}
}
END_TEST

START_TEST(a_push_is_preferred_and_a_text_message_reaches_who_has_no_device)
{
	const struct reach all = { true, true, true, true };
	struct reach reach = all;

	ck_assert_uint_eq(message_channels(MESSAGE_ORDER_ACCEPTED, all), BY_PUSH);
	reach.device = false;
	ck_assert_uint_eq(message_channels(MESSAGE_ORDER_ACCEPTED, reach), BY_SMS);
	ck_assert_uint_eq(message_channels(MESSAGE_ORDER_READY, reach), 0);
	reach = (struct reach){ .device = true, .sms_on = true };
	ck_assert_uint_eq(message_channels(MESSAGE_ORDER_ACCEPTED, reach), BY_SMS);
	ck_assert_uint_eq(message_channels(MESSAGE_ORDER_READY, reach), BY_PUSH);
	reach.sms_on = false;
	ck_assert_uint_eq(message_channels(MESSAGE_ORDER_ACCEPTED, reach), BY_PUSH);
	ck_assert_uint_eq(message_channels(MESSAGE_PAYOUT_APPROVED, all), BY_PUSH | BY_MAIL);
	ck_assert_uint_eq(message_channels(MESSAGE_WELCOME, (struct reach){ 0 }), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cause");
	TCase *tests = tcase_create("cause");

	tcase_add_test(tests, an_order_that_lapsed_is_told_in_other_words_than_a_cancelled_one);
	tcase_add_test(tests, what_another_event_says_better_is_not_said);
	tcase_add_test(tests, an_account_is_told_of_its_approval_and_of_no_other_change);
	tcase_add_test(tests, a_vendor_is_not_told_of_the_end_of_an_order_he_never_saw);
	tcase_add_test(tests, only_some_steps_of_an_order_are_told);
	tcase_add_test(tests, no_notification_makes_another_message);
	tcase_add_test(tests, a_push_is_preferred_and_a_text_message_reaches_who_has_no_device);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
