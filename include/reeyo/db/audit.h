/* SPDX-License-Identifier: MIT
 *
 * The audit: every invariant of the books, each a statement of sql/audit, on one snapshot of the
 * database.
 */
#ifndef REEYO_DB_AUDIT_H
#define REEYO_DB_AUDIT_H

#include <stdbool.h>

#include "reeyo/core/error.h"

/* Prints a line for each check (json: one object in an array): ok, or the first entry that breaks
 * it and how many do.
 * *broken: how many checks are broken. 0, E_STORE_DOWN, E_NO_MEMORY, E_INTERNAL (a check did not
 * run, an older schema perhaps; logged). Blocking; command line only. */
int audit_run(const char *url, bool json, unsigned *broken) MUST_CHECK;

#endif
