/* SPDX-License-Identifier: MIT
 *
 * Tags: stable, and different for texts that differ in one bit, in length or in the order of parts.
 */
#include <check.h>
#include <stdlib.h>

#include "../suite.h"
#include "reeyo/core/tag.h"

START_TEST(a_tag_never_changes)
{
	char tag[TAG_DIGITS + 1];

	tag_write(TEXT(""), tag);
	ck_assert_str_eq(tag, "696931fee602d0ad");
	tag_write(TEXT("{\"success\":true,\"data\":[]}"), tag);
	ck_assert_str_eq(tag, "e265a2dbd6c9cd75");
}
END_TEST

static int tag_compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Texts of all lengths up to 64, each with each of its bits changed. */
#define LONGEST 64
#define TAGS (LONGEST * (LONGEST + 1) / 2 * 8 + LONGEST + 1)

START_TEST(texts_that_differ_in_one_bit_or_in_length_have_different_tags)
{
	char(*tags)[TAG_DIGITS + 1] = calloc(TAGS, sizeof(*tags));
	char bytes[LONGEST] = { 0 };
	size_t count = 0;

	for (size_t len = 0; len <= LONGEST; len++) {
		tag_write((struct text){ bytes, len }, tags[count++]);
		for (size_t bit = 0; bit < len * 8; bit++) {
			bytes[bit / 8] ^= (char)(1 << bit % 8);
			tag_write((struct text){ bytes, len }, tags[count++]);
			bytes[bit / 8] ^= (char)(1 << bit % 8);
		}
	}
	ck_assert_uint_eq(count, TAGS);
	qsort(tags, count, sizeof(*tags), tag_compare);
	for (size_t i = 1; i < count; i++)
		ck_assert_str_ne(tags[i - 1], tags[i]);
	free(tags);
}
END_TEST

START_TEST(the_order_of_parts_counts)
{
	char one[TAG_DIGITS + 1], other[TAG_DIGITS + 1];

	tag_write(TEXT("aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb"), one);
	tag_write(TEXT("bbbbbbbbbbbbbbbbaaaaaaaaaaaaaaaa"), other);
	ck_assert_str_ne(one, other);
	tag_write(TEXT("aaaaaaaabbbbbbbb"), one);
	tag_write(TEXT("bbbbbbbbaaaaaaaa"), other);
	ck_assert_str_ne(one, other);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tag");
	TCase *all = tcase_create("all");

	tcase_add_test(all, a_tag_never_changes);
	tcase_add_test(all, texts_that_differ_in_one_bit_or_in_length_have_different_tags);
	tcase_add_test(all, the_order_of_parts_counts);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
