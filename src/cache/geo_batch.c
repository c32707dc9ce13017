/* SPDX-License-Identifier: MIT
 *
 * A report of a position without times cannot be refused. Those of one turn go out together, as one
 * GEOADD and one ZADD GT. (A script costs Redis 14 microseconds, a GEOADD 2, each further
 * member 1.)
 */
#include "geo_batch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "reeyo/core/memory.h"

#define BATCH_MAX 64 /* reports in one GEOADD */

struct geo_batch {
	struct geo_turn *turn;
	struct geo_batch *next; /* in the free list */
	unsigned count;
	struct {
		geo_stored *done;
		void *owner;
		char rider[GEO_ID_SIZE], lat[32], lng[32], time[24];
	} report[BATCH_MAX];
};

static void geo_batch_end(struct geo_batch *batch, int error)
{
	for (unsigned i = 0; i < batch->count; i++)
		batch->report[i].done(batch->report[i].owner, error, INT64_MIN);
	batch->next = batch->turn->free;
	batch->turn->free = batch;
}

static struct geo_batch *geo_batch_open(struct geo_turn *turn)
{
	struct geo_batch *batch = turn->free;

	if (batch)
		turn->free = batch->next;
	else
		batch = malloc(sizeof(*batch));
	if (batch) {
		batch->turn = turn;
		batch->count = 0;
	}
	return turn->open = batch;
}

static void geo_batch_replied(void *owner, int error, const redisReply *reply)
{
	(void)reply;
	geo_batch_end(owner, error);
}

static int geo_batch_send_times(struct redis *redis, const struct geo_batch *batch)
{
	struct text word[3 + 2 * BATCH_MAX] = { TEXT("ZADD"), batch->turn->seen_key, TEXT("GT") };
	int words = 3;

	for (unsigned i = 0; i < batch->count; i++) {
		word[words++] = text_of(batch->report[i].time);
		word[words++] = text_of(batch->report[i].rider);
	}
	return redis_send_words(redis, words, word, 1, NULL, NULL);
}

static int geo_batch_send_positions(struct redis *redis, struct geo_batch *batch)
{
	struct text word[2 + 3 * BATCH_MAX] = { TEXT("GEOADD"),
		batch->turn->cache->layout->positions };
	int words = 2;

	for (unsigned i = 0; i < batch->count; i++) {
		word[words++] = text_of(batch->report[i].lng);
		word[words++] = text_of(batch->report[i].lat);
		word[words++] = text_of(batch->report[i].rider);
	}
	return redis_send_words(redis, words, word, 1, geo_batch_replied, batch);
}

static void geo_batch_send(struct cache *cache)
{
	struct geo_batch *batch = TAKE_PTR(cache->geo->open);

	/* times first: every rider who is found must have one */
	if (batch &&
		(geo_batch_send_times(cache->redis, batch) ||
			geo_batch_send_positions(cache->redis, batch)))
		geo_batch_end(batch, E_STORE_DOWN);
}

static void geo_turn_ended(struct turn_hook *hook)
{
	geo_batch_send(CONTAINER_OF(hook, struct geo_turn, hook)->cache);
}

/* Not printf, which takes as long as the rest of a report. */
static char *digits_write(char *at, uint64_t number, int least)
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

static void degrees_write(char out[32], double degrees)
{
	uint64_t micro = (uint64_t)llround(fabs(degrees) * 1e6);
	char *at = out;

	if (degrees < 0)
		*at++ = '-';
	at = digits_write(at, micro / 1000000, 1);
	*at++ = '.';
	at = digits_write(at, micro % 1000000, 6);
	*at = '\0';
}

int geo_store_batched(struct cache *cache, const char *rider, double lat, double lng, int64_t at_ms,
	geo_stored *done, void *owner)
{
	struct geo_batch *batch;
	unsigned n;

	if (!cache->redis || !redis_up(cache->redis, cache->layout->positions))
		return E_STORE_DOWN;
	batch = cache->geo->open ? cache->geo->open : geo_batch_open(cache->geo);
	if (!batch)
		return E_STORE_DOWN;
	n = batch->count++;
	batch->report[n].done = done;
	batch->report[n].owner = owner;
	snprintf(batch->report[n].rider, GEO_ID_SIZE, "%s", rider);
	degrees_write(batch->report[n].lat, lat);
	degrees_write(batch->report[n].lng, lng);
	*digits_write(batch->report[n].time, (uint64_t)at_ms, 1) = '\0';
	cache->geo->hook.wanted = true;
	if (batch->count == BATCH_MAX)
		geo_batch_send(cache);
	return 0;
}

int geo_new(struct cache *cache)
{
	struct geo_turn *turn = calloc(1, sizeof(*turn));

	if (!turn)
		return E_NO_MEMORY;
	turn->cache = cache;
	snprintf(turn->seen_name, sizeof(turn->seen_name), "{%.*s}:seen",
		TEXT_ARGS(cache->layout->positions));
	turn->seen_key = text_of(turn->seen_name);
	turn->hook.run = geo_turn_ended;
	cache->geo = turn;
	loop_hook(cache->loop, PHASE_FLUSH, &turn->hook);
	return 0;
}

void geo_close(struct cache *cache)
{
	if (!cache->geo)
		return;
	if (cache->geo->open)
		geo_batch_end(TAKE_PTR(cache->geo->open), E_STORE_DOWN);
	while (cache->geo->free) {
		struct geo_batch *next = cache->geo->free->next;

		free(cache->geo->free);
		cache->geo->free = next;
	}
	loop_unhook(cache->loop, PHASE_FLUSH, &cache->geo->hook);
	free(TAKE_PTR(cache->geo));
}
