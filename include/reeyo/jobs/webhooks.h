/* SPDX-License-Identifier: MIT
 *
 * Webhooks: what is said reaches the partners who asked for it, signed, at least once, by the copy
 * that holds the lease `webhooks`. An event becomes deliveries in the statement that moves the
 * lease's position past it, so none is lost and none made twice; a delivery is tried ten times over
 * 75 hours (domain/webhook.h).
 */
#ifndef REEYO_JOBS_WEBHOOKS_H
#define REEYO_JOBS_WEBHOOKS_H

#include "reeyo/core/error.h"
#include "reeyo/loop/app.h"

struct webhooks;
/* Needs app->client. 0 or E_NO_MEMORY. Loop thread, or before it runs. */
int webhooks_new(struct app *app, struct webhooks **ret) MUST_CHECK;
/* From now on events wake it; without, the clock does. Once the hub is there. */
void webhooks_listen(struct webhooks *webhooks);
/* Before the client and the db are closed; the loop must still turn. NULL is allowed. */
void webhooks_close(struct webhooks *webhooks);

#endif
