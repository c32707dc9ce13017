/* SPDX-License-Identifier: MIT
 *
 * Private to the client. client.c schedules calls, transfer.c runs one call through curl, sockets.c
 * connects curl's sockets and timer to the loop.
 */
#ifndef REEYO_PARTNERS_TRANSFER_H
#define REEYO_PARTNERS_TRANSFER_H

#include <curl/curl.h>

#include "breaker.h"
#include "reeyo/core/memory.h"
#include "reeyo/partners/client.h"

/* A doubly linked list, first in first out. */
struct transfer_row {
	struct client_transfer *first, *last;
};

struct partner {
	const char *name;
	struct partner_limits limits;
	struct client *client;
	struct breaker breaker;
	unsigned running, waiting;
	struct transfer_row queue;
	struct deadline_list waits;
	struct partner *next;
};

struct client {
	struct loop *loop;
	CURLM *multi;
	uv_timer_t timer;
	struct turn_hook hook; /* wanted while `refused` is not empty */
	struct client_call *refused, **rejected_end;
	struct transfer_row running;
	struct partner *partners;
	bool closing;
};

struct client_transfer {
	struct client_call *call;
	struct partner *partner;
	struct client_transfer *next, *previous;
	struct deadline wait; /* time limit in its partner's queue */
	CURL *easy;
	struct curl_slist *headers;
	char *answer;
	size_t len, room, most, header_bytes;
	bool trial; /* the breaker's trial call */
	bool public_only, repeatable, status_only;
	bool sent;            /* part of the request may have been sent */
	bool address_refused; /* not a public address */
	bool too_large;
	bool no_memory;
	char why[CURL_ERROR_SIZE];
};

/* --- transfer.c ------------------------------------------------------------------------------- */

/* Copies the data that the call points to. NULL: out of memory. */
struct client_transfer *transfer_new(struct client_call *call);
void transfer_free(struct client_transfer *transfer);
/* The answer for curl's result. Its texts live as long as the transfer. */
struct client_answer transfer_answer(const struct client_transfer *transfer, CURLcode result);

/* --- client.c --------------------------------------------------------------------------------- */

/* A transfer has ended and was removed from the multi handle. */
void transfer_ended(struct client_transfer *transfer, CURLcode result);

/* --- sockets.c -------------------------------------------------------------------------------- */

int sockets_open(struct client *client) MUST_CHECK;
/* Closes the multi handle now, and frees the client when its timer has closed. */
void sockets_close(struct client *client);

#endif
