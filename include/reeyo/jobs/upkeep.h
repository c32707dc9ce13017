/* SPDX-License-Identifier: MIT
 *
 * Upkeep: removes what has run out (answers kept for idempotency, codes, sessions, …), a batch of a
 * thousand rows of each kind at a time, once a minute. Every copy may run it.
 */
#ifndef REEYO_JOBS_UPKEEP_H
#define REEYO_JOBS_UPKEEP_H

#include "reeyo/db/db.h"

struct upkeep;
/* Starts on this loop (one loop of a process is enough). 0 or E_NO_MEMORY. Loop thread, or before
 * it runs. */
int upkeep_new(struct loop *loop, struct db *db, struct upkeep **ret) MUST_CHECK;
/* Stops; before the db is closed. NULL is allowed. The memory goes when its timer has closed and
 * its last statement has ended, so the loop must still turn once. */
void upkeep_close(struct upkeep *upkeep);

#endif
