/* SPDX-License-Identifier: MIT
 *
 * Allowed and visible characters of a text, and its stored form.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../suite.h"
#include "reeyo/core/memory.h"
#include "reeyo/core/unicode.h"

static const char *const names[] = { "Ngo Bassa", "Éloïse", "Ŋgɔɓa", "ɛ́yɛ́ngɛ̀ ə̀", "Ɗangaladima",
	"عائشة", "Nguéna’a", "🍕 Chez Léa", "👩🏾‍🍳 Mama", "❤️", "می‌خواهم",
	"a", "7", "…", "喫茶店" };

START_TEST(names_in_many_scripts_are_plain_text)
{
	ck_assert(!unicode_has_control(text_of(names[_i]), false));
	ck_assert_uint_gt(unicode_visible(text_of(names[_i])), 0);
	ck_assert(text_is(unicode_trim(text_of(names[_i])), text_of(names[_i])));
}
END_TEST

static const char *const nothing[] = { "", " ", "\u00a0\u2003", "\u200b\u200b", "\u200d\u200c",
	"\u0301\u0300", "\u3164\u3164", "\u115f\u1160", "\uffa0", "\u2800\u2800", "\ufe0f\ufe0f",
	"\U000e0041\U000e0042", "\u00ad\u2060", "\u034f", "\u180b\u180e", "\ufeff", "\u3000",
	"\t\n", "\U000e0100", "\ufffc", "\ue000", "\u17b4", "\u20dd", "\U0001d159", "\U0001bca0" };

START_TEST(invisible_characters_are_not_counted)
{
	ck_assert_uint_eq(unicode_visible(text_of(nothing[_i])), 0);
}
END_TEST

START_TEST(blanks_take_space_and_marks_do_not)
{
	ck_assert_uint_eq(unicode_room(TEXT("A B")), 3);
	ck_assert_uint_eq(unicode_room(TEXT("A\u00a0B\n")), 4);
	ck_assert_uint_eq(unicode_room(TEXT("ɛ\u0301\u200b\u200d\u3164")), 1);
}
END_TEST

static const char *const controls[] = { "a\u202eb", "a\u202a", "\u2066x\u2069", "a\u200fb",
	"a\u200eb", "a\u061cb", "a\u2028b", "a\u2029b",
	"a\xc2\x85"
	"b",
	"a\xc2\x9f"
	"b",
	"a\177b", "a\033[2J", "a\U000e0041b", "a\ufffeb", "a\ufdd0b" };

START_TEST(format_controls_are_controls)
{
	ck_assert(unicode_has_control(text_of(controls[_i]), false));
	ck_assert(unicode_has_control(text_of(controls[_i]), true));
}
END_TEST

START_TEST(line_ends_and_tabs_are_controls_of_single_lines)
{
	ck_assert(unicode_has_control(TEXT("a\nb"), false));
	ck_assert(unicode_has_control(TEXT("a\tb"), false));
	ck_assert(unicode_has_control(TEXT("a\rb"), false));
	ck_assert(!unicode_has_control(TEXT("a\r\n\tb"), true));
}
END_TEST

START_TEST(blanks_of_any_script_are_trimmed)
{
	ck_assert(text_is(unicode_trim(TEXT(" \u00a0\u3000a b\u2003\u200b\ufeff\n")), TEXT("a b")));
	ck_assert_uint_eq(unicode_trim(TEXT("\u00a0 \u200b")).len, 0);
	ck_assert_uint_eq(unicode_trim(TEXT_NONE).len, 0);
}
END_TEST

static void composes(const char *text, const char *expected)
{
	char *composed auto_free = unicode_compose(text_of(text));

	ck_assert_ptr_nonnull(composed);
	ck_assert_str_eq(composed, expected);
}

START_TEST(text_is_normalized_and_line_ends_are_unified)
{
	composes("Braise\u0301", "Braisé");
	composes("Braisé", "Braisé");
	composes("ɛ\u0301", "ɛ\u0301");
	composes("a\r\nb\rc\n", "a\nb\nc\n");
	composes("", "");
	ck_assert_ptr_null(unicode_compose(TEXT("a\xff")));
}
END_TEST

/* Marks of one class, of two classes that must be sorted, of class 0, and one that decomposes to
 * two. */
static const char *const marks[] = { "\u0301\u0301", "\u0301\u0323", "\u0903\u0903",
	"\u0f73\u0f73" };

START_TEST(a_letter_has_at_most_thirty_marks)
{
	char text[256] = "a";

	for (unsigned n = 0; n < 30; n += 2)
		strcat(text, marks[_i]);
	char *composed auto_free = unicode_compose(text_of(text));

	ck_assert_ptr_nonnull(composed);
	strcat(text, "\u0301");
	ck_assert_ptr_null(unicode_compose(text_of(text)));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("unicode");
	TCase *tests = tcase_create("unicode");

	tcase_add_loop_test(tests, names_in_many_scripts_are_plain_text, 0, COUNT_OF(names));
	tcase_add_loop_test(tests, invisible_characters_are_not_counted, 0, COUNT_OF(nothing));
	tcase_add_loop_test(tests, format_controls_are_controls, 0, COUNT_OF(controls));
	tcase_add_test(tests, blanks_take_space_and_marks_do_not);
	tcase_add_test(tests, line_ends_and_tabs_are_controls_of_single_lines);
	tcase_add_test(tests, blanks_of_any_script_are_trimmed);
	tcase_add_test(tests, text_is_normalized_and_line_ends_are_unified);
	tcase_add_loop_test(tests, a_letter_has_at_most_thirty_marks, 0, COUNT_OF(marks));
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
