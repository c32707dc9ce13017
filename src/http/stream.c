/* SPDX-License-Identifier: MIT
 *
 * Streams: see the header.
 *
 * libmicrohttpd reads bytes with stream_read. When there are none, the connection is suspended; the
 * next piece resumes it. A suspended connection is not read and uses no time. The request and its
 * arena are freed when the stream is open; the texts for the access log are kept in a few hundred
 * bytes.
 *
 * A suspended connection is not read, so a closed connection is only noticed when the
 * next piece is sent. The owner sends a ping regularly, and the kernel closes a connection whose
 * peer acknowledges nothing for GIVE_UP_MS.
 *
 * A stream is freed when both libmicrohttpd's response and the connection have released it, in any
 * order.
 */
#include "reeyo/http/stream.h"
#include "reeyo/http/counters.h"

#include <assert.h>
#include <netinet/tcp.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/socket.h>

#include "exchange.h"

/* Block size for HTTP/1.0 clients, which get no chunks. */
#define BLOCK 512
#define PIECES_FIRST 4u
#define GIVE_UP_MS 60000

struct piece {
	struct shared *shared;
	const char *at;
	size_t len;
};

struct stream {
	struct server *server;
	struct connection *connection; /* NULL: completed */
	struct MHD_Connection *mhd;
	const struct stream_calls *calls;
	void *owner;
	struct stream *next, *previous;
	struct piece *pieces; /* ring buffer of `room` entries; NULL while empty */
	unsigned first, count, room;
	size_t waiting; /* unsent bytes of all pieces */
	size_t sent;    /* sent bytes of the first piece */
	uint64_t taken, taken_before;
	bool suspended, ending, cut, held; /* held: by libmicrohttpd's response */
	struct access_record access;
};

void shared_hold(struct shared *shared)
{
	if (shared)
		atomic_fetch_add_explicit(&shared->references, 1, memory_order_relaxed);
}

void shared_drop(struct shared *shared)
{
	if (shared && atomic_fetch_sub_explicit(&shared->references, 1, memory_order_acq_rel) == 1)
		free(shared);
}

/* --- The queue -------------------------------------------------------------------------------- */

static bool pieces_reserve(struct stream *stream)
{
	unsigned room = stream->room ? stream->room * 2 : PIECES_FIRST;
	struct piece *grown;

	if (stream->count < stream->room)
		return true;
	grown = malloc(room * sizeof(*grown));
	if (!grown)
		return false;
	assert(stream->room || !stream->count);
	for (unsigned i = 0; i < stream->count; i++)
		grown[i] = stream->pieces[(stream->first + i) % stream->room];
	free(stream->pieces);
	stream->pieces = grown;
	stream->first = 0;
	stream->room = room;
	return true;
}

static void piece_remove_first(struct stream *stream)
{
	shared_drop(stream->pieces[stream->first].shared);
	stream->first = (stream->first + 1) % stream->room;
	stream->count--;
	stream->sent = 0;
}

static void pieces_free(struct stream *stream)
{
	while (stream->count)
		piece_remove_first(stream);
	free(stream->pieces);
	stream->pieces = NULL;
	stream->room = stream->first = 0;
	stream->waiting = 0;
}

static size_t pieces_take(struct stream *stream, char *into, size_t room)
{
	size_t taken = 0;

	while (stream->count && taken < room) {
		const struct piece *piece = &stream->pieces[stream->first];
		size_t part = piece->len - stream->sent;

		if (part > room - taken)
			part = room - taken;
		memcpy(into + taken, piece->at + stream->sent, part);
		taken += part;
		stream->sent += part;
		if (stream->sent == piece->len)
			piece_remove_first(stream);
	}
	stream->waiting -= taken;
	stream->taken += taken;
	if (!stream->count)
		pieces_free(stream);
	return taken;
}

static void stream_wake(struct stream *stream)
{
	if (!stream->suspended)
		return;
	stream->suspended = false;
	stream->server->hook.wanted = true;
	MHD_resume_connection(stream->mhd);
}

static bool piece_add(struct stream *stream, struct shared *shared, const char *at, size_t len)
{
	if (!pieces_reserve(stream)) {
		stream_cut(stream);
		return false;
	}
	shared_hold(shared);
	stream->pieces[(stream->first + stream->count++) % stream->room] =
		(struct piece){ shared, at, len };
	stream->waiting += len;
	stream_wake(stream);
	return true;
}

bool stream_full(const struct stream *stream)
{
	return stream->count >= STREAM_PIECES_MAX || stream->waiting >= STREAM_BYTES_MAX;
}

bool stream_send(struct stream *stream, struct shared *shared, const char *at, size_t len)
{
	if (stream->ending || stream->cut || !stream->connection)
		return false;
	if (stream_full(stream)) {
		stream_cut(stream);
		return false;
	}
	return piece_add(stream, shared, at, len);
}

/* --- The end ---------------------------------------------------------------------------------- */

/* A random delay, so that the clients of an instance that stops do not all reconnect to the others
 * at the same moment. */
static const char *stream_retry(void)
{
	static const char *const lines[] = { "retry: 1000\n\n", "retry: 1500\n\n",
		"retry: 2000\n\n", "retry: 2500\n\n", "retry: 3000\n\n", "retry: 3500\n\n",
		"retry: 4000\n\n", "retry: 4500\n\n", "retry: 5000\n\n" };

	return lines[randombytes_uniform(COUNT_OF(lines))];
}

void stream_finish(struct stream *stream, bool retry)
{
	const char *line = stream_retry();

	if (stream->ending || stream->cut || !stream->connection)
		return;
	if (retry && !piece_add(stream, NULL, line, strlen(line)))
		return;
	stream->ending = true;
	stream_wake(stream);
}

void stream_cut(struct stream *stream)
{
	if (stream->cut || !stream->connection)
		return;
	stream->cut = true;
	count_one(loop_counters(stream->server->app->loop), COUNT_STREAMS_CUT);
	shutdown(stream->connection->fd, SHUT_RDWR);
	stream->server->hook.wanted = true;
	stream_wake(stream);
}

bool stream_stuck(struct stream *stream)
{
	bool stuck = stream->count && stream->taken == stream->taken_before;

	stream->taken_before = stream->taken;
	return stuck;
}

static void stream_free(struct stream *stream)
{
	if (stream->connection || stream->held)
		return;
	pieces_free(stream);
	access_free(&stream->access);
	free(stream);
}

void stream_completed(struct stream *stream)
{
	struct server *server = stream->server;

	if (stream->previous)
		stream->previous->next = stream->next;
	else
		server->streams = stream->next;
	if (stream->next)
		stream->next->previous = stream->previous;
	server->stream_count--;
	count_add(loop_counters(server->app->loop), COUNT_STREAMS_OPEN, -1);
	stream->access.bytes = stream->taken;
	access_log(server, &stream->access);
	stream->calls->ended(stream->owner);
	stream->connection->stream = NULL;
	stream->connection = NULL;
	stream->mhd = NULL;
	stream->suspended = false;
	server->hook.wanted = true;
	stream_free(stream);
}

void streams_drain(struct server *server)
{
	for (struct stream *stream = server->streams; stream; stream = stream->next) {
		stream_finish(stream, true);
		deadline_start(&server->closing, &stream->connection->deadline);
	}
}

void streams_cut(struct server *server)
{
	for (struct stream *stream = server->streams; stream; stream = stream->next)
		stream_cut(stream);
}

/* --- The beginning ---------------------------------------------------------------------------- */

int stream_open(
	struct request *rq, const struct stream_calls *calls, void *owner, struct stream **ret)
{
	struct exchange *x = exchange_of(rq);
	struct server *server = x->server;
	struct stream *stream;

	if (x->replied || x->gone)
		return E_INTERNAL;
	if (server->draining)
		return E_DRAINING;
	stream = calloc(1, sizeof(*stream));
	if (!stream || access_copy(&stream->access, x)) {
		free(stream);
		return E_NO_MEMORY;
	}
	stream->server = server;
	stream->connection = x->connection;
	stream->mhd = x->mhd;
	stream->calls = calls;
	stream->owner = owner;
	stream->access.status = 200;
	stream->next = server->streams;
	if (stream->next)
		stream->next->previous = stream;
	server->streams = stream;
	server->stream_count++;
	x->connection->stream = stream;
	count_one(loop_counters(server->app->loop), COUNT_STREAMS_OPEN);
	stream_send(stream, NULL, "retry: 2000\n\n", 13);
	*ret = stream;
	reply_stream(x, stream);
	return 0;
}

static ssize_t stream_read(void *cls, uint64_t position, char *into, size_t room)
{
	struct stream *stream = cls;
	size_t taken;

	(void)position;
	if (stream->cut)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	taken = pieces_take(stream, into, room);
	if (taken && !stream->count && !stream->ending && stream->calls->emptied)
		stream->calls->emptied(stream, stream->owner);
	if (taken)
		return (ssize_t)taken;
	if (stream->ending)
		return MHD_CONTENT_READER_END_OF_STREAM;
	stream->suspended = true;
	MHD_suspend_connection(stream->mhd);
	return 0;
}

static void stream_response_freed(void *cls)
{
	struct stream *stream = cls;

	stream->held = false;
	stream_free(stream);
}

struct MHD_Response *stream_response(struct stream *stream)
{
	struct MHD_Response *response = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, BLOCK, stream_read, stream, stream_response_freed);
	unsigned limit = GIVE_UP_MS;

	if (response)
		stream->held = true;
	setsockopt(stream->connection->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit, sizeof(limit));
	return response;
}
