/* SPDX-License-Identifier: MIT
 *
 * The memory of riders: how long it is believed, and that it never keeps what was read before a
 * change.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "rider_memory.h"
#include "../suite.h"

static struct rider_memory *memory_of(void)
{
	struct rider_memory *memory = NULL;

	ck_assert_int_eq(rider_memory_new(&memory), 0);
	return memory;
}

static void remember(struct rider_memory *memory, const char *rider, bool online, uint64_t now)
{
	struct rider_facts facts = { .is_online = online };

	rider_remember(memory, rider, &facts, rider_reading(memory, rider), now);
}

START_TEST(facts_are_believed_for_ten_seconds)
{
	struct rider_memory *memory = memory_of();

	ck_assert_ptr_null(rider_recall(memory, "rider_1", 1000));
	remember(memory, "rider_1", true, 1000);
	ck_assert(rider_recall(memory, "rider_1", 1000)->is_online);
	ck_assert_ptr_nonnull(rider_recall(memory, "rider_1", 10999));
	ck_assert_ptr_null(rider_recall(memory, "rider_1", 11000));
	ck_assert_ptr_null(rider_recall(memory, "rider_2", 1000));
	remember(memory, "rider_1", false, 12000);
	ck_assert(!rider_recall(memory, "rider_1", 12000)->is_online);
	rider_memory_free(memory);
}
END_TEST

START_TEST(what_was_read_before_a_change_is_not_kept)
{
	struct rider_memory *memory = memory_of();
	struct rider_facts facts = { .is_online = true };
	uint64_t reading = rider_reading(memory, "rider_1");

	remember(memory, "rider_1", false, 1000);
	rider_forget(memory, "rider_1");
	ck_assert_ptr_null(rider_recall(memory, "rider_1", 1000));
	rider_remember(memory, "rider_1", &facts, reading, 1000);
	ck_assert_ptr_null(rider_recall(memory, "rider_1", 1000));
	remember(memory, "rider_1", true, 1000);
	ck_assert_ptr_nonnull(rider_recall(memory, "rider_1", 1000));
	rider_memory_free(memory);
}
END_TEST

START_TEST(many_riders_take_bounded_room_and_the_last_ones_stay)
{
	struct rider_memory *memory = memory_of();
	char rider[ID_SIZE];
	int found = 0;

	for (int i = 0; i < 40000; i++) {
		snprintf(rider, sizeof(rider), "rider_%d", i);
		remember(memory, rider, true, (uint64_t)i / 10);
		ck_assert_ptr_nonnull(rider_recall(memory, rider, (uint64_t)i / 10));
	}
	for (int i = 0; i < 40000; i++) {
		snprintf(rider, sizeof(rider), "rider_%d", i);
		found += rider_recall(memory, rider, 4000) != NULL;
	}
	ck_assert_int_le(found, 8192);
	ck_assert_int_ge(found, 8000);
	rider_memory_free(memory);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rider memory");
	TCase *tests = tcase_create("rider memory");

	tcase_add_test(tests, facts_are_believed_for_ten_seconds);
	tcase_add_test(tests, what_was_read_before_a_change_is_not_kept);
	tcase_add_test(tests, many_riders_take_bounded_room_and_the_last_ones_stay);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
