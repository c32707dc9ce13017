/* SPDX-License-Identifier: MIT
 *
 * Verification of callbacks: which signatures are valid, and the transaction read. The test makes
 * its signatures with openssl only.
 */
#include <check.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

#include "../suite.h"
#include "reeyo/core/clock.h"
#include "reeyo/partners/gateway.h"

#define BODY \
	"{\"reference\":\"ref-1\",\"external_reference\":\"pay_1\",\"status\":\"SUCCESSFUL\"," \
	"\"amount\":\"2500\",\"operator\":\"MTN\"}"
#define QUERY \
	"status=SUCCESSFUL&reference=ref-1&external_reference=pay%5F1&amount=2500&reason=a+b%21"

static struct config config;
static struct arena_pool *pool;
static struct arena *arena;
static struct gateway_transaction transaction;

static void open_world(void)
{
	config = (struct config){ .campay_app_key = "the-app-key",
		.campay_webhook_key = "the-webhook-key" };
	pool = arena_pool_new(1 << 16);
	arena = arena_new(pool, 1 << 20);
	transaction = (struct gateway_transaction){ .amount = -7 };
}

static void close_world(void)
{
	arena_free(arena);
	arena_pool_free(pool);
}

/* --- Signing ---------------------------------------------------------------------------------- */

static const char *hex(const char *key, const char *data)
{
	static char out[65];
	unsigned char mac[32];
	unsigned size = sizeof(mac);

	HMAC(EVP_sha256(), key, (int)strlen(key), (const unsigned char *)data, strlen(data), mac,
		&size);
	for (int i = 0; i < 32; i++)
		snprintf(out + 2 * i, 3, "%02x", mac[i]);
	return out;
}

static void base64(char *to, const void *data, int len)
{
	to += strlen(to);
	EVP_EncodeBlock((unsigned char *)to, data, len);
	for (; *to; to++)
		*to = *to == '+' ? '-' : *to == '/' ? '_' : *to == '=' ? '\0' : *to;
}

static const char *token(
	const char *head, const char *claims, const char *key, const EVP_MD *digest)
{
	static char out[1024];
	unsigned char mac[64];
	unsigned size = sizeof(mac);

	out[0] = '\0';
	base64(out, head, (int)strlen(head));
	strcat(out, ".");
	base64(out, claims, (int)strlen(claims));
	if (digest) {
		HMAC(digest, key, (int)strlen(key), (unsigned char *)out, strlen(out), mac, &size);
		strcat(out, ".");
		base64(out, mac, (int)size);
	} else {
		strcat(out, ".");
	}
	return out;
}

#define HS256 "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"

static const char *good_token(const char *claims)
{
	return token(HS256, claims, "the-webhook-key", EVP_sha256());
}

static int verify_body(const char *signature, const char *text)
{
	json_t *json = json_loads(text, 0, NULL);
	int error = gateway_callback_verify(
		&config, arena, signature, text_of(text), json, &transaction);

	json_decref(json);
	return error;
}

static int verify_query(const char *signature, const char *query)
{
	return gateway_callback_verify(
		&config, arena, signature, text_of(query), NULL, &transaction);
}

/* --- Bodies ----------------------------------------------------------------------------------- */

START_TEST(a_body_signed_with_the_app_key_is_valid)
{
	ck_assert_int_eq(verify_body(hex("the-app-key", BODY), BODY), 0);
	ck_assert_int_eq(transaction.state, GATEWAY_SUCCESSFUL);
	ck_assert_int_eq(transaction.amount, 2500);
	ck_assert(text_is(transaction.reference, TEXT("ref-1")));
	ck_assert(text_is(transaction.external, TEXT("pay_1")));
	ck_assert(text_is(transaction.operator, TEXT("MTN")));
	ck_assert_ptr_null(transaction.ussd_code.at);
}
END_TEST

START_TEST(a_signature_in_capital_hex_digits_is_valid)
{
	char upper[65];

	for (int i = 0; i < 65; i++) {
		char c = hex("the-app-key", BODY)[i];

		upper[i] = c >= 'a' ? (char)(c - 32) : c;
	}
	ck_assert_int_eq(verify_body(upper, BODY), 0);
}
END_TEST

START_TEST(a_body_with_a_token_of_the_webhook_key_is_valid)
{
	char body[2048];

	ck_assert_int_eq(verify_body(good_token("{\"app\":\"reeyo\"}"), BODY), 0);
	ck_assert_int_eq(
		verify_body(
			good_token("{\"reference\":\"ref-1\",\"status\":\"SUCCESSFUL\"}"), BODY),
		0);
	snprintf(body, sizeof(body),
		"{\"reference\":\"ref-1\",\"status\":\"FAILED\",\"signature\":\"%s\"}",
		good_token("{\"exp\":32503680000}"));
	ck_assert_int_eq(verify_body(NULL, body), 0);
	ck_assert_int_eq(transaction.state, GATEWAY_FAILED);
}
END_TEST

static void assert_refused(const char *signature)
{
	ck_assert_int_eq(verify_body(signature, BODY), E_BAD_SIGNATURE);
	ck_assert_int_eq(transaction.amount, -7);
}

START_TEST(a_missing_or_wrong_signature_is_refused)
{
	char changed[65];

	assert_refused(NULL);
	assert_refused("");
	assert_refused("0000000000000000000000000000000000000000000000000000000000000000");
	assert_refused("zz00000000000000000000000000000000000000000000000000000000000000");
	assert_refused(hex("another-key", BODY));
	assert_refused(hex("the-webhook-key", BODY));
	assert_refused(hex("the-app-key", BODY " "));
	strcpy(changed, hex("the-app-key", BODY));
	changed[63] = changed[63] == '0' ? '1' : '0';
	assert_refused(changed);
	changed[63] = '\0';
	assert_refused(changed);
}
END_TEST

START_TEST(tokens_of_another_algorithm_key_or_time_are_refused)
{
	assert_refused(token(HS256, "{}", "another-key", EVP_sha256()));
	assert_refused(token(HS256, "{}", "the-app-key", EVP_sha256()));
	assert_refused(token("{\"alg\":\"none\",\"typ\":\"JWT\"}", "{}", "", NULL));
	assert_refused(
		token("{\"alg\":\"none\",\"typ\":\"JWT\"}", "{}", "the-webhook-key", EVP_sha256()));
	assert_refused(token(
		"{\"alg\":\"HS384\",\"typ\":\"JWT\"}", "{}", "the-webhook-key", EVP_sha384()));
	assert_refused(token(
		"{\"alg\":\"HS512\",\"typ\":\"JWT\"}", "{}", "the-webhook-key", EVP_sha512()));
	assert_refused(token("{\"typ\":\"JWT\"}", "{}", "the-webhook-key", EVP_sha256()));
	assert_refused(good_token("{\"exp\":1000000000}"));
	assert_refused(good_token("{\"exp\":\"never\"}"));
	assert_refused("a.b.c");
	assert_refused("...");
}
END_TEST

START_TEST(a_token_made_for_another_transaction_is_refused)
{
	assert_refused(good_token("{\"reference\":\"ref-2\"}"));
	assert_refused(good_token("{\"external_reference\":\"pay_2\"}"));
	assert_refused(good_token("{\"reference\":\"ref-1\",\"status\":\"FAILED\"}"));
}
END_TEST

START_TEST(without_keys_no_signature_is_valid)
{
	config.campay_app_key = config.campay_webhook_key = "";
	assert_refused(hex("", BODY));
	assert_refused(token(HS256, "{}", "", EVP_sha256()));
}
END_TEST

START_TEST(a_signed_body_without_a_transaction_is_malformed)
{
	static const char *const bodies[] = { "{}", "[]", "{\"reference\":7}",
		"{\"reference\":\"\"}", "{\"status\":\"SUCCESSFUL\"}" };

	for (size_t i = 0; i < COUNT_OF(bodies); i++)
		ck_assert_int_eq(
			verify_body(hex("the-app-key", bodies[i]), bodies[i]), E_MALFORMED_JSON);
}
END_TEST

/* --- Queries ---------------------------------------------------------------------------------- */

START_TEST(the_hmac_of_a_query_excludes_its_signature)
{
	char query[2048];

	ck_assert_int_eq(verify_query(hex("the-app-key", QUERY), QUERY), 0);
	ck_assert(text_is(transaction.external, TEXT("pay_1")));
	ck_assert(text_is(transaction.reason, TEXT("a b!")));
	ck_assert_int_eq(transaction.amount, 2500);
	snprintf(query, sizeof(query), "%s&signature=%s", QUERY, hex("the-app-key", QUERY));
	ck_assert_int_eq(verify_query(NULL, query), 0);
	snprintf(query, sizeof(query), "signature=%s&%s", hex("the-app-key", QUERY), QUERY);
	ck_assert_int_eq(verify_query(NULL, query), 0);
	snprintf(query, sizeof(query), "status=SUCCESSFUL&signature=%s&reference=r",
		hex("the-app-key", "status=SUCCESSFUL&reference=r"));
	ck_assert_int_eq(verify_query(NULL, query), 0);
	snprintf(query, sizeof(query), "%s&signature=%s", QUERY,
		good_token("{\"reference\":\"ref-1\"}"));
	ck_assert_int_eq(verify_query(NULL, query), 0);
}
END_TEST

START_TEST(a_changed_query_is_refused)
{
	char query[2048];

	snprintf(
		query, sizeof(query), "%s&amount=1&signature=%s", QUERY, hex("the-app-key", QUERY));
	ck_assert_int_eq(verify_query(NULL, query), E_BAD_SIGNATURE);
	ck_assert_int_eq(verify_query(NULL, QUERY), E_BAD_SIGNATURE);
	ck_assert_int_eq(verify_query(NULL, ""), E_BAD_SIGNATURE);
	ck_assert_int_eq(verify_query(NULL, "%&=&&%zz=%1&signature"), E_BAD_SIGNATURE);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("callback verification");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, open_world, close_world);
	tcase_add_test(all, a_body_signed_with_the_app_key_is_valid);
	tcase_add_test(all, a_signature_in_capital_hex_digits_is_valid);
	tcase_add_test(all, a_body_with_a_token_of_the_webhook_key_is_valid);
	tcase_add_test(all, a_missing_or_wrong_signature_is_refused);
	tcase_add_test(all, tokens_of_another_algorithm_key_or_time_are_refused);
	tcase_add_test(all, a_token_made_for_another_transaction_is_refused);
	tcase_add_test(all, without_keys_no_signature_is_valid);
	tcase_add_test(all, a_signed_body_without_a_transaction_is_malformed);
	tcase_add_test(all, the_hmac_of_a_query_excludes_its_signature);
	tcase_add_test(all, a_changed_query_is_refused);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
