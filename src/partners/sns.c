/* SPDX-License-Identifier: MIT
 *
 * Push messages by Amazon SNS: Publish to the endpoint that the app registered (its ARN is the
 * device's token). The message has one form per platform. The client signs with SigV4.
 */
#include <stdio.h>

#include "provider.h"

static bool sns_configured(const struct config *config)
{
	return config->sns_key_id[0] && config->sns_key[0];
}

static void sns_data_add(struct buf *out, const struct outgoing_message *message)
{
	buf_add_string(out, message->data ? message->data : "{}");
}

/* {"notification":{"title","body"},"data":{…}} */
static char *sns_google_message(const struct outgoing_message *message, struct arena *arena)
{
	struct buf out = buf_in(arena, 512);

	buf_add_string(&out, "{\"notification\":{\"title\":");
	buf_add_json(&out, text_of(message->content.title));
	buf_add_string(&out, ",\"body\":");
	buf_add_json(&out, text_of(message->content.body));
	buf_add_string(&out, "},\"data\":");
	sns_data_add(&out, message);
	buf_add_string(&out, "}");
	return buf_string(&out);
}

/* {"aps":{"alert":{"title","body"},"sound":"default"},"data":{…}} */
static char *sns_apple_message(const struct outgoing_message *message, struct arena *arena)
{
	struct buf out = buf_in(arena, 512);

	buf_add_string(&out, "{\"aps\":{\"alert\":{\"title\":");
	buf_add_json(&out, text_of(message->content.title));
	buf_add_string(&out, ",\"body\":");
	buf_add_json(&out, text_of(message->content.body));
	buf_add_string(&out, "},\"sound\":\"default\"},\"data\":");
	sns_data_add(&out, message);
	buf_add_string(&out, "}");
	return buf_string(&out);
}

/* Each platform's message is JSON inside a JSON text. */
static char *sns_message_write(const struct outgoing_message *message, struct arena *arena)
{
	const char *google = sns_google_message(message, arena),
		   *apple = sns_apple_message(message, arena);
	struct buf out = buf_in(arena, 1024);

	if (!google || !apple)
		return NULL;
	buf_add_string(&out, "{\"default\":");
	buf_add_json(&out, text_of(message->content.body));
	buf_add_string(&out, ",\"GCM\":");
	buf_add_json(&out, text_of(google));
	buf_add_string(&out, ",\"APNS\":");
	buf_add_json(&out, text_of(apple));
	buf_add_string(&out, "}");
	return buf_string(&out);
}

/* How long the platforms keep the message for a device that is off. */
static void sns_ttl_add(struct buf *form, int64_t life_s)
{
	static const char *const names[] = { "AWS.SNS.MOBILE.FCM.TTL", "AWS.SNS.MOBILE.APNS.TTL",
		"AWS.SNS.MOBILE.APNS_SANDBOX.TTL" };

	for (unsigned i = 0; life_s > 0 && i < COUNT_OF(names); i++)
		buf_printf(form,
			"&MessageAttributes.entry.%u.Name=%s"
			"&MessageAttributes.entry.%u.Value.DataType=String"
			"&MessageAttributes.entry.%u.Value.StringValue=%lld",
			i + 1, names[i], i + 1, i + 1, (long long)life_s);
}

static void sns_send(
	struct notifier *notifier, struct outgoing_message *message, struct arena *arena)
{
	const struct config *config = notifier->config;
	const char *text = sns_message_write(message, arena);
	struct buf form = buf_in(arena, 2048);

	form_add(&form, "Action", "Publish");
	form_add(&form, "Version", "2010-03-31");
	form_add(&form, "TargetArn", message->to);
	form_add(&form, "MessageStructure", "json");
	form_add(&form, "Message", text ? text : "");
	sns_ttl_add(&form, message->life_s);
	message->call.url = config->sns_url[0]
		? arena_printf(arena, "%s/", config->sns_url)
		: arena_printf(arena, "https://sns.%s.amazonaws.com/", config->sns_region);
	message->call.headers[0] = "Content-Type: application/x-www-form-urlencoded";
	message->call.body = text_of(buf_string(&form));
	message->call.user = config->sns_key_id;
	message->call.password = config->sns_key;
	message->call.aws_sigv4 = arena_printf(arena, "aws:amz:%s:sns", config->sns_region);
	if (!text || !message->call.url || !message->call.body.at || !message->call.aws_sigv4)
		return notifier_done(message, OUTCOME_RETRY, "out of memory");
	notifier_call(message);
}

/* For a deleted endpoint the error code is the generic one for a bad parameter. */
static bool sns_address_gone(const struct client_answer *answer)
{
	return answer_has(answer, "<Code>EndpointDisabled</Code>") ||
		answer_has(answer, "<Code>NotFound</Code>") ||
		answer_has(answer, "No endpoint found for the target arn specified");
}

static void sns_error_code(
	const struct client_answer *answer, const json_t *json, char out[CODE_MAX])
{
	const char *at = answer->body.at ? memmem(answer->body.at, answer->body.len, "<Code>", 6)
					 : NULL;
	int len = at ? (int)strcspn(at + 6, "<") : 0;

	(void)json;
	if (len > 0 && len < CODE_MAX)
		snprintf(out, CODE_MAX, "%.*s", len, at + 6);
}

static bool sns_throttled(const struct client_answer *answer)
{
	return answer_has(answer, "<Code>Throttl");
}

const struct provider provider_sns = { .word = "sns",
	.channel = CHANNEL_PUSH,
	.ready = sns_configured,
	.send = sns_send,
	.gone = sns_address_gone,
	.passing = sns_throttled,
	.code = sns_error_code };
