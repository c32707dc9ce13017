/* SPDX-License-Identifier: MIT
 *
 * Migrations: see the header. The advisory lock belongs to the session, so a command that dies lets
 * it go.
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

/* Any fixed number will do, as long as nothing else of ours locks it. */
#define MIGRATION_LOCK "7270916154"

/* Another copy may be migrating for long. A lock on a table in use must not be waited for long:
 * whoever asks for the table meanwhile waits behind us. */
#define WAIT_FOR_TURN "SET lock_timeout = '10min'"
#define WAIT_FOR_TABLES "SET lock_timeout = '15s'"

#define ENSURE_TABLE                                                                               \
	"CREATE TABLE IF NOT EXISTS schema_migrations (version int PRIMARY KEY, name text NOT "    \
	"NULL, "                                                                                   \
	"checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"

struct applied {
	int version;
	char name[64], checksum[65], at[40];
};

struct history {
	struct applied rows[1000];
	int count;
};

static void checksum_of(const char *text, char out[65])
{
	unsigned char hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(hash, (const unsigned char *)text, strlen(text));
	sodium_bin2hex(out, 65, hash, sizeof(hash));
}

static void history_row(void *arg, int n, char *const *values)
{
	struct history *history = arg;
	struct applied *row = &history->rows[history->count];

	if (n < 4 || history->count == 1000)
		return;
	row->version = atoi(values[0]);
	snprintf(row->name, sizeof(row->name), "%s", values[1]);
	snprintf(row->checksum, sizeof(row->checksum), "%s", values[2]);
	snprintf(row->at, sizeof(row->at), "%s", values[3]);
	history->count++;
}

static int history_read(struct db_session *session, struct history *history)
{
	history->count = 0;
	return db_session_each(session,
		"SELECT version, name, checksum, to_char(applied_at, 'YYYY-MM-DD HH24:MI:SS') "
		"FROM schema_migrations ORDER BY version",
		0, NULL, history_row, history);
}

static const struct applied *history_find(const struct history *history, int version)
{
	for (int i = 0; i < history->count; i++)
		if (history->rows[i].version == version)
			return &history->rows[i];
	return NULL;
}

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

static int changed_check(const struct history *history, const struct sql_file *files)
{
	char checksum[65];

	for (const struct sql_file *file = files; file->name; file++) {
		const struct applied *row = history_find(history, file->version);

		checksum_of(file->text, checksum);
		if (row && strcmp(row->checksum, checksum) != 0) {
			fprintf(stderr,
				"reeyo: migration %04d_%s was changed after it was applied; add a "
				"new one instead\n",
				file->version, file->name);
			return E_CONFIG;
		}
	}
	for (int i = 0; i < history->count; i++) {
		const struct applied *row = &history->rows[i];

		if (version_known(files, row->version))
			continue;
		fprintf(stderr,
			"reeyo: the database has migration %04d_%s, which this binary (at %04d) "
			"does not know\n",
			row->version, row->name, newest_of(files));
		return E_CONFIG;
	}
	return 0;
}

static int migration_apply(struct db_session *session, const struct sql_file *file)
{
	char record[300], checksum[65];
	int error;

	checksum_of(file->text, checksum);
	snprintf(record, sizeof(record),
		"INSERT INTO schema_migrations (version, name, checksum) VALUES (%d, '%s', '%s')",
		file->version, file->name, checksum);
	error = db_session_run(session, "BEGIN");
	if (!error)
		error = db_session_run(session, file->text);
	if (!error)
		error = db_session_run(session, record);
	if (!error)
		error = db_session_run(session, "COMMIT");
	if (error) {
		fprintf(stderr, "reeyo: migration %04d_%s failed, nothing of it was kept\n",
			file->version, file->name);
		if (db_session_run(session, "ROLLBACK"))
			log_line(LOG_WARN, "the rollback was not heard");
		return error;
	}
	printf("applied %04d_%s\n", file->version, file->name);
	return 0;
}

static int missing_apply(
	struct db_session *session, struct history *history, const struct sql_file *files)
{
	int applied = 0, error;

	if ((error = history_read(session, history)) || (error = changed_check(history, files)))
		return error;
	for (const struct sql_file *file = files; file->name; file++) {
		if (history_find(history, file->version))
			continue;
		if ((error = migration_apply(session, file)))
			return error;
		applied++;
	}
	if (!applied)
		puts("the schema is up to date");
	return 0;
}

/* Opens a session and gives the caller's history room. */
static int begin(const char *url, struct db_session **session, struct history **history)
{
	int error = db_session_open(url, session);

	if (error)
		return error;
	*history = calloc(1, sizeof(**history));
	return *history ? 0 : E_NO_MEMORY;
}

int migrate_run_with(const char *url, const struct sql_file *files)
{
	struct db_session *session = NULL;
	struct history *history = NULL;
	int error = begin(url, &session, &history);

	if (!error)
		error = db_session_run(session, WAIT_FOR_TURN);
	if (!error)
		error = db_session_run(session, "SELECT pg_advisory_lock(" MIGRATION_LOCK ")");
	if (!error)
		error = db_session_run(session, WAIT_FOR_TABLES);
	if (!error)
		error = db_session_run(session, ENSURE_TABLE);
	if (!error)
		error = missing_apply(session, history, files);
	db_session_close(session);
	free(history);
	return error;
}

static int table_exists(struct db_session *session, int *ret_exists)
{
	char value[8];
	int error = db_session_value(session, "SELECT to_regclass('schema_migrations') IS NOT NULL",
		value, sizeof(value));

	*ret_exists = !error && value[0] == 't';
	return error;
}

static void status_print(const struct history *history, const struct sql_file *files)
{
	char checksum[65];

	for (const struct sql_file *file = files; file->name; file++) {
		const struct applied *row = history_find(history, file->version);

		checksum_of(file->text, checksum);
		printf("%04d %-24s %s%s\n", file->version, file->name,
			!row                                   ? "pending"
			: strcmp(row->checksum, checksum) != 0 ? "CHANGED after it was applied "
		                                               : "applied ",
			row ? row->at : "");
	}
	for (int i = 0; i < history->count; i++)
		if (!version_known(files, history->rows[i].version))
			printf("%04d %-24s unknown to this binary, applied %s\n",
				history->rows[i].version, history->rows[i].name,
				history->rows[i].at);
}

int migrate_status_with(const char *url, const struct sql_file *files)
{
	struct db_session *session = NULL;
	struct history *history = NULL;
	int exists = 0;
	int error = begin(url, &session, &history);

	if (!error)
		error = table_exists(session, &exists);
	if (!error && exists)
		error = history_read(session, history);
	if (!error)
		status_print(history, files);
	db_session_close(session);
	free(history);
	return error;
}

static int missing_count(const struct history *history, const struct sql_file *files)
{
	int missing = 0;

	for (const struct sql_file *file = files; file->name; file++)
		missing += !history_find(history, file->version);
	return missing;
}

int migrate_check_with(const char *url, const struct sql_file *files)
{
	struct db_session *session = NULL;
	struct history *history = NULL;
	int exists = 0, missing = 0;
	int error = begin(url, &session, &history);

	if (!error)
		error = table_exists(session, &exists);
	if (!error && exists)
		error = history_read(session, history);
	if (!error)
		missing = missing_count(history, files);
	if (missing) {
		log_line(LOG_ERROR,
			"the database schema is older than this binary: run `reeyo migrate` first",
			LOG_I("missing_migrations", missing), LOG_I("binary", newest_of(files)));
		error = E_CONFIG;
	}
	db_session_close(session);
	free(history);
	return error;
}

int migrate_run(const char *url)
{
	return migrate_run_with(url, embedded_migrations);
}

int migrate_status(const char *url)
{
	return migrate_status_with(url, embedded_migrations);
}

int migrate_check(const char *url)
{
	return migrate_check_with(url, embedded_migrations);
}
