/* SPDX-License-Identifier: MIT
 *
 * Parsing of redis_url. It resolves no names. TLS is not supported, so rediss:// is refused instead
 * of connecting in plain text.
 */
#include "address.h"

#include <stdio.h>

#include "reeyo/core/text.h"

#define DEFAULT_PORT 6379

static int text_store(char *to, size_t room, struct text from)
{
	if (from.len >= room)
		return E_CONFIG;
	memcpy(to, from.at, from.len);
	to[from.len] = '\0';
	return 0;
}

/* "%00" cannot be in a credential. */
static int text_store_decoded(char *to, size_t room, struct text from)
{
	char decoded[1024];
	size_t len;
	bool valid;

	if (from.len >= sizeof(decoded))
		return E_CONFIG;
	len = percent_decode(decoded, from, &valid);
	if (!valid || strlen(decoded) != len)
		return E_CONFIG;
	return text_store(to, room, (struct text){ decoded, len });
}

/* Parses "user:password@" and removes it from the front of *rest. */
static int credentials_parse(struct text *rest, struct redis_address *ret)
{
	const char *at = rest->at ? memrchr(rest->at, '@', rest->len) : NULL;
	struct text login, password;

	if (!at)
		return 0;
	login = (struct text){ rest->at, (size_t)(at - rest->at) };
	*rest = (struct text){ at + 1, rest->len - login.len - 1 };
	password = login;
	login = text_cut(&password, ':');
	if (!password.at)
		return E_CONFIG;
	return text_store_decoded(ret->user, sizeof(ret->user), login)
		? E_CONFIG
		: text_store_decoded(ret->password, sizeof(ret->password), password);
}

static int db_parse(struct text text, struct redis_address *ret)
{
	int64_t db;

	if (!text_to_int(text, 0, 65535, &db))
		return E_CONFIG;
	ret->db = (int)db;
	return 0;
}

static int host_parse(struct text text, struct redis_host *ret)
{
	struct text name, port;
	int64_t number = DEFAULT_PORT;

	if (text.len && text.at[0] == '[') {
		port = (struct text){ text.at + 1, text.len - 1 };
		name = text_cut(&port, ']');
		if (!port.at || (port.len && port.at[0] != ':'))
			return E_CONFIG;
		port = port.len ? (struct text){ port.at + 1, port.len - 1 } : TEXT_NONE;
	} else {
		port = text;
		name = text_cut(&port, ':');
	}
	if (name.len == 0 || (port.at && !text_to_int(port, 1, 65535, &number)))
		return E_CONFIG;
	ret->port = (int)number;
	return text_store(ret->name, sizeof(ret->name), name);
}

static int unix_parse(struct text rest, struct redis_address *ret)
{
	struct text path, query = rest;

	path = text_cut(&query, '?');
	if (path.len == 0 || path.at[0] != '/' || text_store(ret->path, sizeof(ret->path), path))
		return E_CONFIG;
	if (!query.at)
		return 0;
	if (!text_starts(query, TEXT("db=")))
		return E_CONFIG;
	return db_parse((struct text){ query.at + 3, query.len - 3 }, ret);
}

static int hosts_parse(struct text rest, struct redis_address *ret)
{
	struct text hosts, db = rest;

	hosts = text_cut(&db, '/');
	while (hosts.at) {
		struct text one, left = hosts;

		one = text_cut(&left, ',');
		if (ret->hosts == ADDRESS_HOSTS || host_parse(one, &ret->host[ret->hosts]))
			return E_CONFIG;
		ret->hosts++;
		hosts = left;
	}
	if (!ret->cluster && ret->hosts != 1)
		return E_CONFIG;
	if (!db.at || db.len == 0)
		return 0;
	return ret->cluster ? E_CONFIG : db_parse(db, ret);
}

int address_parse(const char *url, struct redis_address *ret)
{
	static const struct text redis = TEXT("redis://"), cluster = TEXT("redis-cluster://"),
				 local = TEXT("unix://");
	struct redis_address address = { 0 };
	struct text rest = text_of(url);
	size_t skip = text_starts(rest, redis) ? redis.len
		: text_starts(rest, cluster)   ? cluster.len
		: text_starts(rest, local)     ? local.len
					       : 0;

	if (!skip)
		return E_CONFIG;
	address.cluster = skip == cluster.len;
	rest = (struct text){ rest.at + skip, rest.len - skip };
	if (credentials_parse(&rest, &address))
		return E_CONFIG;
	if (skip == local.len ? unix_parse(rest, &address) : hosts_parse(rest, &address))
		return E_CONFIG;
	*ret = address;
	return 0;
}
