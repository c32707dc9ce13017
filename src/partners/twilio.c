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

static void twilio_send(
	struct notifier *notifier, struct outgoing_message *message, struct arena *arena)
{
	const struct config *config = notifier->config;
	struct buf form = buf_in(arena, 512);

	form_add(&form, "To", message->to);
	form_add(&form, "From", config->twilio_from);
	form_add(&form, "Body", message->content.body);
	message->call.url = arena_printf(arena, "%s/2010-04-01/Accounts/%s/Messages.json",
		config->twilio_url, config->twilio_sid);
	message->call.headers[0] = "Content-Type: application/x-www-form-urlencoded";
	message->call.body = text_of(buf_string(&form));
	message->call.user = config->twilio_sid;
	message->call.password = config->twilio_token;
	if (!message->call.url || !message->call.body.at)
		return notifier_done(message, OUTCOME_RETRY, "out of memory");
	notifier_call(message);
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
