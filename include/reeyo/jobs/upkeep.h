/* SPDX-License-Identifier: MIT
 *
 * Upkeep: deletes expired rows (idempotency keys, codes, sessions, …), in batches of a thousand,
 * once a minute. Every instance may run it.
 */
#ifndef REEYO_JOBS_UPKEEP_H
#define REEYO_JOBS_UPKEEP_H

#include "reeyo/db/db.h"

struct upkeep;
/* Starts on this loop (one loop of a process is enough). 0 or E_NO_MEMORY. Loop thread, or before
 * it runs. */
int upkeep_new(struct loop *loop, struct db *db, struct upkeep **ret) MUST_CHECK;
/* Stops; before the db is closed. NULL is allowed. The memory is freed when its timer has closed
 * and its last statement has ended, so the loop must still turn once. */
void upkeep_close(struct upkeep *upkeep);

#endif
