/* SPDX-License-Identifier: MIT
 *
 * Uses counted in fixed windows, by a script in Redis, so that all copies count together.
 *
 * While Redis is away this loop counts alone, in a table of at most NAMES_MAX names (the window
 * that began first goes first): limits are then per loop, which lets more through than they say,
 * never less.
 */
#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

#include "aside.h"
#include "reeyo/core/memory.h"

#define NAMES_MAX 16384u

/* Gives the count after this use and the milliseconds left. A cost of 0 only looks. */
static const struct text script = TEXT(
	"local n,c=0,tonumber(ARGV[1]) "
	"if c==0 then n=tonumber(redis.call('GET',KEYS[1]) or 0) "
	"else n=redis.call('INCRBY',KEYS[1],ARGV[1]) end "
	"local t=redis.call('PTTL',KEYS[1]) "
	"if t<0 then t=tonumber(ARGV[2]) "
	"if c~=0 then redis.call('PEXPIRE',KEYS[1],ARGV[2]) end end "
	"return {n,t}");
/* SHA-1 of the script: its name for EVALSHA (a wrong one would only cost an EVAL each time;
 * tested). */
#define SCRIPT_SHA "9513edec7c2572a1a8f07fdf5cbaa5efe677fd47"

struct window {
	UT_hash_handle hh;
	int64_t count;
	uint64_t ends_ms;
	char name[96];
};

struct limiter {
	struct cache *cache;
	struct window *windows;   /* oldest first */
	struct limit_use *soon;   /* counted here; told when the stack has unwound */
	struct limit_use **soon_end;
	uv_timer_t timer;
};

static void tell(struct limit_use *use, int64_t count, int64_t left_ms)
{
	struct limit_result result = {
		.allowed = use->cost ? count <= use->limit : count < use->limit,
		.limit = use->limit,
		.remaining = count < use->limit ? use->limit - count : 0,
		.reset_s = (left_ms + 999) / 1000,
	};

	use->done(use, &result);
}

/* --- In this loop ----------------------------------------------------------------------------- */

static void window_free(struct limiter *limiter, struct window *window)
{
	HASH_DEL(limiter->windows, window);
	free(window);
}

static struct window *window_new(struct limiter *limiter, const struct limit_use *use)
{
	struct window *window;

	if (HASH_COUNT(limiter->windows) >= NAMES_MAX)
		window_free(limiter, limiter->windows);
	window = calloc(1, sizeof(*window));
	if (!window)
		return NULL;
	memcpy(window->name, use->name, sizeof(window->name));
	window->ends_ms = loop_now(limiter->cache->loop) + (uint64_t)use->window_ms;
	HASH_ADD_STR(limiter->windows, name, window);
	return window;
}

static struct window *window_find(struct limiter *limiter, const struct limit_use *use)
{
	struct window *window;

	HASH_FIND_STR(limiter->windows, use->name, window);
	if (window && window->ends_ms <= loop_now(limiter->cache->loop)) {
		window_free(limiter, window);
		window = NULL;
	}
	return window;
}

static void soon_run(struct limiter *limiter)
{
	struct limit_use *use;

	while ((use = limiter->soon)) {
		limiter->soon = use->next;
		if (!limiter->soon)
			limiter->soon_end = &limiter->soon;
		tell(use, use->counted, use->left_ms);
	}
}

static void on_timer(uv_timer_t *timer)
{
	soon_run(timer->data);
}

static void count_here(struct limiter *limiter, struct limit_use *use)
{
	struct window *window = window_find(limiter, use);
	uint64_t now = loop_now(limiter->cache->loop);

	if (!window && use->cost)
		window = window_new(limiter, use);
	if (window)
		window->count += use->cost;
	use->counted = window ? window->count : use->cost;
	use->left_ms = window ? (int64_t)(window->ends_ms - now) : use->window_ms;
	use->next = NULL;
	*limiter->soon_end = use;
	limiter->soon_end = &use->next;
	if (!uv_is_active((uv_handle_t *)&limiter->timer))
		uv_timer_start(&limiter->timer, on_timer, 0, 0);
}

/* --- In Redis --------------------------------------------------------------------------------- */

static int script_send(struct limit_use *use, struct text how, struct text what, redis_done *done)
{
	struct redis_call call = { .words = 6, .key = 3, .done = done, .owner = use };
	char key[sizeof(use->name) + 8], cost[24], window[24];

	snprintf(key, sizeof(key), "limit:%s", use->name);
	snprintf(cost, sizeof(cost), "%lld", (long long)use->cost);
	snprintf(window, sizeof(window), "%lld", (long long)use->window_ms);
	call.word[0] = how;
	call.word[1] = what;
	call.word[2] = TEXT("1");
	call.word[3] = text_of(key);
	call.word[4] = text_of(cost);
	call.word[5] = text_of(window);
	return redis_send(use->cache->redis, &call);
}

static bool reply_read(const redisReply *reply, int64_t *ret_count, int64_t *ret_left)
{
	if (!reply || reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
		reply->element[0]->type != REDIS_REPLY_INTEGER ||
		reply->element[1]->type != REDIS_REPLY_INTEGER)
		return false;
	*ret_count = reply->element[0]->integer;
	*ret_left = reply->element[1]->integer;
	return true;
}

static void counted(void *owner, int error, const redisReply *reply)
{
	struct limit_use *use = owner;
	int64_t count, left;

	if (!error && reply_read(reply, &count, &left))
		tell(use, count, left);
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
	if (!cache->redis || script_send(use, TEXT("EVALSHA"), TEXT(SCRIPT_SHA), counted_by_name))
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
	while (limiter->windows)
		window_free(limiter, limiter->windows);
	uv_close((uv_handle_t *)&limiter->timer, timer_closed);
}
