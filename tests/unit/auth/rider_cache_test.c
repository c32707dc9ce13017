/* SPDX-License-Identifier: MIT
 *
 * The cache of rider facts: how long entries are used, and that facts read before a change are
 * never stored.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "../suite.h"
#include "rider_cache.h"

static struct rider_cache *memory_of(void)
{
	struct rider_cache *memory = NULL;

	ck_assert_int_eq(rider_cache_new(&memory), 0);
	return memory;
}

static void remember(struct rider_cache *memory, const char *rider, bool online, uint64_t now)
{
	struct rider_facts facts = { .is_online = online };

	rider_cache_put(memory, rider, &facts, rider_cache_version(memory, rider), now);
}

START_TEST(facts_are_cached_for_ten_seconds)
{
	struct rider_cache *memory = memory_of();

	ck_assert_ptr_null(rider_cache_get(memory, "rider_1", 1000));
	remember(memory, "rider_1", true, 1000);
	ck_assert(rider_cache_get(memory, "rider_1", 1000)->is_online);
	ck_assert_ptr_nonnull(rider_cache_get(memory, "rider_1", 10999));
	ck_assert_ptr_null(rider_cache_get(memory, "rider_1", 11000));
	ck_assert_ptr_null(rider_cache_get(memory, "rider_2", 1000));
	remember(memory, "rider_1", false, 12000);
	ck_assert(!rider_cache_get(memory, "rider_1", 12000)->is_online);
	rider_cache_free(memory);
}
END_TEST

START_TEST(facts_read_before_a_change_are_not_stored)
{
	struct rider_cache *memory = memory_of();
	struct rider_facts facts = { .is_online = true };
	uint64_t reading = rider_cache_version(memory, "rider_1");

	remember(memory, "rider_1", false, 1000);
	rider_cache_remove(memory, "rider_1");
	ck_assert_ptr_null(rider_cache_get(memory, "rider_1", 1000));
	rider_cache_put(memory, "rider_1", &facts, reading, 1000);
	ck_assert_ptr_null(rider_cache_get(memory, "rider_1", 1000));
	remember(memory, "rider_1", true, 1000);
	ck_assert_ptr_nonnull(rider_cache_get(memory, "rider_1", 1000));
	rider_cache_free(memory);
}
END_TEST

START_TEST(the_cache_is_bounded_and_keeps_the_latest_riders)
{
	struct rider_cache *memory = memory_of();
	char rider[ID_SIZE];
	int found = 0;

	for (int i = 0; i < 40000; i++) {
		snprintf(rider, sizeof(rider), "rider_%d", i);
		remember(memory, rider, true, (uint64_t)i / 10);
		ck_assert_ptr_nonnull(rider_cache_get(memory, rider, (uint64_t)i / 10));
	}
	for (int i = 0; i < 40000; i++) {
		snprintf(rider, sizeof(rider), "rider_%d", i);
		found += rider_cache_get(memory, rider, 4000) != NULL;
	}
	ck_assert_int_le(found, 8192);
	ck_assert_int_ge(found, 8000);
	rider_cache_free(memory);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rider memory");
	TCase *tests = tcase_create("rider memory");

	tcase_add_test(tests, facts_are_cached_for_ten_seconds);
	tcase_add_test(tests, facts_read_before_a_change_are_not_stored);
	tcase_add_test(tests, the_cache_is_bounded_and_keeps_the_latest_riders);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
