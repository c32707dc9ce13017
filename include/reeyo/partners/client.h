/* SPDX-License-Identifier: MIT
 *
 * HTTP out: libcurl's multi interface on a loop. Calls wait for sockets and timers of the loop and
 * never hold it up; names are resolved on curl's own threads.
 *
 * Each service is called through a `partner`: how many calls it gets at once, how many may wait,
 * and a breaker that stops asking a service that does not answer. A call has exactly one
 * completion, and a request that is no GET goes out at most once: what curl would repeat on a
 * second connection, because the first was closed on it, is left in doubt instead.
 *
 * All functions: the loop's own thread, unless they say otherwise.
 */
#ifndef REEYO_PARTNERS_CLIENT_H
#define REEYO_PARTNERS_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "reeyo/core/config.h"
#include "reeyo/core/text.h"
#include "reeyo/loop/loop.h"

struct client;
/* 0 or E_NO_MEMORY. Loop thread, or before it runs. */
int client_new(struct loop *loop, struct client **ret) MUST_CHECK;
/* Ends what is under way with E_DRAINING, within this call: those who call through it are freed
 * after it. Its timer must still close, so the loop must turn once. Not from a `done`. NULL is
 * allowed. */
void client_free(struct client *client);

/* --- A service -------------------------------------------------------------------------------- */

struct partner_limits {
	unsigned at_once;     /* calls under way */
	unsigned waiting;     /* calls that wait for one of those to end; more are E_BUSY */
	unsigned timeout_ms;  /* of a call, from when it starts; connecting gets at most 5 s of it.
	                       * A call waits as long */
	unsigned failures;    /* so many in a row (no answer, or 5xx) open the breaker … (0: it has
	                       * none) */
	unsigned pause_ms;    /* … for so long (jittered by a fifth); then one call tries, and
	                       * closes or opens it again */
};
struct partner;
/* name: a literal, for logs and metrics. Lives as long as the client. NULL: out of memory. */
struct partner *partner_new(struct client *client, const char *name,
	const struct partner_limits *limits);
/* False while the breaker is open: a call would be refused without being made. */
bool partner_up(const struct partner *partner);

/* --- A call ----------------------------------------------------------------------------------- */

struct client_answer {
	/* 0: there is an answer, whatever its status. Else one of:
	 * E_BUSY         not made: the queue is full or the breaker open;
	 * E_STORE_DOWN   no answer: not resolved, not connected, broken off;
	 * E_TIMED_OUT    no answer in time;
	 * E_BODY_TOO_LARGE  the answer is larger than max_answer; `status` is told all the same;
	 * E_NOT_OWNER    the address is not a public one (public_only);
	 * E_DRAINING     the client was closed; E_NO_MEMORY. */
	int error;
	/* The service cannot have seen the request (never sent): safe to make again. False when in
	 * doubt. */
	bool unsent;
	long status;             /* HTTP status; 0 without an answer */
	struct text body;        /* NUL-terminated; valid during the call of done. TEXT_NONE when
	                          * `error` is set */
	int64_t retry_after_s;   /* Retry-After of a 429 or 503, at most a day; 0: none */
	const char *why;         /* without an answer: what went wrong, for the log; a literal or
	                          * valid during done */
	struct client_transfer *transfer; /* the client's own */
};
/* The body for whoever frees it, once, within done: a large one is not copied. NULL: there is
 * none. */
char *client_body_take(const struct client_answer *answer);

/* Embedded in its owner, which lives until done. What the pointers name is copied by
 * client_call. */
#define CLIENT_HEADERS 8
struct client_call {
	struct partner *partner;
	const char *method;                  /* "GET", "POST" */
	const char *url;                     /* http or https */
	const char *headers[CLIENT_HEADERS]; /* "Name: value", NULL-terminated when fewer */
	struct text body;                    /* TEXT_NONE: none */
	const char *user, *password;         /* Basic authorisation, when user is set */
	const char *aws_sigv4;               /* "aws:amz:REGION:sns": signed with user and password
	                                      * instead */
	size_t max_answer;                   /* bytes; 0: 64 KB */
	bool status_only;                    /* once the status is there it is the answer: `body`
	                                      * stays empty, and what follows may be late, long or
	                                      * broken off without being an error */
	bool public_only;                    /* refuse private, loopback, link-local and multicast
	                                      * addresses, at connect time (so that no name can be
	                                      * turned meanwhile). Redirects are never followed */
	void (*done)(struct client_call *call, const struct client_answer *answer);
	void *owner;
	/* the client's own */
	struct client_transfer *transfer;
	struct client_call *next;
	int refused;
};
/* Makes the call; done comes later, never within, and may free what the call is embedded in or make
 * the next. */
void client_call(struct client *client, struct client_call *call);
/* As client_call, of a call that cannot be made: done comes later with `error`. */
void client_refuse(struct client *client, struct client_call *call, int error);
/* Forgets a call: done is not called. Harmless when it has ended, or when it was never made and is
 * zeroed. */
void client_cancel(struct client_call *call);

/* Whether an address (dotted or colon form) is one that the public Internet routes. Any thread. */
bool address_public(const char *address);

#endif
