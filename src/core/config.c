/* SPDX-License-Identifier: MIT
 *
 * Configuration from four sources into one struct, through one table. Every error message names
 * the source, the key and the accepted values.
 */
#include "reeyo/core/config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_value.h"
#include "reeyo/core/memory.h"
#include "reeyo/core/secret.h"

struct row {
	enum config_kind kind;
	size_t member;
	const char *key, *fallback;
	int64_t min, max;
	const char *help;
};

static const struct row table[] = {
#define X(kind, member, key, fallback, min, max, help) \
	{ CONFIG_##kind, offsetof(struct config, member), key, fallback, min, max, help },
	REEYO_CONFIG(X)
#undef X
};

#define KEYS COUNT_OF(table)

/* What config_load allocates. struct config is the first member, so both have the same address. */
struct loaded {
	struct config config;
	char *text[KEYS]; /* owned values of the text kinds */
	const char *from[KEYS];
	const char *file;
};

static void *member_of(struct loaded *loaded, const struct row *row)
{
	return (char *)&loaded->config + row->member;
}

static int value_refuse(
	const struct row *row, const char *from, const char *value, const char *wants)
{
	bool secret = row->kind == CONFIG_SECRET;

	fprintf(stderr, "reeyo: %s: %s = %s is not right: it wants %s", from, row->key,
		secret ? "…" : value, wants);
	if (row->max && row->kind == CONFIG_INT)
		fprintf(stderr, " from %lld to %lld", (long long)row->min, (long long)row->max);
	else if (row->max && row->kind == CONFIG_MS)
		fprintf(stderr, ", %lldms to %lldms", (long long)row->min, (long long)row->max);
	else if (row->max)
		fprintf(stderr, ", %lld to %lld bytes", (long long)row->min, (long long)row->max);
	fputs("\n", stderr);
	return E_CONFIG;
}

static int value_set(struct loaded *loaded, size_t index, const char *value, const char *from)
{
	const struct row *row = &table[index];
	const char *wants = config_expected(row->kind);
	int64_t number;
	int yes;

	loaded->from[index] = from;
	switch (row->kind) {
	case CONFIG_TEXT:
	case CONFIG_SECRET: {
		char *copy;

		if (!config_choice_valid(row->key, value, &wants))
			return value_refuse(row, from, value, wants);
		copy = strdup(value);
		if (!copy)
			return E_NO_MEMORY;
		free(loaded->text[index]);
		loaded->text[index] = copy;
		*(const char **)member_of(loaded, row) = copy;
		return 0;
	}
	case CONFIG_BOOL:
		yes = config_bool(value);
		if (yes < 0)
			return value_refuse(row, from, value, wants);
		*(bool *)member_of(loaded, row) = yes;
		return 0;
	default:
		if (!config_number(row->kind, value, &number) || number < row->min ||
			(row->max && number > row->max))
			return value_refuse(row, from, value, wants);
		*(int64_t *)member_of(loaded, row) = number;
		return 0;
	}
}

/* --- Keys ------------------------------------------------------------------------------------- */

/* In flags, dashes and underscores are equal. */
static bool key_is(const char *key, const char *name, size_t len)
{
	if (strlen(key) != len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (key[i] != (name[i] == '-' ? '_' : name[i]))
			return false;
	return true;
}

static int key_find(const char *name, size_t len)
{
	for (size_t i = 0; i < KEYS; i++)
		if (key_is(table[i].key, name, len))
			return (int)i;
	return -1;
}

static int key_unknown(const char *from, const char *name, size_t len)
{
	size_t best = len / 2 + 1;
	const char *near = NULL;

	for (size_t i = 0; i < KEYS; i++) {
		size_t distance = text_distance((struct text){ name, len }, text_of(table[i].key));

		if (distance < best) {
			best = distance;
			near = table[i].key;
		}
	}
	fprintf(stderr, "reeyo: %s: there is no key %.*s%s%s%s\n", from, (int)len, name,
		near ? ", did you mean " : "", near ? near : "", near ? "?" : "");
	return E_CONFIG;
}

/* --- Sources ---------------------------------------------------------------------------------- */

static int config_file_line(void *user, const char *where, struct text key, const char *value)
{
	struct loaded *loaded = user;
	int index = key_find(key.at, key.len);
	int error;

	if (index < 0)
		return key_unknown(where, key.at, key.len);
	error = value_set(loaded, (size_t)index, value, where);
	loaded->from[index] = loaded->file; /* `where` lives only during this call */
	return error;
}

static int config_file_apply(struct loaded *loaded, const char *path)
{
	loaded->file = path;
	return path ? config_file_read(path, config_file_line, loaded) : 0;
}

#define NAME_SIZE 128

static void environment_name(const struct row *row, char out[NAME_SIZE])
{
	snprintf(out, NAME_SIZE - sizeof("_FILE"), "REEYO_%s", row->key);
	for (char *c = out; *c; c++)
		*c = *c == '.' ? '_' : (char)toupper((unsigned char)*c);
}

/* A name that nearly equals a key's is a typing error and refused. Other names belong to other
 * programs (an orchestrator sets REEYO_SERVICE_HOST and the like for a service called reeyo). */
static int environment_check_typo(struct text given)
{
	char name[NAME_SIZE];

	if (given.len > 11 && memcmp(given.at + given.len - 5, "_FILE", 5) == 0)
		given.len -= 5;
	for (size_t i = 0; i < KEYS; i++) {
		environment_name(&table[i], name);
		if (text_is(given, text_of(name)))
			return 0;
	}
	for (size_t i = 0; i < KEYS; i++) {
		environment_name(&table[i], name);
		if (strlen(name) < 12 || text_distance(given, text_of(name)) > 2)
			continue;
		fprintf(stderr, "reeyo: environment: there is no key %.*s, did you mean %s?\n",
			TEXT_ARGS(given), name);
		return E_CONFIG;
	}
	return 0;
}

static int environment_read(struct loaded *loaded)
{
	char name[NAME_SIZE], content[8192];

	for (char **entry = environ; entry && *entry; entry++) {
		struct text rest = text_of(*entry), given = text_cut(&rest, '=');

		if (text_starts(given, TEXT("REEYO_")) && environment_check_typo(given))
			return E_CONFIG;
	}
	for (size_t i = 0; i < KEYS; i++) {
		const char *value;
		int error;

		environment_name(&table[i], name);
		value = getenv(name);
		if (value && (error = value_set(loaded, i, value, "environment")))
			return error;
		memcpy(name + strlen(name), "_FILE", 6);
		value = getenv(name);
		if (!value)
			continue;
		if ((error = config_secret_read(value, content, sizeof(content))) ||
			(error = value_set(loaded, i, content, "environment (file)")))
			return error;
	}
	return 0;
}

struct flag {
	const char *name, *value;
	size_t len;
	int width; /* arguments it takes: 1 or 2; 0: not a flag */
};

static struct flag flag_at(int argc, char **argv, int i)
{
	struct flag flag = { 0 };
	const char *equals;

	if (strncmp(argv[i], "--", 2) != 0 || argv[i][2] == '\0')
		return flag;
	flag.name = argv[i] + 2;
	equals = strchr(flag.name, '=');
	flag.len = equals ? (size_t)(equals - flag.name) : strlen(flag.name);
	flag.value = equals ? equals + 1 : i + 1 < argc ? argv[i + 1] : NULL;
	flag.width = equals ? 1 : 2;
	return flag;
}

static bool flag_is_config(struct flag flag)
{
	return flag.width && flag.len == 6 && strncmp(flag.name, "config", 6) == 0;
}

/* The file to read: the last --config, else REEYO_CONFIG. A --config without a value is refused
 * later, when the flags are read. */
static const char *config_flag(int argc, char **argv)
{
	const char *path = getenv("REEYO_CONFIG");

	for (int i = 0; i < argc; i++) {
		struct flag flag = flag_at(argc, argv, i);

		if (flag_is_config(flag))
			path = flag.value;
		if (flag.width)
			i += flag.width - 1;
	}
	return path;
}

static int flag_set(struct loaded *loaded, struct flag flag)
{
	int index = key_find(flag.name, flag.len);

	if (index < 0 && !flag_is_config(flag))
		return key_unknown("flag", flag.name, flag.len);
	if (!flag.value) {
		fprintf(stderr, "reeyo: flag: --%.*s wants a value\n", (int)flag.len, flag.name);
		return E_CONFIG;
	}
	return flag_is_config(flag) ? 0 : value_set(loaded, (size_t)index, flag.value, "flag");
}

static int flags_read(struct loaded *loaded, int argc, char **argv, int *ret_rest)
{
	int rest = 0;

	for (int i = 0; i < argc; i++) {
		struct flag flag = flag_at(argc, argv, i);
		int error;

		if (!flag.width) {
			argv[rest++] = argv[i];
			continue;
		}
		error = flag_set(loaded, flag);
		if (error)
			return error;
		i += flag.width - 1;
	}
	*ret_rest = rest;
	return 0;
}

/* --- Loading ---------------------------------------------------------------------------------- */

int config_load(int argc, char **argv, int *ret_rest, struct config **ret)
{
	struct loaded *loaded = calloc(1, sizeof(*loaded));
	int error = loaded ? 0 : E_NO_MEMORY;

	for (size_t i = 0; !error && i < KEYS; i++)
		error = value_set(loaded, i, table[i].fallback, "default");
	if (!error)
		error = config_file_apply(loaded, config_flag(argc, argv));
	if (!error)
		error = environment_read(loaded);
	if (!error)
		error = flags_read(loaded, argc, argv, ret_rest);
	if (!error)
		error = config_check(&loaded->config);
	if (error) {
		config_free(loaded ? &loaded->config : NULL);
		return error;
	}
	*ret = &loaded->config;
	return 0;
}

void config_free(struct config *config)
{
	struct loaded *loaded = (struct loaded *)config;

	if (!loaded)
		return;
	for (size_t i = 0; i < KEYS; i++)
		free(loaded->text[i]);
	free(loaded);
}

/* Prints an address without its password. Of any other secret prints only whether it is set. */
static void config_text_print(enum config_kind kind, const char *key, const char *value)
{
	char shown[4096];

	if (strstr(key, "_url") && (kind == CONFIG_SECRET || strstr(value, "://")))
		secret_mask(value, shown, sizeof(shown));
	else if (kind == CONFIG_SECRET)
		snprintf(shown, sizeof(shown), "%s", value[0] ? "…" : "(none)");
	else
		return (void)fputs(value, stdout);
	fputs(shown, stdout);
}

void config_print(const struct config *config)
{
	const struct loaded *loaded = (const struct loaded *)config;

	for (size_t i = 0; i < KEYS; i++) {
		const char *member = (const char *)config + table[i].member;

		printf("%-30s ", table[i].key);
		if (table[i].kind == CONFIG_SECRET || table[i].kind == CONFIG_TEXT)
			config_text_print(
				table[i].kind, table[i].key, *(const char *const *)member);
		else if (table[i].kind == CONFIG_BOOL)
			fputs(*(const bool *)member ? "on" : "off", stdout);
		else
			printf("%lld%s", (long long)*(const int64_t *)member,
				table[i].kind == CONFIG_MS ? "ms" : "");
		printf("  [%s]\n", loaded->from[i]);
	}
}

void config_help(void)
{
	for (size_t i = 0; i < KEYS; i++)
		printf("  --%-30s %s (default: %s)\n", table[i].key, table[i].help,
			table[i].fallback[0] ? table[i].fallback : "none");
}
