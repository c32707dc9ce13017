/* SPDX-License-Identifier: MIT
 *
 * Pay-outs to phones, in the instance that holds the lease `payouts`: sends approved ones, queries
 * sent ones, and searches the gateway's history for those whose call got no response.
 */
#ifndef REEYO_JOBS_PAYOUTS_H
#define REEYO_JOBS_PAYOUTS_H

#include "reeyo/core/error.h"
#include "reeyo/loop/app.h"

struct payout_job;
/* 0 or E_NO_MEMORY. Loop thread, or before it runs; app->gateway is there. */
int payouts_new(struct app *app, struct payout_job **ret) MUST_CHECK;
/* Before the db is closed; the loop must still turn, also after the gateway's calls have ended.
 * NULL is allowed. */
void payouts_close(struct payout_job *job);

#endif
