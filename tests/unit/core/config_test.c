/* SPDX-License-Identifier: MIT
 *
 * Configuration: which source has priority, what each kind of value accepts, and that every error
 * message is one line that names the source, the key and the accepted values.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../suite.h"
#include "reeyo/core/config.h"
#include "reeyo/core/memory.h"
#include "reeyo/core/text.h"

#define SECRET "0123456789abcdef0123456789abcdef"

static char path[48], other[64];
static char output[4096]; /* the output of the last load or print */

static void file_write(const char *at, const char *content)
{
	FILE *file = fopen(at, "w");

	ck_assert_ptr_nonnull(file);
	fputs(content, file);
	fclose(file);
}

static void files_open(void)
{
	snprintf(path, sizeof(path), "/tmp/reeyo-config-%d", (int)getpid());
	snprintf(other, sizeof(other), "%s-other", path);
	clearenv();
}

static void files_close(void)
{
	unlink(path);
	unlink(other);
}

/* Runs with one of our descriptors redirected into `output`. */
static int config_output_capture(int fd, int (*run)(void *), void *arg)
{
	char name[] = "/tmp/reeyo-output-XXXXXX";
	int into = mkstemp(name), kept = dup(fd), result;
	ssize_t len;

	fflush(NULL);
	dup2(into, fd);
	result = run(arg);
	fflush(NULL);
	dup2(kept, fd);
	len = pread(into, output, sizeof(output) - 1, 0);
	output[len > 0 ? len : 0] = '\0';
	unlink(name);
	close(into);
	close(kept);
	return result;
}

struct load {
	int argc, rest;
	char *argv[16];
	struct config *config;
};

static int load_run(void *arg)
{
	struct load *load = arg;

	return config_load(load->argc, load->argv, &load->rest, &load->config);
}

/* The configuration with these flags (NULL at the end), or NULL; messages are in `output`. */
#define LOAD(...) load_flags((char *[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })
static struct config *load_flags(char **flags)
{
	struct load load = { 0 };
	int error;

	while (flags[load.argc]) {
		load.argv[load.argc] = flags[load.argc];
		load.argc++;
	}
	error = config_output_capture(STDERR_FILENO, load_run, &load);
	ck_assert(error == 0 || error == E_CONFIG);
	ck_assert_ptr_eq(error ? NULL : load.config, load.config);
	return load.config;
}

static int print_run(void *arg)
{
	config_print(arg);
	return 0;
}

/* The load failed: the message is one line that contains these words. */
#define REFUSED(config, ...) config_refused((config), (const char *[]){ __VA_ARGS__, NULL })
static void config_refused(struct config *config, const char *const *words)
{
	ck_assert_ptr_null(config);
	ck_assert_int_eq(strncmp(output, "reeyo: ", 7), 0);
	ck_assert_msg(
		strchr(output, '\n') == output + strlen(output) - 1, "not one line: %s", output);
	for (; *words; words++)
		ck_assert_msg(strstr(output, *words) != NULL, "no \"%s\" in: %s", *words, output);
}

START_TEST(without_sources_the_defaults_apply)
{
	struct config *config = LOAD(NULL);

	ck_assert_ptr_nonnull(config);
	ck_assert_str_eq(output, "");
	ck_assert_str_eq(config->environment, "development");
	ck_assert_int_eq(config->body_limit, 64 << 10);
	ck_assert_int_eq(config->rate_window, 15 * 60000);
	ck_assert_int_eq(config->argon2_memory, 7168 << 10);
	ck_assert(config->access_log && !config->auto_approve);
	config_free(config);
	config_free(NULL);
}
END_TEST

START_TEST(flag_beats_environment_beats_file_beats_default)
{
	struct config *config;

	file_write(path, "db_write_lanes = 5\ndb_read_lanes = 6\nloops = 7\n");
	setenv("REEYO_DB_WRITE_LANES", "8", 1);
	setenv("REEYO_DB_READ_LANES", "9", 1);
	config = LOAD("--config", path, "--db-write-lanes", "10");
	ck_assert_int_eq(config->db_write_lanes, 10);
	ck_assert_int_eq(config->db_read_lanes, 9);
	ck_assert_int_eq(config->loops, 7);
	ck_assert_int_eq(config->backlog, 4096);
	config_free(config);
}
END_TEST

START_TEST(keys_have_one_spelling_per_source)
{
	struct config *config;

	setenv("REEYO_LISTEN_USER", ":1", 1);
	config = LOAD("--listen.vendor=:2", "--rate-limit=off", "--access_log", "off", "--listen",
		":=:", "--api=user, rider");
	ck_assert_str_eq(config->listen_user, ":1");
	ck_assert_str_eq(config->listen_vendor, ":2");
	ck_assert_str_eq(config->listen, ":=:");
	ck_assert(!config->rate_limit && !config->access_log);
	config_free(config);
}
END_TEST

START_TEST(the_file_has_sections_comments_and_long_lines)
{
	char content[2048], origins[1200];
	struct config *config;

	memset(origins, 'o', sizeof(origins) - 1);
	origins[sizeof(origins) - 1] = '\0';
	snprintf(content, sizeof(content),
		"\xef\xbb\xbf# first\n\n; second\n  loops\t=  3 \r\nallowed_origins = %s\n"
		"database_url = host=a password=b;c #d\n[listen]\nuser = :1\n",
		origins);
	file_write(path, content);
	setenv("REEYO_CONFIG", path, 1);
	config = LOAD(NULL);
	ck_assert_msg(config != NULL, "%s", output);
	ck_assert_int_eq(config->loops, 3);
	ck_assert_str_eq(config->allowed_origins, origins);
	ck_assert_str_eq(config->database_url, "host=a password=b;c #d");
	ck_assert_str_eq(config->listen_user, ":1");
	config_free(config);
}
END_TEST

START_TEST(an_error_in_a_file_names_the_line)
{
	char where[96];

	snprintf(where, sizeof(where), "%s, line 2", path);
	file_write(path, "loops = 1\nloops\nrate_limit = on\n");
	REFUSED(LOAD("--config", path), where, "key = value");
	file_write(path, "loops = 1\nloop = 2\nbacklogs = 3\n");
	REFUSED(LOAD("--config", path), where, "no key loop", "did you mean loops?");
	file_write(path, "loops = 1\nbacklog = many\nloops = 1\n");
	REFUSED(LOAD("--config", path), where, "backlog = many", "a whole number from 16 to 65535");
	file_write(path, "\n[listen\n");
	REFUSED(LOAD("--config", path), where, "[section]");
	unlink(path);
	REFUSED(LOAD("--config", path), path, "No such file");
	REFUSED(LOAD("--config"), "--config wants a value");
}
END_TEST

START_TEST(a_secret_is_read_from_a_file)
{
	struct config *config;
	char large[9000];

	file_write(other, SECRET "\n");
	setenv("REEYO_JWT_SECRET_FILE", other, 1);
	config = LOAD(NULL);
	ck_assert_str_eq(config->jwt_secret, SECRET);
	config_free(config);
	memset(large, 'x', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	file_write(other, large);
	REFUSED(LOAD(NULL), other, "too long");
	setenv("REEYO_JWT_SECRET_FILE", "/nonexistent", 1);
	REFUSED(LOAD(NULL), "/nonexistent");
}
END_TEST

START_TEST(a_typing_error_in_the_environment_is_refused_and_a_foreign_name_is_not)
{
	struct config *config;

	setenv("REEYO_SERVICE_HOST", "10.0.0.1", 1);
	setenv("REEYO_PORT", "tcp://10.0.0.1:8080", 1);
	config = LOAD(NULL);
	ck_assert_ptr_nonnull(config);
	config_free(config);
	setenv("REEYO_JWT_SECRETS", SECRET, 1);
	REFUSED(LOAD(NULL), "REEYO_JWT_SECRETS", "did you mean REEYO_JWT_SECRET?");
}
END_TEST

START_TEST(arguments_that_are_not_flags_keep_their_order)
{
	struct load load = { .argc = 5, .argv = { "one", "--loops", "2", "two", "three" } };

	ck_assert_int_eq(load_run(&load), 0);
	ck_assert_int_eq(load.rest, 3);
	ck_assert_str_eq(load.argv[0], "one");
	ck_assert_str_eq(load.argv[1], "two");
	ck_assert_str_eq(load.argv[2], "three");
	config_free(load.config);
}
END_TEST

static const struct {
	const char *flag, *value;
	int64_t is;
} numbers[] = {
	{ "--request-timeout", "500ms", 500 },
	{ "--request-timeout", "30s", 30000 },
	{ "--request-timeout", "2M", 120000 },
	{ "--access-ttl", "24h", 86400000 },
	{ "--access-ttl", "7d", 604800000 },
	{ "--duplicate-window", "0", 0 },
	{ "--body-limit", "1024", 1024 },
	{ "--body-limit", "8k", 8192 },
	{ "--body-limit", "10m", 10485760 },
	{ "--request-memory", "1G", 1073741824 },
	{ "--loops", "64", 64 },
};

static int64_t number_of(const struct config *config, const char *flag)
{
	return strcmp(flag, "--request-timeout") == 0     ? config->request_timeout
		: strcmp(flag, "--access-ttl") == 0       ? config->access_ttl
		: strcmp(flag, "--duplicate-window") == 0 ? config->duplicate_window
		: strcmp(flag, "--body-limit") == 0       ? config->body_limit
		: strcmp(flag, "--request-memory") == 0   ? config->request_memory
							  : config->loops;
}

START_TEST(numbers_accept_units)
{
	struct config *config = LOAD((char *)numbers[_i].flag, (char *)numbers[_i].value);

	ck_assert_msg(config != NULL, "%s", output);
	ck_assert_int_eq(number_of(config, numbers[_i].flag), numbers[_i].is);
	config_free(config);
}
END_TEST

static const struct {
	const char *flag, *value, *wants;
} wrong[] = {
	{ "--request-timeout", "30", "a duration such as" },
	{ "--request-timeout", "30 s", "a duration such as" },
	{ "--request-timeout", "-1s", "a duration such as" },
	{ "--request-timeout", "99999999999999999d", "a duration such as" },
	{ "--request-timeout", "1ms", "100ms to 600000ms" },
	{ "--request-timeout", "601s", "100ms to 600000ms" },
	{ "--body-limit", "10x", "a size such as" },
	{ "--body-limit", "1023", "1024 to 104857600 bytes" },
	{ "--loops", "65", "from 0 to 64" },
	{ "--loops", "1.5", "a whole number" },
	{ "--loops", "", "a whole number" },
	{ "--rate-limit", "maybe", "on or off" },
	{ "--environment", "prod", "production, development or test" },
	{ "--environment", "or", "production, development or test" },
	{ "--environment", "", "production, development or test" },
	{ "--environment", "production, test", "flag: environment" },
	{ "--sms", "loud", "flag: sms = loud is not right: it wants log, twilio or off" },
	{ "--api", "user,rder", "user, vendor, rider, admin" },
	{ "--api", "", "user, vendor, rider, admin" },
	{ "--log-level", "loud", "debug, info, warn, error or off" },
	{ "--db-write-lane", "4", "did you mean db_write_lanes?" },
	{ "--jwt-secret", "short", "at least 32 characters" },
	{ "--jwt-secret", "2:" SECRET ",1:short", "at least 32 characters" },
};

START_TEST(a_wrong_value_is_refused_with_the_accepted_values)
{
	REFUSED(LOAD((char *)wrong[_i].flag, (char *)wrong[_i].value), wrong[_i].wants);
	ck_assert_ptr_null(strstr(output, "short"));
}
END_TEST

START_TEST(a_flag_without_a_value_is_refused)
{
	REFUSED(LOAD("--loops"), "--loops wants a value");
}
END_TEST

START_TEST(production_refuses_development_switches)
{
	static const char *const switches[] = { "otp_test_code", "auto_approve",
		"skip_phone_verify", "card_sandbox", "webhook_private" };
	struct config *config = LOAD(
		"--environment", "production", "--jwt-secret", "2:" SECRET ",1:" SECRET);
	char flag[64];

	ck_assert_msg(config != NULL, "%s", output);
	config_free(config);
	REFUSED(LOAD("--environment", "production"), "jwt_secret", "at least 32 characters");
	for (size_t i = 0; i < COUNT_OF(switches); i++) {
		snprintf(flag, sizeof(flag), "--%s=%s", switches[i], i ? "on" : "123456");
		REFUSED(LOAD("--environment", "production", "--jwt-secret", SECRET, flag),
			"production", switches[i]);
		config = LOAD("--environment", "test", flag);
		ck_assert_msg(config != NULL, "%s", output);
		config_free(config);
	}
}
END_TEST

static const struct {
	const char *flag, *output;
	bool fine;
} unsafe[] = {
	{ "--rate-limit=off", "rate_limit = off", false },
	{ "--argon2-memory=7167k", "argon2_memory", false },
	{ "--argon2-memory=64k", "argon2_memory", false },
	{ "--argon2-passes=4", "argon2_passes", false },
	{ "--argon2-passes=6", "", true },
	{ "--argon2-memory=1g", "", true },
	{ "--campay-url=http://www.campay.net/api", "campay_url", false },
	{ "--campay-url=HTTP://www.campay.net/api", "campay_url", false },
	{ "--campay-url=//www.campay.net/api", "campay_url", false },
	{ "--campay-url=www.campay.net/api", "campay_url", false },
	{ "--campay-url=HTTPS://www.campay.net/api", "", true },
};

START_TEST(production_refuses_unsafe_values)
{
	char flag[64];
	struct config *config;

	snprintf(flag, sizeof(flag), "%s", unsafe[_i].flag);
	if (!unsafe[_i].fine)
		REFUSED(LOAD("--environment", "production", "--jwt-secret", SECRET, flag),
			"production", unsafe[_i].output);
	config = LOAD("--environment", unsafe[_i].fine ? "production" : "test", "--jwt-secret",
		SECRET, flag);
	ck_assert_msg(config != NULL, "%s", output);
	config_free(config);
}
END_TEST

/* A new partner's address is in the table of keys, so the rule covers it. */
START_TEST(production_refuses_every_partners_address_without_tls)
{
	static const char *const keys[] = {
#define X(kind, member, key, ...) #kind " " key,
		REEYO_CONFIG(X)
#undef X
	};
	unsigned partners = 0;
	char flag[96];

	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		const char *key = keys[i] + strlen("TEXT ");

		if (strncmp(keys[i], "TEXT ", 5) != 0 || !strstr(key, "_url"))
			continue;
		snprintf(flag, sizeof(flag), "--%s=http://partner.example", key);
		REFUSED(LOAD("--environment", "production", "--jwt-secret", SECRET, flag), key,
			"https");
		partners++;
	}
	ck_assert_uint_ge(partners, 5);
}
END_TEST

static const struct {
	const char *flag, *value, *shown;
} secrets[] = {
	{ "--database-url", "postgresql://ann:hid@den@db:5432/reeyo?x=1",
		"postgresql://ann:…@db:5432/reeyo?x=1 " },
	{ "--database-url", "postgresql:///reeyo?user=a&password=hidden&x=1",
		"postgresql:///reeyo?user=a&password=…&x=1 " },
	{ "--database-url", "host=db password=hidden", "… " },
	{ "--redis-url", "redis://:hidden@cache:6379/0", "redis://:…@cache:6379/0 " },
	{ "--redis-url", "redis://cache:6379/0", "redis://cache:6379/0 " },
	{ "--jwt-secret", "x://hiddenhiddenhiddenhiddenhiddenhidden", "… " },
};

START_TEST(printing_shows_sources_and_hides_secrets)
{
	struct config *config = LOAD(
		(char *)secrets[_i].flag, (char *)secrets[_i].value, "--loops=3");

	ck_assert_msg(config != NULL, "%s", output);
	config_output_capture(STDOUT_FILENO, print_run, config);
	ck_assert_msg(!strstr(output, "hid"), "%s", output);
	ck_assert_msg(strstr(output, secrets[_i].shown) != NULL, "%s", output);
	ck_assert_ptr_nonnull(strstr(output, "3  [flag]"));
	ck_assert_ptr_nonnull(strstr(output, "4096  [default]"));
	config_free(config);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, files_open, files_close);
	tcase_add_test(all, without_sources_the_defaults_apply);
	tcase_add_test(all, flag_beats_environment_beats_file_beats_default);
	tcase_add_test(all, keys_have_one_spelling_per_source);
	tcase_add_test(all, the_file_has_sections_comments_and_long_lines);
	tcase_add_test(all, an_error_in_a_file_names_the_line);
	tcase_add_test(all, a_secret_is_read_from_a_file);
	tcase_add_test(all, a_typing_error_in_the_environment_is_refused_and_a_foreign_name_is_not);
	tcase_add_test(all, arguments_that_are_not_flags_keep_their_order);
	tcase_add_loop_test(all, numbers_accept_units, 0, COUNT_OF(numbers));
	tcase_add_loop_test(
		all, a_wrong_value_is_refused_with_the_accepted_values, 0, COUNT_OF(wrong));
	tcase_add_test(all, a_flag_without_a_value_is_refused);
	tcase_add_test(all, production_refuses_development_switches);
	tcase_add_loop_test(all, production_refuses_unsafe_values, 0, COUNT_OF(unsafe));
	tcase_add_test(all, production_refuses_every_partners_address_without_tls);
	tcase_add_loop_test(all, printing_shows_sources_and_hides_secrets, 0, COUNT_OF(secrets));
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
