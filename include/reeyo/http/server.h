/* SPDX-License-Identifier: MIT
 *
 * The HTTP server of one loop: one libmicrohttpd daemon per listener in external epoll mode, the
 * steps of a request, deadlines, drain.
 */
#ifndef REEYO_HTTP_SERVER_H
#define REEYO_HTTP_SERVER_H

#include "reeyo/http/request.h"

/* An address to listen on, opened once per loop with SO_REUSEPORT. */
struct listener {
	char address[64]; /* "127.0.0.1" or "::1" */
	uint16_t port;
	enum name_space bare; /* the namespace of /api/v1/… without a namespace */
	bool metrics;         /* serves only /metrics and the health routes */
};

/* Reads "[address]:port"; 0 or E_CONFIG (logged). */
int listener_parse(const char *text, struct listener *ret) MUST_CHECK;

/* Once per process, before the first loop starts: sets the JSON allocator, which limits the memory
 * of request bodies. */
void server_process_start(void);

/* Steps that higher layers implement. */
struct server_steps {
	/* Reads the token into rq->caller and checks the role of route->access. Called before the
	 * body arrives. Replies or returns; must not wait. */
	void (*authenticate)(struct request *rq);
	/* The same for rows where a token is optional: 0 with rq->caller filled, or the error.
	 * NULL: there are no such rows. */
	int (*identify)(struct request *rq);
	/* After the body check: maintenance, and the account's state (CUSTOMER_VERIFIED …). Calls
	 * request_next(rq) or replies, now or later. */
	void (*admit)(struct request *rq);
};
/* Continues with the next step of the request. */
void request_next(struct request *rq);

/* Opens the listeners. Port 0 is replaced by the port that was assigned, so that the next loop
 * shares it. 0, E_CONFIG (logged: address in use …), E_NO_MEMORY. */
int server_new(struct app *app, const struct server_steps *steps, struct listener *listeners,
	unsigned count, struct server **ret) MUST_CHECK;
/* Accepts no new connections and closes keep-alive connections with their next reply. Calls
 * drained(arg) when the last request has been answered. */
void server_drain(struct server *server, void (*drained)(void *arg), void *arg);
/* Stops immediately. */
void server_close(struct server *server);

#endif
