/* SPDX-License-Identifier: MIT
 *
 * The router: one tree of path segments per namespace, built from the tables at boot and read-only
 * afterwards. A literal segment wins over a parameter. A mistake in the tables stops the server.
 */
#include <stdio.h>

#include "reeyo/core/log.h"
#include "reeyo/core/memory.h"
#include "route_check.h"

enum { METHOD_SLOTS = 5 };

struct node {
	struct text segment; /* a literal, or the name of a parameter */
	const struct route *rows[METHOD_SLOTS];
	bool loose[METHOD_SLOTS];     /* set by .any_write of another method: an explicit row
				       * replaces it */
	struct node *children, *next; /* literals */
	struct node *param;
};

struct path_template {
	const char *path; /* "/orders/:orderId", as suggested to clients */
	enum name_space ns;
	bool root;
	struct path_template *next;
};

struct router {
	const struct route_set *sets;
	struct node *trees[NS_COUNT];
	struct node *root; /* absolute paths */
	struct path_template *templates;
};

static const struct {
	enum method method;
	const char *name;
} methods[] = {
	{ GET, "GET" },
	{ POST, "POST" },
	{ PUT, "PUT" },
	{ PATCH, "PATCH" },
	{ DELETE, "DELETE" },
	{ HEAD, "HEAD" },
	{ OPTIONS, "OPTIONS" },
};

const char *method_name(enum method method)
{
	for (size_t i = 0; i < COUNT_OF(methods); i++)
		if (methods[i].method == method)
			return methods[i].name;
	return "?";
}

enum method method_parse(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(methods); i++)
		if (strcmp(methods[i].name, name) == 0)
			return methods[i].method;
	return 0;
}

const char *name_space_name(enum name_space ns)
{
	static const char *const names[NS_COUNT] = { [NS_USER] = "user",
		[NS_RIDER] = "rider",
		[NS_VENDOR] = "vendor",
		[NS_ADMIN] = "admin" };

	return ns < NS_COUNT ? names[ns] : "?";
}

enum access route_access(const struct route_set *set, const struct route *row)
{
	if (!row->permission)
		return row->access;
	return set->permission_access ? set->permission_access(row->permission) : ACCESS_UNSET;
}

const char *access_name(enum access access)
{
	static const char *const names[ACCESS_COUNT] = {
		[ACCESS_UNSET] = "unset",
		[ANYONE] = "anyone",
		[CUSTOMER] = "customer",
		[CUSTOMER_VERIFIED] = "customer, verified and active",
		[VENDOR_ACCOUNT] = "vendor",
		[RIDER_ACCOUNT] = "rider",
		[RIDER_READY] = "rider, verified, approved and active",
		[ADMIN] = "admin",
		[SUPER_ADMIN] = "super-admin",
	};

	return access < ACCESS_COUNT ? names[access] : "?";
}

/* Index of a method in node.rows: the first five of the table above; -1 for the others. */
static int method_slot(enum method method)
{
	for (int i = 0; i < METHOD_SLOTS; i++)
		if (methods[i].method == method)
			return i;
	return -1;
}

/* --- Building --------------------------------------------------------------------------------- */

static struct node *node_child(struct node *parent, struct text segment)
{
	struct node **at = &parent->children;
	bool param = segment.len > 1 && segment.at[0] == ':';
	struct node *child;

	if (param) {
		segment = (struct text){ segment.at + 1, segment.len - 1 };
		at = &parent->param;
	}
	for (child = *at; child; child = child->next)
		if (param || text_is(child->segment, segment))
			return child;
	child = calloc(1, sizeof(*child));
	if (!child)
		return NULL;
	child->segment = segment;
	child->next = *at;
	*at = child;
	return child;
}

static struct node *node_at(struct node *root, struct text path)
{
	struct node *node = root;

	text_cut(&path, '/');
	while (node && path.at && path.len)
		node = node_child(node, text_cut(&path, '/'));
	return node;
}

static int node_set_route(
	struct node *node, const struct route *row, enum method method, bool loose)
{
	int slot = method_slot(method);

	if (slot < 0)
		return E_CONFIG;
	if (node->rows[slot] && !node->loose[slot])
		return loose ? 0 : E_CONFIG;
	node->rows[slot] = row;
	node->loose[slot] = loose;
	return 0;
}

static int route_add_path(struct router *router, const struct route_set *set,
	const struct route *row, struct text path)
{
	struct node **tree = row->root ? &router->root : &router->trees[set->ns];
	struct path_template *template = calloc(1, sizeof(*template));
	char *copy = strndup(path.at, path.len);
	struct node *node;

	if (!template || !copy) {
		free(template);
		free(copy);
		return E_NO_MEMORY;
	}
	*template = (struct path_template){ copy, set->ns, row->root, router->templates };
	router->templates = template;
	if (!*tree && !(*tree = calloc(1, sizeof(**tree))))
		return E_NO_MEMORY;
	node = node_at(*tree, text_of(copy));
	if (!node)
		return E_NO_MEMORY;
	if (node_set_route(node, row, row->method, false)) {
		log_line(LOG_ERROR, "two rows for one route",
			LOG_T("method", method_name(row->method)), LOG_T("path", copy),
			LOG_T("namespace", name_space_name(set->ns)));
		return E_CONFIG;
	}
	if (row->any_write)
		for (int i = 1; i <= 3; i++)
			(void)node_set_route(node, row, methods[i].method, true);
	return 0;
}

static int route_add(struct router *router, const struct route_set *set, const struct route *row)
{
	struct text aliases = text_of(row->aliases);
	int error = route_add_path(router, set, row, text_of(row->path));

	while (!error && aliases.at) {
		struct text one = text_cut(&aliases, ' ');

		if (one.len)
			error = route_add_path(router, set, row, one);
	}
	return error;
}

int router_new(const struct route_set *sets, struct router **ret)
{
	struct router *router;
	int error = route_sets_check(sets);

	if (error)
		return error;
	router = calloc(1, sizeof(*router));
	if (!router)
		return E_NO_MEMORY;
	router->sets = sets;
	for (const struct route_set *set = sets; set->routes; set++)
		for (const struct route *row = set->routes; row->path; row++) {
			int wrong = route_add(router, set, row);

			error = error ? error : wrong;
		}
	if (error) {
		router_free(router);
		return error;
	}
	*ret = router;
	return 0;
}

static void node_free(struct node *node)
{
	while (node) {
		struct node *next = node->next;

		node_free(node->children);
		node_free(node->param);
		free(node);
		node = next;
	}
}

void router_free(struct router *router)
{
	if (!router)
		return;
	for (int i = 0; i < NS_COUNT; i++)
		node_free(router->trees[i]);
	node_free(router->root);
	while (router->templates) {
		struct path_template *next = router->templates->next;

		free((char *)router->templates->path);
		free(router->templates);
		router->templates = next;
	}
	free(router);
}

void router_each(const struct router *router,
	void (*each)(void *arg, const struct route_set *set, const struct route *row), void *arg)
{
	for (const struct route_set *set = router->sets; set->routes; set++)
		for (const struct route *row = set->routes; row->path; row++)
			each(arg, set, row);
}

/* --- Finding ---------------------------------------------------------------------------------- */

static unsigned node_methods(const struct node *node)
{
	unsigned all = 0;

	for (int i = 0; i < METHOD_SLOTS; i++)
		if (node->rows[i])
			all |= methods[i].method;
	return all;
}

/* Each level tries the literal, then the parameter. The length of a URL limits the depth. A node
 * without the method does not end the search: "/orders/:id" may have a method that "/orders/active"
 * lacks. */
static bool node_find(const struct node *node, enum method method, struct text path, unsigned depth,
	struct route_match *ret)
{
	struct text segment;

	if (!path.at || path.len == 0) {
		int slot = method_slot(method);

		if (slot >= 0 && node->rows[slot]) {
			ret->route = node->rows[slot];
			ret->count = depth;
			return true;
		}
		ret->allowed |= node_methods(node);
		return false;
	}
	segment = text_cut(&path, '/');
	for (const struct node *child = node->children; child; child = child->next)
		if (text_is(child->segment, segment) && node_find(child, method, path, depth, ret))
			return true;
	if (!node->param || segment.len == 0 || depth >= ROUTE_PARAMS)
		return false;
	ret->params[depth] = segment;
	ret->names[depth] = node->param->segment;
	return node_find(node->param, method, path, depth + 1, ret);
}

/* Removes "/api/v1" and a namespace's name from the path; false when it is not below /api/v1. */
static bool api_path_split(struct text *path, enum name_space *ns)
{
	static const struct text prefix = { "/api/v1", 7 };
	struct text rest;

	if (!text_starts(*path, prefix) || (path->len > prefix.len && path->at[prefix.len] != '/'))
		return false;
	rest = (struct text){ path->at + prefix.len, path->len - prefix.len };
	*path = rest;
	if (rest.len > 1) {
		struct text tail = { rest.at + 1, rest.len - 1 };
		struct text first = text_cut(&tail, '/');

		for (int i = 0; i < NS_COUNT; i++)
			if (text_is(first, text_of(name_space_name((enum name_space)i)))) {
				*ns = (enum name_space)i;
				*path = (struct text){ rest.at + 1 + first.len,
					rest.len - 1 - first.len };
				return true;
			}
	}
	return true;
}

void router_find(const struct router *router, enum method method, struct text path,
	enum name_space bare, struct route_match *ret)
{
	const struct node *tree;

	*ret = (struct route_match){ .ns = bare };
	if (path.len > 1 && path.at[path.len - 1] == '/')
		path.len--;
	if (router->root) {
		struct text rest = path;

		text_cut(&rest, '/');
		if (node_find(router->root, method, rest, 0, ret))
			return;
	}
	if (!api_path_split(&path, &ret->ns) || !(tree = router->trees[ret->ns]))
		return;
	text_cut(&path, '/');
	node_find(tree, method, path, 0, ret);
}

/* Distance of a path to a template: the sum of its segments' distances. A parameter has distance 1
 * to any segment, so that an equal literal wins. */
static size_t template_distance(struct text path, struct text template)
{
	size_t sum = 0;

	text_cut(&path, '/');
	text_cut(&template, '/');
	while ((path.at && path.len) || (template.at && template.len)) {
		struct text have = text_cut(&path, '/');
		struct text want = text_cut(&template, '/');
		size_t one = want.len && want.at[0] == ':' && have.len ? 1
								       : text_distance(have, want);

		if (one == SIZE_MAX)
			return SIZE_MAX;
		sum += one;
	}
	return sum;
}

const char *router_nearest(const struct router *router, struct text path, enum name_space bare)
{
	enum name_space ns = bare;
	const char *nearest = NULL;
	struct text whole = path;
	size_t best;
	bool api = api_path_split(&path, &ns);

	if (path.len > 128)
		return NULL;
	best = path.len / 3 + 3;
	for (const struct path_template *at = router->templates; at; at = at->next) {
		size_t distance;

		if (!at->root && (!api || at->ns != ns))
			continue;
		distance = template_distance(at->root ? whole : path, text_of(at->path));
		if (distance < best) {
			best = distance;
			nearest = at->path;
		}
	}
	return nearest;
}
