/* SPDX-License-Identifier: MIT
 *
 * A subscriber: one client that receives events, through a stream (subscriber_stream.c) or through
 * one waiting poll (subscriber_poll.c). Private to src/live.
 *
 * All functions: the thread of the subscriber's loop.
 */
#ifndef REEYO_SRC_LIVE_SUBSCRIBER_H
#define REEYO_SRC_LIVE_SUBSCRIBER_H

#include "hub.h"
#include "reeyo/db/queries/events.h"
#include "reeyo/http/stream.h"

/* A read of the events that a subscriber missed. Lives until its statement has ended, even when
 * the subscriber has gone. */
struct catch_up {
	struct db_call call;
	struct subscriber *subscriber; /* NULL: gone */
};

/* Events in a page of a stream. A poll gets more at once, since it is answered only once. */
#define STREAM_PAGE 50

struct subscriber {
	struct hub *hub;
	struct stream *stream;     /* NULL: a poll */
	struct request *rq;        /* of a poll */
	struct catch_up *catch_up; /* under way */
	struct deadline ping;
	uint64_t serial;  /* unique in the process */
	uint64_t seen;    /* serial of the last event that was offered to it */
	int64_t last;     /* id of the last event sent; HUB_NOW: not known yet */
	uint64_t due_ms;  /* when a poll is answered at the latest */
	bool catching_up; /* reads the table before it takes events from the hub */
	bool missed;      /* an event came meanwhile: read the table once more */
	bool scan;        /* see struct subscription_request */
	struct membership memberships[HUB_ROOMS_MAX];
	struct account_subscribers *account;
	struct subscriber *older, *newer; /* of the same account, under the process's mutex */
	struct subscriber *next_poll, *previous_poll;
	struct caller caller;
};

/* --- subscriber.c ----------------------------------------------------------------------------- */

/* Joins the rooms and the account's list. E_DRAINING, E_STORE_DOWN, E_BUSY or E_NO_MEMORY. */
int subscriber_new(struct request *rq, const struct subscription_request *wanted,
	struct subscriber **ret) MUST_CHECK;
void subscriber_free(struct subscriber *subscriber);
/* Ends the client's stream, or answers its poll. Frees the subscriber. */
void subscriber_close(struct subscriber *subscriber);
/* Reads a page of events after subscriber->last. False: out of memory. */
bool catch_up_submit(struct subscriber *subscriber);

/* --- subscriber_account.c --------------------------------------------------------------------- */

/* Adds it to its account's list. While the account has more than `streams_per_account`, its oldest
 * subscribers are closed. 0 or E_NO_MEMORY. */
int account_join(struct subscriber *subscriber) MUST_CHECK;
/* Harmless when it did not join. */
void account_leave(struct subscriber *subscriber);

/* --- subscriber_stream.c, subscriber_poll.c --------------------------------------------------- */

/* The events after the subscriber's last id are unknown: they are no longer kept, or the id is of
 * another database. */
bool catch_up_impossible(const struct subscriber *subscriber, const struct db_result *result);
/* A page has been read, or could not be. */
void stream_catch_up(struct subscriber *subscriber, const struct db_result *result);
void poll_catch_up(struct subscriber *subscriber, const struct db_result *result);
/* An event came for one of its rooms. */
void stream_receive(
	struct subscriber *subscriber, struct batch *batch, const struct batch_event *event);
void poll_receive(struct subscriber *subscriber);
/* Answers the poll without events, or with those of result. Frees the subscriber. */
void poll_finish(struct subscriber *subscriber, const struct db_result *result, bool reset);

#endif
