/* SPDX-License-Identifier: MIT
 *
 * Verification of the gateway's callbacks. The header describes the signatures.
 */
#include <jwt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "reeyo/core/clock.h"
#include "transaction.h"

#define MAC_SIZE 32
#define HEX_SIZE ((size_t)2 * MAC_SIZE)

/* --- Queries ---------------------------------------------------------------------------------- */

/* A query as a JSON object of texts; the first value of a parameter counts. NULL: out of memory. */
static json_t *query_parse(struct arena *arena, struct text query)
{
	json_t *object = json_object();

	while (object && query.at) {
		struct text value = text_cut(&query, '&');
		struct text name = text_cut(&value, '=');
		char *text = arena_alloc(arena, value.len + 1);

		if (!text) {
			json_decref(object);
			return NULL;
		}
		form_decode(text, value);
		if (name.len && !json_object_getn(object, name.at, name.len))
			json_object_setn_new(object, name.at, name.len, json_string(text));
	}
	return object;
}

/* The query without the parameter `signature`. */
static struct text query_signed_part(struct arena *arena, struct text query)
{
	struct buf left = buf_in(arena, query.len + 1);

	while (query.at) {
		struct text pair = text_cut(&query, '&');

		if (text_starts(pair, TEXT("signature=")))
			continue;
		if (left.len)
			buf_add(&left, "&", 1);
		buf_add_text(&left, pair);
	}
	return (struct text){ buf_string(&left), left.len };
}

/* --- Signatures ------------------------------------------------------------------------------- */

static bool hmac_valid(const char *key, const char *hex, struct text data)
{
	unsigned char mac[MAC_SIZE], given[MAC_SIZE];
	unsigned size = sizeof(mac);
	int high, low;

	for (size_t i = 0; i < MAC_SIZE; i++) {
		high = hex_digit_value(hex[2 * i]);
		low = hex_digit_value(hex[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		given[i] = (unsigned char)(high << 4 | low);
	}
	return HMAC(EVP_sha256(), key, (int)strlen(key), (const unsigned char *)data.at, data.len,
		       mac, &size) &&
		CRYPTO_memcmp(mac, given, sizeof(mac)) == 0;
}

static void callback_jwt_cleanup(jwt_t **jwt)
{
	if (*jwt)
		jwt_free(*jwt);
}
#define auto_jwt __attribute__((cleanup(callback_jwt_cleanup)))

/* A token made for another transaction is not valid for this one. */
static bool claims_match(const json_t *claims, const json_t *callback)
{
	static const char *const names[] = { "reference", "external_reference", "status" };
	const json_t *expires = json_object_get(claims, "exp");

	if (expires && (!json_is_integer(expires) || json_integer_value(expires) < clock_wall_s()))
		return false;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		const json_t *claim = json_object_get(claims, names[i]);

		if (claim && !json_equal(claim, json_object_get(callback, names[i])))
			return false;
	}
	return true;
}

/* libjwt takes the algorithm from the token's header, so the algorithm is checked afterwards. */
static bool callback_token_valid(const char *key, const char *token, const json_t *callback)
{
	jwt_t *jwt auto_jwt = NULL;
	char *text auto_free = NULL;
	json_t *claims;
	bool valid;

	if (jwt_decode(&jwt, token, (const unsigned char *)key, (int)strlen(key))) {
		jwt = NULL;
		return false;
	}
	if (jwt_get_alg(jwt) != JWT_ALG_HS256 || !(text = jwt_get_grants_json(jwt, NULL)))
		return false;
	claims = json_loads(text, 0, NULL);
	valid = claims && claims_match(claims, callback);
	json_decref(claims);
	return valid;
}

static bool callback_signature_valid(const struct config *config, const char *signature,
	struct text data, const json_t *callback)
{
	if (strlen(signature) == HEX_SIZE && !strchr(signature, '.'))
		return config->campay_app_key[0] &&
			hmac_valid(config->campay_app_key, signature, data);
	return config->campay_webhook_key[0] &&
		callback_token_valid(config->campay_webhook_key, signature, callback);
}

/* --- The callback ----------------------------------------------------------------------------- */

static bool callback_text_keep(struct arena *arena, struct text *text)
{
	if (!text->at)
		return true;
	text->at = arena_copy(arena, text->at, text->len);
	return text->at != NULL;
}

static int callback_verify(const struct config *config, struct arena *arena, const char *signature,
	struct text data, const json_t *callback, struct gateway_transaction *ret)
{
	struct gateway_transaction transaction = transaction_read(callback);

	if (!signature)
		signature = json_string_value(json_object_get(callback, "signature"));
	if (!signature || !callback_signature_valid(config, signature, data, callback))
		return E_BAD_SIGNATURE;
	if (!transaction.reference.at && !transaction.external.at)
		return E_MALFORMED_JSON;
	if (!callback_text_keep(arena, &transaction.reference) ||
		!callback_text_keep(arena, &transaction.external) ||
		!callback_text_keep(arena, &transaction.ussd_code) ||
		!callback_text_keep(arena, &transaction.reason))
		return E_NO_MEMORY;
	*ret = transaction;
	return 0;
}

int gateway_callback_verify(const struct config *config, struct arena *arena, const char *signature,
	struct text raw, const json_t *body, struct gateway_transaction *ret)
{
	struct text data;
	json_t *query = NULL;
	int error;

	if (body)
		return callback_verify(config, arena, signature, raw, body, ret);
	query = query_parse(arena, raw);
	data = query_signed_part(arena, raw);
	error = query && data.at ? callback_verify(config, arena, signature, data, query, ret)
				 : E_NO_MEMORY;
	json_decref(query);
	return error;
}
