/* SPDX-License-Identifier: MIT
 *
 * The networks by which requests are counted when they are counted by address.
 *
 * IPv4: the address itself, also when it is mapped into IPv6. IPv6: a home or a phone gets a /64
 * and can change its address within it, so the whole /64 is counted. A customer of a data centre
 * gets a /48 with 65,536 of them, so the /48 is counted too, against a larger limit.
 */
#ifndef REEYO_HTTP_NETWORK_H
#define REEYO_HTTP_NETWORK_H

#define NETWORKS_MAX 2
/* The limit of a /48 is that of an address times this. */
#define NETWORK_WIDE_FACTOR 8
#define NETWORK_NAME_SIZE 56

struct network {
	unsigned char at[16]; /* IPv4 is mapped; bits beyond the prefix are 0 */
	unsigned bits;        /* 128 for IPv4; 64, 48 */
};

/* The networks of an address, the narrowest first. Returns how many; 0 when the text is not an
 * address. A zone ("%eth0") is ignored. */
unsigned networks_of(const char *address, struct network ret[NETWORKS_MAX]);
/* "41.202.0.7", "2001:db8:1:2::/64". */
void network_name(const struct network *network, char ret[NETWORK_NAME_SIZE]);

#endif
