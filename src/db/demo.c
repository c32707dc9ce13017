/* SPDX-License-Identifier: MIT
 *
 * Demo data from the embedded files of sql/demo: always "small", and "bench" after it for the
 * larger sizes. The files are plain SQL. Password hashes and the number of orders are passed to
 * them as settings of the session, reeyo.*.
 */
#include "reeyo/db/demo.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embedded.h"
#include "reeyo/core/log.h"
#include "reeyo/db/db.h"
#include "reeyo/db/migrate.h"

/* The defaults of the server, so that a demo log-in costs as much as a real one and is not hashed
 * again. */
#define DEMO_HASH_PASSES 5
#define DEMO_HASH_MEMORY ((size_t)7168 * 1024)

static const struct {
	const char *name, *password;
} demo_passwords[] = {
	{ "reeyo.hash_customer", "Test123!@#" },
	{ "reeyo.hash_vendor", "VendorPass123!" },
	{ "reeyo.hash_rider", "RiderPass123!" },
	{ "reeyo.hash_admin", "AdminSecure123!" },
};

static const struct {
	const char *name;
	int64_t orders;
} demo_sizes[] = { { "small", 0 }, { "bench", 100000 }, { "huge", 5000000 } };
#define DEMO_SIZES (sizeof(demo_sizes) / sizeof(demo_sizes[0]))

/* Sets a setting of the session. The values are constants and hashes without quotes. */
static int demo_setting_set(struct db_session *session, const char *name, const char *value)
{
	char sql[256];

	snprintf(sql, sizeof(sql), "SELECT set_config('%s', '%s', false)", name, value);
	return db_session_run(session, sql);
}

static int demo_hashes_set(struct db_session *session)
{
	char hash[crypto_pwhash_STRBYTES];
	int error = 0;

	if (sodium_init() < 0)
		return E_INTERNAL;
	for (size_t i = 0; !error && i < sizeof(demo_passwords) / sizeof(demo_passwords[0]); i++) {
		const char *password = demo_passwords[i].password;

		if (crypto_pwhash_str_alg(hash, password, strlen(password), DEMO_HASH_PASSES,
			    DEMO_HASH_MEMORY, crypto_pwhash_ALG_ARGON2ID13) != 0)
			return E_NO_MEMORY;
		error = demo_setting_set(session, demo_passwords[i].name, hash);
	}
	return error;
}

static const char *demo_text(const char *name)
{
	for (const struct sql_file *file = embedded_demo; file->name; file++)
		if (strcmp(file->name, name) == 0)
			return file->text;
	return NULL;
}

/* Runs a file in one transaction. */
static int demo_file_run(struct db_session *session, const char *name)
{
	const char *text = demo_text(name);
	int error = text ? db_session_run(session, "BEGIN") : E_INTERNAL;

	if (!error)
		error = db_session_run(session, text);
	if (!error)
		error = db_session_run(session, "COMMIT");
	return error;
}

static int demo_count_read(struct db_session *session, int64_t *ret, const char *sql)
{
	char text[24];
	int error = db_session_value(session, sql, text, sizeof(text));

	if (!error)
		*ret = strtoll(text, NULL, 10);
	return error;
}

static int demo_bench_run(struct db_session *session, int64_t orders)
{
	char count[24], sql[128];
	int64_t customers = 0, enough = 0;
	int error;

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM orders WHERE id = 'ord_%026" PRId64 "'",
		orders);
	error = demo_count_read(
		session, &customers, "SELECT count(*) FROM users WHERE id = 'user_bench_00001'");
	if (!error)
		error = demo_count_read(session, &enough, sql);
	if (error)
		return error;
	if (enough)
		return 0;
	if (customers) {
		log_line(
			LOG_ERROR, "a smaller size is loaded: load this one into a fresh database");
		return E_CONFIG;
	}
	snprintf(count, sizeof(count), "%" PRId64, orders);
	error = demo_setting_set(session, "reeyo.orders", count);
	if (!error)
		error = demo_file_run(session, "bench");
	/* autovacuum would do it later; until then reads would write hint bits */
	if (!error)
		error = db_session_run(session, "VACUUM (ANALYZE)");
	return error;
}

static void demo_counts_print(struct db_session *session)
{
	char line[200];

	if (!db_session_value(session,
		    "SELECT format('%s customers, %s vendors, %s items, %s orders',"
		    " (SELECT count(*) FROM users), (SELECT count(*) FROM vendors),"
		    " (SELECT count(*) FROM items), (SELECT count(*) FROM orders))",
		    line, sizeof(line)))
		printf("The database holds %s.\n", line);
}

int demo_load(const char *url, const char *size)
{
	struct db_session *session;
	size_t chosen = 0;
	int error;

	while (chosen < DEMO_SIZES && strcmp(demo_sizes[chosen].name, size) != 0)
		chosen++;
	if (chosen == DEMO_SIZES) {
		log_line(LOG_ERROR, "a demo size is small, bench or huge", LOG_T("size", size));
		return E_CONFIG;
	}
	error = migrate_check(url);
	if (!error)
		error = db_session_open(url, &session);
	if (error)
		return error;
	error = demo_hashes_set(session);
	if (!error)
		error = demo_file_run(session, "small");
	if (!error && demo_sizes[chosen].orders)
		error = demo_bench_run(session, demo_sizes[chosen].orders);
	if (!error)
		demo_counts_print(session);
	db_session_close(session);
	return error;
}
