/* SPDX-License-Identifier: MIT
 *
 * Which addresses are public: first and last of each block that is not, and their neighbours that
 * are.
 */
#include <check.h>

#include "../suite.h"
#include "reeyo/core/memory.h"
#include "reeyo/partners/client.h"

static const char *const public_ones[] = {
	"1.1.1.1",
	"8.8.8.8",
	"9.255.255.255",
	"11.0.0.0",
	"100.63.255.255",
	"100.128.0.0",
	"126.255.255.255",
	"128.0.0.0",
	"169.253.255.255",
	"169.255.0.0",
	"172.15.255.255",
	"172.32.0.0",
	"191.255.255.255",
	"192.0.1.0",
	"192.0.3.0",
	"192.88.98.255",
	"192.88.100.0",
	"192.167.255.255",
	"192.169.0.0",
	"198.17.255.255",
	"198.20.0.0",
	"198.51.99.255",
	"198.51.101.0",
	"203.0.112.255",
	"203.0.114.0",
	"223.255.255.255",
	"2001:200::1",
	"2001:db7:ffff::1",
	"2001:db9::1",
	"2001:4860:4860::8888",
	"2003::1",
	"2606:4700::1111",
	"2a00:1450::1",
	"3ffe:ffff::1",
	"3fff:1000::1",
	"::ffff:8.8.8.8",
	"64:ff9b::8.8.8.8",
};

static const char *const private_ones[] = {
	"0.0.0.0",
	"0.255.255.255",
	"10.0.0.0",
	"10.255.255.255",
	"100.64.0.0",
	"100.127.255.255",
	"127.0.0.1",
	"127.255.255.255",
	"169.254.0.0",
	"169.254.169.254",
	"172.16.0.0",
	"172.31.255.255",
	"192.0.0.0",
	"192.0.0.255",
	"192.0.2.1",
	"192.88.99.1",
	"192.168.0.0",
	"192.168.255.255",
	"198.18.0.0",
	"198.19.255.255",
	"198.51.100.7",
	"203.0.113.255",
	"224.0.0.1",
	"239.255.255.255",
	"240.0.0.1",
	"255.255.255.255",
	"::",
	"::1",
	"::7f00:1",
	"::ffff:127.0.0.1",
	"::ffff:10.1.2.3",
	"::ffff:192.168.0.1",
	"64:ff9b::10.0.0.1",
	"64:ff9b:1::1",
	"100::1",
	"2001::1",
	"2001:1ff::1",
	"2001:db8::1",
	"2001:db8:ffff::",
	"2002:0808:0808::1",
	"3fff::1",
	"3fff:fff::1",
	"4000::1",
	"5f00::1",
	"fc00::1",
	"fdff::1",
	"fe80::1",
	"fe80::1%1",
	"fec0::1",
	"ff02::1",
	"",
	"localhost",
	"8.8.8",
	"8.8.8.8.8",
	"08.8.8.8",
	"8.8.8.8 ",
	"0x7f.1",
	"2130706433",
	"[::1]",
};

START_TEST(routed_addresses_are_public)
{
	ck_assert_msg(address_public(public_ones[_i]), "%s", public_ones[_i]);
}
END_TEST

START_TEST(private_and_invalid_addresses_are_not_public)
{
	ck_assert_msg(!address_public(private_ones[_i]), "%s", private_ones[_i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("address");
	TCase *all = tcase_create("all");

	tcase_add_loop_test(all, routed_addresses_are_public, 0, COUNT_OF(public_ones));
	tcase_add_loop_test(
		all, private_and_invalid_addresses_are_not_public, 0, COUNT_OF(private_ones));
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
