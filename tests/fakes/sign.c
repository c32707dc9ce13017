/* SPDX-License-Identifier: MIT
 *
 * HMAC-SHA256 and HS256 tokens, implemented here so that the product does not verify with the code
 * that signed.
 */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

void fake_hmac(const char *key, const char *data, size_t len, char out[65])
{
	unsigned char mac[32];
	unsigned size = sizeof(mac);

	HMAC(EVP_sha256(), key, (int)strlen(key), (const unsigned char *)data, len, mac, &size);
	for (unsigned i = 0; i < sizeof(mac); i++)
		snprintf(out + 2 * i, 3, "%02x", mac[i]);
}

/* Appends base64url without padding. */
static void add_base64(char *out, const unsigned char *data, size_t len)
{
	size_t at = strlen(out), end;

	EVP_EncodeBlock((unsigned char *)out + at, data, (int)len);
	for (char *c = out + at; *c; c++)
		*c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
	for (end = strlen(out); end && out[end - 1] == '='; end--)
		out[end - 1] = '\0';
}

char *fake_jwt(const char *key, const json_t *claims)
{
	static const char head[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
	char *text = json_dumps(claims, JSON_COMPACT);
	char *out = calloc(1, 256 + 2 * strlen(text));
	unsigned char mac[32];
	unsigned size = sizeof(mac);

	add_base64(out, (const unsigned char *)head, strlen(head));
	strcat(out, ".");
	add_base64(out, (const unsigned char *)text, strlen(text));
	HMAC(EVP_sha256(), key, (int)strlen(key), (const unsigned char *)out, strlen(out), mac,
		&size);
	strcat(out, ".");
	add_base64(out, mac, size);
	free(text);
	return out;
}
