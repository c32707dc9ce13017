/* SPDX-License-Identifier: MIT
 *
 * E-mails by SendGrid: POST /v3/mail/send, plain text.
 */
#include "provider.h"

static bool sendgrid_configured(const struct config *config)
{
	return config->sendgrid_key[0] && config->mail_from[0];
}

static void sendgrid_send(struct notifier *notifier, struct letter *letter, struct arena *arena)
{
	const struct config *config = notifier->config;
	struct buf body = buf_in(arena, 1024);

	buf_add_string(&body, "{\"personalizations\":[{\"to\":[{\"email\":");
	buf_add_json(&body, text_of(letter->to));
	buf_add_string(&body, "}]}],\"from\":{\"name\":\"Reeyo\",\"email\":");
	buf_add_json(&body, text_of(config->mail_from));
	buf_add_string(&body, "},\"subject\":");
	buf_add_json(&body, text_of(letter->said.title));
	buf_add_string(&body, ",\"content\":[{\"type\":\"text/plain\",\"value\":");
	buf_add_json(&body, text_of(letter->said.body));
	buf_add_string(&body, "}]}");
	letter->call.url = arena_printf(arena, "%s/v3/mail/send", config->sendgrid_url);
	letter->call.headers[0] = "Content-Type: application/json";
	letter->call.headers[1] = arena_printf(
		arena, "Authorization: Bearer %s", config->sendgrid_key);
	letter->call.body = text_of(buf_string(&body));
	if (!letter->call.url || !letter->call.headers[1] || !letter->call.body.at)
		return notifier_done(letter, OUTCOME_RETRY, "out of memory");
	notifier_call(letter);
}

const struct provider provider_sendgrid = { .word = "sendgrid",
	.channel = CHANNEL_MAIL,
	.ready = sendgrid_configured,
	.send = sendgrid_send };
