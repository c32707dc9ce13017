/* SPDX-License-Identifier: MIT
 *
 * Riders' positions: see the header. Each act is one script, so that what it compares and what it
 * writes cannot be parted; a Redis that has restarted does not know a script by its name and is
 * sent it whole once.
 *
 * A report that says no time cannot be refused: those of a turn go out together, as one GEOADD and
 * one ZADD GT. (A script costs Redis 14 microseconds, a GEOADD 2, a member more of one 1.)
 *
 * The sweep looks at who fell silent within the last GEO_SWEEP_MS only: whoever has been silent for
 * longer was removed by an earlier one. A rider's time outlives his place by GEO_LATE_MS, or a
 * phone that comes back could report a point before the last one.
 */
#include "reeyo/cache/geo.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "aside.h"
#include "reeyo/core/clock.h"
#include "reeyo/core/memory.h"

#define ARGS_MAX 6
#define ARG_SIZE 72
#define GEO_SWEEP_MS 90000
#define TOGETHER 64 /* reports in one GEOADD */

static const struct text geo_key = TEXT("geo:riders"), seen_key = TEXT("{geo:riders}:seen");

struct script {
	struct text text;
	struct text sha; /* its name for EVALSHA (a wrong one would only cost an EVAL each time;
	                  * tested) */
};

/* rider, lng, lat, first, last, from when on he is to be found */
static const struct script store_script = { TEXT(
	"local s=redis.call('ZSCORE',KEYS[2],ARGV[1]) "
	"if s and tonumber(s)>tonumber(ARGV[4]) then return {0,s} end "
	"redis.call('ZADD',KEYS[2],'GT',ARGV[5],ARGV[1]) "
	"if tonumber(ARGV[5])>=tonumber(ARGV[6]) then "
	"redis.call('GEOADD',KEYS[1],ARGV[2],ARGV[3],ARGV[1]) end "
	"return {1,s}"), TEXT("86030a8694ab547d116bf0ffd882c0821ffc5e88") };
/* lng, lat, radius, how many, from when on */
static const struct script search_script = { TEXT(
	"local r={} "
	"for _,m in ipairs(redis.call('GEOSEARCH',KEYS[1],'FROMLONLAT',ARGV[1],ARGV[2],"
	"'BYRADIUS',ARGV[3],'m','ASC','COUNT',ARGV[4],'WITHDIST','WITHCOORD')) do "
	"local s=redis.call('ZSCORE',KEYS[2],m[1]) "
	"if s and tonumber(s)>=tonumber(ARGV[5]) then "
	"r[#r+1]={m[1],m[3][1],m[3][2],m[2],s} end end "
	"return r"), TEXT("70004ea63477b4ad44125c6cddc30e2ebee04876") };
/* rider, from when on */
static const struct script find_script = { TEXT(
	"local p=redis.call('GEOPOS',KEYS[1],ARGV[1])[1] "
	"local s=redis.call('ZSCORE',KEYS[2],ARGV[1]) "
	"if not p or not s or tonumber(s)<tonumber(ARGV[2]) then return {} end "
	"return {{ARGV[1],p[1],p[2],'0',s}}"), TEXT("a599bf6d2d6f2c0d8b42bb0a2a8e61e61967826e") };
/* how many, from when on */
static const struct script all_script = { TEXT(
	"local r={} "
	"local a=redis.call('ZRANGEBYSCORE',KEYS[2],ARGV[2],'+inf','WITHSCORES','LIMIT',0,ARGV[1]) "
	"for i=1,#a,2 do local p=redis.call('GEOPOS',KEYS[1],a[i])[1] "
	"if p then r[#r+1]={a[i],p[1],p[2],'0',a[i+1]} end end "
	"return r"), TEXT("458892757bf7987e7641b19a1bb0932a4ed99eb5") };
/* from, before: places; before: times */
static const struct script sweep_script = { TEXT(
	"for _,m in ipairs(redis.call('ZRANGEBYSCORE',KEYS[2],ARGV[1],'('..ARGV[2])) do "
	"redis.call('ZREM',KEYS[1],m) end "
	"for _,m in ipairs(redis.call('ZRANGEBYSCORE',KEYS[2],'-inf','('..ARGV[3],'LIMIT',0,1000)) "
	"do redis.call('ZREM',KEYS[1],m) redis.call('ZREM',KEYS[2],m) end "
	"return 1"), TEXT("3372494477b56cb756f010934a606fef9536c5d7") };

/* One act on its way. */
struct geo_call {
	struct cache *cache;
	const struct script *script;
	/* then the call is freed */
	void (*done)(struct geo_call *call, int error, const redisReply *reply);
	union {
		geo_stored *stored;
		geo_found *found;
	};
	void *owner;
	unsigned wanted;
	int args;
	char arg[ARGS_MAX][ARG_SIZE];
};

static void replied(void *owner, int error, const redisReply *reply);

static int script_send(struct geo_call *call, struct text how, struct text what)
{
	struct redis_call send = { .words = 5 + call->args, .key = 3, .done = replied,
		.owner = call };

	send.word[0] = how;
	send.word[1] = what;
	send.word[2] = TEXT("2");
	send.word[3] = geo_key;
	send.word[4] = seen_key;
	for (int i = 0; i < call->args; i++)
		send.word[5 + i] = text_of(call->arg[i]);
	return redis_send(call->cache->redis, &send);
}

static void replied(void *owner, int error, const redisReply *reply)
{
	struct geo_call *call = owner;

	if (error && reply && strncmp(reply->str, "NOSCRIPT", 8) == 0 &&
		script_send(call, TEXT("EVAL"), call->script->text) == 0)
		return;
	if (call->done)
		call->done(call, error, reply);
	free(call);
}

static struct geo_call *call_new(struct cache *cache, const struct script *script)
{
	struct geo_call *call = cache->redis ? malloc(sizeof(*call)) : NULL;

	if (!call)
		return NULL;
	call->cache = cache;
	call->script = script;
	call->done = NULL;
	call->args = 0;
	call->wanted = 0;
	return call;
}

static void arg_text(struct geo_call *call, const char *text)
{
	snprintf(call->arg[call->args++], ARG_SIZE, "%s", text);
}

static void arg_time(struct geo_call *call, int64_t ms)
{
	snprintf(call->arg[call->args++], ARG_SIZE, "%lld", (long long)ms);
}

/* Seven decimals are a centimetre; more than Redis keeps. */
static void arg_degrees(struct geo_call *call, double degrees)
{
	snprintf(call->arg[call->args++], ARG_SIZE, "%.7f", degrees);
}

static int call_send(struct geo_call *call)
{
	int error = script_send(call, TEXT("EVALSHA"), call->script->sha);

	if (error)
		free(call);
	return error ? E_STORE_DOWN : 0;
}

/* --- Storing ---------------------------------------------------------------------------------- */

/* Reports of this turn that say no time. */
struct geo_turn {
	struct cache *cache;
	struct turn_hook hook;
	struct together *open; /* NULL: none */
	struct together *free; /* kept for the next turns: they are large */
};

struct together {
	struct geo_turn *turn;
	struct together *next; /* free */
	unsigned count;
	struct {
		geo_stored *done;
		void *owner;
		char rider[ARG_SIZE], lat[32], lng[32], time[24];
	} report[TOGETHER];
};

static void together_end(struct together *together, int error)
{
	for (unsigned i = 0; i < together->count; i++)
		together->report[i].done(together->report[i].owner, error, INT64_MIN);
	together->next = together->turn->free;
	together->turn->free = together;
}

static struct together *together_open(struct geo_turn *turn)
{
	struct together *together = turn->free;

	if (together)
		turn->free = together->next;
	else
		together = malloc(sizeof(*together));
	if (together) {
		together->turn = turn;
		together->count = 0;
	}
	return turn->open = together;
}

static void together_replied(void *owner, int error, const redisReply *reply)
{
	(void)reply;
	together_end(owner, error);
}

static int times_send(struct redis *redis, const struct together *together)
{
	struct text word[3 + 2 * TOGETHER] = { TEXT("ZADD"), seen_key, TEXT("GT") };
	int words = 3;

	for (unsigned i = 0; i < together->count; i++) {
		word[words++] = text_of(together->report[i].time);
		word[words++] = text_of(together->report[i].rider);
	}
	return redis_send_words(redis, words, word, 1, NULL, NULL);
}

static int places_send(struct redis *redis, struct together *together)
{
	struct text word[2 + 3 * TOGETHER] = { TEXT("GEOADD"), geo_key };
	int words = 2;

	for (unsigned i = 0; i < together->count; i++) {
		word[words++] = text_of(together->report[i].lng);
		word[words++] = text_of(together->report[i].lat);
		word[words++] = text_of(together->report[i].rider);
	}
	return redis_send_words(redis, words, word, 1, together_replied, together);
}

static void together_send(struct cache *cache)
{
	struct together *together = TAKE_PTR(cache->geo->open);

	/* the times first: whoever is found has one */
	if (together && (times_send(cache->redis, together) || places_send(cache->redis, together)))
		together_end(together, E_STORE_DOWN);
}

static void turn_over(struct turn_hook *hook)
{
	together_send(CONTAINER_OF(hook, struct geo_turn, hook)->cache);
}

/* Digits by hand: printf takes as long as all else of a report. */
static char *digits_put(char *at, uint64_t number, int least)
{
	char digits[20];
	int n = 0;

	do
		digits[n++] = (char)('0' + number % 10);
	while ((number /= 10) || n < least);
	while (n)
		*at++ = digits[--n];
	return at;
}

static void degrees_text(char out[32], double degrees)
{
	uint64_t micro = (uint64_t)llround(fabs(degrees) * 1e6);
	char *at = out;

	if (degrees < 0)
		*at++ = '-';
	at = digits_put(at, micro / 1000000, 1);
	*at++ = '.';
	at = digits_put(at, micro % 1000000, 6);
	*at = '\0';
}

static int store_together(struct cache *cache, const char *rider, double lat, double lng,
	int64_t at_ms, geo_stored *done, void *owner)
{
	struct together *together;
	unsigned n;

	if (!cache->redis || !redis_up(cache->redis, geo_key))
		return E_STORE_DOWN;
	together = cache->geo->open ? cache->geo->open : together_open(cache->geo);
	if (!together)
		return E_STORE_DOWN;
	n = together->count++;
	together->report[n].done = done;
	together->report[n].owner = owner;
	snprintf(together->report[n].rider, ARG_SIZE, "%s", rider);
	degrees_text(together->report[n].lat, lat);
	degrees_text(together->report[n].lng, lng);
	*digits_put(together->report[n].time, (uint64_t)at_ms, 1) = '\0';
	cache->geo->hook.wanted = true;
	if (together->count == TOGETHER)
		together_send(cache);
	return 0;
}

int geo_new(struct cache *cache)
{
	struct geo_turn *turn = calloc(1, sizeof(*turn));

	if (!turn)
		return E_NO_MEMORY;
	turn->cache = cache;
	turn->hook.run = turn_over;
	cache->geo = turn;
	loop_hook(cache->loop, PHASE_FLUSH, &turn->hook);
	return 0;
}

void geo_close(struct cache *cache)
{
	if (!cache->geo)
		return;
	if (cache->geo->open)
		together_end(TAKE_PTR(cache->geo->open), E_STORE_DOWN);
	while (cache->geo->free) {
		struct together *next = cache->geo->free->next;

		free(cache->geo->free);
		cache->geo->free = next;
	}
	loop_unhook(cache->loop, PHASE_FLUSH, &cache->geo->hook);
	free(TAKE_PTR(cache->geo));
}

static void store_replied(struct geo_call *call, int error, const redisReply *reply)
{
	const redisReply *known = NULL;
	double known_ms;

	if (!error && reply->type == REDIS_REPLY_ARRAY && reply->elements >= 1) {
		error = reply->element[0]->integer ? 0 : E_VALIDATION;
		known = reply->elements > 1 ? reply->element[1] : NULL;
	}
	if (!known || known->type != REDIS_REPLY_STRING ||
		!text_to_double((struct text){ known->str, known->len }, &known_ms))
		return call->stored(call->owner, error, INT64_MIN);
	call->stored(call->owner, error, (int64_t)known_ms);
}

int geo_store(struct cache *cache, const char *rider, double lat, double lng, int64_t first_ms,
	int64_t last_ms, geo_stored *done, void *owner)
{
	struct geo_call *call;

	if (first_ms == INT64_MAX)
		return store_together(cache, rider, lat, lng, last_ms, done, owner);
	call = call_new(cache, &store_script);
	if (!call)
		return E_STORE_DOWN;
	call->done = store_replied;
	call->stored = done;
	call->owner = owner;
	arg_text(call, rider);
	arg_degrees(call, lng);
	arg_degrees(call, lat);
	arg_time(call, first_ms);
	arg_time(call, last_ms);
	arg_time(call, clock_wall_ms() - GEO_FRESH_MS);
	return call_send(call);
}

/* --- Finding ---------------------------------------------------------------------------------- */

static double reply_number(const redisReply *reply)
{
	double number = 0;

	if (reply->type == REDIS_REPLY_STRING)
		text_to_double((struct text){ reply->str, reply->len }, &number);
	return number;
}

static bool rider_read(const redisReply *row, struct geo_rider *ret)
{
	if (row->type != REDIS_REPLY_ARRAY || row->elements != 5 ||
		row->element[0]->type != REDIS_REPLY_STRING)
		return false;
	*ret = (struct geo_rider){ .id = row->element[0]->str,
		.lng = reply_number(row->element[1]), .lat = reply_number(row->element[2]),
		.distance_m = reply_number(row->element[3]),
		.seen_ms = llround(reply_number(row->element[4])) };
	return true;
}

static void found_replied(struct geo_call *call, int error, const redisReply *reply)
{
	size_t rows = !error && reply->type == REDIS_REPLY_ARRAY ? reply->elements : 0;
	struct geo_rider *riders = rows ? calloc(rows, sizeof(*riders)) : NULL;
	unsigned count = 0;

	for (size_t i = 0; riders && i < rows && count < call->wanted; i++)
		count += rider_read(reply->element[i], &riders[count]);
	call->found(call->owner, error, count, riders);
	free(riders);
}

static struct geo_call *find_new(struct cache *cache, const struct script *script, unsigned count,
	geo_found *done, void *owner)
{
	struct geo_call *call = call_new(cache, script);

	if (!call)
		return NULL;
	call->done = found_replied;
	call->found = done;
	call->owner = owner;
	call->wanted = count;
	return call;
}

int geo_search(struct cache *cache, double lat, double lng, double radius_m, unsigned count,
	geo_found *done, void *owner)
{
	struct geo_call *call = find_new(cache, &search_script, count, done, owner);

	if (!call)
		return E_STORE_DOWN;
	arg_degrees(call, lng);
	arg_degrees(call, lat);
	arg_time(call, llround(radius_m));
	arg_time(call, 2 * (int64_t)count + 50); /* some may be silent and not swept yet */
	arg_time(call, clock_wall_ms() - GEO_FRESH_MS);
	return call_send(call);
}

int geo_find(struct cache *cache, const char *rider, geo_found *done, void *owner)
{
	struct geo_call *call = find_new(cache, &find_script, 1, done, owner);

	if (!call)
		return E_STORE_DOWN;
	arg_text(call, rider);
	arg_time(call, clock_wall_ms() - GEO_FRESH_MS);
	return call_send(call);
}

int geo_all(struct cache *cache, unsigned count, geo_found *done, void *owner)
{
	struct geo_call *call = find_new(cache, &all_script, count, done, owner);

	if (!call)
		return E_STORE_DOWN;
	arg_time(call, count);
	arg_time(call, clock_wall_ms() - GEO_FRESH_MS);
	return call_send(call);
}

/* --- Forgetting ------------------------------------------------------------------------------- */

void geo_forget(struct cache *cache, const char *rider)
{
	struct redis_call call = { .words = 3, .key = 1 };

	call.word[0] = TEXT("ZREM");
	call.word[1] = geo_key;
	call.word[2] = text_of(rider);
	/* lost: he is not found any more 30 s after his last point, and dispatch asks who is
	 * online */
	if (cache->redis && redis_send(cache->redis, &call))
		return;
}

void geo_sweep(struct cache *cache)
{
	struct geo_call *call = call_new(cache, &sweep_script);
	int64_t now = clock_wall_ms();

	if (!call)
		return;
	arg_time(call, now - GEO_FRESH_MS - GEO_SWEEP_MS);
	arg_time(call, now - GEO_FRESH_MS);
	arg_time(call, now - GEO_LATE_MS - 2 * GEO_SWEEP_MS);
	if (call_send(call))
		return; /* the next second tries again */
}
