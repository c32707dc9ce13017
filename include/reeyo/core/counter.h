/* SPDX-License-Identifier: MIT
 *
 * Counters and histograms. Each loop has its own and only its thread writes them (a relaxed store,
 * no lock, no shared cache line); a scrape adds them up.
 *
 * A layer declares its counters in include/reeyo/<layer>/counters.h: one list, from which
 * COUNTERS_DECLARE makes the constants COUNT_… and COUNTERS_DEFINE the table with their names for
 * /metrics. The command line passes the tables of all layers to telemetry.
 */
#ifndef REEYO_CORE_COUNTER_H
#define REEYO_CORE_COUNTER_H

#include <stddef.h>
#include <stdint.h>

/* Each layer has its own range of counters and at most one histogram. */
enum counter_layer {
	COUNTERS_LOOP,
	COUNTERS_DB,
	COUNTERS_CACHE,
	COUNTERS_HTTP,
	COUNTERS_AUTH,
	COUNTERS_PARTNERS,
	COUNTERS_SERVICE,
	COUNTERS_LIVE,
	COUNTERS_JOBS,
	COUNTERS_API,
	COUNTER_LAYERS
};
#define COUNTERS_PER_LAYER 24

/* Prometheus name, labels ("class=\"2xx\"") and help. Rows with the same name are adjacent; only
 * the first has a help text. A gauge is a counter that can also decrease. */
struct counter_row {
	const char *name, *labels, *help;
};

struct counter_table {
	unsigned first, count; /* range of its counters */
	const struct counter_row *rows;
	const char *histogram, *histogram_help; /* NULL: the layer has none */
};

#define COUNTER_ID(name, ...) COUNT_##name,
#define COUNTER_ROW(name, ...) { __VA_ARGS__ },
/* LIST(X): X(NAME, Prometheus name, labels, help) for each counter. */
#define COUNTERS_DECLARE(layer, range, LIST) \
	enum layer##_counter{ layer##_counters_first = (range)*COUNTERS_PER_LAYER, \
		layer##_counters_before = layer##_counters_first - 1, \
		LIST(COUNTER_ID) layer##_counters_end }; \
	_Static_assert(layer##_counters_end - layer##_counters_first <= COUNTERS_PER_LAYER, \
		"too many counters in this layer"); \
	extern const struct counter_table layer##_counter_table
#define COUNTERS_DEFINE(layer, range, LIST, histogram_name, histogram_text) \
	static const struct counter_row layer##_counter_rows[] = { LIST(COUNTER_ROW) }; \
	const struct counter_table layer##_counter_table = { layer##_counters_first, \
		layer##_counters_end - layer##_counters_first, layer##_counter_rows, \
		histogram_name, histogram_text }

/* Upper bounds in microseconds of the histograms; the last bucket is open. */
#define HISTOGRAM_BOUNDS 14
extern const uint32_t histogram_bounds_us[HISTOGRAM_BOUNDS];

struct histogram {
	uint64_t bucket[HISTOGRAM_BOUNDS + 1];
	uint64_t sum_us, count;
};

struct counters {
	uint64_t value[COUNTER_LAYERS * COUNTERS_PER_LAYER];
	struct histogram histogram[COUNTER_LAYERS];
};

/* which: a constant COUNT_…. The owning loop's thread only. */
static inline void count_add(struct counters *counters, unsigned which, int64_t by)
{
	uint64_t *at = &counters->value[which];

	__atomic_store_n(
		at, __atomic_load_n(at, __ATOMIC_RELAXED) + (uint64_t)by, __ATOMIC_RELAXED);
}
#define count_one(counters, which) count_add((counters), (which), 1)

/* Adds one observation. The owning loop's thread only. */
void histogram_add(struct histogram *histogram, uint64_t us);
/* Adds `from`, which its owner may be changing, to `into`, which belongs to the caller. */
void counters_sum(struct counters *into, const struct counters *from);

#endif
