/* SPDX-License-Identifier: MIT
 *
 * The audit: checks every invariant of the ledger on one snapshot of the database. Each check is a
 * statement of sql/audit.
 */
#ifndef REEYO_DB_AUDIT_H
#define REEYO_DB_AUDIT_H

#include <stdbool.h>

#include "reeyo/core/error.h"

/* Prints a line for each check (json: an object in an array): ok, or the first entry that violates
 * it and the number of entries that do.
 * *broken: the number of violated checks. 0, E_STORE_DOWN, E_NO_MEMORY, E_INTERNAL (a check could
 * not run, for instance on an older schema; logged). Blocking; command line only. */
int audit_run(const char *url, bool json, unsigned *broken) MUST_CHECK;

#endif
