/* SPDX-License-Identifier: MIT
 *
 * Renders the counters: see the header. Names, labels and help come from the tables of the layers.
 */
#include "reeyo/telemetry/metrics.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "reeyo/core/clock.h"

struct metrics {
	uint64_t started_ms;
	const struct counter_table *const *tables;
	unsigned count, room;
	const struct counters *all[];
};

int metrics_new(unsigned loops, const struct counter_table *const *tables, struct metrics **ret)
{
	struct metrics *metrics = calloc(1, sizeof(*metrics) + loops * sizeof(metrics->all[0]));

	if (!metrics)
		return E_NO_MEMORY;
	metrics->started_ms = clock_ms();
	metrics->room = loops;
	metrics->tables = tables;
	*ret = metrics;
	return 0;
}

void metrics_free(struct metrics *metrics)
{
	free(metrics);
}

void metrics_add(struct metrics *metrics, const struct counters *counters)
{
	if (metrics->count < metrics->room)
		metrics->all[metrics->count++] = counters;
}

/* A metric whose name ends in _total never decreases. */
static const char *metric_type(const char *name)
{
	size_t len = strlen(name);

	return len > 6 && strcmp(name + len - 6, "_total") == 0 ? "counter" : "gauge";
}

void metric_write(
	struct buf *out, const char *name, const char *labels, const char *help, int64_t value)
{
	bool bare = !labels || !labels[0];

	if (help && help[0])
		buf_printf(
			out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, metric_type(name));
	buf_printf(out, "%s%s%s%s %lld\n", name, bare ? "" : "{", bare ? "" : labels,
		bare ? "" : "}", (long long)value);
}

static void histogram_write(
	struct buf *out, const char *name, const char *help, const struct histogram *from)
{
	uint64_t sum = 0;

	buf_printf(out, "# HELP %s %s\n# TYPE %s histogram\n", name, help, name);
	for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
		sum += from->bucket[i];
		buf_printf(out, "%s_bucket{le=\"%g\"} %llu\n", name, histogram_bounds_us[i] / 1e6,
			(unsigned long long)sum);
	}
	sum += from->bucket[HISTOGRAM_BOUNDS];
	buf_printf(out, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %.6f\n%s_count %llu\n", name,
		(unsigned long long)sum, name, (double)from->sum_us / 1e6, name,
		(unsigned long long)sum);
}

static int64_t resident_bytes(void)
{
	long pages = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (!file)
		return 0;
	if (fscanf(file, "%ld %ld", &pages, &resident) != 2)
		resident = 0;
	fclose(file);
	return resident * sysconf(_SC_PAGESIZE);
}

static int64_t open_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int64_t count = -3; /* ".", ".." and the folder itself */

	if (!folder)
		return 0;
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

static void table_write(
	struct buf *out, const struct counter_table *table, const struct counters *sum)
{
	for (unsigned i = 0; i < table->count; i++) {
		const struct counter_row *row = &table->rows[i];

		metric_write(out, row->name, row->labels, row->help,
			(int64_t)sum->value[table->first + i]);
	}
	if (table->histogram)
		histogram_write(out, table->histogram, table->histogram_help,
			&sum->histogram[table->first / COUNTERS_PER_LAYER]);
}

void metrics_write(const struct metrics *metrics, struct buf *out)
{
	struct counters sum = { 0 };

	for (unsigned i = 0; i < metrics->count; i++)
		counters_sum(&sum, metrics->all[i]);
	for (const struct counter_table *const *table = metrics->tables; *table; table++)
		table_write(out, *table, &sum);
	metric_write(
		out, "process_resident_memory_bytes", NULL, "Resident memory", resident_bytes());
	metric_write(out, "process_open_fds", NULL, "Open file descriptors", open_descriptors());
	metric_write(out, "reeyo_uptime_seconds", NULL, "Since the process began to serve",
		(int64_t)((clock_ms() - metrics->started_ms) / 1000));
	metric_write(out, "reeyo_build_info", "version=\"" REEYO_VERSION "\"",
		"Version of this binary", 1);
}
