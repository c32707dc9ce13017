/* SPDX-License-Identifier: MIT
 *
 * Queued messages in memory; see the header. A chain stands in one list of its kind, by the state
 * of its first message that has not ended:
 *
 *   READY    due, with a fresh content
 *   WANTED   due, its content must be read
 *   READING  its content is being read
 *   PARKED   not due yet
 *   BUSY     under way, or all have ended
 */
#include "message_queue.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

enum chain_place {
	CHAIN_READY,
	CHAIN_WANTED,
	CHAIN_READING,
	CHAIN_PARKED,
	CHAIN_BUSY,
	CHAIN_PLACES
};

struct recipient_queue {
	UT_hash_handle hh;
	unsigned kind, contents;
	enum chain_place place;
	struct recipient_queue *previous, *next; /* in the list of its place */
	struct queued_message *first, *last;
	struct queued_message *last_found; /* by chain_seek; NULL: none */
	size_t length;                     /* of the recipient */
	char recipient[];
};

struct chain_list {
	struct recipient_queue *first, *last;
};

struct message_queue_kind {
	struct recipient_queue *chains; /* by recipient */
	struct chain_list places[CHAIN_PLACES];
	unsigned entries, contents;
};

struct message_queue {
	void (*content_free)(void *content);
	unsigned kinds;
	struct message_queue_kind kind[];
};

static struct message_queue_kind *entry_kind(
	struct message_queue *queue, const struct queued_message *entry)
{
	return &queue->kind[entry->chain->kind];
}

/* --- Lists of chains -------------------------------------------------------------------------- */

static void chain_list_add(struct chain_list *list, struct recipient_queue *chain)
{
	chain->next = NULL;
	chain->previous = list->last;
	*(list->last ? &list->last->next : &list->first) = chain;
	list->last = chain;
}

static void chain_list_remove(struct chain_list *list, struct recipient_queue *chain)
{
	*(chain->previous ? &chain->previous->next : &list->first) = chain->next;
	*(chain->next ? &chain->next->previous : &list->last) = chain->previous;
}

/* --- Contents --------------------------------------------------------------------------------- */

static void content_drop(struct message_queue *queue, struct queued_message *entry)
{
	if (!entry->content)
		return;
	queue->content_free(entry->content);
	entry->content = NULL;
	entry->chain->contents--;
	entry_kind(queue, entry)->contents--;
}

static void chain_contents_drop(struct message_queue *queue, struct recipient_queue *chain)
{
	struct queued_message *entry;

	for (entry = chain->first; entry; entry = entry->next)
		if (!entry->ended)
			content_drop(queue, entry);
}

static bool content_is_fresh(const struct queued_message *entry, uint64_t now)
{
	return entry->content && now < entry->read_ms + QUEUE_FRESH_MS;
}

/* --- Chains ----------------------------------------------------------------------------------- */

static struct queued_message *chain_head(const struct recipient_queue *chain)
{
	struct queued_message *entry = chain->first;

	while (entry && entry->ended)
		entry = entry->next;
	return entry;
}

static enum chain_place chain_place_of(const struct recipient_queue *chain, uint64_t now)
{
	const struct queued_message *head = chain_head(chain);

	if (!head || head->under_way)
		return CHAIN_BUSY;
	if (head->due_ms > now)
		return CHAIN_PARKED;
	return content_is_fresh(head, now) ? CHAIN_READY : CHAIN_WANTED;
}

static void chain_move(
	struct message_queue *queue, struct recipient_queue *chain, enum chain_place place)
{
	struct message_queue_kind *kind = &queue->kind[chain->kind];

	chain_list_remove(&kind->places[chain->place], chain);
	chain->place = place;
	chain_list_add(&kind->places[place], chain);
}

/* What is being read stays where it is until message_queue_wanted_done. */
static void chain_update(struct message_queue *queue, struct recipient_queue *chain, uint64_t now)
{
	enum chain_place place = chain_place_of(chain, now);

	if (chain->place == CHAIN_READING || chain->place == place)
		return;
	chain_move(queue, chain, place);
	if (place == CHAIN_PARKED)
		chain_contents_drop(queue, chain);
}

static struct recipient_queue *chain_find(
	const struct message_queue *queue, unsigned kind, struct text recipient)
{
	struct recipient_queue *chain;

	HASH_FIND(hh, queue->kind[kind].chains, recipient.at, recipient.len, chain);
	return chain;
}

static struct recipient_queue *chain_new(
	struct message_queue *queue, unsigned kind, struct text recipient)
{
	struct recipient_queue *chain = calloc(1, sizeof(*chain) + recipient.len);

	if (!chain)
		return NULL;
	chain->kind = kind;
	chain->length = recipient.len;
	memcpy(chain->recipient, recipient.at, recipient.len);
	HASH_ADD_KEYPTR(
		hh, queue->kind[kind].chains, chain->recipient, (unsigned)chain->length, chain);
	chain->place = CHAIN_BUSY;
	chain_list_add(&queue->kind[kind].places[CHAIN_BUSY], chain);
	return chain;
}

static void chain_free(struct message_queue *queue, struct recipient_queue *chain)
{
	struct message_queue_kind *kind = &queue->kind[chain->kind];

	chain_list_remove(&kind->places[chain->place], chain);
	HASH_DEL(kind->chains, chain);
	free(chain);
}

static void entry_free(struct message_queue *queue, struct queued_message *entry)
{
	struct recipient_queue *chain = entry->chain;
	struct queued_message **at = &chain->first, *before = NULL;

	content_drop(queue, entry);
	for (; *at != entry; at = &(*at)->next)
		before = *at;
	*at = entry->next;
	if (chain->last == entry)
		chain->last = before;
	if (chain->last_found == entry)
		chain->last_found = NULL;
	queue->kind[chain->kind].entries--;
	free(entry);
}

/* --- Adding ----------------------------------------------------------------------------------- */

/* Where an entry with the id is, or belongs. Rows come in the order of their ids, so the search
 * begins at the last one that was found before it. */
static struct queued_message **chain_seek(struct recipient_queue *chain, int64_t id)
{
	struct queued_message **at = &chain->first;

	if (chain->last && chain->last->id < id)
		return &chain->last->next;
	if (chain->last_found && chain->last_found->id < id)
		at = &chain->last_found->next;
	while (*at && (*at)->id < id)
		at = &(*at)->next;
	return at;
}

static struct queued_message *entry_insert(struct message_queue *queue,
	struct recipient_queue *chain, struct queued_message **at, int64_t id)
{
	struct queued_message *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return NULL;
	entry->id = id;
	entry->chain = chain;
	entry->next = *at;
	*at = entry;
	if (!entry->next)
		chain->last = entry;
	queue->kind[chain->kind].entries++;
	return entry;
}

struct queued_message *message_queue_add(struct message_queue *queue, unsigned kind,
	struct text recipient, int64_t id, uint64_t due_ms, uint64_t now)
{
	struct recipient_queue *chain = chain_find(queue, kind, recipient);
	struct queued_message **at, *entry;

	if (!chain)
		chain = chain_new(queue, kind, recipient);
	if (!chain)
		return NULL;
	at = chain_seek(chain, id);
	entry = *at && (*at)->id == id ? *at : entry_insert(queue, chain, at, id);
	if (!entry) {
		if (!chain->first)
			chain_free(queue, chain);
		return NULL;
	}
	entry->seen = true;
	chain->last_found = entry;
	if (!entry->under_way && !entry->ended)
		entry->due_ms = due_ms;
	chain_update(queue, chain, now);
	return entry;
}

bool message_queue_wants_content(const struct queued_message *entry, uint64_t now)
{
	const struct queued_message *head = chain_head(entry->chain);

	return !entry->under_way && !entry->ended && entry->due_ms <= now && head->due_ms <= now &&
		entry->chain->contents < QUEUE_AHEAD_MAX;
}

void message_queue_fill(
	struct message_queue *queue, struct queued_message *entry, void *content, uint64_t now)
{
	content_drop(queue, entry);
	entry->content = content;
	entry->read_ms = now;
	entry->chain->contents++;
	entry_kind(queue, entry)->contents++;
	chain_update(queue, entry->chain, now);
}

unsigned message_queue_room(const struct message_queue *queue, unsigned kind)
{
	const struct message_queue_kind *in = &queue->kind[kind];

	return in->entries >= QUEUE_ENTRIES_MAX || in->contents >= QUEUE_CONTENTS_MAX
		? 0
		: QUEUE_CONTENTS_MAX - in->contents;
}

/* --- Sending ---------------------------------------------------------------------------------- */

struct queued_message *message_queue_take(struct message_queue *queue, unsigned kind, uint64_t now)
{
	struct recipient_queue *chain;

	while ((chain = queue->kind[kind].places[CHAIN_READY].first)) {
		struct queued_message *head = chain_head(chain);

		if (chain_place_of(chain, now) == CHAIN_READY) {
			head->under_way = true;
			chain_move(queue, chain, CHAIN_BUSY);
			return head;
		}
		chain_update(queue, chain, now);
	}
	return NULL;
}

void message_queue_end(struct message_queue *queue, struct queued_message *entry, uint64_t now)
{
	entry->under_way = false;
	entry->ended = true;
	chain_update(queue, entry->chain, now);
}

void message_queue_park(struct message_queue *queue, struct queued_message *entry, uint64_t due_ms)
{
	entry->under_way = false;
	entry->due_ms = due_ms;
	chain_contents_drop(queue, entry->chain);
	chain_move(queue, entry->chain, CHAIN_PARKED);
}

void message_queue_remove(struct message_queue *queue, struct queued_message *entry, uint64_t now)
{
	struct recipient_queue *chain = entry->chain;

	entry_free(queue, entry);
	if (chain->first)
		chain_update(queue, chain, now);
	else
		chain_free(queue, chain);
}

static void chain_clear(struct message_queue *queue, struct recipient_queue *chain, bool all)
{
	struct queued_message *entry, *after;

	for (entry = chain->first; entry; entry = after) {
		after = entry->next;
		if (all || (!entry->under_way && !entry->ended))
			entry_free(queue, entry);
	}
	if (!chain->first)
		chain_free(queue, chain);
	else if (!all)
		chain_move(queue, chain, CHAIN_BUSY);
}

static void message_queue_clear_all(struct message_queue *queue, bool all)
{
	for (unsigned kind = 0; kind < queue->kinds; kind++) {
		struct recipient_queue *chain, *after;

		HASH_ITER(hh, queue->kind[kind].chains, chain, after)
		chain_clear(queue, chain, all);
	}
}

void message_queue_clear(struct message_queue *queue)
{
	message_queue_clear_all(queue, false);
}

/* --- Reading ---------------------------------------------------------------------------------- */

void message_queue_tick(struct message_queue *queue, uint64_t now)
{
	for (unsigned kind = 0; kind < queue->kinds; kind++) {
		struct recipient_queue *chain, *after;

		for (chain = queue->kind[kind].places[CHAIN_PARKED].first; chain; chain = after) {
			after = chain->next;
			chain_update(queue, chain, now);
		}
	}
}

/* The first messages of a chain. */
static unsigned chain_wanted(
	const struct recipient_queue *chain, struct queued_message **entries, unsigned max)
{
	unsigned count = 0;

	for (struct queued_message *entry = chain_head(chain); entry && count < max;
		entry = entry->next) {
		entry->seen = false;
		entries[count++] = entry;
	}
	return count;
}

unsigned message_queue_wanted(
	struct message_queue *queue, unsigned kind, struct queued_message **entries, unsigned max)
{
	struct message_queue_kind *in = &queue->kind[kind];
	unsigned count = 0, ahead;

	while (in->places[CHAIN_WANTED].first && count < max) {
		struct recipient_queue *chain = in->places[CHAIN_WANTED].first;

		chain_contents_drop(queue, chain);
		ahead = max - count < QUEUE_AHEAD_MAX ? max - count : QUEUE_AHEAD_MAX;
		count += chain_wanted(chain, entries + count, ahead);
		chain_move(queue, chain, CHAIN_READING);
	}
	return count;
}

void message_queue_wanted_done(struct message_queue *queue, struct queued_message *const *entries,
	unsigned count, bool read, uint64_t now)
{
	for (unsigned i = 0; i < count; i++) {
		struct recipient_queue *chain = entries[i]->chain;

		if (chain->place == CHAIN_READING)
			chain_move(queue, chain, chain_place_of(chain, now));
		if (read && !entries[i]->seen)
			message_queue_remove(queue, entries[i], now);
	}
}

/* They stand at the front of their chain. */
static unsigned chain_held(const struct recipient_queue *chain, int64_t *ids, unsigned max)
{
	unsigned count = 0;

	for (const struct queued_message *entry = chain->first;
		entry && count < max && (entry->content || entry->under_way || entry->ended);
		entry = entry->next)
		ids[count++] = entry->id;
	return count;
}

unsigned message_queue_held(const struct message_queue *queue, int64_t *ids, unsigned max)
{
	static const enum chain_place places[] = { CHAIN_BUSY, CHAIN_READY, CHAIN_READING };
	unsigned count = 0;

	for (unsigned kind = 0; kind < queue->kinds; kind++)
		for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
			const struct recipient_queue *chain =
				queue->kind[kind].places[places[i]].first;

			for (; chain; chain = chain->next)
				count += chain_held(chain, ids + count, max - count);
		}
	return count;
}

/* --- Life ------------------------------------------------------------------------------------- */

struct message_queue *message_queue_new(unsigned kinds, void (*content_free)(void *content))
{
	struct message_queue *queue = calloc(1, sizeof(*queue) + kinds * sizeof(queue->kind[0]));

	if (!queue)
		return NULL;
	queue->kinds = kinds;
	queue->content_free = content_free;
	return queue;
}

void message_queue_free(struct message_queue *queue)
{
	if (queue)
		message_queue_clear_all(queue, true);
	free(queue);
}
