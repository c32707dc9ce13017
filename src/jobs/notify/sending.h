/* SPDX-License-Identifier: MIT
 *
 * Sends the rows of `messages`. One per instance; works while its job leads. Private to
 * src/jobs/notify.
 */
#ifndef REEYO_SRC_JOBS_SENDING_H
#define REEYO_SRC_JOBS_SENDING_H

#include "reeyo/db/periodic.h"
#include "reeyo/loop/app.h"

struct sending;
/* job: of the same loop, with a lease; lives until sending_close. 0 or E_NO_MEMORY. All functions:
 * the loop thread, or before the loop runs. */
int sending_new(struct app *app, const struct periodic *job, struct sending **ret) MUST_CHECK;
/* Looks for new rows. */
void sending_wake(struct sending *sending);
/* Cancels what is being sent, and stores the results that are known: the next leader sends the
 * rest, what was cancelled when its claim has ended. The db must not be closed yet. NULL is
 * allowed. */
void sending_close(struct sending *sending);

#endif
