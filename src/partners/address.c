/* SPDX-License-Identifier: MIT
 *
 * Which addresses are routed on the public Internet, from IANA's special-purpose registries. An
 * IPv6 address that embeds an IPv4 address (mapped, NAT64) is public when that address is.
 */
#include <arpa/inet.h>
#include <string.h>

#include "reeyo/core/memory.h"
#include "reeyo/partners/client.h"

struct block {
	unsigned char prefix[4];
	unsigned bits;
};

static const struct block private_v4[] = {
	{ { 0 }, 8 },                       /* this network */
	{ { 10 }, 8 }, { { 100, 64 }, 10 }, /* carrier-grade NAT */
	{ { 127 }, 8 },
	{ { 169, 254 }, 16 }, /* link-local: cloud metadata services give credentials here */
	{ { 172, 16 }, 12 }, { { 192, 0, 0 }, 24 }, { { 192, 0, 2 }, 24 }, /* documentation */
	{ { 192, 88, 99 }, 24 },                                           /* 6to4 relays */
	{ { 192, 168 }, 16 }, { { 198, 18 }, 15 },                         /* benchmarks */
	{ { 198, 51, 100 }, 24 },                                          /* documentation */
	{ { 203, 0, 113 }, 24 },                                           /* documentation */
	{ { 224 }, 4 },                                                    /* multicast */
	{ { 240 }, 4 },                                                    /* reserved, broadcast */
};

/* Exceptions within 2000::/3, the only allocated global unicast range. */
static const struct block private_v6[] = {
	{ { 0x20, 0x01, 0x00 }, 23 },       /* protocols: Teredo, ORCHID, benchmarks */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* documentation */
	{ { 0x20, 0x02 }, 16 },             /* 6to4: reaches any IPv4 address */
	{ { 0x3f, 0xff, 0x00 }, 20 },       /* documentation */
};

static bool block_contains(const unsigned char *address, const struct block *block)
{
	unsigned whole = block->bits / 8, rest = block->bits % 8;

	return memcmp(address, block->prefix, whole) == 0 &&
		(rest == 0 || (address[whole] ^ block->prefix[whole]) >> (8 - rest) == 0);
}

static bool blocks_contain(const unsigned char *address, const struct block *blocks, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (block_contains(address, &blocks[i]))
			return true;
	return false;
}

static bool v4_public(const unsigned char *address)
{
	return !blocks_contain(address, private_v4, COUNT_OF(private_v4));
}

static bool v6_public(const unsigned char *address)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	static const unsigned char nat64[12] = { 0x00, 0x64, 0xff, 0x9b };

	if (memcmp(address, mapped, sizeof(mapped)) == 0 ||
		memcmp(address, nat64, sizeof(nat64)) == 0)
		return v4_public(address + 12);
	return address[0] >> 5 == 1 && !blocks_contain(address, private_v6, COUNT_OF(private_v6));
}

bool address_public(const char *address)
{
	unsigned char bytes[16];

	if (inet_pton(AF_INET, address, bytes) == 1)
		return v4_public(bytes);
	return inet_pton(AF_INET6, address, bytes) == 1 && v6_public(bytes);
}
