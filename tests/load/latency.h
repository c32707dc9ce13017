/* SPDX-License-Identifier: MIT
 *
 * A histogram of latencies: OCTAVE linear steps in each power of two, so a percentile is exact to
 * 1.6 %.
 */
#ifndef LOAD_LATENCY_H
#define LOAD_LATENCY_H

#include <stdint.h>

enum { OCTAVE = 64, STEPS = OCTAVE * 32 };

struct latencies {
	uint64_t counts[STEPS], total, slowest_us;
};

void latency_add(struct latencies *latencies, uint64_t us);
uint64_t latency_percentile(const struct latencies *latencies, double share);

#endif
