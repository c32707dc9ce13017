/* SPDX-License-Identifier: MIT
 *
 * Twilio: the Messages resource of one account (--sid, --token). A number that is not a Cameroon
 * mobile gets 400 with code 21211, one that ends in 0000 gets 21610 (unsubscribed). GET /_taken:
 * the accepted messages, oldest first.
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

static const char *sid = "ACtest", *token = "twilio-token";

static bool authorised(const struct fake_request *rq)
{
	char pair[256], want[400] = "Basic ";
	int len = snprintf(pair, sizeof(pair), "%s:%s", sid, token);

	EVP_EncodeBlock((unsigned char *)want + 6, (unsigned char *)pair, len);
	return strcmp(fake_header(rq, "Authorization"), want) == 0;
}

static bool mobile(const char *to)
{
	return to && strncmp(to, "+2376", 5) == 0 && strlen(to) == 13 &&
		strspn(to + 1, "0123456789") == 12;
}

static json_t *refusal(int code, const char *message)
{
	return json_pack("{s:i, s:s, s:i}", "code", code, "message", message, "status", 400);
}

static void message_take(struct fake_request *rq)
{
	char *to = fake_form(rq->body, "To"), *from = fake_form(rq->body, "From"),
	     *body = fake_form(rq->body, "Body");

	if (!mobile(to)) {
		fake_reply(rq, 400, refusal(21211, "The 'To' number is not a valid phone number."));
	} else if (strcmp(to + 9, "0000") == 0) {
		fake_reply(rq, 400, refusal(21610, "Attempt to send to unsubscribed recipient"));
	} else if (!from || !body || !body[0]) {
		fake_reply(rq, 400, refusal(21602, "A 'From' and a 'Body' are needed."));
	} else {
		fake_take(json_pack("{s:s, s:s, s:s}", "to", to, "from", from, "body", body));
		fake_reply(rq, 201,
			json_pack("{s:s, s:s, s:s}", "sid", "SM00000000000000000000000000000001",
				"status", "queued", "to", to));
	}
	free(to);
	free(from);
	free(body);
}

static void answer(struct fake_request *rq)
{
	char path[256];

	snprintf(path, sizeof(path), "/2010-04-01/Accounts/%s/Messages.json", sid);
	if (strcmp(rq->path, path) != 0 || strcmp(rq->method, "POST") != 0) {
		fake_reply(rq, 404, json_pack("{s:i, s:s}", "code", 20404, "message", "not found"));
	} else if (!authorised(rq)) {
		fake_reply(
			rq, 401, json_pack("{s:i, s:s}", "code", 20003, "message", "Authenticate"));
	} else {
		message_take(rq);
	}
}

int main(int argc, char **argv)
{
	static const struct fake_flag flags[] = {
		{ "sid", &sid, "account" },
		{ "token", &token, "its token" },
		{ NULL },
	};
	static const struct fake fake = { .name = "twilio", .answer = answer, .flags = flags };

	return fake_main(&fake, argc, argv);
}
