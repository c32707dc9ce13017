/* SPDX-License-Identifier: MIT
 *
 * The memory of riders; see the header. 2,048 sets of four hold the riders of one loop of a copy;
 * who was read longest ago makes room. An entry of a rider costs about 600 bytes, once he has come.
 */
#include "rider_memory.h"

#include <stdlib.h>

#include "reeyo/core/memory.h"
#include "reeyo/loop/loop.h"

#define SETS 2048
#define WAYS 4

struct entry {
	char rider[ID_SIZE];
	uint64_t read_ms;
	bool kept;
	struct rider_facts facts;
};

struct set {
	uint64_t forgotten;
	struct entry *entries[WAYS]; /* NULL: never used */
};

struct rider_memory {
	struct set sets[SETS];
};

struct forget_message {
	struct message message;
	struct app *app;
	char rider[ID_SIZE];
};

int rider_memory_new(struct rider_memory **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : E_NO_MEMORY;
}

void rider_memory_free(struct rider_memory *memory)
{
	if (!memory)
		return;
	for (unsigned i = 0; i < SETS; i++)
		for (unsigned way = 0; way < WAYS; way++)
			free(memory->sets[i].entries[way]);
	free(memory);
}

/* FNV-1a: ids are ours, nobody can choose one to meet another. */
static unsigned set_of(const char *rider)
{
	uint32_t hash = 2166136261u;

	for (const char *c = rider; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619u;
	return hash % SETS;
}

static struct entry *entry_of(const struct rider_memory *memory, const char *rider)
{
	const struct set *set = &memory->sets[set_of(rider)];

	for (unsigned way = 0; way < WAYS; way++)
		if (set->entries[way] && strcmp(set->entries[way]->rider, rider) == 0)
			return set->entries[way];
	return NULL;
}

const struct rider_facts *rider_recall(const struct rider_memory *memory, const char *rider,
	uint64_t now_ms)
{
	const struct entry *entry = entry_of(memory, rider);

	if (!entry || !entry->kept || now_ms - entry->read_ms >= RIDER_FACTS_LIFE_MS)
		return NULL;
	return &entry->facts;
}

uint64_t rider_reading(const struct rider_memory *memory, const char *rider)
{
	return memory->sets[set_of(rider)].forgotten;
}

/* Its own entry, an unused one, or that of the rider who was read longest ago. NULL: out of
 * memory. */
static struct entry *entry_take(struct rider_memory *memory, const char *rider)
{
	struct set *set = &memory->sets[set_of(rider)];
	struct entry *entry = entry_of(memory, rider);

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

void rider_remember(struct rider_memory *memory, const char *rider, const struct rider_facts *facts,
	uint64_t reading, uint64_t now_ms)
{
	struct entry *entry;

	if (reading != rider_reading(memory, rider) || strlen(rider) >= ID_SIZE)
		return;
	entry = entry_take(memory, rider);
	if (!entry)
		return;
	memcpy(entry->rider, rider, strlen(rider) + 1);
	entry->read_ms = now_ms;
	entry->kept = true;
	entry->facts = *facts;
}

void rider_forget(struct rider_memory *memory, const char *rider)
{
	struct entry *entry = entry_of(memory, rider);

	memory->sets[set_of(rider)].forgotten++;
	if (entry)
		entry->kept = false;
}

/* --- Telling ---------------------------------------------------------------------------------- */

void rider_facts_forget(struct app *app, const char *rider)
{
	if (app->riders)
		rider_forget(app->riders, rider);
}

static void message_take(struct message *message)
{
	struct forget_message *told = CONTAINER_OF(message, struct forget_message, message);

	rider_facts_forget(told->app, told->rider);
	free(told);
}

void rider_facts_changed(struct app *app, const char *rider)
{
	rider_facts_forget(app, rider);
	for (struct app **other = app->all; other && *other; other++) {
		struct forget_message *told;

		if (*other == app || strlen(rider) >= ID_SIZE)
			continue;
		told = calloc(1, sizeof(*told));
		if (!told)
			return; /* the others hear of it by the event, or when the facts are old */
		told->message.run = message_take;
		told->app = *other;
		memcpy(told->rider, rider, strlen(rider) + 1);
		loop_post((*other)->loop, &told->message);
	}
}
