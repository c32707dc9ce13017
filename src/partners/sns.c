/* SPDX-License-Identifier: MIT
 *
 * Push messages by Amazon SNS: Publish to the endpoint that the app has registered (its ARN is the
 * device's token), with one form of the message for each platform behind it. Signed with SigV4 by
 * the client.
 */
#include <stdio.h>

#include "provider.h"

static bool ready(const struct config *config)
{
	return config->sns_key_id[0] && config->sns_key[0];
}

static void add_data(struct buf *out, const struct letter *letter)
{
	buf_add_string(out, letter->data ? letter->data : "{}");
}

/* {"notification":{"title","body"},"data":{…}} */
static char *for_google(const struct letter *letter, struct arena *arena)
{
	struct buf out = buf_in(arena, 512);

	buf_add_string(&out, "{\"notification\":{\"title\":");
	buf_add_json(&out, text_of(letter->said.title));
	buf_add_string(&out, ",\"body\":");
	buf_add_json(&out, text_of(letter->said.body));
	buf_add_string(&out, "},\"data\":");
	add_data(&out, letter);
	buf_add_string(&out, "}");
	return buf_string(&out);
}

/* {"aps":{"alert":{"title","body"},"sound":"default"},"data":{…}} */
static char *for_apple(const struct letter *letter, struct arena *arena)
{
	struct buf out = buf_in(arena, 512);

	buf_add_string(&out, "{\"aps\":{\"alert\":{\"title\":");
	buf_add_json(&out, text_of(letter->said.title));
	buf_add_string(&out, ",\"body\":");
	buf_add_json(&out, text_of(letter->said.body));
	buf_add_string(&out, "},\"sound\":\"default\"},\"data\":");
	add_data(&out, letter);
	buf_add_string(&out, "}");
	return buf_string(&out);
}

/* The message of each platform is JSON written as a text. */
static char *message_of(const struct letter *letter, struct arena *arena)
{
	const char *google = for_google(letter, arena), *apple = for_apple(letter, arena);
	struct buf out = buf_in(arena, 1024);

	if (!google || !apple)
		return NULL;
	buf_add_string(&out, "{\"default\":");
	buf_add_json(&out, text_of(letter->said.body));
	buf_add_string(&out, ",\"GCM\":");
	buf_add_json(&out, text_of(google));
	buf_add_string(&out, ",\"APNS\":");
	buf_add_json(&out, text_of(apple));
	buf_add_string(&out, "}");
	return buf_string(&out);
}

/* How long the platforms keep it for a device that is off. */
static void add_life(struct buf *form, int64_t life_s)
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

static void letter_send(struct post *post, struct letter *letter, struct arena *arena)
{
	const struct config *config = post->config;
	const char *message = message_of(letter, arena);
	struct buf form = buf_in(arena, 2048);

	form_add(&form, "Action", "Publish");
	form_add(&form, "Version", "2010-03-31");
	form_add(&form, "TargetArn", letter->to);
	form_add(&form, "MessageStructure", "json");
	form_add(&form, "Message", message ? message : "");
	add_life(&form, letter->life_s);
	letter->call.url = config->sns_url[0] ? arena_printf(arena, "%s/", config->sns_url) :
		arena_printf(arena, "https://sns.%s.amazonaws.com/", config->sns_region);
	letter->call.headers[0] = "Content-Type: application/x-www-form-urlencoded";
	letter->call.body = text_of(buf_string(&form));
	letter->call.user = config->sns_key_id;
	letter->call.password = config->sns_key;
	letter->call.aws_sigv4 = arena_printf(arena, "aws:amz:%s:sns", config->sns_region);
	if (!message || !letter->call.url || !letter->call.body.at || !letter->call.aws_sigv4)
		return post_done(letter, OUTCOME_RETRY, "out of memory");
	post_call(letter);
}

/* Of an endpoint that was deleted the code is that of any parameter. */
static bool gone(const struct client_answer *answer)
{
	return answer_has(answer, "<Code>EndpointDisabled</Code>") ||
		answer_has(answer, "<Code>NotFound</Code>") ||
		answer_has(answer, "No endpoint found for the target arn specified");
}

static void code(const struct client_answer *answer, const json_t *json, char out[CODE_MAX])
{
	const char *at = answer->body.at ? memmem(answer->body.at, answer->body.len, "<Code>", 6) :
		NULL;
	int len = at ? (int)strcspn(at + 6, "<") : 0;

	(void)json;
	if (len > 0 && len < CODE_MAX)
		snprintf(out, CODE_MAX, "%.*s", len, at + 6);
}

static bool passing(const struct client_answer *answer)
{
	return answer_has(answer, "<Code>Throttl");
}

const struct provider provider_sns = { .word = "sns", .channel = CHANNEL_PUSH, .ready = ready,
	.send = letter_send, .gone = gone, .passing = passing, .code = code };
