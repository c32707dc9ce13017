/* SPDX-License-Identifier: MIT
 *
 * Events through Redis: see the header.
 *
 * A batch is said by a script, because it must stop at the first entry that Redis refuses for
 * another reason than having it already: with commands one by one a later id would be in the stream
 * before an earlier one, which could then never be added.
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

struct saying {
	void (*said)(void *owner, int error);
	void *owner;
};

static void said(void *owner, int error, const redisReply *reply)
{
	struct saying saying = *(struct saying *)owner;

	(void)reply;
	free(owner);
	saying.said(saying.owner, error);
}

static void words_of(const struct feed_event *event, struct text *word)
{
	word[0] = event->id;
	word[1] = event->type;
	word[2] = event->aggregate;
	word[3] = event->rooms;
	word[4] = event->payload;
	word[5] = event->frame;
}

int feed_say(struct cache *cache, const struct feed_event *events, unsigned count,
	void (*done)(void *owner, int error), void *owner)
{
	struct text *word auto_free = NULL;
	struct saying *saying;
	int error;

	if (!cache->redis || count > FEED_EVENTS_MAX)
		return E_STORE_DOWN;
	word = malloc((4 + (size_t)count * FIELDS) * sizeof(*word));
	saying = malloc(sizeof(*saying));
	if (!word || !saying) {
		free(saying);
		return E_NO_MEMORY;
	}
	*saying = (struct saying){ done, owner };
	word[0] = TEXT("EVAL");
	word[1] = TEXT(SCRIPT);
	word[2] = TEXT("1");
	word[3] = TEXT("events");
	for (unsigned i = 0; i < count; i++)
		words_of(&events[i], &word[4 + i * FIELDS]);
	error = redis_send_words(cache->redis, 4 + (int)count * FIELDS, word, 3, said, saying);
	if (error)
		free(saying);
	return error;
}

int feed_pass(struct cache *cache, struct text frame)
{
	const struct text word[] = { TEXT("PUBLISH"), TEXT("passing"), frame };

	return cache->redis ? redis_send_words(cache->redis, 3, word, 0, NULL, NULL) : E_STORE_DOWN;
}

/* --- Hearing ---------------------------------------------------------------------------------- */

struct feed {
	struct redis *redis; /* of its own: a subscribed connection takes no other command. NULL:
	                      * none */
	struct feed_options options;
	bool hears;
};

/* ["message", channel, frame], ["subscribe", channel, n], or NULL: the connection is lost. */
static void heard(void *owner, const redisReply *reply)
{
	struct feed *feed = owner;
	const redisReply *frame;

	if (!reply) {
		feed->hears = false;
		return;
	}
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3)
		return;
	frame = reply->element[2];
	if (frame->type == REDIS_REPLY_STRING) {
		feed->options.heard(feed->options.owner, (struct text){ frame->str, frame->len });
	} else if (!feed->hears) {
		feed->hears = true;
		feed->options.begun(feed->options.owner);
	}
}

static void up(void *owner)
{
	struct feed *feed = owner;

	if (!feed->hears && redis_subscribe(feed->redis, "SUBSCRIBE events passing", heard, feed))
		feed->hears = false; /* the next connection tries again */
}

int feed_new(struct loop *loop, const struct config *config, const struct feed_options *options,
	struct feed **ret)
{
	struct feed *feed = calloc(1, sizeof(*feed));
	struct redis_options redis = { .timeout_ms = (uint64_t)config->redis_timeout, .up = up,
		.owner = feed };
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

bool feed_hears(const struct feed *feed)
{
	return feed->hears;
}
