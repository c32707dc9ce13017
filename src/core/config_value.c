/* SPDX-License-Identifier: MIT
 *
 * Values of the configuration: whole numbers with the units people write, and switches.
 */
#include "config_value.h"

#include <stdio.h>
#include <strings.h>

#include "reeyo/core/memory.h"

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit durations[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 },
	{ "h", 3600000 }, { "d", 86400000 }, { NULL, 0 } };
static const struct unit sizes[] = { { "", 1 }, { "k", 1024 }, { "m", 1048576 },
	{ "g", 1073741824 }, { NULL, 0 } };
static const struct unit plain[] = { { "", 1 }, { NULL, 0 } };

static const struct unit *units_of(enum config_kind kind)
{
	return kind == CONFIG_MS ? durations : kind == CONFIG_BYTES ? sizes : plain;
}

bool config_number(enum config_kind kind, const char *text, int64_t *ret)
{
	size_t digits = strspn(text, "0123456789");
	int64_t value, scaled;

	if (!text_to_int((struct text){ text, digits }, 0, INT64_MAX, &value))
		return false;
	if (value == 0 && text[digits] == '\0') {
		*ret = 0;
		return true;
	}
	for (const struct unit *unit = units_of(kind); unit->name; unit++) {
		if (strcasecmp(text + digits, unit->name) != 0)
			continue;
		if (__builtin_mul_overflow(value, unit->factor, &scaled))
			return false;
		*ret = scaled;
		return true;
	}
	return false;
}

int config_bool(const char *text)
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

/* `words` also appears in the error message. */
static const struct {
	const char *key, *words;
	bool list; /* several, separated by commas */
} choices[] = {
	{ "environment", "production, development or test" },
	{ "log_level", "debug, info, warn, error or off" },
	{ "sms", "log, twilio or off" },
	{ "mail", "log, sendgrid or off" },
	{ "push", "log, fcm, sns or off" },
	{ "campay_dialect", "campay or upstream" },
	{ "api", "user, vendor, rider, admin", .list = true },
};

/* Words consist of letters; any other characters separate them. */
static bool word_among(struct text word, const char *words)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz";

	while (*words) {
		size_t len = strspn(words, letters);

		if (len && !text_is((struct text){ words, len }, TEXT("or")) &&
			text_is((struct text){ words, len }, word))
			return true;
		words += len;
		words += strcspn(words, letters);
	}
	return false;
}

bool config_choice_valid(const char *key, const char *value, const char **ret_wants)
{
	for (size_t i = 0; i < COUNT_OF(choices); i++) {
		struct text rest = text_of(value);

		if (strcmp(choices[i].key, key) != 0)
			continue;
		*ret_wants = choices[i].words;
		if (!choices[i].list)
			return word_among(rest, choices[i].words);
		while (rest.at)
			if (!word_among(text_trim(text_cut(&rest, ',')), choices[i].words))
				return false;
	}
	return true;
}

const char *config_expected(enum config_kind kind)
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
