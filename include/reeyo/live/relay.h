/* SPDX-License-Identifier: MIT
 *
 * The relay: makes the rows that statements wrote to `event_log` visible in the view `events`, in
 * order, and publishes them through Redis. Every instance has one, on its first loop. The holder of
 * the lease `events` works; the others check once a second whether the lease has expired.
 */
#ifndef REEYO_LIVE_RELAY_H
#define REEYO_LIVE_RELAY_H

#include "reeyo/core/error.h"
#include "reeyo/loop/app.h"

struct relay;
/* Starts on app's loop. 0 or E_NO_MEMORY. Loop thread, or before it runs. */
int relay_new(struct app *app, struct relay **ret) MUST_CHECK;
/* Stops; before db and cache are closed. NULL is allowed. The memory is freed when its timer has
 * closed and the step under way has ended, so the loop must still turn once. */
void relay_close(struct relay *relay);

#endif
