/* SPDX-License-Identifier: MIT
 *
 * The schema: tables in sql/schema/NNNN_name.sql, append-only, applied once and in order; functions
 * and views in sql/functions/name.sql, applied again whenever their text changed. Both are embedded
 * in the binary, and recorded in the tables schema_migrations and schema_functions with the SHA-256
 * of their text. One run is one transaction under one advisory lock, so that any number of
 * instances may start at once.
 */
#ifndef REEYO_DB_MIGRATE_H
#define REEYO_DB_MIGRATE_H

#include "reeyo/core/error.h"

/* Applies the schema files that are missing and the function files that differ, and prints a line
 * for each. After a schema file all function files are applied again. Refuses (E_CONFIG) when the
 * checksum of an applied schema file differs from the binary's, or the database has a schema file
 * that the binary does not know. The functions are those of the last run: an older binary
 * that runs it again restores its own functions. Blocking; command line only. */
int migrate_run(const char *url) MUST_CHECK;
/* Prints each file with its state: applied (when), pending, changed, unknown. */
int migrate_status(const char *url) MUST_CHECK;
/* 0 when the database has every schema file of the binary and has, or had before, its version of
 * every function file. The database may have newer ones: during a rolling upgrade the older release
 * keeps serving. E_CONFIG when one is missing (a log line names `reeyo migrate`), E_STORE_DOWN when
 * the database does not answer. */
int migrate_check(const char *url) MUST_CHECK;

#endif
