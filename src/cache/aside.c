/* SPDX-License-Identifier: MIT
 *
 * Reads of the cache: who asks Redis, and what its answers mean. See the header for the rules.
 *
 * An ask is one GET and the readers of the turn in which it was queued: they asked before it was
 * sent, so its answer is fresh for all of them. Readers of later turns ask again; the answer to an
 * earlier
 * GET may already be older than a write they know of. What is not found is loaded (flight.c).
 */
#include "aside.h"

#include <stdlib.h>
#include <uthash.h>

#include "value.h"

/* Times a reader starts over because writes keep voiding leases, before it loads for itself. */
#define ROUNDS_MAX 3

struct ask {
	UT_hash_handle hh;
	struct cache *cache;
	uint64_t turn;      /* in which it was queued */
	struct reads reads;
	enum cache_kind kind;
	bool listed;
	char key[CACHE_KEY_SIZE];
};

/* --- Keys ------------------------------------------------------------------------------------- */

static const struct key_kind {
	struct text prefix;
	unsigned life_s;
} key_kinds[CACHE_KINDS] = {
	[KEY_USER] = { TEXT("user:"), 3600 },
	[KEY_VENDOR] = { TEXT("vendor:"), 300 },
	[KEY_MENU] = { TEXT("menu:"), 600 },
	[KEY_ORDERS_ACTIVE] = { TEXT("orders:active"), 30 },
};

void cache_key(char out[CACHE_KEY_SIZE], enum cache_kind kind, const char *id)
{
	struct text prefix = key_kinds[kind].prefix;
	size_t len = id && kind != KEY_ORDERS_ACTIVE ? strnlen(id, 64) : 0;

	memcpy(out, prefix.at, prefix.len);
	if (len)
		memcpy(out + prefix.len, id, len);
	out[prefix.len + len] = '\0';
}

unsigned cache_life_s(enum cache_kind kind)
{
	return key_kinds[kind].life_s;
}

/* --- Asks ------------------------------------------------------------------------------------- */

static void ask_unlist(struct ask *ask)
{
	if (ask->listed)
		HASH_DEL(ask->cache->asks, ask);
	ask->listed = false;
}

/* Something else sits under our key: take it away, then load as if nothing had been there. */
static void foreign_removed(struct ask *ask)
{
	struct redis_call call = { .words = 2, .key = 1 };

	call.word[0] = TEXT("DEL");
	call.word[1] = text_of(ask->key);
	if (redis_send(ask->cache->redis, &call))
		return reads_load_alone(ask->cache, ask->key, &ask->reads);
	flight_enter(ask->cache, ask->kind, ask->key, &ask->reads, TEXT_NONE);
}

static void found(struct ask *ask, const redisReply *reply)
{
	struct text wire = { reply->str, reply->len };
	struct cache_value value;

	switch (value_read(wire, &value)) {
	case HELD_VALUE:
		return reads_answer(ask->cache, &ask->reads, 0, &value, COUNT_CACHE_HITS);
	case HELD_LEASE:
		return flight_enter(ask->cache, ask->kind, ask->key, &ask->reads, wire);
	default:
		return foreign_removed(ask);
	}
}

static void answered(void *owner, int error, const redisReply *reply)
{
	struct ask *ask = owner;

	ask_unlist(ask);
	if (!error && reply->type == REDIS_REPLY_NIL)
		flight_enter(ask->cache, ask->kind, ask->key, &ask->reads, TEXT_NONE);
	else if (!error && reply->type == REDIS_REPLY_STRING)
		found(ask, reply);
	else if (reply && reply->type == REDIS_REPLY_ERROR &&
		strncmp(reply->str, "WRONGTYPE", 9) == 0)
		foreign_removed(ask);
	else
		reads_load_alone(ask->cache, ask->key, &ask->reads);
	free(ask);
}

static struct ask *ask_new(struct cache *cache, enum cache_kind kind, const char *key)
{
	struct redis_call call = { .words = 2, .key = 1, .done = answered };
	struct ask *ask = calloc(1, sizeof(*ask));

	if (!ask)
		return NULL;
	ask->cache = cache;
	ask->kind = kind;
	ask->turn = redis_turn(cache->redis);
	memcpy(ask->key, key, strlen(key) + 1);
	call.owner = ask;
	call.word[0] = TEXT("GET");
	call.word[1] = text_of(ask->key);
	if (redis_send(cache->redis, &call)) {
		free(ask);
		return NULL;
	}
	HASH_ADD_STR(cache->asks, key, ask);
	ask->listed = true;
	return ask;
}

/* The GET of this turn for the key, or NULL when Redis cannot be asked. */
static struct ask *ask_of_turn(struct cache *cache, enum cache_kind kind, const char *key)
{
	struct ask *ask;

	HASH_FIND_STR(cache->asks, key, ask);
	if (ask && ask->turn == redis_turn(cache->redis))
		return ask;
	if (ask)
		ask_unlist(ask);
	return ask_new(cache, kind, key);
}

void read_ask(struct cache *cache, struct cache_read *read)
{
	struct reads alone = { 0 };
	struct ask *ask = NULL;
	char key[CACHE_KEY_SIZE];

	cache_key(key, read->kind, read->id);
	read->asked = cache->redis ? redis_turn(cache->redis) : 0;
	if (cache->redis && read->rounds < ROUNDS_MAX && !drop_waits(read->kind, key))
		ask = ask_of_turn(cache, read->kind, key);
	if (ask)
		return reads_add(&ask->reads, read);
	reads_add(&alone, read);
	reads_load_alone(cache, key, &alone);
}

void cache_get(struct cache *cache, struct cache_read *read)
{
	read->flight = NULL;
	read->loads = false;
	read->rounds = 0;
	read_ask(cache, read);
}

/* --- Life ------------------------------------------------------------------------------------- */

static void redis_came(void *owner)
{
	struct cache *cache = owner;

	drain_start(cache->drain);
}

static int connect_redis(struct cache *cache, const struct config *config)
{
	struct redis_options options = { .up = redis_came, .owner = cache };

	if (!config->redis_url[0])
		return 0;
	if (address_parse(config->redis_url, &options.address))
		return E_CONFIG;
	options.timeout_ms = (uint64_t)config->redis_timeout;
	return redis_new(cache->loop, &options, &cache->redis);
}

int cache_new(struct loop *loop, const struct config *config, struct cache **ret)
{
	static const uint64_t poll_ms[POLLS] = { 10, 20, 40, 80 };
	struct cache *cache = calloc(1, sizeof(*cache));
	int error;

	if (!cache)
		return E_NO_MEMORY;
	cache->loop = loop;
	for (int i = 0; i < POLLS; i++)
		deadline_list_init(&cache->polls[i], loop, poll_ms[i], flight_poll_due);
	error = drain_new(cache);
	if (!error)
		error = limiter_new(cache);
	if (!error)
		error = geo_new(cache);
	if (!error)
		error = connect_redis(cache, config);
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
	drain_free(cache->drain);
	for (int i = 0; i < POLLS; i++)
		deadline_list_close(&cache->polls[i]);
	free(cache);
}

bool cache_up(const struct cache *cache)
{
	return cache->redis && redis_all_up(cache->redis);
}
