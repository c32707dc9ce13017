/* SPDX-License-Identifier: MIT
 *
 * Listeners and their libmicrohttpd daemons.
 *
 * Each daemon runs in external epoll mode: a uv_poll watches its epoll descriptor, and MHD_run is
 * called once at the end of a turn in which there was socket activity, a resumed connection, or
 * more work for MHD. (MHD_get_timeout returns 0 when MHD has read bytes that it has not handled
 * yet. Without this check a resumed connection can sleep until the next timer.)
 *
 * All deadlines are our own, because MHD's timeout is reset by every byte that a slow client sends.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exchange.h"
#include "json.h"

/* Most runs of a daemon in one turn, before the loop polls. */
#define RUNS_PER_TURN 8
/* After this many runs without progress, a daemon that asks for another one waits for STALL_MS. */
#define IDLE_RUNS 3
#define STALL_MS 100
/* On drain idle keep-alive connections stay open this long, for requests that are on their way. */
#define LINGER_MS 1000
/* Time for the client of an ending stream to read its queue, and for a refused client to read its
 * reply. */
#define CLOSING_MS 2000

static void connection_expired(struct deadline *deadline);
static void run_expired(struct deadline *deadline);

void server_process_start(void)
{
	json_memory_start();
}

int listener_parse(const char *text, struct listener *ret)
{
	struct text whole = text_trim(text_of(text));
	const char *colon = whole.len ? memrchr(whole.at, ':', whole.len) : NULL;
	struct text host, port;
	int64_t number;

	if (!colon)
		goto wrong;
	host = (struct text){ whole.at, (size_t)(colon - whole.at) };
	port = (struct text){ colon + 1, whole.len - host.len - 1 };
	if (host.len >= 2 && host.at[0] == '[' && host.at[host.len - 1] == ']')
		host = (struct text){ host.at + 1, host.len - 2 };
	if (host.len == 0 || text_is(host, TEXT("*")))
		host = TEXT("0.0.0.0");
	if (text_is(host, TEXT("localhost")))
		host = TEXT("127.0.0.1");
	if (!text_to_int(port, 0, 65535, &number) || host.len >= sizeof(ret->address))
		goto wrong;
	*ret = (struct listener){ .port = (uint16_t)number };
	memcpy(ret->address, host.at, host.len);
	return 0;
wrong:
	log_line(LOG_ERROR, "invalid listen address: write address:port, e.g. 0.0.0.0:8080",
		LOG_T("listen", text));
	return E_CONFIG;
}

static int listen_failed(const struct listener *listener, const char *what, int fd)
{
	log_line(LOG_ERROR,
		errno == EADDRINUSE ?
			"the port is in use by another program: choose another with --listen" :
			"cannot listen",
		LOG_T("address", listener->address), LOG_I("port", listener->port),
		LOG_T("call", what), LOG_T("why", strerror(errno)));
	if (fd >= 0)
		close(fd);
	return E_CONFIG;
}

static int listener_sockaddr(
        const struct listener *listener, struct sockaddr_storage *ret, socklen_t *len)
{
	struct sockaddr_in *four = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, listener->address, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons(listener->port);
		*len = sizeof(*four);
		return 0;
	}
	if (inet_pton(AF_INET6, listener->address, &six->sin6_addr) == 1) {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons(listener->port);
		*len = sizeof(*six);
		return 0;
	}
	log_line(LOG_ERROR, "listen needs a numeric address", LOG_T("address", listener->address));
	return E_CONFIG;
}

/* Checks without SO_REUSEPORT whether another program has the port. Only the first loop does this,
 * because the loops share the port. */
static int port_is_free(const struct listener *listener, const struct sockaddr *address,
	socklen_t len)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int yes = 1;

	if (fd < 0)
		return listen_failed(listener, "socket", -1);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(fd, address, len) != 0)
		return listen_failed(listener, "bind", fd);
	close(fd);
	return 0;
}

static int listen_socket(struct listener *listener, bool first, int backlog, int *ret_fd)
{
	struct sockaddr_storage address;
	socklen_t len;
	int yes = 1;
	int fd;

	if (listener_sockaddr(listener, &address, &len))
		return E_CONFIG;
	if (first && listener->port && port_is_free(listener, (struct sockaddr *)&address, len))
		return E_CONFIG;
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return listen_failed(listener, "socket", -1);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	if (bind(fd, (struct sockaddr *)&address, len) != 0)
		return listen_failed(listener, "bind", fd);
	if (listen(fd, backlog) != 0)
		return listen_failed(listener, "listen", fd);
	len = sizeof(address);
	if (getsockname(fd, (struct sockaddr *)&address, &len) == 0)
		listener->port = ntohs(address.ss_family == AF_INET6 ?
					       ((struct sockaddr_in6 *)&address)->sin6_port :
					       ((struct sockaddr_in *)&address)->sin_port);
	*ret_fd = fd;
	return 0;
}

/* --- Connections ------------------------------------------------------------------------------ */

static struct connection *connection_of(struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

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
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
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
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);

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

static void on_connection(void *cls, struct MHD_Connection *mhd, void **context,
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

	return x ? x->stage != STAGE_SENT :
		   !connection->stream && framing_begun(&connection->framing);
}

/* The deadline for headers, body or sending has passed. MHD has no call that closes a connection
 * from outside, but it closes one whose socket was shut down. */
static void connection_expired(struct deadline *deadline)
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
static void run_expired(struct deadline *deadline)
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
	char *mark = strchr((char *)(uintptr_t)uri, '?');

	if (mark)
		mark[1] = '\0';
}

/* Parameters are decoded where they are read. The library's decoded path is not used. */
static size_t path_keep_encoded(void *cls, struct MHD_Connection *mhd, char *path)
{
	(void)cls;
	(void)mhd;
	return strlen(path);
}

/* The request line has arrived; the headers follow. */
static void *on_uri(void *cls, const char *uri, struct MHD_Connection *mhd)
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

static enum MHD_Result on_access(void *cls, struct MHD_Connection *mhd, const char *url,
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
	if (++connection->answered == framing->requests && framing->fault)
		connection_refuse(connection, framing->fault, framing->why);
}

static void on_completed(void *cls, struct MHD_Connection *mhd, void **context,
	enum MHD_RequestTerminationCode code)
{
	struct exchange *x = *context;
	struct connection *connection = connection_of(mhd);

	(void)cls;
	*context = NULL;
	if (connection && connection->stream)
		stream_completed(connection->stream);
	if (connection) {
		connection->exchange = NULL;
		connection->idle = true;
		if (code == MHD_REQUEST_TERMINATED_COMPLETED_OK)
			connection_request_answered(connection);
	}
	if (x)
		exchange_completed(x);
}

/* --- Daemons ---------------------------------------------------------------------------------- */

static void on_activity(uv_poll_t *poll, int status, int events)
{
	struct port *port = poll->data;

	(void)status;
	(void)events;
	port->server->hook.wanted = true;
}

static bool port_has_work(struct port *port)
{
	MHD_UNSIGNED_LONG_LONG timeout;

	return MHD_get_timeout(port->daemon, &timeout) == MHD_YES && timeout == 0;
}

/* The drain waits for requests that are running; their replies carry Connection: close. It does not
 * wait for idle connections longer than LINGER_MS. */
static void drain_check(struct server *server)
{
	void (*drained)(void *) = server->drained;

	if (!drained || server->running || server->stream_count ||
		(server->connections && deadline_runs(&server->linger_timer)))
		return;
	server->drained = NULL;
	deadline_stop(&server->linger_timer);
	drained(server->drained_arg);
}

static void linger_ended(struct deadline *deadline)
{
	drain_check(CONTAINER_OF(deadline, struct server, linger_timer));
}

/* Runs a daemon until it has nothing to do. When the last runs made no progress although the daemon
 * asked for them, the next run waits for activity or STALL_MS. */
static void port_run(struct port *port)
{
	struct server *server = port->server;
	unsigned runs = 0, idle = 0;

	do {
		uint64_t before = server->progress;

		intake_run(port);
		idle = server->progress == before ? idle + 1 : 0;
		if (!port_has_work(port))
			return;
		if (idle == IDLE_RUNS)
			return deadline_start(&server->stall, &server->stall_timer);
	} while (++runs < RUNS_PER_TURN && !loop_turn_is_long(server->app->loop));
	server->hook.wanted = true; /* continue after the other hooks have run */
}

static void parse_window_ended(struct deadline *deadline)
{
	CONTAINER_OF(deadline, struct server, parse_pause)->hook.wanted = true;
}

static void stall_ended(struct deadline *deadline)
{
	CONTAINER_OF(deadline, struct server, stall_timer)->hook.wanted = true;
}

static void server_run_daemons(struct turn_hook *hook)
{
	struct server *server = CONTAINER_OF(hook, struct server, hook);

	parse_queue_run(server, false);
	for (unsigned i = 0; i < server->port_count; i++)
		if (server->ports[i].daemon)
			port_run(&server->ports[i]);
	if (server->draining)
		drain_check(server);
}

static void mhd_log(void *cls, const char *format, va_list args)
{
	char line[256];

	(void)cls;
	if (!log_on(LOG_DEBUG))
		return;
	vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\n")] = '\0';
	log_line(LOG_DEBUG, line, LOG_T("from", "libmicrohttpd"));
}

static int port_start(struct server *server, struct port *port, bool first)
{
	const struct config *config = server->app->config;
	unsigned loops = 0;
	int fd = -1;

	while (server->app->all[loops])
		loops++;
	if (listen_socket(&port->listener, first, (int)config->backlog, &fd))
		return E_CONFIG;
	port->server = server;
	port->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG,
		0, NULL, NULL, on_access, port, MHD_OPTION_EXTERNAL_LOGGER, mhd_log, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)config->connection_memory, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)(config->max_connections / (loops ? loops : 1)),
		MHD_OPTION_CONNECTION_TIMEOUT, 0u, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
		port, MHD_OPTION_URI_LOG_CALLBACK, on_uri, port,
		MHD_OPTION_UNESCAPE_CALLBACK, path_keep_encoded, NULL, MHD_OPTION_NOTIFY_COMPLETED,
		on_completed, port, MHD_OPTION_STRICT_FOR_CLIENT, 0,
		MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
	if (!port->daemon) {
		close(fd);
		log_line(LOG_ERROR, "cannot start the HTTP daemon",
			LOG_T("address", port->listener.address),
			LOG_I("port", port->listener.port));
		return E_CONFIG;
	}
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(port->daemon,
		MHD_DAEMON_INFO_EPOLL_FD);

	if (uv_poll_init(loop_uv(server->app->loop), &port->poll, info->epoll_fd))
		return E_CONFIG;
	port->poll.data = port;
	port->polling = true;
	uv_poll_start(&port->poll, UV_READABLE, on_activity);
	return 0;
}

int server_new(struct app *app, const struct server_steps *steps, struct listener *listeners,
	unsigned count, struct server **ret)
{
	const struct config *config = app->config;
	struct server *server = calloc(1, sizeof(*server));

	if (!server)
		return E_NO_MEMORY;
	server->app = app;
	server->steps = *steps;
	server->ports = calloc(count, sizeof(*server->ports));
	if (!server->ports) {
		free(server);
		return E_NO_MEMORY;
	}
	deadline_list_init(&server->header, app->loop, (uint64_t)config->header_timeout,
		connection_expired);
	deadline_list_init(&server->keepalive, app->loop, (uint64_t)config->keepalive_timeout,
		connection_expired);
	deadline_list_init(&server->body, app->loop, (uint64_t)config->body_timeout,
		connection_expired);
	deadline_list_init(&server->pause, app->loop, REQUEST_PAUSE_MS, exchange_pause_ended);
	deadline_list_init(&server->run, app->loop, (uint64_t)config->request_timeout, run_expired);
	deadline_list_init(&server->send, app->loop, (uint64_t)config->send_timeout,
		connection_expired);
	deadline_list_init(&server->linger, app->loop, LINGER_MS, linger_ended);
	deadline_list_init(&server->closing, app->loop, CLOSING_MS, connection_expired);
	deadline_list_init(&server->parse_window, app->loop, PARSE_WINDOW_MS, parse_window_ended);
	deadline_list_init(&server->stall, app->loop, STALL_MS, stall_ended);
	server->hook.run = server_run_daemons;
	server->log_hook.run = access_log_flush;
	loop_hook(app->loop, PHASE_SERVE, &server->hook);
	loop_hook(app->loop, PHASE_FLUSH, &server->log_hook);
	for (; server->port_count < count; server->port_count++) {
		struct port *port = &server->ports[server->port_count];

		port->listener = listeners[server->port_count];
		if (port_start(server, port, loop_index(app->loop) == 0)) {
			server->port_count++;
			server_close(server);
			return E_CONFIG;
		}
		listeners[server->port_count].port = port->listener.port;
	}
	app->server = server;
	*ret = server;
	return 0;
}

void server_drain(struct server *server, void (*drained)(void *arg), void *arg)
{
	server_run_daemons(
	        &server->hook); /* takes connections that the kernel has already accepted */
	server->draining = true;
	server->drained = drained;
	server->drained_arg = arg;
	deadline_start(&server->linger, &server->linger_timer);
	streams_drain(server);
	for (unsigned i = 0; i < server->port_count; i++) {
		MHD_socket fd = MHD_quiesce_daemon(server->ports[i].daemon);

		if (fd != MHD_INVALID_SOCKET)
			close(fd);
	}
	server->hook.wanted = true;
}

static void port_closed(uv_handle_t *handle)
{
	struct port *port = handle->data;

	port->polling = false;
}

static bool ports_are_polling(const struct server *server)
{
	for (unsigned i = 0; i < server->port_count; i++)
		if (server->ports[i].polling)
			return true;
	return false;
}

void server_close(struct server *server)
{
	if (!server)
		return;
	server->drained = NULL; /* the remaining requests are cut: this is not a completed drain */
	loop_unhook(server->app->loop, PHASE_SERVE, &server->hook);
	loop_unhook(server->app->loop, PHASE_FLUSH, &server->log_hook);
	while (server->exchanges) { /* MHD cannot stop while a connection is suspended */
		struct exchange *x = server->exchanges;

		exchange_unlist(x);
		if (!x->replied)
			reply_error(&x->rq, E_DRAINING);
	}
	parse_queue_run(server, true);
	streams_cut(server);
	server_run_daemons(&server->hook);
	for (unsigned i = 0; i < server->port_count; i++)
		if (server->ports[i].daemon)
			MHD_stop_daemon(server->ports[i].daemon);
	access_log_flush(&server->log_hook);
	deadline_list_close(&server->header);
	deadline_list_close(&server->keepalive);
	deadline_list_close(&server->body);
	deadline_list_close(&server->pause);
	deadline_list_close(&server->run);
	deadline_list_close(&server->send);
	deadline_list_close(&server->linger);
	deadline_list_close(&server->closing);
	deadline_list_close(&server->stall);
	deadline_list_close(&server->parse_window);
	server->app->server = NULL;
	for (unsigned i = 0; i < server->port_count; i++)
		if (server->ports[i].polling)
			uv_close((uv_handle_t *)&server->ports[i].poll, port_closed);
	while (ports_are_polling(server))
		uv_run(loop_uv(server->app->loop), UV_RUN_ONCE);
	free(server->ports);
	free(server->sockets);
	free(server->log);
	free(server);
}
