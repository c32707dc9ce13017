/* SPDX-License-Identifier: MIT
 *
 * The HTTP server of one loop: a libmicrohttpd daemon per listener in external epoll mode, the
 * request's steps, deadlines, drain.
 */
#ifndef REEYO_HTTP_SERVER_H
#define REEYO_HTTP_SERVER_H

#include "reeyo/http/request.h"

/* An address to listen on, opened once per loop with SO_REUSEPORT. */
struct listener {
	char address[64];        /* "127.0.0.1" or "::1" */
	uint16_t port;
	enum name_space bare;    /* what bare /api/v1/… means here */
	bool metrics;            /* only /metrics (and the health routes) */
};

/* Reads "[address]:port"; 0 or E_CONFIG (logged). */
int listener_parse(const char *text, struct listener *ret) MUST_CHECK;

/* Once in a process, before its first loop: the memory of clients' bodies is bounded and
 * counted. */
void server_process_start(void);

/* Steps that higher layers give to the server. admit may finish later; it either calls
 * request_next(rq) or replies. */
struct server_steps {
	/* Token → rq->caller, and the role of route->who. Called before the body arrives: replies
	 * or returns, without waiting for anything. */
	void (*authenticate)(struct request *rq);
	/* The same by hand, for rows that do with or without a token: 0 with rq->caller filled, or
	 * why not. NULL: there are no such rows. */
	int (*identify)(struct request *rq);
	/* After the body check: maintenance, and the account's state (CUSTOMER_VERIFIED …). */
	void (*admit)(struct request *rq);
};
/* Goes on with the next step of the request. */
void request_next(struct request *rq);

/* Opens the listeners. Port 0 is replaced by the port that was found, so the next loop shares it.
 * 0, E_CONFIG (logged: address in use …), E_NO_MEMORY. */
int server_new(struct app *app, const struct server_steps *steps, struct listener *listeners,
	unsigned count, struct server **ret) MUST_CHECK;
/* No new connections; keep-alive connections close with their next answer; drained(arg) when the
 * last request is answered. */
void server_drain(struct server *server, void (*drained)(void *arg), void *arg);
/* Stops at once. */
void server_close(struct server *server);

#endif
