/* SPDX-License-Identifier: MIT
 *
 * Scores of the riders that an order can be offered to.
 */
#include "reeyo/domain/dispatch.h"

static double min_double(double value, double limit)
{
	return value < limit ? value : limit;
}

static double max_double(double value, double limit)
{
	return value > limit ? value : limit;
}

struct score candidate_score(const struct candidate *candidate)
{
	double done = candidate->total > 0 ? (double)candidate->completed / (double)candidate->total
					   : 1;
	struct score score = {
		.distance = max_double(0, 40 - 8 * candidate->km),
		.completion = 25 * min_double(done, 1),
		.rating = 25 * (candidate->rating > 0 ? min_double(candidate->rating, 5) / 5 : 1),
		.load = min_double(10, 5 * (double)candidate->active),
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

		if (candidates[i].offered && !all)
			continue;
		if (best >= 0 &&
			(total < best_total ||
				(total == best_total && candidates[i].km >= candidates[best].km)))
			continue;
		best = (int)i;
		best_total = total;
	}
	return best;
}
