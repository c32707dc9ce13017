/* SPDX-License-Identifier: MIT
 *
 * Webhooks: sends events to the endpoints that partners registered, signed, at least once, on the
 * instance that holds the lease `webhooks`. One statement makes the deliveries of an event and
 * moves the position of the lease past it, so no event is lost or delivered twice under two ids. A
 * delivery is tried ten times over 75 hours (domain/webhook.h).
 */
#ifndef REEYO_JOBS_WEBHOOKS_H
#define REEYO_JOBS_WEBHOOKS_H

#include "reeyo/core/error.h"
#include "reeyo/loop/app.h"

struct webhooks;
/* Needs app->client. 0 or E_NO_MEMORY. Loop thread, or before it runs. */
int webhooks_new(struct app *app, struct webhooks **ret) MUST_CHECK;
/* From now on an event starts a pass at once; without it the timer does. Call after hub_new. */
void webhooks_listen(struct webhooks *webhooks);
/* Before the client and the db are closed; the loop must still turn. NULL is allowed. */
void webhooks_close(struct webhooks *webhooks);

#endif
