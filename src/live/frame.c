/* SPDX-License-Identifier: MIT
 *
 * Frames and batches: encoding and decoding; see the header.
 */
#include "frame.h"

#include <stdio.h>
#include <stdlib.h>

#include "reeyo/core/log.h"

/* --- Frames ----------------------------------------------------------------------------------- */

static struct text text_or_dash(struct text text)
{
	return text.at && text.len ? text : TEXT("-");
}

static struct text text_without_dash(struct text text)
{
	return text_is(text, TEXT("-")) ? TEXT("") : text;
}

char *frame_pack(struct text source, int64_t id, int64_t previous, struct text type,
	struct text aggregate, struct text rooms, struct text payload, size_t *ret_len)
{
	size_t room = source.len + type.len + aggregate.len + rooms.len + payload.len + 64;
	char *frame = malloc(room);
	int head;

	if (!frame)
		return NULL;
	head = snprintf(frame, room, "%.*s %lld %lld %.*s %.*s %.*s\n",
		TEXT_ARGS(text_or_dash(source)), (long long)id, (long long)previous,
		TEXT_ARGS(text_or_dash(type)), TEXT_ARGS(text_or_dash(aggregate)),
		TEXT_ARGS(text_or_dash(rooms)));
	memcpy(frame + head, payload.at ? payload.at : "", payload.len);
	*ret_len = (size_t)head + payload.len;
	frame[*ret_len] = '\0';
	return frame;
}

unsigned rooms_split(struct text list, struct text rooms[EVENT_ROOMS_MAX])
{
	unsigned count = 0;

	list = text_without_dash(list);
	while (list.at && list.len && count < EVENT_ROOMS_MAX)
		rooms[count++] = text_cut(&list, ',');
	if (list.at && list.len)
		log_line(LOG_WARN, "an event has more rooms than are used",
			LOG_I("used", EVENT_ROOMS_MAX));
	return count;
}

bool frame_parse(struct text text, struct frame *ret)
{
	struct text rest = text, line = text_cut(&rest, '\n'), rooms;
	int64_t id, previous;

	if (!rest.at)
		return false;
	ret->source = text_cut(&line, ' ');
	if (!line.at || !text_to_int(text_cut(&line, ' '), 0, INT64_MAX, &id) || !line.at ||
		!text_to_int(text_cut(&line, ' '), 0, INT64_MAX, &previous) || !line.at)
		return false;
	ret->previous = previous;
	ret->event = (struct event){ .id = id, .type = text_cut(&line, ' '), .payload = rest };
	if (!line.at)
		return false;
	ret->event.aggregate = text_without_dash(text_cut(&line, ' '));
	if (!line.at)
		return false;
	rooms = text_cut(&line, ' ');
	ret->event.rooms = ret->rooms;
	ret->event.room_count = rooms_split(rooms, ret->rooms);
	return true;
}

/* --- Wires ------------------------------------------------------------------------------------ */

size_t wire_size(const struct event *event)
{
	return event->type.len + event->payload.len + sizeof("id: \nevent: \ndata: \n\n") + 20;
}

/* A line break would end the data. In JSON it can only be white space. */
static char *wire_line_write(char *at, struct text text)
{
	for (size_t i = 0; i < text.len; i++)
		*at++ = text.at[i] == '\n' || text.at[i] == '\r' ? ' ' : text.at[i];
	return at;
}

char *wire_write(char *at, const struct event *event)
{
	char id[32] = "";

	if (event->id)
		snprintf(id, sizeof(id), "id: %lld\n", (long long)event->id);
	at = stpcpy(stpcpy(at, id), "event: ");
	at = wire_line_write(at, event->type);
	at = stpcpy(at, "\ndata: ");
	at = wire_line_write(at, event->payload);
	return stpcpy(at, "\n\n");
}

/* --- Batches ---------------------------------------------------------------------------------- */

static struct text batch_text_copy(char **at, struct text text)
{
	struct text copy = { *at, text.len };

	if (text.len)
		memcpy(*at, text.at, text.len);
	*at += text.len;
	return copy;
}

static size_t batch_event_size(const struct event *event)
{
	size_t bytes = wire_size(event) + event->type.len + event->aggregate.len +
		event->payload.len;

	for (unsigned i = 0; i < event->room_count; i++)
		bytes += event->rooms[i].len;
	return bytes;
}

static void batch_event_copy(
	struct batch_event *to, const struct event *from, struct text **rooms, char **at)
{
	struct text *mine = *rooms;

	for (unsigned i = 0; i < from->room_count; i++)
		mine[i] = batch_text_copy(at, from->rooms[i]);
	*rooms += from->room_count;
	to->event = (struct event){ .id = from->id, .room_count = from->room_count, .rooms = mine };
	to->event.type = batch_text_copy(at, from->type);
	to->event.aggregate = batch_text_copy(at, from->aggregate);
	to->event.payload = batch_text_copy(at, from->payload);
	to->wire.at = *at;
	*at = wire_write(*at, from);
	to->wire.len = (size_t)(*at - to->wire.at);
}

struct batch *batch_new(const struct event *events, unsigned count, unsigned loops)
{
	size_t bytes = 0, rooms = 0,
	       head = sizeof(struct batch) + count * sizeof(struct batch_event);
	struct batch *batch;
	struct text *room;
	char *at;

	for (unsigned i = 0; i < count; i++) {
		bytes += batch_event_size(&events[i]);
		rooms += events[i].room_count;
	}
	batch = malloc(
		head + loops * sizeof(struct batch_message) + rooms * sizeof(struct text) + bytes);
	if (!batch)
		return NULL;
	atomic_init(&batch->shared.references, 1);
	batch->count = count;
	batch->loops = loops;
	batch->messages = (struct batch_message *)((char *)batch + head);
	room = (struct text *)(batch->messages + loops);
	at = (char *)(room + rooms);
	for (unsigned i = 0; i < count; i++)
		batch_event_copy(&batch->events[i], &events[i], &room, &at);
	return batch;
}
