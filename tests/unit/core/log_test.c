/* SPDX-License-Identifier: MIT
 *
 * Log lines: each is one JSON object with any content, and lines below the level are not written.
 */
#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../suite.h"
#include "reeyo/core/log.h"

static char output[65536];
static int into, kept;

static void capture(void)
{
	char name[] = "/tmp/reeyo-output-XXXXXX";

	into = mkstemp(name);
	unlink(name);
	kept = dup(STDERR_FILENO);
	dup2(into, STDERR_FILENO);
}

/* The one line that was written, parsed. */
static json_t *captured(void)
{
	ssize_t len = pread(into, output, sizeof(output) - 1, 0);
	json_error_t error;
	json_t *line;

	dup2(kept, STDERR_FILENO);
	close(kept);
	close(into);
	output[len > 0 ? len : 0] = '\0';
	ck_assert_ptr_eq(strchr(output, '\n'), output + strlen(output) - 1);
	line = json_loads(output, 0, &error);
	ck_assert_msg(line != NULL, "%s: %s", error.text, output);
	return line;
}

START_TEST(a_line_is_one_json_object)
{
	json_t *line;

	capture();
	log_line(LOG_WARN, "say \"hé\"\\\n", LOG_T("text", "a\tb"), LOG_I("whole", -5),
		LOG_R("real", 0.25), LOG_R("odd", NAN), LOG_B("yes", true), LOG_T("absent", NULL));
	line = captured();
	ck_assert_str_eq(json_string_value(json_object_get(line, "level")), "warn");
	ck_assert_str_eq(json_string_value(json_object_get(line, "msg")), "say \"hé\"\\ ");
	ck_assert_str_eq(json_string_value(json_object_get(line, "text")), "a b");
	ck_assert_int_eq(json_integer_value(json_object_get(line, "whole")), -5);
	ck_assert_double_eq(json_real_value(json_object_get(line, "real")), 0.25);
	ck_assert(json_is_null(json_object_get(line, "odd")));
	ck_assert(json_is_true(json_object_get(line, "yes")));
	ck_assert_ptr_null(json_object_get(line, "absent"));
	ck_assert_uint_eq(json_string_length(json_object_get(line, "time")), 24);
	json_decref(line);
}
END_TEST

START_TEST(bytes_that_are_not_utf8_do_not_break_a_line)
{
	json_t *line;

	capture();
	log_line(LOG_WARN, "x", LOG_T("bad", "a\xff\xc3z"));
	line = captured();
	ck_assert_str_eq(json_string_value(json_object_get(line, "bad")), "a??z");
	json_decref(line);
}
END_TEST

/* Lengths around the limit of a text, with characters of two bytes at every offset. */
START_TEST(a_long_text_is_cut_between_characters)
{
	char text[1101] = { 0 };
	json_t *line;

	memset(text, 'x', sizeof(text) - 1);
	for (size_t i = 900 + (size_t)_i; i + 2 < sizeof(text); i += 2)
		memcpy(text + i, "é", 2);
	text[1098] = '\0';
	capture();
	log_line(LOG_WARN, text);
	line = captured();
	ck_assert_uint_gt(json_string_length(json_object_get(line, "msg")), 1000);
	json_decref(line);
}
END_TEST

/* Fields up to and past the end of a line: a field that does not fit is left out completely. */
START_TEST(a_full_line_leaves_out_whole_fields)
{
	char text[1000] = { 0 };
	json_t *line;

	memset(text, 'x', 900 + (size_t)_i);
	capture();
	log_line(LOG_WARN, text, LOG_T("a", text), LOG_T("b", text), LOG_T("c", text),
		LOG_T("d", text), LOG_I("a_rather_long_name_for_a_field", 1), LOG_I("e", 7),
		LOG_I("f", 8), LOG_I("g", 9));
	line = captured();
	ck_assert_ptr_nonnull(json_object_get(line, "c"));
	json_decref(line);
	ck_assert_uint_le(strlen(output), 4096);
}
END_TEST

START_TEST(lines_below_the_level_are_not_written)
{
	log_set_level(LOG_ERROR);
	ck_assert(!log_on(LOG_WARN));
	ck_assert(log_on(LOG_ERROR));
	log_set_level(LOG_OFF);
	ck_assert(!log_on(LOG_ERROR));
	ck_assert_int_eq(log_level_from_name("debug"), LOG_DEBUG);
	ck_assert_int_eq(log_level_from_name("off"), LOG_OFF);
	ck_assert_int_eq(log_level_from_name("Info"), -1);
	log_set_level(LOG_INFO);
}
END_TEST

/* Reads the written lines: their number, and the sum of "repeated". */
static void captured_all(int *ret_lines, int64_t *ret_repeated)
{
	ssize_t len = pread(into, output, sizeof(output) - 1, 0);
	char *rest = output, *text;

	dup2(kept, STDERR_FILENO);
	close(kept);
	close(into);
	output[len > 0 ? len : 0] = '\0';
	*ret_lines = 0;
	*ret_repeated = 0;
	while ((text = strsep(&rest, "\n")) && *text) {
		json_t *line = json_loads(text, 0, NULL);

		ck_assert_ptr_nonnull(line);
		++*ret_lines;
		*ret_repeated += json_integer_value(json_object_get(line, "repeated"));
		json_decref(line);
	}
}

START_TEST(equal_refusals_are_sampled_and_counted)
{
	int64_t repeated;
	int lines;

	capture();
	for (int i = 0; i < 1000; i++) {
		log_refusal(LOG_WARN, "refused", "one", LOG_I("number", i));
		if (i < 3)
			log_refusal(LOG_WARN, "refused", "another");
	}
	log_sample_flush(false);
	captured_all(&lines, &repeated);
	ck_assert_int_eq(lines, LOG_SAMPLE_LINES + 3);
	ck_assert_int_eq(repeated, 0);
	capture();
	log_sample_flush(true);
	log_refusal(LOG_WARN, "refused", "one");
	captured_all(&lines, &repeated);
	ck_assert_int_eq(lines, 2);
	ck_assert_int_eq(repeated, 1000 - LOG_SAMPLE_LINES);
}
END_TEST

START_TEST(refusals_of_any_number_of_kinds_are_bounded)
{
	int64_t repeated;
	char kind[16];
	int lines;

	capture();
	for (int i = 0; i < 20000; i++) {
		snprintf(kind, sizeof(kind), "%d", i);
		log_refusal(LOG_WARN, "refused", kind);
	}
	log_sample_flush(true);
	captured_all(&lines, &repeated);
	ck_assert_int_le(lines, 200);
	ck_assert_int_eq(lines - 1 + repeated, 20000);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("log");
	TCase *all = tcase_create("all");

	tcase_add_test(all, a_line_is_one_json_object);
	tcase_add_test(all, bytes_that_are_not_utf8_do_not_break_a_line);
	tcase_add_loop_test(all, a_long_text_is_cut_between_characters, 0, 4);
	tcase_add_loop_test(all, a_full_line_leaves_out_whole_fields, 0, 99);
	tcase_add_test(all, lines_below_the_level_are_not_written);
	tcase_add_test(all, equal_refusals_are_sampled_and_counted);
	tcase_add_test(all, refusals_of_any_number_of_kinds_are_bounded);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
