/* SPDX-License-Identifier: MIT
 *
 * Where the riders are who report to this loop: their last points, on their way to
 * `riders.lat/lng/located_at` at most every 30 seconds each, many riders a statement. What others
 * ask is in Redis (cache/geo.h).
 *
 * All functions: the loop's own thread.
 */
#ifndef REEYO_JOBS_POSITIONS_H
#define REEYO_JOBS_POSITIONS_H

#include <stdint.h>

#include "reeyo/auth/admit.h"

/* As app->positions. 0 or E_NO_MEMORY. Loop thread, or before it runs. */
int positions_new(struct app *app, struct positions **ret) MUST_CHECK;
/* Also forgets riders' facts when an event says that they have changed. Call when app->hub is
 * there. */
void positions_listen(struct positions *positions);
/* Before the db is closed; the loop must still turn. NULL is allowed. */
void positions_close(struct positions *positions);

/* The time (ms, wall clock) of the last point this loop has heard of; INT64_MIN: none. */
int64_t positions_last(const struct positions *positions, const char *rider);
/* Keeps a point, unless a newer one is known. */
void positions_keep(struct positions *positions, const char *rider, double lat, double lng,
	int64_t at_ms);
/* Tells everybody who follows one of his orders. */
void positions_tell(struct app *app, const char *rider, const struct rider_facts *facts, double lat,
	double lng, int64_t at_ms);

#endif
