/* SPDX-License-Identifier: MIT
 *
 * Cache-aside over Redis, for finished response bodies.
 *
 * Keys and lives are those of the scaling guide: `user:{id}` 3600 s, `vendor:{id}` 300 s,
 * `menu:{vendorId}` 600 s, `orders:active` 30 s. A key holds either a value or, for at most
 * LEASE_MS, the lease of the one loader that is filling it: `GET` finds nothing → `SET key lease NX
 * GET PX` → load → fill only if the key still holds that very lease. A write deletes the key, and
 * with it the lease, so a slow reader can never put back what it read before the write.
 *
 * What readers may share: a load whose statement began after they asked, or any load whose lease
 * stood until it was filled (no write was acknowledged in between). Otherwise they wait for the
 * next load.
 *
 * Redis absent, slow (redis_timeout) or wrong is a miss, never an error. After BREAKER_FAILURES
 * failures in a row a breaker stops asking for a while. Keys that could not be dropped are kept
 * (bounded) and dropped when Redis is back; until then no loop of this process believes what Redis
 * holds under them. A load must read what has been committed (the primary): a replica that lags
 * would be remembered.
 *
 * All functions: the owning loop's thread only.
 */
#ifndef REEYO_CACHE_CACHE_H
#define REEYO_CACHE_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "reeyo/core/config.h"
#include "reeyo/core/text.h"
#include "reeyo/loop/loop.h"

struct cache;

enum cache_kind { KEY_USER, KEY_VENDOR, KEY_MENU, KEY_ORDERS_ACTIVE, CACHE_KINDS };

#define CACHE_KEY_SIZE 96
/* "menu:vendor_123" into out; id is NULL for KEY_ORDERS_ACTIVE. An id longer than 64 bytes is cut
 * (no such id exists; routes refuse them before). */
void cache_key(char out[CACHE_KEY_SIZE], enum cache_kind kind, const char *id);

/* A finished body: the JSON as sent, its strong ETag (with quotes) and the same gzipped. */
struct cache_value {
	struct text plain;
	struct text gzip;      /* absent when not worth it */
	char etag[24];         /* "\"0123456789abcdef\"" */
	int64_t until_ms;      /* of the wall clock: what it says holds no longer; 0: no such end */
};

/* A body that is answered as it is, again and again, with its tag and its gzipped form beside it;
 * freed with free(). NULL when memory is out. Any thread. */
struct cache_value *cache_value_new(struct text plain);

/* One read. Embedded in its owner; must stay alive until done. */
struct cache_read {
	enum cache_kind kind;
	char id[68];
	/* Called when the value must be loaded: start the statement, then call cache_loaded or
	 * cache_missing or cache_failed exactly once (possibly later). At most one load per key is
	 * running in this loop for readers that may share it. */
	void (*load)(struct cache_read *read);
	/* error 0: value is valid for this call only. E_NOT_FOUND: the load said so. Else the
	 * load's error. */
	void (*done)(struct cache_read *read, int error, const struct cache_value *value);
	void *owner;
	/* private to cache */
	struct cache_read *next;
	struct flight *flight;
	uint64_t asked;
	unsigned rounds;
	bool loads;
};

/* Connects in the background; redis_url "" gives a cache that always loads. 0 or E_NO_MEMORY,
 * E_CONFIG. */
int cache_new(struct loop *loop, const struct config *config, struct cache **ret) MUST_CHECK;
/* Reads that wait for Redis end with E_DRAINING. No load may be running. The loop must run on for a
 * turn, so that handles are closed. */
void cache_close(struct cache *cache);

/* load may be called before cache_get returns. */
void cache_get(struct cache *cache, struct cache_read *read);
/* The load's outcome. json: the finished body (copied before returning). */
void cache_loaded(struct cache_read *read, struct text json);
/* The same of a value that says what changes by itself: its key ends with it, at until_ms of the
 * wall clock (0: no such end), if not before. */
void cache_loaded_until(struct cache_read *read, struct text json, int64_t until_ms);
void cache_missing(struct cache_read *read);
void cache_failed(struct cache_read *read, int error);

/* Drops one key after a committed write; done(arg) is called once the key is gone or remembered for
 * dropping, at the latest after redis_timeout, perhaps before cache_drop returns. Acknowledge the
 * write only then. done may be NULL. */
void cache_drop(struct cache *cache, enum cache_kind kind, const char *id, void (*done)(void *),
	void *arg);

/* Connects, logs in and pings once (of a cluster its first host). 0, E_STORE_DOWN, E_CONFIG
 * (logged), E_NO_MEMORY. Blocks up to some seconds: for the command line only. */
int cache_check(const char *url) MUST_CHECK;

/* Redis is connected and answering. */
bool cache_up(const struct cache *cache);

/* --- Rate limits ------------------------------------------------------------------------------ */

struct limit_result {
	bool allowed;
	int64_t limit, remaining;
	int64_t reset_s;     /* seconds until the window is over */
};
/* One use of `name` ("login:user_…"): takes `cost` of `limit` in a fixed window that starts with
 * the first use, all of it or nothing. 0 only looks; a negative cost gives back what was taken. In
 * Redis, so that all copies count together; counted in this process alone while Redis is down, and
 * when `here` is set. Embedded in its owner; must stay alive until done, which is never called
 * before limit_use returns. */
struct limit_use {
	char name[96];
	int64_t limit, window_ms, cost;
	bool here;           /* in: count in this process; when done: it was counted there */
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
