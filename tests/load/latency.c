/* SPDX-License-Identifier: MIT */
#include "latency.h"

static unsigned step_of(uint64_t us)
{
	unsigned shift = 0;

	while ((us >> shift) >= 2 * OCTAVE)
		shift++;
	unsigned step = shift * OCTAVE + (unsigned)(us >> shift);
	return step < STEPS ? step : STEPS - 1;
}

static uint64_t step_value(unsigned step)
{
	if (step < 2 * OCTAVE)
		return step;
	unsigned shift = step / OCTAVE - 1;
	return (uint64_t)(step - shift * OCTAVE) << shift;
}

void latency_add(struct latencies *latencies, uint64_t us)
{
	latencies->total++;
	latencies->counts[step_of(us)]++;
	if (us > latencies->slowest_us)
		latencies->slowest_us = us;
}

uint64_t latency_percentile(const struct latencies *latencies, double share)
{
	uint64_t rank = (uint64_t)((double)latencies->total * share), seen = 0;

	for (unsigned i = 0; i < STEPS; i++) {
		seen += latencies->counts[i];
		if (seen > rank)
			return step_value(i);
	}
	return latencies->slowest_us;
}
