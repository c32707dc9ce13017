/* SPDX-License-Identifier: MIT
 *
 * The positions of the riders who report to this loop: written to `riders.lat/lng/located_at`, each
 * at most every 30 seconds, many riders a statement. Queries for near riders use Redis
 * (cache/geo.h).
 *
 * All functions: the loop's own thread.
 */
#ifndef REEYO_JOBS_POSITIONS_H
#define REEYO_JOBS_POSITIONS_H

#include <stdint.h>

#include "reeyo/auth/admit.h"

/* As app->positions. 0 or E_NO_MEMORY. Loop thread, or before it runs. */
int positions_new(struct app *app, struct positions **ret) MUST_CHECK;
/* Also drops cached facts of a rider when an event shows that they have changed. Call after
 * hub_new. */
void positions_listen(struct positions *positions);
/* Before the db is closed; the loop must still turn. NULL is allowed. */
void positions_close(struct positions *positions);

/* The time (ms, wall clock) of the newest position this loop has of a rider; INT64_MIN: no
 * position. */
int64_t positions_last_ms(const struct positions *positions, const char *rider);
/* Records a position, unless a newer one is known. */
void positions_record(
	struct positions *positions, const char *rider, double lat, double lng, int64_t at_ms);
/* Publishes a rider's position to the subscribers of each of the rider's orders. */
void positions_publish(struct app *app, const char *rider, const struct rider_facts *facts,
	double lat, double lng, int64_t at_ms);

#endif
