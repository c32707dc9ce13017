/* SPDX-License-Identifier: MIT
 *
 * Connecting without blocking. The connection string is parsed once. Host names are resolved
 * by libuv, because libpq would block the loop's thread. PQconnectPoll runs when the socket is
 * ready.
 *
 * libpq tries the hosts of a list in turn, but without a time limit of its own here: a host that
 * drops packets would keep it from the hosts after it. So each new attempt begins with the next
 * host of the list.
 */
#include "lane.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reeyo/core/log.h"
#include "reeyo/core/memory.h"

#define TARGET_KEYS 64

static int target_put(struct target *target, const char *key, const char *value)
{
	if (target->count == TARGET_KEYS - 1)
		return E_CONFIG;
	target->keys[target->count] = strdup(key);
	target->values[target->count] = strdup(value);
	if (!target->keys[target->count] || !target->values[target->count])
		return E_NO_MEMORY;
	target->count++;
	return 0;
}

static const char *target_get(const struct target *target, const char *key)
{
	for (unsigned i = 0; i < target->count; i++)
		if (target->keys[i] && strcmp(target->keys[i], key) == 0)
			return target->values[i];
	return NULL;
}

/* Options of every session of a kind. force_generic_plan: our statements are look-ups that differ
 * only in their keys, so they are planned once per connection. jit=off: compiling a report took
 * 0.7 s, running it 0.02 s. */
static int session_options(
	struct target *target, const struct config *config, enum db_lane kind, const char *given)
{
	static const char *const names[DB_LANES] = { "reeyo/read", "reeyo/write", "reeyo/report" };
	bool primary = kind == DB_WRITE || (kind == DB_READ && !config->replica_url[0]);
	char options[1024];
	int error;

	snprintf(options, sizeof(options),
		"%s%s-c statement_timeout=%lld -c lock_timeout=%lld -c TimeZone=UTC -c jit=off%s "
		"-c idle_in_transaction_session_timeout=60000",
		given ? given : "", given ? " " : "",
		(long long)(kind == DB_REPORT ? config->db_report_timeout
					      : config->db_statement_timeout),
		(long long)config->db_lock_timeout,
		kind == DB_REPORT ? "" : " -c plan_cache_mode=force_generic_plan");
	if ((error = target_put(target, "options", options)) ||
		(error = target_put(target, "application_name", names[kind])))
		return error;
	if (primary && !target_get(target, "target_session_attrs"))
		return target_put(target, "target_session_attrs", "read-write");
	return 0;
}

static bool needs_resolving(const char *host)
{
	struct in6_addr address;

	return host[0] && host[0] != '/' && host[0] != '@' &&
		inet_pton(AF_INET, host, &address) != 1 && inet_pton(AF_INET6, host, &address) != 1;
}

/* Reads the hosts and their ports: one port for all hosts or one for each, as in libpq. */
static int target_hosts_read(struct target *target, const char *names, const char *ports)
{
	struct text rest = text_of(names), ports_left = text_of(ports ? ports : "");
	bool shared = !strchr(ports ? ports : "", ',');

	while (rest.at) {
		struct target_host *host = &target->hosts[target->host_count];
		struct text name = text_cut(&rest, ',');
		struct text port = shared ? ports_left : text_cut(&ports_left, ',');

		if (target->host_count == TARGET_HOSTS)
			return E_CONFIG;
		target->host_count++;
		host->name = strndup(name.at, name.len);
		host->port = strndup(port.at ? port.at : "", port.len);
		if (!host->name || !host->port)
			return E_NO_MEMORY;
		host->resolve = needs_resolving(host->name);
	}
	if (target->host_count == 1 && !target->hosts[0].resolve) {
		free(target->hosts[0].name);
		free(target->hosts[0].port);
		target->host_count = 0;
	}
	return 0;
}

static int target_fill(struct target *target, const PQconninfoOption *options,
	const struct config *config, enum db_lane kind)
{
	const char *given = NULL;
	int error;

	for (const PQconninfoOption *option = options; option->keyword; option++) {
		if (!option->val || strcmp(option->keyword, "application_name") == 0)
			continue;
		if (strcmp(option->keyword, "options") == 0) {
			given = option->val;
			continue;
		}
		if ((error = target_put(target, option->keyword, option->val)))
			return error;
	}
	if (!target_get(target, "keepalives_idle") &&
		(error = target_put(target, "keepalives_idle", "30")))
		return error;
	if (!target_get(target, "tcp_user_timeout") &&
		(error = target_put(target, "tcp_user_timeout", "15000")))
		return error;
	/* the search for Kerberos credentials reads files and may call a daemon */
	if (!target_get(target, "gssencmode") &&
		(error = target_put(target, "gssencmode", "disable")))
		return error;
	return session_options(target, config, kind, given);
}

int target_read(
	struct target *target, const char *url, const struct config *config, enum db_lane kind)
{
	char *why = NULL;
	PQconninfoOption *options = PQconninfoParse(url, &why);
	const char *hosts;
	int error;

	if (!options) {
		log_line(LOG_ERROR, "the database address is not a libpq connection string",
			LOG_T("key",
				kind == DB_READ && config->replica_url[0] ? "replica_url"
									  : "database_url"));
		PQfreemem(why);
		return E_CONFIG;
	}
	target->keys = calloc(TARGET_KEYS, sizeof(char *));
	target->values = calloc(TARGET_KEYS, sizeof(char *));
	error = target->keys && target->values ? target_fill(target, options, config, kind)
					       : E_NO_MEMORY;
	PQconninfoFree(options);
	hosts = target->keys ? target_get(target, "host") : NULL;
	if (!error && hosts && !target_get(target, "hostaddr"))
		error = target_hosts_read(target, hosts, target_get(target, "port"));
	return error;
}

void target_free(struct target *target)
{
	for (unsigned i = 0; i < target->count; i++) {
		free(target->keys[i]);
		free(target->values[i]);
	}
	for (unsigned i = 0; i < target->host_count; i++) {
		free(target->hosts[i].name);
		free(target->hosts[i].port);
	}
	free(target->keys);
	free(target->values);
	*target = (struct target){ 0 };
}

/* --- Resolving -------------------------------------------------------------------------------- */

/* The lists that libpq gets for one attempt: every address of every host, in parallel lists. */
struct resolving {
	uv_getaddrinfo_t request;
	struct db *db;
	struct lane *lane;   /* NULL: the attempt was cancelled */
	unsigned host_index; /* number of hosts done */
	unsigned count;      /* entries of the lists */
	char names[2048], addresses[1024], ports[256];
};

static void connect_start(struct lane *lane, const struct resolving *lists);
static void resolve_next(struct resolving *resolving);

static bool host_list_append(char *list, size_t size, bool first, const char *entry)
{
	size_t len = strlen(list);

	return (size_t)snprintf(list + len, size - len, "%s%s", first ? "" : ",", entry) <
		size - len;
}

static void host_entry_add(
	struct resolving *resolving, const struct target_host *host, const char *address)
{
	bool first = resolving->count == 0;
	size_t names = strlen(resolving->names), addresses = strlen(resolving->addresses);
	size_t ports = strlen(resolving->ports);

	if (host_list_append(resolving->names, sizeof(resolving->names), first, host->name) &&
		host_list_append(
			resolving->addresses, sizeof(resolving->addresses), first, address) &&
		host_list_append(resolving->ports, sizeof(resolving->ports), first, host->port)) {
		resolving->count++;
		return;
	}
	resolving->names[names] = resolving->addresses[addresses] = resolving->ports[ports] = '\0';
}

/* The host to resolve now: each attempt begins with the next host of the list. */
static const struct target_host *resolve_host(const struct resolving *resolving)
{
	const struct lane *lane = resolving->lane;
	const struct target *target = &lane->db->targets[lane->kind];

	return &target->hosts[(lane->attempts + resolving->host_index) % target->host_count];
}

static void host_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
	struct resolving *resolving = CONTAINER_OF(request, struct resolving, request);
	char address[INET6_ADDRSTRLEN];

	resolving->db->open_handles--;
	if (!resolving->lane) {
		uv_freeaddrinfo(found);
		free(resolving);
		return;
	}
	for (struct addrinfo *one = status ? NULL : found; one; one = one->ai_next)
		if (getnameinfo(one->ai_addr, one->ai_addrlen, address, sizeof(address), NULL, 0,
			    NI_NUMERICHOST) == 0)
			host_entry_add(resolving, resolve_host(resolving), address);
	uv_freeaddrinfo(found);
	resolving->host_index++;
	resolve_next(resolving);
}

static void resolve_finish(struct resolving *resolving)
{
	struct lane *lane = resolving->lane;

	lane->resolving = NULL;
	if (resolving->count)
		connect_start(lane, resolving);
	else
		lane_lose(lane, "no host name of the database can be resolved");
	free(resolving);
}

/* A name that cannot be resolved is skipped: other hosts of the list may work. */
static void resolve_next(struct resolving *resolving)
{
	struct lane *lane = resolving->lane;
	static const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };

	for (; resolving->host_index < lane->db->targets[lane->kind].host_count;
		resolving->host_index++) {
		const struct target_host *host = resolve_host(resolving);

		if (!host->resolve) {
			host_entry_add(resolving, host, "");
			continue;
		}
		if (uv_getaddrinfo(loop_uv(lane->db->loop), &resolving->request, host_resolved,
			    host->name, NULL, &hints) == 0) {
			lane->db->open_handles++;
			return;
		}
	}
	resolve_finish(resolving);
}

void connect_cancel(struct lane *lane)
{
	if (!lane->resolving)
		return;
	uv_cancel((uv_req_t *)&lane->resolving->request);
	lane->resolving->lane = NULL;
	lane->resolving = NULL;
}

/* --- Connecting ------------------------------------------------------------------------------- */

static void connect_socket_ready(uv_poll_t *poll, int status, int events)
{
	struct lane *lane = CONTAINER_OF(poll, struct lane_watch, poll)->lane;

	(void)status;
	(void)events;
	if (lane && lane->state == LANE_CONNECTING)
		connect_continue(lane);
}

/* libpq may change its socket between calls, so the watch is created again each time. */
void connect_continue(struct lane *lane)
{
	PostgresPollingStatusType status;

	lane_unwatch(lane);
	status = PQconnectPoll(lane->pg);
	if (status == PGRES_POLLING_OK)
		lane_connected(lane);
	else if (status == PGRES_POLLING_FAILED)
		lane_lose(lane, PQerrorMessage(lane->pg));
	else
		lane_watch(lane, status == PGRES_POLLING_READING ? UV_READABLE : UV_WRITABLE,
			connect_socket_ready);
}

static void connect_start(struct lane *lane, const struct resolving *lists)
{
	const struct target *target = &lane->db->targets[lane->kind];
	const char *keys[TARGET_KEYS + 4], *values[TARGET_KEYS + 4];
	unsigned count = target->count;

	memcpy(keys, target->keys, count * sizeof(*keys));
	memcpy(values, target->values, count * sizeof(*values));
	if (lists) { /* the last of two equal keys counts */
		keys[count] = "host";
		values[count++] = lists->names;
		keys[count] = "hostaddr";
		values[count++] = lists->addresses;
		keys[count] = "port";
		values[count++] = lists->ports;
	}
	keys[count] = values[count] = NULL;
	lane->pg = PQconnectStartParams(keys, values, 0);
	if (!lane->pg || PQstatus(lane->pg) == CONNECTION_BAD) {
		lane_lose(lane, lane->pg ? PQerrorMessage(lane->pg) : "out of memory");
		return;
	}
	lane_watch(lane, UV_WRITABLE, connect_socket_ready);
}

void connect_begin(struct lane *lane)
{
	struct resolving *resolving;

	if (!lane->db->targets[lane->kind].host_count) {
		connect_start(lane, NULL);
		return;
	}
	resolving = calloc(1, sizeof(*resolving));
	if (!resolving) {
		lane_lose(lane, "out of memory");
		return;
	}
	resolving->db = lane->db;
	resolving->lane = lane;
	lane->resolving = resolving;
	resolve_next(resolving);
}
