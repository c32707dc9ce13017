/* SPDX-License-Identifier: MIT
 *
 * What happens because time passes, on the instance that holds the lease `timers`. Every second:
 * riders that have been silent for 300 s go offline, orders that no vendor accepted are cancelled,
 * old positions are removed from Redis. Every five seconds: orders whose rider is blocked, or has
 * been silent for rider_silence, are released or flagged for an admin.
 */
#ifndef REEYO_JOBS_TIMERS_H
#define REEYO_JOBS_TIMERS_H

#include "reeyo/core/error.h"
#include "reeyo/loop/app.h"

struct timers;
/* 0 or E_NO_MEMORY. Loop thread, or before it runs. */
int timers_new(struct app *app, struct timers **ret) MUST_CHECK;
/* Before the db and the cache are closed; the loop must still turn. NULL is allowed. */
void timers_close(struct timers *timers);

#endif
