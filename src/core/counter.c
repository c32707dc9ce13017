/* SPDX-License-Identifier: MIT
 *
 * Counters: written by one loop, added up at each scrape.
 */
#include "reeyo/core/counter.h"

#include <stddef.h>

const uint32_t histogram_bounds_us[HISTOGRAM_BOUNDS] = { 100, 250, 500, 1000, 2500, 5000, 10000,
	25000, 50000, 100000, 250000, 500000, 1000000, 5000000 };

static void bump(uint64_t *at, uint64_t by)
{
	__atomic_store_n(at, __atomic_load_n(at, __ATOMIC_RELAXED) + by, __ATOMIC_RELAXED);
}

void histogram_add(struct histogram *histogram, uint64_t us)
{
	size_t i = 0;

	while (i < HISTOGRAM_BOUNDS && us > histogram_bounds_us[i])
		i++;
	bump(&histogram->bucket[i], 1);
	bump(&histogram->sum_us, us);
	bump(&histogram->count, 1);
}

static void histogram_sum(struct histogram *into, const struct histogram *from)
{
	for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++)
		into->bucket[i] += __atomic_load_n(&from->bucket[i], __ATOMIC_RELAXED);
	into->sum_us += __atomic_load_n(&from->sum_us, __ATOMIC_RELAXED);
	into->count += __atomic_load_n(&from->count, __ATOMIC_RELAXED);
}

void counters_sum(struct counters *into, const struct counters *from)
{
	for (size_t i = 0; i < COUNTER_LAYERS * COUNTERS_PER_LAYER; i++)
		into->value[i] += __atomic_load_n(&from->value[i], __ATOMIC_RELAXED);
	for (size_t i = 0; i < COUNTER_LAYERS; i++)
		histogram_sum(&into->histogram[i], &from->histogram[i]);
}
