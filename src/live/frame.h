/* SPDX-License-Identifier: MIT
 *
 * Events in memory: the frame that goes through Redis, and the batch that goes to all loops.
 */
#ifndef REEYO_SRC_JOBS_FRAME_H
#define REEYO_SRC_JOBS_FRAME_H

#include "reeyo/http/stream.h"
#include "reeyo/live/hub.h"

/* Rooms of one event that are heard; further ones are not. */
#define EVENT_ROOMS_MAX 8u

/* One event between two copies: a line of words, then the payload.
 * "SOURCE ID PREVIOUS TYPE AGGREGATE ROOM,ROOM\nPAYLOAD"; what is empty is "-". */
struct frame {
	struct text source;  /* which database the id is of */
	int64_t previous;    /* the id said before this one */
	struct event event;
	struct text rooms[EVENT_ROOMS_MAX];
};

/* The frame in memory of its own, NUL-terminated; NULL when out of memory. */
char *frame_pack(struct text source, int64_t id, int64_t previous, struct text type,
	struct text aggregate, struct text rooms, struct text payload, size_t *ret_len);
/* False when it is none; ret points into text and, for the rooms, into itself. */
bool frame_parse(struct text text, struct frame *ret);
/* Cuts "a,b" (or "-") into rooms; how many. */
unsigned rooms_cut(struct text list, struct text rooms[EVENT_ROOMS_MAX]);

/* Events on their way to the loops of this process, made once; the bytes that streams send stand in
 * it. */
struct batch_event {
	struct event event;
	struct text wire; /* "id: 7\nevent: new_order\ndata: {…}\n\n" */
};
struct batch_message {
	struct message message;
	struct hub *to;
	struct batch *batch;
};
struct batch {
	struct shared shared;
	unsigned count, loops;
	struct batch_message *messages; /* one for each loop */
	struct batch_event events[];
};
/* Copies events into one allocation; NULL when out of memory. */
struct batch *batch_new(const struct event *events, unsigned count, unsigned loops);

/* Bytes of an event as a stream sends it, and the writing of it: returns the end. */
size_t wire_size(const struct event *event);
char *wire_write(char *at, const struct event *event);

#endif
