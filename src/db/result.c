/* SPDX-License-Identifier: MIT
 *
 * Results: columns as texts and numbers, and the mapping of SQLSTATEs to errors.
 */
#include "lane.h"

#include <stdlib.h>
#include <string.h>

#include "reeyo/core/log.h"
#include "reeyo/core/memory.h"

/* SQLSTATE (or its first characters) and our error. */
static const struct {
	const char *state;
	int error;
} state_errors[] = {
	{ "23505", E_CONFLICT_ROW },
	{ "55P03", E_LOCK_TIMEOUT },
	{ "40001", E_LOCK_TIMEOUT },
	{ "40P01", E_LOCK_TIMEOUT },
	{ "57014", E_TIMED_OUT },
	{ "57P", E_STORE_DOWN },
	{ "08P01", E_INTERNAL }, /* e.g. a wrong number of parameters */
	{ "08", E_STORE_DOWN },
	{ "53", E_STORE_DOWN },
	{ "25006", E_STORE_DOWN },
};

/* Raised by fail(): the message is the name of an error, the detail is chosen by the statement. */
#define FAIL_STATE "RY000"

static const char *result_field(const PGresult *pg, int code)
{
	const char *text = PQresultErrorField(pg, code);

	return text ? text : "";
}

static int error_of_state(const char *state)
{
	for (size_t i = 0; i < COUNT_OF(state_errors); i++)
		if (strncmp(state, state_errors[i].state, strlen(state_errors[i].state)) == 0)
			return state_errors[i].error;
	return E_INTERNAL;
}

/* Messages of class 22 (data exceptions) quote the wrong value, so they are not logged. */
static void failure_log(const PGresult *pg, const char *name, const char *state)
{
	bool quotes = strncmp(state, "22", 2) == 0;

	log_line(LOG_ERROR, "a statement failed", LOG_T("statement", name), LOG_T("state", state),
		LOG_T("why", quotes ? NULL : result_field(pg, PG_DIAG_MESSAGE_PRIMARY)),
		LOG_T("context", quotes ? NULL : result_field(pg, PG_DIAG_CONTEXT)),
		LOG_T("raised_by", result_field(pg, PG_DIAG_SOURCE_FUNCTION)));
}

bool result_is_retryable(const PGresult *pg)
{
	const char *state = result_field(pg, PG_DIAG_SQLSTATE);

	return strcmp(state, "40P01") == 0 || strcmp(state, "40001") == 0;
}

void result_classify(struct db_result *result, const char *name)
{
	ExecStatusType status = PQresultStatus(result->pg);
	const char *state, *raised;

	result->detail = "";
	result->error = 0;
	if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK)
		return;
	state = result_field(result->pg, PG_DIAG_SQLSTATE);
	if (strcmp(state, FAIL_STATE) == 0) {
		raised = result_field(result->pg, PG_DIAG_MESSAGE_PRIMARY);
		result->error = error_from_name(raised, strlen(raised));
		result->detail = result_field(result->pg, PG_DIAG_MESSAGE_DETAIL);
	} else {
		result->error = error_of_state(state);
		result->detail = result_field(result->pg, PG_DIAG_CONSTRAINT_NAME);
	}
	if (result->error == E_INTERNAL || strncmp(state, "53", 2) == 0)
		failure_log(result->pg, name, state);
}

bool result_ends_connection(const PGresult *pg, enum db_lane kind)
{
	const char *state = result_field(pg, PG_DIAG_SQLSTATE);
	const char *severity = result_field(pg, PG_DIAG_SEVERITY_NONLOCALIZED);

	if (PQresultStatus(pg) != PGRES_FATAL_ERROR)
		return false;
	if (!state[0] || strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0)
		return true;
	if (strcmp(state, "26000") == 0 || (kind == DB_WRITE && strcmp(state, "25006") == 0))
		return true;
	/* "cached plan must not change result type": a migration changed the table */
	return strcmp(state, "0A000") == 0 &&
		strcmp(result_field(pg, PG_DIAG_SOURCE_FUNCTION), "RevalidateCachedQuery") == 0;
}

int db_error(const struct db_result *result)
{
	return result->error;
}

const char *db_error_detail(const struct db_result *result)
{
	return result->detail ? result->detail : "";
}

unsigned db_rows(const struct db_result *result)
{
	return result->pg && !result->error ? (unsigned)PQntuples(result->pg) : 0;
}

unsigned db_columns(const struct db_result *result)
{
	return result->pg && !result->error ? (unsigned)PQnfields(result->pg) : 0;
}

bool db_is_null(const struct db_result *result, unsigned row, unsigned column)
{
	return PQgetisnull(result->pg, (int)row, (int)column);
}

struct text db_text(const struct db_result *result, unsigned row, unsigned column)
{
	if (db_is_null(result, row, column))
		return TEXT_NONE;
	return (struct text){ PQgetvalue(result->pg, (int)row, (int)column),
		(size_t)PQgetlength(result->pg, (int)row, (int)column) };
}

/* A column that was read in binary. */
static bool column_value(
	const struct db_result *result, unsigned row, unsigned column, struct db_value *ret)
{
	struct text bytes = db_text(result, row, column);

	if (!PQfformat(result->pg, (int)column))
		return false;
	*ret = (struct db_value){ bytes.at, (uint32_t)bytes.len, 0 };
	return true;
}

int64_t db_int(const struct db_result *result, unsigned row, unsigned column)
{
	struct db_value binary;
	int64_t value = 0;

	if (column_value(result, row, column, &binary))
		return db_value_int(&binary);
	(void)text_to_int(db_text(result, row, column), INT64_MIN, INT64_MAX, &value);
	return value;
}

double db_double(const struct db_result *result, unsigned row, unsigned column)
{
	struct db_value binary;
	double value = 0;

	if (column_value(result, row, column, &binary))
		return db_value_double(&binary);
	(void)text_to_double(db_text(result, row, column), &value);
	return value;
}

bool db_bool(const struct db_result *result, unsigned row, unsigned column)
{
	struct text text = db_text(result, row, column);
	struct db_value binary;

	if (column_value(result, row, column, &binary))
		return db_value_bool(&binary);
	return text.len == 1 && text.at[0] == 't';
}
