/* SPDX-License-Identifier: MIT
 *
 * Messages to people, on the instance that holds the lease `messages`: makes rows of `messages`
 * (and notifications in the app) from `events`, and sends the rows.
 */
#ifndef REEYO_JOBS_MESSAGES_H
#define REEYO_JOBS_MESSAGES_H

#include "reeyo/core/error.h"
#include "reeyo/loop/app.h"

struct messages;
/* Needs app->notifier. 0 or E_NO_MEMORY. Loop thread, or before it runs. */
int messages_new(struct app *app, struct messages **ret) MUST_CHECK;
/* From now on an event starts a round at once; without it a round starts once a second. Call after
 * hub_new. */
void messages_listen(struct messages *messages);
/* Before app->notifier and the db are closed; the loop must still turn. NULL is allowed. */
void messages_close(struct messages *messages);

#endif
