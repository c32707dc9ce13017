/* SPDX-License-Identifier: MIT
 *
 * Blocking sessions for the command line, with plain libpq. Errors are logged here.
 */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embedded.h"
#include "params.h"
#include "reeyo/core/log.h"
#include "reeyo/core/secret.h"
#include "reeyo/db/db.h"

struct db_session {
	PGconn *pg;
};

static void session_notice_log(void *arg, const char *message)
{
	(void)arg;
	log_line(LOG_DEBUG, "notice", LOG_T("text", message));
}

int db_session_open(const char *url, struct db_session **ret)
{
	struct db_session *session = calloc(1, sizeof(*session));
	/* keys before dbname are defaults: the address in dbname overrides them */
	const char *keys[] = { "connect_timeout", "application_name", "options", "dbname", NULL };
	const char *values[] = { "10", "reeyo/command", "-c TimeZone=UTC", url, NULL };

	if (!session)
		return E_NO_MEMORY;
	session->pg = PQconnectdbParams(keys, values, 1);
	if (PQstatus(session->pg) != CONNECTION_OK) {
		char why[256];

		snprintf(why, sizeof(why), "%s", PQerrorMessage(session->pg));
		why[strcspn(why, "\n")] = '\0';
		secret_scrub(url, why);
		log_line(LOG_ERROR, "the database does not answer", LOG_T("why", why));
		db_session_close(session);
		return E_STORE_DOWN;
	}
	PQsetNoticeProcessor(session->pg, session_notice_log, NULL);
	*ret = session;
	return 0;
}

void db_session_close(struct db_session *session)
{
	if (!session)
		return;
	PQfinish(session->pg);
	free(session);
}

static int session_result_check(struct db_session *session, PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY)
		return 0;
	log_line(LOG_ERROR, "a statement failed", LOG_T("why", PQresultErrorMessage(result)));
	return PQstatus(session->pg) == CONNECTION_OK ? E_INTERNAL : E_STORE_DOWN;
}

int db_session_run(struct db_session *session, const char *sql)
{
	PGresult *result = PQexec(session->pg, sql);
	int error = session_result_check(session, result);

	PQclear(result);
	return error;
}

int db_session_value(struct db_session *session, const char *sql, char *out, size_t size)
{
	PGresult *result = PQexec(session->pg, sql);
	int error = session_result_check(session, result);

	if (!error)
		snprintf(out, size, "%s",
			PQntuples(result) && PQnfields(result) ? PQgetvalue(result, 0, 0) : "");
	PQclear(result);
	return error;
}

int db_session_each(struct db_session *session, const char *sql, unsigned count,
	const char *const *params, void (*row)(void *arg, int n, char *const *values), void *arg)
{
	PGresult *result = PQexecParams(session->pg, sql, (int)count, NULL, params, NULL, NULL, 0);
	int error = session_result_check(session, result);
	char *values[64];

	for (int i = 0; !error && row && i < PQntuples(result); i++) {
		int n = PQnfields(result) < 64 ? PQnfields(result) : 64;

		for (int k = 0; k < n; k++)
			values[k] = PQgetisnull(result, i, k) ? NULL : PQgetvalue(result, i, k);
		row(arg, n, values);
	}
	PQclear(result);
	return error;
}

/* Gives params_write its memory, and remembers it. */
static void *session_memory(void *arg, size_t size)
{
	void **memory = arg;

	return *memory = malloc(size);
}

int db_session_query(struct db_session *session, enum query query, const void *params,
	void (*row)(void *arg, int n, char *const *values), void *arg)
{
	const struct query_text *statement = &embedded_queries[query];
	const char *values[DB_MAX_PARAMS];
	void *memory = NULL;
	int error = params_write(statement, params, values, session_memory, &memory);

	if (!error)
		error = db_session_each(
			session, statement->text, statement->param_count, values, row, arg);
	free(memory);
	return error;
}
