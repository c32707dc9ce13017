/* SPDX-License-Identifier: MIT
 *
 * Messages to people, by the copy that holds the lease `messages`: makes rows of `messages` (and
 * notifications in the app) of what `events` say, and sends the rows.
 */
#ifndef REEYO_JOBS_MESSAGES_H
#define REEYO_JOBS_MESSAGES_H

#include "reeyo/core/error.h"
#include "reeyo/loop/app.h"

struct messages;
/* app->post is there. 0 or E_NO_MEMORY. Loop thread, or before it runs. */
int messages_new(struct app *app, struct messages **ret) MUST_CHECK;
/* Hears of events from now on; without it they are looked for once a second. */
void messages_listen(struct messages *messages);
/* Before the post and the db are closed; the loop must still turn. NULL is allowed. */
void messages_close(struct messages *messages);

#endif
