/* SPDX-License-Identifier: MIT
 *
 * Migrations: see the header. The advisory lock belongs to the session, so a command that dies lets it go.
 */
#include "reeyo/db/migrate.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embedded.h"
#include "reeyo/core/log.h"
#include "reeyo/db/db.h"

/* Any fixed number will do, as long as nothing else of ours locks it. */
#define MIGRATION_LOCK "7270916154"

#define ENSURE_TABLE \
	"CREATE TABLE IF NOT EXISTS schema_migrations (version int PRIMARY KEY, name text NOT NULL, " \
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

static int newest_embedded(void)
{
	int newest = 0;

	for (const struct sql_file *file = embedded_migrations; file->name; file++)
		newest = file->version;
	return newest;
}

static int changed_check(const struct history *history)
{
	char checksum[65];

	for (const struct sql_file *file = embedded_migrations; file->name; file++) {
		const struct applied *row = history_find(history, file->version);

		checksum_of(file->text, checksum);
		if (row && strcmp(row->checksum, checksum) != 0) {
			fprintf(stderr, "reeyo: migration %04d_%s was changed after it was applied; add a new one instead\n",
				file->version, file->name);
			return E_CONFIG;
		}
	}
	if (history->count && history->rows[history->count - 1].version > newest_embedded()) {
		fprintf(stderr, "reeyo: the database is at version %04d, newer than this binary (%04d)\n",
			history->rows[history->count - 1].version, newest_embedded());
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
		fprintf(stderr, "reeyo: migration %04d_%s failed, nothing of it was kept\n", file->version,
			file->name);
		if (db_session_run(session, "ROLLBACK"))
			log_line(LOG_WARN, "the rollback was not heard");
		return error;
	}
	printf("applied %04d_%s\n", file->version, file->name);
	return 0;
}

static int missing_apply(struct db_session *session, struct history *history)
{
	int applied = 0, error;

	if ((error = history_read(session, history)) || (error = changed_check(history)))
		return error;
	for (const struct sql_file *file = embedded_migrations; file->name; file++) {
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

int migrate_run(const char *url)
{
	struct db_session *session = NULL;
	struct history *history = NULL;
	int error = begin(url, &session, &history);

	if (!error)
		error = db_session_run(session, "SELECT pg_advisory_lock(" MIGRATION_LOCK ")");
	if (!error)
		error = db_session_run(session, ENSURE_TABLE);
	if (!error)
		error = missing_apply(session, history);
	db_session_close(session);
	free(history);
	return error;
}

static int table_exists(struct db_session *session, int *ret_exists)
{
	char value[8];
	int error = db_session_value(session, "SELECT to_regclass('schema_migrations') IS NOT NULL", value,
		sizeof(value));

	*ret_exists = value[0] == 't';
	return error;
}

static void status_print(const struct history *history)
{
	char checksum[65];

	for (const struct sql_file *file = embedded_migrations; file->name; file++) {
		const struct applied *row = history_find(history, file->version);

		checksum_of(file->text, checksum);
		printf("%04d %-24s %s%s\n", file->version, file->name,
			!row					? "pending" :
			strcmp(row->checksum, checksum) != 0	? "CHANGED after it was applied " :
								  "applied ",
			row ? row->at : "");
	}
	for (int i = 0; i < history->count; i++)
		if (history->rows[i].version > newest_embedded())
			printf("%04d %-24s unknown to this binary, applied %s\n", history->rows[i].version,
				history->rows[i].name, history->rows[i].at);
}

int migrate_status(const char *url)
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
		status_print(history);
	db_session_close(session);
	free(history);
	return error;
}

int migrate_check(const char *url)
{
	struct db_session *session = NULL;
	int exists = 0, version = 0;
	char value[16] = "";
	int error = db_session_open(url, &session);

	if (!error)
		error = table_exists(session, &exists);
	if (!error && exists)
		error = db_session_value(session, "SELECT coalesce(max(version), 0) FROM schema_migrations", value,
			sizeof(value));
	db_session_close(session);
	version = atoi(value);
	if (!error && version < newest_embedded()) {
		log_line(LOG_ERROR, "the database schema is older than this binary: run `reeyo migrate` first",
			LOG_I("database", version), LOG_I("binary", newest_embedded()));
		return E_CONFIG;
	}
	return error;
}
