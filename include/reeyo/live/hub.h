/* SPDX-License-Identifier: MIT
 *
 * The hub of a loop: delivers live events to the clients of this loop.
 *
 * An event is published once: as a row of `event_log`, written by the statement that changes
 * something; or as an ephemeral event, see hub_publish_ephemeral. It is delivered to the
 * subscribers of its rooms on every instance. The relay of the leading instance makes rows visible
 * in the view `events`, in order. Every instance reads them: Redis pub/sub brings an event at once,
 * the view brings what pub/sub lost. Rooms: `user:ID`, `vendor:ID`, `rider:ID`, `order:ID`,
 * `admin`; audiences `users`, `vendors`, `riders`.
 *
 * All functions: the loop's own thread.
 */
#ifndef REEYO_LIVE_HUB_H
#define REEYO_LIVE_HUB_H

#include "reeyo/core/text.h"
#include "reeyo/http/request.h"
#include "reeyo/loop/app.h"

/* An event is delivered to this many of its rooms; further ones are ignored. */
#define EVENT_ROOMS_MAX 8u

/* An event during delivery: valid during the call. */
struct event {
	int64_t id;            /* 0: ephemeral, not stored */
	struct text type;      /* "order_status_update" */
	struct text aggregate; /* the id of what changed */
	struct text payload;   /* JSON object */
	unsigned room_count;
	const struct text *rooms;
};

/* A callback for every event that reaches this instance, in order of id (ephemeral ones in
 * between), whether or not a subscriber wants it. For example, to drop what a loop caches when an
 * event makes it outdated. Registered for the life of the loop. */
struct hub_listener {
	void (*on_event)(struct hub_listener *listener, const struct event *event);
	struct hub_listener *next;
};
void hub_add_listener(struct hub *hub, struct hub_listener *listener);

/* Publishes an event that may be lost (a rider's position) to the subscribers of all instances,
 * without the database. rooms: count NUL-terminated names, at most 4; type: a word; payload:
 * complete JSON of at most 1 KB. All are copied. */
void hub_publish_ephemeral(struct app *app, const char *const *rooms, unsigned count,
	const char *type, struct text payload);

/* --- Subscribers ------------------------------------------------------------------------------ */

/* Which events a client receives. rooms: NUL-terminated names that live as long as the request. */
#define HUB_ROOMS_MAX 4u
struct subscription_request {
	unsigned count;
	const char *rooms[HUB_ROOMS_MAX];
	int64_t after; /* id of the last event the client received; HUB_NOW: only new ones */
	bool scan;     /* these rooms get most of all events (admins): chooses the query */
};
#define HUB_NOW (-1)

/* Replies with a stream: the events after wanted->after, then new ones as they come, each once. Or
 * replies E_BUSY when the process has `streams_max` subscribers. The oldest stream of an account
 * ends when the account has more than `streams_per_account`. */
void hub_stream(struct request *rq, const struct subscription_request *wanted);
/* Replies with {"events":[…],"last":ID}: at once when there are events after wanted->after, else
 * when the next one comes, at the latest after wait_s seconds. */
void hub_poll(struct request *rq, const struct subscription_request *wanted, unsigned wait_s);

/* --- Life ------------------------------------------------------------------------------------- */

/* What the hubs of one process share: the number of subscribers, and those of each account. */
struct hub_shared;
/* begun(arg) is called once, on the first loop, when the process knows the newest event id. Before
 * that, clients cannot subscribe (E_STORE_DOWN), because they would miss events in between. */
int hub_shared_new(const struct config *config, void (*begun)(void *arg), void *arg,
	struct hub_shared **ret) MUST_CHECK;
void hub_shared_free(struct hub_shared *shared);

/* Makes the hub of app's loop, as app->hub. The hub of the first loop also reads events from Redis
 * and the database for all loops. Call before the loops run. 0, E_NO_MEMORY or E_CONFIG. */
int hub_new(struct app *app, struct hub_shared *shared) MUST_CHECK;
/* Answers polls that wait. Streams are ended by server_drain. */
void hub_drain(struct hub *hub);
/* After server_close and before db_close; the hub of the first loop first. NULL is allowed. */
void hub_free(struct hub *hub);

#endif
