/* SPDX-License-Identifier: MIT
 *
 * The counters of the database layer.
 */
#include "reeyo/db/counters.h"

COUNTERS_DEFINE(db, COUNTERS_DB, DB_COUNTERS, "reeyo_db_statement_seconds",
	"From sending a statement to its commit");
