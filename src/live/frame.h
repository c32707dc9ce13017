/* SPDX-License-Identifier: MIT
 *
 * Events in memory: the frame that is sent through Redis, and the batch that goes to all loops.
 * Private to src/live.
 */
#ifndef REEYO_SRC_LIVE_FRAME_H
#define REEYO_SRC_LIVE_FRAME_H

#include "reeyo/http/stream.h"
#include "reeyo/live/hub.h"

/* One event between two instances: a line of words, then the payload.
 * "SOURCE ID PREVIOUS TYPE AGGREGATE ROOM,ROOM\nPAYLOAD"; "-" stands for an empty word. */
struct frame {
	struct text source; /* the database that the id belongs to */
	int64_t previous;   /* the id published before this one */
	struct event event;
	struct text rooms[EVENT_ROOMS_MAX];
};

/* A newly allocated frame, NUL-terminated; NULL when out of memory. */
char *frame_pack(struct text source, int64_t id, int64_t previous, struct text type,
	struct text aggregate, struct text rooms, struct text payload, size_t *ret_len);
/* False when text is not a frame. ret points into text; ret->event.rooms points into ret. */
bool frame_parse(struct text text, struct frame *ret);
/* Splits "a,b" (or "-") into rooms; returns how many. */
unsigned rooms_split(struct text list, struct text rooms[EVENT_ROOMS_MAX]);

/* Events on their way to the loops of this process, built once. Each has its bytes as a stream
 * sends them. */
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
/* Copies the events into one allocation; NULL when out of memory. */
struct batch *batch_new(const struct event *events, unsigned count, unsigned loops);

/* The bytes of an event as a stream sends it: an upper bound of their number, and the writing,
 * which returns the end. */
size_t wire_size(const struct event *event);
char *wire_write(char *at, const struct event *event);

#endif
