/* SPDX-License-Identifier: MIT
 *
 * The hub of a loop: live events on their way to its streams.
 *
 * An event is said once (a row of `outbox`, written by the statement that changes something; or a
 * passing one, see hub_tell_passing) and heard by everybody in its rooms, on every copy. The
 * leading copy's relay gives rows their ids; every copy follows: Redis pub/sub brings them at once,
 * the table `events` brings what pub/sub lost. Rooms: `user:ID`, `vendor:ID`, `rider:ID`,
 * `order:ID`, `admin`; audiences `users`, `vendors`, `riders`.
 *
 * All functions: the loop's own thread.
 */
#ifndef REEYO_JOBS_HUB_H
#define REEYO_JOBS_HUB_H

#include "reeyo/core/text.h"
#include "reeyo/loop/app.h"
#include "reeyo/http/request.h"

/* An event as it passes: valid during the call. */
struct event {
	int64_t id;            /* 0: a passing one, kept nowhere */
	struct text type;      /* "order_status_update" */
	struct text aggregate; /* the id of what changed */
	struct text payload;   /* JSON object */
	unsigned room_count;
	const struct text *rooms;
};

/* Called on this loop for every event that reaches this copy, in order of id (passing ones in
 * between), whether or not a stream wants it: for what a loop remembers and an event makes untrue.
 * Registered for the loop's life. */
struct hub_listener {
	void (*hear)(struct hub_listener *listener, const struct event *event);
	struct hub_listener *next;
};
void hub_listen(struct hub *hub, struct hub_listener *listener);

/* Says an event that may be lost (a rider's position) to the streams of all copies, without the
 * database. rooms: count
 * NUL-terminated names, at most 4; type: a word; payload: finished JSON of at most 1 KB; all
 * copied. */
void hub_tell_passing(struct app *app, const char *const *rooms, unsigned count, const char *type,
	struct text payload);

/* --- Listening clients ------------------------------------------------------------------------ */

/* What a client hears: rooms are NUL-terminated names that live as long as the request. */
#define HUB_ROOMS_MAX 4u
struct hub_wish {
	unsigned count;
	const char *rooms[HUB_ROOMS_MAX];
	int64_t after; /* id of the last event that was heard; -1: from now on */
	bool most;     /* these rooms hear most of what is said (admins) */
};
#define HUB_NOW (-1)

/* Answers with a stream: what was said after wish->after, then what is said from now on, each event
 * once. Answers
 * E_BUSY when the process has `streams_max` already; an account's oldest stream ends when it has
 * more than `streams_per_account`. */
void hub_stream(struct request *rq, const struct hub_wish *wish);
/* Answers with {"events":[…],"last":ID}: at once when something was said after wish->after, else as
 * soon as something is said, at the latest after wait_s seconds. */
void hub_poll(struct request *rq, const struct hub_wish *wish, unsigned wait_s);

/* --- Life ------------------------------------------------------------------------------------- */

/* What the hubs of one process share: how many listen, and who. */
struct hub_house;
/* begun(arg) is called once, on the first loop, when the process knows where it stands in what is
 * said. Before that nobody can listen (E_STORE_DOWN), since what is said in between would be
 * missed. */
int hub_house_new(const struct config *config, void (*begun)(void *arg), void *arg,
	struct hub_house **ret) MUST_CHECK;
void hub_house_free(struct hub_house *house);

/* The hub of app's loop, as app->hub. The first loop's also follows Redis and the database for all.
 * Before the loops run. 0, E_NO_MEMORY or E_CONFIG. */
int hub_new(struct app *app, struct hub_house *house) MUST_CHECK;
/* Answers polls that wait; streams are ended by server_drain. */
void hub_drain(struct hub *hub);
/* After server_close and before db_close; the hub of the first loop first. NULL is allowed. */
void hub_free(struct hub *hub);

#endif
