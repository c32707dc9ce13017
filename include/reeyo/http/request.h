/* SPDX-License-Identifier: MIT
 *
 * A request as a handler sees it. It lives from the last header byte to the last answered byte, in
 * an arena of its own. A handler replies exactly once, at once or in a later continuation; it
 * never blocks, and touches nothing of the request after replying. Loop thread only.
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
#include "reeyo/loop/app.h"
#include "reeyo/http/route.h"

/* Who calls, from a verified token. Empty (role WHO_UNSET) on public routes. */
struct caller {
	enum who role;                 /* CUSTOMER, VENDOR_ACCOUNT, RIDER_ACCOUNT, ADMIN or
	                                * SUPER_ADMIN */
	char id[ID_SIZE];
	char session[ID_SIZE];
	int64_t issued_s, expires_s;
	int64_t issued_ms;             /* by the database's clock: what cut-offs are compared
	                                * with */
};

struct rider_facts; /* auth */

struct request {
	struct app *app;
	struct arena *arena;
	const struct route *route;
	enum name_space ns;
	enum method method;
	const char *request_id;
	struct trace trace;               /* as the caller named it; without an id: it named none */
	struct text path;
	const char *params[ROUTE_PARAMS]; /* decoded, NUL-terminated, valid as FIELD_ID */
	json_t *query;                    /* checked against .query; never NULL in run */
	json_t *body;                     /* checked against .body; {} when there was none */
	struct caller caller;
	json_t *account;                  /* CUSTOMER_VERIFIED: the account's profile (as
	                                   * auth/me) */
	const struct rider_facts *rider;  /* RIDER_READY: what is known of the rider
	                                   * (auth/admit.h) */
	const char *idempotency_key;      /* NULL: none */
	char fingerprint[65];             /* hex SHA-256 of route, parameters and what the body
	                                   * says; set with a key */
	bool french;
	void *state;                      /* the handler's own, between its continuations */
};

/* --- Reading ---------------------------------------------------------------------------------- */

/* Members of a checked body or query: NULL / fallback when absent. Texts live as long as the
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
/* True when the request has an Origin header and allowed_origins lists it by name. `*` never does:
 * what a browser sends along by itself (cookies) counts only from a listed origin. */
bool request_origin_listed(struct request *rq);
/* The body as it came; of a GET its query, as sent. Lives as long as the request; absent when there
 * is none. */
struct text request_raw(struct request *rq);
/* The address of the client, as text (X-Forwarded-For only from trusted proxies). */
const char *request_address(struct request *rq);
/* Arena copies for SQL parameters: decimal text of a number, "t"/"f". NULL only when memory is
 * out. */
const char *arg_int(struct request *rq, int64_t value);
const char *arg_double(struct request *rq, double value);
/* A clearable member of the body for the SQL function changed(): NULL when it is not named, "" when
 * it is null. */
const char *arg_change(struct request *rq, const char *name);
/* A fresh id in the arena. NULL only when memory is out. */
const char *request_id_new(struct request *rq, const char *prefix);
/* A PostgreSQL array of the body's list `name`, of ids or of words without quotes, commas and
 * braces; "{}" when it is empty. NULL also without the list. */
const char *arg_array(struct request *rq, const char *name);

/* Page and limit of a list: page ≥ 1, limit 1…100, larger clamps. */
struct page {
	int64_t page, limit, offset;
};
extern const struct field page_fields[]; /* page, limit: for a .query of nothing else */
#define PAGE_FIELDS \
	{ "page", FIELD_INT, .min = 1, .max = 1000000, .does = "Page, from 1" }, \
	{ "limit", FIELD_INT, .min = 1, .max = 1000000000, .does = "Rows a page, at most 100" }
struct page request_page(struct request *rq, int64_t fallback_limit);

/* --- Waiting ---------------------------------------------------------------------------------- */

/* Runs a named statement; params are NUL-terminated texts that live as long as the request. done is
 * called only on success; any error is answered with its code. sql_try calls done also on errors
 * (db_error(result) tells). After the request's own deadline has answered, done is not called any
 * more. */
typedef void sql_done(struct request *rq, const struct db_result *result);
void sql_run(struct request *rq, enum db_lane lane, enum query query, bool try_, sql_done *done,
	unsigned count, const char *const *params);
#define SQL_(rq, lane, name, try_, done, ...) \
	sql_run((rq), (lane), QUERY_##name, (try_), (done), \
		sizeof((const char *[]){ NULL __VA_OPT__(,) __VA_ARGS__ }) / sizeof(char *) - 1, \
		(const char *[]){ __VA_ARGS__ __VA_OPT__(,) NULL })
#define sql_read(rq, name, done, ...) SQL_(rq, DB_READ, name, false, done, __VA_ARGS__)
#define sql_write(rq, name, done, ...) SQL_(rq, DB_WRITE, name, false, done, __VA_ARGS__)
#define sql_report(rq, name, done, ...) SQL_(rq, DB_REPORT, name, false, done, __VA_ARGS__)
#define sql_try_read(rq, name, done, ...) SQL_(rq, DB_READ, name, true, done, __VA_ARGS__)
#define sql_try_write(rq, name, done, ...) SQL_(rq, DB_WRITE, name, true, done, __VA_ARGS__)

/* Cache-aside read of one key. load starts the statement and ends in cached_load / cached_missing /
 * cached_fail, exactly once; done gets the value, E_NOT_FOUND, or an error. */
typedef void cached_done(struct request *rq, int error, const struct cache_value *value);
void cached(struct request *rq, enum cache_kind kind, const char *id,
	void (*load)(struct request *rq, struct cache_read *read), cached_done *done);
/* Loads through one statement whose first column is the finished `data` (NULL or no row: not
 * found): puts the envelope around it. A second column, when there is one, says for how many
 * milliseconds the first holds (NULL: until it is written); neither the key nor the answer's
 * max-age outlasts that. The usual load. */
void cached_by_sql(struct request *rq, enum cache_kind kind, const char *id, enum query query,
	cached_done *done);
/* Drops a key after a write, then goes on: next is called once the key is gone. */
void uncached(struct request *rq, enum cache_kind kind, const char *id,
	void (*next)(struct request *rq));

/* Answers what was answered to the request's Idempotency-Key before (E_IDEMPOTENCY_MISMATCH when
 * that was another request); without a key, or when nothing was, goes on with none. This has been
 * done before run: a handler asks again only when the same request may have been served since. */
void request_replay(struct request *rq, void (*none)(struct request *rq));

/* Lifts the time limit of the handler, who answers within some limit of his own: for a request that
 * waits for news. */
void request_unhurried(struct request *rq);
/* Goes on with next after REQUEST_PAUSE_MS: for an answer whose time must not tell what is being
 * done for it. */
#define REQUEST_PAUSE_MS 100
void request_pause(struct request *rq, void (*next)(struct request *rq));
/* Keeps the request alive while something else works for it. Every hold is followed by exactly one
 * release; the continuation must return at once when request_release says false (already answered,
 * or gone). */
void request_hold(struct request *rq);
bool request_release(struct request *rq);

/* --- Replying --------------------------------------------------------------------------------- */

/* json: the `data`, finished JSON text; copied or kept in the arena. 200, or 201 on a .created
 * row. */
void reply_data(struct request *rq, struct text json);
/* The same with a message in the envelope. */
void reply_data_message(struct request *rq, const char *english, const char *french,
	struct text json);
/* data: null. */
void reply_message(struct request *rq, const char *english, const char *french);
/* data: json (an array or an object that nests its own pagination), meta from page and total. */
void reply_page(struct request *rq, struct text json, struct page page, int64_t total);
/* A finished body from the cache, with its ETag; 304 when If-None-Match names it. */
void reply_cached(struct request *rq, const struct cache_value *value);
/* A finished body as stored with an idempotency key: Idempotency-Replayed: true. */
void reply_replayed(struct request *rq, int status, struct text body);
/* Anything else: content_type and body as they are. */
void reply_bare(struct request *rq, int status, const char *content_type, struct text body);

void reply_error(struct request *rq, int error);
/* details: finished JSON text for error.details, or absent. message: NULL takes the table's. */
void reply_error_with(struct request *rq, int error, const char *message, struct text details);
/* E_VALIDATION that names one field. */
void reply_field(struct request *rq, const char *field, const char *english, const char *french);
/* Adds a header to the coming reply. */
void reply_header(struct request *rq, const char *name, const char *value);
/* What the coming reply says holds until then, of the wall clock: no max-age goes further. */
void reply_until(struct request *rq, int64_t wall_ms);
/* Retry-After of the coming reply. */
void reply_retry_after(struct request *rq, int64_t seconds);
/* The complete success body that reply_data would send for `json` (for idempotency records and the
 * cache); absent when memory is out. */
struct text envelope(struct arena *arena, const char *message, struct text json);

#endif
