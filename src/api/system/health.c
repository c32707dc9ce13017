/* SPDX-License-Identifier: MIT
 *
 * Health checks for load balancers, orchestrators and the existing clients (contract §0). /healthz:
 * the process is alive. /readyz: it can serve and does not drain. /health: the state of the process
 * and its dependencies.
 */
#include <stdatomic.h>
#include <stdio.h>

#include "reeyo/api/system.h"
#include "reeyo/core/clock.h"
#include "reeyo/core/config.h"
#include "reeyo/http/request.h"

#define JSON "application/json; charset=utf-8"

static atomic_bool started, draining;
static struct cache_value *api_document;
static uint64_t started_ms;

void system_set_started(void)
{
	atomic_store(&started, true);
}

void system_set_draining(void)
{
	atomic_store(&draining, true);
}

bool system_is_draining(void)
{
	return atomic_load(&draining);
}

int system_documents_prepare(const struct router *router)
{
	char *text auto_free = NULL;

	started_ms = clock_ms();
	text = openapi_document(router, REEYO_VERSION);
	api_document = text ? cache_value_new(text_of(text)) : NULL;
	return api_document ? 0 : E_NO_MEMORY;
}

void system_documents_free(void)
{
	free(TAKE_PTR(api_document));
}

static void health_alive(struct request *rq)
{
	reply_bare(rq, 200, JSON, TEXT("{\"status\":\"alive\"}"));
}

/* Checks all loops, because the next request may reach any of them. */
static bool database_is_serving(const struct app *app)
{
	for (struct app **each = app->all; *each; each++)
		if (!db_serves((*each)->db))
			return false;
	return true;
}

static void health_ready(struct request *rq)
{
	bool postgres = database_is_serving(rq->app);
	bool serves = postgres && atomic_load(&started) && !system_is_draining();
	struct buf body = buf_in(rq->arena, 128);

	buf_printf(&body,
		"{\"status\":\"%s\",\"dependencies\":{\"postgres\":\"%s\",\"redis\":\"%s\"}}",
		system_is_draining() ? "draining"
			: serves     ? "ready"
				     : "unavailable",
		postgres ? "up" : "down", cache_up(rq->app->cache) ? "up" : "down");
	reply_bare(rq, serves ? 200 : 503, JSON, text_of(buf_string(&body)));
}

/* Without Redis the server still works, so only PostgreSQL decides. */
static void health_state(struct request *rq)
{
	bool postgres = db_ready(rq->app->db);
	struct buf body = buf_in(rq->arena, 256);
	char now[CLOCK_ISO_SIZE];

	clock_iso(clock_wall_ms(), now);
	buf_printf(&body,
		"{\"status\":\"%s\",\"service\":\"reeyo-api\",\"version\":\"" REEYO_VERSION
		"\",\"timestamp\":\"%s\",\"uptime\":%.3f,"
		"\"dependencies\":{\"postgres\":\"%s\",\"redis\":\"%s\"}}",
		postgres ? "healthy" : "unhealthy", now, (double)(clock_ms() - started_ms) / 1000.0,
		postgres ? "up" : "down", cache_up(rq->app->cache) ? "up" : "down");
	reply_bare(rq, postgres ? 200 : 503, JSON, text_of(buf_string(&body)));
}

static void health_namespace(struct request *rq)
{
	static const char *const names[NS_COUNT] = { [NS_USER] = "User",
		[NS_RIDER] = "Rider",
		[NS_VENDOR] = "Vendor",
		[NS_ADMIN] = "Admin" };
	struct buf body = buf_in(rq->arena, 128);
	char now[CLOCK_ISO_SIZE];

	clock_iso(clock_wall_ms(), now);
	buf_printf(&body,
		"{\"success\":true,\"message\":\"Reeyo %s API is running\",\"timestamp\":\"%s\"}",
		names[rq->ns], now);
	reply_bare(rq, 200, JSON, text_of(buf_string(&body)));
}

static void api_index(struct request *rq)
{
	reply_bare(rq, 200, JSON,
		TEXT("{\"service\":\"reeyo-api\",\"version\":\"" REEYO_VERSION "\",\"endpoints\":{"
		     "\"user\":\"/api/v1/user\",\"vendor\":\"/api/v1/vendor\","
		     "\"rider\":\"/api/v1/rider\",\"admin\":\"/api/v1/admin\","
		     "\"health\":\"/health\",\"documentation\":\"/openapi.json\"}}"));
}

static void openapi_reply(struct request *rq)
{
	reply_cached(rq, api_document);
}

static const struct field dependency_fields[] = {
	{ "postgres", FIELD_TEXT, .required = true, .summary = "up or down" },
	{ "redis", FIELD_TEXT, .required = true,
		.summary = "up or down; the server works without it" },
	FIELD_END,
};
static const struct field status_fields[] = {
	{ "status", FIELD_TEXT, .required = true },
	FIELD_END,
};
static const struct field ready_fields[] = {
	{ "status", FIELD_TEXT, .required = true, .summary = "ready, draining or unavailable" },
	{ "dependencies", FIELD_OBJECT, .required = true, .of = dependency_fields },
	FIELD_END,
};
static const struct field health_fields[] = {
	{ "status", FIELD_TEXT, .required = true, .summary = "healthy or unhealthy" },
	{ "service", FIELD_TEXT, .required = true },
	{ "version", FIELD_TEXT, .required = true },
	{ "timestamp", FIELD_TIME, .required = true },
	{ "uptime", FIELD_NUMBER, .required = true, .summary = "Seconds" },
	{ "dependencies", FIELD_OBJECT, .required = true, .of = dependency_fields },
	FIELD_END,
};
static const struct field running_fields[] = {
	{ "success", FIELD_BOOL, .required = true },
	{ "message", FIELD_TEXT, .required = true },
	{ "timestamp", FIELD_TIME, .required = true },
	FIELD_END,
};
static const struct field endpoint_fields[] = {
	{ "user", FIELD_TEXT },
	{ "vendor", FIELD_TEXT },
	{ "rider", FIELD_TEXT },
	{ "admin", FIELD_TEXT },
	{ "health", FIELD_TEXT },
	{ "documentation", FIELD_TEXT },
	FIELD_END,
};
static const struct field index_fields[] = {
	{ "service", FIELD_TEXT, .required = true },
	{ "version", FIELD_TEXT, .required = true },
	{ "endpoints", FIELD_OBJECT, .required = true, .of = endpoint_fields },
	FIELD_END,
};

static const struct field openapi_fields[] = {
	{ "openapi", FIELD_TEXT, .required = true },
	{ "info", FIELD_ANY, .required = true },
	{ "components", FIELD_ANY, .required = true },
	{ "paths", FIELD_ANY, .required = true },
	FIELD_END,
};

const struct route system_root_routes[] = {
	{ GET, "/healthz", .operation = "checkLiveness", .root = true, .health = true,
		.during_maintenance = true, .access = ANYONE, .reply = status_fields,
		.shape = REPLY_BARE, .run = health_alive, .summary = "The process is alive" },
	{ GET, "/readyz", .operation = "checkReadiness", .root = true, .health = true,
		.during_maintenance = true, .access = ANYONE, .reply = ready_fields,
		.shape = REPLY_BARE, .run = health_ready,
		.summary = "PostgreSQL answers and the process does not drain" },
	{ GET, "/health", .operation = "getServerHealth", .root = true, .health = true,
		.during_maintenance = true, .access = ANYONE, .reply = health_fields,
		.shape = REPLY_BARE, .run = health_state,
		.summary = "State of the process and its dependencies" },
	{ GET, "/api/v1", .operation = "getApiIndex", .root = true, .during_maintenance = true,
		.access = ANYONE, .reply = index_fields, .shape = REPLY_BARE, .run = api_index,
		.summary = "Service, version and endpoints" },
	{ GET, "/openapi.json", .operation = "getApiDocument", .root = true,
		.during_maintenance = true, .access = ANYONE, .reply = openapi_fields,
		.shape = REPLY_BARE, .max_age = 300, .run = openapi_reply,
		.summary = "This document" },
	ROUTE_END,
};

const struct route system_health_routes[] = {
	{ GET, "/health", .operation = "getApiHealth", .health = true, .during_maintenance = true,
		.access = ANYONE, .reply = running_fields, .shape = REPLY_BARE,
		.run = health_namespace, .summary = "The API of this namespace is running" },
	ROUTE_END,
};
