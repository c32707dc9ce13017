/* SPDX-License-Identifier: MIT
 *
 * PostgreSQL as a loop sees it: named statements go out on pipelined connections ("lanes") and
 * return as rows, in a callback on the same loop. Nothing here blocks.
 *
 * Lanes: DB_READ (the replica when one is configured and up, else the primary), DB_WRITE (primary),
 * DB_REPORT (slow analytics, one statement at a time with its own time-out). Each write is a
 * transaction of its own; reads share one in small groups, each seeing what was committed when it
 * began. Every submitted call completes exactly once: with rows, with an error of the statement, or
 * with the loss of the connection. After a loss a read is tried once more on another lane; a write
 * completes with E_STORE_DOWN (it may or may not have been committed; an Idempotency-Key makes it
 * safe to repeat).
 */
#ifndef REEYO_DB_DB_H
#define REEYO_DB_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reeyo/core/config.h"
#include "reeyo/core/text.h"
#include "reeyo/db/params.h"
#include "reeyo/db/queries.h" /* generated from sql/queries: enum query { QUERY_order_get, … } */
#include "reeyo/db/record.h"
#include "reeyo/loop/loop.h"

struct arena;
struct db;
struct db_result;

enum db_lane { DB_READ, DB_WRITE, DB_REPORT, DB_LANES };

/* One call of a statement. It must stay alive until done is called. */
#define DB_MAX_PARAMS 48
struct db_call {
	enum query query;
	enum db_lane lane;
	unsigned count;                    /* of params */
	const char *params[DB_MAX_PARAMS]; /* text form, NUL-terminated; NULL is SQL NULL */
	uint32_t affinity; /* calls with the same value (hash of an account id) use one
			    * lane while any is in flight, so that a busy account's
			    * locks delay only its own lane; 0: any lane */
	void (*done)(struct db_call *call, const struct db_result *result);
	void *owner; /* the caller's */
	/* private to db, set by db_fill and db_submit */
	void *memory; /* of numbers and arrays among params, freed after done; NULL: none */
	struct db_call *next;
	uint64_t sent_us;
	unsigned tries;
	int refused;                /* error of a call that was never sent */
	struct affinity_slot *slot; /* held while in flight; NULL: none */
};

/* Connects all lanes in the background. The options come from config (database_url, replica_url,
 * db_*). All loops of a process together open at most 50 connections: with `loops` 0 (one per core)
 * each loop gets fewer lanes, so that they fit. Returns 0 or E_NO_MEMORY, E_CONFIG (unusable
 * connection string, more than 50 connections asked for; logged). Loop thread or before run. */
int db_new(struct loop *loop, const struct config *config, struct db **ret) MUST_CHECK;
/* Completes what is in flight with E_STORE_DOWN, closes the connections and runs the loop until
 * their handles are gone. Not from inside a callback. NULL is allowed. */
void db_close(struct db *db);

/* Sets query, count and params of a call from the struct of the statement's parameters (see
 * reeyo/db/params.h), NULL when it takes none. What it needs for numbers and arrays is allocated in
 * the arena; without one it belongs to the call and is freed when the call is completed, so that a
 * filled call must be submitted. Returns 0, E_NO_MEMORY, or E_INTERNAL (the statement takes
 * parameters; logged). */
int db_fill(
	struct db_call *call, struct arena *arena, enum query query, const void *params) MUST_CHECK;
/* A statement's parameters, checked to be a pointer to its struct; without any: NULL. */
#define DB_PARAMS(name, ...) \
	(__VA_OPT__(1 ? (const void *)(1 ? (__VA_ARGS__) : (const struct name *)NULL) :)( \
		const void *) NULL)
/* Fills and submits a call whose lane, done and owner are set:
 *     db_run(db, &job->call, payments_take, &(struct payments_take){ .limit = 25 });
 * A call that cannot be filled is completed with that error, like any other. */
#define db_run(db, call, name, ...) \
	db_run_query((db), (call), QUERY_##name, DB_PARAMS(name __VA_OPT__(, ) __VA_ARGS__))
void db_run_query(struct db *db, struct db_call *call, enum query query, const void *params);

/* Queues a call. Always completes it exactly once, never before returning: with E_BUSY when every
 * lane of its kind is full (or its owner's lane is), E_STORE_DOWN when none is connected. While no
 * read lane is up, reads go to the write lanes; reports never do, they would hold up writes. */
void db_submit(struct db *db, struct db_call *call);

/* The affinity of the calls of an account; 0 (any lane) for NULL or "". */
uint32_t db_affinity(const char *account_id);

/* True when at least one write lane is up, and a read lane or its replacement (the write lanes,
 * when the replica is down). */
bool db_ready(const struct db *db);
/* The same, as of the last time a lane of this loop came up or was lost. Any thread. */
bool db_serves(const struct db *db);
/* Calls ready(arg) once, when db_ready becomes true (immediately if it is true). */
void db_on_ready(struct db *db, void (*ready)(void *arg), void *arg);

/* --- Results: valid only inside done ---------------------------------------------------------- */

/* 0, or the error: E_CONFLICT_ROW (unique violation), E_LOCK_TIMEOUT, E_TIMED_OUT,
 * E_STORE_DOWN, E_BUSY, E_INTERNAL (logged here), or an error that the statement raised itself:
 * fail('WALLET_SHORT') in SQL (SQLSTATE RY000, message = name of an enum err) gives E_WALLET_SHORT.
 */
int db_error(const struct db_result *result);
/* The name of the violated constraint, or the detail that the statement passed to fail(); "" when
 * there is neither. */
const char *db_error_detail(const struct db_result *result);
unsigned db_rows(const struct db_result *result);
unsigned db_columns(const struct db_result *result);
bool db_is_null(const struct db_result *result, unsigned row, unsigned column);
/* NULL column gives an absent text / 0 / false. The text lives as long as the result. The functions
 * read both forms, text and binary (typed columns; db_text: of a column of type text or json); see
 * reeyo/db/record.h for columns that are records. */
struct text db_text(const struct db_result *result, unsigned row, unsigned column);
int64_t db_int(const struct db_result *result, unsigned row, unsigned column);
double db_double(const struct db_result *result, unsigned row, unsigned column);
bool db_bool(const struct db_result *result, unsigned row, unsigned column);

/* --- Blocking, for the command line only (migrate, demo, check): never on a loop -------------- */

struct db_session;
/* 0, E_STORE_DOWN (the reason is logged), E_NO_MEMORY. */
int db_session_open(const char *url, struct db_session **ret) MUST_CHECK;
void db_session_close(struct db_session *session);
/* Runs one or more statements without parameters; 0 or an error as above (logged). */
int db_session_run(struct db_session *session, const char *sql) MUST_CHECK;
/* The first column of the first row into out ("" when there is none); 0 or an error (logged). */
int db_session_value(
	struct db_session *session, const char *sql, char *out, size_t size) MUST_CHECK;
/* Each row, as text (NULL for SQL NULL), to row(arg, n, values). params: count of NUL-terminated
 * texts. */
int db_session_each(struct db_session *session, const char *sql, unsigned count,
	const char *const *params, void (*row)(void *arg, int n, char *const *values),
	void *arg) MUST_CHECK;
/* The same with a named statement; params: as for db_fill. */
int db_session_query(struct db_session *session, enum query query, const void *params,
	void (*row)(void *arg, int n, char *const *values), void *arg) MUST_CHECK;
#define db_session_call(session, name, row, arg, ...) \
	db_session_query( \
		(session), QUERY_##name, DB_PARAMS(name __VA_OPT__(, ) __VA_ARGS__), (row), (arg))

#endif
