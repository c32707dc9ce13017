/* SPDX-License-Identifier: MIT
 *
 * Refuses a request that is still arriving. libmicrohttpd accepts no response then, so the reply is
 * written directly to the socket: nothing else has been sent for this request, and the connection
 * is closed afterwards. The reply has the usual envelope, is logged and counted.
 */
#include <stdio.h>
#include <sys/socket.h>

#include "exchange.h"
#include "reeyo/http/counters.h"
#include "reeyo/http/limit.h"

/* The exchange of a request that libmicrohttpd has not seen yet. */
static struct exchange *exchange_for_refusal(struct connection *connection)
{
	struct exchange *x = exchange_new(
		connection, NULL, connection->target ? connection->target : "/");
	struct route_match match;

	if (!x)
		return NULL;
	router_find(x->rq.app->router, 0, x->rq.path, x->rq.ns, &match);
	x->rq.ns = match.ns;
	return x;
}

/* The response as bytes, with the headers of an error that reply_queue would set. */
static struct text response_bytes(struct exchange *x)
{
	struct buf all = buf_in(x->rq.arena, x->out.len + 768);
	char *out;

	buf_printf(&all,
		"HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Type: %s\r\n"
		"Content-Length: %zu\r\nCache-Control: no-store\r\n",
		x->status, MHD_get_reason_phrase_for((unsigned)x->status), x->content_type,
		x->out.len);
	common_lines_write(x, &all);
	buf_add_string(&all, "\r\n");
	if (x->rq.method != HEAD)
		buf_add_text(&all, x->out);
	out = buf_string(&all);
	return out ? (struct text){ out, all.len } : TEXT_NONE;
}

static void refusal_send(struct exchange *x, int fd, int error, const char *why)
{
	struct access_record access;
	struct text bytes;

	if (!x->rq.request_id[0])
		request_id_set(x);
	x->inside = true; /* the reply is sent below, not by resuming */
	if (x->stage == STAGE_HEAD || x->head.fault) { /* not counted by address yet */
		x->wait_s = limit_address(&x->rq);
		if (x->wait_s)
			limit_refuse(&x->rq, x->wait_s);
	}
	reply_error_with(&x->rq, error, x->rq.french ? NULL : why, TEXT_NONE);
	x->inside = false;
	bytes = response_bytes(x);
	if (bytes.at)
		(void)!send(fd, bytes.at, bytes.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	reply_count(x);
	if (x->stage != STAGE_HEAD)
		return; /* logged when libmicrohttpd completes it */
	access = access_record(x);
	access_log(x->server, &access);
}

void connection_refuse(struct connection *connection, int error, const char *why)
{
	struct server *server = connection->port->server;
	struct exchange *x = connection->exchange;
	struct exchange *unseen = NULL;

	if (connection->refused)
		return;
	connection->refused = true;
	if (!x)
		x = unseen = exchange_for_refusal(connection);
	if (x)
		refusal_send(x, connection->fd, error, why);
	if (unseen)
		exchange_free(unseen);
	count_one(loop_counters(server->app->loop), COUNT_HTTP_REFUSED);
	shutdown(connection->fd, SHUT_WR);
	deadline_start(&server->closing, &connection->deadline);
	server->hook.wanted = true;
}
