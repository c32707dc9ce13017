/* SPDX-License-Identifier: MIT
 *
 * Every statement of sql/queries against PostgreSQL's own description of it on the current schema:
 * the types of its parameters fit the members of its struct, and its columns are those declared.
 */
#include <check.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../own_database.h"
#include "../suite.h"
#include "embedded.h"
#include "reeyo/db/db.h"

static PGconn *pg;

/* The member that a parameter of this type should have. Oids of PostgreSQL's own types are fixed
 * (pg_type.dat). */
static enum param_type type_for(Oid type)
{
	switch (type) {
	case 20: /* int8 */
	case 21: /* int2 */
	case 23: /* int4 */
		return PARAM_INTEGER;
	case 700:  /* float4 */
	case 701:  /* float8 */
	case 1700: /* numeric */
		return PARAM_DOUBLE;
	case 16: /* bool */
		return PARAM_BOOLEAN;
	case 1000: /* bool[] */
		return PARAM_BOOLEANS;
	case 1022: /* float8[] */
		return PARAM_DOUBLES;
	case 1007: /* int4[] */
	case 1016: /* int8[] */
		return PARAM_INTEGERS;
	case 114:  /* json */
	case 25:   /* text */
	case 3802: /* jsonb */
	case 1043: /* varchar */
	case 1082: /* date */
	case 1184: /* timestamptz */
	case 1186: /* interval */
	case 869:  /* inet */
	case 17:   /* bytea */
		return PARAM_TEXT;
	default:
		return PARAM_TEXTS;
	}
}

static void columns_list(const PGresult *described, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	for (int i = 0; i < PQnfields(described); i++)
		len += (size_t)snprintf(
			out + len, size - len, "%s%s", i ? "," : "", PQfname(described, i));
}

/* Typed columns are read in binary, so the declared types must be PostgreSQL's. */
static void types_check(const struct query_text *statement, const PGresult *described)
{
	for (int i = 0; statement->types && i < PQnfields(described); i++)
		ck_assert_msg(PQftype(described, i) == (Oid)statement->types[i],
			"%s: %s is of type %u", statement->name, PQfname(described, i),
			PQftype(described, i));
}

START_TEST(statement_is_as_described)
{
	const struct query_text *statement = &embedded_queries[_i];
	PGresult *prepared = PQprepare(pg, "", statement->text, 0, NULL);
	PGresult *described = PQdescribePrepared(pg, "");
	char columns[2000];

	ck_assert_msg(PQresultStatus(prepared) == PGRES_COMMAND_OK, "%s: %s", statement->name,
		PQerrorMessage(pg));
	ck_assert_int_eq(PQresultStatus(described), PGRES_COMMAND_OK);
	for (unsigned i = 0; i < statement->param_count; i++)
		ck_assert_msg(type_for(PQparamtype(described, (int)i)) == statement->params[i].type,
			"%s: $%u is of type %u", statement->name, i + 1,
			PQparamtype(described, (int)i));
	columns_list(described, columns, sizeof(columns));
	if (statement->columns)
		ck_assert_msg(strcmp(columns, statement->columns) == 0, "%s: has %s, declares %s",
			statement->name, columns, statement->columns);
	types_check(statement, described);
	PQclear(prepared);
	PQclear(described);
}
END_TEST

static int database_connect(const char *url)
{
	pg = PQconnectdb(url);
	return PQstatus(pg) == CONNECTION_OK ? 0 : E_STORE_DOWN;
}

static void database_disconnect(void)
{
	PQfinish(pg);
}

int main(void)
{
	Suite *suite = suite_create("statements");
	TCase *tcase = tcase_create("all");

	setenv("CK_FORK", "no", 1); /* the tests share the connection */
	tcase_add_loop_test(tcase, statement_is_as_described, 0, QUERY_COUNT);
	suite_add_tcase(suite, tcase);
	return own_database_suite_run(suite, database_connect, database_disconnect);
}
