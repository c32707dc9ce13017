/* SPDX-License-Identifier: MIT
 *
 * Metrics in the text format of Prometheus: every line is well formed, each name is described once,
 * histograms are cumulative, loops are added up.
 */
#include <check.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../suite.h"
#include "reeyo/telemetry/metrics.h"

#define TEST_COUNTERS(X) \
	X(HTTP_4XX, "reeyo_http_responses_total", "class=\"4xx\"", "Responses by status class") \
	X(HTTP_5XX, "reeyo_http_responses_total", "class=\"5xx\"", "") \
	X(CONNECTIONS, "reeyo_http_connections", "", "Open client connections")
COUNTERS_DECLARE(test, COUNTERS_HTTP, TEST_COUNTERS);
COUNTERS_DEFINE(test, COUNTERS_HTTP, TEST_COUNTERS, "reeyo_http_response_seconds", "Responses");

#define OTHER_COUNTERS(X) X(STATEMENTS, "reeyo_db_statements_total", "", "Statements")
COUNTERS_DECLARE(other, COUNTERS_DB, OTHER_COUNTERS);
COUNTERS_DEFINE(other, COUNTERS_DB, OTHER_COUNTERS, "reeyo_db_statement_seconds", "Statements");

static const struct counter_table *const tables[] = { &test_counter_table, &other_counter_table,
	NULL };
static struct counters loops[2];
static struct arena_pool *pool;
static struct arena *arena;

static void world_open(void)
{
	memset(loops, 0, sizeof(loops));
	pool = arena_pool_new(0);
	arena = arena_new(pool, 1 << 20);
}

static void world_close(void)
{
	arena_free(arena);
	arena_pool_free(pool);
}

static char *written(void)
{
	struct buf out = buf_in(arena, 1024);
	struct metrics *metrics;
	char *text;

	ck_assert_int_eq(metrics_new(2, tables, &metrics), 0);
	metrics_add(metrics, &loops[0]);
	metrics_add(metrics, &loops[1]);
	metrics_add(metrics, &loops[1]); /* more than announced: ignored */
	metrics_write(metrics, &out);
	metrics_free(metrics);
	text = buf_string(&out);
	ck_assert_ptr_nonnull(text);
	return text;
}

static bool has_line(const char *text, const char *line)
{
	size_t len = strlen(line);

	for (const char *at = text; (at = strstr(at, line)); at++)
		if ((at == text || at[-1] == '\n') && at[len] == '\n')
			return true;
	return false;
}

/* The value of a sample, named with its labels. */
static double value_of(const char *text, const char *sample)
{
	size_t len = strlen(sample);

	for (const char *at = text; (at = strstr(at, sample)); at++)
		if ((at == text || at[-1] == '\n') && at[len] == ' ')
			return strtod(at + len, NULL);
	ck_abort_msg("no %s", sample);
	return 0;
}

START_TEST(loops_add_up)
{
	char *text;

	count_add(&loops[0], COUNT_HTTP_4XX, 3);
	count_add(&loops[1], COUNT_HTTP_4XX, 4);
	count_add(&loops[0], COUNT_CONNECTIONS, -1);
	count_add(&loops[1], COUNT_CONNECTIONS, 6);
	text = written();
	ck_assert(has_line(text, "reeyo_http_responses_total{class=\"4xx\"} 7"));
	ck_assert(has_line(text, "reeyo_http_responses_total{class=\"5xx\"} 0"));
	ck_assert(has_line(text, "reeyo_http_connections 5"));
	ck_assert(has_line(text, "# TYPE reeyo_http_responses_total counter"));
	ck_assert(has_line(text, "# TYPE reeyo_http_connections gauge"));
}
END_TEST

START_TEST(histograms_are_cumulative_and_in_seconds)
{
	char *text;

	histogram_add(&loops[0].histogram[COUNTERS_HTTP], 100);
	histogram_add(&loops[0].histogram[COUNTERS_HTTP], 200);
	histogram_add(&loops[1].histogram[COUNTERS_HTTP], 4000000);
	histogram_add(&loops[1].histogram[COUNTERS_HTTP], 60000000);
	text = written();
	ck_assert(has_line(text, "# TYPE reeyo_http_response_seconds histogram"));
	ck_assert(has_line(text, "reeyo_http_response_seconds_bucket{le=\"0.0001\"} 1"));
	ck_assert(has_line(text, "reeyo_http_response_seconds_bucket{le=\"0.00025\"} 2"));
	ck_assert(has_line(text, "reeyo_http_response_seconds_bucket{le=\"1\"} 2"));
	ck_assert(has_line(text, "reeyo_http_response_seconds_bucket{le=\"5\"} 3"));
	ck_assert(has_line(text, "reeyo_http_response_seconds_bucket{le=\"+Inf\"} 4"));
	ck_assert(has_line(text, "reeyo_http_response_seconds_count 4"));
	ck_assert(has_line(text, "reeyo_http_response_seconds_sum 64.000300"));
	ck_assert(has_line(text, "reeyo_db_statement_seconds_count 0"));
}
END_TEST

START_TEST(the_process_reports_its_size)
{
	char *text = written();

	ck_assert_double_gt(value_of(text, "process_resident_memory_bytes"), 100000);
	ck_assert_double_ge(value_of(text, "process_open_fds"), 3);
	ck_assert_double_ge(value_of(text, "reeyo_uptime_seconds"), 0);
	ck_assert_double_eq(value_of(text, "reeyo_build_info{version=\"" REEYO_VERSION "\"}"), 1);
}
END_TEST

static void family_of(const char *line, char out[128])
{
	static const char *const endings[] = { "_bucket", "_sum", "_count" };

	snprintf(out, 128, "%.*s", (int)strcspn(line, "{ "), line);
	for (size_t i = 0; i < 3; i++) {
		size_t len = strlen(out), end = strlen(endings[i]);

		if (strstr(out, "_seconds_") && len > end &&
			strcmp(out + len - end, endings[i]) == 0)
			out[len - end] = '\0';
	}
}

/* Scrapers require that a sample follows the TYPE of its family and that no family appears twice.
 */
START_TEST(every_line_is_well_formed_and_every_name_is_described_once)
{
	static const char pattern[] =
		"^([a-z_]+(\\{[a-z_]+=\"[^\"]*\"(,[a-z_]+=\"[^\"]*\")*\\})? -?[0-9]+(\\.[0-9]+)?|"
		"# HELP [a-z_]+ .+|# TYPE [a-z_]+ (counter|gauge|histogram))$";
	char *text = written(), family[128] = "", name[128], described[128][128];
	size_t count = 0;
	regex_t regex;

	ck_assert_int_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	ck_assert_int_eq(text[strlen(text) - 1], '\n');
	for (char *line = text, *end; *line; line = end + 1) {
		end = strchr(line, '\n');
		*end = '\0';
		ck_assert_msg(regexec(&regex, line, 0, NULL, 0) == 0, "%s", line);
		if (sscanf(line, "# TYPE %127s", family) == 1) {
			for (size_t i = 0; i < count; i++)
				ck_assert_str_ne(described[i], family);
			ck_assert_uint_lt(count, 128);
			memcpy(described[count++], family, sizeof(family));
		} else if (line[0] != '#') {
			family_of(line, name);
			ck_assert_str_eq(name, family);
		}
	}
	ck_assert_uint_gt(count, 5);
	regfree(&regex);
}
END_TEST

START_TEST(a_caller_can_add_metrics)
{
	struct buf out = buf_in(arena, 64);

	metric_write(&out, "x", "a=\"b\"", "What it is", -3);
	metric_write(&out, "x", "a=\"c\"", NULL, 4);
	ck_assert_str_eq(buf_string(&out),
		"# HELP x What it is\n# TYPE x gauge\nx{a=\"b\"} -3\nx{a=\"c\"} 4\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("metrics");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, world_open, world_close);
	tcase_add_test(all, loops_add_up);
	tcase_add_test(all, histograms_are_cumulative_and_in_seconds);
	tcase_add_test(all, the_process_reports_its_size);
	tcase_add_test(all, every_line_is_well_formed_and_every_name_is_described_once);
	tcase_add_test(all, a_caller_can_add_metrics);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
