/* SPDX-License-Identifier: MIT
 *
 * The command line: one binary that serves, migrates, checks and loads demo data.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "reconcile.h"
#include "reeyo/core/config.h"
#include "reeyo/core/log.h"
#include "reeyo/core/memory.h"
#include "reeyo/db/audit.h"
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
