/* SPDX-License-Identifier: MIT
 *
 * The keys of the product have the names and times to live of the scaling guide.
 */
#include <check.h>
#include <stdlib.h>

#include "../suite.h"
#include "reeyo/service/cache_keys.h"

static const struct {
	const struct cache_kind *kind;
	const char *id, *key;
	unsigned ttl_s;
} expected[] = {
	{ KEY_USER, "usr_1", "user:usr_1", 3600 },
	{ KEY_VENDOR, "vendor_123", "vendor:vendor_123", 300 },
	{ KEY_MENU, "vendor_123", "menu:vendor_123", 600 },
	{ KEY_ORDERS_ACTIVE, NULL, "orders:active", 30 },
	{ KEY_ORDERS_ACTIVE, "ignored", "orders:active", 30 },
};

START_TEST(keys_are_those_of_the_scaling_guide)
{
	char key[CACHE_KEY_SIZE];

	cache_key(key, expected[_i].kind, expected[_i].id);
	ck_assert_str_eq(key, expected[_i].key);
	ck_assert_uint_eq(expected[_i].kind->ttl_s, expected[_i].ttl_s);
}
END_TEST

START_TEST(a_long_id_is_truncated)
{
	char key[CACHE_KEY_SIZE], id[100];

	memset(id, 'x', sizeof(id));
	id[99] = '\0';
	cache_key(key, KEY_USER, id);
	ck_assert_uint_eq(strlen(key), 5 + 64);
}
END_TEST

START_TEST(riders_are_found_for_half_a_minute)
{
	ck_assert(text_is(cache_layout.positions, TEXT("geo:riders")));
	ck_assert_int_eq(cache_layout.position_ttl_ms, 30000);
	ck_assert_uint_le(cache_layout.count, CACHE_KINDS_MAX);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cache_keys");
	TCase *tests = tcase_create("cache_keys");

	tcase_add_loop_test(tests, keys_are_those_of_the_scaling_guide, 0,
		(int)(sizeof(expected) / sizeof(*expected)));
	tcase_add_test(tests, a_long_id_is_truncated);
	tcase_add_test(tests, riders_are_found_for_half_a_minute);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
