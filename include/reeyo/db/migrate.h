/* SPDX-License-Identifier: MIT
 *
 * Schema versions: sql/migrations/NNNN_name.sql, append-only and embedded in the binary. Applied in
 * order, each in its own transaction with its row in schema_migrations (version, name, SHA-256,
 * applied_at), all under one advisory lock, so that any number of copies may start at once.
 */
#ifndef REEYO_DB_MIGRATE_H
#define REEYO_DB_MIGRATE_H

#include "reeyo/core/error.h"

/* Applies what is missing and prints a line per migration. Refuses (E_CONFIG) when an applied
 * migration's checksum differs from the binary's, or the database knows a version that the binary
 * does not. Blocking; command line only. */
int migrate_run(const char *url) MUST_CHECK;
/* Prints each version with its state: applied (when), pending, changed, unknown. */
int migrate_status(const char *url) MUST_CHECK;
/* 0 when the database has every migration of the binary (it may have newer ones: during a roll-out
 * the old version goes on serving); E_CONFIG when one is missing (a log line says that `reeyo
 * migrate` helps), E_STORE_DOWN when it cannot be asked. */
int migrate_check(const char *url) MUST_CHECK;

#endif
