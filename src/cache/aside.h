/* SPDX-License-Identifier: MIT
 *
 * Declarations shared by the files of the cache layer: the cache of one loop and its parts.
 */
#ifndef REEYO_CACHE_ASIDE_H
#define REEYO_CACHE_ASIDE_H

#include "redis.h"
#include "reeyo/cache/cache.h"

/* Waits for a lease of another instance: 10, 20, 40, then 80 ms. */
#define POLLS 4

struct backlog;
struct geo_turn;
struct limiter;
struct lookup;

struct cache {
	struct loop *loop;
	const struct cache_layout *layout;
	struct redis *redis;     /* NULL: not configured */
	struct lookup *lookups;  /* by key: the newest GET of each */
	struct flight *leased;   /* by key: loads that hold a lease or wait for one */
	struct flight *unleased; /* by key: loads while Redis is not usable */
	struct deadline_list polls[POLLS];
	struct backlog *backlog;
	struct limiter *limiter;
	struct geo_turn *geo;
	bool closed;
};

/* --- aside.c ---------------------------------------------------------------------------------- */

/* Starts or restarts a read: sends a GET, or loads when Redis is not usable or the key is in the
 * backlog. */
void cache_read_start(struct cache *cache, struct cache_read *read);

/* --- flight.c --------------------------------------------------------------------------------- */

/* Readers of one key, in order of arrival. */
struct reads {
	struct cache_read *head, *last;
};

void reads_add(struct reads *reads, struct cache_read *read);
/* Completes all of them. `how` is counted for each reader that did not load. */
void reads_answer(struct cache *cache, struct reads *reads, int error,
	const struct cache_value *value, unsigned how);
/* The readers load without a lease and share only loads that begin from now on. */
void reads_load_alone(struct cache *cache, const char *key, struct reads *reads);
/* The GET of these readers found nothing (lease absent) or this lease. */
void flight_enter(struct cache *cache, const struct cache_kind *kind, const char *key,
	struct reads *reads, struct text lease);
/* The pause between two checks of another instance's lease is over. */
void flight_poll_due(struct deadline *deadline);
/* Completes the readers that wait for a lease of another instance. */
void flights_close(struct cache *cache);

/* --- invalidate.c: keys that could not be deleted, for all loops of this process -------------- */

int backlog_new(struct cache *cache) MUST_CHECK;
void backlog_free(struct backlog *backlog);
/* Redis answers (again): deletes the keys of the backlog. */
void backlog_flush(struct backlog *backlog);
/* True when the value in Redis under this key may be outdated and must not be used. */
bool backlog_has(const struct cache *cache, const struct cache_kind *kind, const char *key);

/* --- limiter.c -------------------------------------------------------------------------------- */

int limiter_new(struct cache *cache) MUST_CHECK;
/* Completes outstanding uses first. */
void limiter_close(struct limiter *limiter);

/* --- geo.c ------------------------------------------------------------------------------------ */

int geo_new(struct cache *cache) MUST_CHECK;
/* To be called after redis_close. Reports of this turn end with E_STORE_DOWN. */
void geo_close(struct cache *cache);

#endif
