/* SPDX-License-Identifier: MIT
 *
 * The rooms of one loop and their members. A room exists while it has a member. Private to
 * src/live.
 */
#ifndef REEYO_SRC_LIVE_ROOMS_H
#define REEYO_SRC_LIVE_ROOMS_H

#include "reeyo/core/error.h"
#include "reeyo/core/text.h"

struct rooms;
struct room;

/* One member in one room. Embedded in the member. */
struct membership {
	struct room *room; /* NULL: in none */
	struct membership *next, *previous;
	void *member;
};

int rooms_new(struct rooms **ret) MUST_CHECK;
/* All rooms must be empty. NULL is allowed. */
void rooms_free(struct rooms *rooms);
/* 0 or E_NO_MEMORY. */
int room_join(struct rooms *rooms, const char *name, struct membership *membership,
	void *member) MUST_CHECK;
/* Harmless when it is in none. */
void room_leave(struct rooms *rooms, struct membership *membership);
/* The name of its room; NULL when it is in none. */
const char *membership_room_name(const struct membership *membership);
/* The first membership of a room, NULL when the room is empty; follow ->next. */
struct membership *room_first_member(const struct rooms *rooms, struct text name);

#endif
