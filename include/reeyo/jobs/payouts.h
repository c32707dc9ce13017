/* SPDX-License-Identifier: MIT
 *
 * Pay-outs on their way to phones, by the copy that leads `payouts`: approved ones are sent, those
 * on their way are asked about, and those of which nobody knows whether the gateway heard of them
 * are looked for in its history.
 */
#ifndef REEYO_JOBS_PAYOUTS_H
#define REEYO_JOBS_PAYOUTS_H

#include "reeyo/core/error.h"
#include "reeyo/core/text.h"
#include "reeyo/loop/app.h"

struct payout_job;
/* 0 or E_NO_MEMORY. Loop thread, or before it runs; app->gateway is there. */
int payouts_new(struct app *app, struct payout_job **ret) MUST_CHECK;
/* Before the db is closed; the loop must still turn, also after the gateway's calls were ended.
 * NULL is allowed. */
void payouts_close(struct payout_job *job);

/* A believed callback has named a pay-out (an external reference `payout_…`): it is asked about
 * within a second, by whoever leads. gateway_reference may be absent. The loop's own thread. */
void payout_heard(struct app *app, const char *payout_id, struct text gateway_reference);

#endif
