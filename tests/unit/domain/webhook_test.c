/* SPDX-License-Identifier: MIT
 *
 * Webhooks: the offered event types, the back-off, and the URLs that may be registered.
 */
#include <check.h>
#include <stdlib.h>

#include "../suite.h"
#include "reeyo/domain/webhook.h"

START_TEST(ten_tries_take_seventy_five_hours)
{
	int64_t sum = 0;

	for (unsigned tries = 1; tries < WEBHOOK_TRIES_MAX; tries++) {
		ck_assert_int_gt(webhook_backoff_s(tries, 0), 0);
		sum += webhook_backoff_s(tries, 0);
	}
	ck_assert_int_eq(sum / 3600, 75);
	ck_assert_int_eq(webhook_backoff_s(WEBHOOK_TRIES_MAX, 0), -1);
	ck_assert_int_eq(webhook_backoff_s(WEBHOOK_TRIES_MAX + 1, 3600), -1);
	ck_assert_int_eq(webhook_backoff_s(0, 0), -1);
	ck_assert_int_eq(webhook_backoff_s(1, 60), 60);
	ck_assert_int_eq(webhook_backoff_s(4, 60), 2 * 3600);
	ck_assert_int_eq(webhook_backoff_s(4, 1000000), 24 * 3600);
}
END_TEST

START_TEST(the_offered_types_are_one_list)
{
	ck_assert_ptr_nonnull(webhook_types[WEBHOOK_TYPE_COUNT - 1]);
	ck_assert_ptr_null(webhook_types[WEBHOOK_TYPE_COUNT]);
	for (int i = 0; webhook_types[i]; i++)
		ck_assert(webhook_type_offered(text_of(webhook_types[i])));
	ck_assert(!webhook_type_offered(TEXT("delivery_request")));
	ck_assert(!webhook_type_offered(TEXT("rider_assigned")));
	ck_assert(!webhook_type_offered(TEXT("vendor_changed")));
	ck_assert(!webhook_type_offered(TEXT(WEBHOOK_TEST)));
}
END_TEST

START_TEST(a_url_is_https_with_a_host_and_without_user_or_fragment)
{
	static const struct {
		const char *url, *host;
	} good[] = {
		{ "https://example.com", "example.com" },
		{ "https://example.com/", "example.com" },
		{ "https://Hooks.example.com:8443/in?x=1&y=@z", "Hooks.example.com" },
		{ "https://example.com?x", "example.com" },
		{ "https://[2001:db8::1]:8443/in", "2001:db8::1" },
		{ "https://[2001:db8::1]", "2001:db8::1" },
	};
	static const char *const bad[] = { "", "https://", "https:///x", "http://example.com",
		"ftp://example.com", "HTTPS:example.com", "https://user@example.com/",
		"https://user:word@example.com/", "https://:443/", "https://example.com:0/",
		"https://example.com:65536/", "https://example.com:/", "https://example.com:8x/",
		"https://example.com/#part", "https://exa mple.com/", "https://example.com/a\tb",
		"https://ex\xc3\xa9.com/", "https://example.com\\@other/", "https://[::1/",
		"https://[::1]x/", "https://[]/", "https://exa%6dple.com/",
		"https://[example.com]/" };
	char host[URL_HOST_SIZE], longest[URL_LENGTH_MAX + 2];

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		ck_assert_msg(webhook_url_parse(good[i].url, false, host), "%s", good[i].url);
		ck_assert_str_eq(host, good[i].host);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ck_assert_msg(!webhook_url_parse(bad[i], false, host), "%s", bad[i]);
	ck_assert(webhook_url_parse("http://127.0.0.1:8080/in", true, host));
	ck_assert_str_eq(host, "127.0.0.1");
	memset(longest, 'a', sizeof(longest));
	memcpy(longest, "https://example.com/", 20);
	longest[URL_LENGTH_MAX + 1] = '\0';
	ck_assert(!webhook_url_parse(longest, false, host));
	longest[URL_LENGTH_MAX] = '\0';
	ck_assert(webhook_url_parse(longest, false, host));
	memset(longest + 8, 'a', 256);
	longest[264] = '/';
	ck_assert(!webhook_url_parse(longest, false, host));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("webhook");
	TCase *tests = tcase_create("webhook");

	tcase_add_test(tests, ten_tries_take_seventy_five_hours);
	tcase_add_test(tests, the_offered_types_are_one_list);
	tcase_add_test(tests, a_url_is_https_with_a_host_and_without_user_or_fragment);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
