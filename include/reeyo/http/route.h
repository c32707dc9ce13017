/* SPDX-License-Identifier: MIT
 *
 * Route tables: one row is the only description of an endpoint. The router, the role check, the
 * body check, limits, `reeyo routes`, the OpenAPI document and the access-matrix test read it.
 */
#ifndef REEYO_HTTP_ROUTE_H
#define REEYO_HTTP_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "reeyo/core/text.h"
#include "reeyo/http/errors.h"
#include "reeyo/http/field.h"

struct request;

enum method { GET = 1, HEAD = 2, POST = 4, PUT = 8, PATCH = 16, DELETE = 32, OPTIONS = 64 };

/* Who may call a route. A row without .access stops the server at boot. */
enum access {
	ACCESS_UNSET,
	ANYONE,            /* public; a token is ignored */
	CUSTOMER,          /* a customer's access token */
	CUSTOMER_VERIFIED, /* … whose phone is verified and whose account is active */
	VENDOR_ACCOUNT,    /* a vendor's token */
	RIDER_ACCOUNT,     /* a rider's token */
	RIDER_READY,       /* … verified, approved and active */
	ADMIN,             /* any admin */
	SUPER_ADMIN,
	ACCESS_COUNT
};

/* Rate limits of single routes, besides those of accounts and addresses. Only wrong guesses count:
 * see http/limit.h. */
enum limit_rule {
	LIMIT_NONE,
	LIMIT_REGISTER, /* rate_register per hour (also per X-Device-Id, when sent) */
	LIMIT_CODE,     /* requests that send a code: rate_code per rate_window */
	LIMIT_LOGIN,    /* guesses of a password: rate_login per rate_window */
	LIMIT_PASSWORD, /* the same, by an account that is logged in */
	LIMIT_VERIFY,   /* guesses of a one-time code: rate_login per rate_window */
	LIMIT_RESET,    /* guesses of a reset code, which names no account: rate_reset */
	LIMIT_COUNT
};
/* "login"; NULL for LIMIT_NONE. */
const char *limit_rule_name(enum limit_rule rule);

enum reply_shape {
	REPLY_OBJECT,  /* data: {…} of .reply */
	REPLY_ARRAY,   /* data: [{…}] of .reply */
	REPLY_PAGE,    /* data: [{…}] of .reply, with meta */
	REPLY_MESSAGE, /* data: null, message; data may be {…} of .reply, if there is one */
	REPLY_BARE     /* .reply without the envelope */
};

#define ROUTE_ERRORS 16
struct route {
	enum method method;
	const char *path;      /* "/orders/:orderId/cancel", below the namespace's
				* prefix */
	const char *operation; /* OpenAPI operationId, a verb and a noun: "placeOrder"; unique over
				* all rows */
	const char *aliases;   /* further paths of the same operation, space separated */
	enum access access;
	const char *permission; /* instead of .access, in the admin namespace: the word that the
				 * caller's role must hold ("payouts.decide") */
	const struct field *query;
	const struct field *body;
	const struct field *reply;
	enum reply_shape shape;
	bool any_write;          /* PUT, POST and PATCH are equivalent */
	bool created;            /* success is 201 */
	bool idempotent;         /* accepts an Idempotency-Key */
	bool root;               /* the path is absolute, not below /api/v1 */
	bool internal;           /* served only on the metrics listener */
	bool external;           /* called by systems of others: any Content-Type and Origin
				  * is accepted; a body that does not start like JSON is
				  * read as a form */
	bool stream;             /* can also reply with server-sent events */
	bool health;             /* called by probes: not counted by address */
	bool during_maintenance; /* served also during maintenance (health, config, auth) */
	unsigned max_age;        /* public caching, seconds; 0: no-store */
	size_t body_limit;       /* largest body in bytes; 0: the configuration's */
	enum limit_rule limit;
	const char *limit_by;          /* the key that .limit counts: words separated by spaces,
					* of which the first that the request has is used. A
					* member of .body (a phone, an e-mail or an id), "caller"
					* (the token's account), "address" (the client's
					* network); or "account" alone: the handler finds the
					* account and calls limit_count_account */
	enum err errors[ROUTE_ERRORS]; /* errors of the handler, besides those of the checks that
					* the row asks for */
	void (*run)(struct request *rq);
	const char *audit;   /* name of the act in admin_audit ("vendor.approve"), on writes of the
			      * admin namespace; NULL: not audited */
	const char *summary; /* one sentence for the API document */
};
#define ROUTE_END \
	{ \
		.path = NULL \
	}

/* A table and its namespace. A list ends with routes == NULL. */
struct route_set {
	enum name_space ns;
	const char *tag; /* group in the API document: "Orders" */
	const struct route *routes;
	/* The lowest role that holds a word of .permission; ACCESS_UNSET for an unknown word. With
	 * it every row that is not public names a permission; NULL: no row does. */
	enum access (*permission_access)(const char *word);
};
/* Who may call the row: its .access, or the lowest role that holds its .permission. Any thread. */
enum access route_access(const struct route_set *set, const struct route *row);

struct router;
/* Builds the router of all sets. Logs each mistake (no .access and no known .permission, no .run,
 * .operation or .summary, two rows with one operation, two rows for one method and path) and
 * returns E_CONFIG if there was one. Read-only afterwards, for any thread. */
int router_new(const struct route_set *sets, struct router **ret) MUST_CHECK;
void router_free(struct router *router);

#define ROUTE_PARAMS 4
struct route_match {
	const struct route *route; /* NULL: no row for this path and method */
	enum name_space ns;        /* also set when nothing matched, for the error code */
	unsigned allowed;          /* methods of this path, when only the method does not
				    * match; else 0 */
	unsigned count;
	struct text params[ROUTE_PARAMS]; /* in the order of the path; still percent-encoded */
	struct text names[ROUTE_PARAMS];  /* "orderId" */
};
/* Finds the row. path: without the query. bare: the namespace of /api/v1/… without a namespace on
 * this listener. Any thread. */
void router_find(const struct router *router, enum method method, struct text path,
	enum name_space bare, struct route_match *ret);
/* The path template of the route nearest to an unknown path; NULL when nothing is near. */
const char *router_nearest(const struct router *router, struct text path, enum name_space bare);

/* Calls each(arg, set, row) for every row in table order. */
void router_each(const struct router *router,
	void (*each)(void *arg, const struct route_set *set, const struct route *row), void *arg);

const char *method_name(enum method method);
/* 0 when unknown. */
enum method method_parse(const char *name);
const char *name_space_name(enum name_space ns); /* "user", "rider", "vendor", "admin" */
const char *access_name(enum access access);     /* "customer (verified)" */

/* The OpenAPI 3.1 document of all routes; the caller frees it. NULL when out of memory. */
char *openapi_document(const struct router *router, const char *version);

#endif
