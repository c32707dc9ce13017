/* SPDX-License-Identifier: MIT
 *
 * Rooms: a hash table of lists; see the header.
 */
#include "rooms.h"

#include <stdlib.h>
#include <uthash.h>

struct room {
	UT_hash_handle hh;
	struct membership *first;
	char name[];
};

struct rooms {
	struct room *table;
};

int rooms_new(struct rooms **ret)
{
	struct rooms *rooms = calloc(1, sizeof(*rooms));

	if (!rooms)
		return E_NO_MEMORY;
	*ret = rooms;
	return 0;
}

void rooms_free(struct rooms *rooms)
{
	free(rooms);
}

static struct room *room_find(const struct rooms *rooms, const char *name, size_t len)
{
	struct room *room = NULL;

	HASH_FIND(hh, rooms->table, name, len, room);
	return room;
}

static struct room *room_new(struct rooms *rooms, const char *name)
{
	size_t len = strlen(name);
	struct room *room = malloc(sizeof(*room) + len + 1);

	if (!room)
		return NULL;
	room->first = NULL;
	memcpy(room->name, name, len + 1);
	HASH_ADD(hh, rooms->table, name, (unsigned)len, room);
	return room;
}

int room_join(struct rooms *rooms, const char *name, struct membership *membership, void *member)
{
	struct room *room = room_find(rooms, name, strlen(name));

	if (!room && !(room = room_new(rooms, name)))
		return E_NO_MEMORY;
	*membership = (struct membership){ .room = room, .next = room->first, .member = member };
	if (membership->next)
		membership->next->previous = membership;
	room->first = membership;
	return 0;
}

void room_leave(struct rooms *rooms, struct membership *membership)
{
	struct room *room = membership->room;

	if (!room)
		return;
	if (membership->previous)
		membership->previous->next = membership->next;
	else
		room->first = membership->next;
	if (membership->next)
		membership->next->previous = membership->previous;
	*membership = (struct membership){ .room = NULL };
	if (!room->first) {
		HASH_DEL(rooms->table, room);
		free(room);
	}
}

const char *membership_room_name(const struct membership *membership)
{
	return membership->room ? membership->room->name : NULL;
}

struct membership *room_first_member(const struct rooms *rooms, struct text name)
{
	struct room *room = room_find(rooms, name.at, name.len);

	return room ? room->first : NULL;
}
