/* SPDX-License-Identifier: MIT
 *
 * HTTP client: libcurl's multi interface on a loop. Calls wait for sockets and timers of the loop
 * and never block it. curl resolves names on its own threads.
 *
 * Each service is called through a `partner`. It limits the calls in progress and the calls that
 * wait, and has a circuit breaker that stops calling a service that does not respond. A call has
 * exactly one completion. A request other than GET is sent at most once: when a reused connection
 * turns out to be closed, curl would repeat the request on a new one; here such a request ends
 * with an error instead, because the service may have processed it.
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
/* Completes all calls with E_DRAINING before it returns, so free the callers' objects after it. Its
 * timer must still close, so the loop must turn once. Must not be called from a `done`. NULL is
 * allowed. */
void client_free(struct client *client);

/* --- A service -------------------------------------------------------------------------------- */

struct partner_limits {
	unsigned at_once;    /* calls in progress */
	unsigned waiting;    /* calls in the queue; more are E_BUSY */
	unsigned timeout_ms; /* of a call, from its start; connecting may take at most 5 s of it.
			      * Also the longest time in the queue */
	unsigned failures;   /* in a row (no response, or 5xx) that open the breaker; 0: no
			      * breaker */
	unsigned pause_ms;   /* how long it stays open (plus or minus 20 %); then one trial call
			      * closes it or opens it again */
};
struct partner;
/* name: a literal, for logs and metrics. Owned by the client. NULL: out of memory. */
struct partner *partner_new(
	struct client *client, const char *name, const struct partner_limits *limits);
/* False while the breaker is open: a call would be refused. */
bool partner_available(const struct partner *partner);

/* --- A call ----------------------------------------------------------------------------------- */

struct client_answer {
	/* 0: there is a response, with any status. Else one of:
	 * E_BUSY         not sent: the queue is full or the breaker is open;
	 * E_STORE_DOWN   no response: name not resolved, not connected, or connection lost;
	 * E_TIMED_OUT    no response in time;
	 * E_BODY_TOO_LARGE  the response is larger than max_answer; `status` is set;
	 * E_NOT_OWNER    the address is not a public one (public_only);
	 * E_DRAINING     the client is being freed; E_NO_MEMORY. */
	int error;
	/* The request was certainly not sent, so it is safe to repeat. False when that is not
	 * certain. */
	bool unsent;
	long status;           /* HTTP status; 0 without a response */
	struct text body;      /* NUL-terminated; valid during the call of done. TEXT_NONE when
				* `error` is set */
	int64_t retry_after_s; /* Retry-After of a 429 or 503, at most a day; 0: none */
	const char *why;       /* without a response: the reason, for the log; a literal or valid
				* during done */
	struct client_transfer *transfer; /* private to the client */
};
/* Moves the body to the caller, who frees it; avoids a copy of a large body. Once, within done.
 * NULL: there is no body. */
char *client_body_take(const struct client_answer *answer);

/* Embedded in its owner, which must live until done. client_call copies what the pointers
 * name. */
#define CLIENT_HEADERS 8
struct client_call {
	struct partner *partner;
	const char *method;                  /* "GET", "POST" */
	const char *url;                     /* http or https */
	const char *headers[CLIENT_HEADERS]; /* "Name: value", NULL-terminated when fewer */
	struct text body;                    /* TEXT_NONE: none */
	const char *user, *password;         /* basic authentication, when user is set */
	const char *aws_sigv4;               /* "aws:amz:REGION:sns": signed with user and password
					      * instead */
	size_t max_answer;                   /* bytes; 0: 64 KB */
	bool status_only;                    /* only the status is needed: `body` stays empty, and a
					      * body that is late, long or cut off is no error */
	bool public_only;                    /* refuse private, loopback, link-local and multicast
					      * addresses, checked at connect time, which prevents
					      * DNS rebinding. Redirects are never followed */
	void (*done)(struct client_call *call, const struct client_answer *answer);
	void *owner;
	/* private to the client */
	struct client_transfer *transfer;
	struct client_call *next;
	int refused;
};
/* Starts the call. done is called later, never within this function; it may free the object that
 * embeds the call, or start the next call. */
void client_call(struct client *client, struct client_call *call);
/* For a call that cannot be sent: completes it later with `error`. */
void client_fail(struct client *client, struct client_call *call, int error);
/* Cancels a call: done is not called. Does nothing when the call has completed, or when it was
 * never started and is zeroed. */
void client_cancel(struct client_call *call);

/* Whether an IPv4 or IPv6 address in text form is routed on the public Internet. Any thread. */
bool address_public(const char *address);

#endif
