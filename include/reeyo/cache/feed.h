/* SPDX-License-Identifier: MIT
 *
 * Events through Redis: the stream `events` for consumers, and the channels `events` and `passing`
 * for the instances of the server. Redis may lose messages, so every reader also follows the view
 * `events`.
 *
 * Threads: call all functions on the owning loop's thread only.
 */
#ifndef REEYO_CACHE_FEED_H
#define REEYO_CACHE_FEED_H

#include "reeyo/cache/cache.h"

/* --- Publishing, over the connection of the cache --------------------------------------------- */

/* One event: its id, the fields of its stream entry, and the frame for the channel. */
struct feed_event {
	struct text id, aggregate, type, rooms, payload, frame;
};
#define FEED_EVENTS_MAX 1024u

/* Adds the events to the stream under the ids <id>-0 (ids that it already has are skipped) and
 * publishes their frames, in one script. done(owner, 0) on success. done(owner, error): some of the
 * events may be published; publish all of them again. Returns 0, or E_STORE_DOWN, E_BUSY or
 * E_NO_MEMORY when nothing was sent and done will not be called. Texts are copied. */
int feed_publish(struct cache *cache, const struct feed_event *events, unsigned count,
	void (*done)(void *owner, int error), void *owner) MUST_CHECK;
/* Publishes one frame on the channel `passing`, without storing it. Returns 0, or an error when it
 * was not sent. */
int feed_publish_ephemeral(struct cache *cache, struct text frame) MUST_CHECK;

/* --- Subscribing, over a separate connection -------------------------------------------------- */

struct feed;
struct feed_options {
	void (*on_frame)(void *owner, struct text frame); /* valid during the call */
	/* Frames arrive from now on; frames published before this call may be lost. */
	void (*on_subscribed)(void *owner);
	void *owner;
};
/* Connects in the background and subscribes to both channels, again after each lost connection.
 * With an empty redis_url no frame ever arrives. Returns 0, E_NO_MEMORY or E_CONFIG. */
int feed_new(struct loop *loop, const struct config *config, const struct feed_options *options,
	struct feed **ret) MUST_CHECK;
/* NULL is allowed. The loop must run one more turn. */
void feed_close(struct feed *feed);
/* True while subscribed; a lost connection may not have been noticed yet. */
bool feed_subscribed(const struct feed *feed);

#endif
