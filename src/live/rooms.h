/* SPDX-License-Identifier: MIT
 *
 * Who sits in which room: the table of one loop. A room exists while somebody is in it.
 */
#ifndef REEYO_SRC_JOBS_ROOMS_H
#define REEYO_SRC_JOBS_ROOMS_H

#include "reeyo/core/error.h"
#include "reeyo/core/text.h"

struct rooms;
struct room;

/* One member's place in one room: stands in its member. */
struct place {
	struct room *room; /* NULL: in none */
	struct place *next, *previous;
	void *member;
};

int rooms_new(struct rooms **ret) MUST_CHECK;
/* Nobody may be in a room any more. NULL is allowed. */
void rooms_free(struct rooms *rooms);
/* 0 or E_NO_MEMORY. */
int room_join(struct rooms *rooms, const char *name, struct place *place, void *member) MUST_CHECK;
/* Harmless when it is in none. */
void room_leave(struct rooms *rooms, struct place *place);
/* The name of its room, NULL when it is in none. */
const char *place_name(const struct place *place);
/* The first place of a room, NULL when nobody is in it; go on with ->next. */
struct place *room_find(const struct rooms *rooms, struct text name);

#endif
