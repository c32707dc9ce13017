/* SPDX-License-Identifier: MIT
 *
 * Reads from the cache and the meaning of Redis' answers. include/reeyo/cache/cache.h has the
 * rules.
 *
 * A lookup is one GET and the readers that joined it in the turn in which it was queued. They
 * started before it was sent, so its answer is current for all of them. Readers of later turns send
 * a new GET, because the answer to the earlier one may be older than a write that they know of. A
 * key that is not found is loaded (flight.c).
 */
#include "aside.h"

#include <stdlib.h>
#include <uthash.h>

#include "reeyo/cache/counters.h"
#include "value.h"

/* How often a reader restarts because writes void the leases, before it loads alone. */
#define ROUNDS_MAX 3

struct lookup {
	UT_hash_handle hh;
	struct cache *cache;
	uint64_t turn; /* turn in which it was queued */
	struct reads reads;
	const struct cache_kind *kind;
	bool listed;
	char key[CACHE_KEY_SIZE];
};

/* --- Keys ------------------------------------------------------------------------------------- */

void cache_key(char out[CACHE_KEY_SIZE], const struct cache_kind *kind, const char *id)
{
	struct text prefix = kind->prefix;
	size_t len = id && !kind->single ? strnlen(id, 64) : 0;

	memcpy(out, prefix.at, prefix.len);
	if (len)
		memcpy(out + prefix.len, id, len);
	out[prefix.len + len] = '\0';
}

/* --- Lookups ---------------------------------------------------------------------------------- */

static void lookup_unlist(struct lookup *lookup)
{
	if (lookup->listed)
		HASH_DEL(lookup->cache->lookups, lookup);
	lookup->listed = false;
}

/* The key holds something that we did not write: deletes it, then loads as if it were absent. */
static void lookup_discard(struct lookup *lookup)
{
	struct redis_call call = { .words = 2, .key = 1 };

	call.word[0] = TEXT("DEL");
	call.word[1] = text_of(lookup->key);
	if (redis_send(lookup->cache->redis, &call))
		return reads_load_alone(lookup->cache, lookup->key, &lookup->reads);
	flight_enter(lookup->cache, lookup->kind, lookup->key, &lookup->reads, TEXT_NONE);
}

/* Readers that keep the value share one copy of it. */
static void lookup_answer(struct lookup *lookup, const struct cache_value *value)
{
	struct cache_bytes *shared = NULL;
	struct cache_value offered = *value;

	offered.shared = &shared;
	reads_answer(lookup->cache, &lookup->reads, 0, &offered, COUNT_CACHE_HITS);
	cache_bytes_drop(shared);
}

static void lookup_found(struct lookup *lookup, const redisReply *reply)
{
	struct text wire = { reply->str, reply->len };
	struct cache_value value;

	switch (stored_parse(wire, &value)) {
	case HELD_VALUE:
		return lookup_answer(lookup, &value);
	case HELD_LEASE:
		return flight_enter(lookup->cache, lookup->kind, lookup->key, &lookup->reads, wire);
	default:
		return lookup_discard(lookup);
	}
}

static void lookup_replied(void *owner, int error, const redisReply *reply)
{
	struct lookup *lookup = owner;

	lookup_unlist(lookup);
	if (!error && reply->type == REDIS_REPLY_NIL)
		flight_enter(lookup->cache, lookup->kind, lookup->key, &lookup->reads, TEXT_NONE);
	else if (!error && reply->type == REDIS_REPLY_STRING)
		lookup_found(lookup, reply);
	else if (reply && reply->type == REDIS_REPLY_ERROR &&
		strncmp(reply->str, "WRONGTYPE", 9) == 0)
		lookup_discard(lookup);
	else
		reads_load_alone(lookup->cache, lookup->key, &lookup->reads);
	free(lookup);
}

static struct lookup *lookup_new(
	struct cache *cache, const struct cache_kind *kind, const char *key)
{
	struct redis_call call = { .words = 2, .key = 1, .done = lookup_replied };
	struct lookup *lookup = calloc(1, sizeof(*lookup));

	if (!lookup)
		return NULL;
	lookup->cache = cache;
	lookup->kind = kind;
	lookup->turn = redis_turn(cache->redis);
	memcpy(lookup->key, key, strlen(key) + 1);
	call.owner = lookup;
	call.word[0] = TEXT("GET");
	call.word[1] = text_of(lookup->key);
	if (redis_send(cache->redis, &call)) {
		free(lookup);
		return NULL;
	}
	HASH_ADD_STR(cache->lookups, key, lookup);
	lookup->listed = true;
	return lookup;
}

/* This turn's GET for the key, or NULL when Redis is not usable. */
static struct lookup *lookup_of_turn(
	struct cache *cache, const struct cache_kind *kind, const char *key)
{
	struct lookup *lookup;

	HASH_FIND_STR(cache->lookups, key, lookup);
	if (lookup && lookup->turn == redis_turn(cache->redis))
		return lookup;
	if (lookup)
		lookup_unlist(lookup);
	return lookup_new(cache, kind, key);
}

void cache_read_start(struct cache *cache, struct cache_read *read)
{
	struct reads alone = { 0 };
	struct lookup *lookup = NULL;
	char key[CACHE_KEY_SIZE];

	cache_key(key, read->kind, read->id);
	read->asked = cache->redis ? redis_turn(cache->redis) : 0;
	if (cache->redis && read->rounds < ROUNDS_MAX && !backlog_has(cache, read->kind, key))
		lookup = lookup_of_turn(cache, read->kind, key);
	if (lookup)
		return reads_add(&lookup->reads, read);
	reads_add(&alone, read);
	reads_load_alone(cache, key, &alone);
}

void cache_get(struct cache *cache, struct cache_read *read)
{
	read->flight = NULL;
	read->loads = false;
	read->rounds = 0;
	cache_read_start(cache, read);
}

/* --- Life ------------------------------------------------------------------------------------- */

static void cache_redis_up(void *owner)
{
	struct cache *cache = owner;

	backlog_flush(cache->backlog);
}

static int cache_connect(struct cache *cache, const struct config *config)
{
	struct redis_options options = { .up = cache_redis_up, .owner = cache };

	if (!config->redis_url[0])
		return 0;
	if (address_parse(config->redis_url, &options.address))
		return E_CONFIG;
	options.timeout_ms = (uint64_t)config->redis_timeout;
	return redis_new(cache->loop, &options, &cache->redis);
}

int cache_new(struct loop *loop, const struct config *config, const struct cache_layout *layout,
	struct cache **ret)
{
	static const uint64_t poll_ms[POLLS] = { 10, 20, 40, 80 };
	struct cache *cache = calloc(1, sizeof(*cache));
	int error;

	if (!cache)
		return E_NO_MEMORY;
	cache->loop = loop;
	cache->layout = layout;
	for (int i = 0; i < POLLS; i++)
		deadline_list_init(&cache->polls[i], loop, poll_ms[i], flight_poll_due);
	error = backlog_new(cache);
	if (!error)
		error = limiter_new(cache);
	if (!error)
		error = geo_new(cache);
	if (!error)
		error = cache_connect(cache, config);
	if (error) {
		cache_close(cache);
		return error;
	}
	*ret = cache;
	return 0;
}

void cache_close(struct cache *cache)
{
	if (!cache)
		return;
	cache->closed = true;
	redis_close(cache->redis);
	geo_close(cache);
	flights_close(cache);
	limiter_close(cache->limiter);
	backlog_free(cache->backlog);
	for (int i = 0; i < POLLS; i++)
		deadline_list_close(&cache->polls[i]);
	free(cache);
}

bool cache_up(const struct cache *cache)
{
	return cache->redis && redis_all_up(cache->redis);
}
