/* SPDX-License-Identifier: MIT
 *
 * Sends the rows of `messages`. One per copy; works while its lead does.
 */
#ifndef REEYO_SRC_JOBS_SENDING_H
#define REEYO_SRC_JOBS_SENDING_H

#include "reeyo/loop/app.h"
#include "reeyo/db/lead.h"

struct sending;
/* lead: outlives it. 0 or E_NO_MEMORY. All functions: the lead's loop thread, or before the loop
 * runs. */
int sending_new(struct app *app, const struct lead *lead, struct sending **ret) MUST_CHECK;
/* There may be something to send. */
void sending_wake(struct sending *sending);
/* Letters under way are forgotten: their rows are taken again by whoever leads next. NULL is
 * allowed. */
void sending_close(struct sending *sending);

#endif
