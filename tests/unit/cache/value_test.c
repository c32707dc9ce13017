/* SPDX-License-Identifier: MIT
 *
 * The form of cached values: a written value is read back, and other content is not read as a
 * value.
 */
#include <check.h>
#include <stdlib.h>

#include "../suite.h"
#include "reeyo/core/memory.h"
#include "value.h"

START_TEST(a_written_value_is_read_back)
{
	char body[3000];
	struct cache_value value;

	for (size_t len = 0; len <= sizeof(body); len += 100) {
		struct stored *stored;

		memset(body, 'a', sizeof(body));
		stored = stored_new((struct text){ body, len }, 0);
		ck_assert_int_eq(stored_parse(stored->wire, &value), HELD_VALUE);
		ck_assert(text_is(value.plain, (struct text){ body, len }));
		ck_assert(text_is(value.gzip, stored->value.gzip));
		ck_assert_int_eq(value.gzip.at != NULL, len >= 1024);
		ck_assert_str_eq(value.etag, stored->value.etag);
		free(stored);
	}
}
END_TEST

START_TEST(a_body_that_does_not_shrink_is_stored_plain)
{
	char body[1000];
	struct stored *stored;
	uint32_t state = 1;

	for (size_t i = 0; i < sizeof(body); i++) {
		state = state * 1664525 + 1013904223;
		body[i] = (char)(state >> 24);
	}
	stored = stored_new((struct text){ body, sizeof(body) }, 0);
	ck_assert_ptr_null(stored->value.gzip.at);
	free(stored);
}
END_TEST

START_TEST(equal_bodies_have_equal_tags_and_different_bodies_different_ones)
{
	struct stored *a = stored_new(TEXT("{\"a\":1}"), 0), *b = stored_new(TEXT("{\"a\":1}"), 7),
		      *c = stored_new(TEXT("{\"a\":2}"), 0);

	ck_assert_str_eq(a->value.etag, b->value.etag);
	ck_assert_str_ne(a->value.etag, c->value.etag);
	ck_assert_uint_eq(strlen(a->value.etag), 18);
	ck_assert_int_eq(a->value.etag[0], '"');
	ck_assert_int_eq(a->value.etag[17], '"');
	free(a);
	free(b);
	free(c);
}
END_TEST

START_TEST(a_lease_is_not_a_value_and_each_is_unique)
{
	char one[LEASE_LENGTH + 1], two[LEASE_LENGTH + 1];
	struct cache_value value;

	lease_new(one);
	lease_new(two);
	ck_assert_uint_eq(strlen(one), LEASE_LENGTH);
	ck_assert_str_ne(one, two);
	ck_assert_int_eq(stored_parse(text_of(one), &value), HELD_LEASE);
}
END_TEST

START_TEST(other_content_is_not_read_as_a_value)
{
	static const char *const wrong[] = { "", "x", "R1", "R1 ", "R1 \n", "L1 ", "L1 00",
		"R1 0123456789abcdef 3 0", "R1 0123456789abcdef 3 0\nab",
		"R1 0123456789abcdef 3 0\nabcd", "R1 0123456789abcdef 3\nabc",
		"R1 0123456789abcdeX 3 0\nabc", "R1 0123456789abcde 3 0\nabc",
		"R1 0123456789abcdef -1 4\nabc", "R1 0123456789abcdef 9223372036854775807 9\nabc",
		"R1 0123456789abcdef 18446744073709551615 4\nabc", "R2 0123456789abcdef 3 0\nabc",
		"R1 0123456789abcdef 3 0 \nabc", "R1 0123456789abcdef 3 0 0\nabc",
		"R1 0123456789abcdef 3 0 4 2\nabc", "R1 0123456789abcdef 3 0 -1\nabc",
		"R1  0123456789abcdef 3 0\nabc" };
	struct cache_value value;

	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		ck_assert_msg(
			stored_parse(text_of(wrong[i]), &value) == HELD_OTHER, "%s", wrong[i]);
	ck_assert_int_eq(stored_parse(TEXT("R1 0123456789abcdef 3 0\nabc"), &value), HELD_VALUE);
	ck_assert_int_eq(value.until_ms, 0);
	ck_assert_int_eq(stored_parse(TEXT("R1 0123456789abcdef 3 0 42\nabc"), &value), HELD_VALUE);
	ck_assert_int_eq(value.until_ms, 42);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("value");
	TCase *tests = tcase_create("value");

	tcase_add_test(tests, a_written_value_is_read_back);
	tcase_add_test(tests, a_body_that_does_not_shrink_is_stored_plain);
	tcase_add_test(tests, equal_bodies_have_equal_tags_and_different_bodies_different_ones);
	tcase_add_test(tests, a_lease_is_not_a_value_and_each_is_unique);
	tcase_add_test(tests, other_content_is_not_read_as_a_value);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
