/* SPDX-License-Identifier: MIT
 *
 * Migrations: see the header. The advisory lock belongs to the session, so a command that dies
 * releases it.
 *
 * After a schema file every function file is applied again, changed or not, so a schema file may
 * drop a view or a function that depends on a table. Function bodies are not checked here, because
 * a function may call another one that a later file creates; tests/sql checks them.
 */
#include "reeyo/db/migrate.h"

#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "migrations.h"
#include "reeyo/core/log.h"
#include "reeyo/db/db.h"

/* Any fixed number that no other advisory lock of ours uses. */
#define MIGRATION_LOCK "7270916154"

/* Another instance may be migrating, which can take long. But the wait for a lock on a table in use
 * must be short, because all later statements on that table wait behind us. */
#define WAIT_FOR_TURN "SET lock_timeout = '10min'"
#define WAIT_FOR_TABLES "SET lock_timeout = '15s'"

/* The function file that the schema files use: it is applied before them. */
#define BASE "base"

#define HISTORY_MAX 1000

/* schema_functions keeps every version of a file that was applied. A server whose version was
 * replaced by a newer one keeps running; a server whose version was never applied does not start.
 */
#define ENSURE_TABLES \
	"CREATE TABLE IF NOT EXISTS schema_migrations (version int PRIMARY KEY, name text NOT " \
	"NULL, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());" \
	"CREATE TABLE IF NOT EXISTS schema_functions (name text, checksum text, current boolean " \
	"NOT NULL DEFAULT true, applied_at timestamptz NOT NULL DEFAULT now(), " \
	"PRIMARY KEY (name, checksum))"

#define TIME_TEXT "to_char(applied_at, 'YYYY-MM-DD HH24:MI:SS')"

/* version: 0 for a function file. current: always true for a schema file. */
struct applied {
	int version;
	bool current;
	char name[64], checksum[65], at[40];
};

struct applied_list {
	struct applied rows[HISTORY_MAX];
	int count;
};

struct history {
	struct applied_list schema, functions;
};

static void checksum_of(const char *text, char out[65])
{
	unsigned char hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(hash, (const unsigned char *)text, strlen(text));
	sodium_bin2hex(out, 65, hash, sizeof(hash));
}

/* --- State of the database -------------------------------------------------------------------- */

static void applied_row(void *arg, int n, char *const *values)
{
	struct applied_list *list = arg;
	struct applied *row = &list->rows[list->count];

	if (n < 5 || list->count == HISTORY_MAX)
		return;
	row->version = atoi(values[0]);
	row->current = values[1][0] == 't';
	snprintf(row->name, sizeof(row->name), "%s", values[2]);
	snprintf(row->checksum, sizeof(row->checksum), "%s", values[3]);
	snprintf(row->at, sizeof(row->at), "%s", values[4]);
	list->count++;
}

static int migrations_read(struct db_session *session, struct history *history)
{
	int error;

	history->schema.count = history->functions.count = 0;
	error = db_session_each(session,
		"SELECT version, true, name, checksum, " TIME_TEXT
		" FROM schema_migrations ORDER BY version",
		0, NULL, applied_row, &history->schema);
	if (error)
		return error;
	return db_session_each(session,
		"SELECT 0, current, name, checksum, " TIME_TEXT
		" FROM schema_functions ORDER BY current DESC, applied_at DESC, name",
		0, NULL, applied_row, &history->functions);
}

static const struct applied *schema_find(const struct history *history, int version)
{
	for (int i = 0; i < history->schema.count; i++)
		if (history->schema.rows[i].version == version)
			return &history->schema.rows[i];
	return NULL;
}

/* The version of a function file that is in the database now. */
static const struct applied *function_find(const struct history *history, const char *name)
{
	for (int i = 0; i < history->functions.count; i++) {
		const struct applied *row = &history->functions.rows[i];

		if (row->current && strcmp(row->name, name) == 0)
			return row;
	}
	return NULL;
}

/* True when the database has, or had before, this version of the function file. */
static bool function_known(const struct history *history, const struct sql_file *file)
{
	char checksum[65];

	checksum_of(file->text, checksum);
	for (int i = 0; i < history->functions.count; i++) {
		const struct applied *row = &history->functions.rows[i];

		if (strcmp(row->name, file->name) == 0 && strcmp(row->checksum, checksum) == 0)
			return true;
	}
	return false;
}

static bool checksum_matches(const struct applied *row, const struct sql_file *file)
{
	char checksum[65];

	checksum_of(file->text, checksum);
	return strcmp(row->checksum, checksum) == 0;
}

/* --- Files of the binary ---------------------------------------------------------------------- */

static int newest_of(const struct sql_file *files)
{
	int newest = 0;

	for (const struct sql_file *file = files; file->name; file++)
		newest = file->version;
	return newest;
}

static bool version_known(const struct sql_file *files, int version)
{
	for (const struct sql_file *file = files; file->name; file++)
		if (file->version == version)
			return true;
	return false;
}

static bool name_known(const struct sql_file *files, const char *name)
{
	for (const struct sql_file *file = files; file->name; file++)
		if (strcmp(file->name, name) == 0)
			return true;
	return false;
}

static int schema_missing(const struct history *history, const struct sql_file *files)
{
	int missing = 0;

	for (const struct sql_file *file = files; file->name; file++)
		missing += !schema_find(history, file->version);
	return missing;
}

/* --- Applying --------------------------------------------------------------------------------- */

static int changed_check(const struct history *history, const struct sql_file *files)
{
	for (const struct sql_file *file = files; file->name; file++) {
		const struct applied *row = schema_find(history, file->version);

		if (row && !checksum_matches(row, file)) {
			fprintf(stderr,
				"reeyo: schema file %04d_%s was changed after it was applied; add "
				"a new one instead\n",
				file->version, file->name);
			return E_CONFIG;
		}
	}
	for (int i = 0; i < history->schema.count; i++) {
		const struct applied *row = &history->schema.rows[i];

		if (version_known(files, row->version))
			continue;
		fprintf(stderr,
			"reeyo: the database has schema file %04d_%s, which this binary (at %04d) "
			"does not know\n",
			row->version, row->name, newest_of(files));
		return E_CONFIG;
	}
	return 0;
}

static int sql_file_apply(
	struct db_session *session, const struct sql_file *file, const char *record)
{
	int error = db_session_run(session, file->text);

	if (!error)
		error = db_session_run(session, record);
	if (error)
		fprintf(stderr, "reeyo: %s failed, nothing was changed\n", file->name);
	return error;
}

static int schema_apply(struct db_session *session, const struct sql_file *file)
{
	char record[300], checksum[65];

	checksum_of(file->text, checksum);
	snprintf(record, sizeof(record),
		"INSERT INTO schema_migrations (version, name, checksum) VALUES (%d, '%s', '%s')",
		file->version, file->name, checksum);
	return sql_file_apply(session, file, record);
}

static int function_apply(struct db_session *session, const struct sql_file *file)
{
	char record[600], checksum[65];

	checksum_of(file->text, checksum);
	snprintf(record, sizeof(record),
		"UPDATE schema_functions SET current = false WHERE name = '%s';"
		"INSERT INTO schema_functions (name, checksum) VALUES ('%s', '%s') "
		"ON CONFLICT (name, checksum) DO UPDATE SET current = true, applied_at = now()",
		file->name, file->name, checksum);
	return sql_file_apply(session, file, record);
}

static bool function_due(
	const struct history *history, const struct sql_set *set, const struct sql_file *file)
{
	const struct applied *row = function_find(history, file->name);

	return !row || !checksum_matches(row, file) || schema_missing(history, set->schema) > 0;
}

/* base: true applies the file that comes before the schema, false all others. */
static int functions_apply(struct db_session *session, const struct history *history,
	const struct sql_set *set, bool base)
{
	int error = 0;

	for (const struct sql_file *file = set->functions; file->name && !error; file++)
		if ((strcmp(file->name, BASE) == 0) == base && function_due(history, set, file))
			error = function_apply(session, file);
	return error;
}

static int schema_apply_missing(
	struct db_session *session, const struct history *history, const struct sql_set *set)
{
	int error = 0;

	for (const struct sql_file *file = set->schema; file->name && !error; file++)
		if (!schema_find(history, file->version))
			error = schema_apply(session, file);
	return error;
}

static int due_apply(
	struct db_session *session, const struct history *history, const struct sql_set *set)
{
	int error = db_session_run(session, "BEGIN; SET LOCAL check_function_bodies = off");

	if (!error)
		error = functions_apply(session, history, set, true);
	if (!error)
		error = schema_apply_missing(session, history, set);
	if (!error)
		error = functions_apply(session, history, set, false);
	if (!error)
		error = db_session_run(session, "COMMIT");
	if (error && db_session_run(session, "ROLLBACK"))
		log_line(LOG_WARN, "the rollback failed");
	return error;
}

/* Prints the files that due_apply applies; returns their number. */
static int due_print(const struct history *history, const struct sql_set *set)
{
	int due = 0;

	for (const struct sql_file *file = set->schema; file->name; file++)
		if (!schema_find(history, file->version) && ++due)
			printf("applied %04d_%s\n", file->version, file->name);
	for (const struct sql_file *file = set->functions; file->name; file++)
		if (function_due(history, set, file) && ++due)
			printf("applied functions %s\n", file->name);
	return due;
}

static int migrate_locked(
	struct db_session *session, struct history *history, const struct sql_set *set)
{
	int error;

	if ((error = migrations_read(session, history)) ||
		(error = changed_check(history, set->schema)) ||
		(error = due_apply(session, history, set)))
		return error;
	if (due_print(history, set) == 0)
		puts("the schema is up to date");
	return 0;
}

/* Opens a session and allocates the history. */
static int migrate_begin(const char *url, struct db_session **session, struct history **history)
{
	int error = db_session_open(url, session);

	if (error)
		return error;
	*history = calloc(1, sizeof(**history));
	return *history ? 0 : E_NO_MEMORY;
}

int migrate_run_with(const char *url, const struct sql_set *set)
{
	struct db_session *session = NULL;
	struct history *history = NULL;
	int error = migrate_begin(url, &session, &history);

	if (!error)
		error = db_session_run(session, WAIT_FOR_TURN);
	if (!error)
		error = db_session_run(session, "SELECT pg_advisory_lock(" MIGRATION_LOCK ")");
	if (!error)
		error = db_session_run(session, WAIT_FOR_TABLES);
	if (!error)
		error = db_session_run(session, ENSURE_TABLES);
	if (!error)
		error = migrate_locked(session, history, set);
	db_session_close(session);
	free(history);
	return error;
}

/* --- Status and check ------------------------------------------------------------------------- */

/* Reads the history; it is empty before the first migration. */
static int migrations_read_if_any(struct db_session *session, struct history *history)
{
	char exists[8];
	int error = db_session_value(session, "SELECT to_regclass('schema_functions') IS NOT NULL",
		exists, sizeof(exists));

	if (error || exists[0] != 't')
		return error;
	return migrations_read(session, history);
}

static void schema_print(const struct history *history, const struct sql_file *files)
{
	for (const struct sql_file *file = files; file->name; file++) {
		const struct applied *row = schema_find(history, file->version);

		printf("%04d %-24s %s%s\n", file->version, file->name,
			!row                                   ? "pending"
				: !checksum_matches(row, file) ? "CHANGED after it was applied "
							       : "applied ",
			row ? row->at : "");
	}
	for (int i = 0; i < history->schema.count; i++) {
		const struct applied *row = &history->schema.rows[i];

		if (!version_known(files, row->version))
			printf("%04d %-24s unknown to this binary, applied %s\n", row->version,
				row->name, row->at);
	}
}

static void functions_print(const struct history *history, const struct sql_file *files)
{
	for (const struct sql_file *file = files; file->name; file++) {
		const struct applied *row = function_find(history, file->name);

		printf("fn   %-24s %s%s\n", file->name,
			!row ? "pending"
				: !checksum_matches(row, file)
				? "pending, another version was applied "
				: "applied ",
			row ? row->at : "");
	}
	for (int i = 0; i < history->functions.count; i++) {
		const struct applied *row = &history->functions.rows[i];

		if (row->current && !name_known(files, row->name))
			printf("fn   %-24s unknown to this binary, applied %s\n", row->name,
				row->at);
	}
}

int migrate_status_with(const char *url, const struct sql_set *set)
{
	struct db_session *session = NULL;
	struct history *history = NULL;
	int error = migrate_begin(url, &session, &history);

	if (!error)
		error = migrations_read_if_any(session, history);
	if (!error) {
		schema_print(history, set->schema);
		functions_print(history, set->functions);
	}
	db_session_close(session);
	free(history);
	return error;
}

static int functions_missing(const struct history *history, const struct sql_file *files)
{
	int missing = 0;

	for (const struct sql_file *file = files; file->name; file++)
		missing += !function_known(history, file);
	return missing;
}

static int missing_check(const struct history *history, const struct sql_set *set)
{
	int schema = schema_missing(history, set->schema);
	int functions = functions_missing(history, set->functions);

	if (!schema && !functions)
		return 0;
	log_line(LOG_ERROR,
		"the database schema is older than this binary: run `reeyo migrate` first",
		LOG_I("missing_schema_files", schema), LOG_I("missing_function_files", functions),
		LOG_I("binary", newest_of(set->schema)));
	return E_CONFIG;
}

int migrate_check_with(const char *url, const struct sql_set *set)
{
	struct db_session *session = NULL;
	struct history *history = NULL;
	int error = migrate_begin(url, &session, &history);

	if (!error)
		error = migrations_read_if_any(session, history);
	if (!error)
		error = missing_check(history, set);
	db_session_close(session);
	free(history);
	return error;
}

static const struct sql_set embedded_set = { embedded_schema, embedded_functions };

int migrate_run(const char *url)
{
	return migrate_run_with(url, &embedded_set);
}

int migrate_status(const char *url)
{
	return migrate_status_with(url, &embedded_set);
}

int migrate_check(const char *url)
{
	return migrate_check_with(url, &embedded_set);
}
