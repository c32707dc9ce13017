/* SPDX-License-Identifier: MIT
 *
 * Waits of a request for PostgreSQL and Redis. Each wait holds the request, ends in one completion,
 * and continues only if the request has not been answered yet.
 */
#include "exchange.h"

/* --- Statements ------------------------------------------------------------------------------- */

struct sql_wait {
	struct db_call call;
	struct request *rq;
	sql_done *done;
	bool try_;
};

static void sql_completed(struct db_call *call, const struct db_result *result)
{
	struct sql_wait *wait = CONTAINER_OF(call, struct sql_wait, call);
	struct request *rq = wait->rq;

	if (!request_release(rq))
		return;
	if (db_error(result) && !wait->try_)
		return reply_error(rq, db_error(result));
	wait->done(rq, result);
}

static struct sql_wait *sql_wait_new(
	struct request *rq, enum db_lane lane, bool try_, sql_done *done)
{
	struct sql_wait *wait = arena_alloc(rq->arena, sizeof(*wait));

	if (!wait) {
		reply_error(rq, E_NO_MEMORY);
		return NULL;
	}
	wait->rq = rq;
	wait->done = done;
	wait->try_ = try_;
	wait->call.lane = lane;
	wait->call.affinity = lane == DB_WRITE ? db_affinity(rq->caller.id) : 0;
	wait->call.done = sql_completed;
	wait->call.owner = rq;
	wait->call.memory = NULL;
	wait->call.next = NULL;
	return wait;
}

static void sql_send(struct sql_wait *wait)
{
	request_hold(wait->rq);
	db_submit(wait->rq->app->db, &wait->call);
}

void sql_run(struct request *rq, enum db_lane lane, enum query query, bool try_, sql_done *done,
	const void *params)
{
	struct sql_wait *wait = sql_wait_new(rq, lane, try_, done);
	int error = wait ? db_fill(&wait->call, rq->arena, query, params) : 0;

	if (error)
		return reply_error(rq, error);
	if (wait)
		sql_send(wait);
}

/* --- Cached values ---------------------------------------------------------------------------- */

struct cache_wait {
	struct cache_read read;
	struct db_call call; /* of cache_get_or_query */
	struct request *rq;
	cache_get_done *done;
	enum query query;
	int64_t asked_ms; /* when the statement was sent, of the wall clock */
};

static void cached_completed(struct cache_read *read, int error, const struct cache_value *value)
{
	struct cache_wait *wait = CONTAINER_OF(read, struct cache_wait, read);

	if (request_release(wait->rq))
		wait->done(wait->rq, error, value);
}

/* The end of the row's validity. Column 1, if there is one, is a number of milliseconds from the
 * start of the statement, which began after asked_ms; so the result is never too late. */
static int64_t cached_row_until(const struct cache_wait *wait, const struct db_result *result)
{
	return db_columns(result) > 1 && !db_is_null(result, 0, 1)
		? wait->asked_ms + db_int(result, 0, 1)
		: 0;
}

/* A load serves all readers that share it, so it completes even when its own request has been
 * answered. */
static void cached_row_loaded(struct db_call *call, const struct db_result *result)
{
	struct cache_wait *wait = CONTAINER_OF(call, struct cache_wait, call);
	struct request *rq = wait->rq;
	struct text body;

	if (db_error(result)) {
		cache_failed(&wait->read, db_error(result));
	} else if (db_rows(result) == 0 || db_is_null(result, 0, 0)) {
		cache_missing(&wait->read);
	} else {
		body = success_body(rq->arena, NULL, db_text(result, 0, 0));
		if (body.at)
			cache_loaded_until(&wait->read, body, cached_row_until(wait, result));
		else
			cache_failed(&wait->read, E_NO_MEMORY);
	}
	request_release(rq);
}

static void cached_row_load(struct cache_read *read)
{
	struct cache_wait *wait = CONTAINER_OF(read, struct cache_wait, read);
	struct request *rq = wait->rq;

	memset(&wait->call, 0, sizeof(wait->call));
	wait->call.query = wait->query;
	/* Never from a replica, which may lag: a key that is filled after an invalidation must
	 * contain what was committed before it. */
	wait->call.lane = rq->app->config->replica_url[0] ? DB_WRITE : DB_READ;
	wait->call.count = read->id[0] ? 1 : 0;
	wait->call.params[0] = read->id;
	wait->call.done = cached_row_loaded;
	wait->call.owner = rq;
	wait->asked_ms = clock_wall_ms();
	request_hold(rq);
	db_submit(rq->app->db, &wait->call);
}

static struct cache_wait *cache_wait_new(
	struct request *rq, const struct cache_kind *kind, const char *id, cache_get_done *done)
{
	struct cache_wait *wait = ARENA_NEW(rq->arena, struct cache_wait);

	if (!wait) {
		reply_error(rq, E_NO_MEMORY);
		return NULL;
	}
	wait->rq = rq;
	wait->done = done;
	wait->read.kind = kind;
	if (id)
		memcpy(wait->read.id, id, strnlen(id, sizeof(wait->read.id) - 1));
	wait->read.load = cached_row_load;
	wait->read.done = cached_completed;
	wait->read.owner = rq;
	return wait;
}

void cache_get_or_query(struct request *rq, const struct cache_kind *kind, const char *id,
	enum query query, cache_get_done *done)
{
	struct cache_wait *wait = cache_wait_new(rq, kind, id, done);

	if (!wait)
		return;
	wait->query = query;
	request_hold(rq);
	cache_get(rq->app->cache, &wait->read);
}

struct invalidate_wait {
	struct request *rq;
	void (*next)(struct request *rq);
};

static void invalidate_completed(void *arg)
{
	struct invalidate_wait *wait = arg;

	if (request_release(wait->rq))
		wait->next(wait->rq);
}

void cache_invalidate(struct request *rq, const struct cache_kind *kind, const char *id,
	void (*next)(struct request *rq))
{
	struct invalidate_wait *wait = ARENA_NEW(rq->arena, struct invalidate_wait);

	if (!wait) {
		cache_key_invalidate(rq->app->cache, kind, id, NULL, NULL);
		return next(rq);
	}
	wait->rq = rq;
	wait->next = next;
	request_hold(rq);
	cache_key_invalidate(rq->app->cache, kind, id, invalidate_completed, wait);
}
