/* SPDX-License-Identifier: MIT
 *
 * What happens because time passes, once a second by the copy that holds the lease `timers`: riders
 * who have been silent for 300 s go offline, orders that nobody accepted are cancelled, old
 * positions leave Redis. Every five seconds: orders whose rider may not work any more, or has been
 * silent for rider_silence, are released or marked for an admin.
 */
#ifndef REEYO_JOBS_TIMERS_H
#define REEYO_JOBS_TIMERS_H

#include <stdint.h>

#include "reeyo/loop/app.h"
#include "reeyo/core/error.h"

/* What timers need of the layer above them. */
struct timer_needs {
	int64_t (*accept_minutes)(struct app *app);                     /* how long an order waits
	                                                                 * for its vendor */
	void (*menu_changed)(struct app *app, const char *vendor_id);   /* counted stock has gone
	                                                                 * back */
};

struct timers;
/* 0 or E_NO_MEMORY. Loop thread, or before it runs. */
int timers_new(struct app *app, const struct timer_needs *needs, struct timers **ret) MUST_CHECK;
/* Before the db and the cache are closed; the loop must still turn. NULL is allowed. */
void timers_close(struct timers *timers);

#endif
