/* SPDX-License-Identifier: MIT
 *
 * `reeyo routes` and `reeyo openapi`: the route tables as text, JSON and API document.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "reeyo/api/routes.h"

static void route_print(void *arg, const struct route_set *set, const struct route *row)
{
	char path[128];

	(void)arg;
	snprintf(path, sizeof(path), "%s%s%s", row->root ? "" : "/api/v1/",
		row->root ? "" : name_space_name(set->ns), row->path);
	printf("%-14s %-48s %-30s %s\n",
		row->any_write ? "PUT,POST,PATCH" : method_name(row->method), path,
		access_name(route_access(set, row)), row->summary);
}

static void route_append(void *arg, const struct route_set *set, const struct route *row)
{
	json_t *aliases = json_array();
	struct text rest = text_of(row->aliases);

	while (rest.at && rest.len) {
		struct text one = text_cut(&rest, ' ');

		json_array_append_new(aliases, json_stringn(one.at, one.len));
	}
	json_array_append_new(arg,
		json_pack("{s:s,s:s,s:s,s:o,s:s,s:s,s:b,s:b,s:b,s:b,s:b,s:b,s:b,s:b,s:I,s:s,s:s?,"
			  "s:s?,s:s?,s:s?}",
			"method", method_name(row->method), "path", row->path, "operationId",
			row->operation, "aliases", aliases, "namespace", name_space_name(set->ns),
			"access", access_name(route_access(set, row)), "root", (int)row->root,
			"internal", (int)row->internal, "anyWrite", (int)row->any_write,
			"idempotent", (int)row->idempotent, "hasBody", row->body != NULL, "stream",
			(int)row->stream, "external", (int)row->external, "duringMaintenance",
			(int)row->during_maintenance, "bodyLimit", (json_int_t)row->body_limit,
			"summary", row->summary, "limit", limit_rule_name(row->limit), "limitBy",
			row->limit_by, "audit", row->audit, "permission", row->permission));
}

int run_routes(const struct config *config, int argc, char **argv)
{
	struct router *router;
	int error = router_new(reeyo_routes, &router);

	(void)config;
	if (error)
		return error;
	if (argc == 1 && strcmp(argv[0], "json") == 0) {
		json_t *list = json_array();

		router_each(router, route_append, list);
		json_dumpf(list, stdout, JSON_INDENT(1));
		putchar('\n');
		json_decref(list);
	} else {
		router_each(router, route_print, NULL);
	}
	router_free(router);
	return 0;
}

int run_openapi(const struct config *config, int argc, char **argv)
{
	struct router *router;
	int error = router_new(reeyo_routes, &router);
	char *document;

	(void)config;
	(void)argc;
	(void)argv;
	if (error)
		return error;
	document = openapi_document(router, REEYO_VERSION);
	if (document)
		puts(document);
	free(document);
	router_free(router);
	return document ? 0 : E_NO_MEMORY;
}
