/* SPDX-License-Identifier: MIT
 *
 * Parameter structs become the texts that PostgreSQL reads back as the same values.
 */
#include "params.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../suite.h"
#include "embedded.h"
#include "reeyo/core/error.h"
#include "reeyo/db/db.h"

struct all {
	const char *text;
	int64_t integer;
	double number;
	bool boolean;
	const int64_t *optional_integer;
	const double *optional_number;
	const bool *optional_boolean;
	struct db_texts texts;
	struct db_ints ints;
	struct db_bools bools;
	struct db_doubles doubles;
};

#define PARAM(member, type, optional) \
	{ \
		offsetof(struct all, member), type, optional \
	}
static const struct query_param params[] = {
	PARAM(text, PARAM_TEXT, false),
	PARAM(integer, PARAM_INTEGER, false),
	PARAM(number, PARAM_DOUBLE, false),
	PARAM(boolean, PARAM_BOOLEAN, false),
	PARAM(optional_integer, PARAM_INTEGER, true),
	PARAM(optional_number, PARAM_DOUBLE, true),
	PARAM(optional_boolean, PARAM_BOOLEAN, true),
	PARAM(texts, PARAM_TEXTS, false),
	PARAM(ints, PARAM_INTEGERS, false),
	PARAM(bools, PARAM_BOOLEANS, false),
	PARAM(doubles, PARAM_DOUBLES, false),
};
#define COUNT (sizeof(params) / sizeof(params[0]))
static const struct query_text statement = { "all", "SELECT 1", params, COUNT, NULL };

/* Exactly the memory asked for, so that a byte too many is seen by the sanitizer. */
static void *memory;

static void *memory_take(void *arg, size_t size)
{
	(void)arg;
	ck_assert_ptr_null(memory);
	return memory = malloc(size);
}

static void *memory_none(void *arg, size_t size)
{
	(void)arg;
	(void)size;
	return NULL;
}

static void memory_free(void)
{
	free(memory);
	memory = NULL;
}

START_TEST(what_is_not_set_is_null_zero_or_false)
{
	const char *values[COUNT];

	ck_assert_int_eq(
		params_write(&statement, &(struct all){ 0 }, values, memory_take, NULL), 0);
	ck_assert_ptr_null(values[0]);
	ck_assert_str_eq(values[1], "0");
	ck_assert_str_eq(values[2], "0");
	ck_assert_str_eq(values[3], "f");
	for (unsigned i = 4; i < COUNT; i++)
		ck_assert_ptr_null(values[i]);
	memory_free();
}
END_TEST

START_TEST(values_are_written_whole)
{
	const char *const texts[] = { "a", "", NULL, "NULL", "a,\"b\"\\{c}" };
	const int64_t ints[] = { 0, -1, INT64_MAX, INT64_MIN };
	const bool bools[] = { true, false };
	struct all all = { .text = "O'Neil",
		.integer = INT64_MIN,
		.number = -1.7976931348623157e308,
		.boolean = true,
		.optional_integer = &(int64_t){ 100 },
		.optional_number = &(double){ 4.05 },
		.optional_boolean = &(bool){ false },
		.texts = { texts, 5 },
		.ints = { ints, 4 },
		.bools = { bools, 2 },
		.doubles = { (const double[]){ 0.5, -1e300 }, 2 } };
	const char *values[COUNT];

	ck_assert_int_eq(params_write(&statement, &all, values, memory_take, NULL), 0);
	ck_assert_ptr_eq(values[0], all.text);
	ck_assert_str_eq(values[1], "-9223372036854775808");
	ck_assert_str_eq(values[2], "-1.7976931348623157e+308");
	ck_assert_str_eq(values[3], "t");
	ck_assert_str_eq(values[4], "100");
	ck_assert_double_eq(strtod(values[5], NULL), 4.05);
	ck_assert_str_eq(values[6], "f");
	ck_assert_str_eq(values[7], "{\"a\",\"\",NULL,\"NULL\",\"a,\\\"b\\\"\\\\{c}\"}");
	ck_assert_str_eq(values[8], "{0,-1,9223372036854775807,-9223372036854775808}");
	ck_assert_str_eq(values[9], "{t,f}");
	ck_assert_str_eq(values[10], "{0.5,-1.0000000000000001e+300}");
	memory_free();
}
END_TEST

START_TEST(an_array_without_elements_is_not_null)
{
	struct all all = { .texts = { (const char *const[]){ "x" }, 0 },
		.ints = { (const int64_t[]){ 1 }, 0 },
		.bools = { (const bool[]){ true }, 0 },
		.doubles = { (const double[]){ 1 }, 0 } };
	const char *values[COUNT];

	ck_assert_int_eq(params_write(&statement, &all, values, memory_take, NULL), 0);
	for (unsigned i = 7; i < COUNT; i++)
		ck_assert_str_eq(values[i], "{}");
	memory_free();
}
END_TEST

START_TEST(texts_alone_take_no_memory)
{
	static const struct query_text texts_only = { "one", "SELECT 1", params, 1, NULL };
	const char *values[1];

	ck_assert_int_eq(
		params_write(&texts_only, &(struct all){ .text = "a" }, values, memory_none, NULL),
		0);
	ck_assert_str_eq(values[0], "a");
}
END_TEST

START_TEST(without_memory_or_a_struct_it_fails)
{
	const char *values[COUNT];

	ck_assert_int_eq(params_write(&statement, &(struct all){ 0 }, values, memory_none, NULL),
		E_NO_MEMORY);
	ck_assert_int_eq(params_write(&statement, NULL, values, memory_take, NULL), E_INTERNAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("params");
	TCase *tcase = tcase_create("all");

	tcase_add_test(tcase, what_is_not_set_is_null_zero_or_false);
	tcase_add_test(tcase, values_are_written_whole);
	tcase_add_test(tcase, an_array_without_elements_is_not_null);
	tcase_add_test(tcase, texts_alone_take_no_memory);
	tcase_add_test(tcase, without_memory_or_a_struct_it_fails);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
