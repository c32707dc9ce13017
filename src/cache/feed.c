/* SPDX-License-Identifier: MIT
 *
 * Events through Redis: see the header.
 *
 * A script publishes a batch, because publishing must stop at the first entry that Redis refuses
 * for any reason but having it already. With separate commands a later id could enter the stream
 * before an earlier one, and the earlier one could then never be added.
 */
#include "reeyo/cache/feed.h"

#include "aside.h"
#include "reeyo/core/memory.h"

#define FIELDS 6
#define SCRIPT \
	"for i=1,#ARGV,6 do " \
	"local r=redis.pcall('XADD',KEYS[1],'MAXLEN','~','100000',ARGV[i]..'-0'," \
	"'type',ARGV[i+1],'aggregate',ARGV[i+2],'rooms',ARGV[i+3],'payload',ARGV[i+4]) " \
	"if type(r)=='table' and r.err and not string.find(r.err,'equal or smaller',1,true) " \
	"then return r end " \
	"redis.call('PUBLISH','events',ARGV[i+5]) end return 1"

struct publication {
	void (*done)(void *owner, int error);
	void *owner;
};

static void feed_published(void *owner, int error, const redisReply *reply)
{
	struct publication publication = *(struct publication *)owner;

	(void)reply;
	free(owner);
	publication.done(publication.owner, error);
}

static void feed_event_words(const struct feed_event *event, struct text *word)
{
	word[0] = event->id;
	word[1] = event->type;
	word[2] = event->aggregate;
	word[3] = event->rooms;
	word[4] = event->payload;
	word[5] = event->frame;
}

int feed_publish(struct cache *cache, const struct feed_event *events, unsigned count,
	void (*done)(void *owner, int error), void *owner)
{
	struct text *word auto_free = NULL;
	struct publication *publication;
	int error;

	if (!cache->redis || count > FEED_EVENTS_MAX)
		return E_STORE_DOWN;
	word = malloc((4 + (size_t)count * FIELDS) * sizeof(*word));
	publication = malloc(sizeof(*publication));
	if (!word || !publication) {
		free(publication);
		return E_NO_MEMORY;
	}
	*publication = (struct publication){ done, owner };
	word[0] = TEXT("EVAL");
	word[1] = TEXT(SCRIPT);
	word[2] = TEXT("1");
	word[3] = TEXT("events");
	for (unsigned i = 0; i < count; i++)
		feed_event_words(&events[i], &word[4 + i * FIELDS]);
	error = redis_send_words(
		cache->redis, 4 + (int)count * FIELDS, word, 3, feed_published, publication);
	if (error)
		free(publication);
	return error;
}

int feed_publish_ephemeral(struct cache *cache, struct text frame)
{
	const struct text word[] = { TEXT("PUBLISH"), TEXT("passing"), frame };

	return cache->redis ? redis_send_words(cache->redis, 3, word, 0, NULL, NULL) : E_STORE_DOWN;
}

/* --- Subscribing ------------------------------------------------------------------------------ */

struct feed {
	struct redis *redis; /* a separate one: a subscribed connection takes no other command.
			      * NULL: not configured */
	struct feed_options options;
	bool subscribed;
};

/* ["message", channel, frame] or ["subscribe", channel, n]; NULL: the connection is lost. */
static void feed_message(void *owner, const redisReply *reply)
{
	struct feed *feed = owner;
	const redisReply *frame;

	if (!reply) {
		feed->subscribed = false;
		return;
	}
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3)
		return;
	frame = reply->element[2];
	if (frame->type == REDIS_REPLY_STRING) {
		feed->options.on_frame(
			feed->options.owner, (struct text){ frame->str, frame->len });
	} else if (!feed->subscribed) {
		feed->subscribed = true;
		feed->options.on_subscribed(feed->options.owner);
	}
}

static void feed_redis_up(void *owner)
{
	struct feed *feed = owner;

	if (!feed->subscribed &&
		redis_subscribe(feed->redis, "SUBSCRIBE events passing", feed_message, feed))
		feed->subscribed = false; /* the next connection tries again */
}

int feed_new(struct loop *loop, const struct config *config, const struct feed_options *options,
	struct feed **ret)
{
	struct feed *feed = calloc(1, sizeof(*feed));
	struct redis_options redis = {
		.timeout_ms = (uint64_t)config->redis_timeout, .up = feed_redis_up, .owner = feed
	};
	int error = feed ? 0 : E_NO_MEMORY;

	if (!error) {
		feed->options = *options;
		if (config->redis_url[0])
			error = address_parse(config->redis_url, &redis.address);
		if (!error && config->redis_url[0])
			error = redis_new(loop, &redis, &feed->redis);
	}
	if (error) {
		free(feed);
		return error;
	}
	*ret = feed;
	return 0;
}

void feed_close(struct feed *feed)
{
	if (!feed)
		return;
	redis_close(feed->redis);
	free(feed);
}

bool feed_subscribed(const struct feed *feed)
{
	return feed->subscribed;
}
