/* SPDX-License-Identifier: MIT
 *
 * The JSON writer: the exact bytes it writes, and that mistakes of the program fail an assert.
 */
#include <check.h>
#include <float.h>
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>

#include "../suite.h"
#include "reeyo/core/json_writer.h"

static struct arena_pool *pool;
static struct arena *arena;
static struct buf out;
static struct json_writer json;

static void writer_open(void)
{
	pool = arena_pool_new(1 << 20);
	arena = arena_new(pool, 1 << 16);
	out = buf_in(arena, 0);
	json = json_write_to(&out);
}

static void writer_close(void)
{
	arena_free(arena);
	arena_pool_free(pool);
}

START_TEST(members_and_elements_are_separated_by_commas)
{
	json_write_object(&json);
	json_write_member_text(&json, "text", TEXT("a \"b\"\n"));
	json_write_member_string(&json, "string", "é");
	json_write_member_int(&json, "int", -12);
	json_write_member_bool(&json, "yes", true);
	json_write_member_bool(&json, "no", false);
	json_write_member_null(&json, "null");
	json_write_member_double(&json, "double", 0.1);
	json_write_member_decimal(&json, "decimal", 3.8667, 6);
	json_write_member_raw(&json, "raw", TEXT("{\"x\":1}"));
	json_write_member_array(&json, "array");
	json_write_int(&json, 1);
	json_write_array(&json);
	json_write_array_end(&json);
	json_write_object(&json);
	json_write_object_end(&json);
	json_write_string(&json, "last");
	json_write_array_end(&json);
	json_write_member_object(&json, "object");
	json_write_name(&json, "inner");
	json_write_bool(&json, true);
	json_write_object_end(&json);
	json_write_member_int(&json, "end", 0);
	json_write_object_end(&json);
	ck_assert_str_eq(json_write_finish(&json),
		"{\"text\":\"a "
		"\\\"b\\\"\\n\",\"string\":\"é\",\"int\":-12,\"yes\":true,\"no\":false,"
		"\"null\":null,\"double\":0.1,\"decimal\":3.866700,\"raw\":{\"x\":1},"
		"\"array\":[1,[],{},\"last\"],\"object\":{\"inner\":true},\"end\":0}");
}
END_TEST

START_TEST(absent_values_are_null)
{
	json_write_array(&json);
	json_write_text(&json, TEXT_NONE);
	json_write_string(&json, NULL);
	json_write_raw(&json, TEXT_NONE);
	json_write_raw(&json, TEXT(""));
	json_write_null(&json);
	json_write_double(&json, NAN);
	json_write_decimal(&json, INFINITY, 2);
	json_write_text(&json, TEXT(""));
	json_write_array_end(&json);
	ck_assert_str_eq(json_write_finish(&json), "[null,null,null,null,null,null,null,\"\"]");
}
END_TEST

START_TEST(a_name_is_escaped)
{
	json_write_object(&json);
	json_write_member_int(&json, "a\"b", 1);
	json_write_object_end(&json);
	ck_assert_str_eq(json_write_finish(&json), "{\"a\\\"b\":1}");
}
END_TEST

START_TEST(a_value_is_appended_to_the_text_of_the_buf)
{
	buf_add_string(&out, "data: ");
	json_write_int(&json, LLONG_MIN);
	ck_assert_str_eq(json_write_finish(&json), "data: -9223372036854775808");
}
END_TEST

START_TEST(a_double_reads_back_as_itself)
{
	static const double values[] = { 0, -0.0, 1, -1.5, 0.1, 1.0 / 3, 4.05123456789, 1e21,
		5e-324, DBL_MAX, 9007199254740993.0, 0.1 + 0.2 };

	for (size_t i = 0; i < COUNT_OF(values); i++) {
		json_t *read;

		out = buf_in(arena, 0);
		json = json_write_to(&out);
		json_write_double(&json, values[i]);
		read = json_loads(json_write_finish(&json), JSON_DECODE_ANY, NULL);
		ck_assert_ptr_nonnull(read);
		ck_assert(json_number_value(read) == values[i]);
		json_decref(read);
	}
}
END_TEST

START_TEST(nesting_is_possible_up_to_the_limit)
{
	for (int i = 0; i < JSON_WRITE_DEPTH; i++)
		json_write_array(&json);
	for (int i = 0; i < JSON_WRITE_DEPTH; i++)
		json_write_array_end(&json);
	ck_assert_uint_eq(strlen(json_write_finish(&json)), 2 * JSON_WRITE_DEPTH);
}
END_TEST

START_TEST(without_memory_the_result_is_null)
{
	json_write_array(&json);
	for (int i = 0; i < 20000; i++)
		json_write_int(&json, i);
	json_write_array_end(&json);
	ck_assert_ptr_null(json_write_finish(&json));
}
END_TEST

START_TEST(an_object_with_one_number_takes_one_call)
{
	ck_assert_str_eq(json_int_object(arena, "updated", 3), "{\"updated\":3}");
}
END_TEST

#ifndef NDEBUG
START_TEST(a_value_without_a_name_is_a_mistake)
{
	json_write_object(&json);
	json_write_int(&json, 1);
}
END_TEST

START_TEST(a_name_without_a_value_is_a_mistake)
{
	json_write_object(&json);
	json_write_name(&json, "a");
	json_write_object_end(&json);
}
END_TEST

START_TEST(a_name_in_an_array_is_a_mistake)
{
	json_write_array(&json);
	json_write_name(&json, "a");
}
END_TEST

START_TEST(the_wrong_end_is_a_mistake)
{
	json_write_array(&json);
	json_write_object_end(&json);
}
END_TEST

START_TEST(an_end_without_a_beginning_is_a_mistake)
{
	json_write_array_end(&json);
}
END_TEST

START_TEST(a_second_value_at_the_top_is_a_mistake)
{
	json_write_int(&json, 1);
	json_write_int(&json, 2);
}
END_TEST

START_TEST(a_text_not_ended_is_a_mistake)
{
	json_write_object(&json);
	json_write_finish(&json);
}
END_TEST

START_TEST(deeper_nesting_is_a_mistake)
{
	for (int i = 0; i <= JSON_WRITE_DEPTH; i++)
		json_write_array(&json);
}
END_TEST
#endif

int main(void)
{
	Suite *suite = suite_create("json_writer");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, writer_open, writer_close);
	tcase_add_test(all, members_and_elements_are_separated_by_commas);
	tcase_add_test(all, absent_values_are_null);
	tcase_add_test(all, a_name_is_escaped);
	tcase_add_test(all, a_value_is_appended_to_the_text_of_the_buf);
	tcase_add_test(all, a_double_reads_back_as_itself);
	tcase_add_test(all, nesting_is_possible_up_to_the_limit);
	tcase_add_test(all, without_memory_the_result_is_null);
	tcase_add_test(all, an_object_with_one_number_takes_one_call);
#ifndef NDEBUG
	tcase_add_test_raise_signal(all, a_value_without_a_name_is_a_mistake, SIGABRT);
	tcase_add_test_raise_signal(all, a_name_without_a_value_is_a_mistake, SIGABRT);
	tcase_add_test_raise_signal(all, a_name_in_an_array_is_a_mistake, SIGABRT);
	tcase_add_test_raise_signal(all, the_wrong_end_is_a_mistake, SIGABRT);
	tcase_add_test_raise_signal(all, an_end_without_a_beginning_is_a_mistake, SIGABRT);
	tcase_add_test_raise_signal(all, a_second_value_at_the_top_is_a_mistake, SIGABRT);
	tcase_add_test_raise_signal(all, a_text_not_ended_is_a_mistake, SIGABRT);
	tcase_add_test_raise_signal(all, deeper_nesting_is_a_mistake, SIGABRT);
#endif
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
