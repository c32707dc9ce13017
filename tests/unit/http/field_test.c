/* SPDX-License-Identifier: MIT
 *
 * Field tables: the values that are accepted, their canonical form, and the messages for others.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../suite.h"
#include "reeyo/domain/operator.h"
#include "reeyo/http/field.h"

static struct field_fault faults[FIELD_FAULTS_MAX];

/* The object after the check as compact JSON, or "field: message" of the first fault. Static. */
static const char *checked(const struct field *table, const char *json, unsigned how)
{
	static char out[512];
	json_t *object = json_loads(json, JSON_DECODE_ANY, NULL);
	unsigned count;
	char *dump;

	ck_assert_ptr_nonnull(object);
	count = field_check(table, object, how, faults);
	if (count) {
		snprintf(out, sizeof(out), "%s: %s", faults[0].field, faults[0].message);
	} else {
		dump = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(15));
		snprintf(out, sizeof(out), "%s", dump);
		free(dump);
	}
	json_decref(object);
	return out;
}

#define PASSES(table, json, kept) ck_assert_str_eq(checked(table, json, 0), kept)
#define REFUSES(table, json, message) PASSES(table, json, message)

static const struct field line_fields[] = {
	{ "itemId", FIELD_ID, .required = true },
	{ "quantity", FIELD_INT, .required = true, .min = 1, .max = 99 },
	{ "notes", FIELD_TEXT, .max = 5, .aliases = "specialInstructions remark" },
	FIELD_END,
};
static const struct field order_fields[] = {
	{ "items", FIELD_LIST, .required = true, .min = 1, .max = 2, .of = line_fields },
	FIELD_END,
};
static const char *const words[] = { "WALLET", "CASH", NULL };

START_TEST(a_missing_field_is_named_with_its_place)
{
	REFUSES(order_fields, "{\"items\":[{\"itemId\":\"a\",\"quantity\":1},{\"itemId\":\"b\"}]}",
		"items[1].quantity: is required");
	REFUSES(order_fields, "{}", "items: is required");
	REFUSES(order_fields, "{\"items\":null}", "items: is required");
}
END_TEST

START_TEST(a_list_has_a_size_and_a_kind)
{
	REFUSES(order_fields, "{\"items\":[]}", "items: must have at least 1 entries");
	REFUSES(order_fields, "{\"items\":[1]}", "items[0]: must be an object");
	REFUSES(order_fields, "{\"items\":{}}", "items: must be a list");
}
END_TEST

START_TEST(other_spellings_are_renamed_and_texts_trimmed)
{
	PASSES(order_fields, "{\"items\":[{\"itemId\":\"a\",\"quantity\":2,\"remark\":\" hot \"}]}",
		"{\"items\":[{\"itemId\":\"a\",\"notes\":\"hot\",\"quantity\":2}]}");
}
END_TEST

START_TEST(lengths_are_counted_in_characters)
{
	PASSES(order_fields, "{\"items\":[{\"itemId\":\"a\",\"quantity\":2,\"notes\":\"ndolé\"}]}",
		"{\"items\":[{\"itemId\":\"a\",\"notes\":\"ndolé\",\"quantity\":2}]}");
	REFUSES(order_fields,
		"{\"items\":[{\"itemId\":\"a\",\"quantity\":2,\"notes\":\"ndolés\"}]}",
		"items[0].notes: must have at most 5 characters");
}
END_TEST

START_TEST(money_is_whole_and_not_negative)
{
	static const struct field table[] = { { "amount", FIELD_MONEY }, FIELD_END };

	PASSES(table, "{\"amount\":2500.0}", "{\"amount\":2500}");
	REFUSES(table, "{\"amount\":2500.5}", "amount: must be a whole amount in XAF");
	REFUSES(table, "{\"amount\":-1}", "amount: must be at least 0");
	REFUSES(table, "{\"amount\":\"5\"}", "amount: must be a whole amount in XAF");
	REFUSES(table, "{\"amount\":1e300}", "amount: must be a whole amount in XAF");
}
END_TEST

START_TEST(numbers_of_forms_are_texts)
{
	static const struct field table[] = { { "page", FIELD_INT, .min = 1, .max = 100 },
		{ "open", FIELD_BOOL }, { "lat", FIELD_NUMBER, .min = -90, .max = 90 }, FIELD_END };

	ck_assert_str_eq(
		checked(table, "{\"page\":\"7\",\"open\":\"true\",\"lat\":\"4.5\"}", FIELDS_TEXTS),
		"{\"lat\":4.5,\"open\":true,\"page\":7}");
	ck_assert_str_eq(
		checked(table, "{\"page\":\"7x\"}", FIELDS_TEXTS), "page: must be a whole number");
	ck_assert_str_eq(checked(table, "{\"page\":\"99999999999999999999\"}", FIELDS_TEXTS),
		"page: must be a whole number");
	ck_assert_str_eq(
		checked(table, "{\"lat\":\"nan\"}", FIELDS_TEXTS), "lat: must be a number");
}
END_TEST

START_TEST(words_are_case_insensitive_and_take_the_tables_spelling)
{
	static const struct field table[] = { { "by", FIELD_ENUM, .words = words }, FIELD_END };

	PASSES(table, "{\"by\":\"wallet\"}", "{\"by\":\"WALLET\"}");
	REFUSES(table, "{\"by\":\"GOLD\"}", "by: must be one of WALLET, CASH");
}
END_TEST

START_TEST(a_list_of_words_holds_the_tables_words)
{
	static const struct field table[] = {
		{ "ways", FIELD_LIST, .max = 2, .each = FIELD_ENUM, .words = words }, FIELD_END
	};

	PASSES(table, "{\"ways\":[\"wallet\",\"CASH\"]}", "{\"ways\":[\"WALLET\",\"CASH\"]}");
	REFUSES(table, "{\"ways\":[\"cash\",\"GOLD\"]}", "ways[1]: must be one of WALLET, CASH");
	REFUSES(table, "{\"ways\":[7]}", "ways[0]: must be text");
}
END_TEST

START_TEST(phones_have_one_form)
{
	char phone[14];

	static const char *const spellings[] = { "+237670000001", "237670000001", "670000001",
		"+237 670 00 00 01", "00237670000001", "(+237) 670-000-001" };
	for (size_t i = 0; i < sizeof(spellings) / sizeof(*spellings) - 1; i++) {
		ck_assert(phone_normalise(spellings[i], phone));
		ck_assert_str_eq(phone, "+237670000001");
	}
	static const char *const wrong[] = { "", "+33612345678", "57000000", "+23767000000",
		"6700000011", "abc", "+237770000001", "67000000a", "670000001670000001670000001" };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		ck_assert_msg(!phone_normalise(wrong[i], phone), "%s", wrong[i]);
}
END_TEST

START_TEST(emails_are_kept_in_lower_case)
{
	static const struct field table[] = { { "email", FIELD_EMAIL }, FIELD_END };

	PASSES(table, "{\"email\":\" Ange@Reeyo.CM \"}", "{\"email\":\"ange@reeyo.cm\"}");
	static const char *const wrong[] = { "a", "@b.cm", "a@b", "a@.cm", "a@b.", "a b@c.cm",
		"a@b@c.cm" };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		char json[64];

		snprintf(json, sizeof(json), "{\"email\":\"%s\"}", wrong[i]);
		ck_assert_str_eq(checked(table, json, 0), "email: must be an e-mail address");
	}
}
END_TEST

START_TEST(a_password_needs_all_four_kinds_of_character)
{
	ck_assert_ptr_null(password_fault("Test123!@#", false));
	static const char *const weak[] = { "Te1!", "test123!", "TEST123!", "Testtest!",
		"Test1234" };
	for (size_t i = 0; i < sizeof(weak) / sizeof(*weak); i++)
		ck_assert_ptr_nonnull(password_fault(weak[i], false));
}
END_TEST

START_TEST(a_point_is_on_earth_in_either_spelling)
{
	static const struct field table[] = { { "at", FIELD_POINT }, FIELD_END };

	PASSES(table, "{\"at\":{\"latitude\":4.05,\"longitude\":9.7}}",
		"{\"at\":{\"lat\":4.05,\"lng\":9.7}}");
	REFUSES(table, "{\"at\":{\"lat\":91,\"lng\":0}}",
		"at: is not a place on Earth: lat -90 to 90, lng -180 to 180");
	REFUSES(table, "{\"at\":{\"lat\":4}}", "at: must be a point {lat,lng}");
}
END_TEST

START_TEST(a_code_may_come_as_a_number_with_its_leading_zeros)
{
	static const struct field table[] = { { "otp", FIELD_DIGITS, .min = 6, .max = 6 },
		FIELD_END };

	PASSES(table, "{\"otp\":12345}", "{\"otp\":\"012345\"}");
	REFUSES(table, "{\"otp\":\"12345\"}", "otp: must be 6 digits");
	REFUSES(table, "{\"otp\":\"12a456\"}", "otp: must be 6 digits");
}
END_TEST

START_TEST(weight_is_strictly_above_its_minimum)
{
	static const struct field table[] = {
		{ "weight", FIELD_NUMBER, .above = true, .min = 0, .max = 50 }, FIELD_END
	};

	PASSES(table, "{\"weight\":50}", "{\"weight\":50.0}");
	REFUSES(table, "{\"weight\":0}", "weight: must be greater than 0 and at most 50");
	REFUSES(table, "{\"weight\":50.1}", "weight: must be greater than 0 and at most 50");
}
END_TEST

START_TEST(control_characters_are_refused)
{
	static const struct field table[] = { { "name", FIELD_TEXT, .max = 100 },
		{ "notes", FIELD_TEXT, .lines = true, .max = 100 }, FIELD_END };

	REFUSES(table, "{\"notes\":\"a\\u0007b\"}", "notes: holds a control character");
	REFUSES(table, "{\"notes\":\"a\\u202eb\"}", "notes: holds a control character");
	REFUSES(table, "{\"name\":\"a\\nb\"}", "name: holds a control character");
	PASSES(table, "{\"name\":\" a \\n\",\"notes\":\"a\\r\\n\\tb\"}",
		"{\"name\":\"a\",\"notes\":\"a\\n\\tb\"}");
}
END_TEST

START_TEST(a_text_without_a_visible_character_is_empty)
{
	static const struct field table[] = { { "name", FIELD_TEXT, .required = true, .max = 9 },
		{ "title", FIELD_TEXT, .min = 2 }, { "city", FIELD_TEXT }, FIELD_END };

	REFUSES(table, "{\"name\":\"\\u200b\\u00a0\"}", "name: must not be empty");
	REFUSES(table, "{\"name\":\"\\u3164\"}", "name: must not be empty");
	PASSES(table, "{\"name\":\"a\",\"title\":\"b c\"}", "{\"name\":\"a\",\"title\":\"b c\"}");
	REFUSES(table, "{\"name\":\"a\",\"title\":\"b\\u200d\\u200d\\u0301\"}",
		"title: must have at least 2 characters");
	PASSES(table, "{\"name\":\"a\",\"city\":\"\\u2800\"}", "{\"city\":\"\",\"name\":\"a\"}");
}
END_TEST

START_TEST(a_text_is_kept_composed)
{
	static const struct field table[] = { { "name", FIELD_TEXT, .max = 6 }, FIELD_END };

	PASSES(table, "{\"name\":\"\\u00a0Braise\\u0301\"}", "{\"name\":\"Braisé\"}");
}
END_TEST

/* --- Null ------------------------------------------------------------------------------------- */

static const struct field null_fields[] = {
	{ "fee", FIELD_MONEY, .clearable = true, .aliases = "fee_override surcharge" },
	{ "name", FIELD_TEXT, .aliases = "title" },
	{ "addOns", FIELD_LIST, .of = line_fields, .aliases = "addons add_ons" },
	{ "tags", FIELD_LIST, .each = FIELD_TEXT },
	{ "free", FIELD_ANY, .aliases = "libre" },
	{ "meta", FIELD_OBJECT },
	{ "rows", FIELD_LIST, .each = FIELD_ANY },
	{ "at", FIELD_POINT },
	{ "bank", FIELD_OBJECT, .of = line_fields + 2 },
	FIELD_END,
};

START_TEST(null_clears_what_can_be_cleared_under_any_spelling)
{
	PASSES(null_fields, "{\"fee\":null}", "{\"fee\":null}");
	PASSES(null_fields, "{\"surcharge\":null}", "{\"fee\":null}");
	PASSES(null_fields, "{\"fee\":null,\"fee_override\":7}", "{\"fee\":7}");
	PASSES(null_fields, "{\"fee_override\":null,\"surcharge\":7}", "{\"fee\":7}");
	PASSES(null_fields, "{\"fee\":7,\"surcharge\":null}", "{\"fee\":7}");
}
END_TEST

START_TEST(null_is_absent_in_what_is_created)
{
	ck_assert_str_eq(checked(null_fields, "{\"fee\":null}", FIELDS_NEW), "{}");
	ck_assert_str_eq(checked(null_fields, "{\"surcharge\":null}", FIELDS_NEW), "{}");
}
END_TEST

START_TEST(every_other_null_is_absent_at_any_depth)
{
	PASSES(null_fields, "{\"name\":null,\"title\":null,\"unknown\":null}", "{}");
	PASSES(null_fields, "{\"addOns\":null,\"addons\":null,\"add_ons\":null}", "{}");
	PASSES(null_fields, "{\"name\":null,\"title\":\"a\"}", "{\"name\":\"a\"}");
	PASSES(null_fields, "{\"free\":null,\"libre\":null}", "{}");
	PASSES(null_fields, "{\"free\":{\"a\":{\"b\":null,\"c\":1}}}",
		"{\"free\":{\"a\":{\"c\":1}}}");
	PASSES(null_fields, "{\"meta\":{\"a\":null}}", "{\"meta\":{}}");
	PASSES(null_fields, "{\"bank\":{\"notes\":null,\"other\":null}}", "{\"bank\":{}}");
	PASSES(null_fields, "{\"at\":{\"lat\":null,\"latitude\":4,\"lng\":9}}",
		"{\"at\":{\"lat\":4.0,\"lng\":9.0}}");
}
END_TEST

START_TEST(a_list_must_not_contain_null)
{
	REFUSES(null_fields, "{\"addOns\":[null]}", "addOns[0]: must be an object");
	REFUSES(null_fields, "{\"tags\":[\"a\",null]}", "tags[1]: must be text");
	REFUSES(null_fields, "{\"tags\":[\"a\",\"\\u200b\"]}", "tags[1]: must not be empty");
	REFUSES(null_fields, "{\"rows\":[[1,null]]}", "rows: must not hold null");
	REFUSES(null_fields, "{\"free\":{\"a\":[null]}}", "free: must not hold null");
	REFUSES(null_fields, "{\"meta\":{\"a\":[null]}}", "meta: must not hold null");
	REFUSES(order_fields, "{\"items\":[{\"itemId\":null,\"quantity\":2}]}",
		"items[0].itemId: is required");
}
END_TEST

/* --- Times and addresses ---------------------------------------------------------------------- */

START_TEST(a_time_is_kept_as_the_moment_it_means)
{
	static const struct field table[] = { { "at", FIELD_TIME }, { "on", FIELD_DATE },
		FIELD_END };
	static const char *const wrong[] = { "0000-01-01T00:00:00Z", "1969-12-31T23:59:59Z",
		"1970-01-01T00:00:00+00:01", "3000-01-01T00:00:00Z", "2999-12-31T23:59:59-00:01",
		"9999-12-31T23:59:59Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:61Z",
		"2026-01-01T00:00:00", "2026-02-29T00:00:00Z", "infinity", "now", "-infinity" };
	char json[80];

	PASSES(table, "{\"at\":\"2026-03-01T14:05:00+23:59\"}",
		"{\"at\":\"2026-02-28T14:06:00.000Z\"}");
	PASSES(table, "{\"at\":\"2026-03-01 14:05:00.123456789012345z\"}",
		"{\"at\":\"2026-03-01T14:05:00.123Z\"}");
	PASSES(table, "{\"at\":\"2016-12-31T23:59:60Z\"}", "{\"at\":\"2017-01-01T00:00:00.000Z\"}");
	PASSES(table, "{\"on\":\" 2024-02-29 \"}", "{\"on\":\"2024-02-29\"}");
	REFUSES(table, "{\"on\":\"0000-01-01\"}", "on: must be a date, e.g. 2026-03-01");
	REFUSES(table, "{\"on\":\"3000-01-01\"}", "on: must be a date, e.g. 2026-03-01");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		snprintf(json, sizeof(json), "{\"at\":\"%s\"}", wrong[i]);
		REFUSES(table, json, "at: must be a time, e.g. 2026-03-01T14:05:00Z");
	}
}
END_TEST

START_TEST(a_picture_is_an_address_or_an_id)
{
	static const struct field table[] = { { "logo", FIELD_URL }, { "photo", FIELD_URL_OR_ID },
		FIELD_END };

	PASSES(table, "{\"logo\":\" https://reeyo.cm/a \",\"photo\":\"doc_01.jpg\"}",
		"{\"logo\":\"https://reeyo.cm/a\",\"photo\":\"doc_01.jpg\"}");
	PASSES(table, "{\"photo\":\" \"}", "{\"photo\":\"\"}");
	REFUSES(table, "{\"logo\":\"\"}", "logo: must be an http or https address");
	REFUSES(table, "{\"logo\":\"doc_01\"}", "logo: must be an http or https address");
	REFUSES(table, "{\"photo\":\"javascript:alert(1)\"}",
		"photo: must be an http or https address, or an id");
}
END_TEST

START_TEST(sums_and_numbers_stay_far_from_overflowing)
{
	static const struct field table[] = { { "sum", FIELD_MONEY }, { "n", FIELD_NUMBER },
		{ "i", FIELD_INT }, FIELD_END };

	REFUSES(table, "{\"sum\":9223372036854775807}", "sum: must be from 0 to 1000000000000");
	REFUSES(table, "{\"sum\":-1}", "sum: must be at least 0");
	REFUSES(table, "{\"sum\":1e300}", "sum: must be a whole amount in XAF");
	PASSES(table, "{\"sum\":-0.0,\"n\":-0.0,\"i\":-9223372036854775808}",
		"{\"i\":-9223372036854775808,\"n\":0.0,\"sum\":0}");
}
END_TEST

START_TEST(faults_are_counted_up_to_their_bound)
{
	json_t *object = json_pack("{s:[]}", "items");

	for (int i = 0; i < 100; i++)
		json_array_append_new(json_object_get(object, "items"), json_object());
	static const struct field many[] = { { "items", FIELD_LIST, .of = line_fields },
		FIELD_END };
	ck_assert_uint_eq(field_check(many, object, 0, faults), FIELD_FAULTS_MAX);
	json_decref(object);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("field");
	TCase *tests = tcase_create("field");

	tcase_add_test(tests, a_missing_field_is_named_with_its_place);
	tcase_add_test(tests, a_list_has_a_size_and_a_kind);
	tcase_add_test(tests, other_spellings_are_renamed_and_texts_trimmed);
	tcase_add_test(tests, lengths_are_counted_in_characters);
	tcase_add_test(tests, money_is_whole_and_not_negative);
	tcase_add_test(tests, numbers_of_forms_are_texts);
	tcase_add_test(tests, words_are_case_insensitive_and_take_the_tables_spelling);
	tcase_add_test(tests, a_list_of_words_holds_the_tables_words);
	tcase_add_test(tests, phones_have_one_form);
	tcase_add_test(tests, emails_are_kept_in_lower_case);
	tcase_add_test(tests, a_password_needs_all_four_kinds_of_character);
	tcase_add_test(tests, a_point_is_on_earth_in_either_spelling);
	tcase_add_test(tests, a_code_may_come_as_a_number_with_its_leading_zeros);
	tcase_add_test(tests, weight_is_strictly_above_its_minimum);
	tcase_add_test(tests, control_characters_are_refused);
	tcase_add_test(tests, a_text_without_a_visible_character_is_empty);
	tcase_add_test(tests, a_text_is_kept_composed);
	tcase_add_test(tests, null_clears_what_can_be_cleared_under_any_spelling);
	tcase_add_test(tests, null_is_absent_in_what_is_created);
	tcase_add_test(tests, every_other_null_is_absent_at_any_depth);
	tcase_add_test(tests, a_list_must_not_contain_null);
	tcase_add_test(tests, a_time_is_kept_as_the_moment_it_means);
	tcase_add_test(tests, a_picture_is_an_address_or_an_id);
	tcase_add_test(tests, sums_and_numbers_stay_far_from_overflowing);
	tcase_add_test(tests, faults_are_counted_up_to_their_bound);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
