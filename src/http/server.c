/* SPDX-License-Identifier: MIT
 *
 * The server of a loop: its libmicrohttpd daemons, drain and shutdown.
 *
 * Each daemon runs in external epoll mode: a uv_poll watches its epoll descriptor, and MHD_run is
 * called once at the end of a turn in which there was socket activity, a resumed connection, or
 * more work for MHD. (MHD_get_timeout returns 0 when MHD has read bytes that it has not handled
 * yet. Without this check a resumed connection can sleep until the next timer.)
 */
#include <stdio.h>
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

void server_process_start(void)
{
	json_memory_start();
}

static void port_activity(uv_poll_t *poll, int status, int events)
{
	struct port *port = poll->data;

	(void)status;
	(void)events;
	port->active = true;
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

static struct MHD_Daemon *daemon_start(struct port *port, int fd)
{
	const struct app *app = port->server->app;
	unsigned loops = 0;

	while (app->all[loops])
		loops++;
	return MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0,
		NULL, NULL, connection_access, port, MHD_OPTION_EXTERNAL_LOGGER, mhd_log, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)app->config->connection_memory, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)(app->config->max_connections / (loops ? loops : 1)),
		MHD_OPTION_CONNECTION_TIMEOUT, 0u, MHD_OPTION_NOTIFY_CONNECTION, connection_notify,
		port, MHD_OPTION_URI_LOG_CALLBACK, connection_uri, port,
		MHD_OPTION_UNESCAPE_CALLBACK, connection_path, NULL, MHD_OPTION_NOTIFY_COMPLETED,
		connection_completed, port, MHD_OPTION_STRICT_FOR_CLIENT, 0,
		MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
}

static int port_start(struct server *server, struct port *port, bool first)
{
	const union MHD_DaemonInfo *info;
	int fd = -1;

	if (listener_open(&port->listener, first, (int)server->app->config->backlog, &fd))
		return E_CONFIG;
	port->server = server;
	port->daemon = daemon_start(port, fd);
	if (!port->daemon) {
		close(fd);
		log_line(LOG_ERROR, "cannot start the HTTP daemon",
			LOG_T("address", port->listener.address),
			LOG_I("port", port->listener.port));
		return E_CONFIG;
	}
	info = MHD_get_daemon_info(port->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	port->epoll = info->epoll_fd;
	if (uv_poll_init(loop_uv(server->app->loop), &port->poll, port->epoll))
		return E_CONFIG;
	port->poll.data = port;
	port->polling = true;
	uv_poll_start(&port->poll, UV_READABLE, port_activity);
	return 0;
}

static void server_deadlines_init(struct server *server)
{
	const struct config *config = server->app->config;
	struct loop *loop = server->app->loop;

	deadline_list_init(
		&server->header, loop, (uint64_t)config->header_timeout, connection_expired);
	deadline_list_init(
		&server->keepalive, loop, (uint64_t)config->keepalive_timeout, connection_expired);
	deadline_list_init(&server->body, loop, (uint64_t)config->body_timeout, connection_expired);
	deadline_list_init(&server->pause, loop, REQUEST_PAUSE_MS, exchange_pause_ended);
	deadline_list_init(
		&server->run, loop, (uint64_t)config->request_timeout, connection_run_expired);
	deadline_list_init(&server->send, loop, (uint64_t)config->send_timeout, connection_expired);
	deadline_list_init(&server->linger, loop, LINGER_MS, linger_ended);
	deadline_list_init(&server->closing, loop, CLOSING_MS, connection_expired);
	deadline_list_init(&server->parse_window, loop, PARSE_WINDOW_MS, parse_window_ended);
	deadline_list_init(&server->stall, loop, STALL_MS, stall_ended);
}

static void server_deadlines_close(struct server *server)
{
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
}

/* Starts the daemons; the ports that were assigned are written into listeners. */
static int ports_start(struct server *server, struct listener *listeners, unsigned count)
{
	bool first = loop_index(server->app->loop) == 0;

	while (server->port_count < count) {
		struct listener *listener = &listeners[server->port_count];
		struct port *port = &server->ports[server->port_count++];

		port->listener = *listener;
		if (port_start(server, port, first))
			return E_CONFIG;
		listener->port = port->listener.port;
	}
	return 0;
}

int server_new(struct app *app, const struct server_steps *steps, struct listener *listeners,
	unsigned count, struct server **ret)
{
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
	server_deadlines_init(server);
	server->hook.run = server_run_daemons;
	server->log_hook.run = access_log_flush;
	loop_hook(app->loop, PHASE_SERVE, &server->hook);
	loop_hook(app->loop, PHASE_FLUSH, &server->log_hook);
	if (ports_start(server, listeners, count)) {
		server_close(server);
		return E_CONFIG;
	}
	app->server = server;
	*ret = server;
	return 0;
}

/* Runs the daemons whether or not their sockets have reported anything. */
static void server_run_all(struct server *server)
{
	for (unsigned i = 0; i < server->port_count; i++)
		server->ports[i].active = true;
	server_run_daemons(&server->hook);
}

void server_drain(struct server *server, void (*drained)(void *arg), void *arg)
{
	server_run_all(server); /* takes connections that the kernel has already accepted */
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

/* Answers the requests that are running: MHD cannot stop while a connection is suspended. */
static void server_cut_requests(struct server *server)
{
	while (server->exchanges) {
		struct exchange *x = server->exchanges;

		exchange_unlist(x);
		if (!x->replied)
			reply_error(&x->rq, E_DRAINING);
	}
	parse_queue_run(server, true);
	streams_cut(server);
	server_run_all(server);
}

static void ports_close(struct server *server)
{
	for (unsigned i = 0; i < server->port_count; i++)
		if (server->ports[i].polling)
			uv_close((uv_handle_t *)&server->ports[i].poll, port_closed);
	while (ports_are_polling(server))
		uv_run(loop_uv(server->app->loop), UV_RUN_ONCE);
}

void server_close(struct server *server)
{
	if (!server)
		return;
	server->drained = NULL; /* the remaining requests are cut: this is not a completed drain */
	loop_unhook(server->app->loop, PHASE_SERVE, &server->hook);
	loop_unhook(server->app->loop, PHASE_FLUSH, &server->log_hook);
	server_cut_requests(server);
	for (unsigned i = 0; i < server->port_count; i++)
		if (server->ports[i].daemon)
			MHD_stop_daemon(server->ports[i].daemon);
	access_log_flush(&server->log_hook);
	server_deadlines_close(server);
	server->app->server = NULL;
	ports_close(server);
	free(server->ports);
	free(server->sockets);
	free(server->log);
	free(server);
}
