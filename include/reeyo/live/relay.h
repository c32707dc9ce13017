/* SPDX-License-Identifier: MIT
 *
 * The relay: moves what statements have written to `outbox` into `events`, in order, and publishes
 * it through Redis. Every copy runs one, on its first loop; the holder of the lease `relay` works,
 * the others ask once a second whether it has lapsed.
 */
#ifndef REEYO_JOBS_RELAY_H
#define REEYO_JOBS_RELAY_H

#include "reeyo/loop/app.h"
#include "reeyo/core/error.h"

struct relay;
/* Starts on app's loop. 0 or E_NO_MEMORY. Loop thread, or before it runs. */
int relay_new(struct app *app, struct relay **ret) MUST_CHECK;
/* Stops; before db and cache are closed. NULL is allowed. The memory goes when its timer has closed
 * and what is under way has ended, so the loop must still turn once. */
void relay_close(struct relay *relay);

#endif
