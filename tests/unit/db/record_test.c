/* SPDX-License-Identifier: MIT
 *
 * Records in PostgreSQL's binary form: values by their types, and nothing from bytes that do not
 * have the declared form.
 */
#include <check.h>
#include <stdlib.h>

#include "../suite.h"
#include "reeyo/core/memory.h"
#include "reeyo/db/record.h"

static const struct db_member members[] = {
	{ "id", DB_TYPE_TEXT },
	{ "total", DB_TYPE_BIGINT },
	{ "minutes", DB_TYPE_INTEGER },
	{ "note", DB_TYPE_TEXT },
	{ "at", DB_TYPE_TIME },
	{ "paid", DB_TYPE_BOOLEAN },
	{ "km", DB_TYPE_DOUBLE },
};
static const struct db_record_type type = { "test", members, COUNT_OF(members) };

/* ROW('é', -2, -3, NULL, '1999-12-31 23:59:59.9995+00', true, 1.5) */
static const char row[] = "\0\0\0\7"
			  "\0\0\0\x19\0\0\0\2\xc3\xa9"
			  "\0\0\0\x14\0\0\0\x8\xff\xff\xff\xff\xff\xff\xff\xfe"
			  "\0\0\0\x17\0\0\0\4\xff\xff\xff\xfd"
			  "\0\0\0\x19\xff\xff\xff\xff"
			  "\0\0\4\xa0\0\0\0\x8\xff\xff\xff\xff\xff\xff\xfe\x0c"
			  "\0\0\0\x10\0\0\0\1\1"
			  "\0\0\2\xbd\0\0\0\x8\x3f\xf8\0\0\0\0\0\0";
#define ROW ((struct text){ row, sizeof(row) - 1 })

START_TEST(a_value_is_read_by_its_type)
{
	struct db_record record;
	int64_t ms;

	ck_assert(db_record_from(ROW, &type, &record));
	ck_assert_uint_eq(record.count, 7);
	ck_assert(text_is(db_record_text(&record, 1), TEXT("é")));
	ck_assert_int_eq(db_value_int(&record.values[2]), -2);
	ck_assert_int_eq(db_value_int(&record.values[3]), -3);
	ck_assert_ptr_null(db_record_text(&record, 4).at);
	ck_assert(db_value_time(&record.values[5], &ms));
	ck_assert_int_eq(ms, 946684799999);
	ck_assert(db_value_bool(&record.values[6]));
	ck_assert(db_value_double(&record.values[7]) == 1.5);
}
END_TEST

START_TEST(null_is_absent_zero_or_false)
{
	const struct db_value null = { NULL, 0, DB_TYPE_TIME };
	int64_t ms;

	ck_assert_ptr_null(db_value_text(&null).at);
	ck_assert_int_eq(db_value_int(&null), 0);
	ck_assert(db_value_double(&null) == 0);
	ck_assert(!db_value_bool(&null));
	ck_assert(!db_value_time(&null, &ms));
}
END_TEST

START_TEST(infinity_is_no_time)
{
	const struct db_value never = { "\x7f\xff\xff\xff\xff\xff\xff\xff", 8, DB_TYPE_TIME };
	const struct db_value always = { "\x80\0\0\0\0\0\0\0", 8, DB_TYPE_TIME };
	int64_t ms;

	ck_assert(!db_value_time(&never, &ms));
	ck_assert(!db_value_time(&always, &ms));
}
END_TEST

START_TEST(a_cut_record_is_refused)
{
	struct db_record record;

	for (size_t len = 0; len < ROW.len; len++) {
		char *copy auto_free = malloc(len + 1); /* so that a read beyond it is found */

		memcpy(copy, row, len);
		ck_assert(!db_record_from((struct text){ copy, len }, &type, &record));
		ck_assert_uint_eq(record.count, 0);
	}
}
END_TEST

START_TEST(a_record_with_other_members_is_refused)
{
	const struct db_record_type fewer = { "fewer", members, 6 };
	const struct db_member alike[COUNT_OF(members)] = { { "id", DB_TYPE_JSON } };
	const struct db_record_type others = { "others", alike, COUNT_OF(alike) };
	struct db_record record;

	ck_assert(!db_record_from(ROW, &fewer, &record));
	ck_assert(!db_record_from(ROW, &others, &record));
	ck_assert(!db_record_from(TEXT_NONE, &type, &record));
}
END_TEST

START_TEST(a_list_ends_before_a_record_of_another_type)
{
	struct db_records list = { .left = 2 };
	struct db_record record;
	char two[2 * (sizeof(row) + 3)];
	const size_t size = sizeof(row) - 1;

	for (char *at = two; at < two + sizeof(two); at += size + 4) {
		memcpy(at, (char[]){ 0, 0, 0, (char)size }, 4);
		memcpy(at + 4, row, size);
	}
	two[size + 4 + 7] = 6; /* members of the second */
	list.rest = (struct text){ two, sizeof(two) };
	ck_assert(db_records_next(&list, &type, &record));
	ck_assert(!db_records_next(&list, &type, &record));
	ck_assert_uint_eq(list.left, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("record");
	TCase *all = tcase_create("all");

	tcase_add_test(all, a_value_is_read_by_its_type);
	tcase_add_test(all, null_is_absent_zero_or_false);
	tcase_add_test(all, infinity_is_no_time);
	tcase_add_test(all, a_cut_record_is_refused);
	tcase_add_test(all, a_record_with_other_members_is_refused);
	tcase_add_test(all, a_list_ends_before_a_record_of_another_type);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
