/* SPDX-License-Identifier: MIT
 *
 * `reeyo check`: prints the configuration and tries each dependency.
 */
#include <stdio.h>

#include "commands.h"
#include "reeyo/cache/cache.h"
#include "reeyo/db/db.h"
#include "reeyo/db/migrate.h"
#include "reeyo/loop/loop.h"

static int check_print(const char *name, int error, const char *right, const char *wrong)
{
	printf("%-30s %s\n", name, error ? wrong : right);
	return error;
}

static int check_database(const char *name, const char *url)
{
	struct db_session *session = NULL;
	int error = db_session_open(url, &session);

	db_session_close(session);
	return check_print(name, error, "answers", "DOES NOT ANSWER");
}

/* The server works without Redis, so only the databases decide the exit code. */
int run_check(const struct config *config, int argc, char **argv)
{
	int error;

	(void)argc;
	(void)argv;
	config_print(config);
	puts("");
	error = check_database("database_url", config->database_url);
	if (!error)
		error = check_print("schema", migrate_check(config->database_url), "up to date",
			"OLDER than this binary: run reeyo migrate");
	if (config->replica_url[0] && check_database("replica_url", config->replica_url))
		error = E_STORE_DOWN;
	printf("%-30s %s\n", "thread slices",
		thread_slice_shorten() ? "the kernel offers them"
				       : "NOT OFFERED by this kernel (Linux 6.12): log-ins may "
					 "delay other requests");
	if (!config->redis_url[0])
		puts("redis_url                      none: everything is read from the database");
	else
		(void)check_print("redis_url", cache_check(config->redis_url), "answers",
			"DOES NOT ANSWER: the server serves without a cache");
	return error;
}
