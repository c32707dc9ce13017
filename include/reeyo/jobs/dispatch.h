/* SPDX-License-Identifier: MIT
 *
 * Dispatch: asks riders one after the other whether they carry an order (contract §2.7). Works on
 * one loop of a process and there only while it holds the lease `dispatch`; whatever it knows is in
 * PostgreSQL, so that any copy goes on where another stopped.
 */
#ifndef REEYO_JOBS_DISPATCH_H
#define REEYO_JOBS_DISPATCH_H

#include "reeyo/loop/app.h"
#include "reeyo/core/error.h"

struct dispatch;
/* 0 or E_NO_MEMORY. Loop thread, or before it runs. */
int dispatch_new(struct app *app, struct dispatch **ret) MUST_CHECK;
/* Looks at once when an event says that there is work. Call when app->hub is there. */
void dispatch_listen(struct dispatch *dispatch);
/* Before the db and the cache are closed; the loop must still turn. NULL is allowed. */
void dispatch_close(struct dispatch *dispatch);

#endif
