/* SPDX-License-Identifier: MIT
 *
 * Signatures of webhooks: see the header.
 */
#include "reeyo/partners/signature.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define PREFIX "whsec_"
#define KEY_NEW 32
#define KEY_MIN 24
#define KEY_MAX 64

_Static_assert(
	sizeof(PREFIX) - 1 + sodium_base64_ENCODED_LEN(KEY_NEW, sodium_base64_VARIANT_ORIGINAL) <=
		WEBHOOK_SECRET_SIZE,
	"a new secret fits");
_Static_assert(3 +
			sodium_base64_ENCODED_LEN(
				crypto_auth_hmacsha256_BYTES, sodium_base64_VARIANT_ORIGINAL) <=
		WEBHOOK_SIGNATURE_SIZE,
	"a signature fits");

void webhook_secret_new(char out[WEBHOOK_SECRET_SIZE])
{
	unsigned char key[KEY_NEW];
	const size_t prefix = sizeof(PREFIX) - 1;

	randombytes_buf(key, sizeof(key));
	memcpy(out, PREFIX, prefix);
	sodium_bin2base64(out + prefix, WEBHOOK_SECRET_SIZE - prefix, key, sizeof(key),
		sodium_base64_VARIANT_ORIGINAL);
	sodium_memzero(key, sizeof(key));
}

static int key_read(const char *secret, unsigned char key[KEY_MAX], size_t *ret_len)
{
	struct text text = text_of(secret);
	const size_t prefix = sizeof(PREFIX) - 1;

	if (!text_starts(text, TEXT(PREFIX)) ||
		sodium_base642bin(key, KEY_MAX, text.at + prefix, text.len - prefix, NULL, ret_len,
			NULL, sodium_base64_VARIANT_ORIGINAL) ||
		*ret_len < KEY_MIN)
		return E_CONFIG;
	return 0;
}

int webhook_sign(const char *secret, const char *id, int64_t timestamp_s, struct text body,
	char ret[WEBHOOK_SIGNATURE_SIZE])
{
	unsigned char key[KEY_MAX], mac[crypto_auth_hmacsha256_BYTES];
	crypto_auth_hmacsha256_state state;
	size_t key_len;
	char head[128];
	int len, error = key_read(secret, key, &key_len);

	if (error)
		return error;
	len = snprintf(head, sizeof(head), "%s.%lld.", id, (long long)timestamp_s);
	if (len < 0 || (size_t)len >= sizeof(head))
		return E_CONFIG;
	crypto_auth_hmacsha256_init(&state, key, key_len);
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)head, strlen(head));
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)body.at, body.len);
	crypto_auth_hmacsha256_final(&state, mac);
	snprintf(ret, WEBHOOK_SIGNATURE_SIZE, "v1,");
	sodium_bin2base64(ret + 3, WEBHOOK_SIGNATURE_SIZE - 3, mac, sizeof(mac),
		sodium_base64_VARIANT_ORIGINAL);
	sodium_memzero(key, sizeof(key));
	sodium_memzero(&state, sizeof(state));
	return 0;
}
