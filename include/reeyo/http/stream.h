/* SPDX-License-Identifier: MIT
 *
 * A request whose answer does not end: a stream of server-sent events.
 *
 * What a stream sends is shared: bytes are made once and every stream that wants them holds a
 * reference until the socket has taken them. A stream keeps a bounded queue of such pieces, so that
 * nobody waits for a client that does not read: its owner looks (stream_full) before he sends.
 *
 * All functions: the loop's own thread, unless they say otherwise.
 */
#ifndef REEYO_HTTP_STREAM_H
#define REEYO_HTTP_STREAM_H

#include <stdatomic.h>

#include "reeyo/http/request.h"

struct stream;

/* Stands first in one allocation of malloc that is freed with its last reference. */
struct shared {
	atomic_uint references; /* starts as 1: the maker's */
};
/* Any thread. */
void shared_hold(struct shared *shared);
void shared_drop(struct shared *shared);

struct stream_calls {
	/* All that was sent has been given to the socket. May send more. */
	void (*emptied)(struct stream *stream, void *owner);
	/* Exactly once, when the client is gone; the stream is invalid from then on. */
	void (*ended)(void *owner);
};

/* Pieces and bytes that may wait in one stream before it is full. */
#define STREAM_PIECES_MAX 256u
#define STREAM_BYTES_MAX 65536u

/* Turns the request into a stream: 200, text/event-stream, `retry:` first. 0: rq is answered and
 * must not be touched any more, the stream may be sent to at once. E_NO_MEMORY, E_DRAINING: nothing
 * has happened, reply as usual. */
int stream_open(struct request *rq, const struct stream_calls *calls, void *owner,
	struct stream **ret) MUST_CHECK;
/* Queues len bytes at `at`, which stand in shared (NULL: they are constant). A full stream is cut
 * instead, and false returned; one that ends takes nothing. */
bool stream_send(struct stream *stream, struct shared *shared, const char *at, size_t len);
/* So much waits that nothing more should be sent before `emptied`. */
bool stream_full(const struct stream *stream);
/* Ends once what is queued has been sent; before that tells the client to come back in 1 to 5
 * seconds when `retry`. */
void stream_finish(struct stream *stream, bool retry);
/* Ends at once. */
void stream_cut(struct stream *stream);
/* Since the last call the socket has taken nothing although something waits. */
bool stream_stuck(struct stream *stream);

#endif
