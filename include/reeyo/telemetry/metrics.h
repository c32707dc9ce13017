/* SPDX-License-Identifier: MIT
 *
 * Metrics of all loops, added up at each scrape, in the text format of Prometheus.
 */
#ifndef REEYO_TELEMETRY_METRICS_H
#define REEYO_TELEMETRY_METRICS_H

#include "reeyo/core/counter.h"
#include "reeyo/core/memory.h"

struct metrics;

/* Room for the counters of `loops` loops. tables: the counters of each layer, ends with NULL;
 * outlives the metrics. 0 or E_NO_MEMORY. Before the loops run. */
int metrics_new(
	unsigned loops, const struct counter_table *const *tables, struct metrics **ret) MUST_CHECK;
void metrics_free(struct metrics *metrics);
/* Adds a loop's counters, which must outlive the metrics. Before the loops run. */
void metrics_add(struct metrics *metrics, const struct counters *counters);
/* Writes everything in the text format, version 0.0.4. Any thread. */
void metrics_write(const struct metrics *metrics, struct buf *out);

/* Writes one metric of the caller. labels: for instance "status=\"PENDING\"", or NULL. help NULL:
 * no HELP and TYPE lines. */
void metric_write(
	struct buf *out, const char *name, const char *labels, const char *help, int64_t value);

#endif
