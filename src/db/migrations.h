/* SPDX-License-Identifier: MIT
 *
 * Inside the database layer: migrating with a given list of files, so that tests can bring their
 * own.
 */
#ifndef REEYO_SRC_DB_MIGRATIONS_H
#define REEYO_SRC_DB_MIGRATIONS_H

#include "embedded.h"
#include "reeyo/db/migrate.h"

/* As migrate_run, migrate_status and migrate_check; files ends with a NULL name. */
int migrate_run_with(const char *url, const struct sql_file *files) MUST_CHECK;
int migrate_status_with(const char *url, const struct sql_file *files) MUST_CHECK;
int migrate_check_with(const char *url, const struct sql_file *files) MUST_CHECK;

#endif
