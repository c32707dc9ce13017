/* SPDX-License-Identifier: MIT
 *
 * Rate limits counted in fixed windows, by a script in Redis, so that all instances share one
 * count.
 *
 * While Redis is down this process counts alone, in one table for all its loops (so that a limit
 * means the same with one loop and with eight). The table holds at most NAMES_MAX names; the window
 * that began first is evicted first. A mutex guards it, held for one look-up in memory only.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

#include "aside.h"
#include "reeyo/core/memory.h"

#define NAMES_MAX 16384u

/* Takes the whole cost when it fits, else nothing. A negative cost is given back, down to a count
 * of 0. A cost of 0 only reads. Returns whether it fitted, the new count and the time left (ms). */
static const struct text script = TEXT(
	"local c,l=tonumber(ARGV[1]),tonumber(ARGV[3]) "
	"local n,t=tonumber(redis.call('GET',KEYS[1]) or 0),redis.call('PTTL',KEYS[1]) "
	"local ok=c<0 or (c==0 and n<l) or (c>0 and n+c<=l) "
	"if c<0 then c=-math.min(n,-c) end "
	"if ok and c~=0 then n=redis.call('INCRBY',KEYS[1],c) "
	"if t<0 then redis.call('PEXPIRE',KEYS[1],ARGV[2]) end end "
	"if t<0 then t=tonumber(ARGV[2]) end "
	"return {ok and 1 or 0,n,t}");
/* SHA-1 of the script, for EVALSHA. A wrong one would cost one EVAL more each time (tested). */
#define SCRIPT_SHA "c94c74f2365a2b41153217d3fd0515b0cf16cb6a"

struct window {
	UT_hash_handle hh;
	int64_t count;
	uint64_t ends_ms;
	char name[96];
};

/* Shared by all loops of the process. */
static struct {
	pthread_mutex_t lock;
	unsigned limiters;      /* users of the table; the last one empties it */
	struct window *windows; /* oldest first */
} table = { .lock = PTHREAD_MUTEX_INITIALIZER };

struct limiter {
	struct cache *cache;
	struct limit_use *counted; /* in this process; completed when the stack has unwound */
	struct limit_use **counted_end;
	uv_timer_t timer;
};

static void limit_use_complete(struct limit_use *use, bool allowed, int64_t count, int64_t left_ms)
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

static void limit_window_free(struct window *window)
{
	HASH_DEL(table.windows, window);
	free(window);
}

static struct window *limit_window_new(const struct limit_use *use, uint64_t now)
{
	struct window *window;

	if (HASH_COUNT(table.windows) >= NAMES_MAX)
		limit_window_free(table.windows);
	window = calloc(1, sizeof(*window));
	if (!window)
		return NULL;
	memcpy(window->name, use->name, sizeof(window->name));
	window->ends_ms = now + (uint64_t)use->window_ms;
	HASH_ADD_STR(table.windows, name, window);
	return window;
}

static struct window *limit_window_find(const struct limit_use *use, uint64_t now)
{
	struct window *window;

	HASH_FIND_STR(table.windows, use->name, window);
	if (window && window->ends_ms <= now) {
		limit_window_free(window);
		window = NULL;
	}
	return window;
}

/* The same rule as in the script. */
static void limit_use_in_table(struct limit_use *use, uint64_t now)
{
	struct window *window = limit_window_find(use, now);
	int64_t count = window ? window->count : 0;
	int64_t cost = use->cost < 0 && -use->cost > count ? -count : use->cost;

	use->fits = cost < 0 ||
		(cost == 0 ? use->cost < 0 || count < use->limit : count + cost <= use->limit);
	if (use->fits && cost > 0 && !window)
		window = limit_window_new(use, now);
	if (use->fits && window)
		window->count += cost;
	use->counted = window ? window->count : count;
	use->left_ms = window ? (int64_t)(window->ends_ms - now) : use->window_ms;
}

static void limiter_complete_counted(struct limiter *limiter)
{
	struct limit_use *use;

	while ((use = limiter->counted)) {
		limiter->counted = use->next;
		if (!limiter->counted)
			limiter->counted_end = &limiter->counted;
		limit_use_complete(use, use->fits, use->counted, use->left_ms);
	}
}

static void limiter_timer_due(uv_timer_t *timer)
{
	limiter_complete_counted(timer->data);
}

static void limit_use_locally(struct limiter *limiter, struct limit_use *use)
{
	use->local = true;
	pthread_mutex_lock(&table.lock);
	limit_use_in_table(use, loop_now(limiter->cache->loop));
	pthread_mutex_unlock(&table.lock);
	use->next = NULL;
	*limiter->counted_end = use;
	limiter->counted_end = &use->next;
	if (!uv_is_active((uv_handle_t *)&limiter->timer))
		uv_timer_start(&limiter->timer, limiter_timer_due, 0, 0);
}

/* --- In Redis --------------------------------------------------------------------------------- */

static int limit_script_send(
	struct limit_use *use, struct text how, struct text what, redis_done *done)
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

static bool limit_reply_parse(const redisReply *reply, int64_t ret[3])
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

static void limit_script_replied(void *owner, int error, const redisReply *reply)
{
	struct limit_use *use = owner;
	int64_t answer[3];

	if (!error && limit_reply_parse(reply, answer))
		limit_use_complete(use, answer[0], answer[1], answer[2]);
	else
		limit_use_locally(use->cache->limiter, use);
}

/* A Redis that has restarted does not know the script. The whole script is sent, and Redis caches
 * it. */
static void limit_sha_replied(void *owner, int error, const redisReply *reply)
{
	struct limit_use *use = owner;

	if (error && reply && strncmp(reply->str, "NOSCRIPT", 8) == 0 &&
		limit_script_send(use, TEXT("EVAL"), script, limit_script_replied) == 0)
		return;
	limit_script_replied(owner, error, reply);
}

void limit_use(struct cache *cache, struct limit_use *use)
{
	use->cache = cache;
	if (use->local || !cache->redis ||
		limit_script_send(use, TEXT("EVALSHA"), TEXT(SCRIPT_SHA), limit_sha_replied))
		limit_use_locally(cache->limiter, use);
}

/* --- Life ------------------------------------------------------------------------------------- */

int limiter_new(struct cache *cache)
{
	struct limiter *limiter = calloc(1, sizeof(*limiter));

	if (!limiter)
		return E_NO_MEMORY;
	limiter->cache = cache;
	limiter->counted_end = &limiter->counted;
	limiter->timer.data = limiter;
	uv_timer_init(loop_uv(cache->loop), &limiter->timer);
	cache->limiter = limiter;
	pthread_mutex_lock(&table.lock);
	table.limiters++;
	pthread_mutex_unlock(&table.lock);
	return 0;
}

static void limiter_timer_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void limiter_close(struct limiter *limiter)
{
	if (!limiter)
		return;
	limiter_complete_counted(limiter);
	pthread_mutex_lock(&table.lock);
	if (--table.limiters == 0)
		while (table.windows)
			limit_window_free(table.windows);
	pthread_mutex_unlock(&table.lock);
	uv_close((uv_handle_t *)&limiter->timer, limiter_timer_closed);
}
