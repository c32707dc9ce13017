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
#include "reeyo/core/json_writer.h"
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

static void system_reply(struct request *rq, int status, struct json_writer *json)
{
	json_write_object_end(json);
	if (!json_write_finish(json))
		return reply_error(rq, E_NO_MEMORY);
	reply_bare(rq, status, JSON, buf_text(json->out));
}

static void dependencies_write(struct json_writer *json, struct request *rq, bool postgres)
{
	json_write_member_object(json, "dependencies");
	json_write_member_string(json, "postgres", postgres ? "up" : "down");
	json_write_member_string(json, "redis", cache_up(rq->app->cache) ? "up" : "down");
	json_write_object_end(json);
}

static void timestamp_write(struct json_writer *json)
{
	char now[CLOCK_ISO_SIZE];

	clock_iso(clock_wall_ms(), now);
	json_write_member_string(json, "timestamp", now);
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
	bool postgres = database_is_serving(rq->app), draining_now = system_is_draining();
	bool serves = postgres && atomic_load(&started) && !draining_now;
	struct buf body = buf_in(rq->arena, 128);
	struct json_writer json = json_write_to(&body);

	json_write_object(&json);
	json_write_member_string(&json, "status",
		draining_now     ? "draining"
			: serves ? "ready"
				 : "unavailable");
	dependencies_write(&json, rq, postgres);
	system_reply(rq, serves ? 200 : 503, &json);
}

/* Without Redis the server still works, so only PostgreSQL decides. */
static void health_state(struct request *rq)
{
	bool postgres = db_ready(rq->app->db);
	struct buf body = buf_in(rq->arena, 256);
	struct json_writer json = json_write_to(&body);

	json_write_object(&json);
	json_write_member_string(&json, "status", postgres ? "healthy" : "unhealthy");
	json_write_member_string(&json, "service", "reeyo-api");
	json_write_member_string(&json, "version", REEYO_VERSION);
	timestamp_write(&json);
	json_write_member_decimal(&json, "uptime", (double)(clock_ms() - started_ms) / 1000.0, 3);
	dependencies_write(&json, rq, postgres);
	system_reply(rq, postgres ? 200 : 503, &json);
}

static void health_namespace(struct request *rq)
{
	static const char *const messages[NS_COUNT] = {
		[NS_USER] = "Reeyo User API is running",
		[NS_RIDER] = "Reeyo Rider API is running",
		[NS_VENDOR] = "Reeyo Vendor API is running",
		[NS_ADMIN] = "Reeyo Admin API is running",
	};
	struct buf body = buf_in(rq->arena, 128);
	struct json_writer json = json_write_to(&body);

	json_write_object(&json);
	json_write_member_bool(&json, "success", true);
	json_write_member_string(&json, "message", messages[rq->ns]);
	timestamp_write(&json);
	system_reply(rq, 200, &json);
}

static void api_index(struct request *rq)
{
	struct buf body = buf_in(rq->arena, 256);
	struct json_writer json = json_write_to(&body);

	json_write_object(&json);
	json_write_member_string(&json, "service", "reeyo-api");
	json_write_member_string(&json, "version", REEYO_VERSION);
	json_write_member_object(&json, "endpoints");
	json_write_member_string(&json, "user", "/api/v1/user");
	json_write_member_string(&json, "vendor", "/api/v1/vendor");
	json_write_member_string(&json, "rider", "/api/v1/rider");
	json_write_member_string(&json, "admin", "/api/v1/admin");
	json_write_member_string(&json, "health", "/health");
	json_write_member_string(&json, "documentation", "/openapi.json");
	json_write_object_end(&json);
	system_reply(rq, 200, &json);
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
