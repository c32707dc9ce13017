/* SPDX-License-Identifier: MIT
 *
 * SMS by Twilio: the Messages resource, a form with basic authentication.
 */
#include <stdio.h>

#include "provider.h"

static bool twilio_configured(const struct config *config)
{
	return config->twilio_sid[0] && config->twilio_token[0] && config->twilio_from[0];
}

static void twilio_send(struct notifier *notifier, struct letter *letter, struct arena *arena)
{
	const struct config *config = notifier->config;
	struct buf form = buf_in(arena, 512);

	form_add(&form, "To", letter->to);
	form_add(&form, "From", config->twilio_from);
	form_add(&form, "Body", letter->said.body);
	letter->call.url = arena_printf(arena, "%s/2010-04-01/Accounts/%s/Messages.json",
		config->twilio_url, config->twilio_sid);
	letter->call.headers[0] = "Content-Type: application/x-www-form-urlencoded";
	letter->call.body = text_of(buf_string(&form));
	letter->call.user = config->twilio_sid;
	letter->call.password = config->twilio_token;
	if (!letter->call.url || !letter->call.body.at)
		return notifier_done(letter, OUTCOME_RETRY, "out of memory");
	notifier_call(letter);
}

static void twilio_error_code(
	const struct client_answer *answer, const json_t *json, char out[CODE_MAX])
{
	const json_t *value = json_object_get(json, "code");

	(void)answer;
	if (json_is_integer(value))
		snprintf(out, CODE_MAX, "%lld", (long long)json_integer_value(value));
}

const struct provider provider_twilio = { .word = "twilio",
	.channel = CHANNEL_SMS,
	.ready = twilio_configured,
	.send = twilio_send,
	.code = twilio_error_code };
