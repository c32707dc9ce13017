/* SPDX-License-Identifier: MIT
 *
 * Positions of riders: see the header. Each operation is one script, so that comparing and writing
 * are one atomic step. A Redis that has restarted does not know a script by its hash and is sent
 * the whole script once.
 *
 * The sweep only looks at riders who stopped reporting within the last GEO_SWEEP_MS: earlier sweeps
 * removed the others. The time of a rider's last point is kept layout->point_max_age_ms longer than
 * the position. Otherwise a phone that reconnects could report a point older than the last one.
 */
#include "reeyo/cache/geo.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "aside.h"
#include "geo_batch.h"
#include "reeyo/core/clock.h"
#include "reeyo/core/memory.h"

#define ARGS_MAX 6
#define ARG_SIZE GEO_ID_SIZE
#define GEO_SWEEP_MS 90000

struct script {
	struct text text;
	struct text sha; /* for EVALSHA; a wrong one would cost one EVAL more each time (tested) */
};

/* rider, lng, lat, first time, last time, oldest time of a rider who can be found */
static const struct script store_script = {
	TEXT("local s=redis.call('ZSCORE',KEYS[2],ARGV[1]) "
	     "if s and tonumber(s)>tonumber(ARGV[4]) then return {0,s} end "
	     "redis.call('ZADD',KEYS[2],'GT',ARGV[5],ARGV[1]) "
	     "if tonumber(ARGV[5])>=tonumber(ARGV[6]) then "
	     "redis.call('GEOADD',KEYS[1],ARGV[2],ARGV[3],ARGV[1]) end "
	     "return {1,s}"),
	TEXT("86030a8694ab547d116bf0ffd882c0821ffc5e88")
};
/* lng, lat, radius, count, oldest time */
static const struct script search_script = {
	TEXT("local r={} "
	     "for _,m in ipairs(redis.call('GEOSEARCH',KEYS[1],'FROMLONLAT',ARGV[1],ARGV[2],"
	     "'BYRADIUS',ARGV[3],'m','ASC','COUNT',ARGV[4],'WITHDIST','WITHCOORD')) do "
	     "local s=redis.call('ZSCORE',KEYS[2],m[1]) "
	     "if s and tonumber(s)>=tonumber(ARGV[5]) then "
	     "r[#r+1]={m[1],m[3][1],m[3][2],m[2],s} end end "
	     "return r"),
	TEXT("70004ea63477b4ad44125c6cddc30e2ebee04876")
};
/* rider, oldest time */
static const struct script find_script = {
	TEXT("local p=redis.call('GEOPOS',KEYS[1],ARGV[1])[1] "
	     "local s=redis.call('ZSCORE',KEYS[2],ARGV[1]) "
	     "if not p or not s or tonumber(s)<tonumber(ARGV[2]) then return {} end "
	     "return {{ARGV[1],p[1],p[2],'0',s}}"),
	TEXT("a599bf6d2d6f2c0d8b42bb0a2a8e61e61967826e")
};
/* count, oldest time */
static const struct script all_script = {
	TEXT("local r={} "
	     "local a=redis.call('ZRANGEBYSCORE',KEYS[2],ARGV[2],'+inf','WITHSCORES',"
	     "'LIMIT',0,ARGV[1]) "
	     "for i=1,#a,2 do local p=redis.call('GEOPOS',KEYS[1],a[i])[1] "
	     "if p then r[#r+1]={a[i],p[1],p[2],'0',a[i+1]} end end "
	     "return r"),
	TEXT("458892757bf7987e7641b19a1bb0932a4ed99eb5")
};
/* first and last time of positions to remove, last time of times to remove */
static const struct script sweep_script = {
	TEXT("for _,m in ipairs(redis.call('ZRANGEBYSCORE',KEYS[2],ARGV[1],'('..ARGV[2])) do "
	     "redis.call('ZREM',KEYS[1],m) end "
	     "for _,m in ipairs(redis.call('ZRANGEBYSCORE',KEYS[2],'-inf',"
	     "'('..ARGV[3],'LIMIT',0,1000)) "
	     "do redis.call('ZREM',KEYS[1],m) redis.call('ZREM',KEYS[2],m) end "
	     "return 1"),
	TEXT("3372494477b56cb756f010934a606fef9536c5d7")
};

/* One operation in progress. */
struct geo_call {
	struct cache *cache;
	const struct script *script;
	/* the call is freed after it returns */
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

static void geo_call_replied(void *owner, int error, const redisReply *reply);

static int geo_script_send(struct geo_call *call, struct text how, struct text what)
{
	struct redis_call send = {
		.words = 5 + call->args, .key = 3, .done = geo_call_replied, .owner = call
	};

	send.word[0] = how;
	send.word[1] = what;
	send.word[2] = TEXT("2");
	send.word[3] = call->cache->layout->positions;
	send.word[4] = call->cache->geo->seen_key;
	for (int i = 0; i < call->args; i++)
		send.word[5 + i] = text_of(call->arg[i]);
	return redis_send(call->cache->redis, &send);
}

static void geo_call_replied(void *owner, int error, const redisReply *reply)
{
	struct geo_call *call = owner;

	if (error && reply && strncmp(reply->str, "NOSCRIPT", 8) == 0 &&
		geo_script_send(call, TEXT("EVAL"), call->script->text) == 0)
		return;
	if (call->done)
		call->done(call, error, reply);
	free(call);
}

static struct geo_call *geo_call_new(struct cache *cache, const struct script *script)
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

static void geo_arg_text(struct geo_call *call, const char *text)
{
	snprintf(call->arg[call->args++], ARG_SIZE, "%s", text);
}

static void geo_arg_int(struct geo_call *call, int64_t ms)
{
	snprintf(call->arg[call->args++], ARG_SIZE, "%lld", (long long)ms);
}

/* Seven decimals are one centimetre, more than Redis stores. */
static void geo_arg_degrees(struct geo_call *call, double degrees)
{
	snprintf(call->arg[call->args++], ARG_SIZE, "%.7f", degrees);
}

/* Riders whose last point is older are not found. */
static int64_t geo_oldest_ms(const struct cache *cache)
{
	return clock_wall_ms() - cache->layout->position_ttl_ms;
}

static int geo_call_send(struct geo_call *call)
{
	int error = geo_script_send(call, TEXT("EVALSHA"), call->script->sha);

	if (error)
		free(call);
	return error ? E_STORE_DOWN : 0;
}

/* --- Storing ---------------------------------------------------------------------------------- */

static void geo_store_replied(struct geo_call *call, int error, const redisReply *reply)
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
		return geo_store_batched(cache, rider, lat, lng, last_ms, done, owner);
	call = geo_call_new(cache, &store_script);
	if (!call)
		return E_STORE_DOWN;
	call->done = geo_store_replied;
	call->stored = done;
	call->owner = owner;
	geo_arg_text(call, rider);
	geo_arg_degrees(call, lng);
	geo_arg_degrees(call, lat);
	geo_arg_int(call, first_ms);
	geo_arg_int(call, last_ms);
	geo_arg_int(call, geo_oldest_ms(cache));
	return geo_call_send(call);
}

/* --- Finding ---------------------------------------------------------------------------------- */

static double geo_reply_number(const redisReply *reply)
{
	double number = 0;

	if (reply->type == REDIS_REPLY_STRING)
		text_to_double((struct text){ reply->str, reply->len }, &number);
	return number;
}

static bool geo_rider_parse(const redisReply *row, struct geo_rider *ret)
{
	if (row->type != REDIS_REPLY_ARRAY || row->elements != 5 ||
		row->element[0]->type != REDIS_REPLY_STRING)
		return false;
	*ret = (struct geo_rider){ .id = row->element[0]->str,
		.lng = geo_reply_number(row->element[1]),
		.lat = geo_reply_number(row->element[2]),
		.distance_m = geo_reply_number(row->element[3]),
		.seen_ms = llround(geo_reply_number(row->element[4])) };
	return true;
}

static void geo_find_replied(struct geo_call *call, int error, const redisReply *reply)
{
	size_t rows = !error && reply->type == REDIS_REPLY_ARRAY ? reply->elements : 0;
	struct geo_rider *riders = rows ? calloc(rows, sizeof(*riders)) : NULL;
	unsigned count = 0;

	for (size_t i = 0; riders && i < rows && count < call->wanted; i++)
		count += geo_rider_parse(reply->element[i], &riders[count]);
	call->found(call->owner, error, count, riders);
	free(riders);
}

static struct geo_call *geo_find_new(struct cache *cache, const struct script *script,
	unsigned count, geo_found *done, void *owner)
{
	struct geo_call *call = geo_call_new(cache, script);

	if (!call)
		return NULL;
	call->done = geo_find_replied;
	call->found = done;
	call->owner = owner;
	call->wanted = count;
	return call;
}

int geo_search(struct cache *cache, double lat, double lng, double radius_m, unsigned count,
	geo_found *done, void *owner)
{
	struct geo_call *call = geo_find_new(cache, &search_script, count, done, owner);

	if (!call)
		return E_STORE_DOWN;
	geo_arg_degrees(call, lng);
	geo_arg_degrees(call, lat);
	geo_arg_int(call, llround(radius_m));
	geo_arg_int(call, 2 * (int64_t)count + 50); /* some may be old and not swept yet */
	geo_arg_int(call, geo_oldest_ms(cache));
	return geo_call_send(call);
}

int geo_find(struct cache *cache, const char *rider, geo_found *done, void *owner)
{
	struct geo_call *call = geo_find_new(cache, &find_script, 1, done, owner);

	if (!call)
		return E_STORE_DOWN;
	geo_arg_text(call, rider);
	geo_arg_int(call, geo_oldest_ms(cache));
	return geo_call_send(call);
}

int geo_all(struct cache *cache, unsigned count, geo_found *done, void *owner)
{
	struct geo_call *call = geo_find_new(cache, &all_script, count, done, owner);

	if (!call)
		return E_STORE_DOWN;
	geo_arg_int(call, count);
	geo_arg_int(call, geo_oldest_ms(cache));
	return geo_call_send(call);
}

/* --- Removing --------------------------------------------------------------------------------- */

void geo_remove(struct cache *cache, const char *rider)
{
	struct redis_call call = { .words = 3, .key = 1 };

	call.word[0] = TEXT("ZREM");
	call.word[1] = cache->layout->positions;
	call.word[2] = text_of(rider);
	/* If it is lost: the position expires soon, and dispatch checks who is online. */
	if (cache->redis && redis_send(cache->redis, &call))
		return;
}

void geo_sweep(struct cache *cache)
{
	struct geo_call *call = geo_call_new(cache, &sweep_script);

	if (!call)
		return;
	geo_arg_int(call, geo_oldest_ms(cache) - GEO_SWEEP_MS);
	geo_arg_int(call, geo_oldest_ms(cache));
	geo_arg_int(call, clock_wall_ms() - cache->layout->point_max_age_ms - 2 * GEO_SWEEP_MS);
	if (geo_call_send(call))
		return; /* the next second tries again */
}
