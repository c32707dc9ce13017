/* SPDX-License-Identifier: MIT
 *
 * A database of its own for a unit test, beside the one of REEYO_TEST_DATABASE_URL, with the
 * schema.
 */
#ifndef TESTS_OWN_DATABASE_H
#define TESTS_OWN_DATABASE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reeyo/core/error.h"
#include "reeyo/db/db.h"
#include "reeyo/db/migrate.h"
#include "suite.h"

/* given: a database of the server that the tests use. */
static inline int own_database_run(const char *given, const char *verb, const char *rest)
{
	struct db_session *session = NULL;
	char sql[200];
	int error = db_session_open(given, &session);

	snprintf(sql, sizeof(sql), "%s DATABASE unit_%d%s", verb, (int)getpid(), rest);
	if (!error)
		error = db_session_run(session, sql);
	db_session_close(session);
	return error;
}

/* Its URL into out; 0 or an error. */
static inline int own_database_new(const char *given, char *out, size_t size)
{
	const char *query = strchr(given, '?');
	const char *end = query ? memrchr(given, '/', (size_t)(query - given))
				: strrchr(given, '/');
	int error = own_database_run(given, "CREATE", "");

	snprintf(out, size, "%.*s/unit_%d%s", (int)(end - given), given, (int)getpid(),
		query ? query : "");
	return error ? error : migrate_run(out);
}

/* Runs the suite on the database and drops it; gives main's exit code, 77 (skipped) without
 * REEYO_TEST_DATABASE_URL. begin: gets the database's URL and returns 0 or an error. end: closes
 * what begin has opened. Either may be NULL. */
static inline int own_database_suite_run(
	Suite *suite, int (*begin)(const char *url), void (*end)(void))
{
	const char *given = getenv("REEYO_TEST_DATABASE_URL");
	char url[1200];
	int code;

	if (!given) {
		puts("skipped: REEYO_TEST_DATABASE_URL is not set");
		return 77;
	}
	if (own_database_new(given, url, sizeof(url)) || (begin && begin(url)))
		return EXIT_FAILURE;
	code = suite_run(suite);
	if (end)
		end();
	return own_database_run(given, "DROP", " WITH (FORCE)") ? EXIT_FAILURE : code;
}

#endif
