/* SPDX-License-Identifier: MIT
 *
 * The queued messages that the sending instance knows, in memory: a chain for each recipient and
 * kind (channel, or channel of broadcasts), in order of id. Only the first message of a chain is
 * sent, so messages of one recipient stay in order, and a chain waits while its first message waits
 * for its next try.
 *
 * Most entries are only known: id, recipient and due time. The content (what a send needs) is read
 * for a limited number, shortly before they are sent. Private to src/jobs/notify.
 */
#ifndef REEYO_SRC_JOBS_MESSAGE_QUEUE_H
#define REEYO_SRC_JOBS_MESSAGE_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "reeyo/core/error.h"
#include "reeyo/core/text.h"

/* Of a kind: entries, contents, and contents of one recipient. */
#define QUEUE_ENTRIES_MAX 65536u
#define QUEUE_CONTENTS_MAX 256u
#define QUEUE_AHEAD_MAX 8u
/* A content that is older is read again: the address may have changed. */
#define QUEUE_FRESH_MS 30000

struct recipient_queue;
struct queued_message {
	int64_t id;
	struct recipient_queue *chain;
	struct queued_message *next; /* of the same recipient */
	void *content;               /* NULL: must be read before it is sent */
	uint64_t read_ms, due_ms;
	bool under_way; /* from message_queue_take until message_queue_end or message_queue_park */
	bool ended;     /* stays known until its result is stored */
	bool seen;      /* private: its row was read */
};

struct message_queue;
/* content_free: frees the content of an entry. NULL when out of memory. */
struct message_queue *message_queue_new(unsigned kinds, void (*content_free)(void *content));
/* Frees all entries and their contents. NULL is allowed. */
void message_queue_free(struct message_queue *queue);

/* Adds a message, or returns the entry that has the id, with the new due time unless it is under
 * way. NULL when out of memory. The limit of entries is the caller's: see message_queue_room. */
struct queued_message *message_queue_add(struct message_queue *queue, unsigned kind,
	struct text recipient, int64_t id, uint64_t due_ms, uint64_t now);
/* Whether the content of an entry would be of use soon: not when earlier messages of its recipient
 * wait, or have as many contents as one recipient may have. */
bool message_queue_wants_content(const struct queued_message *entry, uint64_t now);
/* Gives an entry its content; a content that it has is freed. */
void message_queue_fill(
	struct message_queue *queue, struct queued_message *entry, void *content, uint64_t now);
/* How many more contents may be read. 0 when too many entries of the kind are known. */
unsigned message_queue_room(const struct message_queue *queue, unsigned kind);

/* The next message to send, which is then under way. NULL: none is ready. */
struct queued_message *message_queue_take(struct message_queue *queue, unsigned kind, uint64_t now);
/* It will not be sent again: the next one of its recipient may be sent. */
void message_queue_end(struct message_queue *queue, struct queued_message *entry, uint64_t now);
/* It waits for its next try; contents of its recipient are freed. */
void message_queue_park(struct message_queue *queue, struct queued_message *entry, uint64_t due_ms);
/* Forgets an entry: its result is stored, or its row is gone. */
void message_queue_remove(struct message_queue *queue, struct queued_message *entry, uint64_t now);
/* Forgets what is neither under way nor ended. */
void message_queue_clear(struct message_queue *queue);

/* Finds entries whose time has come. Call it every now and then. */
void message_queue_tick(struct message_queue *queue, uint64_t now);
/* The messages of a kind whose content must be read, at most `max`. After they were read (or could
 * not be), call message_queue_wanted_done with the same entries. */
unsigned message_queue_wanted(
	struct message_queue *queue, unsigned kind, struct queued_message **entries, unsigned max);
/* read: they were asked for. A message for which message_queue_add was not called since has no row
 * any more, and is removed. */
void message_queue_wanted_done(struct message_queue *queue, struct queued_message *const *entries,
	unsigned count, bool read, uint64_t now);

/* The ids of all entries with content, under way or ended; at most `max`. */
unsigned message_queue_held(const struct message_queue *queue, int64_t *ids, unsigned max);

#endif
