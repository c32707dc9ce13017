/* SPDX-License-Identifier: MIT
 *
 * The intake: between a client's socket and libmicrohttpd. The linker redirects libmicrohttpd's
 * calls of recv, send and sendmsg to the functions below (--wrap in CMakeLists.txt, which is why
 * the library is linked as an archive). Received bytes pass the framing scanner first; a request
 * that it refuses is answered here and never reaches the library.
 *
 * This applies only while a thread runs a server's daemons. All other calls pass through.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "exchange.h"

/* Bytes that are read and discarded after a refusal. Closing a socket with unread bytes resets the
 * connection, and the client may lose the reply (RFC 9112, 9.6). */
#define DRAIN_MAX (1u << 20)
#define TARGET_KEPT 256

ssize_t __real_recv(int fd, void *at, size_t len, int flags);
ssize_t __real_send(int fd, const void *at, size_t len, int flags);
ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_recv(int fd, void *at, size_t len, int flags);
ssize_t __wrap_send(int fd, const void *at, size_t len, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);

static _Thread_local struct server *serving;
static _Thread_local struct port *serving_port;

void intake_run(struct port *port)
{
	serving = port->server;
	serving_port = port;
	MHD_run(port->daemon);
	serving = NULL;
	serving_port = NULL;
}

struct port *intake_port(void)
{
	return serving_port;
}

/* --- Connections by socket -------------------------------------------------------------------- */

int intake_add(struct connection *connection)
{
	struct server *server = connection->port->server;
	size_t fd = (size_t)connection->fd;

	if (fd >= server->socket_count) {
		size_t count = (fd + 1024) & ~(size_t)1023;
		struct connection **larger = realloc(
			server->sockets, count * sizeof(*server->sockets));

		if (!larger)
			return E_NO_MEMORY;
		memset(larger + server->socket_count, 0,
			(count - server->socket_count) * sizeof(*larger));
		server->sockets = larger;
		server->socket_count = count;
	}
	server->sockets[fd] = connection;
	framing_init(&connection->framing, (size_t)server->app->config->connection_memory);
	return 0;
}

void intake_remove(struct connection *connection)
{
	struct server *server = connection->port->server;

	if ((size_t)connection->fd < server->socket_count)
		server->sockets[connection->fd] = NULL;
	watch_stop(connection);
	free(connection->target);
	connection->target = NULL;
}

struct connection *connection_by_socket(int fd)
{
	return serving && fd >= 0 && (size_t)fd < serving->socket_count ? serving->sockets[fd]
									: NULL;
}

/* --- Receiving -------------------------------------------------------------------------------- */

/* Reads and discards what a client sends after a refusal. */
static ssize_t refused_discard(struct connection *connection)
{
	char discarded[16384];
	ssize_t n;

	while ((n = __real_recv(connection->fd, discarded, sizeof(discarded), 0)) > 0) {
		connection->drained += (size_t)n;
		if (connection->drained > DRAIN_MAX) {
			errno = ECONNRESET;
			return -1;
		}
	}
	return n;
}

/* Stores the target of a request that is, or may be, refused before libmicrohttpd has read it: the
 * library may overwrite the bytes. */
static void target_store(struct connection *connection)
{
	const struct framing *framing = &connection->framing;

	if (!framing->target || (!framing->fault && !framing_in_target(framing)))
		return;
	free(connection->target);
	connection->target = strndup(framing->target,
		framing->target_len < TARGET_KEPT ? framing->target_len : TARGET_KEPT);
}

/* While a complete request waits for its reply nothing is read: what arrives meanwhile, also the
 * client's end, stays in the socket until the reply is sent. */
static bool request_is_waiting(const struct connection *connection)
{
	return connection->exchange && connection->exchange->stage == STAGE_RUN;
}

static ssize_t connection_receive(struct connection *connection, void *at, size_t len)
{
	struct framing *framing = &connection->framing;
	ssize_t n;
	size_t pass;

	if (connection->refused)
		return refused_discard(connection);
	if (watch_is_drained(connection) || request_is_waiting(connection)) {
		errno = EAGAIN;
		return -1;
	}
	n = __real_recv(connection->fd, at, len, 0);
	if (n <= 0)
		return n;
	watch_received(connection, (size_t)n < len);
	serving->progress++;
	pass = framing_scan(framing, at, (size_t)n);
	target_store(connection);
	if (!framing->fault)
		return n;
	if (pass)
		return (ssize_t)pass; /* these are answered first: connection_completed */
	connection_refuse(connection, framing->fault, framing->why);
	return refused_discard(connection);
}

__attribute__((used)) ssize_t __wrap_recv(int fd, void *at, size_t len, int flags)
{
	struct connection *connection = connection_by_socket(fd);

	return connection ? connection_receive(connection, at, len)
			  : __real_recv(fd, at, len, flags);
}

/* --- Sending ---------------------------------------------------------------------------------- */

static ssize_t sent_counted(ssize_t n)
{
	if (n > 0 && serving)
		serving->progress++;
	return n;
}

/* The connection, when our header lines belong into what is sent. */
static struct connection *connection_with_lines(int fd)
{
	struct connection *connection = connection_by_socket(fd);

	return connection && connection->lines.len ? connection : NULL;
}

__attribute__((used)) ssize_t __wrap_send(int fd, const void *at, size_t len, int flags)
{
	struct connection *connection = connection_with_lines(fd);
	const struct iovec head = { (void *)at, len };

	return sent_counted(connection ? head_send(connection, &head, 1, flags)
				       : __real_send(fd, at, len, flags));
}

__attribute__((used)) ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
	struct connection *connection = connection_with_lines(fd);

	return sent_counted(connection
			? head_send(connection, message->msg_iov, message->msg_iovlen, flags)
			: __real_sendmsg(fd, message, flags));
}
