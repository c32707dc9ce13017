/* SPDX-License-Identifier: MIT
 *
 * SendGrid: POST /v3/mail/send with one key (--key). An address in a domain `invalid` gets 400.
 * GET /_taken: the accepted messages, oldest first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

static const char *key = "sendgrid-key";

static json_t *refusal(const char *message, const char *field)
{
	return json_pack("{s:[{s:s, s:s}]}", "errors", "message", message, "field", field);
}

static const char *text_at(const json_t *json, const char *name)
{
	return json_string_value(json_object_get(json, name));
}

static void mail_take(struct fake_request *rq)
{
	const json_t *personal = json_array_get(json_object_get(rq->json, "personalizations"), 0);
	const char *to = text_at(json_array_get(json_object_get(personal, "to"), 0), "email");
	const char *from = text_at(json_object_get(rq->json, "from"), "email");
	const char *subject = text_at(rq->json, "subject");
	const json_t *content = json_array_get(json_object_get(rq->json, "content"), 0);
	const char *type = text_at(content, "type"), *text = text_at(content, "value");

	if (!to || !strchr(to, '@') || strstr(to, ".invalid")) {
		fake_reply(rq, 400,
			refusal("Does not contain a valid address.",
				"personalizations.0.to.0.email"));
	} else if (!from || !subject || !subject[0] || !type || !text || !text[0]) {
		fake_reply(rq, 400, refusal("Something is missing.", "content"));
	} else {
		fake_take(json_pack("{s:s, s:s, s:s, s:s, s:s}", "to", to, "from", from, "subject",
			subject, "type", type, "text", text));
		fake_reply(rq, 202, NULL);
	}
}

static void answer(struct fake_request *rq)
{
	char want[256];

	snprintf(want, sizeof(want), "Bearer %s", key);
	if (strcmp(rq->path, "/v3/mail/send") != 0 || strcmp(rq->method, "POST") != 0) {
		fake_reply(rq, 404, refusal("not found", "path"));
	} else if (strcmp(fake_header(rq, "Authorization"), want) != 0) {
		fake_reply(rq, 401,
			refusal("The provided authorization grant is invalid", "authorization"));
	} else {
		mail_take(rq);
	}
}

int main(int argc, char **argv)
{
	static const struct fake_flag flags[] = {
		{ "key", &key, "API key" },
		{ NULL },
	};
	static const struct fake fake = { .name = "sendgrid", .answer = answer, .flags = flags };

	return fake_main(&fake, argc, argv);
}
