/* SPDX-License-Identifier: MIT
 *
 * Metrics of all loops, added up when somebody scrapes, in Prometheus' text format.
 */
#ifndef REEYO_TELEMETRY_METRICS_H
#define REEYO_TELEMETRY_METRICS_H

#include "reeyo/core/counter.h"
#include "reeyo/core/memory.h"

struct metrics;

/* Room for the counters of `loops` loops. 0 or E_NO_MEMORY. Before the loops run. */
int metrics_new(unsigned loops, struct metrics **ret) MUST_CHECK;
void metrics_free(struct metrics *metrics);
/* Adds a loop's counters, which must outlive the metrics. Before the loops run. */
void metrics_add(struct metrics *metrics, const struct counters *counters);
/* Writes everything in the text format, version 0.0.4. Any thread. */
void metrics_write(const struct metrics *metrics, struct buf *out);

/* One gauge of the caller's own; labels may be NULL ("status=\"PENDING\""), help NULL leaves out
 * HELP and TYPE. */
void metric_write(struct buf *out, const char *name, const char *labels, const char *help,
	int64_t value);

#endif
