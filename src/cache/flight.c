/* SPDX-License-Identifier: MIT
 *
 * Loads, and which readers may share them.
 *
 * A flight is one load. A flight with a lease has two groups of readers. The early readers were
 * there when the load began; they are answered as soon as it ends. The late readers came afterwards
 * and found our lease in Redis; they wait until storing the value shows that the lease stood to the
 * end. Without a lease (Redis is down, or a loader of another instance is too slow) late readers
 * wait for the next load instead.
 */
#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

#include "aside.h"
#include "reeyo/cache/counters.h"
#include "reeyo/core/clock.h"
#include "reeyo/core/memory.h"
#include "value.h"

#define LEASE_MS "5000"

static const struct text fill_script = TEXT(
	"if redis.call('GET',KEYS[1])==ARGV[1] then redis.call('SET',KEYS[1],ARGV[2],'PX',ARGV[3]) "
	"return 1 end return 0");
static const struct text release_script = TEXT(
	"if redis.call('GET',KEYS[1])==ARGV[1] then return redis.call('DEL',KEYS[1]) end return 0");

enum flight_state { FLIGHT_LEASING, FLIGHT_WAITING, FLIGHT_LOADING, FLIGHT_FILLING };

struct flight {
	UT_hash_handle hh;
	struct cache *cache;
	struct flight **table; /* where it is listed; NULL: no reader may join any more */
	struct reads early;    /* those before the load began */
	struct reads late;
	struct stored *stored;
	struct deadline deadline;
	uint64_t turn; /* turn of the last request for the lease */
	enum flight_state state;
	const struct cache_kind *kind;
	unsigned polls;
	bool unleased;
	char lease[LEASE_LENGTH + 1];
	char key[CACHE_KEY_SIZE];
};

/* --- Readers ---------------------------------------------------------------------------------- */

void reads_add(struct reads *reads, struct cache_read *read)
{
	read->next = NULL;
	if (reads->head)
		reads->last->next = read;
	else
		reads->head = read;
	reads->last = read;
}

static struct cache_read *reads_pop(struct reads *reads)
{
	struct cache_read *read = reads->head;

	if (read)
		reads->head = read->next;
	return read;
}

/* Moves the list out and leaves an empty one. */
static struct reads reads_take(struct reads *from)
{
	struct reads reads = *from;

	*from = (struct reads){ 0 };
	return reads;
}

static void reads_move(struct reads *to, struct reads *from)
{
	struct cache_read *read;

	while ((read = reads_pop(from)))
		reads_add(to, read);
}

void reads_answer(struct cache *cache, struct reads *reads, int error,
	const struct cache_value *value, unsigned how)
{
	struct cache_read *read;

	while ((read = reads_pop(reads))) {
		count_one(loop_counters(cache->loop), read->loads ? COUNT_CACHE_MISSES : how);
		read->done(read, error, value);
	}
}

static void reads_restart(struct cache *cache, struct reads *reads)
{
	struct cache_read *read;

	while ((read = reads_pop(reads))) {
		read->rounds++;
		cache_read_start(cache, read);
	}
}

/* --- Flights ---------------------------------------------------------------------------------- */

static struct flight *flight_new(
	struct cache *cache, const struct cache_kind *kind, const char *key, struct flight **table)
{
	struct flight *flight = calloc(1, sizeof(*flight));

	if (!flight)
		return NULL;
	flight->cache = cache;
	flight->kind = kind;
	flight->table = table;
	memcpy(flight->key, key, strlen(key) + 1);
	HASH_ADD_STR(*table, key, flight);
	return flight;
}

/* From now on readers of this key start another flight. */
static void flight_unlist(struct flight *flight)
{
	struct flight **table = TAKE_PTR(flight->table);

	if (table)
		HASH_DEL(*table, flight);
}

static void flight_free(struct flight *flight)
{
	flight_unlist(flight);
	deadline_stop(&flight->deadline);
	free(flight->stored);
	free(flight);
}

/* The first reader loads for all early readers. */
static void flight_load(struct flight *flight)
{
	struct cache_read *loader = flight->early.head;

	flight->state = FLIGHT_LOADING;
	loader->flight = flight;
	loader->loads = !flight->unleased;
	count_one(loop_counters(flight->cache->loop), COUNT_CACHE_LOADS);
	loader->load(loader);
}

/* --- Loads without a lease -------------------------------------------------------------------- */

static void unleased_join(struct cache *cache, const char *key, struct cache_read *read)
{
	struct flight *flight;

	if (cache->closed)
		return read->done(read, E_DRAINING, NULL);
	HASH_FIND_STR(cache->unleased, key, flight);
	if (flight)
		return reads_add(&flight->late, read);
	flight = flight_new(cache, read->kind, key, &cache->unleased);
	if (!flight)
		return read->done(read, E_NO_MEMORY, NULL);
	flight->unleased = true;
	reads_add(&flight->early, read);
	flight_load(flight);
}

void reads_load_alone(struct cache *cache, const char *key, struct reads *reads)
{
	struct cache_read *read;

	while ((read = reads_pop(reads)))
		unleased_join(cache, key, read);
}

static void unleased_end(struct flight *flight, int error)
{
	struct reads early = reads_take(&flight->early);

	reads_answer(flight->cache, &early, error, error ? NULL : &flight->stored->value,
		COUNT_CACHE_BYPASSES);
	free(TAKE_PTR(flight->stored));
	flight->early = reads_take(&flight->late);
	if (flight->early.head)
		flight_load(flight);
	else
		flight_free(flight);
}

/* --- Leases ----------------------------------------------------------------------------------- */

/* All its readers continue without a lease. */
static void flight_abandon(struct flight *flight)
{
	flight_unlist(flight);
	reads_move(&flight->early, &flight->late);
	reads_load_alone(flight->cache, flight->key, &flight->early);
	flight_free(flight);
}

/* No value will be stored, so others may take the lease at once. If the script is lost, the lease
 * expires by itself. */
static void lease_release(struct flight *flight)
{
	struct redis_call call = { .words = 5, .key = 3 };

	call.word[0] = TEXT("EVAL");
	call.word[1] = release_script;
	call.word[2] = TEXT("1");
	call.word[3] = text_of(flight->key);
	call.word[4] = text_of(flight->lease);
	if (redis_send(flight->cache->redis, &call))
		return;
}

static void lease_poll_later(struct flight *flight)
{
	if (flight->polls == POLLS)
		return flight_abandon(flight);
	flight->state = FLIGHT_WAITING;
	deadline_start(&flight->cache->polls[flight->polls++], &flight->deadline);
}

/* Another loader has stored a value in the meantime. It is current for readers that started before
 * our check. */
static void lease_found_value(struct flight *flight, const struct cache_value *value)
{
	struct cache *cache = flight->cache;
	struct reads again = { 0 };
	struct cache_read *read;

	flight_unlist(flight);
	while ((read = reads_pop(&flight->early))) {
		if (read->asked > flight->turn) {
			reads_add(&again, read);
			continue;
		}
		count_one(loop_counters(cache->loop), COUNT_CACHE_JOINS);
		read->done(read, 0, value);
	}
	flight_free(flight);
	reads_restart(cache, &again);
}

static void lease_replied(void *owner, int error, const redisReply *reply)
{
	struct flight *flight = owner;
	struct cache_value value;

	if (error) {
		lease_release(flight); /* Redis may still grant it */
		return flight_abandon(flight);
	}
	if (reply->type == REDIS_REPLY_NIL)
		return flight_load(flight);
	if (reply->type != REDIS_REPLY_STRING)
		return flight_abandon(flight);
	switch (stored_parse((struct text){ reply->str, reply->len }, &value)) {
	case HELD_VALUE:
		return lease_found_value(flight, &value);
	case HELD_LEASE:
		if (memcmp(reply->str, flight->lease, LEASE_LENGTH) == 0)
			return flight_load(flight);
		return lease_poll_later(flight);
	default:
		return flight_abandon(flight);
	}
}

static void lease_request(struct flight *flight)
{
	struct redis_call call = { .words = 7, .key = 1, .done = lease_replied, .owner = flight };

	flight->state = FLIGHT_LEASING;
	flight->turn = redis_turn(flight->cache->redis);
	lease_new(flight->lease);
	call.word[0] = TEXT("SET");
	call.word[1] = text_of(flight->key);
	call.word[2] = text_of(flight->lease);
	call.word[3] = TEXT("NX");
	call.word[4] = TEXT("GET");
	call.word[5] = TEXT("PX");
	call.word[6] = TEXT(LEASE_MS);
	if (redis_send(flight->cache->redis, &call))
		flight_abandon(flight);
}

void flight_poll_due(struct deadline *deadline)
{
	lease_request(CONTAINER_OF(deadline, struct flight, deadline));
}

/* The readers found nothing (lease absent) or a lease. True: they have joined this flight. */
static bool flight_join(struct flight *flight, struct text lease, struct reads *reads)
{
	bool ours = lease.at && flight->lease[0] &&
		memcmp(lease.at, flight->lease, LEASE_LENGTH) == 0;
	bool began = flight->state == FLIGHT_LOADING || flight->state == FLIGHT_FILLING;

	if (began && !ours) {
		flight_unlist(flight); /* its lease is gone: what it loads may be outdated */
		return false;
	}
	reads_move(began ? &flight->late : &flight->early, reads);
	if (flight->state == FLIGHT_WAITING && !lease.at) {
		deadline_stop(&flight->deadline);
		lease_request(flight);
	}
	return true;
}

void flight_enter(struct cache *cache, const struct cache_kind *kind, const char *key,
	struct reads *reads, struct text lease)
{
	struct flight *flight;

	HASH_FIND_STR(cache->leased, key, flight);
	if (flight && flight_join(flight, lease, reads))
		return;
	flight = flight_new(cache, kind, key, &cache->leased);
	if (!flight)
		return reads_answer(cache, reads, E_NO_MEMORY, NULL, COUNT_CACHE_BYPASSES);
	reads_move(&flight->early, reads);
	if (!lease.at)
		return lease_request(flight);
	for (struct cache_read *read = flight->early.head; read; read = read->next)
		count_one(loop_counters(cache->loop), COUNT_CACHE_LEASE_WAITS);
	lease_poll_later(flight);
}

/* --- Fills ------------------------------------------------------------------------------------ */

static void flight_filled(void *owner, int error, const redisReply *reply)
{
	struct flight *flight = owner;
	struct cache *cache = flight->cache;
	struct reads late;

	flight_unlist(flight);
	late = reads_take(&flight->late);
	if (error) {
		reads_load_alone(cache, flight->key, &late);
	} else if (reply->type == REDIS_REPLY_INTEGER && reply->integer == 1) {
		reads_answer(cache, &late, 0, &flight->stored->value, COUNT_CACHE_JOINS);
	} else {
		count_one(loop_counters(cache->loop), COUNT_CACHE_LEASES_VOIDED);
		reads_restart(cache, &late);
	}
	flight_free(flight);
}

/* The key's time to live, at most until the value expires. */
static int64_t flight_ttl_ms(const struct flight *flight)
{
	int64_t life = flight->kind->ttl_s * INT64_C(1000);
	int64_t until = flight->stored->value.until_ms;
	int64_t left = until ? until - clock_wall_ms() : life;

	return left < life ? left : life;
}

static int flight_fill(struct flight *flight)
{
	int64_t left = flight_ttl_ms(flight);
	struct redis_call call = { .words = 7, .key = 3, .done = flight_filled, .owner = flight };
	char life[24];

	if (left <= 0)
		return E_TIMED_OUT;
	if (flight->stored->value.plain.len > VALUE_MAX)
		return E_BODY_TOO_LARGE;
	snprintf(life, sizeof(life), "%lld", (long long)left);
	call.word[0] = TEXT("EVAL");
	call.word[1] = fill_script;
	call.word[2] = TEXT("1");
	call.word[3] = text_of(flight->key);
	call.word[4] = text_of(flight->lease);
	call.word[5] = flight->stored->wire;
	call.word[6] = text_of(life);
	return redis_send(flight->cache->redis, &call);
}

/* The load has a value: early readers get it now, late readers once it is stored. */
static void leased_loaded(struct flight *flight)
{
	struct reads early = reads_take(&flight->early);
	int error;

	flight->state = FLIGHT_FILLING;
	error = flight_fill(flight);
	if (error)
		lease_release(flight);
	if (error)
		flight_unlist(flight);
	reads_answer(flight->cache, &early, 0, &flight->stored->value, COUNT_CACHE_JOINS);
	if (error)
		flight_abandon(flight);
}

static void leased_failed(struct flight *flight, int error)
{
	struct reads early = reads_take(&flight->early);

	lease_release(flight);
	flight_unlist(flight);
	reads_answer(flight->cache, &early, error, NULL, COUNT_CACHE_JOINS);
	flight_abandon(flight);
}

void cache_failed(struct cache_read *read, int error)
{
	struct flight *flight = TAKE_PTR(read->flight);

	if (flight->unleased)
		unleased_end(flight, error);
	else
		leased_failed(flight, error);
}

void cache_missing(struct cache_read *read)
{
	cache_failed(read, E_NOT_FOUND);
}

void cache_loaded(struct cache_read *read, struct text json)
{
	cache_loaded_until(read, json, 0);
}

void cache_loaded_until(struct cache_read *read, struct text json, int64_t until_ms)
{
	struct flight *flight = read->flight;

	flight->stored = stored_new(json, until_ms);
	if (!flight->stored)
		return cache_failed(read, E_NO_MEMORY);
	read->flight = NULL;
	if (flight->unleased)
		unleased_end(flight, 0);
	else
		leased_loaded(flight);
}

void flights_close(struct cache *cache)
{
	struct flight *flight, *next;

	HASH_ITER(hh, cache->leased, flight, next)
	if (flight->state == FLIGHT_WAITING)
		flight_abandon(flight);
}
