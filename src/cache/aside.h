/* SPDX-License-Identifier: MIT
 *
 * What the files of the cache layer share: the cache of one loop and its parts.
 */
#ifndef REEYO_CACHE_ASIDE_H
#define REEYO_CACHE_ASIDE_H

#include "redis.h"
#include "reeyo/cache/cache.h"

/* Waits for another copy's lease: 10, 20, 40, then 80 ms. */
#define POLLS 4

struct ask;
struct drain;
struct geo_turn;
struct limiter;

struct cache {
	struct loop *loop;
	struct redis *redis;      /* NULL: none configured */
	struct ask *asks;         /* by key: the newest GET of each */
	struct flight *leased;    /* by key: loads under a lease, or on their way to one */
	struct flight *unleased;  /* by key: loads while Redis cannot be asked */
	struct deadline_list polls[POLLS];
	struct drain *drain;
	struct limiter *limiter;
	struct geo_turn *geo;
	bool closed;
};

/* --- Of aside.c ------------------------------------------------------------------------------- */

/* Seconds a value lives. */
unsigned cache_life_s(enum cache_kind kind);
/* (Re)starts a read: asks Redis, or loads when it cannot be asked or believed. */
void read_ask(struct cache *cache, struct cache_read *read);

/* --- Of flight.c ------------------------------------------------------------------------------ */

/* Readers of one key, in the order in which they came. */
struct reads {
	struct cache_read *head, *last;
};

void reads_add(struct reads *reads, struct cache_read *read);
/* Completes them all; `how` is counted for each that did not load. */
void reads_answer(struct cache *cache, struct reads *reads, int error,
	const struct cache_value *value, enum counter how);
/* They load without a lease, sharing only what begins from now on. */
void reads_load_alone(struct cache *cache, const char *key, struct reads *reads);
/* Redis held nothing for these readers (lease absent), or that lease. */
void flight_enter(struct cache *cache, enum cache_kind kind, const char *key, struct reads *reads,
	struct text lease);
/* A pause between two looks at another's lease is over. */
void flight_poll_due(struct deadline *deadline);
/* Lets go of those who wait for another's lease. */
void flights_close(struct cache *cache);

/* --- Of drop.c: keys that could not be dropped, of all loops of this process ------------------ */

int drain_new(struct cache *cache) MUST_CHECK;
void drain_free(struct drain *drain);
/* Redis answers (again): drops what waits. */
void drain_start(struct drain *drain);
/* True when what Redis holds under this key may not be believed. */
bool drop_waits(enum cache_kind kind, const char *key);

/* --- Of limiter.c ----------------------------------------------------------------------------- */

int limiter_new(struct cache *cache) MUST_CHECK;
/* Uses still outstanding get their answer first. */
void limiter_close(struct limiter *limiter);

/* --- Of geo.c --------------------------------------------------------------------------------- */

int geo_new(struct cache *cache) MUST_CHECK;
/* After redis: reports of this turn end with E_STORE_DOWN. */
void geo_close(struct cache *cache);

#endif
