/* SPDX-License-Identifier: MIT
 *
 * Uses counted in fixed windows, by a script in Redis, so that all copies count together.
 *
 * While Redis is away this process counts alone, in one table for all its loops (so that a limit
 * means the same with one loop and with eight) of at most NAMES_MAX names: the window that began
 * first goes first. The table is behind a mutex, held for a look-up in memory and nothing else.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

#include "aside.h"
#include "reeyo/core/memory.h"

#define NAMES_MAX 16384u

/* Takes the cost when it fits, all or nothing; a negative one is given back, as far as the window
 * still holds it; 0 looks. Gives whether it fitted, the count after it and the time left (ms). */
static const struct text script = TEXT(
	"local c,l=tonumber(ARGV[1]),tonumber(ARGV[3]) "
	"local n,t=tonumber(redis.call('GET',KEYS[1]) or 0),redis.call('PTTL',KEYS[1]) "
	"local ok=c<0 or (c==0 and n<l) or (c>0 and n+c<=l) "
	"if c<0 then c=-math.min(n,-c) end "
	"if ok and c~=0 then n=redis.call('INCRBY',KEYS[1],c) "
	"if t<0 then redis.call('PEXPIRE',KEYS[1],ARGV[2]) end end "
	"if t<0 then t=tonumber(ARGV[2]) end "
	"return {ok and 1 or 0,n,t}");
/* SHA-1 of the script: its name for EVALSHA (a wrong one would only cost an EVAL each time;
 * tested). */
#define SCRIPT_SHA "c94c74f2365a2b41153217d3fd0515b0cf16cb6a"

struct window {
	UT_hash_handle hh;
	int64_t count;
	uint64_t ends_ms;
	char name[96];
};

/* Of the process. */
static struct {
	pthread_mutex_t lock;
	unsigned limiters;        /* that use it; the last one empties it */
	struct window *windows;   /* oldest first */
} table = { .lock = PTHREAD_MUTEX_INITIALIZER };

struct limiter {
	struct cache *cache;
	struct limit_use *soon;   /* counted here; told when the stack has unwound */
	struct limit_use **soon_end;
	uv_timer_t timer;
};

static void tell(struct limit_use *use, bool allowed, int64_t count, int64_t left_ms)
{
	struct limit_result result = {
		.allowed = allowed,
		.limit = use->limit,
		.remaining = count < use->limit ? use->limit - count : 0,
		.reset_s = (left_ms + 999) / 1000,
	};

	use->done(use, &result);
}

/* --- In this process -------------------------------------------------------------------------- */

static void window_free(struct window *window)
{
	HASH_DEL(table.windows, window);
	free(window);
}

static struct window *window_new(const struct limit_use *use, uint64_t now)
{
	struct window *window;

	if (HASH_COUNT(table.windows) >= NAMES_MAX)
		window_free(table.windows);
	window = calloc(1, sizeof(*window));
	if (!window)
		return NULL;
	memcpy(window->name, use->name, sizeof(window->name));
	window->ends_ms = now + (uint64_t)use->window_ms;
	HASH_ADD_STR(table.windows, name, window);
	return window;
}

static struct window *window_find(const struct limit_use *use, uint64_t now)
{
	struct window *window;

	HASH_FIND_STR(table.windows, use->name, window);
	if (window && window->ends_ms <= now) {
		window_free(window);
		window = NULL;
	}
	return window;
}

/* The same rule as the script's. */
static void table_use(struct limit_use *use, uint64_t now)
{
	struct window *window = window_find(use, now);
	int64_t count = window ? window->count : 0;
	int64_t cost = use->cost < 0 && -use->cost > count ? -count : use->cost;

	use->fits = cost < 0 || (cost == 0 ? use->cost < 0 || count < use->limit :
					     count + cost <= use->limit);
	if (use->fits && cost > 0 && !window)
		window = window_new(use, now);
	if (use->fits && window)
		window->count += cost;
	use->counted = window ? window->count : count;
	use->left_ms = window ? (int64_t)(window->ends_ms - now) : use->window_ms;
}

static void soon_run(struct limiter *limiter)
{
	struct limit_use *use;

	while ((use = limiter->soon)) {
		limiter->soon = use->next;
		if (!limiter->soon)
			limiter->soon_end = &limiter->soon;
		tell(use, use->fits, use->counted, use->left_ms);
	}
}

static void on_timer(uv_timer_t *timer)
{
	soon_run(timer->data);
}

static void count_here(struct limiter *limiter, struct limit_use *use)
{
	use->here = true;
	pthread_mutex_lock(&table.lock);
	table_use(use, loop_now(limiter->cache->loop));
	pthread_mutex_unlock(&table.lock);
	use->next = NULL;
	*limiter->soon_end = use;
	limiter->soon_end = &use->next;
	if (!uv_is_active((uv_handle_t *)&limiter->timer))
		uv_timer_start(&limiter->timer, on_timer, 0, 0);
}

/* --- In Redis --------------------------------------------------------------------------------- */

static int script_send(struct limit_use *use, struct text how, struct text what, redis_done *done)
{
	struct redis_call call = { .words = 7, .key = 3, .done = done, .owner = use };
	char key[sizeof(use->name) + 8], cost[24], window[24], limit[24];

	snprintf(key, sizeof(key), "limit:%s", use->name);
	snprintf(cost, sizeof(cost), "%lld", (long long)use->cost);
	snprintf(window, sizeof(window), "%lld", (long long)use->window_ms);
	snprintf(limit, sizeof(limit), "%lld", (long long)use->limit);
	call.word[0] = how;
	call.word[1] = what;
	call.word[2] = TEXT("1");
	call.word[3] = text_of(key);
	call.word[4] = text_of(cost);
	call.word[5] = text_of(window);
	call.word[6] = text_of(limit);
	return redis_send(use->cache->redis, &call);
}

static bool reply_read(const redisReply *reply, int64_t ret[3])
{
	if (!reply || reply->type != REDIS_REPLY_ARRAY || reply->elements != 3)
		return false;
	for (size_t i = 0; i < 3; i++) {
		if (reply->element[i]->type != REDIS_REPLY_INTEGER)
			return false;
		ret[i] = reply->element[i]->integer;
	}
	return true;
}

static void counted(void *owner, int error, const redisReply *reply)
{
	struct limit_use *use = owner;
	int64_t answer[3];

	if (!error && reply_read(reply, answer))
		tell(use, answer[0], answer[1], answer[2]);
	else
		count_here(use->cache->limiter, use);
}

/* A Redis that has restarted does not know the script: send it whole, which teaches it. */
static void counted_by_name(void *owner, int error, const redisReply *reply)
{
	struct limit_use *use = owner;

	if (error && reply && strncmp(reply->str, "NOSCRIPT", 8) == 0 &&
		script_send(use, TEXT("EVAL"), script, counted) == 0)
		return;
	counted(owner, error, reply);
}

void limit_use(struct cache *cache, struct limit_use *use)
{
	use->cache = cache;
	if (use->here || !cache->redis ||
		script_send(use, TEXT("EVALSHA"), TEXT(SCRIPT_SHA), counted_by_name))
		count_here(cache->limiter, use);
}

/* --- Life ------------------------------------------------------------------------------------- */

int limiter_new(struct cache *cache)
{
	struct limiter *limiter = calloc(1, sizeof(*limiter));

	if (!limiter)
		return E_NO_MEMORY;
	limiter->cache = cache;
	limiter->soon_end = &limiter->soon;
	limiter->timer.data = limiter;
	uv_timer_init(loop_uv(cache->loop), &limiter->timer);
	cache->limiter = limiter;
	pthread_mutex_lock(&table.lock);
	table.limiters++;
	pthread_mutex_unlock(&table.lock);
	return 0;
}

static void timer_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void limiter_close(struct limiter *limiter)
{
	if (!limiter)
		return;
	soon_run(limiter);
	pthread_mutex_lock(&table.lock);
	if (--table.limiters == 0)
		while (table.windows)
			window_free(table.windows);
	pthread_mutex_unlock(&table.lock);
	uv_close((uv_handle_t *)&limiter->timer, timer_closed);
}
