/* SPDX-License-Identifier: MIT
 *
 * Amazon SNS: Publish with MessageStructure=json, of one key (--key-id, --secret, --region) whose
 * SigV4 signature is checked. An endpoint that begins with "disabled" gets 400 EndpointDisabled,
 * one with "deleted" 400 InvalidParameter. GET /_taken: the accepted messages, oldest first.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

static const char *key_id = "AKIATEST", *secret = "sns-secret", *region = "eu-west-1";

/* --- Signatures ------------------------------------------------------------------------------- */

static void hex(const unsigned char *bytes, unsigned len, char *out)
{
	for (unsigned i = 0; i < len; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static void hash_hex(const char *text, size_t len, char out[65])
{
	unsigned char hash[SHA256_DIGEST_LENGTH];

	SHA256((const unsigned char *)text, len, hash);
	hex(hash, sizeof(hash), out);
}

/* hash := HMAC(hash or the first key, text) */
static void chain(unsigned char hash[32], const void *first, int len, const char *text)
{
	unsigned size = 32;

	HMAC(EVP_sha256(), first ? first : hash, first ? len : 32, (const unsigned char *)text,
		strlen(text), hash, &size);
}

/* "name:value\n" of each signed header. */
static void signed_headers_write(const struct fake_request *rq, char *names, char *out, size_t size)
{
	size_t len = 0;
	char *rest = NULL;

	out[0] = '\0';
	for (char *name = strtok_r(names, ";", &rest); name; name = strtok_r(NULL, ";", &rest))
		len += (size_t)snprintf(
			out + len, size - len, "%s:%s\n", name, fake_header(rq, name));
}

/* The text after `word` in Authorization, up to a comma. */
static bool authorization_part(const char *authorization, const char *word, char *out, size_t size)
{
	const char *at = strstr(authorization, word);

	if (!at)
		return false;
	at += strlen(word);
	snprintf(out, size, "%.*s", (int)strcspn(at, ","), at);
	return true;
}

static bool signature_good(const struct fake_request *rq)
{
	const char *authorization = fake_header(rq, "Authorization"),
		   *at = fake_header(rq, "X-Amz-Date");
	char names[256], names_kept[256], want[80], scope[128], headers[2048], hash[65],
		request[4096], text[512], day[9], k[128];
	unsigned char chained[32];

	snprintf(day, sizeof(day), "%.8s", at);
	snprintf(scope, sizeof(scope), "%s/%s/sns/aws4_request", day, region);
	snprintf(text, sizeof(text), "AWS4-HMAC-SHA256 Credential=%s/%s", key_id, scope);
	if (strncmp(authorization, text, strlen(text)) != 0 ||
		!authorization_part(authorization, "SignedHeaders=", names, sizeof(names)) ||
		!authorization_part(authorization, "Signature=", want, sizeof(want)))
		return false;
	snprintf(names_kept, sizeof(names_kept), "%s", names);
	signed_headers_write(rq, names, headers, sizeof(headers));
	hash_hex(rq->body, rq->body_len, hash);
	snprintf(request, sizeof(request), "%s\n/\n\n%s\n%s\n%s", rq->method, headers, names_kept,
		hash);
	hash_hex(request, strlen(request), hash);
	snprintf(text, sizeof(text), "AWS4-HMAC-SHA256\n%s\n%s\n%s", at, scope, hash);
	snprintf(k, sizeof(k), "AWS4%s", secret);
	chain(chained, k, (int)strlen(k), day);
	chain(chained, NULL, 0, region);
	chain(chained, NULL, 0, "sns");
	chain(chained, NULL, 0, "aws4_request");
	chain(chained, NULL, 0, text);
	hex(chained, sizeof(chained), hash);
	return strcmp(hash, want) == 0;
}

/* --- Publish ---------------------------------------------------------------------------------- */

static void refuse(struct fake_request *rq, int status, const char *code, const char *message)
{
	char text[256];

	snprintf(text, sizeof(text),
		"<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message>"
		"</Error></ErrorResponse>",
		code, message);
	fake_reply_text(rq, status, "text/xml", text);
}

static void publish(struct fake_request *rq)
{
	char *action = fake_form(rq->body, "Action"), *arn = fake_form(rq->body, "TargetArn"),
	     *structure = fake_form(rq->body, "MessageStructure"),
	     *text = fake_form(rq->body, "Message"),
	     *life = fake_form(rq->body, "MessageAttributes.entry.1.Value.StringValue");
	json_t *message = text ? json_loads(text, 0, NULL) : NULL;
	json_t *google = json_loads(json_string_value(json_object_get(message, "GCM")), 0, NULL),
	       *apple = json_loads(json_string_value(json_object_get(message, "APNS")), 0, NULL);

	if (!action || strcmp(action, "Publish") != 0 || !arn || !structure ||
		strcmp(structure, "json") != 0 ||
		!json_is_string(json_object_get(message, "default")) || !google || !apple) {
		refuse(rq, 400, "InvalidParameter", "Invalid parameter: Message");
	} else if (strncmp(arn, "disabled", 8) == 0) {
		refuse(rq, 400, "EndpointDisabled", "Endpoint is disabled");
	} else if (strncmp(arn, "deleted", 7) == 0) {
		refuse(rq, 400, "InvalidParameter",
			"Invalid parameter: TargetArn Reason: No endpoint found for "
			"the target arn specified");
	} else {
		fake_take(json_pack("{s:s, s:O, s:O, s:O, s:s?}", "arn", arn, "default",
			json_object_get(message, "default"), "google", google, "apple", apple,
			"life", life));
		fake_reply_text(rq, 200, "text/xml",
			"<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult>"
			"</PublishResponse>");
	}
	json_decref(message);
	json_decref(google);
	json_decref(apple);
	free(action);
	free(arn);
	free(structure);
	free(text);
	free(life);
}

static void answer(struct fake_request *rq)
{
	if (!signature_good(rq)) {
		refuse(rq, 403, "SignatureDoesNotMatch", "");
	} else {
		publish(rq);
	}
}

int main(int argc, char **argv)
{
	static const struct fake_flag flags[] = {
		{ "key-id", &key_id, "access key" },
		{ "secret", &secret, "its secret" },
		{ "region", &region, "region" },
		{ NULL },
	};
	static const struct fake fake = { .name = "sns", .answer = answer, .flags = flags };

	return fake_main(&fake, argc, argv);
}
