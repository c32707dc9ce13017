/* SPDX-License-Identifier: MIT
 *
 * Access and refresh tokens: JWT HS256 through libjwt.
 *
 * libjwt 1.10 needs the key before it reads the header, and trusts the header about the algorithm.
 * So the header is parsed here first: `alg` must be HS256 (not none, and not RS256 with our secret
 * as its "public key"), and `kid` selects the key. Only then is the signature verified.
 */
#include "reeyo/auth/token.h"

#include <errno.h>
#include <jansson.h>
#include <jwt.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "reeyo/core/clock.h"
#include "reeyo/core/json_reader.h"
#include "reeyo/core/log.h"

#define KEYS_MAX 8
#define KEY_ID_SIZE 33
#define SECRET_MIN 32
#define SECRET_MAX 512
#define HEADER_MAX 256 /* size of a decoded token header */
#define LEEWAY_S 60    /* maximum difference between the clocks of two instances */

struct key {
	char id[KEY_ID_SIZE];
	unsigned char secret[SECRET_MAX];
	int len;
};

struct keyring {
	unsigned count; /* the first one signs */
	struct key keys[KEYS_MAX];
};

static const struct role_name {
	enum access role;
	const char *name, *claim;
} roles[] = {
	{ CUSTOMER, "USER", "userId" },
	{ VENDOR_ACCOUNT, "VENDOR", "vendorId" },
	{ RIDER_ACCOUNT, "RIDER", "riderId" },
	{ ADMIN, "ADMIN", "adminId" },
	{ SUPER_ADMIN, "SUPER_ADMIN", "adminId" },
};

/* --- Keys ------------------------------------------------------------------------------------- */

static bool key_id_valid(struct text id)
{
	if (id.len == 0 || id.len >= KEY_ID_SIZE)
		return false;
	for (size_t i = 0; i < id.len; i++)
		if (!memchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.",
			    id.at[i], 65))
			return false;
	return true;
}

/* Adds "id:secret", or a bare secret, which gets the id 1. */
static int key_add(struct keyring *keys, struct text entry)
{
	struct text secret = entry;
	struct text id = text_cut(&secret, ':');
	struct key *key;

	if (!secret.at || !key_id_valid(id)) {
		secret = entry;
		id = TEXT("1");
	}
	if (keys->count == KEYS_MAX || secret.len < SECRET_MIN || secret.len > SECRET_MAX) {
		log_line(LOG_ERROR, "jwt_secret: up to 8 keys of 32 to 512 characters each");
		return E_CONFIG;
	}
	key = &keys->keys[keys->count];
	for (unsigned i = 0; i < keys->count; i++)
		if (text_is(text_of(keys->keys[i].id), id)) {
			log_line(LOG_ERROR, "jwt_secret: two keys have the same id",
				LOG_T("id", keys->keys[i].id));
			return E_CONFIG;
		}
	memcpy(key->id, id.at, id.len);
	memcpy(key->secret, secret.at, secret.len);
	key->len = (int)secret.len;
	keys->count++;
	return 0;
}

static int key_random(struct keyring *keys, const struct config *config)
{
	struct key *key = &keys->keys[0];

	if (strcmp(config->environment, "production") == 0) {
		log_line(LOG_ERROR,
			"jwt_secret is empty: production needs a key of 32 characters or more");
		return E_CONFIG;
	}
	log_line(LOG_WARN,
		"jwt_secret is empty: tokens are signed with a random key and end with "
		"this process");
	memcpy(key->id, "random", sizeof("random"));
	key->len = SECRET_MIN;
	randombytes_buf(key->secret, SECRET_MIN);
	keys->count = 1;
	return 0;
}

int keyring_new(const struct config *config, struct keyring **ret)
{
	struct keyring *keys = calloc(1, sizeof(*keys));
	struct text rest = text_of(config->jwt_secret);
	int err = 0;

	if (!keys)
		return E_NO_MEMORY;
	if (rest.len == 0)
		err = key_random(keys, config);
	while (!err && rest.len > 0) {
		struct text entry = text_cut(&rest, ',');

		err = key_add(keys, text_trim(entry));
	}
	if (err) {
		keyring_free(keys);
		return err;
	}
	*ret = keys;
	return 0;
}

void keyring_free(struct keyring *keys)
{
	if (!keys)
		return;
	sodium_memzero(keys, sizeof(*keys));
	free(keys);
}

static void code_hash_add(crypto_generichash_state *state, const char *text)
{
	crypto_generichash_update(state, (const unsigned char *)text, strlen(text) + 1);
}

void keyring_code_hash(const struct keyring *keys, const char *purpose, const char *owner,
	const char *code, char ret[CODE_HASH_SIZE])
{
	crypto_generichash_state state;
	unsigned char key[crypto_generichash_KEYBYTES_MAX], hash[32];

	crypto_generichash(key, sizeof(key), keys->keys[0].secret,
		(unsigned long long)keys->keys[0].len, NULL, 0);
	crypto_generichash_init(&state, key, sizeof(key), sizeof(hash));
	code_hash_add(&state, purpose);
	code_hash_add(&state, owner);
	code_hash_add(&state, code);
	crypto_generichash_final(&state, hash, sizeof(hash));
	sodium_bin2hex(ret, CODE_HASH_SIZE, hash, sizeof(hash));
	sodium_memzero(key, sizeof(key));
}

/* --- Signing ---------------------------------------------------------------------------------- */

static const struct role_name *role_name_of(enum access access)
{
	for (size_t i = 0; i < COUNT_OF(roles); i++)
		if (roles[i].role == access)
			return &roles[i];
	return NULL;
}

enum access role_parse(struct text name)
{
	for (size_t i = 0; i < COUNT_OF(roles); i++)
		if (text_is(name, text_of(roles[i].name)))
			return roles[i].role;
	return ACCESS_UNSET;
}

static void token_jwt_free(jwt_t **jwt)
{
	if (*jwt)
		jwt_free(*jwt);
}
#define auto_jwt __attribute__((cleanup(token_jwt_free)))

static int claims_add_identity(jwt_t *jwt, const struct caller *who, const char *email)
{
	const struct role_name *role = role_name_of(who->role);
	int err;

	if (!role)
		return EINVAL;
	err = jwt_add_grant(jwt, "sub", who->id);
	err |= jwt_add_grant(jwt, "userId", who->id);
	if (who->role != CUSTOMER)
		err |= jwt_add_grant(jwt, role->claim, who->id);
	err |= jwt_add_grant(jwt, "role", role->name);
	err |= jwt_add_grant(jwt, "userType", role->name);
	err |= jwt_add_grant(jwt, "sid", who->session);
	if (email)
		err |= jwt_add_grant(jwt, "email", email);
	return err;
}

static int claims_add_validity(
	jwt_t *jwt, enum token_type type, const struct caller *who, const char *jti)
{
	int err = jwt_add_grant(jwt, "type", type == TOKEN_ACCESS ? "access" : "refresh");

	if (jti)
		err |= jwt_add_grant(jwt, "jti", jti);
	err |= jwt_add_grant(jwt, "iss", TOKEN_ISSUER);
	err |= jwt_add_grant(jwt, "aud", TOKEN_AUDIENCE);
	err |= jwt_add_grant_int(jwt, "iat", who->issued_s);
	err |= jwt_add_grant_int(jwt, "exp", who->expires_s);
	if (who->issued_ms)
		err |= jwt_add_grant_int(jwt, "iatMs", who->issued_ms);
	return err;
}

const char *token_sign(struct arena *arena, const struct keyring *keys, enum token_type type,
	const struct caller *who, const char *email, const char *jti)
{
	const struct key *key = &keys->keys[0];
	jwt_t *jwt auto_jwt = NULL;
	char *signed_text auto_free = NULL;

	if (jwt_new(&jwt) || claims_add_identity(jwt, who, email) ||
		claims_add_validity(jwt, type, who, jti) || jwt_add_header(jwt, "kid", key->id) ||
		jwt_set_alg(jwt, JWT_ALG_HS256, key->secret, key->len))
		return NULL;
	signed_text = jwt_encode_str(jwt);
	return signed_text ? arena_copy(arena, signed_text, strlen(signed_text)) : NULL;
}

/* --- Reading ---------------------------------------------------------------------------------- */

/* No name may appear twice: two readers could take different values. */
static json_t *token_json(struct text text)
{
	json_t *value = json_read_usual(text);

	return value ? value : json_loadb(text.at, text.len, JSON_REJECT_DUPLICATES, NULL);
}

/* Decodes the header of a token; NULL unless it is a small JSON object. The caller owns it. */
static json_t *token_header_parse(struct text token)
{
	const char *dot = memchr(token.at, '.', token.len);
	char header[HEADER_MAX];
	size_t len = 0;

	if (!dot ||
		sodium_base642bin((unsigned char *)header, sizeof(header), token.at,
			(size_t)(dot - token.at), NULL, &len, NULL,
			sodium_base64_VARIANT_URLSAFE_NO_PADDING))
		return NULL;
	return token_json((struct text){ header, len });
}

/* True when alg is HS256 and no extension is marked critical. *ret_kid: the key id, "" when the
 * token has none. */
static bool token_header_valid(const json_t *header, char ret_kid[KEY_ID_SIZE])
{
	const char *alg = json_string_value(json_object_get(header, "alg"));
	const json_t *kid = json_object_get(header, "kid");

	if (!alg || strcmp(alg, "HS256") != 0 || json_object_get(header, "crit"))
		return false;
	ret_kid[0] = '\0';
	if (!kid)
		return true;
	if (!json_is_string(kid) || json_string_length(kid) >= KEY_ID_SIZE)
		return false;
	memcpy(ret_kid, json_string_value(kid), json_string_length(kid) + 1);
	return ret_kid[0] != '\0';
}

/* Returns the token when its signature is valid, else NULL. A token without kid is tried with every
 * key. */
static jwt_t *token_signature_verify(const struct keyring *keys, const char *kid, const char *token)
{
	for (unsigned i = 0; i < keys->count; i++) {
		const struct key *key = &keys->keys[i];
		jwt_t *jwt auto_jwt = NULL;

		if (kid[0] && strcmp(kid, key->id) != 0)
			continue;
		if (jwt_decode(&jwt, token, key->secret, key->len)) {
			jwt = NULL;
			continue;
		}
		if (jwt_get_alg(jwt) == JWT_ALG_HS256)
			return TAKE_PTR(jwt);
	}
	return NULL;
}

/* The claims of a verified token, read from its own bytes, which keeps their types (libjwt itself
 * reads a text as the number 0). */
static json_t *token_claims_parse(struct text token)
{
	struct text rest = token, payload;
	char claims[TOKEN_MAX];
	size_t len = 0;

	text_cut(&rest, '.');
	payload = text_cut(&rest, '.');
	if (!payload.at ||
		sodium_base642bin((unsigned char *)claims, sizeof(claims), payload.at, payload.len,
			NULL, &len, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING))
		return NULL;
	return token_json((struct text){ claims, len });
}

static bool claim_is(const json_t *claims, const char *name, const char *expected)
{
	const char *value = json_string_value(json_object_get(claims, name));

	return value && strcmp(value, expected) == 0;
}

static bool claim_copy(const json_t *claims, const char *name, char out[ID_SIZE])
{
	const char *value = json_string_value(json_object_get(claims, name));

	if (!value || !value[0] || strlen(value) >= ID_SIZE)
		return false;
	memcpy(out, value, strlen(value) + 1);
	return true;
}

static bool claim_time(const json_t *claims, const char *name, int64_t *ret)
{
	const json_t *value = json_object_get(claims, name);

	*ret = json_integer_value(value);
	return json_is_integer(value);
}

static int claims_check_validity(const json_t *claims, enum token_type type, struct caller *caller)
{
	int64_t now = clock_wall_s();
	int64_t not_before = 0;

	if (!claim_is(claims, "iss", TOKEN_ISSUER) || !claim_is(claims, "aud", TOKEN_AUDIENCE) ||
		!claim_is(claims, "type", type == TOKEN_ACCESS ? "access" : "refresh"))
		return E_BAD_TOKEN;
	if (!claim_time(claims, "iat", &caller->issued_s) ||
		!claim_time(claims, "exp", &caller->expires_s))
		return E_BAD_TOKEN;
	if (json_object_get(claims, "nbf") && !claim_time(claims, "nbf", &not_before))
		return E_BAD_TOKEN;
	/* A token without iatMs counts as issued at the start of its second: a cut-off in the same
	 * second revokes it. */
	if (!claim_time(claims, "iatMs", &caller->issued_ms))
		caller->issued_ms = caller->issued_s * 1000;
	if (caller->issued_s > now + LEEWAY_S || not_before > now + LEEWAY_S)
		return E_BAD_TOKEN;
	/* No leeway here: a token must not be valid a minute longer than promised. */
	return caller->expires_s <= now ? E_TOKEN_EXPIRED : 0;
}

static bool claims_read_identity(const json_t *claims, struct caller *caller)
{
	caller->role = ACCESS_UNSET;
	for (size_t i = 0; i < COUNT_OF(roles); i++)
		if (claim_is(claims, "role", roles[i].name))
			caller->role = roles[i].role;
	return caller->role != ACCESS_UNSET && claim_copy(claims, "sub", caller->id) &&
		claim_copy(claims, "sid", caller->session);
}

int token_read(const struct keyring *keys, enum token_type type, struct text token,
	struct caller *ret, char jti[ID_SIZE])
{
	json_auto_t *header = NULL;
	json_auto_t *claims = NULL;
	jwt_t *jwt auto_jwt = NULL;
	struct caller caller = { .role = ACCESS_UNSET };
	char copy[TOKEN_MAX + 1];
	char kid[KEY_ID_SIZE];
	int err;

	if (!token.at || token.len == 0 || token.len > TOKEN_MAX ||
		memchr(token.at, '\0', token.len))
		return E_BAD_TOKEN;
	header = token_header_parse(token);
	if (!header || !token_header_valid(header, kid))
		return E_BAD_TOKEN;
	memcpy(copy, token.at, token.len);
	copy[token.len] = '\0';
	jwt = token_signature_verify(keys, kid, copy);
	claims = jwt ? token_claims_parse(token) : NULL;
	if (!claims || !claims_read_identity(claims, &caller))
		return E_BAD_TOKEN;
	err = claims_check_validity(claims, type, &caller);
	if (err)
		return err;
	if (jti && !claim_copy(claims, "jti", jti))
		return E_BAD_TOKEN;
	*ret = caller;
	return 0;
}
