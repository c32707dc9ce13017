/* SPDX-License-Identifier: MIT
 *
 * Inside the hub: what hub.c (the hub of a loop), subscriber*.c (its clients) and event_reader.c
 * (the source of events) share. Private to src/live.
 */
#ifndef REEYO_SRC_LIVE_HUB_H
#define REEYO_SRC_LIVE_HUB_H

#include "frame.h"
#include "rooms.h"

#define SOURCE_SIZE 48

struct account_subscribers;
struct event_reader;
struct subscriber;

struct hub_shared {
	const struct config *config;
	void (*begun)(void *arg);
	void *arg;
	atomic_uint subscriber_count;
	uv_mutex_t mutex;                     /* guards accounts, and the lists in them */
	struct account_subscribers *accounts; /* by id: its subscribers on all loops */
	uint64_t serial;                      /* of the newest subscriber */
	atomic_bool known;                    /* events are being read; source is set */
	char source[SOURCE_SIZE];
};

struct hub {
	struct app *app;
	struct hub_shared *shared;
	struct event_reader *reader; /* the first loop's only */
	struct rooms *rooms;
	struct hub_listener *listeners;
	struct deadline_list pings, ticks;
	struct deadline tick;
	struct subscriber *polls; /* that wait for an event */
	unsigned subscriber_count;
	int64_t last;    /* id of the last event received; -1: none yet */
	uint64_t serial; /* of the event being delivered */
	bool draining;
};

/* hub.c: delivers a batch to the hubs of all loops, and drops it. app: of the calling loop. */
void hub_broadcast(struct app *app, struct batch *batch);

/* subscriber.c */
/* An event for this subscriber, which is in one of its rooms. */
void subscriber_receive(
	struct subscriber *subscriber, struct batch *batch, const struct batch_event *event);
/* True the first time for the event with this serial. */
bool subscriber_mark_seen(struct subscriber *subscriber, uint64_t serial);
void subscriber_ping_due(struct deadline *deadline);
/* Answers the polls whose time is over; all: every poll. */
void polls_finish(struct hub *hub, bool all);

/* event_reader.c */
int event_reader_new(struct hub *hub, struct event_reader **ret) MUST_CHECK;
/* NULL is allowed. */
void event_reader_close(struct event_reader *reader);

#endif
