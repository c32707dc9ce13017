/* SPDX-License-Identifier: MIT
 *
 * Queries the gateway for unfinished payments, and expires those that were not paid in time.
 */
#ifndef REEYO_JOBS_PAYMENT_POLLER_H
#define REEYO_JOBS_PAYMENT_POLLER_H

#include "reeyo/core/error.h"
#include "reeyo/loop/app.h"

struct payment_poller;
/* One per process; it works while the instance holds the lease `payments`. 0 or E_NO_MEMORY. Loop
 * thread, or before it runs. */
int payment_poller_new(struct app *app, struct payment_poller **ret) MUST_CHECK;
/* Before the gateway is closed; the loop must still turn. NULL is allowed. */
void payment_poller_close(struct payment_poller *poller);

#endif
