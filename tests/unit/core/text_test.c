/* SPDX-License-Identifier: MIT
 *
 * Texts: comparing, cutting and strict reading of numbers.
 */
#include <check.h>
#include <stdlib.h>

#include "../suite.h"
#include "reeyo/core/text.h"

START_TEST(comparing_considers_length_and_case)
{
	ck_assert(text_is(TEXT("abc"), TEXT("abc")));
	ck_assert(!text_is(TEXT("abc"), TEXT("abcd")));
	ck_assert(text_is(TEXT_NONE, TEXT("")));
	ck_assert(!text_is(TEXT("abc"), TEXT("ABC")));
	ck_assert(text_is_nocase(TEXT("aZ-9"), TEXT("Az-9")));
	ck_assert(!text_is_nocase(TEXT("@"), TEXT("`")));
	ck_assert(text_starts(TEXT("/api/v1"), TEXT("/api")));
	ck_assert(text_starts(TEXT("x"), TEXT_NONE));
	ck_assert(!text_starts(TEXT("/ap"), TEXT("/api")));
	ck_assert(text_is_secret(TEXT("same"), TEXT("same")));
	ck_assert(!text_is_secret(TEXT("same"), TEXT("samf")));
	ck_assert(!text_is_secret(TEXT("same"), TEXT("sam")));
}
END_TEST

START_TEST(cutting_leaves_the_rest_and_finally_an_absent_text)
{
	struct text rest = TEXT("a,,b");

	ck_assert(text_is(text_cut(&rest, ','), TEXT("a")));
	ck_assert(text_is(rest, TEXT(",b")));
	ck_assert(text_is(text_cut(&rest, ','), TEXT("")));
	ck_assert_ptr_nonnull(rest.at);
	ck_assert(text_is(text_cut(&rest, ','), TEXT("b")));
	ck_assert_ptr_null(rest.at);
	ck_assert_uint_eq(text_cut(&rest, ',').len, 0);
	rest = TEXT("last,");
	ck_assert(text_is(text_cut(&rest, ','), TEXT("last")));
	ck_assert_ptr_nonnull(rest.at);
	ck_assert_uint_eq(rest.len, 0);
}
END_TEST

START_TEST(trimming_takes_ascii_space_from_both_ends)
{
	ck_assert(text_is(text_trim(TEXT(" \t\r\n a b \v\f")), TEXT("a b")));
	ck_assert_uint_eq(text_trim(TEXT("   ")).len, 0);
	ck_assert_uint_eq(text_trim(TEXT_NONE).len, 0);
}
END_TEST

static const struct {
	const char *text;
	int64_t min, max;
	bool right;
	int64_t value;
} ints[] = {
	{ "0", 0, 9, true, 0 },
	{ "-0", -1, 9, true, 0 },
	{ "007", 0, 9, true, 7 },
	{ "9223372036854775807", INT64_MIN, INT64_MAX, true, INT64_MAX },
	{ "-9223372036854775808", INT64_MIN, INT64_MAX, true, INT64_MIN },
	{ "9223372036854775808", INT64_MIN, INT64_MAX, false, 0 },
	{ "-9223372036854775809", INT64_MIN, INT64_MAX, false, 0 },
	{ "99999999999999999999999", INT64_MIN, INT64_MAX, false, 0 },
	{ "10", 0, 9, false, 0 },
	{ "-1", 0, 9, false, 0 },
	{ "", INT64_MIN, INT64_MAX, false, 0 },
	{ "-", INT64_MIN, INT64_MAX, false, 0 },
	{ "+1", INT64_MIN, INT64_MAX, false, 0 },
	{ " 1", INT64_MIN, INT64_MAX, false, 0 },
	{ "1x", INT64_MIN, INT64_MAX, false, 0 },
	{ "1.0", INT64_MIN, INT64_MAX, false, 0 },
};

START_TEST(an_int_must_be_whole_and_in_range)
{
	int64_t value = 42;

	ck_assert_int_eq(text_to_int(text_of(ints[_i].text), ints[_i].min, ints[_i].max, &value),
		ints[_i].right);
	ck_assert_int_eq(value, ints[_i].right ? ints[_i].value : 42);
}
END_TEST

START_TEST(a_double_must_be_finite_and_decimal)
{
	static const char *const wrong[] = { "", "nan", "inf", "1e999", "0x10", "1,5", "4.05 ",
		"1.2.3", "e" };
	double value = 42;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_msg(!text_to_double(text_of(wrong[i]), &value), "%s", wrong[i]);
	ck_assert(!text_to_double((struct text){ "1\0002", 3 }, &value));
	ck_assert_double_eq(value, 42);
	ck_assert(text_to_double(TEXT("4.05"), &value));
	ck_assert_double_eq(value, 4.05);
	ck_assert(text_to_double(TEXT("-1.5e2"), &value));
	ck_assert_double_eq(value, -150);
	/* bytes after the length are not read */
	ck_assert(text_to_double((struct text){ "123", 2 }, &value));
	ck_assert_double_eq(value, 12);
}
END_TEST

START_TEST(a_visible_run_ends_before_eight_bytes_with_one_that_is_not)
{
	for (unsigned byte = 0; byte < 256; byte++) {
		for (unsigned at = 0; at < 8; at++) {
			char bytes[16] = "visible:visible";
			bool visible = byte > ' ' && byte != 0x7f;

			bytes[at] = (char)byte;
			ck_assert_uint_eq(text_visible_run((struct text){ bytes, 15 }, ' ' + 1),
				visible ? 8 : 0);
			ck_assert_uint_eq(text_visible_run((struct text){ bytes, 15 }, ' '),
				visible || byte == ' ' ? 8 : 0);
		}
	}
	ck_assert_uint_eq(text_visible_run(TEXT("shorter"), ' '), 0);
	ck_assert_uint_eq(text_visible_run(TEXT_NONE, ' '), 0);
}
END_TEST

START_TEST(utf8_is_well_formed_and_without_nul)
{
	static const char *const right[] = { "", "abc", "é", "€", "😀", "\xf4\x8f\xbf\xbf",
		"\xed\x9f\xbf" };
	static const char *const wrong[] = {
		"\x80",
		"\xc0\xaf",
		"\xc1\xbf",
		"\xe0\x80\x80",
		"\xed\xa0\x80",
		"\xf0\x80\x80\x80",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xc3",
		"\xe2\x82",
		"\xf0\x9f\x98",
		"\xc3(",
	};

	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
		ck_assert_msg(text_is_utf8(text_of(right[i])), "%s", right[i]);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_msg(!text_is_utf8(text_of(wrong[i])), "number %zu", i);
	ck_assert(!text_is_utf8((struct text){ "a\0b", 3 }));
	ck_assert_uint_eq(text_length(TEXT("Ndolé 😀")), 7);
}
END_TEST

START_TEST(a_copy_is_whole_or_ends_between_characters)
{
	char out[6] = "kept";

	ck_assert(!text_copy_whole(out, sizeof(out), TEXT("123456")));
	ck_assert(!text_copy_whole(out, sizeof(out), TEXT("\xff")));
	ck_assert_str_eq(out, "kept");
	ck_assert(text_copy_whole(out, sizeof(out), TEXT("12345")));
	ck_assert_str_eq(out, "12345");
	text_copy_truncated(out, sizeof(out), TEXT("refus\xc3\xa9"));
	ck_assert_str_eq(out, "refus");
	text_copy_truncated(out, sizeof(out), TEXT("abcd\xc3\xa9"));
	ck_assert_str_eq(out, "abcd");
	text_copy_truncated(out, sizeof(out), TEXT_NONE);
	ck_assert_str_eq(out, "");
}
END_TEST

START_TEST(distance_counts_changes)
{
	char longest[129];

	memset(longest, 'x', sizeof(longest));
	ck_assert_uint_eq(text_distance(TEXT("kitten"), TEXT("sitting")), 3);
	ck_assert_uint_eq(text_distance(TEXT(""), TEXT("abc")), 3);
	ck_assert_uint_eq(text_distance(TEXT("abc"), TEXT("")), 3);
	ck_assert_uint_eq(text_distance(TEXT("listen"), TEXT("listen")), 0);
	ck_assert_uint_eq(text_distance((struct text){ longest, 128 }, TEXT("")), 128);
	ck_assert_uint_eq(text_distance((struct text){ longest, 129 }, TEXT("")), SIZE_MAX);
}
END_TEST

static const struct {
	const char *from, *to;
	bool valid;
} escapes[] = {
	{ "", "", true },
	{ "a+b", "a+b", true },
	{ "%41%6a%4A", "AjJ", true },
	{ "caf%C3%A9", "café", true },
	{ "%", "%", false },
	{ "%4", "%4", false },
	{ "a%zz%41", "a%zzA", false },
	{ "%+1% 1", "%+1% 1", false },
	{ "%%41", "%A", false },
};

START_TEST(an_escape_is_two_hexadecimal_digits)
{
	char out[16];
	bool valid;
	size_t len = percent_decode(out, text_of(escapes[_i].from), &valid);

	ck_assert_str_eq(out, escapes[_i].to);
	ck_assert_uint_eq(len, strlen(escapes[_i].to));
	ck_assert(valid == escapes[_i].valid);
}
END_TEST

START_TEST(an_escaped_nul_is_decoded_in_place)
{
	char text[] = "a%00b";

	ck_assert_uint_eq(percent_decode(text, text_of(text), NULL), 3);
	ck_assert_mem_eq(text, "a\0b", 4);
}
END_TEST

START_TEST(a_plus_is_a_space_in_forms_only)
{
	char out[16];

	ck_assert_uint_eq(form_decode(out, TEXT("a+b%2Bc")), 5);
	ck_assert_str_eq(out, "a b+c");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("text");
	TCase *all = tcase_create("all");

	tcase_add_test(all, comparing_considers_length_and_case);
	tcase_add_test(all, cutting_leaves_the_rest_and_finally_an_absent_text);
	tcase_add_test(all, trimming_takes_ascii_space_from_both_ends);
	tcase_add_loop_test(
		all, an_int_must_be_whole_and_in_range, 0, sizeof(ints) / sizeof(ints[0]));
	tcase_add_test(all, a_double_must_be_finite_and_decimal);
	tcase_add_test(all, a_visible_run_ends_before_eight_bytes_with_one_that_is_not);
	tcase_add_test(all, utf8_is_well_formed_and_without_nul);
	tcase_add_test(all, a_copy_is_whole_or_ends_between_characters);
	tcase_add_test(all, distance_counts_changes);
	tcase_add_loop_test(
		all, an_escape_is_two_hexadecimal_digits, 0, sizeof(escapes) / sizeof(*escapes));
	tcase_add_test(all, an_escaped_nul_is_decoded_in_place);
	tcase_add_test(all, a_plus_is_a_space_in_forms_only);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
