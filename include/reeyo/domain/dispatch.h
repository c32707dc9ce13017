/* SPDX-License-Identifier: MIT
 *
 * Which rider is asked first to carry an order (contract §2.7).
 */
#ifndef REEYO_DOMAIN_DISPATCH_H
#define REEYO_DOMAIN_DISPATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What counts about a rider in reach. Who rejected the order is not among them. */
struct candidate {
	double km;                  /* to where the order is picked up */
	int64_t completed, total;   /* deliveries */
	double rating;              /* mean of 1…5; 0: nobody has rated him */
	int64_t active;             /* orders he carries */
	bool asked;                 /* in this round already */
};

/* The parts of a score, each as it counts; load counts against him. Up to 90. */
struct score {
	double distance, completion, rating, load, total;
};

/* max(0, 40 - 8·km) + 25·completion + 25·rating/5 - min(10, 5·active). A newcomer counts as one
 * about whom nobody has complained, or he would never be asked. */
struct score candidate_score(const struct candidate *candidate);

/* The place of the best one not asked yet, of equals the nearest, then the first; -1: none. all:
 * those asked already count too (a new round). */
int candidate_best(const struct candidate *candidates, size_t count, bool all);

#endif
