/* SPDX-License-Identifier: MIT
 *
 * Leadership in work that one instance does for all: a row of `leases`, renewed once a second. When
 * an instance stops renewing, another takes over within LEADERSHIP_S and a second.
 *
 * Leadership avoids double work; it does not prevent it. An instance that was held up may believe
 * for a moment that it still leads, so the work must be safe when two instances do it at once.
 */
#ifndef REEYO_DB_LEADERSHIP_H
#define REEYO_DB_LEADERSHIP_H

#include "reeyo/db/db.h"

#define LEADERSHIP_S 3

struct leadership;
/* Tries to take the lease from now on. name: a row of `leases`, a literal. gained(arg) is called
 * when the lease is gained; may be NULL. 0 or E_NO_MEMORY. Loop thread, or before it runs. */
int leadership_new(struct loop *loop, struct db *db, const char *name, void (*gained)(void *arg),
	void *arg, struct leadership **ret) MUST_CHECK;
/* Stops renewing. Call it before the db is closed and while the loop still runs. NULL is allowed.
 */
void leadership_close(struct leadership *leadership);
bool leadership_held(const struct leadership *leadership);
/* Its name in `leases`. */
const char *leadership_holder(const struct leadership *leadership);

#endif
