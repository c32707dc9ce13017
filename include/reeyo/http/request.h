/* SPDX-License-Identifier: MIT
 *
 * A request as a handler sees it. It lives in an arena of its own, from the last header byte to the
 * last byte of the reply. A handler replies exactly once, directly or in a later continuation. It
 * never blocks, and does not touch the request after replying. Loop thread only.
 */
#ifndef REEYO_HTTP_REQUEST_H
#define REEYO_HTTP_REQUEST_H

#include <jansson.h>
#include <stdbool.h>

#include "reeyo/cache/cache.h"
#include "reeyo/core/id.h"
#include "reeyo/core/memory.h"
#include "reeyo/core/text.h"
#include "reeyo/core/trace.h"
#include "reeyo/db/db.h"
#include "reeyo/http/route.h"
#include "reeyo/loop/app.h"

/* The caller, from a verified token. Empty (role ACCESS_UNSET) on public routes. */
struct caller {
	enum access role; /* CUSTOMER, VENDOR_ACCOUNT, RIDER_ACCOUNT, ADMIN or
			   * SUPER_ADMIN */
	char id[ID_SIZE];
	char session[ID_SIZE];
	int64_t issued_s, expires_s;
	int64_t issued_ms; /* by the database's clock; compared with the cut-offs of
			    * sessions */
};

struct rider_facts; /* auth */

struct request {
	struct app *app;
	struct arena *arena;
	const struct route *route;
	enum name_space ns;
	enum method method;
	const char *request_id;
	struct trace trace; /* from the caller's headers; the id is empty without
			     * one */
	struct text path;
	const char *params[ROUTE_PARAMS]; /* decoded, NUL-terminated, valid as FIELD_ID */
	json_t *query; /* validated against .query; NULL (as good as {}) for a GET without one */
	json_t *body;  /* validated against .body; {} without one, NULL for such a GET */
	struct caller caller;
	json_t *account;                 /* CUSTOMER_VERIFIED: the account's profile (as
					  * auth/me) */
	const struct rider_facts *rider; /* RIDER_READY: the rider's state (auth/admit.h) */
	const char *idempotency_key;     /* NULL: none */
	char fingerprint[65];            /* hex SHA-256 of route, parameters and declared members;
					  * set when there is a key */
	bool french;
	void *state; /* belongs to the handler, for its continuations */
};

/* --- Reading ---------------------------------------------------------------------------------- */

/* Members of a validated body or query; NULL or fallback when absent. Texts live as long as the
 * request. */
const char *member_text(const json_t *object, const char *name);
int64_t member_int(const json_t *object, const char *name, int64_t fallback);
double member_number(const json_t *object, const char *name, double fallback);
bool member_bool(const json_t *object, const char *name, bool fallback);
json_t *member(const json_t *object, const char *name);
#define body_text(rq, name) member_text((rq)->body, (name))
#define body_int(rq, name, fallback) member_int((rq)->body, (name), (fallback))
#define query_text(rq, name) member_text((rq)->query, (name))
/* A request header, NULL when absent. */
const char *request_header(struct request *rq, const char *name);
/* True when the request has an Origin header and allowed_origins lists it by name. `*` does not
 * count: a browser sends cookies by itself, so they are accepted only from a listed origin. */
bool request_origin_listed(struct request *rq);
/* The raw body; for a GET the raw query. Lives as long as the request; absent when there is
 * none. */
struct text request_raw(struct request *rq);
/* The client's address as text. X-Forwarded-For is used only behind a trusted proxy. */
const char *request_address(struct request *rq);
/* Optional members of a checked body or query as parameters of statements (`:name?` in SQL): NULL
 * when absent. Live as long as the request. NULL also when memory is out. */
const int64_t *optional_int(struct request *rq, const json_t *object, const char *name);
const double *optional_number(struct request *rq, const json_t *object, const char *name);
const bool *optional_bool(struct request *rq, const json_t *object, const char *name);
/* A checked list of texts as an array parameter; absent (SQL NULL) without the member. */
struct db_texts member_texts(struct request *rq, const json_t *object, const char *name);
/* A clearable member of the body for the SQL function changed(): NULL when absent, "" when null. */
const char *arg_change(struct request *rq, const char *name);
/* JSON text of a value for an SQL parameter, in the arena; numbers with at most 15 digits, so that
 * 0.15 stays 0.15. NULL when the value is NULL or memory is out. */
const char *arg_json(struct request *rq, const json_t *value);
/* A new id in the arena. NULL only when out of memory. */
const char *request_id_new(struct request *rq, const char *prefix);

/* Page and limit of a list: page ≥ 1, limit 1…100; a larger limit becomes 100. */
struct page {
	int64_t page, limit, offset;
};
extern const struct field page_fields[]; /* page and limit only, for .query */
/* clang-format off */
#define PAGE_FIELDS \
	{ "page", FIELD_INT, .min = 1, .max = 1000000, .summary = "Page, from 1" }, \
	{ "limit", FIELD_INT, .min = 1, .max = 1000000000, .summary = "Rows per page, at most 100" }
/* clang-format on */
struct page request_page(struct request *rq, int64_t fallback_limit);

/* --- Waiting ---------------------------------------------------------------------------------- */

/* Runs a named statement of sql/queries with the struct of its parameters
 * (reeyo/db/queries/<file>.h), which is read before this returns; texts in it live as long as the
 * request:
 *	sql_read(rq, order_get, order_read, &(struct order_get){ .order_id = rq->params[0] });
 * A statement without parameters is given none. done is called only on success; any error is
 * answered with its code. sql_try_write calls done also on errors (see db_error). After the
 *request's own deadline has answered, done is not called any more.
 *
 * sql_read: reads from a replica if there is one. sql_read_primary: reads what must be current,
 * such as a write of a moment ago. sql_write: writes. sql_report: slow analytics. */
typedef void sql_done(struct request *rq, const struct db_result *result);
void sql_run(struct request *rq, enum db_lane lane, enum query query, bool try_, sql_done *done,
	const void *params);
#define SQL_RUN(rq, lane, name, try_, done, ...) \
	sql_run((rq), (lane), QUERY_##name, (try_), (done), \
		DB_PARAMS(name __VA_OPT__(, ) __VA_ARGS__))
#define sql_read(rq, name, done, ...) \
	SQL_RUN(rq, DB_READ, name, false, done __VA_OPT__(, ) __VA_ARGS__)
#define sql_read_primary(rq, name, done, ...) \
	SQL_RUN(rq, DB_WRITE, name, false, done __VA_OPT__(, ) __VA_ARGS__)
#define sql_write(rq, name, done, ...) \
	SQL_RUN(rq, DB_WRITE, name, false, done __VA_OPT__(, ) __VA_ARGS__)
#define sql_report(rq, name, done, ...) \
	SQL_RUN(rq, DB_REPORT, name, false, done __VA_OPT__(, ) __VA_ARGS__)
#define sql_try_write(rq, name, done, ...) \
	SQL_RUN(rq, DB_WRITE, name, true, done __VA_OPT__(, ) __VA_ARGS__)

/* Cache-aside read of one key, loaded by one statement whose only parameter is the id. done gets
 * the value, E_NOT_FOUND, or an error. The statement's first column is the finished `data` (NULL or
 * no row: not found), which is put into the envelope. An optional second column is the number of
 * milliseconds for which the first is valid (NULL: until the next write); it limits the life of the
 * key and the reply's max-age. */
typedef void cache_get_done(struct request *rq, int error, const struct cache_value *value);
void cache_get_or_query(struct request *rq, const struct cache_kind *kind, const char *id,
	enum query query, cache_get_done *done);
/* Deletes a key after a write. next is called when the key is gone. */
void cache_invalidate(struct request *rq, const struct cache_kind *kind, const char *id,
	void (*next)(struct request *rq));

/* Replays the stored reply of the request's Idempotency-Key (E_IDEMPOTENCY_MISMATCH when the key
 * belongs to another request). Calls none when there is no key or no stored reply. The server does
 * this before run; a handler repeats it only when a parallel request with the same key may have
 * been served since. */
void request_replay(struct request *rq, void (*none)(struct request *rq));

/* Removes the handler's deadline. For requests that wait for events and have a time limit of their
 * own. */
void request_disable_deadline(struct request *rq);
/* Calls next after REQUEST_PAUSE_MS. For replies whose timing must not reveal what was done. */
#define REQUEST_PAUSE_MS 100
void request_pause(struct request *rq, void (*next)(struct request *rq));
/* Keeps the request alive during asynchronous work. Every hold is followed by exactly one release.
 * When request_release returns false (already answered, or the client is gone), the continuation
 * must return immediately. */
void request_hold(struct request *rq);
bool request_release(struct request *rq);

/* --- Replying --------------------------------------------------------------------------------- */

/* json: the finished `data`, kept in the arena. 200, or 201 on a .created row. */
void reply_data(struct request *rq, struct text json);
/* The same with a message in the envelope. */
void reply_data_message(
	struct request *rq, const char *english, const char *french, struct text json);
/* data: null. */
void reply_message(struct request *rq, const char *english, const char *french);
/* data: json (an array, or an object with its own pagination); meta is made from page and total. */
void reply_page(struct request *rq, struct text json, struct page page, int64_t total);
/* A finished body from the cache, with its ETag; 304 when If-None-Match matches. */
void reply_cached(struct request *rq, const struct cache_value *value);
/* A finished body as stored with an idempotency key; adds Idempotency-Replayed: true. */
void reply_replayed(struct request *rq, int status, struct text body);
/* Any other reply: status, content_type and body as given. */
void reply_bare(struct request *rq, int status, const char *content_type, struct text body);

void reply_error(struct request *rq, int error);
/* details: finished JSON text for error.details, or absent. message: NULL for the error table's. */
void reply_error_with(struct request *rq, int error, const char *message, struct text details);
/* E_VALIDATION that names one field. */
void reply_field(struct request *rq, const char *field, const char *english, const char *french);
/* Adds a header to the coming reply. */
void reply_header(struct request *rq, const char *name, const char *value);
/* The coming reply is valid until then (wall clock); limits its max-age. */
void reply_until(struct request *rq, int64_t wall_ms);
/* Retry-After of the coming reply. */
void reply_retry_after(struct request *rq, int64_t seconds);
/* The complete success body that reply_data sends for `json`, for the cache; absent when out of
 * memory. */
struct text success_body(struct arena *arena, const char *message, struct text data);

#endif
