/* SPDX-License-Identifier: MIT
 *
 * Configuration from four sources into one struct, through one table. Every refusal names the source,
 * the key and what would be right.
 */
#include "reeyo/core/config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reeyo/core/log.h"
#include "reeyo/core/memory.h"

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

/* What config_load makes; struct config comes first, so its pointer is ours. */
struct loaded {
	struct config config;
	char *text[KEYS];      /* owned values of the text kinds */
	const char *from[KEYS];
	const char *file;
};

/* --- Values ------------------------------------------------------------------------------------ */

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit durations[] = {
	{ "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 }, { NULL, 0 }
};
static const struct unit sizes[] = {
	{ "", 1 }, { "k", 1024 }, { "m", 1048576 }, { "g", 1073741824 }, { NULL, 0 }
};
static const struct unit plain[] = { { "", 1 }, { NULL, 0 } };

static const struct unit *units_of(enum config_kind kind)
{
	return kind == CONFIG_MS ? durations : kind == CONFIG_BYTES ? sizes : plain;
}

static bool number_read(enum config_kind kind, const char *text, int64_t *ret)
{
	size_t digits = strspn(text, "0123456789");
	int64_t value;

	if (!text_to_int((struct text){ text, digits }, 0, INT64_MAX, &value))
		return false;
	if (value == 0 && text[digits] == '\0') {
		*ret = 0;
		return true;
	}
	for (const struct unit *unit = units_of(kind); unit->name; unit++)
		if (strcasecmp(text + digits, unit->name) == 0)
			return !__builtin_mul_overflow(value, unit->factor, ret);
	return false;
}

static int bool_read(const char *text)
{
	static const char *const yes[] = { "on", "true", "yes", "1" };
	static const char *const no[] = { "off", "false", "no", "0" };

	for (size_t i = 0; i < COUNT_OF(yes); i++) {
		if (strcasecmp(text, yes[i]) == 0)
			return 1;
		if (strcasecmp(text, no[i]) == 0)
			return 0;
	}
	return -1;
}

static const char *kind_wants(enum config_kind kind)
{
	switch (kind) {
	case CONFIG_BOOL:
		return "on or off";
	case CONFIG_MS:
		return "a duration such as 50ms, 30s, 15m, 24h or 7d";
	case CONFIG_BYTES:
		return "a size such as 512, 8k or 10m";
	default:
		return "a whole number";
	}
}

static void *member_of(struct loaded *loaded, const struct row *row)
{
	return (char *)&loaded->config + row->member;
}

static int refuse(const struct row *row, const char *from, const char *value)
{
	bool secret = row->kind == CONFIG_SECRET;

	fprintf(stderr, "reeyo: %s: %s = %s is not right: it wants %s", from, row->key,
		secret ? "…" : value, kind_wants(row->kind));
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
	int64_t number;
	int yes;

	loaded->from[index] = from;
	switch (row->kind) {
	case CONFIG_TEXT:
	case CONFIG_SECRET: {
		char *copy = strdup(value);

		if (!copy)
			return E_NO_MEMORY;
		free(loaded->text[index]);
		loaded->text[index] = copy;
		*(const char **)member_of(loaded, row) = copy;
		return 0;
	}
	case CONFIG_BOOL:
		yes = bool_read(value);
		if (yes < 0)
			return refuse(row, from, value);
		*(bool *)member_of(loaded, row) = yes;
		return 0;
	default:
		if (!number_read(row->kind, value, &number) || number < row->min ||
			(row->max && number > row->max))
			return refuse(row, from, value);
		*(int64_t *)member_of(loaded, row) = number;
		return 0;
	}
}

/* --- Keys -------------------------------------------------------------------------------------- */

/* Dashes and underscores are the same in flags. */
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

/* --- File -------------------------------------------------------------------------------------- */

struct file_reading {
	struct loaded *loaded;
	int error;
};

static int file_line(void *user, const char *section, const char *name, const char *value)
{
	struct file_reading *reading = user;
	char key[128];
	int index;

	snprintf(key, sizeof(key), "%s%s%s", section, *section ? "." : "", name);
	index = key_find(key, strlen(key));
	if (index < 0)
		reading->error = key_unknown(reading->loaded->file, key, strlen(key));
	else
		reading->error = value_set(reading->loaded, (size_t)index, value, reading->loaded->file);
	return reading->error == 0;
}

static int file_read(struct loaded *loaded, const char *path)
{
	struct file_reading reading = { .loaded = loaded };
	int line;

	if (!path)
		return 0;
	loaded->file = path;
	line = ini_parse(path, file_line, &reading);
	if (line == 0)
		return 0;
	if (line < 0)
		fprintf(stderr, "reeyo: cannot read the configuration %s: %s\n", path, strerror(errno));
	else if (!reading.error)
		fprintf(stderr, "reeyo: %s, line %d: write `key = value`\n", path, line);
	return E_CONFIG;
}

/* --- Environment ------------------------------------------------------------------------------- */

/* The content of a file that holds a secret, without its last line end. */
static int secret_file(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, out, size - 1);

	if (len < 0) {
		fprintf(stderr, "reeyo: cannot read %s: %s\n", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return E_CONFIG;
	}
	close(fd);
	while (len && (out[len - 1] == '\n' || out[len - 1] == '\r'))
		len--;
	out[len] = '\0';
	return 0;
}

static int environment_read(struct loaded *loaded)
{
	char name[128], content[8192];

	for (size_t i = 0; i < KEYS; i++) {
		const char *value;
		int error;

		snprintf(name, sizeof(name) - 6, "REEYO_%s", table[i].key);
		for (char *c = name; *c; c++)
			*c = *c == '.' ? '_' : (char)toupper((unsigned char)*c);
		value = getenv(name);
		if (value && (error = value_set(loaded, i, value, "environment")))
			return error;
		memcpy(name + strlen(name), "_FILE", 6);
		value = getenv(name);
		if (!value)
			continue;
		if ((error = secret_file(value, content, sizeof(content))) ||
			(error = value_set(loaded, i, content, "environment (file)")))
			return error;
	}
	return 0;
}

/* --- Flags ------------------------------------------------------------------------------------- */

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

static const char *config_flag(int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		struct flag flag = flag_at(argc, argv, i);

		if (flag.width && flag.len == 6 && strncmp(flag.name, "config", 6) == 0)
			return flag.value;
		if (flag.width)
			i += flag.width - 1;
	}
	return getenv("REEYO_CONFIG");
}

static int flags_read(struct loaded *loaded, int argc, char **argv, int *ret_rest)
{
	int rest = 0;

	for (int i = 0; i < argc; i++) {
		struct flag flag = flag_at(argc, argv, i);
		int index, error;

		if (!flag.width) {
			argv[rest++] = argv[i];
			continue;
		}
		index = key_find(flag.name, flag.len);
		if (!(flag.len == 6 && strncmp(flag.name, "config", 6) == 0)) {
			if (index < 0)
				return key_unknown("flag", flag.name, flag.len);
			if (!flag.value) {
				fprintf(stderr, "reeyo: --%.*s wants a value\n", (int)flag.len, flag.name);
				return E_CONFIG;
			}
			if ((error = value_set(loaded, (size_t)index, flag.value, "flag")))
				return error;
		}
		i += flag.width - 1;
	}
	*ret_rest = rest;
	return 0;
}

/* --- The whole --------------------------------------------------------------------------------- */

static int refuse_in_production(const char *what)
{
	fprintf(stderr, "reeyo: environment = production does not allow %s\n", what);
	return E_CONFIG;
}

static bool secrets_are_long(const char *all)
{
	struct text list = text_of(all);
	bool any = false;

	while (list.at && list.len) {
		struct text secret = text_trim(text_cut(&list, ','));
		const char *colon = secret.len ? memchr(secret.at, ':', secret.len) : NULL;

		if (colon)
			secret = (struct text){ colon + 1, secret.len - (size_t)(colon + 1 - secret.at) };
		if (secret.len < 32)
			return false;
		any = true;
	}
	return any;
}

/* Whether each of the comma separated words of a value is in `words`, which is comma separated too. */
static bool words_known(const char *value, const char *words)
{
	struct text list = text_of(value);

	while (list.at) {
		struct text one = text_trim(text_cut(&list, ',')), known = text_of(words);
		bool found = false;

		while (known.at && !found)
			found = text_is(text_cut(&known, ','), one);
		if (!found)
			return false;
	}
	return true;
}

static bool time_zone_known(const char *name)
{
	char path[256];

	return name[0] && (size_t)snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", name) < sizeof(path) &&
	       access(path, R_OK) == 0;
}

static int value_wrong(const char *key, const char *value, const char *wants)
{
	fprintf(stderr, "reeyo: %s = %s is not right: it wants %s\n", key, value, wants);
	return E_CONFIG;
}

/* Texts that only some words are right for. */
static int words_check(const struct config *config)
{
	if (strchr(config->environment, ',') ||
		!words_known(config->environment, "production,development,test"))
		return value_wrong("environment", config->environment, "production, development or test");
	if (log_level_named(config->log_level) < 0)
		return value_wrong("log_level", config->log_level, "debug, info, warn, error or off");
	if (!words_known(config->api, "user,vendor,rider,admin"))
		return value_wrong("api", config->api, "some of user, vendor, rider, admin");
	if (!time_zone_known(config->time_zone))
		return value_wrong("time_zone", config->time_zone,
			"the name of a time zone that this system knows, such as Africa/Douala");
	return 0;
}

static int whole_check(const struct config *config)
{
	bool production = strcmp(config->environment, "production") == 0;

	if (words_check(config))
		return E_CONFIG;
	if (config->jwt_secret[0] && !secrets_are_long(config->jwt_secret)) {
		fputs("reeyo: jwt_secret: each secret needs at least 32 characters\n", stderr);
		return E_CONFIG;
	}
	if (!production)
		return 0;
	if (!config->jwt_secret[0])
		return refuse_in_production("an empty jwt_secret: give at least 32 characters");
	if (config->otp_test_code[0])
		return refuse_in_production("otp_test_code");
	if (config->auto_approve)
		return refuse_in_production("auto_approve");
	if (config->skip_phone_verify)
		return refuse_in_production("skip_phone_verify");
	if (config->card_sandbox)
		return refuse_in_production("card_sandbox");
	return 0;
}

int config_load(int argc, char **argv, int *ret_rest, struct config **ret)
{
	struct loaded *loaded = calloc(1, sizeof(*loaded));
	int error = loaded ? 0 : E_NO_MEMORY;

	for (size_t i = 0; !error && i < KEYS; i++)
		error = value_set(loaded, i, table[i].fallback, "default");
	if (!error)
		error = file_read(loaded, config_flag(argc, argv));
	if (!error)
		error = environment_read(loaded);
	if (!error)
		error = flags_read(loaded, argc, argv, ret_rest);
	if (!error)
		error = whole_check(&loaded->config);
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

/* A URL keeps everything but its password; any other secret shows only that it is set. */
static void secret_print(const char *value)
{
	const char *scheme = strstr(value, "://");
	const char *at = scheme ? strchr(scheme, '@') : NULL;
	const char *colon = scheme && at ? memchr(scheme + 3, ':', (size_t)(at - scheme - 3)) : NULL;

	if (scheme && !at)
		fputs(value, stdout);
	else if (colon)
		printf("%.*s:…%s", (int)(colon - value), value, at);
	else
		fputs(value[0] ? "…" : "(none)", stdout);
}

void config_print(const struct config *config)
{
	const struct loaded *loaded = (const struct loaded *)config;

	for (size_t i = 0; i < KEYS; i++) {
		const char *member = (const char *)config + table[i].member;

		printf("%-30s ", table[i].key);
		if (table[i].kind == CONFIG_SECRET)
			secret_print(*(const char *const *)member);
		else if (table[i].kind == CONFIG_TEXT)
			fputs(*(const char *const *)member, stdout);
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
