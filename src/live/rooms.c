/* SPDX-License-Identifier: MIT
 *
 * Rooms: see the header.
 */
#include "rooms.h"

#include <stdlib.h>
#include <uthash.h>

struct room {
	UT_hash_handle hh;
	struct place *first;
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

static struct room *room_of(const struct rooms *rooms, const char *name, size_t len)
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

int room_join(struct rooms *rooms, const char *name, struct place *place, void *member)
{
	struct room *room = room_of(rooms, name, strlen(name));

	if (!room && !(room = room_new(rooms, name)))
		return E_NO_MEMORY;
	*place = (struct place){ .room = room, .next = room->first, .member = member };
	if (place->next)
		place->next->previous = place;
	room->first = place;
	return 0;
}

void room_leave(struct rooms *rooms, struct place *place)
{
	struct room *room = place->room;

	if (!room)
		return;
	if (place->previous)
		place->previous->next = place->next;
	else
		room->first = place->next;
	if (place->next)
		place->next->previous = place->previous;
	*place = (struct place){ .room = NULL };
	if (!room->first) {
		HASH_DEL(rooms->table, room);
		free(room);
	}
}

const char *place_name(const struct place *place)
{
	return place->room ? place->room->name : NULL;
}

struct place *room_find(const struct rooms *rooms, struct text name)
{
	struct room *room = room_of(rooms, name.at, name.len);

	return room ? room->first : NULL;
}
