/* SPDX-License-Identifier: MIT
 *
 * Connecting without blocking: the connection string is taken apart once, host names are resolved by
 * libuv (libpq would ask the resolver on the loop's thread), and PQconnectPoll runs on readiness.
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
		if (strcmp(target->keys[i], key) == 0)
			return target->values[i];
	return NULL;
}

/* What every session of a kind runs with. force_generic_plan: our statements are the same lookups with other
 * keys, planned once per connection. */
static int session_options(struct target *target, const struct config *config, enum db_lane kind,
	const char *given)
{
	static const char *const names[DB_LANES] = { "reeyo/read", "reeyo/write", "reeyo/report" };
	char options[512];
	int error;

	snprintf(options, sizeof(options),
		"%s%s-c statement_timeout=%lld -c lock_timeout=%lld -c TimeZone=UTC%s "
		"-c idle_in_transaction_session_timeout=60000",
		given ? given : "", given ? " " : "",
		(long long)(kind == DB_REPORT ? config->db_report_timeout : config->db_statement_timeout),
		(long long)config->db_lock_timeout,
		kind == DB_REPORT ? "" : " -c plan_cache_mode=force_generic_plan");
	if ((error = target_put(target, "options", options)) ||
		(error = target_put(target, "application_name", names[kind])))
		return error;
	if (kind == DB_WRITE && !target_get(target, "target_session_attrs"))
		return target_put(target, "target_session_attrs", "read-write");
	return 0;
}

static bool needs_resolving(const char *hosts)
{
	struct text list = text_of(hosts);
	struct in6_addr address;
	char one[256];

	while (list.at) {
		struct text host = text_cut(&list, ',');

		snprintf(one, sizeof(one), "%.*s", TEXT_ARGS(host));
		if (host.len && one[0] != '/' && one[0] != '@' && inet_pton(AF_INET, one, &address) != 1 &&
			inet_pton(AF_INET6, one, &address) != 1)
			return true;
	}
	return false;
}

static int target_fill(struct target *target, const PQconninfoOption *options, const struct config *config,
	enum db_lane kind)
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
	if (!target_get(target, "keepalives_idle") && (error = target_put(target, "keepalives_idle", "30")))
		return error;
	if (!target_get(target, "tcp_user_timeout") &&
		(error = target_put(target, "tcp_user_timeout", "15000")))
		return error;
	return session_options(target, config, kind, given);
}

int target_read(struct target *target, const char *url, const struct config *config, enum db_lane kind)
{
	char *why = NULL;
	PQconninfoOption *options = PQconninfoParse(url, &why);
	const char *hosts;
	int error;

	if (!options) {
		log_line(LOG_ERROR, "the database address is not a libpq connection string",
			LOG_T("key", kind == DB_READ && config->replica_url[0] ? "replica_url" : "database_url"));
		PQfreemem(why);
		return E_CONFIG;
	}
	target->keys = calloc(TARGET_KEYS, sizeof(char *));
	target->values = calloc(TARGET_KEYS, sizeof(char *));
	error = target->keys && target->values ? target_fill(target, options, config, kind) : E_NO_MEMORY;
	PQconninfoFree(options);
	hosts = target->keys ? target_get(target, "host") : NULL;
	if (!error && hosts && !target_get(target, "hostaddr") && needs_resolving(hosts))
		target->hosts = strdup(hosts);
	return error;
}

void target_free(struct target *target)
{
	for (unsigned i = 0; i < target->count; i++) {
		free(target->keys[i]);
		free(target->values[i]);
	}
	free(target->keys);
	free(target->values);
	free(target->hosts);
	free(target->addresses);
	*target = (struct target){ 0 };
}

/* --- Resolving --------------------------------------------------------------------------------- */

struct resolving {
	uv_getaddrinfo_t request;
	struct lane *lane;
	char *rest;            /* hosts still to ask for */
	char addresses[1024];  /* of those before, comma separated */
};

static void connect_start(struct lane *lane, const char *addresses);
static void resolve_next(struct resolving *resolving);

static void address_add(struct resolving *resolving, const char *address)
{
	size_t len = strlen(resolving->addresses);

	snprintf(resolving->addresses + len, sizeof(resolving->addresses) - len, "%s%s", len ? "," : "",
		address);
}

static void resolving_free(struct resolving *resolving)
{
	free(resolving->rest);
	free(resolving);
}

static void resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
	struct resolving *resolving = CONTAINER_OF(request, struct resolving, request);
	struct lane *lane = resolving->lane;
	char address[INET6_ADDRSTRLEN] = "";

	lane->db->open_handles--;
	if (status == 0)
		getnameinfo(found->ai_addr, found->ai_addrlen, address, sizeof(address), NULL, 0,
			NI_NUMERICHOST);
	uv_freeaddrinfo(found);
	if (lane->state != LANE_CONNECTING) {
		resolving_free(resolving);
		return;
	}
	if (!address[0]) {
		resolving_free(resolving);
		lane_lose(lane, "the database host name cannot be resolved");
		return;
	}
	address_add(resolving, address);
	resolve_next(resolving);
}

static void resolve_next(struct resolving *resolving)
{
	struct text rest = text_of(resolving->rest);
	struct text host = text_cut(&rest, ',');
	struct lane *lane = resolving->lane;
	static const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	char one[256];

	if (!resolving->rest[0]) {
		connect_start(lane, resolving->addresses);
		resolving_free(resolving);
		return;
	}
	snprintf(one, sizeof(one), "%.*s", TEXT_ARGS(host));
	memmove(resolving->rest, rest.at ? rest.at : "", rest.len + 1);
	if (!needs_resolving(one)) {
		address_add(resolving, one);
		resolve_next(resolving);
		return;
	}
	lane->db->open_handles++;
	if (uv_getaddrinfo(loop_uv(lane->db->loop), &resolving->request, resolved, one, NULL, &hints)) {
		lane->db->open_handles--;
		resolving_free(resolving);
		lane_lose(lane, "the resolver does not start");
	}
}

/* --- Connecting -------------------------------------------------------------------------------- */

static void on_connecting(uv_poll_t *poll, int status, int events)
{
	struct lane *lane = CONTAINER_OF(poll, struct lane_watch, poll)->lane;

	(void)status;
	(void)events;
	if (lane && lane->state == LANE_CONNECTING)
		connect_go_on(lane);
}

/* libpq may change its socket between calls, so the watch is made afresh each time. */
void connect_go_on(struct lane *lane)
{
	PostgresPollingStatusType status;

	lane_unwatch(lane);
	status = PQconnectPoll(lane->pg);
	if (status == PGRES_POLLING_OK)
		lane_connected(lane);
	else if (status == PGRES_POLLING_FAILED)
		lane_lose(lane, PQerrorMessage(lane->pg));
	else
		lane_watch(lane, status == PGRES_POLLING_READING ? UV_READABLE : UV_WRITABLE, on_connecting);
}

static void connect_start(struct lane *lane, const char *addresses)
{
	const struct target *target = &lane->db->targets[lane->kind];
	const char *keys[TARGET_KEYS + 1], *values[TARGET_KEYS + 1];
	unsigned count = target->count;

	memcpy(keys, target->keys, count * sizeof(*keys));
	memcpy(values, target->values, count * sizeof(*values));
	if (addresses) {
		keys[count] = "hostaddr";
		values[count++] = addresses;
	}
	keys[count] = values[count] = NULL;
	lane->pg = PQconnectStartParams(keys, values, 0);
	if (!lane->pg || PQstatus(lane->pg) == CONNECTION_BAD) {
		lane_lose(lane, lane->pg ? PQerrorMessage(lane->pg) : "out of memory");
		return;
	}
	lane_watch(lane, UV_WRITABLE, on_connecting);
}

void connect_begin(struct lane *lane)
{
	const struct target *target = &lane->db->targets[lane->kind];
	struct resolving *resolving;

	if (!target->hosts) {
		connect_start(lane, NULL);
		return;
	}
	resolving = calloc(1, sizeof(*resolving));
	if (!resolving || !(resolving->rest = strdup(target->hosts))) {
		free(resolving);
		lane_lose(lane, "out of memory");
		return;
	}
	resolving->lane = lane;
	resolve_next(resolving);
}
