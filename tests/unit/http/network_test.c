/* SPDX-License-Identifier: MIT
 *
 * The networks by which addresses are counted.
 */
#include <check.h>
#include <string.h>

#include "../suite.h"
#include "network.h"

static const struct {
	const char *address, *narrow, *wide; /* wide NULL: there is none */
} addresses[] = {
	{ "41.202.0.7", "41.202.0.7", NULL },
	{ "::ffff:41.202.0.7", "41.202.0.7", NULL },
	{ "::FFFF:29ca:7", "41.202.0.7", NULL },
	{ "0:0:0:0:0:ffff:41.202.0.7", "41.202.0.7", NULL },
	{ "2001:db8:1:2::1", "2001:db8:1:2::/64", "2001:db8:1::/48" },
	{ "2001:0db8:0001:0002:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64", "2001:db8:1::/48" },
	{ "2001:db8:1:ffff::1", "2001:db8:1:ffff::/64", "2001:db8:1::/48" },
	{ "2001:db8:2:2::1", "2001:db8:2:2::/64", "2001:db8:2::/48" },
	{ "fe80::1%eth0", "fe80::/64", "fe80::/48" },
	{ "::1", "::/64", "::/48" },
};

START_TEST(an_address_is_counted_by_the_network_of_its_owner)
{
	struct network networks[NETWORKS_MAX];
	char name[NETWORK_NAME_SIZE];

	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
		unsigned count = networks_of(addresses[i].address, networks);

		ck_assert_uint_eq(count, addresses[i].wide ? 2 : 1);
		network_name(&networks[0], name);
		ck_assert_str_eq(name, addresses[i].narrow);
		if (!addresses[i].wide)
			continue;
		network_name(&networks[1], name);
		ck_assert_str_eq(name, addresses[i].wide);
	}
}
END_TEST

START_TEST(the_same_network_has_the_same_bytes)
{
	struct network one[NETWORKS_MAX], other[NETWORKS_MAX];

	memset(one, 0x55, sizeof(one));
	memset(other, 0xaa, sizeof(other));
	ck_assert_uint_eq(networks_of("::ffff:10.0.0.1", one), 1);
	ck_assert_uint_eq(networks_of("10.0.0.1", other), 1);
	ck_assert_mem_eq(&one[0], &other[0], sizeof(*one));
	ck_assert_uint_eq(networks_of("2001:db8::1", one), 2);
	ck_assert_uint_eq(networks_of("2001:db8:0:0:9::", other), 2);
	ck_assert_mem_eq(one, other, sizeof(one));
}
END_TEST

START_TEST(an_invalid_address_has_no_network)
{
	struct network networks[NETWORKS_MAX];

	static const char *const wrong[] = { "", "x", "1.2.3", "1.2.3.4.5", "[::1]", "::1/64",
		"unknown", "%", "2001:db8:1:2:3:4:5:6:7:8:2001:db8:1:2:3:4:5:6:7:8" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		ck_assert_uint_eq(networks_of(wrong[i], networks), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("network");
	TCase *tests = tcase_create("network");

	tcase_add_test(tests, an_address_is_counted_by_the_network_of_its_owner);
	tcase_add_test(tests, the_same_network_has_the_same_bytes);
	tcase_add_test(tests, an_invalid_address_has_no_network);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
