/* SPDX-License-Identifier: MIT
 *
 * Roll-ups: once a minute the ledger's older entries are added up per account and business day, so
 * that the balances of the platform, escrow and the gateway are sums of few rows. Every instance
 * calls it; the database lets one do the work.
 */
#ifndef REEYO_JOBS_ROLLUP_H
#define REEYO_JOBS_ROLLUP_H

#include "reeyo/core/error.h"
#include "reeyo/db/db.h"

struct rollup;
/* 0 or E_NO_MEMORY. Loop thread, or before it runs. */
int rollup_new(struct loop *loop, struct db *db, struct rollup **ret) MUST_CHECK;
/* Before the db is closed; the loop must still turn. NULL is allowed. */
void rollup_close(struct rollup *rollup);

#endif
