/* SPDX-License-Identifier: MIT
 *
 * Which events send which messages, and through which channels.
 */
#include <check.h>
#include <stdlib.h>

#include "../suite.h"
#include "reeyo/domain/notification_rule.h"

static const struct notification_rule *rule_for(
	const char *event, enum recipient recipient, const char *facts)
{
	json_t *sources[] = { json_loads(facts, 0, NULL), NULL };
	const struct notification_rule *found = NULL;

	for (const struct notification_rule *rule = notification_rules; rule->event && !found;
		rule++)
		if (strcmp(rule->event, event) == 0 && rule->recipient == recipient &&
			notification_rule_matches(rule, 2, sources))
			found = rule;
	json_decref(sources[0]);
	return found;
}

START_TEST(an_expired_order_has_another_message_than_a_cancelled_one)
{
	ck_assert_int_eq(rule_for("order_cancelled", TO_USER, "{\"by\":\"SYSTEM\"}")->message,
		MESSAGE_ORDER_LAPSED);
	ck_assert_int_eq(rule_for("order_cancelled", TO_USER, "{\"by\":\"ADMIN\"}")->message,
		MESSAGE_ORDER_CANCELLED);
	ck_assert_int_eq(
		rule_for("order_cancelled", TO_USER, "{}")->message, MESSAGE_ORDER_CANCELLED);
}
END_TEST

START_TEST(an_event_is_silent_when_another_event_has_the_better_message)
{
	ck_assert(rule_for("order_cancelled", TO_USER, "{\"by\":\"PAYMENT\"}")->silent);
	ck_assert(rule_for("refund_issued", TO_USER, "{\"disputeId\":\"dsp_1\"}")->silent);
	ck_assert(!rule_for("refund_issued", TO_USER, "{\"orderId\":\"order_1\"}")->silent);
	for (const struct notification_rule *rule = notification_rules; rule->event; rule++)
		ck_assert(!rule->silent || !rule->notification);
}
END_TEST

START_TEST(an_account_gets_a_message_for_its_approval_only)
{
	ck_assert_int_eq(
		rule_for("vendor_changed", TO_VENDOR, "{\"approval\":\"APPROVED\"}")->message,
		MESSAGE_ACCOUNT_APPROVED);
	ck_assert_int_eq(
		rule_for("rider_changed", TO_RIDER, "{\"approval\":\"REJECTED\"}")->message,
		MESSAGE_ACCOUNT_REJECTED);
	ck_assert_ptr_null(rule_for("rider_changed", TO_RIDER, "{\"approval\":\"SUSPENDED\"}"));
	ck_assert_ptr_null(rule_for("vendor_changed", TO_VENDOR, "{}"));
}
END_TEST

START_TEST(a_vendor_gets_no_message_about_an_order_that_was_never_shown)
{
	ck_assert_ptr_null(rule_for("order_cancelled", TO_VENDOR, "{\"by\":\"SYSTEM\"}"));
	ck_assert_ptr_nonnull(rule_for("order_cancelled", TO_VENDOR, "{\"known\":\"yes\"}"));
}
END_TEST

START_TEST(only_some_steps_of_an_order_send_a_message)
{
	ck_assert_int_eq(
		rule_for("order_status_update", TO_USER, "{\"status\":\"IN_TRANSIT\"}")->message,
		MESSAGE_ORDER_PICKED_UP);
	ck_assert_ptr_null(rule_for("order_status_update", TO_USER, "{\"status\":\"PREPARING\"}"));
	ck_assert_ptr_null(
		rule_for("order_status_update", TO_VENDOR, "{\"status\":\"IN_TRANSIT\"}"));
}
END_TEST

START_TEST(a_notification_never_causes_another_message)
{
	for (const struct notification_rule *rule = notification_rules; rule->event; rule++) {
		ck_assert_str_ne(rule->event, "notification");
		ck_assert_str_ne(rule->event, "broadcast");
		ck_assert(!rule->notification || message_has_channel(rule->message, CHANNEL_PUSH));
		ck_assert_uint_gt(rule->life_s, 0);
	}
}
END_TEST

static unsigned channels_of(enum message_kind message, unsigned addresses, unsigned providers)
{
	return message_ways(message, (struct reach){ addresses, providers }).channels;
}

START_TEST(a_push_is_preferred_and_a_text_message_is_sent_without_a_device)
{
	const unsigned all = BY_PUSH | BY_SMS | BY_MAIL;

	ck_assert_uint_eq(channels_of(MESSAGE_ORDER_ACCEPTED, all, all), BY_PUSH);
	ck_assert_uint_eq(channels_of(MESSAGE_ORDER_ACCEPTED, BY_SMS | BY_MAIL, all), BY_SMS);
	ck_assert_uint_eq(channels_of(MESSAGE_ORDER_READY, BY_SMS | BY_MAIL, all), 0);
	ck_assert_uint_eq(channels_of(MESSAGE_ORDER_ACCEPTED, all, BY_SMS), BY_SMS);
	ck_assert_uint_eq(channels_of(MESSAGE_ORDER_READY, all, BY_SMS), 0);
	ck_assert_uint_eq(channels_of(MESSAGE_ORDER_ACCEPTED, all, 0), 0);
	ck_assert_uint_eq(channels_of(MESSAGE_PAYOUT_APPROVED, all, all), BY_PUSH | BY_MAIL);
	ck_assert_uint_eq(channels_of(MESSAGE_WELCOME, 0, 0), 0);
}
END_TEST

static void check_missing(
	enum message_kind message, struct reach reach, unsigned no_provider, unsigned no_address)
{
	struct message_ways ways = message_ways(message, reach);

	ck_assert_uint_eq(ways.no_provider, no_provider);
	ck_assert_uint_eq(ways.no_address, no_address);
}

START_TEST(each_way_that_is_not_possible_is_counted_with_its_reason)
{
	const unsigned all = BY_PUSH | BY_SMS | BY_MAIL;

	check_missing(MESSAGE_PAYOUT_APPROVED, (struct reach){ all, all }, 0, 0);
	check_missing(MESSAGE_PAYOUT_APPROVED, (struct reach){ all, 0 }, 2, 0);
	check_missing(MESSAGE_PAYOUT_APPROVED, (struct reach){ BY_SMS, all }, 0, 1);
	check_missing(MESSAGE_ORDER_PLACED, (struct reach){ BY_SMS, all }, 0, 2);
	check_missing(MESSAGE_ORDER_PLACED, (struct reach){ BY_MAIL, BY_PUSH }, 1, 1);
	check_missing(MESSAGE_ORDER_READY, (struct reach){ BY_PUSH, BY_SMS }, 1, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("notification_rule");
	TCase *tests = tcase_create("notification_rule");

	tcase_add_test(tests, an_expired_order_has_another_message_than_a_cancelled_one);
	tcase_add_test(tests, an_event_is_silent_when_another_event_has_the_better_message);
	tcase_add_test(tests, an_account_gets_a_message_for_its_approval_only);
	tcase_add_test(tests, a_vendor_gets_no_message_about_an_order_that_was_never_shown);
	tcase_add_test(tests, only_some_steps_of_an_order_send_a_message);
	tcase_add_test(tests, a_notification_never_causes_another_message);
	tcase_add_test(tests, a_push_is_preferred_and_a_text_message_is_sent_without_a_device);
	tcase_add_test(tests, each_way_that_is_not_possible_is_counted_with_its_reason);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
