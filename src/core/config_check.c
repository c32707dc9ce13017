/* SPDX-License-Identifier: MIT
 *
 * What a configuration must be as a whole, once every source has spoken: secrets that are long
 * enough, and in production none of the switches that make development easy.
 */
#include <stdio.h>

#include "config_value.h"

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
	if (config->webhook_private)
		return refuse_in_production("webhook_private");
	return 0;
}
