/* SPDX-License-Identifier: MIT
 *
 * Events through Redis: the stream `events` for consumers, the channels `events` and `passing` for
 * the copies of the server. Redis loses what it likes: whoever listens here follows the table as
 * well.
 *
 * All functions: the owning loop's thread only.
 */
#ifndef REEYO_CACHE_FEED_H
#define REEYO_CACHE_FEED_H

#include "reeyo/cache/cache.h"

/* --- Saying, over the cache's own connection -------------------------------------------------- */

/* One event: id, the fields of its entry in the stream, and the frame for the channel. */
struct feed_event {
	struct text id, aggregate, type, rooms, payload, frame;
};
#define FEED_EVENTS_MAX 1024u

/* Adds them to the stream under the ids <id>-0 (those it has already are left out) and publishes
 * their frames, all in one step of Redis. said(owner, 0), or an error: some may have been said, say
 * all again. 0, or
 * E_STORE_DOWN, E_BUSY, E_NO_MEMORY: nothing was sent. Texts are copied. */
int feed_say(struct cache *cache, const struct feed_event *events, unsigned count,
	void (*said)(void *owner, int error), void *owner) MUST_CHECK;
/* Publishes one frame on the channel `passing`. 0, or the error: nobody will hear. */
int feed_pass(struct cache *cache, struct text frame) MUST_CHECK;

/* --- Hearing, over a connection of its own ---------------------------------------------------- */

struct feed;
struct feed_options {
	void (*heard)(void *owner, struct text frame); /* valid during the call */
	/* Frames are heard from now on; what was published before may be lost. */
	void (*begun)(void *owner);
	void *owner;
};
/* Connects in the background and subscribes to both channels, again after each loss. redis_url ""
 * gives a feed that never hears. 0, E_NO_MEMORY or E_CONFIG. */
int feed_new(struct loop *loop, const struct config *config, const struct feed_options *options,
	struct feed **ret) MUST_CHECK;
/* NULL is allowed. The loop must run on for a turn. */
void feed_close(struct feed *feed);
/* Subscribed, as far as is known. */
bool feed_hears(const struct feed *feed);

#endif
