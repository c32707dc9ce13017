/* SPDX-License-Identifier: MIT
 *
 * A reply that does not end: a stream of server-sent events.
 *
 * The bytes of an event are made once and shared: each stream that sends them holds a reference
 * until the socket has taken them. A stream has a bounded queue of such pieces, so that a client
 * that does not read cannot block others: the owner checks stream_full before it sends.
 *
 * All functions: the loop's own thread, unless noted otherwise.
 */
#ifndef REEYO_HTTP_STREAM_H
#define REEYO_HTTP_STREAM_H

#include <stdatomic.h>

#include "reeyo/http/request.h"

struct stream;

/* First member of one malloc'ed allocation, which is freed with its last reference. */
struct shared {
	atomic_uint references; /* starts at 1, held by the creator */
};
/* Any thread. */
void shared_hold(struct shared *shared);
void shared_drop(struct shared *shared);

struct stream_calls {
	/* The queue is empty: the socket has taken everything. May send more. */
	void (*emptied)(struct stream *stream, void *owner);
	/* Called exactly once, when the connection has ended; the stream is invalid afterwards. */
	void (*ended)(void *owner);
};

/* Pieces and bytes that one stream queues before it is full. */
#define STREAM_PIECES_MAX 256u
#define STREAM_BYTES_MAX 65536u

/* Replies with a stream: 200, text/event-stream, `retry:` first. 0: rq is answered and must not be
 * touched any more; the stream may be used immediately. E_NO_MEMORY, E_DRAINING: nothing has
 * happened, reply as usual. */
int stream_open(struct request *rq, const struct stream_calls *calls, void *owner,
	struct stream **ret) MUST_CHECK;
/* Queues len bytes at `at`, which belong to shared (NULL: they are constant). False when they were
 * not queued: the stream is ending, or it was full and has been cut. */
bool stream_send(struct stream *stream, struct shared *shared, const char *at, size_t len);
/* True when the queue is full: wait for `emptied` before sending more. */
bool stream_full(const struct stream *stream);
/* Ends the stream once its queue has been sent. With `retry` it first asks the client to reconnect
 * in 1 to 5 seconds. */
void stream_finish(struct stream *stream, bool retry);
/* Ends the stream immediately. */
void stream_cut(struct stream *stream);
/* True when the queue is not empty and the socket has taken nothing since the last call. */
bool stream_stuck(struct stream *stream);

#endif
