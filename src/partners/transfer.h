/* SPDX-License-Identifier: MIT
 *
 * Inside the client: what its files share. client.c says which call is made when, transfer.c what
 * curl is told of one and what it tells back, sockets.c keeps curl's sockets and timer on the loop.
 */
#ifndef REEYO_PARTNERS_TRANSFER_H
#define REEYO_PARTNERS_TRANSFER_H

#include <curl/curl.h>

#include "breaker.h"
#include "reeyo/core/memory.h"
#include "reeyo/partners/client.h"

/* Transfers in a row, first come first served. */
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
	struct turn_hook hook;               /* wanted while `refused` has calls */
	struct client_call *refused, **refused_end;
	struct transfer_row running;
	struct partner *partners;
	bool closing;
};

struct client_transfer {
	struct client_call *call;
	struct partner *partner;
	struct client_transfer *next, *previous;
	struct deadline wait;                /* in its partner's queue */
	CURL *easy;
	struct curl_slist *headers;
	char *answer;
	size_t len, room, most, header_bytes;
	bool trial;                          /* tries whether the service answers again */
	bool public_only, repeatable, status_only;
	bool sent;                           /* some of the request may have gone out */
	bool kept_private;                   /* an address was refused */
	bool too_large;
	bool no_memory;
	char why[CURL_ERROR_SIZE];
};

/* --- transfer.c ------------------------------------------------------------------------------- */

/* Copies what the call's pointers name. NULL: out of memory. */
struct client_transfer *transfer_new(struct client_call *call);
void transfer_free(struct client_transfer *transfer);
/* What curl's result means. The texts live as long as the transfer. */
struct client_answer transfer_answer(const struct client_transfer *transfer, CURLcode result);

/* --- client.c --------------------------------------------------------------------------------- */

/* curl has done with a transfer, which is out of the multi already. */
void transfer_ended(struct client_transfer *transfer, CURLcode result);

/* --- sockets.c -------------------------------------------------------------------------------- */

int sockets_open(struct client *client) MUST_CHECK;
/* Closes curl's side at once; frees the client when its timer has closed. */
void sockets_close(struct client *client);

#endif
