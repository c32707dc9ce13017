/* SPDX-License-Identifier: MIT
 *
 * The hub of a loop: live events on their way to its streams.
 *
 * An event is said once (a row of `outbox`, written by the statement that changes something; or a passing one, see
 * hub_tell_passing) and heard by everybody in its rooms, on every copy. The leading copy's relay gives rows their
 * ids; every copy follows: Redis pub/sub brings them at once, the table `events` brings what pub/sub lost.
 * Rooms: `user:ID`, `vendor:ID`, `rider:ID`, `order:ID`, `admin`; audiences `users`, `vendors`, `riders`.
 *
 * All functions: the loop's own thread.
 */
#ifndef REEYO_JOBS_HUB_H
#define REEYO_JOBS_HUB_H

#include "reeyo/core/text.h"
#include "reeyo/http/app.h"

/* An event as it passes: valid during the call. */
struct event {
	int64_t id;            /* 0: a passing one, kept nowhere */
	struct text type;      /* "order_status_update" */
	struct text aggregate; /* the id of what changed */
	struct text payload;   /* JSON object */
	unsigned room_count;
	const struct text *rooms;
};

/* Called on this loop for every event that reaches this copy, in order of id (passing ones in between), whether or not
 * a stream wants it: for what a loop remembers and an event makes untrue. Registered for the loop's life. */
struct hub_listener {
	void (*hear)(struct hub_listener *listener, const struct event *event);
	struct hub_listener *next;
};
void hub_listen(struct hub *hub, struct hub_listener *listener);

/* Says an event that may be lost (a rider's position) to the streams of all copies, without the database. rooms: count
 * NUL-terminated names, at most 4; type: a word; payload: finished JSON of at most 1 KB; all copied. */
void hub_tell_passing(struct app *app, const char *const *rooms, unsigned count, const char *type,
	struct text payload);

#endif
