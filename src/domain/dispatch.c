/* SPDX-License-Identifier: MIT
 *
 * Scores of riders.
 */
#include "reeyo/domain/dispatch.h"

static double at_most(double value, double limit)
{
	return value < limit ? value : limit;
}

static double at_least(double value, double limit)
{
	return value > limit ? value : limit;
}

struct score candidate_score(const struct candidate *candidate)
{
	double done = candidate->total > 0 ?
		(double)candidate->completed / (double)candidate->total : 1;
	struct score score = {
		.distance = at_least(0, 40 - 8 * candidate->km),
		.completion = 25 * at_most(done, 1),
		.rating = 25 * (candidate->rating > 0 ? at_most(candidate->rating, 5) / 5 : 1),
		.load = at_most(10, 5 * (double)candidate->active),
	};

	score.total = score.distance + score.completion + score.rating - score.load;
	return score;
}

int candidate_best(const struct candidate *candidates, size_t count, bool all)
{
	double best_total = 0;
	int best = -1;

	for (size_t i = 0; i < count; i++) {
		double total = candidate_score(&candidates[i]).total;

		if (candidates[i].asked && !all)
			continue;
		if (best >= 0 && (total < best_total ||
			(total == best_total && candidates[i].km >= candidates[best].km)))
			continue;
		best = (int)i;
		best_total = total;
	}
	return best;
}
