/* SPDX-License-Identifier: MIT
 *
 * Demo data: sql/demo, embedded in the binary. The names of the accounts are listed there.
 */
#ifndef REEYO_DB_DEMO_H
#define REEYO_DB_DEMO_H

#include "reeyo/core/error.h"

/* Loads "small", "bench" (10,000 customers, 200 vendors, 5,000 items, 100,000 orders) or "huge"
 * (the same with 5,000,000 orders) into a migrated database. Existing rows stay, so the call can be
 * repeated. Prints what it loaded. 0, E_CONFIG (no such size, or an older schema),
 * E_STORE_DOWN, E_NO_MEMORY, E_INTERNAL (logged). Blocking; command line only. */
int demo_load(const char *url, const char *size) MUST_CHECK;

#endif
