/* SPDX-License-Identifier: MIT
 *
 * Addresses that contain a password, and messages of libraries about them, are shown without the
 * password.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "../suite.h"
#include "reeyo/core/memory.h"
#include "reeyo/core/secret.h"

static const struct {
	const char *address, *shown;
} addresses[] = {
	{ "", "(none)" },
	{ "postgresql:///reeyo", "postgresql:///reeyo" },
	{ "postgresql://db/reeyo", "postgresql://db/reeyo" },
	{ "postgresql://ann@db:5432/reeyo", "postgresql://ann@db:5432/reeyo" },
	{ "postgresql://ann:hidden@db:5432/reeyo", "postgresql://ann:…@db:5432/reeyo" },
	{ "postgresql://ann:hid@den@db:5432/reeyo?x=1", "postgresql://ann:…@db:5432/reeyo?x=1" },
	{ "postgresql://ann:@hidden@@db/reeyo", "postgresql://ann:…@db/reeyo" },
	{ "postgresql://ann:hid@d/en@db/reeyo", "postgresql://ann:…@db/reeyo" },
	{ "postgresql://ann:hid:den@db/reeyo", "postgresql://ann:…@db/reeyo" },
	{ "postgresql://ann:hid?den@db/reeyo", "postgresql://ann:…" },
	{ "postgresql://ann:hid#den@db/reeyo", "postgresql://ann:…@db/reeyo" },
	{ "postgresql://ann@home:hid@den@db/reeyo", "postgresql://ann@home:…@db/reeyo" },
	{ "postgresql://ann@db:5432/reeyo?password=hid@den", "postgresql://ann@db:…" },
	{ "postgresql:///reeyo?password=hid@den&x=1", "postgresql:///reeyo?password=…&x=1" },
	{ "postgresql:///reeyo?PASSWORD=hidden&sslpassword=hidden",
		"postgresql:///reeyo?PASSWORD=…&sslpassword=…" },
	{ "redis://:hidd@en@cache:6379/0", "redis://:…@cache:6379/0" },
	{ "redis-cluster://ann:hidd@en@a:1,b:2", "redis-cluster://ann:…@a:1,b:2" },
	{ "host=db password=hid@den", "…" },
	{ "password=a://hid&den host=db", "…" },
	{ "password = 'hid den\\'s' host=db", "…" },
	{ "hidden", "…" },
};

START_TEST(no_part_of_a_password_is_shown)
{
	char shown[256];

	secret_mask(addresses[_i].address, shown, sizeof(shown));
	ck_assert_str_eq(shown, addresses[_i].shown);
	ck_assert_ptr_null(strstr(shown, "hid"));
	ck_assert_ptr_null(strstr(shown, "den"));
}
END_TEST

START_TEST(an_address_that_does_not_fit_is_truncated)
{
	char shown[16];

	for (size_t size = 1; size <= sizeof(shown); size++) {
		secret_mask("postgresql://ann:hidden@db:5432/reeyo", shown, size);
		ck_assert_uint_lt(strlen(shown), size);
	}
}
END_TEST

/* The message of libpq 15 about each address. */
static const struct {
	const char *address, *message, *scrubbed;
} messages[] = {
	{ "postgresql://u:se@cret@db/x", "could not translate host name \"cret@db\" to address: x",
		"could not translate host name \"****@db\" to address: x" },
	{ "postgresql://u:p%zzcret@db/x", "invalid percent-encoded token: \"p%zzcret\"",
		"invalid percent-encoded token: \"********\"" },
	{ "postgresql://u:a@cret:5word@db/x",
		"invalid integer value \"5word@db\" for connection option \"port\"",
		"invalid integer value \"*****@db\" for connection option \"port\"" },
	{ "host=db password=se cret", "missing \"=\" after \"cret\" in connection info string",
		"missing \"=\" after \"****\" in connection info string" },
	{ "password=secret host=db", "connection to server at \"db\", port 1 failed: refused",
		"connection to server at \"db\", port 1 failed: refused" },
	{ "postgresql:///x?password=secret&a=b", "invalid URI query parameter: \"a\"",
		"invalid URI query parameter: \"a\"" },
	{ "postgresql://db/x", "the database is not there", "the database is not there" },
	{ "", "no address", "no address" },
};

START_TEST(no_part_of_a_password_stays_in_a_message)
{
	char text[256];

	snprintf(text, sizeof(text), "%s", messages[_i].message);
	secret_scrub(messages[_i].address, text);
	ck_assert_str_eq(text, messages[_i].scrubbed);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("secret");
	TCase *all = tcase_create("all");

	tcase_add_loop_test(all, no_part_of_a_password_is_shown, 0, COUNT_OF(addresses));
	tcase_add_test(all, an_address_that_does_not_fit_is_truncated);
	tcase_add_loop_test(all, no_part_of_a_password_stays_in_a_message, 0, COUNT_OF(messages));
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
