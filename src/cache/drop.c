/* SPDX-License-Identifier: MIT
 *
 * Drops: the DEL after a committed write, and the keys whose DEL got no answer.
 *
 * Those keys are remembered for the whole process, not per loop: while one waits, no loop believes
 * what Redis holds under it, so a client that wrote through one loop cannot read its old value
 * through another. That table is the one thing loops share under a mutex; nobody takes it while
 * nothing waits. Any loop whose Redis answers drops what waits. A process that dies with keys
 * waiting, or another copy that reaches Redis when this one does not, leaves an old value at most
 * until its life ends.
 *
 * More than WAITING_MAX keys: of the kind that did not fit nothing in Redis is believed until the
 * life of such a value has passed.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <uthash.h>

#include "aside.h"
#include "reeyo/core/clock.h"
#include "reeyo/core/memory.h"

#define WAITING_MAX 65536u
#define BATCH 256
#define RETRY_MS 200

struct waiting {
	UT_hash_handle hh;
	uint64_t serial; /* of the last drop that failed */
	char key[CACHE_KEY_SIZE];
};

static struct {
	pthread_mutex_t lock;
	struct waiting *keys;
	uint64_t serial;
	uint64_t doubt_until_ms[CACHE_KINDS]; /* 0: none */
	unsigned doubts;
} all = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Keys in the table, plus the kinds in doubt: read without the lock. */
static atomic_uint all_waiting;

struct drain_key {
	struct drain *drain;
	uint64_t serial;
	char key[CACHE_KEY_SIZE];
};

struct drain {
	struct cache *cache;
	struct deadline_list retries;
	struct deadline retry;
	unsigned outstanding, dropped;
	struct drain_key batch[BATCH];
};

/* --- The table -------------------------------------------------------------------------------- */

static struct waiting *waiting_new(const char *key)
{
	struct waiting *waiting = HASH_COUNT(all.keys) < WAITING_MAX ? calloc(1, sizeof(*waiting)) :
		NULL;

	if (!waiting)
		return NULL;
	memcpy(waiting->key, key, strlen(key) + 1);
	HASH_ADD_STR(all.keys, key, waiting);
	return waiting;
}

static void waiting_count(void)
{
	atomic_store(&all_waiting, HASH_COUNT(all.keys) + all.doubts);
}

static void doubt(enum cache_kind kind)
{
	all.doubts += all.doubt_until_ms[kind] == 0;
	all.doubt_until_ms[kind] = clock_ms() + cache_life_s(kind) * 1000ull;
}

static bool doubted(enum cache_kind kind)
{
	if (all.doubt_until_ms[kind] && clock_ms() >= all.doubt_until_ms[kind]) {
		all.doubt_until_ms[kind] = 0;
		all.doubts--;
		waiting_count();
	}
	return all.doubt_until_ms[kind] != 0;
}

static void drop_remember(struct cache *cache, enum cache_kind kind, const char *key)
{
	struct waiting *waiting;

	pthread_mutex_lock(&all.lock);
	HASH_FIND_STR(all.keys, key, waiting);
	if (!waiting && (waiting = waiting_new(key)))
		count_one(loop_counters(cache->loop), COUNT_CACHE_DROPS_WAITING);
	if (waiting)
		waiting->serial = ++all.serial;
	else
		doubt(kind);
	waiting_count();
	pthread_mutex_unlock(&all.lock);
	if (!deadline_runs(&cache->drain->retry))
		deadline_start(&cache->drain->retries, &cache->drain->retry);
}

/* Dropped, unless it was dropped in vain once more in the meantime. */
static void drop_forget(struct cache *cache, const char *key, uint64_t serial)
{
	struct waiting *waiting;

	pthread_mutex_lock(&all.lock);
	HASH_FIND_STR(all.keys, key, waiting);
	if (waiting && waiting->serial == serial) {
		HASH_DEL(all.keys, waiting);
		free(waiting);
		count_add(loop_counters(cache->loop), COUNT_CACHE_DROPS_WAITING, -1);
	}
	waiting_count();
	pthread_mutex_unlock(&all.lock);
}

bool drop_waits(enum cache_kind kind, const char *key)
{
	struct waiting *waiting;
	bool waits;

	if (!atomic_load_explicit(&all_waiting, memory_order_acquire))
		return false;
	pthread_mutex_lock(&all.lock);
	HASH_FIND_STR(all.keys, key, waiting);
	waits = doubted(kind) || waiting;
	pthread_mutex_unlock(&all.lock);
	return waits;
}

/* --- Draining --------------------------------------------------------------------------------- */

static unsigned batch_take(struct drain *drain)
{
	unsigned count = 0;

	pthread_mutex_lock(&all.lock);
	for (struct waiting *at = all.keys; at && count < BATCH; at = at->hh.next) {
		struct drain_key *one = &drain->batch[count++];

		one->drain = drain;
		one->serial = at->serial;
		memcpy(one->key, at->key, sizeof(one->key));
	}
	pthread_mutex_unlock(&all.lock);
	return count;
}

static void batch_end(struct drain *drain)
{
	if (drain->cache->closed || !atomic_load(&all_waiting))
		return;
	if (drain->dropped)
		drain_start(drain);
	else if (!deadline_runs(&drain->retry))
		deadline_start(&drain->retries, &drain->retry);
}

static void drained(void *owner, int error, const redisReply *reply)
{
	struct drain_key *one = owner;
	struct drain *drain = one->drain;

	(void)reply;
	if (!error)
		drop_forget(drain->cache, one->key, one->serial);
	if (!error)
		drain->dropped++;
	if (--drain->outstanding == 0)
		batch_end(drain);
}

static int del_send(struct cache *cache, const char *key, redis_done *done, void *owner)
{
	struct redis_call call = { .words = 2, .key = 1, .done = done, .owner = owner };

	call.word[0] = TEXT("DEL");
	call.word[1] = text_of(key);
	return redis_send(cache->redis, &call);
}

void drain_start(struct drain *drain)
{
	unsigned count;

	if (drain->outstanding || drain->cache->closed || !drain->cache->redis)
		return;
	deadline_stop(&drain->retry);
	drain->dropped = 0;
	count = atomic_load(&all_waiting) ? batch_take(drain) : 0;
	for (unsigned i = 0; i < count; i++)
		if (del_send(drain->cache, drain->batch[i].key, drained, &drain->batch[i]) == 0)
			drain->outstanding++;
	if (count && !drain->outstanding)
		deadline_start(&drain->retries, &drain->retry);
}

static void retry_due(struct deadline *deadline)
{
	drain_start(CONTAINER_OF(deadline, struct drain, retry));
}

int drain_new(struct cache *cache)
{
	struct drain *drain = calloc(1, sizeof(*drain));

	if (!drain)
		return E_NO_MEMORY;
	drain->cache = cache;
	deadline_list_init(&drain->retries, cache->loop, RETRY_MS, retry_due);
	cache->drain = drain;
	return 0;
}

void drain_free(struct drain *drain)
{
	if (!drain)
		return;
	deadline_list_close(&drain->retries);
	free(drain);
}

/* --- Drops ------------------------------------------------------------------------------------ */

struct drop {
	struct cache *cache;
	void (*done)(void *);
	void *arg;
	enum cache_kind kind;
	char key[CACHE_KEY_SIZE];
};

static void dropped(void *owner, int error, const redisReply *reply)
{
	struct drop *drop = owner;

	(void)reply;
	if (error)
		drop_remember(drop->cache, drop->kind, drop->key);
	if (drop->done)
		drop->done(drop->arg);
	free(drop);
}

void cache_drop(struct cache *cache, enum cache_kind kind, const char *id, void (*done)(void *),
	void *arg)
{
	char key[CACHE_KEY_SIZE] = "";
	struct drop *drop;

	count_one(loop_counters(cache->loop), COUNT_CACHE_DROPS);
	cache_key(key, kind, id);
	drop = cache->redis ? calloc(1, sizeof(*drop)) : NULL;
	if (drop) {
		*drop = (struct drop){ .cache = cache, .done = done, .arg = arg, .kind = kind };
		memcpy(drop->key, key, sizeof(key));
		if (del_send(cache, key, dropped, drop) == 0)
			return;
		free(drop);
	}
	if (cache->redis)
		drop_remember(cache, kind, key);
	if (done)
		done(arg);
}
