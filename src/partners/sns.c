/* SPDX-License-Identifier: MIT
 *
 * Push messages by Amazon SNS: Publish to the endpoint that the app registered (its ARN is the
 * device's token). The message has one form per platform. The client signs with SigV4.
 */
#include <stdio.h>

#include "provider.h"
#include "reeyo/core/json_writer.h"

static bool sns_configured(const struct config *config)
{
	return config->sns_key_id[0] && config->sns_key[0];
}

static void sns_data_write(struct json_writer *json, const struct outgoing_message *message)
{
	json_write_member_raw(json, "data", text_of(message->data ? message->data : "{}"));
}

static void sns_title_write(struct json_writer *json, const struct outgoing_message *message)
{
	json_write_member_string(json, "title", message->content.title);
	json_write_member_string(json, "body", message->content.body);
}

/* {"notification":{"title","body"},"data":{…}} */
static char *sns_google_message(const struct outgoing_message *message, struct arena *arena)
{
	struct buf out = buf_in(arena, 512);
	struct json_writer json = json_write_to(&out);

	json_write_object(&json);
	json_write_member_object(&json, "notification");
	sns_title_write(&json, message);
	json_write_object_end(&json);
	sns_data_write(&json, message);
	json_write_object_end(&json);
	return json_write_finish(&json);
}

/* {"aps":{"alert":{"title","body"},"sound":"default"},"data":{…}} */
static char *sns_apple_message(const struct outgoing_message *message, struct arena *arena)
{
	struct buf out = buf_in(arena, 512);
	struct json_writer json = json_write_to(&out);

	json_write_object(&json);
	json_write_member_object(&json, "aps");
	json_write_member_object(&json, "alert");
	sns_title_write(&json, message);
	json_write_object_end(&json);
	json_write_member_string(&json, "sound", "default");
	json_write_object_end(&json);
	sns_data_write(&json, message);
	json_write_object_end(&json);
	return json_write_finish(&json);
}

/* Each platform's message is JSON inside a JSON text. */
static char *sns_message_write(const struct outgoing_message *message, struct arena *arena)
{
	const char *google = sns_google_message(message, arena),
		   *apple = sns_apple_message(message, arena);
	struct buf out = buf_in(arena, 1024);
	struct json_writer json = json_write_to(&out);

	if (!google || !apple)
		return NULL;
	json_write_object(&json);
	json_write_member_string(&json, "default", message->content.body);
	json_write_member_string(&json, "GCM", google);
	json_write_member_string(&json, "APNS", apple);
	json_write_object_end(&json);
	return json_write_finish(&json);
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
