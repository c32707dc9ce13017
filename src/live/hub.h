/* SPDX-License-Identifier: MIT
 *
 * Inside the hub: its parts, shared by hub.c (a loop's hub), seat.c (who listens), follow.c (what
 * is said).
 */
#ifndef REEYO_SRC_JOBS_HUB_H
#define REEYO_SRC_JOBS_HUB_H

#include "frame.h"
#include "rooms.h"

#define SOURCE_SIZE 48

struct follow;
struct seat;
struct tenant;

struct hub_house {
	const struct config *config;
	void (*begun)(void *arg);
	void *arg;
	atomic_uint seats;
	uv_mutex_t mutex;       /* guards the tenants */
	struct tenant *tenants; /* by account: its seats on all loops */
	uint64_t serial;        /* of the newest seat */
	atomic_bool known;      /* what is said is followed; source may be read */
	char source[SOURCE_SIZE];
};

struct hub {
	struct app *app;
	struct hub_house *house;
	struct follow *follow;  /* the first loop's only */
	struct rooms *rooms;
	struct hub_listener *listeners;
	struct deadline_list pings, ticks;
	struct deadline tick;
	struct seat *polls;     /* that wait for news */
	unsigned seats;
	int64_t last;           /* id of the last event heard; -1: none yet */
	uint64_t serial;        /* of the event being delivered */
	bool draining;
};

/* hub.c: gives a batch to the hubs of all loops, and drops it. The sender may be any loop's hub. */
void hub_tell(struct app *app, struct batch *batch);

/* seat.c */
/* An event for this seat, which is in one of its rooms. */
void seat_hear(struct seat *seat, struct batch *batch, const struct batch_event *said);
/* True the first time for the event with this serial. */
bool seat_first(struct seat *seat, uint64_t serial);
void seat_pinged(struct deadline *deadline);
/* Answers the polls whose time is over (all: every one). */
void polls_answer(struct hub *hub, bool all);

/* follow.c */
int follow_new(struct hub *hub, struct follow **ret) MUST_CHECK;
void follow_close(struct follow *follow);

#endif
