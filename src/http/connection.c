/* SPDX-License-Identifier: MIT
 *
 * Connections: libmicrohttpd's callbacks, from accept to close, and the deadlines of a connection.
 *
 * All deadlines are our own, because MHD's timeout is reset by every byte that a slow client sends.
 */
#include <arpa/inet.h>
#include <sys/socket.h>

#include "exchange.h"
#include "reeyo/http/counters.h"

static struct connection *connection_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

/* An IPv4-mapped address is written as an IPv4 address. */
static void ipv6_format(const struct in6_addr *address, char out[INET6_ADDRSTRLEN])
{
	if (IN6_IS_ADDR_V4MAPPED(address))
		inet_ntop(AF_INET, address->s6_addr + 12, out, INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET6, address, out, INET6_ADDRSTRLEN);
}

static void connection_address(struct connection *connection, struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *address = info ? info->client_addr : NULL;

	if (address && address->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr,
			connection->address, sizeof(connection->address));
	else if (address && address->sa_family == AF_INET6)
		ipv6_format(
			&((const struct sockaddr_in6 *)address)->sin6_addr, connection->address);
}

static void connection_opened(struct port *port, struct MHD_Connection *mhd, void **context)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		mhd, MHD_CONNECTION_INFO_CONNECTION_FD);

	*context = connection;
	if (!connection)
		return; /* the first request is refused */
	connection->port = port;
	connection->fd = info ? info->connect_fd : -1;
	if (connection->fd < 0 || intake_add(connection)) {
		free(connection);
		*context = NULL;
		return;
	}
	port->server->progress++;
	connection_address(connection, mhd);
	deadline_start(&port->server->header, &connection->deadline);
	port->server->connections++;
	count_one(loop_counters(port->server->app->loop), COUNT_CONNECTIONS);
}

static void connection_closed(struct port *port, void **context)
{
	struct connection *connection = *context;

	if (!connection)
		return;
	deadline_stop(&connection->deadline);
	intake_remove(connection);
	head_lines_clear(connection);
	free(connection);
	*context = NULL;
	port->server->progress++;
	port->server->connections--;
	/* At its connection limit MHD removes the listening socket from its epoll, and adds it
	 * again only at the start of a run after a connection has closed. So another run is
	 * needed. */
	port->server->hook.wanted = true;
	count_add(loop_counters(port->server->app->loop), COUNT_CONNECTIONS, -1);
}

void connection_notify(void *cls, struct MHD_Connection *mhd, void **context,
	enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		connection_opened(cls, mhd, context);
	else
		connection_closed(cls, context);
}

/* True when at least a part of a request has arrived and it has no reply yet. */
static bool request_is_arriving(const struct connection *connection)
{
	const struct exchange *x = connection->exchange;

	return x ? x->stage != STAGE_SENT
		 : !connection->stream && framing_begun(&connection->framing);
}

/* The deadline for headers, body or sending has passed. MHD has no call that closes a connection
 * from outside, but it closes one whose socket was shut down. */
void connection_expired(struct deadline *deadline)
{
	struct connection *connection = CONTAINER_OF(deadline, struct connection, deadline);
	struct server *server = connection->port->server;

	if (!connection->idle && !connection->refused)
		count_one(loop_counters(server->app->loop), COUNT_HTTP_DEADLINES);
	if (request_is_arriving(connection) && !connection->refused)
		return connection_refuse(connection, E_REQUEST_TIMEOUT, NULL);
	shutdown(connection->fd, SHUT_RDWR);
	server->hook.wanted = true;
}

/* The handler did not reply in time: the client gets 503, and a later reply is ignored. */
void connection_run_expired(struct deadline *deadline)
{
	struct connection *connection = CONTAINER_OF(deadline, struct connection, deadline);
	struct exchange *x = connection->exchange;

	if (!x || x->replied)
		return;
	count_one(loop_counters(connection->port->server->app->loop), COUNT_HTTP_DEADLINES);
	log_line(LOG_WARN, "a handler exceeded its deadline", LOG_T("requestId", x->rq.request_id),
		LOG_T("route", x->rq.route ? x->rq.route->path : NULL));
	reply_error(&x->rq, E_TIMED_OUT);
}

/* libmicrohttpd would store each pair of the query in the connection's memory, which the response's
 * head also needs, and close the connection without a reply when it is full. The server reads the
 * query from its own copy, so the library gets an empty one. */
static void query_hide(const char *uri)
{
	char *mark = strchr((char *)uri, '?');

	if (mark)
		mark[1] = '\0';
}

/* Parameters are decoded where they are read. The library's decoded path is not used. */
size_t connection_path(void *cls, struct MHD_Connection *mhd, char *path)
{
	(void)cls;
	(void)mhd;
	return strlen(path);
}

/* The request line has arrived; the headers follow. */
void *connection_uri(void *cls, const char *uri, struct MHD_Connection *mhd)
{
	struct port *port = cls;
	struct connection *connection = connection_of(mhd);
	struct exchange *x;

	if (!connection)
		return NULL;
	if (connection->idle) {
		connection->idle = false;
		deadline_start(&port->server->header, &connection->deadline);
	}
	x = exchange_new(connection, mhd, uri);
	query_hide(uri);
	connection->exchange = x;
	return x;
}

enum MHD_Result connection_access(void *cls, struct MHD_Connection *mhd, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_len,
	void **context)
{
	struct exchange *x = *context;
	enum MHD_Result result;

	(void)cls;
	(void)url;
	if (!x)
		return MHD_NO; /* out of memory: the connection is closed */
	x->inside = true;
	if (x->stage == STAGE_HEAD)
		result = exchange_head(x, method, version);
	else if (x->stage == STAGE_BODY)
		result = exchange_body(x, upload, upload_len);
	else {
		*upload_len = 0;
		result = x->replied && x->stage != STAGE_SENT ? reply_queue(x) : MHD_YES;
	}
	x->inside = false;
	if (x->stream && x->stage == STAGE_SENT) { /* the stream outlives its request */
		*context = NULL;
		connection_of(mhd)->exchange = NULL;
		exchange_end_streaming(x);
	}
	return result;
}

/* A request has been answered. When the scanner has found a fault in a later request, that one is
 * refused after all requests before it have been answered. */
static void connection_request_answered(struct connection *connection)
{
	const struct framing *framing = &connection->framing;

	deadline_start(&connection->port->server->keepalive, &connection->deadline);
	watch_answered(connection);
	if (++connection->answered == framing->requests && framing->fault)
		connection_refuse(connection, framing->fault, framing->why);
}

void connection_completed(
	void *cls, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode code)
{
	struct exchange *x = *context;
	struct connection *connection = connection_of(mhd);

	(void)cls;
	*context = NULL;
	if (connection && connection->stream)
		stream_completed(connection->stream);
	if (connection) {
		head_lines_clear(connection);
		connection->exchange = NULL;
		connection->idle = true;
		if (code == MHD_REQUEST_TERMINATED_COMPLETED_OK)
			connection_request_answered(connection);
	}
	if (x)
		exchange_completed(x);
}
