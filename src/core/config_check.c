/* SPDX-License-Identifier: MIT
 *
 * Checks of the whole configuration, after all sources were read: secrets are long enough, and
 * production has no setting that is unsafe or only for development.
 */
#include <stddef.h>
#include <stdio.h>
#include <strings.h>

#include "config_value.h"
#include "reeyo/core/memory.h"

/* --- Production ------------------------------------------------------------------------------- */

/* What a key must be while environment = production. A new switch for development only gets a row
 * here. */
static const struct need {
	const char *key;
	size_t member;
	enum { NEEDS_OFF, NEEDS_ON, NEEDS_EMPTY, NEEDS_VALUE } what;
	const char *why;
} needs[] = {
#define NEED(member, what, why) \
	{ \
#member, offsetof(struct config, member), NEEDS_##what, why \
	}
	NEED(jwt_secret, VALUE, "give at least 32 characters"),
	NEED(otp_test_code, EMPTY, "anyone could verify any phone"),
	NEED(auto_approve, OFF, "vendors and riders would not be reviewed"),
	NEED(skip_phone_verify, OFF, "phones would not be verified"),
	NEED(card_sandbox, OFF, "it credits money that was not paid"),
	NEED(webhook_private, OFF, "webhooks could reach the internal network"),
	NEED(rate_limit, ON, "passwords and codes could be guessed"),
#undef NEED
};

static bool need_is_met(const struct config *config, const struct need *need)
{
	const char *member = (const char *)config + need->member;

	switch (need->what) {
	case NEEDS_OFF:
		return !*(const bool *)member;
	case NEEDS_ON:
		return *(const bool *)member;
	case NEEDS_EMPTY:
		return !(*(const char *const *)member)[0];
	default:
		return (*(const char *const *)member)[0] != '\0';
	}
}

/* Addresses of partners are the keys NAME_url that are not secrets. They must be https, because
 * credentials, phone numbers and codes are sent to them. */
static const struct {
	const char *key;
	size_t member;
	enum config_kind kind;
} keys[] = {
#define X(kind, member, key, ...) { key, offsetof(struct config, member), CONFIG_##kind },
	REEYO_CONFIG(X)
#undef X
};

static bool is_partner(size_t i)
{
	size_t len = strlen(keys[i].key);

	return keys[i].kind == CONFIG_TEXT && len > 4 && strcmp(keys[i].key + len - 4, "_url") == 0;
}

/* At least the work and the memory of the built-in default. */
#define ARGON2_MEMORY (7168 * 1024)
#define ARGON2_PASSES 5

static bool hashes_are_strong(const struct config *config)
{
	return config->argon2_memory >= ARGON2_MEMORY &&
		config->argon2_memory / 1024 * config->argon2_passes >=
		ARGON2_MEMORY / 1024 * ARGON2_PASSES;
}

static int refuse_in_production(const char *what, const char *why)
{
	fprintf(stderr, "reeyo: environment = production does not allow %s: %s\n", what, why);
	return E_CONFIG;
}

static int production_check(const struct config *config)
{
	static const char *const refused[] = { [NEEDS_OFF] = "%s",
		[NEEDS_ON] = "%s = off",
		[NEEDS_EMPTY] = "%s",
		[NEEDS_VALUE] = "an empty %s" };
	char what[96];

	for (size_t i = 0; i < COUNT_OF(needs); i++) {
		if (need_is_met(config, &needs[i]))
			continue;
		snprintf(what, sizeof(what), refused[needs[i].what], needs[i].key);
		return refuse_in_production(what, needs[i].why);
	}
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		const char *url = is_partner(i)
			? *(const char *const *)((const char *)config + keys[i].member)
			: "";

		if (!url[0] || strncasecmp(url, "https://", 8) == 0)
			continue;
		snprintf(what, sizeof(what), "this %s", keys[i].key);
		return refuse_in_production(what, "it must be an https:// address");
	}
	if (!hashes_are_strong(config))
		return refuse_in_production("argon2_memory and argon2_passes this low",
			"at least 7168k, and as much work as 7168k with 5 passes");
	return 0;
}

/* --- Everywhere ------------------------------------------------------------------------------- */

static bool secrets_are_long(const char *all)
{
	struct text list = text_of(all);
	bool any = false;

	while (list.at && list.len) {
		struct text secret = text_trim(text_cut(&list, ','));
		const char *colon = secret.len ? memchr(secret.at, ':', secret.len) : NULL;

		if (colon)
			secret = (struct text){ colon + 1,
				secret.len - (size_t)(colon + 1 - secret.at) };
		if (secret.len < 32)
			return false;
		any = true;
	}
	return any;
}

int config_check(const struct config *config)
{
	bool production = strcmp(config->environment, "production") == 0;

	if (config->jwt_secret[0] && !secrets_are_long(config->jwt_secret)) {
		fputs("reeyo: jwt_secret: each secret needs at least 32 characters\n", stderr);
		return E_CONFIG;
	}
	return production ? production_check(config) : 0;
}
