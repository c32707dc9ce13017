/* SPDX-License-Identifier: MIT
 *
 * What a configuration must be as a whole, once every source has spoken: words from a list, secrets that
 * are long enough, and in production none of the switches that make development easy.
 */
#include <stdio.h>
#include <unistd.h>

#include "config_value.h"
#include "reeyo/core/log.h"

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

int config_check(const struct config *config)
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
