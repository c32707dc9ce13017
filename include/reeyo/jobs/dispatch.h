/* SPDX-License-Identifier: MIT
 *
 * Dispatch: offers an order to riders, one after the other, until one accepts (contract §2.7). Runs
 * on one loop of the process, while it holds the lease `dispatch`. Its state is in PostgreSQL, so
 * any instance continues where another stopped.
 */
#ifndef REEYO_JOBS_DISPATCH_H
#define REEYO_JOBS_DISPATCH_H

#include "reeyo/core/error.h"
#include "reeyo/loop/app.h"

struct dispatch;
/* 0 or E_NO_MEMORY. Loop thread, or before it runs. */
int dispatch_new(struct app *app, struct dispatch **ret) MUST_CHECK;
/* From now on events that announce work start a pass at once. Call after hub_new. */
void dispatch_listen(struct dispatch *dispatch);
/* Before the db and the cache are closed; the loop must still turn. NULL is allowed. */
void dispatch_close(struct dispatch *dispatch);

#endif
