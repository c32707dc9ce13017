/* SPDX-License-Identifier: MIT
 *
 * The lead in work that one copy does for all: a row of `leases`, renewed once a second. A copy
 * that stops renewing is followed by another within LEAD_S and a second.
 *
 * The lead is a matter of thrift, not of safety: a copy that was held up may think for a moment
 * that it still leads, so what it does must be sound when two do it at once.
 */
#ifndef REEYO_JOBS_LEAD_H
#define REEYO_JOBS_LEAD_H

#include "reeyo/db/db.h"

#define LEAD_S 3

struct lead;
/* Tries to lead from now on. name: a row of `leases`, a literal. taken(arg) is called when the lead
 * is gained; NULL: nobody needs to know. 0 or E_NO_MEMORY. Loop thread, or before it runs. */
int lead_new(struct loop *loop, struct db *db, const char *name, void (*taken)(void *arg),
	void *arg, struct lead **ret) MUST_CHECK;
/* Stops renewing; before the db is closed, and the loop must still turn. NULL is allowed. */
void lead_close(struct lead *lead);
bool lead_held(const struct lead *lead);

#endif
