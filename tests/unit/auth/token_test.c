/* SPDX-License-Identifier: MIT
 *
 * Tokens: our own are read, all others are refused: other algorithms, other keys, other issuers,
 * other times, and every changed byte.
 */
#include <check.h>
#include <jwt.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "../suite.h"
#include "reeyo/auth/token.h"
#include "reeyo/core/clock.h"
#include "token_cache.h"

#define OLD_SECRET "an-old-secret-of-thirty-two-characters"
#define NEW_SECRET "a-new-secret-of-thirty-two-characters!"

static struct arena_pool *pool;
static struct arena *arena;
static struct keyring *keys;
static struct caller caller;

static struct keyring *keyring_of(const char *secret)
{
	struct config config = { .jwt_secret = secret, .environment = "test" };
	struct keyring *made = NULL;

	ck_assert_int_eq(keyring_new(&config, &made), 0);
	return made;
}

static void setup(void)
{
	pool = arena_pool_new(1 << 20);
	arena = arena_new(pool, 1 << 20);
	keys = keyring_of("k2:" NEW_SECRET ",k1:" OLD_SECRET);
	caller = (struct caller){ .role = CUSTOMER,
		.id = "user_1",
		.session = "ses_1",
		.issued_s = clock_wall_s(),
		.expires_s = clock_wall_s() + 3600 };
}

static void teardown(void)
{
	keyring_free(keys);
	arena_free(arena);
	arena_pool_free(pool);
}

static int read_as(enum token_type type, const char *token)
{
	struct caller got;

	return token_read(keys, type, text_of(token), &got, NULL);
}

/* A token with valid claims, to be changed by the test. */
static jwt_t *good_jwt(void)
{
	jwt_t *jwt;

	ck_assert_int_eq(jwt_new(&jwt), 0);
	jwt_add_grant(jwt, "sub", "user_1");
	jwt_add_grant(jwt, "sid", "ses_1");
	jwt_add_grant(jwt, "role", "USER");
	jwt_add_grant(jwt, "type", "access");
	jwt_add_grant(jwt, "iss", TOKEN_ISSUER);
	jwt_add_grant(jwt, "aud", TOKEN_AUDIENCE);
	jwt_add_grant_int(jwt, "iat", (long)clock_wall_s());
	jwt_add_grant_int(jwt, "exp", (long)clock_wall_s() + 3600);
	return jwt;
}

static int read_signed(jwt_t *jwt, jwt_alg_t alg, const char *key)
{
	char *token;
	int err;

	ck_assert_int_eq(
		jwt_set_alg(jwt, alg, (const unsigned char *)key, key ? (int)strlen(key) : 0), 0);
	token = jwt_encode_str(jwt);
	ck_assert_ptr_nonnull(token);
	err = read_as(TOKEN_ACCESS, token);
	free(token);
	jwt_free(jwt);
	return err;
}

START_TEST(a_signed_token_is_read)
{
	struct caller got = { .role = ACCESS_UNSET };
	char jti[ID_SIZE];
	const char *token = token_sign(arena, keys, TOKEN_REFRESH, &caller, "a@b.cm", "jti_1");

	ck_assert_int_eq(token_read(keys, TOKEN_REFRESH, text_of(token), &got, jti), 0);
	ck_assert_str_eq(got.id, "user_1");
	ck_assert_str_eq(got.session, "ses_1");
	ck_assert_str_eq(jti, "jti_1");
	ck_assert_int_eq(got.role, CUSTOMER);
	ck_assert_int_eq(got.issued_s, caller.issued_s);
	ck_assert_int_eq(got.expires_s, caller.expires_s);
	ck_assert_int_eq(got.issued_ms, caller.issued_s * 1000); /* no iatMs: start of its second */
}
END_TEST

START_TEST(the_time_of_issue_is_read_to_the_millisecond)
{
	struct caller got = { .role = ACCESS_UNSET }, who = caller;
	const char *token, *again;

	who.issued_ms = caller.issued_s * 1000 + 345;
	token = token_sign(arena, keys, TOKEN_REFRESH, &who, NULL, "jti_1");
	again = token_sign(arena, keys, TOKEN_REFRESH, &who, NULL, "jti_1");
	ck_assert_int_eq(token_read(keys, TOKEN_REFRESH, text_of(token), &got, NULL), 0);
	ck_assert_int_eq(got.issued_ms, who.issued_ms);
	ck_assert_str_eq(token, again);
}
END_TEST

START_TEST(a_good_token_of_our_key_is_read)
{
	ck_assert_int_eq(read_signed(good_jwt(), JWT_ALG_HS256, NEW_SECRET), 0);
}
END_TEST

START_TEST(each_role_survives)
{
	static const enum access roles[] = { CUSTOMER, VENDOR_ACCOUNT, RIDER_ACCOUNT, ADMIN,
		SUPER_ADMIN };
	struct caller got;

	for (size_t i = 0; i < COUNT_OF(roles); i++) {
		caller.role = roles[i];
		ck_assert_int_eq(
			token_read(keys, TOKEN_ACCESS,
				text_of(token_sign(arena, keys, TOKEN_ACCESS, &caller, NULL, NULL)),
				&got, NULL),
			0);
		ck_assert_int_eq(got.role, roles[i]);
	}
}
END_TEST

START_TEST(a_refresh_token_is_no_access_token)
{
	ck_assert_int_eq(
		read_as(TOKEN_ACCESS, token_sign(arena, keys, TOKEN_REFRESH, &caller, NULL, "j")),
		E_BAD_TOKEN);
	ck_assert_int_eq(
		read_as(TOKEN_REFRESH, token_sign(arena, keys, TOKEN_ACCESS, &caller, NULL, "j")),
		E_BAD_TOKEN);
}
END_TEST

START_TEST(alg_none_is_refused)
{
	ck_assert_int_eq(read_signed(good_jwt(), JWT_ALG_NONE, NULL), E_BAD_TOKEN);
}
END_TEST

START_TEST(other_hmacs_of_our_key_are_refused)
{
	ck_assert_int_eq(read_signed(good_jwt(), JWT_ALG_HS384, NEW_SECRET), E_BAD_TOKEN);
	ck_assert_int_eq(read_signed(good_jwt(), JWT_ALG_HS512, NEW_SECRET), E_BAD_TOKEN);
}
END_TEST

START_TEST(rs256_is_refused)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	BIO *bio = BIO_new(BIO_s_mem());
	char pem[4096] = "";

	PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
	BIO_read(bio, pem, sizeof(pem) - 1);
	ck_assert_int_eq(read_signed(good_jwt(), JWT_ALG_RS256, pem), E_BAD_TOKEN);
	BIO_free(bio);
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(another_key_is_refused)
{
	ck_assert_int_eq(
		read_signed(good_jwt(), JWT_ALG_HS256, "somebody else's thirty-two characters"),
		E_BAD_TOKEN);
}
END_TEST

static int read_with(const char *claim, const char *value)
{
	jwt_t *jwt = good_jwt();

	jwt_del_grants(jwt, claim);
	if (value)
		jwt_add_grant(jwt, claim, value);
	return read_signed(jwt, JWT_ALG_HS256, NEW_SECRET);
}

START_TEST(wrong_or_missing_claims_are_refused)
{
	static const char *const claims[][2] = { { "iss", "someone" }, { "iss", NULL },
		{ "aud", "web" }, { "aud", NULL }, { "type", "refresh" }, { "type", NULL },
		{ "role", "ROOT" }, { "role", NULL }, { "sub", NULL }, { "sub", "" },
		{ "sid", NULL }, { "exp", NULL }, { "exp", "tomorrow" }, { "iat", NULL },
		{ "nbf", "later" }, { "sub", "an-id-that-is-longer-than-any-id-of-ours-can-be" } };

	for (size_t i = 0; i < COUNT_OF(claims); i++)
		ck_assert_msg(read_with(claims[i][0], claims[i][1]) == E_BAD_TOKEN, "%s = %s",
			claims[i][0], claims[i][1] ? claims[i][1] : "(none)");
}
END_TEST

static int read_at(const char *claim, int64_t seconds)
{
	jwt_t *jwt = good_jwt();

	jwt_del_grants(jwt, claim);
	jwt_add_grant_int(jwt, claim, (long)(clock_wall_s() + seconds));
	return read_signed(jwt, JWT_ALG_HS256, NEW_SECRET);
}

START_TEST(times_are_checked)
{
	ck_assert_int_eq(read_at("exp", -1), E_TOKEN_EXPIRED);
	ck_assert_int_eq(read_at("exp", 30), 0);
	ck_assert_int_eq(read_at("nbf", 300), E_BAD_TOKEN);
	ck_assert_int_eq(read_at("nbf", 30), 0);
	ck_assert_int_eq(read_at("iat", 300), E_BAD_TOKEN);
	ck_assert_int_eq(read_at("iat", 30), 0);
}
END_TEST

START_TEST(every_changed_byte_is_noticed)
{
	const char *token = token_sign(arena, keys, TOKEN_ACCESS, &caller, NULL, NULL);
	size_t len = strlen(token);
	char *copy = arena_copy(arena, token, len);

	for (size_t i = 0; i < len; i++) {
		copy[i] = token[i] == 'A' ? 'B' : 'A';
		ck_assert_msg(
			read_as(TOKEN_ACCESS, copy) == E_BAD_TOKEN, "byte %zu of %zu", i, len);
		copy[i] = token[i];
	}
	ck_assert_int_eq(read_as(TOKEN_ACCESS, copy), 0);
}
END_TEST

START_TEST(invalid_tokens_are_refused)
{
	static const char *const rubbish[] = { "", ".", "..", "a", "a.b.c", "e30.e30.e30",
		"bnVsbA.e30.", "W10.W10.W10", "eyJhbGciOiJIUzI1NiJ9", "eyJhbGciOiJIUzI1NiJ9..",
		"eyJhbGciOiJIUzI1NiIsImtpZCI6e319.e30.x", "eyJhbGciOjF9.e30.x" };
	char *endless = arena_alloc(arena, TOKEN_MAX + 2);

	for (size_t i = 0; i < COUNT_OF(rubbish); i++)
		ck_assert_int_eq(read_as(TOKEN_ACCESS, rubbish[i]), E_BAD_TOKEN);
	memset(endless, 'e', TOKEN_MAX + 1);
	endless[TOKEN_MAX + 1] = '\0';
	ck_assert_int_eq(read_as(TOKEN_ACCESS, endless), E_BAD_TOKEN);
	ck_assert_int_eq(
		token_read(keys, TOKEN_ACCESS, TEXT("a\0b.c.d"), &caller, NULL), E_BAD_TOKEN);
	ck_assert_int_eq(token_read(keys, TOKEN_ACCESS, TEXT_NONE, &caller, NULL), E_BAD_TOKEN);
}
END_TEST

START_TEST(keys_rotate)
{
	struct keyring *before = keyring_of("k1:" OLD_SECRET);
	struct keyring *after = keyring_of("k3:" NEW_SECRET);
	struct caller got;
	struct text old = text_of(token_sign(arena, before, TOKEN_ACCESS, &caller, NULL, NULL));

	ck_assert_int_eq(token_read(keys, TOKEN_ACCESS, old, &got, NULL), 0);
	ck_assert_int_eq(token_read(after, TOKEN_ACCESS, old, &got, NULL), E_BAD_TOKEN);
	keyring_free(before);
	keyring_free(after);
}
END_TEST

START_TEST(a_key_id_selects_its_key_only)
{
	jwt_t *jwt = good_jwt();

	jwt_add_header(jwt, "kid", "k1");
	ck_assert_int_eq(read_signed(jwt, JWT_ALG_HS256, NEW_SECRET), E_BAD_TOKEN);
	jwt = good_jwt();
	jwt_add_header(jwt, "kid", "k9");
	ck_assert_int_eq(read_signed(jwt, JWT_ALG_HS256, NEW_SECRET), E_BAD_TOKEN);
	ck_assert_int_eq(read_signed(good_jwt(), JWT_ALG_HS256, OLD_SECRET), 0);
}
END_TEST

START_TEST(weak_keys_stop_the_server)
{
	static const char *const poor[] = { "short", "a:short", "k:" NEW_SECRET ",k:" OLD_SECRET,
		NEW_SECRET ",short" };
	struct keyring *made = NULL;

	for (size_t i = 0; i < COUNT_OF(poor); i++) {
		struct config config = { .jwt_secret = poor[i], .environment = "test" };

		ck_assert_int_eq(keyring_new(&config, &made), E_CONFIG);
	}
	struct config production = { .jwt_secret = "", .environment = "production" };

	ck_assert_int_eq(keyring_new(&production, &made), E_CONFIG);
	ck_assert_ptr_null(made);
}
END_TEST

START_TEST(a_verified_token_is_cached_until_it_expires)
{
	struct token_cache *memory;
	struct caller got;
	struct text token = text_of(token_sign(arena, keys, TOKEN_ACCESS, &caller, NULL, NULL));
	struct text longer = { token.at, token.len - 1 };

	ck_assert_int_eq(token_cache_new(&memory), 0);
	ck_assert(!token_cache_get(memory, token, caller.issued_s, &got));
	token_cache_put(memory, token, &caller);
	ck_assert(token_cache_get(memory, token, caller.issued_s, &got));
	ck_assert_str_eq(got.id, "user_1");
	ck_assert(!token_cache_get(memory, longer, caller.issued_s, &got));
	ck_assert(!token_cache_get(memory, token, caller.expires_s, &got));
	token_cache_free(memory);
}
END_TEST

START_TEST(the_cache_of_tokens_is_bounded)
{
	struct token_cache *memory;
	struct caller got;
	char token[32];
	unsigned known = 0;

	ck_assert_int_eq(token_cache_new(&memory), 0);
	for (int i = 0; i < 50000; i++) {
		snprintf(token, sizeof(token), "token %d", i);
		token_cache_put(memory, text_of(token), &caller);
	}
	for (int i = 0; i < 50000; i++) {
		snprintf(token, sizeof(token), "token %d", i);
		known += token_cache_get(memory, text_of(token), caller.issued_s, &got);
	}
	ck_assert_uint_gt(known, 1000);
	ck_assert_uint_le(known, 8192);
	token_cache_free(memory);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tokens");
	TCase *tests = tcase_create("tokens");

	if (sodium_init() < 0)
		return 1;
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_signed_token_is_read);
	tcase_add_test(tests, the_time_of_issue_is_read_to_the_millisecond);
	tcase_add_test(tests, a_good_token_of_our_key_is_read);
	tcase_add_test(tests, each_role_survives);
	tcase_add_test(tests, a_refresh_token_is_no_access_token);
	tcase_add_test(tests, alg_none_is_refused);
	tcase_add_test(tests, other_hmacs_of_our_key_are_refused);
	tcase_add_test(tests, rs256_is_refused);
	tcase_add_test(tests, another_key_is_refused);
	tcase_add_test(tests, wrong_or_missing_claims_are_refused);
	tcase_add_test(tests, times_are_checked);
	tcase_add_test(tests, every_changed_byte_is_noticed);
	tcase_add_test(tests, invalid_tokens_are_refused);
	tcase_add_test(tests, keys_rotate);
	tcase_add_test(tests, a_key_id_selects_its_key_only);
	tcase_add_test(tests, weak_keys_stop_the_server);
	tcase_add_test(tests, a_verified_token_is_cached_until_it_expires);
	tcase_add_test(tests, the_cache_of_tokens_is_bounded);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
