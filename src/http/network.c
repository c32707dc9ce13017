/* SPDX-License-Identifier: MIT
 *
 * Networks of client addresses: see the header.
 */
#include "network.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static const unsigned char ipv4_mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

/* Parses an address into 16 bytes; IPv4 becomes an IPv4-mapped IPv6 address. */
static int network_address_parse(const char *address, unsigned char ret[16])
{
	size_t len = strcspn(address, "%");
	char plain[INET6_ADDRSTRLEN];

	if (len >= sizeof(plain))
		return 0;
	memcpy(plain, address, len);
	plain[len] = '\0';
	memcpy(ret, ipv4_mapped, sizeof(ipv4_mapped));
	return inet_pton(AF_INET, plain, ret + sizeof(ipv4_mapped)) == 1 ||
		inet_pton(AF_INET6, plain, ret) == 1;
}

static struct network network_prefix(const unsigned char address[16], unsigned bits)
{
	struct network network = { .bits = bits };

	memcpy(network.at, address, bits / 8);
	return network;
}

unsigned networks_of(const char *address, struct network ret[NETWORKS_MAX])
{
	unsigned char at[16];

	if (!network_address_parse(address, at))
		return 0;
	if (memcmp(at, ipv4_mapped, sizeof(ipv4_mapped)) == 0) {
		ret[0] = network_prefix(at, 128);
		return 1;
	}
	ret[0] = network_prefix(at, 64);
	ret[1] = network_prefix(at, 48);
	return 2;
}

void network_name(const struct network *network, char ret[NETWORK_NAME_SIZE])
{
	char text[INET6_ADDRSTRLEN];

	if (network->bits == 128) {
		inet_ntop(AF_INET, network->at + sizeof(ipv4_mapped), ret, NETWORK_NAME_SIZE);
		return;
	}
	inet_ntop(AF_INET6, network->at, text, sizeof(text));
	snprintf(ret, NETWORK_NAME_SIZE, "%s/%u", text, network->bits);
}
