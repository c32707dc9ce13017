/* SPDX-License-Identifier: MIT
 *
 * The form of cached values: what was written is read back, and nothing else is taken for a value.
 */
#include <check.h>
#include <stdlib.h>

#include "reeyo/core/memory.h"
#include "value.h"
#include "../suite.h"

START_TEST(what_was_written_is_read_back)
{
	char body[3000];
	struct cache_value value;

	for (size_t len = 0; len <= sizeof(body); len += 100) {
		struct stored *stored;

		memset(body, 'a', sizeof(body));
		stored = value_new((struct text){ body, len }, 0);
		ck_assert_int_eq(value_read(stored->wire, &value), HELD_VALUE);
		ck_assert(text_is(value.plain, (struct text){ body, len }));
		ck_assert(text_is(value.gzip, stored->value.gzip));
		ck_assert_int_eq(value.gzip.at != NULL, len >= 1024);
		ck_assert_str_eq(value.etag, stored->value.etag);
		free(stored);
	}
}
END_TEST

START_TEST(what_does_not_shrink_is_kept_plain)
{
	char body[1000];
	struct stored *stored;
	uint32_t state = 1;

	for (size_t i = 0; i < sizeof(body); i++) {
		state = state * 1664525 + 1013904223;
		body[i] = (char)(state >> 24);
	}
	stored = value_new((struct text){ body, sizeof(body) }, 0);
	ck_assert_ptr_null(stored->value.gzip.at);
	free(stored);
}
END_TEST

START_TEST(one_body_has_one_tag_and_another_body_another)
{
	struct stored *a = value_new(TEXT("{\"a\":1}"), 0),
		      *b = value_new(TEXT("{\"a\":1}"), 7),
		      *c = value_new(TEXT("{\"a\":2}"), 0);

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

START_TEST(a_lease_is_no_value_and_no_two_are_equal)
{
	char one[LEASE_LENGTH + 1], two[LEASE_LENGTH + 1];
	struct cache_value value;

	lease_new(one);
	lease_new(two);
	ck_assert_uint_eq(strlen(one), LEASE_LENGTH);
	ck_assert_str_ne(one, two);
	ck_assert_int_eq(value_read(text_of(one), &value), HELD_LEASE);
}
END_TEST

START_TEST(nothing_else_is_taken_for_a_value)
{
	static const char *const wrong[] = { "", "x", "R1", "R1 ", "R1 \n", "L1 ", "L1 00",
		"R1 0123456789abcdef 3 0", "R1 0123456789abcdef 3 0\nab",
		"R1 0123456789abcdef 3 0\nabcd", "R1 0123456789abcdef 3\nabc",
		"R1 0123456789abcdeX 3 0\nabc", "R1 0123456789abcde 3 0\nabc",
		"R1 0123456789abcdef -1 4\nabc", "R1 0123456789abcdef 9223372036854775807 9\nabc",
		"R1 0123456789abcdef 18446744073709551615 4\nabc", "R2 0123456789abcdef 3 0\nabc",
		"R1 0123456789abcdef 3 0 \nabc", "R1 0123456789abcdef 3 0 0\nabc",
		"R1 0123456789abcdef 3 0 4 2\nabc", "R1 0123456789abcdef 3 0 -1\nabc", "R1  0123456789abcdef 3 0\nabc" };
	struct cache_value value;

	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		ck_assert_msg(value_read(text_of(wrong[i]), &value) == HELD_OTHER, "%s", wrong[i]);
	ck_assert_int_eq(value_read(TEXT("R1 0123456789abcdef 3 0\nabc"), &value), HELD_VALUE);
	ck_assert_int_eq(value.until_ms, 0);
	ck_assert_int_eq(value_read(TEXT("R1 0123456789abcdef 3 0 42\nabc"), &value), HELD_VALUE);
	ck_assert_int_eq(value.until_ms, 42);
}
END_TEST

START_TEST(keys_are_those_of_the_scaling_guide)
{
	char key[CACHE_KEY_SIZE], id[100];

	cache_key(key, KEY_USER, "usr_1");
	ck_assert_str_eq(key, "user:usr_1");
	cache_key(key, KEY_VENDOR, "vendor_123");
	ck_assert_str_eq(key, "vendor:vendor_123");
	cache_key(key, KEY_MENU, "vendor_123");
	ck_assert_str_eq(key, "menu:vendor_123");
	cache_key(key, KEY_ORDERS_ACTIVE, NULL);
	ck_assert_str_eq(key, "orders:active");
	memset(id, 'x', sizeof(id));
	id[99] = '\0';
	cache_key(key, KEY_USER, id);
	ck_assert_uint_eq(strlen(key), 5 + 64);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("value");
	TCase *tests = tcase_create("value");

	tcase_add_test(tests, what_was_written_is_read_back);
	tcase_add_test(tests, what_does_not_shrink_is_kept_plain);
	tcase_add_test(tests, one_body_has_one_tag_and_another_body_another);
	tcase_add_test(tests, a_lease_is_no_value_and_no_two_are_equal);
	tcase_add_test(tests, nothing_else_is_taken_for_a_value);
	tcase_add_test(tests, keys_are_those_of_the_scaling_guide);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
