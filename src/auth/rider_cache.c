/* SPDX-License-Identifier: MIT
 *
 * The cache of rider facts; see the header. 2,048 sets of four hold the riders of one loop of an
 * instance; the entry read longest ago is evicted. An entry in use costs about 600 bytes.
 */
#include "rider_cache.h"

#include <stdlib.h>

#include "reeyo/core/memory.h"
#include "reeyo/loop/loop.h"

#define SETS 2048
#define WAYS 4

struct rider_entry {
	char rider[ID_SIZE];
	uint64_t read_ms;
	bool kept;
	struct rider_facts facts;
};

struct rider_set {
	uint64_t invalidations;
	struct rider_entry *entries[WAYS]; /* NULL: never used */
};

struct rider_cache {
	struct rider_set sets[SETS];
};

struct rider_invalidation {
	struct message message;
	struct app *app;
	char rider[ID_SIZE];
};

int rider_cache_new(struct rider_cache **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : E_NO_MEMORY;
}

void rider_cache_free(struct rider_cache *memory)
{
	if (!memory)
		return;
	for (unsigned i = 0; i < SETS; i++)
		for (unsigned way = 0; way < WAYS; way++)
			free(memory->sets[i].entries[way]);
	free(memory);
}

/* FNV-1a is enough: we create the ids, so nobody can choose colliding ones. */
static unsigned rider_set_of(const char *rider)
{
	uint32_t hash = 2166136261u;

	for (const char *c = rider; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619u;
	return hash % SETS;
}

static struct rider_entry *rider_entry_find(const struct rider_cache *memory, const char *rider)
{
	const struct rider_set *set = &memory->sets[rider_set_of(rider)];

	for (unsigned way = 0; way < WAYS; way++)
		if (set->entries[way] && strcmp(set->entries[way]->rider, rider) == 0)
			return set->entries[way];
	return NULL;
}

const struct rider_facts *rider_cache_get(
	const struct rider_cache *memory, const char *rider, uint64_t now_ms)
{
	const struct rider_entry *entry = rider_entry_find(memory, rider);

	if (!entry || !entry->kept || now_ms - entry->read_ms >= RIDER_FACTS_TTL_MS)
		return NULL;
	return &entry->facts;
}

uint64_t rider_cache_version(const struct rider_cache *memory, const char *rider)
{
	return memory->sets[rider_set_of(rider)].invalidations;
}

/* The rider's own entry, an unused one, or the entry read longest ago. NULL: out of memory. */
static struct rider_entry *rider_entry_take(struct rider_cache *memory, const char *rider)
{
	struct rider_set *set = &memory->sets[rider_set_of(rider)];
	struct rider_entry *entry = rider_entry_find(memory, rider);

	for (unsigned way = 0; !entry && way < WAYS; way++)
		if (!set->entries[way])
			entry = set->entries[way] = calloc(1, sizeof(*entry));
	if (entry)
		return entry;
	entry = set->entries[0];
	for (unsigned way = 1; entry && way < WAYS; way++)
		if (set->entries[way] && set->entries[way]->read_ms < entry->read_ms)
			entry = set->entries[way];
	return entry;
}

void rider_cache_put(struct rider_cache *memory, const char *rider, const struct rider_facts *facts,
	uint64_t version, uint64_t now_ms)
{
	struct rider_entry *entry;

	if (version != rider_cache_version(memory, rider) || strlen(rider) >= ID_SIZE)
		return;
	entry = rider_entry_take(memory, rider);
	if (!entry)
		return;
	memcpy(entry->rider, rider, strlen(rider) + 1);
	entry->read_ms = now_ms;
	entry->kept = true;
	entry->facts = *facts;
}

void rider_cache_remove(struct rider_cache *memory, const char *rider)
{
	struct rider_entry *entry = rider_entry_find(memory, rider);

	memory->sets[rider_set_of(rider)].invalidations++;
	if (entry)
		entry->kept = false;
}

/* --- Invalidation ----------------------------------------------------------------------------- */

void rider_facts_invalidate(struct app *app, const char *rider)
{
	if (app->riders)
		rider_cache_remove(app->riders, rider);
}

static void rider_invalidation_received(struct message *message)
{
	struct rider_invalidation *sent = CONTAINER_OF(message, struct rider_invalidation, message);

	rider_facts_invalidate(sent->app, sent->rider);
	free(sent);
}

void rider_facts_invalidate_all(struct app *app, const char *rider)
{
	rider_facts_invalidate(app, rider);
	for (struct app **other = app->all; other && *other; other++) {
		struct rider_invalidation *sent;

		if (*other == app || strlen(rider) >= ID_SIZE)
			continue;
		sent = calloc(1, sizeof(*sent));
		if (!sent)
			return; /* the others get the event, or their facts expire */
		sent->message.run = rider_invalidation_received;
		sent->app = *other;
		memcpy(sent->rider, rider, strlen(rider) + 1);
		loop_post((*other)->loop, &sent->message);
	}
}
