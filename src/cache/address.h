/* SPDX-License-Identifier: MIT
 *
 * The parsed redis_url: the addresses of Redis.
 */
#ifndef REEYO_CACHE_ADDRESS_H
#define REEYO_CACHE_ADDRESS_H

#include <stdbool.h>

#include "reeyo/core/error.h"

#define ADDRESS_HOSTS 16
#define ADDRESS_HOST_SIZE 256

struct redis_host {
	char name[ADDRESS_HOST_SIZE]; /* a name or an address; empty for a unix socket */
	int port;
};

struct redis_address {
	bool cluster;
	char path[108]; /* unix socket, or "" */
	struct redis_host host[ADDRESS_HOSTS];
	unsigned hosts;
	char user[128], password[256];
	int db;
};

/* Parses redis://[user:password@]host[:port][/db],
 * redis-cluster://[user:password@]host:port,host:port or unix://[user:password@]/path[?db=n]; user
 * and password may be percent-encoded. Returns 0 or E_CONFIG. */
int address_parse(const char *url, struct redis_address *ret) MUST_CHECK;

#endif
