/* SPDX-License-Identifier: MIT
 *
 * Checks of the route tables at boot: what a row must have, and that operations are unique. A
 * mistake stops the server. Paths are compared by the router, while it builds its trees.
 */
#include "route_check.h"

#include "reeyo/core/log.h"
#include "reeyo/core/memory.h"
#include "reeyo/http/render.h"

/* A longer operation would not be a name. */
#define OPERATION_LENGTH_MAX 48

static void route_mistake(
	const struct route_set *set, const struct route *row, const char *message, const char *what)
{
	log_line(LOG_ERROR, message, LOG_T("member", what),
		LOG_T("method", method_name(row->method)), LOG_T("path", row->path),
		LOG_T("namespace", name_space_name(set->ns)));
}

/* True for a member whose canonical form is unique, so that a limit may count by it. */
static bool limit_key_is_member(const struct field *body, struct text name)
{
	for (const struct field *field = body; field && field->name; field++)
		if (text_is(name, text_of(field->name)))
			return field->kind == FIELD_PHONE || field->kind == FIELD_EMAIL ||
				field->kind == FIELD_ID;
	return false;
}

/* True when .limit has a .limit_by whose keys the caller cannot choose. */
static bool limit_key_is_valid(const struct route *row)
{
	struct text words = text_of(row->limit_by);

	if (!row->limit || !row->limit_by)
		return !row->limit && !row->limit_by;
	if (text_is(words, TEXT("account")))
		return true;
	while (words.at) {
		struct text word = text_cut(&words, ' ');

		if (!text_is(word, TEXT("caller")) && !text_is(word, TEXT("address")) &&
			!limit_key_is_member(row->body, word))
			return false;
	}
	return true;
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_lower_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* A verb and a noun in camelCase: "placeOrder". */
static bool operation_is_valid(const char *operation)
{
	struct text name = text_of(operation);
	bool has_noun = false;

	if (name.len < 2 || name.len > OPERATION_LENGTH_MAX || !is_lower_or_digit(name.at[0]))
		return false;
	for (size_t i = 0; i < name.len; i++) {
		if (!is_upper(name.at[i]) && !is_lower_or_digit(name.at[i]))
			return false;
		has_noun |= is_upper(name.at[i]);
	}
	return has_noun;
}

static bool method_is_routed(enum method method)
{
	return method == GET || method == POST || method == PUT || method == PATCH ||
		method == DELETE;
}

/* Every write of the admin namespace names its act; the log-in of admins is no act. */
static bool audit_is_valid(const struct route_set *set, const struct route *row)
{
	bool act = set->ns == NS_ADMIN && row->method != GET && row->access != ANYONE &&
		strncmp(row->path, "/auth/", 6) != 0;

	return act == (row->audit != NULL);
}

/* A row of a table with permissions names a known one instead of an access. */
static bool permission_is_valid(const struct route_set *set, const struct route *row)
{
	if (!set->permission_access || row->access == ANYONE)
		return !row->permission;
	return row->permission && !row->access && route_access(set, row) != ACCESS_UNSET;
}

/* The first member of a reply table, or of the tables in it, that cannot be rendered from the
 * record that its table names; NULL: none. */
static const char *reply_mismatch(const struct field *table)
{
	const struct field *field = table;
	const char *wrong = NULL;

	for (; !wrong && field && field->name; field++)
		wrong = reply_mismatch(field->of);
	return wrong || !field || !field->record ? wrong : render_mismatch(table, field->record);
}

static int route_check(const struct route_set *set, const struct route *row)
{
	const char *wrong = !permission_is_valid(set, row) ? "permission"
		: route_access(set, row) == ACCESS_UNSET   ? "access"
		: !row->run                                ? "run"
		: !row->summary                            ? "summary"
		: !operation_is_valid(row->operation)      ? "operation"
		: !method_is_routed(row->method)           ? "method"
		: row->path[0] != '/'                      ? "path"
		: !limit_key_is_valid(row)                 ? "limit_by"
		: !audit_is_valid(set, row)                ? "audit"
							   : reply_mismatch(row->reply);

	if (!wrong)
		return 0;
	route_mistake(set, row, "a member of a route row is missing or not valid", wrong);
	return E_CONFIG;
}

/* A table may be in several sets, so the same row counts once. */
static int operation_check(
	const struct route_set *sets, const struct route_set *set, const struct route *row)
{
	for (const struct route_set *other = sets; other <= set; other++)
		for (const struct route *each = other->routes; each->path; each++) {
			if (each == row)
				return 0;
			if (strcmp(each->operation, row->operation) == 0) {
				route_mistake(set, row, "two route rows have one operation",
					row->operation);
				return E_CONFIG;
			}
		}
	return 0;
}

int route_sets_check(const struct route_set *sets)
{
	int error = 0;

	for (const struct route_set *set = sets; set->routes; set++)
		for (const struct route *row = set->routes; row->path; row++)
			error |= route_check(set, row);
	for (const struct route_set *set = sets; !error && set->routes; set++)
		for (const struct route *row = set->routes; row->path; row++)
			error |= operation_check(sets, set, row);
	return error ? E_CONFIG : 0;
}
