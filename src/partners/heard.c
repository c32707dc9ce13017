/* SPDX-License-Identifier: MIT
 *
 * Callbacks: whether one is the gateway's, and what it says. See gateway_heard.
 */
#include <jwt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "reeyo/core/clock.h"
#include "told.h"

#define MAC_SIZE 32
#define HEX_SIZE (2 * MAC_SIZE)

/* --- Queries ---------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A value without its escapes; what is no escape stays as it is. NULL when memory is out. */
static char *unescape(struct arena *arena, struct text value)
{
	char *out = arena_alloc(arena, value.len + 1), *to = out;

	for (size_t i = 0; out && i < value.len; i++) {
		int high = -1, low = -1;

		if (value.at[i] == '%' && i + 2 < value.len) {
			high = hex_digit(value.at[i + 1]);
			low = hex_digit(value.at[i + 2]);
		}
		if (high >= 0 && low >= 0) {
			*to++ = (char)(high << 4 | low);
			i += 2;
		} else {
			*to++ = value.at[i] == '+' ? ' ' : value.at[i];
		}
	}
	if (out)
		*to = '\0';
	return out;
}

/* A query as an object of texts; a parameter's first value counts. NULL when memory is out. */
static json_t *query_read(struct arena *arena, struct text query)
{
	json_t *object = json_object();

	while (object && query.at) {
		struct text value = text_cut(&query, '&');
		struct text name = text_cut(&value, '=');
		char *text = unescape(arena, value);

		if (!text) {
			json_decref(object);
			return NULL;
		}
		if (name.len && !json_object_getn(object, name.at, name.len))
			json_object_setn_new(object, name.at, name.len, json_string(text));
	}
	return object;
}

/* Without the parameter `signature`. */
static struct text query_signed(struct arena *arena, struct text query)
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

static bool mac_right(const char *key, const char *hex, struct text data)
{
	unsigned char mac[MAC_SIZE], told[MAC_SIZE];
	unsigned size = sizeof(mac);
	int high, low;

	for (size_t i = 0; i < MAC_SIZE; i++) {
		high = hex_digit(hex[2 * i]);
		low = hex_digit(hex[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		told[i] = (unsigned char)(high << 4 | low);
	}
	return HMAC(EVP_sha256(), key, (int)strlen(key), (const unsigned char *)data.at, data.len,
		mac, &size) && CRYPTO_memcmp(mac, told, sizeof(mac)) == 0;
}

static void jwt_cleanup(jwt_t **jwt)
{
	if (*jwt)
		jwt_free(*jwt);
}
#define auto_jwt __attribute__((cleanup(jwt_cleanup)))

/* A token that was made for another transaction does not vouch for this one. */
static bool claims_agree(const json_t *claims, const json_t *said)
{
	static const char *const names[] = { "reference", "external_reference", "status" };
	const json_t *expires = json_object_get(claims, "exp");

	if (expires && (!json_is_integer(expires) || json_integer_value(expires) < clock_wall_s()))
		return false;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		const json_t *claim = json_object_get(claims, names[i]);

		if (claim && !json_equal(claim, json_object_get(said, names[i])))
			return false;
	}
	return true;
}

/* libjwt believes the header about the algorithm, so that is looked at after it has checked the
 * signature. */
static bool token_right(const char *key, const char *token, const json_t *said)
{
	jwt_t *jwt auto_jwt = NULL;
	char *text auto_free = NULL;
	json_t *claims;
	bool right;

	if (jwt_decode(&jwt, token, (const unsigned char *)key, (int)strlen(key))) {
		jwt = NULL;
		return false;
	}
	if (jwt_get_alg(jwt) != JWT_ALG_HS256 || !(text = jwt_get_grants_json(jwt, NULL)))
		return false;
	claims = json_loads(text, 0, NULL);
	right = claims && claims_agree(claims, said);
	json_decref(claims);
	return right;
}

static bool signature_right(const struct config *config, const char *signature,
	struct text data, const json_t *said)
{
	if (strlen(signature) == HEX_SIZE && !strchr(signature, '.'))
		return config->campay_app_key[0] &&
			mac_right(config->campay_app_key, signature, data);
	return config->campay_webhook_key[0] &&
		token_right(config->campay_webhook_key, signature, said);
}

/* --- What it says ----------------------------------------------------------------------------- */

static bool keep(struct arena *arena, struct text *text)
{
	if (!text->at)
		return true;
	text->at = arena_copy(arena, text->at, text->len);
	return text->at != NULL;
}

static int heard(const struct config *config, struct arena *arena, const char *signature,
	struct text data, const json_t *said, struct gateway_told *ret)
{
	struct gateway_told told = told_read(said);

	if (!signature)
		signature = json_string_value(json_object_get(said, "signature"));
	if (!signature || !signature_right(config, signature, data, said))
		return E_BAD_SIGNATURE;
	if (!told.reference.at && !told.external.at)
		return E_MALFORMED_JSON;
	if (!keep(arena, &told.reference) || !keep(arena, &told.external) ||
		!keep(arena, &told.ussd_code) || !keep(arena, &told.reason))
		return E_NO_MEMORY;
	*ret = told;
	return 0;
}

int gateway_heard(const struct config *config, struct arena *arena, const char *signature,
	struct text raw, const json_t *body, struct gateway_told *ret)
{
	struct text data = raw;
	json_t *query = NULL;
	int error;

	if (body)
		return heard(config, arena, signature, raw, body, ret);
	query = query_read(arena, raw);
	data = query_signed(arena, raw);
	error = query && data.at ? heard(config, arena, signature, data, query, ret) : E_NO_MEMORY;
	json_decref(query);
	return error;
}
