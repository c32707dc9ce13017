/* SPDX-License-Identifier: MIT
 *
 * The JSON reader: what it reads is what jansson reads, and it gives up on everything that jansson
 * refuses or changes.
 */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../suite.h"
#include "reeyo/core/json_reader.h"

static const char *const usual[] = {
	"{}",
	"[]",
	" \t\r\n{ \"a\" : [ ] , \"b\" : { } } \n",
	"{\"vendorId\":\"vendor_1\",\"items\":[{\"itemId\":\"item_1\",\"quantity\":2}],\"note\":\"\"}",
	"[0,-0,1,-1,999999999999999999,-999999999999999999]",
	"[0.5,-0.5,4.05,1e3,1E+3,1.5e-3,0e0,9.7,11.516667,123456789012345678.25]",
	"[true,false,null,[true],{\"\":null}]",
	"{\"name\":\"Th\xc3\xa9r\xc3\xa8se \xf0\x9f\x8d\xb2\",\"\xc3\xa9\":1}",
	"[\"\x7f\",\"/\",\"'\"]",
};

START_TEST(the_usual_is_read_as_jansson_reads_it)
{
	struct text text = text_of(usual[_i]);
	json_t *ours = json_read_usual(text);
	json_t *theirs = json_loadb(text.at, text.len, JSON_REJECT_DUPLICATES, NULL);
	char *a = ours ? json_dumps(ours, 0) : NULL, *b = theirs ? json_dumps(theirs, 0) : NULL;

	ck_assert_ptr_nonnull(b);
	ck_assert_ptr_nonnull(a);
	ck_assert_str_eq(a, b);
	ck_assert(json_equal(ours, theirs));
	free(a);
	free(b);
	json_decref(ours);
	json_decref(theirs);
}
END_TEST

#define UNUSUAL(literal) \
	{ \
		literal, sizeof(literal) - 1 \
	}
static const struct text unusual[] = {
	UNUSUAL(""),
	UNUSUAL(" "),
	UNUSUAL("1"),
	UNUSUAL("\"a\""),
	UNUSUAL("null"),
	UNUSUAL("{"),
	UNUSUAL("["),
	UNUSUAL("}"),
	UNUSUAL("{]"),
	UNUSUAL("[}"),
	UNUSUAL("{}x"),
	UNUSUAL("{}{}"),
	UNUSUAL("[1,]"),
	UNUSUAL("[,1]"),
	UNUSUAL("[1 2]"),
	UNUSUAL("{\"a\":1,}"),
	UNUSUAL("{\"a\"}"),
	UNUSUAL("{\"a\":}"),
	UNUSUAL("{\"a\" 1}"),
	UNUSUAL("{a:1}"),
	UNUSUAL("{1:1}"),
	UNUSUAL("{\"a\":1,\"a\":2}"),
	UNUSUAL("{\"a\":1 \"b\":2}"),
	UNUSUAL("[\"a"),
	UNUSUAL("[\"a]"),
	UNUSUAL("[\"a\\n\"]"),
	UNUSUAL("[\"\\u0041\"]"),
	UNUSUAL("[\"a\nb\"]"),
	UNUSUAL("[\"a\0b\"]"),
	UNUSUAL("[\"\xff\"]"),
	UNUSUAL("[\"\xc3\"]"),
	UNUSUAL("[\"\xed\xa0\x80\"]"),
	UNUSUAL("{\"\xff\":1}"),
	UNUSUAL("[-]"),
	UNUSUAL("[+1]"),
	UNUSUAL("[01]"),
	UNUSUAL("[-01]"),
	UNUSUAL("[1.]"),
	UNUSUAL("[.5]"),
	UNUSUAL("[1e]"),
	UNUSUAL("[1e+]"),
	UNUSUAL("[1e999]"),
	UNUSUAL("[9223372036854775808]"),
	UNUSUAL("[0x10]"),
	UNUSUAL("[1a]"),
	UNUSUAL("[NaN]"),
	UNUSUAL("[tru]"),
	UNUSUAL("[truex]"),
	UNUSUAL("[nul"),
	UNUSUAL("[\0]"),
	UNUSUAL("{}\0"),
	UNUSUAL("\xef\xbb\xbf{}"),
	UNUSUAL("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"),
};

START_TEST(the_unusual_is_left_to_jansson)
{
	ck_assert_ptr_null(json_read_usual(unusual[_i]));
}
END_TEST

/* Each text cut at each place, and with each of its bytes replaced. */
START_TEST(nothing_is_read_that_jansson_refuses)
{
	size_t len = strlen(usual[_i]);
	char *copy = malloc(len);

	for (size_t i = 0; i < len; i++)
		for (int byte = 0; byte < 256; byte++) {
			json_t *ours, *theirs;

			memcpy(copy, usual[_i], len);
			copy[i] = (char)byte;
			ours = json_read_usual((struct text){ copy, len });
			theirs = json_loadb(copy, len, JSON_REJECT_DUPLICATES, NULL);
			ck_assert_msg(!ours || json_equal(ours, theirs), "byte %d at %zu", byte, i);
			json_decref(ours);
			json_decref(theirs);
		}
	for (size_t cut = 0; cut < len; cut++) {
		json_t *ours = json_read_usual((struct text){ usual[_i], cut });
		json_t *theirs = json_loadb(usual[_i], cut, JSON_REJECT_DUPLICATES, NULL);

		ck_assert(!ours || json_equal(ours, theirs));
		json_decref(ours);
		json_decref(theirs);
	}
	free(copy);
}
END_TEST

START_TEST(any_valid_text_is_read)
{
	json_t *value = json_read(TEXT("{\"a\":\"x\\n\",\"b\":1,\"b\":2}"));

	ck_assert_str_eq(json_string_value(json_object_get(value, "a")), "x\n");
	ck_assert_int_eq(json_integer_value(json_object_get(value, "b")), 2);
	json_decref(value);
	ck_assert_ptr_null(json_read(TEXT("{")));
	ck_assert_ptr_null(json_read(TEXT_NONE));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("json_reader");
	TCase *all = tcase_create("all");

	tcase_add_loop_test(all, the_usual_is_read_as_jansson_reads_it, 0,
		(int)(sizeof(usual) / sizeof(*usual)));
	tcase_add_loop_test(
		all, the_unusual_is_left_to_jansson, 0, (int)(sizeof(unusual) / sizeof(*unusual)));
	tcase_add_loop_test(all, nothing_is_read_that_jansson_refuses, 0,
		(int)(sizeof(usual) / sizeof(*usual)));
	tcase_add_test(all, any_valid_text_is_read);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
