/* SPDX-License-Identifier: MIT
 *
 * The audit: see the header. All checks run in one transaction at REPEATABLE READ, so they see the
 * same state while the server keeps running. A check returns the entries that violate it. The first
 * entry is the one with the smallest id; ids of entries and orders begin with their time.
 */
#include "reeyo/db/audit.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embedded.h"
#include "reeyo/core/log.h"
#include "reeyo/core/memory.h"
#include "reeyo/db/db.h"

/* The checks add up the whole ledger: they get more memory for hash tables, and no JIT compilation,
 * because each statement runs once. */
#define BEGIN_AUDIT \
	"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;" \
	"SET LOCAL work_mem = '128MB'; SET LOCAL jit = off; SET LOCAL statement_timeout = 0"

struct audit {
	struct db_session *session;
	json_t *list; /* NULL: lines on stdout */
	const struct audit_check *check;
	bool found;
};

/* values: the entry, a description of the violation, the number of violating entries. */
static void check_print_broken(void *arg, int n, char *const *values)
{
	struct audit *audit = arg;
	const char *entry = values[0] ? values[0] : "", *what = values[1] ? values[1] : "";

	(void)n;
	audit->found = true;
	if (!audit->list) {
		printf("%-30s BROKEN  first entry %s: %s (%s in all)\n", audit->check->name, entry,
			what, values[2]);
		return;
	}
	json_array_append_new(audit->list,
		json_pack("{s:s,s:b,s:s,s:s,s:I}", "check", audit->check->name, "ok", 0, "entry",
			entry, "what", what, "count", (json_int_t)strtoll(values[2], NULL, 10)));
}

static void check_print_ok(struct audit *audit)
{
	if (!audit->list)
		printf("%-30s ok\n", audit->check->name);
	else
		json_array_append_new(
			audit->list, json_pack("{s:s,s:b}", "check", audit->check->name, "ok", 1));
}

/* *ret is true when the table that the check needs exists. */
static int check_applies(struct audit *audit, bool *ret)
{
	char sql[128], answer[8];
	int error;

	*ret = true;
	if (!audit->check->needs[0])
		return 0;
	snprintf(sql, sizeof(sql), "SELECT to_regclass('%s') IS NOT NULL", audit->check->needs);
	error = db_session_value(audit->session, sql, answer, sizeof(answer));
	*ret = answer[0] == 't';
	return error;
}

static int check_run(struct audit *audit)
{
	auto_free char *sql = NULL;
	bool applies = false;
	int error = check_applies(audit, &applies);

	if (error || !applies)
		return error;
	/* MATERIALIZED: otherwise the planner joins row by row because of the LIMIT. */
	if (asprintf(&sql,
		    "WITH broken(entry, what) AS MATERIALIZED (%s)"
		    " SELECT entry, what, (SELECT count(*) FROM broken)"
		    " FROM broken ORDER BY entry LIMIT 1",
		    audit->check->text) < 0)
		return E_NO_MEMORY;
	audit->found = false;
	error = db_session_each(audit->session, sql, 0, NULL, check_print_broken, audit);
	if (error)
		log_line(LOG_ERROR, "an audit check could not run",
			LOG_T("check", audit->check->name));
	else if (!audit->found)
		check_print_ok(audit);
	return error;
}

static int checks_run(struct audit *audit, unsigned *broken)
{
	int error = db_session_run(audit->session, BEGIN_AUDIT);

	for (audit->check = embedded_checks; !error && audit->check->name; audit->check++) {
		error = check_run(audit);
		*broken += audit->found;
	}
	return error ? error : db_session_run(audit->session, "COMMIT");
}

int audit_run(const char *url, bool json, unsigned *broken)
{
	struct audit audit = { 0 };
	int error = db_session_open(url, &audit.session);

	*broken = 0;
	if (error)
		return error;
	audit.list = json ? json_array() : NULL;
	error = checks_run(&audit, broken);
	db_session_close(audit.session);
	if (audit.list) {
		json_dumpf(audit.list, stdout, JSON_INDENT(1));
		putchar('\n');
	}
	json_decref(audit.list);
	return error;
}
