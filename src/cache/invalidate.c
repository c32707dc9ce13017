/* SPDX-License-Identifier: MIT
 *
 * Invalidation: the DEL after a committed write, and the backlog of keys whose DEL got no answer.
 *
 * The backlog belongs to the whole process, not to a loop: while a key is in it, no loop uses what
 * Redis holds under that key, so a client that wrote through one loop cannot read the old value
 * through another. The table is the only data that loops share under a mutex; nobody takes the
 * mutex while the table is empty. Any loop whose Redis answers deletes the keys of the backlog.
 * When a process dies with keys in its backlog, or another instance reaches Redis when this one
 * does not, an old value can stay at most until its time to live ends.
 *
 * The backlog holds BACKLOG_MAX keys. When a key does not fit, no value of its kind in Redis is
 * used until the time to live of such a value has passed.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <uthash.h>

#include "aside.h"
#include "reeyo/cache/counters.h"
#include "reeyo/core/clock.h"
#include "reeyo/core/memory.h"

#define BACKLOG_MAX 65536u
#define BATCH 256
#define RETRY_MS 200

struct backlog_entry {
	UT_hash_handle hh;
	uint64_t serial; /* of the last failed DEL */
	char key[CACHE_KEY_SIZE];
};

static struct {
	pthread_mutex_t lock;
	struct backlog_entry *keys;
	uint64_t serial;
	uint64_t distrust_until_ms[CACHE_KINDS_MAX]; /* by row of the layout; 0: trusted */
	unsigned distrusted;
} all = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Keys in the table plus distrusted kinds; read without the lock. */
static atomic_uint backlog_size;

struct backlog_key {
	struct backlog *backlog;
	uint64_t serial;
	char key[CACHE_KEY_SIZE];
};

struct backlog {
	struct cache *cache;
	struct deadline_list retries;
	struct deadline retry;
	unsigned outstanding, deleted;
	struct backlog_key batch[BATCH];
};

/* --- The table -------------------------------------------------------------------------------- */

static struct backlog_entry *backlog_entry_new(const char *key)
{
	bool full = HASH_COUNT(all.keys) >= BACKLOG_MAX;
	struct backlog_entry *entry = full ? NULL : calloc(1, sizeof(*entry));

	if (!entry)
		return NULL;
	memcpy(entry->key, key, strlen(key) + 1);
	HASH_ADD_STR(all.keys, key, entry);
	return entry;
}

static void backlog_count(void)
{
	atomic_store(&backlog_size, HASH_COUNT(all.keys) + all.distrusted);
}

static uint64_t *kind_distrust_until(const struct cache *cache, const struct cache_kind *kind)
{
	return &all.distrust_until_ms[kind - cache->layout->kinds];
}

static void kind_distrust(const struct cache *cache, const struct cache_kind *kind)
{
	uint64_t *until_ms = kind_distrust_until(cache, kind);

	all.distrusted += *until_ms == 0;
	*until_ms = clock_ms() + kind->ttl_s * 1000ull;
}

static bool kind_distrusted(const struct cache *cache, const struct cache_kind *kind)
{
	uint64_t *until_ms = kind_distrust_until(cache, kind);

	if (*until_ms && clock_ms() >= *until_ms) {
		*until_ms = 0;
		all.distrusted--;
		backlog_count();
	}
	return *until_ms != 0;
}

static void backlog_add(struct cache *cache, const struct cache_kind *kind, const char *key)
{
	struct backlog_entry *entry;

	pthread_mutex_lock(&all.lock);
	HASH_FIND_STR(all.keys, key, entry);
	if (!entry && (entry = backlog_entry_new(key)))
		count_one(loop_counters(cache->loop), COUNT_CACHE_DROPS_WAITING);
	if (entry)
		entry->serial = ++all.serial;
	else
		kind_distrust(cache, kind);
	backlog_count();
	pthread_mutex_unlock(&all.lock);
	if (!deadline_runs(&cache->backlog->retry))
		deadline_start(&cache->backlog->retries, &cache->backlog->retry);
}

/* The key is deleted; it stays in the table when another DEL of it has failed in the meantime. */
static void backlog_remove(struct cache *cache, const char *key, uint64_t serial)
{
	struct backlog_entry *entry;

	pthread_mutex_lock(&all.lock);
	HASH_FIND_STR(all.keys, key, entry);
	if (entry && entry->serial == serial) {
		HASH_DEL(all.keys, entry);
		free(entry);
		count_add(loop_counters(cache->loop), COUNT_CACHE_DROPS_WAITING, -1);
	}
	backlog_count();
	pthread_mutex_unlock(&all.lock);
}

bool backlog_has(const struct cache *cache, const struct cache_kind *kind, const char *key)
{
	struct backlog_entry *entry;
	bool has;

	if (!atomic_load_explicit(&backlog_size, memory_order_acquire))
		return false;
	pthread_mutex_lock(&all.lock);
	HASH_FIND_STR(all.keys, key, entry);
	has = kind_distrusted(cache, kind) || entry;
	pthread_mutex_unlock(&all.lock);
	return has;
}

/* --- Flushing the backlog --------------------------------------------------------------------- */

static unsigned backlog_batch_take(struct backlog *backlog)
{
	unsigned count = 0;

	pthread_mutex_lock(&all.lock);
	for (struct backlog_entry *at = all.keys; at && count < BATCH; at = at->hh.next) {
		struct backlog_key *one = &backlog->batch[count++];

		one->backlog = backlog;
		one->serial = at->serial;
		memcpy(one->key, at->key, sizeof(one->key));
	}
	pthread_mutex_unlock(&all.lock);
	return count;
}

static void backlog_batch_end(struct backlog *backlog)
{
	if (backlog->cache->closed || !atomic_load(&backlog_size))
		return;
	if (backlog->deleted)
		backlog_flush(backlog);
	else if (!deadline_runs(&backlog->retry))
		deadline_start(&backlog->retries, &backlog->retry);
}

static void backlog_key_deleted(void *owner, int error, const redisReply *reply)
{
	struct backlog_key *one = owner;
	struct backlog *backlog = one->backlog;

	(void)reply;
	if (!error)
		backlog_remove(backlog->cache, one->key, one->serial);
	if (!error)
		backlog->deleted++;
	if (--backlog->outstanding == 0)
		backlog_batch_end(backlog);
}

static int del_send(struct cache *cache, const char *key, redis_done *done, void *owner)
{
	struct redis_call call = { .words = 2, .key = 1, .done = done, .owner = owner };

	call.word[0] = TEXT("DEL");
	call.word[1] = text_of(key);
	return redis_send(cache->redis, &call);
}

void backlog_flush(struct backlog *backlog)
{
	unsigned count;

	if (backlog->outstanding || backlog->cache->closed || !backlog->cache->redis)
		return;
	deadline_stop(&backlog->retry);
	backlog->deleted = 0;
	count = atomic_load(&backlog_size) ? backlog_batch_take(backlog) : 0;
	for (unsigned i = 0; i < count; i++)
		if (del_send(backlog->cache, backlog->batch[i].key, backlog_key_deleted,
			    &backlog->batch[i]) == 0)
			backlog->outstanding++;
	if (count && !backlog->outstanding)
		deadline_start(&backlog->retries, &backlog->retry);
}

static void backlog_retry_due(struct deadline *deadline)
{
	backlog_flush(CONTAINER_OF(deadline, struct backlog, retry));
}

int backlog_new(struct cache *cache)
{
	struct backlog *backlog = calloc(1, sizeof(*backlog));

	if (!backlog)
		return E_NO_MEMORY;
	backlog->cache = cache;
	deadline_list_init(&backlog->retries, cache->loop, RETRY_MS, backlog_retry_due);
	cache->backlog = backlog;
	return 0;
}

void backlog_free(struct backlog *backlog)
{
	if (!backlog)
		return;
	deadline_list_close(&backlog->retries);
	free(backlog);
}

/* --- Invalidation ----------------------------------------------------------------------------- */

struct invalidation {
	struct cache *cache;
	void (*done)(void *);
	void *arg;
	const struct cache_kind *kind;
	char key[CACHE_KEY_SIZE];
};

static void key_deleted(void *owner, int error, const redisReply *reply)
{
	struct invalidation *invalidation = owner;

	(void)reply;
	if (error)
		backlog_add(invalidation->cache, invalidation->kind, invalidation->key);
	if (invalidation->done)
		invalidation->done(invalidation->arg);
	free(invalidation);
}

void cache_key_invalidate(struct cache *cache, const struct cache_kind *kind, const char *id,
	void (*done)(void *), void *arg)
{
	char key[CACHE_KEY_SIZE] = "";
	struct invalidation *invalidation;

	count_one(loop_counters(cache->loop), COUNT_CACHE_DROPS);
	cache_key(key, kind, id);
	invalidation = cache->redis ? calloc(1, sizeof(*invalidation)) : NULL;
	if (invalidation) {
		*invalidation = (struct invalidation){
			.cache = cache, .done = done, .arg = arg, .kind = kind
		};
		memcpy(invalidation->key, key, sizeof(key));
		if (del_send(cache, key, key_deleted, invalidation) == 0)
			return;
		free(invalidation);
	}
	if (cache->redis)
		backlog_add(cache, kind, key);
	if (done)
		done(arg);
}
