/* SPDX-License-Identifier: MIT
 *
 * Which texts are web addresses, and their parts.
 */
#include <check.h>
#include <stdlib.h>

#include "../suite.h"
#include "reeyo/core/memory.h"
#include "reeyo/core/url.h"

static const char *const right[] = { "https://cdn.reeyo.cm/a.jpg", "http://reeyo.cm",
	"HTTPS://REEYO.CM/A", "https://reeyo.cm:8443/a?b=c&d=%20#e", "https://[2001:db8::1]/a",
	"https://exemple.cm/café.jpg", "http://10.0.0.1/a" };

START_TEST(http_and_https_with_a_host_are_addresses)
{
	ck_assert_msg(url_is_web(text_of(right[_i])), "%s", right[_i]);
}
END_TEST

static const char *const wrong[] = { "", "javascript:alert(1)", "JaVaScRiPt:alert(1)",
	"data:text/html;base64,PHN2Zz4=", "vbscript:msgbox", "file:///etc/passwd",
	"ftp://reeyo.cm/a", "//reeyo.cm/a", "/a.jpg", "reeyo.cm/a.jpg", "https:reeyo.cm",
	"https:/reeyo.cm", "https:///reeyo.cm", "https://", "http://", "https://?a",
	"https://user@reeyo.cm/", "https://user:secret@reeyo.cm/", "https://:secret@reeyo.cm/",
	"https://reeyo.cm/a b", " https://reeyo.cm/", "https://reeyo.cm/a\nb",
	"https://reeyo.cm/a\tb", "https://reeyo.cm\\@evil.cm/",
	"https://reeyo.cm/\"onload=", "https://reeyo.cm/<script>", "https://reeyo.cm:99999/",
	"https://reeyo.cm:x/", "https://[::1", "java\nscript:alert(1)",
	"https://reeyo.cm/\u202egpj.exe", "blob:https://reeyo.cm/1", "http:\\\\reeyo.cm" };

START_TEST(anything_else_is_refused)
{
	ck_assert_msg(!url_is_web(text_of(wrong[_i])), "%s", wrong[_i]);
}
END_TEST

START_TEST(an_address_is_at_most_2048_bytes)
{
	char long_url[URL_LENGTH_MAX + 2] = "https://reeyo.cm/";

	memset(long_url + 17, 'a', URL_LENGTH_MAX - 17);
	ck_assert(url_is_web(text_of(long_url)));
	long_url[URL_LENGTH_MAX] = 'a';
	ck_assert(!url_is_web(text_of(long_url)));
}
END_TEST

START_TEST(the_parts_of_an_address_are_as_for_a_connection)
{
	struct url_parts parts;

	ck_assert(url_parse_web(TEXT("HTTPS://[2001:DB8::1]:8443/a#b"), &parts));
	ck_assert(parts.https && parts.fragment);
	ck_assert_str_eq(parts.host, "2001:DB8::1");
	ck_assert(url_parse_web(TEXT("http://127.1?x=1"), &parts));
	ck_assert(!parts.https && !parts.fragment);
	ck_assert_str_eq(parts.host, "127.0.0.1");
	ck_assert(!url_parse_web(TEXT("https://reeyo.cm:/"), &parts));
	ck_assert(!url_parse_web(TEXT("https://reeyo.cm:0/"), &parts));
	ck_assert(!url_parse_web(TEXT("https://ree%79o.cm/"), &parts));
	ck_assert(!url_parse_web(TEXT("ftp://reeyo.cm/"), &parts));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("url");
	TCase *tests = tcase_create("url");

	tcase_add_loop_test(tests, http_and_https_with_a_host_are_addresses, 0, COUNT_OF(right));
	tcase_add_loop_test(tests, anything_else_is_refused, 0, COUNT_OF(wrong));
	tcase_add_test(tests, an_address_is_at_most_2048_bytes);
	tcase_add_test(tests, the_parts_of_an_address_are_as_for_a_connection);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
