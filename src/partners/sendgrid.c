/* SPDX-License-Identifier: MIT
 *
 * E-mails by SendGrid: POST /v3/mail/send, plain text.
 */
#include "provider.h"

static bool sendgrid_configured(const struct config *config)
{
	return config->sendgrid_key[0] && config->mail_from[0];
}

static void sendgrid_send(
	struct notifier *notifier, struct outgoing_message *message, struct arena *arena)
{
	const struct config *config = notifier->config;
	struct buf body = buf_in(arena, 1024);

	buf_add_string(&body, "{\"personalizations\":[{\"to\":[{\"email\":");
	buf_add_json(&body, text_of(message->to));
	buf_add_string(&body, "}]}],\"from\":{\"name\":\"Reeyo\",\"email\":");
	buf_add_json(&body, text_of(config->mail_from));
	buf_add_string(&body, "},\"subject\":");
	buf_add_json(&body, text_of(message->content.title));
	buf_add_string(&body, ",\"content\":[{\"type\":\"text/plain\",\"value\":");
	buf_add_json(&body, text_of(message->content.body));
	buf_add_string(&body, "}]}");
	message->call.url = arena_printf(arena, "%s/v3/mail/send", config->sendgrid_url);
	message->call.headers[0] = "Content-Type: application/json";
	message->call.headers[1] = arena_printf(
		arena, "Authorization: Bearer %s", config->sendgrid_key);
	message->call.body = text_of(buf_string(&body));
	if (!message->call.url || !message->call.headers[1] || !message->call.body.at)
		return notifier_done(message, OUTCOME_RETRY, "out of memory");
	notifier_call(message);
}

const struct provider provider_sendgrid = { .word = "sendgrid",
	.channel = CHANNEL_MAIL,
	.ready = sendgrid_configured,
	.send = sendgrid_send };
