/* SPDX-License-Identifier: MIT
 *
 * The command line: one binary that serves, migrates, checks and loads demo data.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "reconcile.h"
#include "reeyo/api/routes.h"
#include "reeyo/auth/admin_create.h"
#include "reeyo/cache/cache.h"
#include "reeyo/core/config.h"
#include "reeyo/core/log.h"
#include "reeyo/core/memory.h"
#include "reeyo/db/audit.h"
#include "reeyo/db/db.h"
#include "reeyo/db/demo.h"
#include "reeyo/db/migrate.h"
#include "reeyo/service/settings.h"
#include "serve.h"

struct command {
	const char *name;
	int (*run)(const struct config *config, int argc, char **argv);
	const char *usage, *summary;
	/* E_CONFLICT is a finding (exit code 1), any other error a failure (exit code 2) */
	bool reports_findings;
};

static int run_serve(const struct config *config, int argc, char **argv)
{
	(void)argv;
	if (argc) {
		fprintf(stderr, "reeyo serve takes flags only, see reeyo help\n");
		return E_CONFIG;
	}
	return serve(config);
}

static int run_migrate(const struct config *config, int argc, char **argv)
{
	int error;

	if (argc == 1 && strcmp(argv[0], "status") == 0)
		return migrate_status(config->database_url);
	if (argc != 0) {
		fprintf(stderr, "usage: reeyo migrate [status]\n");
		return E_CONFIG;
	}
	error = migrate_run(config->database_url);
	return error ? error : settings_seed(config->database_url);
}

static int run_demo(const struct config *config, int argc, char **argv)
{
	if (argc > 1 || strcmp(config->environment, "production") == 0) {
		fprintf(stderr,
			"reeyo demo takes --size small, bench or huge, and "
			"is not for production\n");
		return E_CONFIG;
	}
	return demo_load(config->database_url, argc ? argv[0] : "small");
}

/* Exit code 0: every check passed. */
static int run_audit(const struct config *config, int argc, char **argv)
{
	bool json = argc == 1 && strcmp(argv[0], "json") == 0;
	unsigned broken;
	int error;

	if (argc && !json) {
		fprintf(stderr, "usage: reeyo audit [--json]\n");
		return E_CONFIG;
	}
	error = audit_run(config->database_url, json, &broken);
	return error ? error : broken ? E_CONFLICT : 0;
}

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
static int run_check(const struct config *config, int argc, char **argv)
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
	if (!config->redis_url[0])
		puts("redis_url                      none: everything is read from the database");
	else
		(void)check_print("redis_url", cache_check(config->redis_url), "answers",
			"DOES NOT ANSWER: the server serves without a cache");
	return error;
}

/* Reads a line of standard input; a terminal does not show it. */
static bool password_read(char *out, int size)
{
	struct termios shown, hidden;
	bool typed = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &shown) == 0;
	bool read;

	if (typed) {
		hidden = shown;
		hidden.c_lflag &= ~(tcflag_t)ECHO;
		fputs("Password: ", stderr);
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	}
	read = fgets(out, size, stdin) != NULL;
	if (typed) {
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
		fputc('\n', stderr);
	}
	if (read)
		out[strcspn(out, "\r\n")] = '\0';
	return read;
}

/* argv: pairs of a name and its value, see command_flags_strip. */
static int run_admin(const struct config *config, int argc, char **argv)
{
	struct admin_account admin = { .email = config->super_admin_email,
		.password = config->super_admin_password };
	char typed[256];
	bool changed;
	int error;

	for (int i = 0; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "email") == 0)
			admin.email = argv[i + 1];
		else if (strcmp(argv[i], "name") == 0)
			admin.name = argv[i + 1];
		else if (strcmp(argv[i], "role") == 0)
			admin.role = argv[i + 1];
		else
			argc = -1;
	}
	if (argc < 0 || argc % 2 || !admin.email[0]) {
		fprintf(stderr,
			"usage: reeyo admin --email E [--name N] [--role ADMIN|SUPER_ADMIN]\n");
		return E_CONFIG;
	}
	if (!admin.password[0]) {
		if (!password_read(typed, sizeof(typed))) {
			fprintf(stderr,
				"reeyo admin reads the password from "
				"REEYO_SUPER_ADMIN_PASSWORD or standard input\n");
			return E_CONFIG;
		}
		admin.password = typed;
	}
	error = admin_create(config, &admin, &changed);
	sodium_memzero(typed, sizeof(typed));
	if (!error)
		printf("%s %s\n", admin.email,
			changed ? "has the new password" : "was created as admin");
	return error;
}

static void route_print(void *arg, const struct route_set *set, const struct route *row)
{
	char path[128];

	(void)arg;
	snprintf(path, sizeof(path), "%s%s%s", row->root ? "" : "/api/v1/",
		row->root ? "" : name_space_name(set->ns), row->path);
	printf("%-14s %-48s %-30s %s\n",
		row->any_write ? "PUT,POST,PATCH" : method_name(row->method), path,
		access_name(route_access(set, row)), row->summary);
}

static void route_append(void *arg, const struct route_set *set, const struct route *row)
{
	json_t *aliases = json_array();
	struct text rest = text_of(row->aliases);

	while (rest.at && rest.len) {
		struct text one = text_cut(&rest, ' ');

		json_array_append_new(aliases, json_stringn(one.at, one.len));
	}
	json_array_append_new(arg,
		json_pack(
			"{s:s,s:s,s:s,s:o,s:s,s:s,s:b,s:b,s:b,s:b,s:b,s:b,s:b,s:b,s:I,s:s,s:s?,s:s?,s:s?,s:s?}",
			"method", method_name(row->method), "path", row->path, "operationId",
			row->operation, "aliases", aliases, "namespace", name_space_name(set->ns),
			"access", access_name(route_access(set, row)), "root", (int)row->root,
			"internal", (int)row->internal, "anyWrite", (int)row->any_write,
			"idempotent", (int)row->idempotent, "hasBody", row->body != NULL, "stream",
			(int)row->stream, "external", (int)row->external, "duringMaintenance",
			(int)row->during_maintenance, "bodyLimit", (json_int_t)row->body_limit,
			"summary", row->summary, "limit", limit_rule_name(row->limit), "limitBy",
			row->limit_by, "audit", row->audit, "permission", row->permission));
}

static int run_routes(const struct config *config, int argc, char **argv)
{
	struct router *router;
	int error = router_new(reeyo_routes, &router);

	(void)config;
	if (error)
		return error;
	if (argc == 1 && strcmp(argv[0], "json") == 0) {
		json_t *list = json_array();

		router_each(router, route_append, list);
		json_dumpf(list, stdout, JSON_INDENT(1));
		putchar('\n');
		json_decref(list);
	} else {
		router_each(router, route_print, NULL);
	}
	router_free(router);
	return 0;
}

static int run_openapi(const struct config *config, int argc, char **argv)
{
	struct router *router;
	int error = router_new(reeyo_routes, &router);
	char *document;

	(void)config;
	(void)argc;
	(void)argv;
	if (error)
		return error;
	document = openapi_document(router, REEYO_VERSION);
	if (document)
		puts(document);
	free(document);
	router_free(router);
	return document ? 0 : E_NO_MEMORY;
}

static int run_reconcile(const struct config *config, int argc, char **argv)
{
	struct reconcile_days days = { 0 };

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "json") == 0)
			days.json = true;
		else if (i + 1 < argc && strcmp(argv[i], "from") == 0)
			days.from = argv[++i];
		else if (i + 1 < argc && strcmp(argv[i], "to") == 0)
			days.to = argv[++i];
		else
			return fprintf(stderr,
				       "usage: reeyo reconcile [--from DAY] [--to DAY] [--json]\n"),
			       E_CONFIG;
	}
	return reconcile(config, &days);
}

static int run_version(const struct config *config, int argc, char **argv)
{
	(void)config;
	(void)argc;
	(void)argv;
	puts("reeyo " REEYO_VERSION);
	return 0;
}

static int run_help(const struct config *config, int argc, char **argv);

static const struct command commands[] = {
	{ "serve", run_serve, "serve", "serve the API until SIGTERM" },
	{ "migrate", run_migrate, "migrate [status]",
		"bring the schema to this version, or show its state" },
	{ "check", run_check, "check", "print the configuration and try each dependency" },
	{ "audit", run_audit, "audit [--json]",
		"check every invariant of the ledger; exit code 1: a check is violated, 2: the "
		"audit could not run",
		true },
	{ "routes", run_routes, "routes [--json]", "list every endpoint and who may call it" },
	{ "openapi", run_openapi, "openapi", "print the OpenAPI 3.1 document" },
	{ "admin", run_admin, "admin --email E [--name N] [--role R]",
		"create an admin, or set the password of one; reads it from standard input" },
	{ "reconcile", run_reconcile, "reconcile [--from DAY] [--to DAY] [--json]",
		"compare our payments and pay-outs with the gateway's history; exit code 1: there "
		"are unexplained differences, 2: the comparison could not run",
		true },
	{ "demo", run_demo, "demo [--size small|bench|huge]", "load demo data; can be repeated" },
	{ "version", run_version, "version", "print the version" },
	{ "help", run_help, "help", "print this" },
};

static int run_help(const struct config *config, int argc, char **argv)
{
	(void)config;
	(void)argc;
	(void)argv;
	puts("reeyo COMMAND [--key value …]\n\nCommands:");
	for (size_t i = 0; i < COUNT_OF(commands); i++)
		printf("  %-22s %s\n", commands[i].usage, commands[i].summary);
	puts("\nKeys (also in a file given with --config, and in the environment as REEYO_KEY):");
	config_help();
	return 0;
}

static bool help_requested(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

static const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(commands); i++)
		if (strcmp(commands[i].name, name) == 0 ||
			(name[0] == '-' && strcmp(commands[i].name, name + strspn(name, "-")) == 0))
			return &commands[i];
	return NULL;
}

/* `reeyo demo --size bench` and `reeyo demo bench` mean the same. Flags of commands are not keys of
 * the configuration, so their dashes are removed before it is read; flags with a value keep their
 * names. */
static int command_flags_strip(int argc, char **argv)
{
	static const char *const named[] = { "--email", "--name", "--role", "--from", "--to" };
	int kept = 0;

	for (int i = 0; i < argc; i++) {
		for (size_t k = 0; k < COUNT_OF(named); k++)
			if (strcmp(argv[i], named[k]) == 0)
				argv[i] += 2;
		if (strcmp(argv[i], "--size") == 0)
			continue;
		if (strncmp(argv[i], "--size=", 7) == 0)
			argv[i] += 7;
		else if (strcmp(argv[i], "--json") == 0)
			argv[i] += 2;
		argv[kept++] = argv[i];
	}
	return kept;
}

int main(int argc, char **argv)
{
	const struct command *command = command_find(argc > 1 ? argv[1] : "help");
	struct config *config;
	int rest, error;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (sodium_init() < 0)
		return 1;
	if (!command) {
		fprintf(stderr, "reeyo: there is no command %s; see reeyo help\n", argv[1]);
		return 2;
	}
	if (argc > 2 && help_requested(argc - 2, argv + 2)) {
		printf("usage: reeyo %s\n%s.\nKeys of the configuration may follow (--key value): "
		       "see reeyo help.\n",
			command->usage, command->summary);
		return 0;
	}
	if (argc > 2)
		argc = 2 + command_flags_strip(argc - 2, argv + 2);
	error = config_load(argc > 2 ? argc - 2 : 0, argv + 2, &rest, &config);
	if (error)
		return 2;
	log_set_level((enum log_level)log_level_from_name(config->log_level));
	error = command->run(config, rest, argv + 2);
	config_free(config);
	return !error ? 0 : command->reports_findings && error != E_CONFLICT ? 2 : 1;
}
