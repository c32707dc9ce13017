/* SPDX-License-Identifier: MIT
 *
 * Cache-aside over Redis, for finished response bodies.
 *
 * The caller of cache_new defines the kinds of keys and their times to live. A key holds either a
 * value or, for at most LEASE_MS, the lease of the one loader that fills it: `GET` finds nothing →
 * `SET key lease NX GET PX` → load → store the value only if the key still holds that lease. A
 * write deletes the key, and with it the lease, so a slow reader cannot store a value that it read
 * before the write.
 *
 * Readers may share a load when its statement began after they started to read, or when its lease
 * stood until the value was stored (no write was acknowledged in between). Other readers wait for
 * the next load.
 *
 * When Redis is absent, slow (redis_timeout) or answers with an error, the read is a miss, never an
 * error. After BREAKER_FAILURES failures in a row a circuit breaker stops sending commands for a
 * while. Keys that could not be deleted go to a bounded backlog and are deleted when Redis is back;
 * until then no loop of this process uses what Redis holds under them. A load must read committed
 * data from the primary: a value from a replica that lags would stay in the cache.
 *
 * Threads: call all functions on the owning loop's thread only.
 */
#ifndef REEYO_CACHE_CACHE_H
#define REEYO_CACHE_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "reeyo/core/config.h"
#include "reeyo/core/text.h"
#include "reeyo/loop/loop.h"

struct cache;

/* A kind of key. Rows live in a constant table of the caller. */
struct cache_kind {
	struct text prefix; /* "user:" */
	unsigned ttl_s;     /* time to live of a value */
	bool single;        /* the prefix is the whole key; there is no id */
};

#define CACHE_KINDS_MAX 16
/* What the product stores. It must stay valid as long as the process. */
struct cache_layout {
	const struct cache_kind *kinds;
	unsigned count;           /* at most CACHE_KINDS_MAX */
	struct text positions;    /* key of the GEO set of geo.h */
	int64_t position_ttl_ms;  /* a rider can be found for this long after the last point */
	int64_t point_max_age_ms; /* maximum age of a point on arrival */
};

#define CACHE_KEY_SIZE 96
/* Writes the key, such as "menu:vendor_123", into out; id is ignored for a single key. An id longer
 * than 64 bytes is truncated (no such id exists; routes refuse it earlier). */
void cache_key(char out[CACHE_KEY_SIZE], const struct cache_kind *kind, const char *id);

/* A finished body: the JSON as sent, its strong ETag (with quotes) and the same gzipped. */
struct cache_value {
	struct text plain;
	struct text gzip;            /* absent when not worth it */
	char etag[24];               /* "\"0123456789abcdef\"" */
	int64_t until_ms;            /* wall clock time when the content expires; 0: no such time */
	struct cache_bytes **shared; /* the copy that its readers share; NULL: they share none */
};

/* The bytes of a value, kept by the readers of one reply of Redis. */
struct cache_bytes;
/* Keeps the value beyond the call of done: *ret is the same value, valid until cache_bytes_drop.
 * All readers of one reply get the same copy. NULL when out of memory, or when they share none. */
struct cache_bytes *cache_value_keep(const struct cache_value *value, struct cache_value *ret);
/* NULL is allowed. */
void cache_bytes_drop(struct cache_bytes *bytes);

/* Makes a value for a body that is sent unchanged many times, with its ETag and its gzipped form.
 * The caller frees it with free(). NULL when out of memory. Any thread. */
struct cache_value *cache_value_new(struct text plain);

/* One read. It is embedded in its owner and must stay valid until done is called. */
struct cache_read {
	const struct cache_kind *kind; /* a row of the layout */
	char id[68];
	/* Called when the value must be loaded. It starts the statement, then calls cache_loaded,
	 * cache_missing or cache_failed exactly once, now or later. At most one load per key runs
	 * in this loop for readers that may share it. */
	void (*load)(struct cache_read *read);
	/* error 0: value is valid during this call only. E_NOT_FOUND: the load called
	 * cache_missing. Otherwise the load's error. */
	void (*done)(struct cache_read *read, int error, const struct cache_value *value);
	void *owner;
	/* private to cache */
	struct cache_read *next;
	struct flight *flight;
	uint64_t asked;
	unsigned rounds;
	bool loads;
};

/* Connects in the background. With an empty redis_url every read loads. Returns 0, E_NO_MEMORY or
 * E_CONFIG. */
int cache_new(struct loop *loop, const struct config *config, const struct cache_layout *layout,
	struct cache **ret) MUST_CHECK;
/* Reads that wait for Redis end with E_DRAINING. No load may be running. The loop must run one more
 * turn, which closes the handles. */
void cache_close(struct cache *cache);

/* Starts a read. load may be called before cache_get returns. */
void cache_get(struct cache *cache, struct cache_read *read);
/* Reports the result of a load. json: the finished body (copied before the function returns). */
void cache_loaded(struct cache_read *read, struct text json);
/* Does the same for a body whose content changes at a known time: its key expires at until_ms of
 * the wall clock (0: no such time) at the latest. */
void cache_loaded_until(struct cache_read *read, struct text json, int64_t until_ms);
void cache_missing(struct cache_read *read);
void cache_failed(struct cache_read *read, int error);

/* Deletes one key after a committed write. done(arg) is called once the key is deleted or in the
 * backlog, at the latest after redis_timeout, possibly before cache_key_invalidate returns.
 * Acknowledge the write only after that. done may be NULL. */
void cache_key_invalidate(struct cache *cache, const struct cache_kind *kind, const char *id,
	void (*done)(void *), void *arg);

/* Connects, logs in and sends one PING (to the first host of a cluster). Returns 0, E_STORE_DOWN,
 * E_CONFIG or E_NO_MEMORY. Blocks for up to some seconds: for the command line only. */
int cache_check(const char *url) MUST_CHECK;

/* True while Redis is connected and answers. */
bool cache_up(const struct cache *cache);

/* --- Rate limits ------------------------------------------------------------------------------ */

struct limit_result {
	bool allowed;
	int64_t limit, remaining;
	int64_t reset_s; /* seconds until the window ends */
};
/* One use of the rate limit `name` ("login:user_…"): takes `cost` from `limit` in a fixed window
 * that starts with the first use, either the whole cost or nothing. A cost of 0 only reads; a
 * negative cost gives back. Redis counts, so all instances share one count; this process counts
 * alone while Redis is down or when `local` is set. The struct is embedded in its owner and must
 * stay valid until done, which is never called before limit_use returns. */
struct limit_use {
	char name[96];
	int64_t limit, window_ms, cost;
	bool local; /* in: count in this process only; at done: this process counted */
	void (*done)(struct limit_use *use, const struct limit_result *result);
	void *owner;
	/* private */
	struct cache *cache;
	struct limit_use *next;
	bool fits;
	int64_t counted, left_ms;
};
void limit_use(struct cache *cache, struct limit_use *use);

#endif
