/* SPDX-License-Identifier: MIT
 *
 * The counters of the database layer.
 */
#ifndef REEYO_DB_COUNTERS_H
#define REEYO_DB_COUNTERS_H

#include "reeyo/core/counter.h"

/* clang-format off */
#define DB_COUNTERS(X) \
	X(DB_STATEMENTS, "reeyo_db_statements_total", "", "Statements sent to PostgreSQL") \
	X(DB_ERRORS, "reeyo_db_errors_total", "", "Statements that failed") \
	X(DB_REFUSED, "reeyo_db_refused_total", "", \
		"Statements refused because the queue of a lane was full") \
	X(DB_RECONNECTS, "reeyo_db_reconnects_total", "", "Lost connections to PostgreSQL") \
	X(DB_LANES_UP, "reeyo_db_lanes_up", "", "Connections to PostgreSQL that are ready") \
	X(DB_IN_FLIGHT, "reeyo_db_in_flight", "", "Statements that wait for their answer")
/* clang-format on */

COUNTERS_DECLARE(db, COUNTERS_DB, DB_COUNTERS);

#endif
