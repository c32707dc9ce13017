/* SPDX-License-Identifier: MIT
 *
 * Which rider an order is offered to first (contract §2.7).
 */
#ifndef REEYO_DOMAIN_DISPATCH_H
#define REEYO_DOMAIN_DISPATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Seconds that a rider has to answer an offer. */
#define DISPATCH_OFFER_S 60
/* Seconds until an order without a rider in reach is due again. */
#define DISPATCH_RETRY_S 5
/* A rider whose stored position is older than so many seconds is not near. */
#define DISPATCH_FRESH_S 60

/* What the score of a rider in reach is computed from. Riders who rejected the order are not
 * candidates. */
struct candidate {
	double km;                /* to the pickup point */
	int64_t completed, total; /* deliveries */
	double rating;            /* mean of 1…5; 0: no ratings yet */
	int64_t active;           /* orders the rider carries now */
	bool offered;             /* the order was already offered in this round */
};

/* The parts of a score; load is subtracted. The total is at most 90. */
struct score {
	double distance, completion, rating, load, total;
};

/* max(0, 40 - 8·km) + 25·completion + 25·rating/5 - min(10, 5·active). A rider without
 * deliveries or ratings gets the full value for these parts; otherwise a newcomer would never get
 * an offer. */
struct score candidate_score(const struct candidate *candidate);

/* The index of the candidate with the best score that has no offer in this round yet; of equal
 * scores the nearest, then the first; -1: no candidate. all: also those with an offer (a new
 * round). */
int candidate_best(const struct candidate *candidates, size_t count, bool all);

#endif
