/* SPDX-License-Identifier: MIT
 *
 * The OpenAPI 3.1 document, made from the route tables: paths, parameters, bodies, replies, errors,
 * security. It contains nothing about single endpoints.
 */
#include <stdio.h>

#include "openapi.h"

/* --- Operations ------------------------------------------------------------------------------- */

static json_t *schema_reference(const char *to)
{
	return json_pack("{s:s}", "$ref", to);
}

static json_t *reply_schema(const struct route *row)
{
	json_t *data = row->reply ? schema_of(row->reply) : json_object();
	json_t *schema;

	if (row->shape == REPLY_BARE)
		return data;
	if (row->shape == REPLY_ARRAY || row->shape == REPLY_PAGE)
		data = json_pack("{s:s,s:o}", "type", "array", "items", data);
	if (row->shape == REPLY_MESSAGE && row->reply) {
		data = json_pack("{s:[o,{s:s}]}", "anyOf", data, "type", "null");
	} else if (row->shape == REPLY_MESSAGE) {
		json_decref(data);
		data = json_pack("{s:s}", "type", "null");
	}
	schema = json_pack("{s:s,s:[ss],s:{s:{s:b},s:{s:s},s:o}}", "type", "object", "required",
		"success", "data", "properties", "success", "const", 1, "message", "type", "string",
		"data", data);
	if (row->shape == REPLY_PAGE)
		json_object_set_new(json_object_get(schema, "properties"), "meta",
			schema_reference("#/components/schemas/Meta"));
	return schema;
}

/* Adds an error. OpenAPI has one reply per status, so its description lists the codes. */
static void response_error_add(json_t *replies, enum name_space ns, enum err error)
{
	const struct error_row *row = error_row(error);
	char status[8], text[512];
	json_t *reply;
	const char *before;

	snprintf(status, sizeof(status), "%d", error_status(error, ns));
	reply = json_object_get(replies, status);
	before = reply ? json_string_value(json_object_get(reply, "description")) : NULL;
	if (before && strstr(before, row->code[ns]) && strstr(before, row->english))
		return;
	snprintf(text, sizeof(text), "%s%s%s: %s", before ? before : "", before ? "; " : "",
		row->code[ns], row->english);
	json_object_set_new(replies, status,
		json_pack("{s:s,s:{s:{s:o},s:{s:o}}}", "description", text, "content",
			"application/json", "schema",
			schema_reference("#/components/schemas/Error"), "application/problem+json",
			"schema", schema_reference("#/components/schemas/Problem")));
}

static json_t *success_response(const struct route *row)
{
	bool plain = row->shape == REPLY_BARE && !row->reply;
	json_t *success = json_pack("{s:s,s:{s:{s:o}}}", "description", row->summary, "content",
		plain ? "text/plain" : "application/json", "schema",
		plain ? json_pack("{s:s}", "type", "string") : reply_schema(row));

	if (row->stream)
		json_object_set_new(json_object_get(success, "content"), "text/event-stream",
			json_pack("{s:{s:s}}", "schema", "type", "string"));
	return success;
}

static void response_errors_add(
	json_t *replies, enum name_space ns, const enum err *errors, size_t most)
{
	for (size_t i = 0; i < most && errors[i]; i++)
		response_error_add(replies, ns, errors[i]);
}

/* The errors of the checks that a row asks for. */
static void check_errors_add(json_t *replies, const struct route_set *set, const struct route *row)
{
	static const enum err token[] = { E_NO_TOKEN, E_BAD_TOKEN, E_TOKEN_EXPIRED, E_WRONG_ROLE };
	static const enum err state[] = { E_PHONE_UNVERIFIED, E_SUSPENDED, E_INACTIVE };
	static const enum err input[] = { E_VALIDATION, E_BODY_TOO_LARGE, E_MEDIA_TYPE };
	static const enum err key[] = { E_IDEMPOTENCY_MISMATCH, E_IDEMPOTENCY_RUNNING };

	if (row->access != ANYONE)
		response_errors_add(replies, set->ns, token, COUNT_OF(token));
	if (row->access == CUSTOMER_VERIFIED)
		response_errors_add(replies, set->ns, state, COUNT_OF(state));
	if (row->body || row->query)
		response_errors_add(replies, set->ns, input, COUNT_OF(input));
	if (row->idempotent)
		response_errors_add(replies, set->ns, key, COUNT_OF(key));
}

static json_t *responses_of(const struct route_set *set, const struct route *row)
{
	static const enum err always[] = { E_NOT_ACCEPTABLE, E_URI_TOO_LONG, E_HEADERS_TOO_LARGE,
		E_TOO_MANY_REQUESTS, E_INTERNAL, E_STORE_DOWN };
	json_t *replies = json_object();

	json_object_set_new(replies, row->created ? "201" : "200", success_response(row));
	if (row->method == GET && (row->shape != REPLY_BARE || row->reply))
		json_object_set_new(replies, "304",
			json_pack("{s:s}", "description", "Not modified since the ETag"));
	check_errors_add(replies, set, row);
	response_errors_add(replies, set->ns, row->errors, ROUTE_ERRORS);
	if (strchr(row->path, ':') && !json_object_get(replies, "404"))
		response_error_add(replies, set->ns, E_NOT_FOUND);
	response_errors_add(replies, set->ns, always, COUNT_OF(always));
	return replies;
}

static void parameter_add(json_t *list, const char *in, const char *name, bool required,
	json_t *schema, const char *does)
{
	json_t *one = json_pack("{s:s,s:s,s:b,s:o}", "name", name, "in", in, "required",
		(int)required, "schema", schema);

	if (does)
		json_object_set_new(one, "description", json_string(does));
	json_array_append_new(list, one);
}

static json_t *parameters_of(const struct route *row, struct text path)
{
	json_t *list = json_array();
	char name[64];

	while (path.at && path.len) {
		struct text segment = text_cut(&path, '/');

		if (segment.len < 2 || segment.at[0] != ':' || segment.len >= sizeof(name))
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)segment.len - 1, segment.at + 1);
		parameter_add(list, "path", name, true,
			json_pack(
				"{s:s,s:s}", "type", "string", "pattern", "^[A-Za-z0-9_.-]{1,64}$"),
			NULL);
	}
	for (const struct field *field = row->query; field && field->name; field++)
		parameter_add(list, "query", field->name, field->required, schema_field(field),
			field->summary);
	if (row->idempotent)
		parameter_add(list, "header", "Idempotency-Key", false,
			json_pack("{s:s,s:i}", "type", "string", "maxLength", 128),
			"Makes retries safe: within 24 h the same key and body replay the first "
			"reply");
	return list;
}

static json_t *security_of(const struct route_set *set, const struct route *row)
{
	if (row->access == ANYONE)
		return json_array();
	if (set->ns == NS_ADMIN)
		return json_pack("[{s:[]},{s:[]}]", "bearer", "adminCookie");
	return json_pack("[{s:[]}]", "bearer");
}

static json_t *operation_of(const struct route_set *set, const struct route *row,
	enum method method, struct text path, const char *id)
{
	json_t *operation = json_pack("{s:s,s:s,s:[s],s:o,s:o,s:o,s:s}", "operationId", id,
		"summary", row->summary, "tags", set->tag, "parameters", parameters_of(row, path),
		"responses", responses_of(set, row), "security", security_of(set, row), "x-who",
		access_name(route_access(set, row)));
	json_t *content;

	if (row->permission)
		json_object_set_new(operation, "x-permission", json_string(row->permission));
	if (row->body && method != GET && method != DELETE) {
		content = json_pack("{s:{s:o},s:{s:o}}", "application/json", "schema",
			schema_of(row->body), "application/x-www-form-urlencoded", "schema",
			schema_of(row->body));
		json_object_set_new(
			operation, "requestBody", json_pack("{s:o}", "content", content));
	}
	return operation;
}

/* --- Paths ------------------------------------------------------------------------------------ */

/* "/orders/:orderId" as "/api/v1/user/orders/{orderId}". */
static void openapi_path_write(
	char out[256], const struct route_set *set, const struct route *row, struct text path)
{
	size_t len = row->root ? 0
			       : (size_t)snprintf(out, 256, "/api/v1/%s", name_space_name(set->ns));

	text_cut(&path, '/');
	while (path.at && path.len) {
		struct text segment = text_cut(&path, '/');
		bool param = segment.len > 1 && segment.at[0] == ':';

		len += (size_t)snprintf(out + len, 256 - len, param ? "/{%.*s}" : "/%.*s",
			(int)(segment.len - param), segment.at + param);
	}
	if (len == 0)
		snprintf(out, 256, "/");
}

/* The longest .operation with all suffixes. */
#define OPERATION_ID_SIZE 96

/* One operation of a row: each of its paths and methods is one. */
struct operation {
	const struct route_set *set;
	const struct route *row;
	bool shared;    /* the row is also in an earlier set, of another namespace */
	unsigned alias; /* 0: .path, else the number of the alias */
	struct text path;
	enum method method;
};

/* "Vendor" from "vendor", "ByPatch" from "By" and "PATCH". */
static void suffix_write(char out[16], const char *prefix, const char *word)
{
	size_t len = (size_t)snprintf(out, 16, "%s%s", prefix, word);

	for (size_t i = strlen(prefix); i < len && i < 15; i++)
		out[i] = (char)(i == strlen(prefix) ? out[i] & ~0x20 : out[i] | 0x20);
}

/* The row's .operation, with a suffix for further namespaces, paths and methods:
 * "getApiHealthVendor", "getWalletAlias", "cancelOrderByPost". */
static void operation_id_write(char id[OPERATION_ID_SIZE], const struct operation *one)
{
	char namespace[16] = "", alias[16] = "", method[16] = "";

	if (one->shared)
		suffix_write(namespace, "", name_space_name(one->set->ns));
	if (one->alias == 1)
		snprintf(alias, sizeof(alias), "Alias");
	else if (one->alias)
		snprintf(alias, sizeof(alias), "Alias%u", one->alias);
	if (one->method != one->row->method)
		suffix_write(method, "By", method_name(one->method));
	snprintf(id, OPERATION_ID_SIZE, "%s%s%s%s", one->row->operation, namespace, alias, method);
}

/* --- Components ------------------------------------------------------------------------------- */

/* The document that is being built. A schema with a title, and every error reply, is stored once in
 * its components, and operations refer to it. Written out in each operation they made the document
 * 1.5 MB large. */
struct document {
	json_t *paths, *schemas, *responses, *bodies;
	json_t *operations; /* operations of the rows so far */
};

/* Stores a part under its name. Returns a reference to it, or NULL when a different part has that
 * name. The caller keeps the part. */
static json_t *component_put(json_t *parts, const char *kind, const char *name, json_t *part)
{
	json_t *there = json_object_get(parts, name);
	char path[400];

	if (!there)
		json_object_set(parts, name, part);
	else if (!json_equal(there, part))
		return NULL;
	snprintf(path, sizeof(path), "#/components/%s/%s", kind, name);
	return schema_reference(path);
}

/* Replaces the titled schemas inside a part by references, the innermost first. */
static void schemas_extract(struct document *document, json_t *part)
{
	json_t *child, *put;
	const char *key, *title;
	size_t index;
	void *next;

	json_array_foreach(part, index, child)
	{
		schemas_extract(document, child);
		title = json_string_value(json_object_get(child, "title"));
		put = title ? component_put(document->schemas, "schemas", title, child) : NULL;
		if (put)
			json_array_set_new(part, index, put);
	}
	json_object_foreach_safe(part, next, key, child)
	{
		schemas_extract(document, child);
		title = json_string_value(json_object_get(child, "title"));
		put = title ? component_put(document->schemas, "schemas", title, child) : NULL;
		if (put)
			json_object_set_new(part, key, put);
	}
}

/* Replaces error replies by references: "vendor_400", or "vendor_400_2" and so on for another set
 * of codes. */
static void errors_extract(struct document *document, const struct route_set *set, json_t *replies)
{
	const char *status;
	json_t *reply, *put;
	char name[48];
	void *next;

	json_object_foreach_safe(replies, next, status, reply)
	{
		if (status[0] < '4')
			continue;
		put = NULL;
		for (unsigned i = 1; !put && i < 100; i++) {
			snprintf(name, sizeof(name), i > 1 ? "%s_%s_%u" : "%s_%s",
				name_space_name(set->ns), status, i);
			put = component_put(document->responses, "responses", name, reply);
		}
		if (put)
			json_object_set_new(replies, status, put);
	}
}

/* Stores the body and the success reply of a row with several methods or paths under the name of
 * its first operation. */
static void row_parts_extract(
	struct document *document, const struct operation *first, json_t *operation)
{
	json_t *replies = json_object_get(operation, "responses");
	json_t *body = json_object_get(operation, "requestBody");
	const char *status = first->row->created ? "201" : "200";
	char id[OPERATION_ID_SIZE];
	json_t *put;

	if (!first->row->aliases && !first->row->any_write)
		return;
	operation_id_write(id, first);
	put = component_put(document->responses, "responses", id, json_object_get(replies, status));
	if (put)
		json_object_set_new(replies, status, put);
	put = body ? component_put(document->bodies, "requestBodies", id, body) : NULL;
	if (put)
		json_object_set_new(operation, "requestBody", put);
}

/* The operation of a row, made once. Each method and path gets a copy with its own id and
 * parameters. */
static json_t *row_operation(struct document *document, const struct operation *first)
{
	json_t *operation = operation_of(first->set, first->row, first->method, first->path, "");

	schemas_extract(document, operation);
	errors_extract(document, first->set, json_object_get(operation, "responses"));
	row_parts_extract(document, first, operation);
	return operation;
}

static void operation_put(
	struct document *document, const json_t *model, const struct operation *one)
{
	char path[256], id[OPERATION_ID_SIZE], verb[8];
	json_t *item, *operation;

	openapi_path_write(path, one->set, one->row, one->path);
	snprintf(verb, sizeof(verb), "%s", method_name(one->method));
	for (char *c = verb; *c; c++)
		*c = (char)(*c | 0x20);
	item = json_object_get(document->paths, path);
	if (!item) {
		json_object_set_new(document->paths, path, json_object());
		item = json_object_get(document->paths, path);
	}
	if (one->method != one->row->method && json_object_get(item, verb))
		return; /* an explicit row wins over .any_write */
	operation_id_write(id, one);
	operation = json_copy((json_t *)model);
	json_object_set_new(operation, "operationId", json_string(id));
	json_object_set_new(operation, "parameters", parameters_of(one->row, one->path));
	json_object_set_new(item, verb, operation);
}

/* Adds one path of a row, with all its methods. */
static void path_operations_add(
	struct document *document, const json_t *model, struct operation *operation)
{
	static const enum method writes[] = { POST, PUT, PATCH };
	const struct route *row = operation->row;

	operation->method = row->method;
	operation_put(document, model, operation);
	for (size_t i = 0; row->any_write && i < COUNT_OF(writes); i++) {
		operation->method = writes[i];
		if (writes[i] != row->method)
			operation_put(document, model, operation);
	}
}

static void row_operations_add(void *arg, const struct route_set *set, const struct route *row)
{
	struct document *document = arg;
	struct operation operation = { .set = set,
		.row = row,
		.path = text_of(row->path),
		.method = row->method,
		.shared = json_object_get(document->operations, row->operation) != NULL };
	struct text aliases = text_of(row->aliases);
	json_t *model;

	if (row->internal)
		return;
	json_object_set_new(document->operations, row->operation, json_true());
	model = row_operation(document, &operation);
	path_operations_add(document, model, &operation);
	while (aliases.at) {
		operation.path = text_cut(&aliases, ' ');
		operation.alias++;
		if (operation.path.len)
			path_operations_add(document, model, &operation);
	}
	json_decref(model);
}

static json_t *openapi_components(void)
{
	static const struct field error_body[] = {
		{ "code", FIELD_TEXT, .required = true, .summary = "The same in every language" },
		{ "message", FIELD_TEXT, .required = true,
			.summary = "English, or French by Accept-Language" },
		{ "details", FIELD_ANY,
			.summary = "Wrong fields, the position in the JSON, or the nearest route" },
		FIELD_END
	};
	static const struct field error_fields[] = { { "success", FIELD_BOOL, .required = true },
		{ "error", FIELD_OBJECT, .required = true, .of = error_body },
		{ "timestamp", FIELD_TIME, .required = true },
		{ "path", FIELD_TEXT, .required = true },
		{ "requestId", FIELD_TEXT, .required = true }, FIELD_END };
	static const struct field problem_fields[] = { { "type", FIELD_TEXT, .required = true },
		{ "status", FIELD_INT, .required = true },
		{ "title", FIELD_TEXT, .required = true }, { "detail", FIELD_TEXT },
		{ "code", FIELD_TEXT, .required = true }, { "instance", FIELD_TEXT },
		{ "errors", FIELD_ANY }, { "requestId", FIELD_TEXT }, FIELD_END };
	static const struct field meta_fields[] = { { "page", FIELD_INT, .required = true },
		{ "limit", FIELD_INT, .required = true },
		{ "pageSize", FIELD_INT, .required = true },
		{ "total", FIELD_INT, .required = true },
		{ "totalPages", FIELD_INT, .required = true },
		{ "hasNext", FIELD_BOOL, .required = true },
		{ "hasPrev", FIELD_BOOL, .required = true }, FIELD_END };

	return json_pack("{s:{s:o,s:o,s:o},s:{s:{s:s,s:s,s:s},s:{s:s,s:s,s:s}}}", "schemas",
		"Error", schema_of(error_fields), "Problem", schema_of(problem_fields), "Meta",
		schema_of(meta_fields), "securitySchemes", "bearer", "type", "http", "scheme",
		"bearer", "bearerFormat", "JWT", "adminCookie", "type", "apiKey", "in", "cookie",
		"name", "accessToken");
}

char *openapi_document(const struct router *router, const char *version)
{
	json_t *parts = openapi_components();
	struct document document = { .paths = json_object(),
		.schemas = json_object_get(parts, "schemas"),
		.responses = json_object(),
		.bodies = json_object(),
		.operations = json_object() };
	json_t *whole;
	char *text;

	json_object_set_new(parts, "responses", document.responses);
	json_object_set_new(parts, "requestBodies", document.bodies);
	router_each(router, row_operations_add, &document);
	whole = json_pack("{s:s,s:{s:s,s:s,s:s},s:[{s:s,s:s}],s:o,s:o}", "openapi", "3.1.0", "info",
		"title", "Reeyo API", "version", version, "description",
		"Orders, vendors, riders and administration of the Reeyo delivery platform. "
		"A path without a namespace (/api/v1/orders) belongs to the user namespace, on a "
		"listener of one namespace to that one. Amounts are integers in XAF; times are "
		"RFC 3339 in UTC with milliseconds. Unknown members of a body are ignored. "
		"x-spellings lists further names under which a member is accepted.",
		"servers", "url", "/", "description", "This server", "components", parts, "paths",
		document.paths);
	json_decref(document.operations);
	if (!whole)
		return NULL;
	text = json_dumps(whole, JSON_COMPACT);
	json_decref(whole);
	return text;
}
