/* SPDX-License-Identifier: MIT
 *
 * Whom an address stands for when requests are counted by address.
 *
 * IPv4: the address itself, also when it comes mapped into IPv6. IPv6: a home or a phone is given a
 * /64 and changes its address in it at will, so the /64 is counted as one; a customer of a data
 * centre is given a /48 with 65,536 of them, so the /48 is counted too, against a larger bound.
 */
#ifndef REEYO_HTTP_NETWORK_H
#define REEYO_HTTP_NETWORK_H

#define NETWORKS_MAX 2
/* The bound of a /48 is that of an address times this. */
#define NETWORK_WIDE_FACTOR 8
#define NETWORK_NAME_SIZE 56

struct network {
	unsigned char at[16];  /* IPv4: mapped; bits beyond the prefix are 0 */
	unsigned bits;         /* 128 for IPv4; 64, 48 */
};

/* The networks of an address, the narrow one first. Returns how many; 0 when it is not an address.
 * A zone ("%eth0") is ignored. */
unsigned networks_of(const char *address, struct network ret[NETWORKS_MAX]);
/* "41.202.0.7", "2001:db8:1:2::/64". */
void network_name(const struct network *network, char ret[NETWORK_NAME_SIZE]);

#endif
