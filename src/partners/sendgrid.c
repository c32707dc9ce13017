/* SPDX-License-Identifier: MIT
 *
 * E-mails by SendGrid: POST /v3/mail/send, plain text.
 */
#include "provider.h"
#include "reeyo/core/json_writer.h"

static bool sendgrid_configured(const struct config *config)
{
	return config->sendgrid_key[0] && config->mail_from[0];
}

static void sendgrid_send(
	struct notifier *notifier, struct outgoing_message *message, struct arena *arena)
{
	const struct config *config = notifier->config;
	struct buf body = buf_in(arena, 1024);
	struct json_writer json = json_write_to(&body);

	json_write_object(&json);
	json_write_member_array(&json, "personalizations");
	json_write_object(&json);
	json_write_member_array(&json, "to");
	json_write_object(&json);
	json_write_member_string(&json, "email", message->to);
	json_write_object_end(&json);
	json_write_array_end(&json);
	json_write_object_end(&json);
	json_write_array_end(&json);
	json_write_member_object(&json, "from");
	json_write_member_string(&json, "name", "Reeyo");
	json_write_member_string(&json, "email", config->mail_from);
	json_write_object_end(&json);
	json_write_member_string(&json, "subject", message->content.title);
	json_write_member_array(&json, "content");
	json_write_object(&json);
	json_write_member_string(&json, "type", "text/plain");
	json_write_member_string(&json, "value", message->content.body);
	json_write_object_end(&json);
	json_write_array_end(&json);
	json_write_object_end(&json);
	message->call.url = arena_printf(arena, "%s/v3/mail/send", config->sendgrid_url);
	message->call.headers[0] = "Content-Type: application/json";
	message->call.headers[1] = arena_printf(
		arena, "Authorization: Bearer %s", config->sendgrid_key);
	message->call.body = text_of(json_write_finish(&json));
	if (!message->call.url || !message->call.headers[1] || !message->call.body.at)
		return notifier_done(message, OUTCOME_RETRY, "out of memory");
	notifier_call(message);
}

const struct provider provider_sendgrid = { .word = "sendgrid",
	.channel = CHANNEL_MAIL,
	.ready = sendgrid_configured,
	.send = sendgrid_send };
