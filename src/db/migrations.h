/* SPDX-License-Identifier: MIT
 *
 * Private parts of the database layer: migration with given files, for tests.
 */
#ifndef REEYO_SRC_DB_MIGRATIONS_H
#define REEYO_SRC_DB_MIGRATIONS_H

#include "embedded.h"
#include "reeyo/db/migrate.h"

/* Both lists end with a NULL name. schema: ascending by version. functions: the file `base` is
 * applied before the schema, the others after it, in order. */
struct sql_set {
	const struct sql_file *schema, *functions;
};

/* As migrate_run, migrate_status and migrate_check. */
int migrate_run_with(const char *url, const struct sql_set *set) MUST_CHECK;
int migrate_status_with(const char *url, const struct sql_set *set) MUST_CHECK;
int migrate_check_with(const char *url, const struct sql_set *set) MUST_CHECK;

#endif
