/* SPDX-License-Identifier: MIT
 *
 * Trace headers: which are accepted, which count as absent, and what is passed on.
 */
#include <check.h>
#include <sodium.h>
#include <stdlib.h>

#include "../suite.h"
#include "reeyo/core/trace.h"

#define ID "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"
#define ROOT "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736"

static const struct {
	const char *parent, *amazon, *span;
	bool sampled;
} right[] = {
	{ "00-" ID "-" SPAN "-01", NULL, SPAN, true },
	{ "00-" ID "-" SPAN "-00", NULL, SPAN, false },
	{ "00-" ID "-" SPAN "-03", NULL, SPAN, true },
	{ "cc-" ID "-" SPAN "-01", NULL, SPAN, true },
	{ "cc-" ID "-" SPAN "-01-what-comes-later", NULL, SPAN, true },
	{ NULL, ROOT, "", false },
	{ NULL, ROOT ";Parent=" SPAN ";Sampled=1", SPAN, true },
	{ NULL, "Self=1-67891234-12456789abcdef012345678;" ROOT ";CalledFrom=app", "", false },
	{ NULL, "Sampled=?; Parent=; root=1-4BF92F35-77B34DA6A3CE929D0E0E4736", "", false },
	{ "00-" ID "-" SPAN "-01", "Root=1-11111111-111111111111111111111111", SPAN, true },
	{ "broken", ROOT ";Sampled=1", "", true },
};

START_TEST(a_valid_header_names_the_trace)
{
	struct trace trace;

	ck_assert(trace_read(&trace, text_of(right[_i].parent), text_of(right[_i].amazon)));
	ck_assert_str_eq(trace.id, ID);
	ck_assert_str_eq(trace.parent, right[_i].span);
	ck_assert_int_eq(trace.sampled, right[_i].sampled);
}
END_TEST

static const char *const wrong_parents[] = {
	"",
	"00",
	"00-" ID "-" SPAN,
	"00-" ID "-" SPAN "-1",
	"00-" ID "-" SPAN "-01-more",
	"00-" ID "-" SPAN "-0g",
	"ff-" ID "-" SPAN "-01",
	"0-" ID "-" SPAN "-01 ",
	"cc-" ID "-" SPAN "-01.more",
	"00-00000000000000000000000000000000-" SPAN "-01",
	"00-" ID "-0000000000000000-01",
	"00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01",
	"00_" ID "-" SPAN "-01",
	"00-" ID "_" SPAN "-01",
	"00-" ID "-" SPAN "_01",
	"00-4bf92f3577b34da6a3ce929d0e0e473g-" SPAN "-01",
	"0G-" ID "-" SPAN "-01",
};

START_TEST(a_broken_traceparent_counts_as_absent)
{
	struct trace trace;

	ck_assert_msg(!trace_read(&trace, text_of(wrong_parents[_i]), TEXT_NONE), "%s",
		wrong_parents[_i]);
	ck_assert_str_eq(trace.id, "");
}
END_TEST

static const char *const wrong_roots[] = {
	"",
	";",
	"Root",
	"Root=",
	"Root=1-4bf92f35",
	"Root=2-4bf92f35-77b34da6a3ce929d0e0e4736",
	"Root=1-4bf92f35-77b34da6a3ce929d0e0e473",
	"Root=1-4bf92f35-77b34da6a3ce929d0e0e47361",
	"Root=1-4bf92f35_77b34da6a3ce929d0e0e4736",
	"Root=1-00000000-000000000000000000000000",
	"Root=1-4bf92f3x-77b34da6a3ce929d0e0e4736",
	"Self=1-4bf92f35-77b34da6a3ce929d0e0e4736",
	ROOT ";Root=",
};

START_TEST(a_broken_amazon_header_counts_as_absent)
{
	struct trace trace;

	ck_assert_msg(
		!trace_read(&trace, TEXT_NONE, text_of(wrong_roots[_i])), "%s", wrong_roots[_i]);
	ck_assert_str_eq(trace.id, "");
	ck_assert_str_eq(trace.parent, "");
}
END_TEST

START_TEST(an_outgoing_header_keeps_the_trace_with_a_new_span)
{
	char first[TRACE_PARENT_SIZE], second[TRACE_PARENT_SIZE], amazon[TRACE_AMAZON_SIZE];
	struct trace trace, reread;

	ck_assert(trace_read(&trace, TEXT("00-" ID "-" SPAN "-01"), TEXT_NONE));
	trace_parent(&trace, first);
	trace_parent(&trace, second);
	ck_assert_str_ne(first, second);
	ck_assert(trace_read(&reread, text_of(first), TEXT_NONE));
	ck_assert_str_eq(reread.id, ID);
	ck_assert_str_ne(reread.parent, SPAN);
	ck_assert(reread.sampled);
	trace_amazon(&trace, amazon);
	ck_assert_uint_eq(strlen(amazon), TRACE_AMAZON_SIZE - 1);
	ck_assert(trace_read(&reread, TEXT_NONE, text_of(amazon)));
	ck_assert_str_eq(reread.id, ID);
	ck_assert_uint_eq(strlen(reread.parent), 16);
	ck_assert(reread.sampled);
}
END_TEST

START_TEST(a_new_trace_is_valid_and_unique)
{
	struct trace first, second, reread;
	char value[TRACE_PARENT_SIZE];

	trace_new(&first);
	trace_new(&second);
	ck_assert_str_ne(first.id, second.id);
	trace_parent(&first, value);
	ck_assert(trace_read(&reread, text_of(value), TEXT_NONE));
	ck_assert_str_eq(reread.id, first.id);
	ck_assert(!reread.sampled);
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

int main(void)
{
	Suite *suite = suite_create("trace");
	TCase *all = tcase_create("all");

	if (sodium_init() < 0)
		return EXIT_FAILURE;
	tcase_add_loop_test(all, a_valid_header_names_the_trace, 0, COUNT(right));
	tcase_add_loop_test(all, a_broken_traceparent_counts_as_absent, 0, COUNT(wrong_parents));
	tcase_add_loop_test(all, a_broken_amazon_header_counts_as_absent, 0, COUNT(wrong_roots));
	tcase_add_test(all, an_outgoing_header_keeps_the_trace_with_a_new_span);
	tcase_add_test(all, a_new_trace_is_valid_and_unique);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
