/* SPDX-License-Identifier: MIT
 *
 * Templates: which are refused, and how values are filled in.
 */
#include <check.h>
#include <stdlib.h>

#include "../suite.h"
#include "reeyo/domain/message.h"

static struct arena_pool *pool;
static struct arena *arena;

static void set_up(void)
{
	pool = arena_pool_new(1 << 16);
	arena = arena_new(pool, 1 << 20);
}

static void tear_down(void)
{
	arena_free(arena);
	arena_pool_free(pool);
}

static const char *filled_for(enum channel channel, const char *text, const char *values)
{
	json_t *params = json_loads(values, 0, NULL);
	struct buf out = buf_in(arena, 64);

	template_fill(&out, text_of(text), params, channel);
	json_decref(params);
	return buf_string(&out);
}

static const char *filled(const char *text, const char *values)
{
	return filled_for(CHANNEL_MAIL, text, values);
}

static const char *fault_of(enum message_kind message, enum channel channel, const char *file)
{
	static char fault[TEMPLATE_FAULT];
	struct message_template message_template;

	fault[0] = '\0';
	ck_assert_int_eq(template_parse(message, channel, text_of(file), &message_template, fault),
		E_CONFIG);
	return fault;
}

START_TEST(words_are_replaced_by_their_values)
{
	ck_assert_str_eq(
		filled("{orderNumber} of {name}", "{\"orderNumber\":\"F-1\",\"name\":\"Amélie\"}"),
		"F-1 of Amélie");
	ck_assert_str_eq(
		filled("in {preparationTime} min", "{\"preparationTime\":20}"), "in 20 min");
	ck_assert_str_eq(filled("no {name} here", "{}"), "no  here");
}
END_TEST

START_TEST(money_is_shown_in_groups_of_three)
{
	ck_assert_str_eq(filled("{amount}", "{\"amount\":500}"), "500");
	ck_assert_str_eq(filled("{amount}", "{\"amount\":12500}"), "12 500");
	ck_assert_str_eq(filled("{total}", "{\"total\":1250000}"), "1 250 000");
	ck_assert_str_eq(filled("{total}", "{\"total\":-100000}"), "-100 000");
	ck_assert_str_eq(filled("{preparationTime}", "{\"preparationTime\":1000}"), "1000");
}
END_TEST

START_TEST(a_part_in_brackets_needs_all_its_values)
{
	const char *text = "Cancelled[: {reason}].[ {refundAmount} XAF back.]";

	ck_assert_str_eq(filled(text, "{}"), "Cancelled.");
	ck_assert_str_eq(
		filled(text, "{\"reason\":\"late\",\"refundAmount\":0}"), "Cancelled: late.");
	ck_assert_str_eq(filled(text, "{\"reason\":\"\",\"refundAmount\":1500}"),
		"Cancelled. 1 500 XAF back.");
	ck_assert_str_eq(filled("[{name} and {reason}]", "{\"name\":\"A\"}"), "");
}
END_TEST

START_TEST(a_value_that_ends_its_sentence_gets_no_second_full_stop)
{
	const char *text = "Refused[: {reason}].[ {refundAmount} XAF back.]";

	ck_assert_str_eq(filled(text, "{\"reason\":\"too late.\"}"), "Refused: too late.");
	ck_assert_str_eq(filled(text, "{\"reason\":\"why not?\",\"refundAmount\":5}"),
		"Refused: why not? 5 XAF back.");
	ck_assert_str_eq(filled(text, "{\"reason\":\"late…\"}"), "Refused: late…");
	ck_assert_str_eq(filled(text, "{\"reason\":\"\"}"), "Refused.");
	ck_assert_str_eq(filled(". {name}", "{\"name\":\"A\"}"), ". A");
}
END_TEST

START_TEST(a_long_value_is_cut_at_a_whole_character_in_sms_and_push)
{
	char value[2100] = "", values[2200];
	const char *filled;

	for (int i = 0; i < 600; i++)
		strcat(value, "é");
	snprintf(values, sizeof(values), "{\"reason\":\"%s\",\"body\":\"%s\"}", value, "x");
	filled = filled_for(CHANNEL_SMS, "{reason}.", values);
	ck_assert_uint_eq(strlen(filled), 2 * 77 + 3);
	ck_assert_str_eq(filled + 2 * 76, "é...");
	filled = filled_for(CHANNEL_PUSH, "{reason}.", values);
	ck_assert_uint_eq(strlen(filled), 2 * 499 + 3);
	ck_assert_str_eq(filled + 2 * 498, "é…");
	ck_assert_uint_eq(strlen(filled_for(CHANNEL_MAIL, "{reason}.", values)), 2 * 600 + 1);
	snprintf(values, sizeof(values), "{\"body\":\"%s\"}", value);
	ck_assert_uint_eq(strlen(filled_for(CHANNEL_PUSH, "{body}", values)), 2 * 600);
	value[2 * 80] = '\0';
	snprintf(values, sizeof(values), "{\"reason\":\"%s\"}", value);
	ck_assert_str_eq(filled_for(CHANNEL_SMS, "{reason}", values), value);
}
END_TEST

START_TEST(a_value_is_not_parsed_as_a_template)
{
	ck_assert_str_eq(
		filled("[{reason}]!", "{\"reason\":\"a ] {name} [ b\"}"), "a ] {name} [ b!");
}
END_TEST

START_TEST(a_faulty_template_is_refused_with_the_reason)
{
	ck_assert_str_eq(fault_of(MESSAGE_CODE, CHANNEL_SMS, "Your {cod} is here"),
		"the message has no word cod");
	ck_assert_str_eq(fault_of(MESSAGE_CODE, CHANNEL_SMS, "Your {code is here"),
		"a { has no } after it: code is here");
	ck_assert_str_eq(
		fault_of(MESSAGE_CODE, CHANNEL_SMS, "Your code} is"), "a } has no { before it");
	ck_assert_str_eq(
		fault_of(MESSAGE_CODE, CHANNEL_SMS, "Your [{code} is"), "[ and ] do not match");
	ck_assert_str_eq(
		fault_of(MESSAGE_CODE, CHANNEL_SMS, "Your [[{code}]] is"), "[ and ] do not match");
	ck_assert_str_eq(
		fault_of(MESSAGE_CODE, CHANNEL_SMS, "Your {code}] is"), "[ and ] do not match");
	ck_assert_str_eq(fault_of(MESSAGE_CODE, CHANNEL_SMS, " \n"), "it has no text");
	ck_assert_str_eq(fault_of(MESSAGE_CODE, CHANNEL_SMS, "\xff"), "it is not UTF-8");
	ck_assert_str_eq(fault_of(MESSAGE_CODE, CHANNEL_MAIL, "Your code"),
		"it does not begin with Subject:");
	ck_assert_str_eq(fault_of(MESSAGE_CODE, CHANNEL_MAIL, "Subject:\n\ntext"),
		"there is no text after Subject:");
	ck_assert_str_eq(fault_of(MESSAGE_CODE, CHANNEL_MAIL, "Subject: a {name}\n\ntext"),
		"the message has no word name");
}
END_TEST

START_TEST(texts_written_by_people_can_be_left_out)
{
	json_auto_t *params = json_pack("{s:s,s:s,s:s,s:s}", "orderNumber", "F-1", "vendorName",
		"Chez Rose", "reason", "buy here", "refundAmount", "7");
	struct message_template message_template;
	char fault[TEMPLATE_FAULT];

	message_params_strip_personal(MESSAGE_ORDER_REJECTED, params);
	ck_assert_uint_eq(json_object_size(params), 2);
	ck_assert_ptr_nonnull(json_object_get(params, "orderNumber"));
	ck_assert_ptr_nonnull(json_object_get(params, "refundAmount"));
	ck_assert_str_eq(fault_of(MESSAGE_ORDER_REJECTED, CHANNEL_SMS, "No, says {vendorName}"),
		"must stand in [ and ] because it may be missing: vendorName");
	ck_assert_str_eq(fault_of(MESSAGE_WELCOME, CHANNEL_MAIL, "Subject: Hello {name}\n\ntext"),
		"must stand in [ and ] because it may be missing: name");
	ck_assert_int_eq(
		template_parse(MESSAGE_ORDER_REJECTED, CHANNEL_PUSH,
			TEXT("Title: No\n\nNo, says {vendorName}"), &message_template, fault),
		0);
}
END_TEST

START_TEST(a_mail_has_a_subject_and_a_body)
{
	struct message_template message_template;
	char fault[TEMPLATE_FAULT];

	ck_assert_int_eq(template_parse(MESSAGE_CODE, CHANNEL_MAIL,
				 TEXT("Subject: Your code \n\nIt is {code}.\n\nBye\n"),
				 &message_template, fault),
		0);
	ck_assert(text_is(message_template.title, TEXT("Your code")));
	ck_assert(text_is(message_template.body, TEXT("It is {code}.\n\nBye")));
}
END_TEST

START_TEST(a_message_takes_each_word_from_the_first_source_that_has_it)
{
	json_t *event = json_loads(
		"{\"reason\":null,\"orderNumber\":\"F-1\",\"secret\":\"x\"}", 0, NULL);
	json_t *facts = json_loads("{\"reason\":\"late\",\"orderNumber\":\"F-2\"}", 0, NULL);
	json_t *params = message_params(MESSAGE_ORDER_GONE, 3, (json_t *[]){ event, NULL, facts });

	ck_assert_uint_eq(json_object_size(params), 2);
	ck_assert_str_eq(json_string_value(json_object_get(params, "reason")), "late");
	ck_assert_str_eq(json_string_value(json_object_get(params, "orderNumber")), "F-1");
	json_decref(params);
	json_decref(facts);
	json_decref(event);
}
END_TEST

START_TEST(a_message_waits_longer_after_each_try_and_as_long_as_requested)
{
	int64_t whole = 0;

	ck_assert_int_eq(message_backoff_ms(1, 0, 500), 5000);
	ck_assert_int_eq(message_backoff_ms(1, 0, 0), 4000);
	ck_assert_int_lt(message_backoff_ms(1, 0, 999), 6000);
	ck_assert_int_eq(message_backoff_ms(1, 30, 7), 30007);
	ck_assert_int_eq(message_backoff_ms(1, INT64_MAX, 0), 3600000);
	ck_assert_int_eq(message_backoff_ms(3, 30, 500), 120000);
	for (unsigned tries = 1; tries < 8; tries++) {
		whole += message_backoff_ms(tries, 0, 500);
		ck_assert_int_ge(
			message_backoff_ms(tries + 1, 0, 500), message_backoff_ms(tries, 0, 500));
	}
	ck_assert_int_gt(whole, 3 * 3600000);
	ck_assert_int_lt(whole, 4 * 3600000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("message");
	TCase *tests = tcase_create("message");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, words_are_replaced_by_their_values);
	tcase_add_test(tests, money_is_shown_in_groups_of_three);
	tcase_add_test(tests, a_part_in_brackets_needs_all_its_values);
	tcase_add_test(tests, a_value_that_ends_its_sentence_gets_no_second_full_stop);
	tcase_add_test(tests, a_long_value_is_cut_at_a_whole_character_in_sms_and_push);
	tcase_add_test(tests, a_value_is_not_parsed_as_a_template);
	tcase_add_test(tests, a_faulty_template_is_refused_with_the_reason);
	tcase_add_test(tests, texts_written_by_people_can_be_left_out);
	tcase_add_test(tests, a_mail_has_a_subject_and_a_body);
	tcase_add_test(tests, a_message_takes_each_word_from_the_first_source_that_has_it);
	tcase_add_test(tests, a_message_waits_longer_after_each_try_and_as_long_as_requested);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
