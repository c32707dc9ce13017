/* SPDX-License-Identifier: MIT
 *
 * Signatures of webhooks, against the vector of the specification and others made with another
 * implementation.
 */
#include <check.h>
#include <stdlib.h>

#include "../suite.h"
#include "reeyo/partners/signature.h"

#define ZERO16 "AAAAAAAAAAAAAAAA"

START_TEST(a_signature_equals_the_example_of_the_specification)
{
	char out[WEBHOOK_SIGNATURE_SIZE];

	ck_assert_int_eq(webhook_sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
				 "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
				 TEXT("{\"test\": 2432232314}"), out),
		0);
	ck_assert_str_eq(out, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
	ck_assert_int_eq(webhook_sign("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "whd_1",
				 1700000000, TEXT(""), out),
		0);
	ck_assert_str_eq(out, "v1,oE/nVm/HE8qILQ2CbCerbGfJlUoZ5Zx3Izdn+tIgVcc=");
	ck_assert_int_eq(
		webhook_sign("whsec_" ZERO16 ZERO16 ZERO16 ZERO16 ZERO16 "AAAAAA==",
			"whd_\xc3\xa9"
			"2",
			0, TEXT("{\"type\":\"new_order\",\"data\":{\"x\":\"\xc3\xa9\"}}"), out),
		0);
	ck_assert_str_eq(out, "v1,zlgkTrWsod9De2RrqOU4h5rDdUM8GJhmijVQxcFxEBY=");
}
END_TEST

START_TEST(an_invalid_secret_is_refused)
{
	static const char *const bad[] = { "", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
		"whsec_c2hvcnQ=", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
		"whsec_MfKQ9r8GKYqr*wjUPD8ILPZIo2LaLaSw",
		"whsec_" ZERO16 ZERO16 ZERO16 ZERO16 ZERO16 "AAAAAAA=" };
	char out[WEBHOOK_SIGNATURE_SIZE] = "as it was";

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ck_assert_msg(webhook_sign(bad[i], "whd_1", 1, TEXT("{}"), out) == E_CONFIG, "%s",
			bad[i]);
	ck_assert_str_eq(out, "as it was");
}
END_TEST

START_TEST(new_secrets_sign_and_differ)
{
	char one[WEBHOOK_SECRET_SIZE], two[WEBHOOK_SECRET_SIZE], out[WEBHOOK_SIGNATURE_SIZE];

	webhook_secret_new(one);
	webhook_secret_new(two);
	ck_assert_str_ne(one, two);
	ck_assert_uint_eq(strlen(one), 50);
	ck_assert_int_eq(webhook_sign(one, "whd_1", 1, TEXT("{}"), out), 0);
	ck_assert_uint_eq(strlen(out), 47);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("signature");
	TCase *tests = tcase_create("signature");

	tcase_add_test(tests, a_signature_equals_the_example_of_the_specification);
	tcase_add_test(tests, an_invalid_secret_is_refused);
	tcase_add_test(tests, new_secrets_sign_and_differ);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
