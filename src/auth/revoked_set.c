/* SPDX-License-Identifier: MIT
 *
 * Open addressing over keyed 64-bit hashes of the subjects, 16 bytes per entry. Two subjects with
 * the same hash would cost one of them a refresh; with a million entries that happens once in
 * 10^13. Entries older than the life of a token are removed whenever the table is rebuilt.
 *
 * The table has a maximum size. When it is reached the floor rises: every access token issued until
 * then counts as revoked, the table is emptied, and all clients refresh once. That is safe, and an
 * attacker cannot use it to exhaust memory. Ended sessions are entered with a time far ahead, but
 * no token is issued for them any more. The floor never rises above now, or refreshed tokens would
 * count as revoked too.
 */
#include "revoked_set.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "reeyo/core/log.h"

#define SLOTS_FIRST 256
#define CLOCKS_MS 1000 /* maximum difference between our clock and the database's */

struct revoked_slot {
	uint64_t hash; /* 0: empty */
	int64_t before_ms;
};

struct revoked_set {
	unsigned char key[crypto_shorthash_KEYBYTES];
	unsigned most, slots, count;
	int64_t life_ms, floor_ms;
	struct revoked_slot *at;
};

int revoked_set_new(unsigned most, int64_t life_ms, struct revoked_set **ret)
{
	struct revoked_set *set = calloc(1, sizeof(*set));

	if (!set)
		return E_NO_MEMORY;
	set->at = calloc(SLOTS_FIRST, sizeof(*set->at));
	if (!set->at) {
		free(set);
		return E_NO_MEMORY;
	}
	randombytes_buf(set->key, sizeof(set->key));
	set->slots = SLOTS_FIRST;
	set->most = most;
	set->life_ms = life_ms;
	set->floor_ms = -1;
	*ret = set;
	return 0;
}

void revoked_set_free(struct revoked_set *set)
{
	if (!set)
		return;
	free(set->at);
	free(set);
}

static uint64_t revoked_set_hash(const struct revoked_set *set, const char *subject)
{
	uint64_t hash;

	crypto_shorthash(
		(unsigned char *)&hash, (const unsigned char *)subject, strlen(subject), set->key);
	return hash ? hash : 1;
}

/* The slot of the hash, or the empty slot for it. There is always an empty slot. */
static struct revoked_slot *revoked_slot_find(const struct revoked_set *set, uint64_t hash)
{
	unsigned i = (unsigned)hash & (set->slots - 1);

	while (set->at[i].hash && set->at[i].hash != hash)
		i = (i + 1) & (set->slots - 1);
	return &set->at[i];
}

static void revoked_set_raise_floor(struct revoked_set *set, int64_t before_ms, int64_t now_ms)
{
	log_line(LOG_WARN,
		"too many revocations: every access token issued until now must be refreshed",
		LOG_I("entries", (int64_t)set->count));
	for (unsigned i = 0; i < set->slots; i++)
		if (set->at[i].hash && set->at[i].before_ms > before_ms)
			before_ms = set->at[i].before_ms;
	if (before_ms > now_ms + CLOCKS_MS)
		before_ms = now_ms + CLOCKS_MS;
	memset(set->at, 0, set->slots * sizeof(*set->at));
	set->count = 0;
	if (before_ms > set->floor_ms)
		set->floor_ms = before_ms;
}

/* Rebuilds the table without expired entries, in twice the size if needed. False: out of memory, or
 * the maximum size is reached. */
static bool revoked_set_rebuild(struct revoked_set *set, int64_t now_ms)
{
	struct revoked_slot *old = set->at;
	unsigned old_slots = set->slots;
	unsigned live = 0;

	for (unsigned i = 0; i < old_slots; i++)
		live += old[i].hash && old[i].before_ms + set->life_ms > now_ms;
	if (live >= set->most)
		return false;
	set->slots = live * 4 > old_slots ? old_slots * 2 : old_slots;
	set->at = calloc(set->slots, sizeof(*set->at));
	if (!set->at) {
		set->at = old;
		set->slots = old_slots;
		return false;
	}
	for (unsigned i = 0; i < old_slots; i++)
		if (old[i].hash && old[i].before_ms + set->life_ms > now_ms)
			*revoked_slot_find(set, old[i].hash) = old[i];
	set->count = live;
	free(old);
	return true;
}

void revoked_set_add(
	struct revoked_set *set, const char *subject, int64_t before_ms, int64_t now_ms)
{
	uint64_t hash = revoked_set_hash(set, subject);
	struct revoked_slot *slot = revoked_slot_find(set, hash);

	if (slot->hash) {
		if (before_ms > slot->before_ms)
			slot->before_ms = before_ms;
		return;
	}
	if ((set->count + 1) * 2 > set->slots || set->count >= set->most) {
		if (!revoked_set_rebuild(set, now_ms)) {
			revoked_set_raise_floor(set, before_ms, now_ms);
			return;
		}
		slot = revoked_slot_find(set, hash);
	}
	*slot = (struct revoked_slot){ .hash = hash, .before_ms = before_ms };
	set->count++;
}

bool revoked_set_has(const struct revoked_set *set, const char *subject, int64_t issued_ms)
{
	const struct revoked_slot *slot;

	if (issued_ms <= set->floor_ms)
		return true;
	slot = revoked_slot_find(set, revoked_set_hash(set, subject));
	return slot->hash && issued_ms <= slot->before_ms;
}

unsigned revoked_set_count(const struct revoked_set *set)
{
	return set->count;
}
