/* SPDX-License-Identifier: MIT
 *
 * Firebase: the token endpoint and messages:send of the project `reeyo-test`. GET /account is a
 * service account for it, with a key made at start and this server as token_uri; POST /token
 * accepts only assertions signed with that key. A device token that begins with "gone" gets 404
 * UNREGISTERED, one with "invalid" gets 400 for a malformed token, one with "apple" gets 401 for
 * refused APNs credentials. The fault "revoke" invalidates all tokens. GET /_taken: the accepted
 * messages, oldest first.
 */
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fake.h"

#define PROJECT "reeyo-test"
#define EMAIL "reeyo@reeyo-test.iam.gserviceaccount.com"

static EVP_PKEY *key;
static unsigned given; /* tokens issued; only the newest is valid */

/* --- The account ------------------------------------------------------------------------------ */

static void account_give(struct fake_request *rq)
{
	BIO *memory = BIO_new(BIO_s_mem());
	char *pem;
	long len;

	PEM_write_bio_PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL);
	len = BIO_get_mem_data(memory, &pem);
	fake_reply(rq, 200,
		json_pack("{s:s, s:s, s:s, s:s, s:s%, s:o}", "type", "service_account",
			"project_id", PROJECT, "client_email", EMAIL, "private_key_id", "1",
			"private_key", pem, (size_t)len, "token_uri",
			json_sprintf("http://%s/token", fake_header(rq, "Host"))));
	BIO_free(memory);
}

/* --- Tokens ----------------------------------------------------------------------------------- */

/* base64url without padding, in place; its length, or -1. */
static int decode(char *at, size_t len)
{
	char padded[4096];
	int got;

	if (len + 4 > sizeof(padded))
		return -1;
	for (size_t i = 0; i < len; i++)
		padded[i] = at[i] == '-' ? '+' : at[i] == '_' ? '/' : at[i];
	memcpy(padded + len, "===", (4 - len % 4) % 4);
	got = EVP_DecodeBlock(
		(unsigned char *)at, (unsigned char *)padded, (int)(len + (4 - len % 4) % 4));
	return got < 0 ? -1 : got - (int)((4 - len % 4) % 4);
}

static bool signature_good(const char *text, size_t len, const char *signature, int size)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool good = EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
		EVP_DigestVerify(context, (const unsigned char *)signature, (size_t)size,
			(const unsigned char *)text, len) == 1;

	EVP_MD_CTX_free(context);
	return good;
}

/* The claims of an assertion with a valid signature, or NULL. */
static json_t *claims_of(char *assertion)
{
	char *claims = strchr(assertion, '.'), *signature = claims ? strchr(claims + 1, '.') : NULL;
	char body[4096];
	int size, len;

	if (!signature)
		return NULL;
	len = (int)(signature - claims - 1);
	snprintf(body, sizeof(body), "%.*s", len, claims + 1);
	size = decode(signature + 1, strlen(signature + 1));
	if (size < 0 ||
		!signature_good(assertion, (size_t)(signature - assertion), signature + 1, size))
		return NULL;
	len = decode(body, strlen(body));
	return len < 0 ? NULL : json_loadb(body, (size_t)len, 0, NULL);
}

static void token_give(struct fake_request *rq)
{
	char *grant = fake_form(rq->body, "grant_type"),
	     *assertion = fake_form(rq->body, "assertion");
	json_t *claims = assertion ? claims_of(assertion) : NULL;
	const char *who = json_string_value(json_object_get(claims, "iss"));
	bool good = grant && strcmp(grant, "urn:ietf:params:oauth:grant-type:jwt-bearer") == 0 &&
		who && strcmp(who, EMAIL) == 0 &&
		json_integer_value(json_object_get(claims, "exp")) > time(NULL);

	fake_lock();
	given += good;
	json_t *answer = good
		? json_pack("{s:o, s:i, s:s}", "access_token", json_sprintf("ya29.%u", given),
			  "expires_in", 3600, "token_type", "Bearer")
		: json_pack("{s:s}", "error", "invalid_grant");
	fake_unlock();
	fake_reply(rq, good ? 200 : 400, answer);
	json_decref(claims);
	free(grant);
	free(assertion);
}

/* --- Messages --------------------------------------------------------------------------------- */

static void refuse_saying(struct fake_request *rq, int status, const char *word, const char *code,
	const char *message)
{
	fake_reply(rq, status,
		json_pack("{s:{s:i, s:s, s:s, s:[{s:s, s:s}]}}", "error", "code", status, "message",
			message, "status", word, "details", "@type",
			"type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode", code));
}

static void refuse(struct fake_request *rq, int status, const char *word, const char *code)
{
	refuse_saying(rq, status, word, code, "Refused.");
}

static void message_take(struct fake_request *rq)
{
	json_t *message = json_object_get(rq->json, "message"),
	       *notification = json_object_get(message, "notification");
	const char *device = json_string_value(json_object_get(message, "token")), *name;
	json_t *value;
	char want[64];

	fake_lock();
	given += fake_fault_is(rq, "revoke");
	snprintf(want, sizeof(want), "Bearer ya29.%u", given);
	fake_unlock();
	if (strcmp(fake_header(rq, "Authorization"), want) != 0)
		return fake_reply(rq, 401,
			json_pack("{s:{s:i, s:s}}", "error", "code", 401, "status",
				"UNAUTHENTICATED"));
	if (!device || !json_is_string(json_object_get(notification, "title")))
		return refuse(rq, 400, "INVALID_ARGUMENT", "INVALID_ARGUMENT");
	json_object_foreach(json_object_get(message, "data"), name,
		value) if (!json_is_string(value)) return refuse(rq, 400, "INVALID_ARGUMENT",
		"INVALID_ARGUMENT");
	if (strncmp(device, "gone", 4) == 0)
		return refuse(rq, 404, "NOT_FOUND", "UNREGISTERED");
	if (strncmp(device, "apple", 5) == 0)
		return refuse(rq, 401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR");
	if (strncmp(device, "invalid", 7) == 0)
		return refuse_saying(rq, 400, "INVALID_ARGUMENT", "INVALID_ARGUMENT",
			"The registration token is not a valid FCM registration token");
	fake_take(json_incref(message));
	fake_reply(rq, 200, json_pack("{s:s}", "name", "projects/" PROJECT "/messages/1"));
}

static void answer(struct fake_request *rq)
{
	if (strcmp(rq->path, "/account") == 0) {
		account_give(rq);
	} else if (strcmp(rq->path, "/token") == 0) {
		token_give(rq);
	} else if (strcmp(rq->path, "/v1/projects/" PROJECT "/messages:send") == 0) {
		message_take(rq);
	} else {
		refuse(rq, 404, "NOT_FOUND", "NOT_FOUND");
	}
}

static void end(void)
{
	EVP_PKEY_free(key);
}

int main(int argc, char **argv)
{
	static const struct fake fake = { .name = "fcm", .answer = answer };

	key = EVP_RSA_gen(2048);
	atexit(end);
	return fake_main(&fake, argc, argv);
}
