/* SPDX-License-Identifier: MIT
 *
 * Identifiers: their format, their order, and that threads never create equal ids.
 */
#include <check.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "../suite.h"
#include "reeyo/core/clock.h"
#include "reeyo/core/id.h"

#define MANY 20000

START_TEST(an_id_is_its_prefix_and_a_ulid)
{
	char id[ID_SIZE];

	id_new(id, "ord_");
	ck_assert_uint_eq(strlen(id), 4 + ID_ULID_LENGTH);
	ck_assert_int_eq(strncmp(id, "ord_0", 5), 0);
	ck_assert_uint_eq(strspn(id + 4, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"), ID_ULID_LENGTH);
	id_new(id, "");
	ck_assert_uint_eq(strlen(id), ID_ULID_LENGTH);
	id_new(id, "thirteenchars_and_more");
	ck_assert_uint_eq(strlen(id), ID_SIZE - 1);
}
END_TEST

START_TEST(ids_of_one_thread_sort_by_creation)
{
	char before[ID_SIZE], id[ID_SIZE];

	id_new(before, "x_");
	for (int i = 0; i < MANY; i++) {
		id_new(id, "x_");
		ck_assert_str_gt(id, before);
		memcpy(before, id, sizeof(id));
	}
	/* a wall clock set back does not break the order */
	clock_shift(-60000);
	id_new(id, "x_");
	clock_shift(60000);
	ck_assert_str_gt(id, before);
}
END_TEST

static void *make_many(void *at)
{
	char(*ids)[ID_SIZE] = at;

	for (int i = 0; i < MANY; i++)
		id_new(ids[i], "x_");
	return NULL;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

START_TEST(threads_never_create_equal_ids)
{
	char(*ids)[ID_SIZE] = calloc(2 * MANY, ID_SIZE);
	pthread_t threads[2];

	for (size_t i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, make_many, ids + i * MANY), 0);
	for (size_t i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	qsort(ids, 2 * MANY, ID_SIZE, by_text);
	for (size_t i = 1; i < 2 * MANY; i++)
		ck_assert_str_ne(ids[i - 1], ids[i]);
	free(ids);
}
END_TEST

START_TEST(codes_for_people_have_their_format)
{
	char number[ORDER_NUMBER_SIZE], digits[7], hex[2 * 100 + 1];

	for (int i = 0; i < 1000; i++) {
		id_order_number(number, 'F');
		ck_assert_int_eq(strncmp(number, "F-", 2), 0);
		ck_assert_uint_eq(strlen(number), ORDER_NUMBER_SIZE - 1);
		ck_assert_uint_eq(strcspn(number + 2, "AEIOU01L"), ORDER_NUMBER_SIZE - 3);
		id_digits(digits, 6);
		ck_assert_uint_eq(strspn(digits, "0123456789"), 6);
		ck_assert_uint_eq(strlen(digits), 6);
	}
	id_hex(hex, 100);
	ck_assert_uint_eq(strspn(hex, "0123456789abcdef"), 200);
	ck_assert_uint_eq(strlen(hex), 200);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("id");
	TCase *all = tcase_create("all");

	if (sodium_init() < 0)
		return EXIT_FAILURE;
	tcase_add_test(all, an_id_is_its_prefix_and_a_ulid);
	tcase_add_test(all, ids_of_one_thread_sort_by_creation);
	tcase_add_test(all, threads_never_create_equal_ids);
	tcase_add_test(all, codes_for_people_have_their_format);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
