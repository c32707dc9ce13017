/* SPDX-License-Identifier: MIT
 *
 * The memory of verified access tokens: 2,048 sets of four, found by a keyed hash (SipHash under a
 * random key, so nobody can aim at one set) and confirmed by all the token's bytes. The one that
 * expires first makes room.
 */
#include "token_memory.h"

#include <sodium.h>
#include <stdlib.h>

#define SETS 2048
#define WAYS 4

struct entry {
	uint64_t hash;
	char *token; /* NULL: empty */
	size_t len;
	struct caller caller;
};

struct token_memory {
	unsigned char key[crypto_shorthash_KEYBYTES];
	struct entry entries[SETS][WAYS];
};

int token_memory_new(struct token_memory **ret)
{
	struct token_memory *memory = calloc(1, sizeof(*memory));

	if (!memory)
		return E_NO_MEMORY;
	randombytes_buf(memory->key, sizeof(memory->key));
	*ret = memory;
	return 0;
}

void token_memory_free(struct token_memory *memory)
{
	if (!memory)
		return;
	for (unsigned set = 0; set < SETS; set++)
		for (unsigned way = 0; way < WAYS; way++)
			free(memory->entries[set][way].token);
	free(memory);
}

static uint64_t hash_of(const struct token_memory *memory, struct text token)
{
	uint64_t hash;

	crypto_shorthash((unsigned char *)&hash, (const unsigned char *)token.at, token.len,
		memory->key);
	return hash;
}

static bool entry_is(const struct entry *entry, uint64_t hash, struct text token)
{
	/* Not in constant time: who cannot forge the keyed hash never gets to compare a byte. */
	return entry->token && entry->hash == hash &&
		text_is((struct text){ entry->token, entry->len }, token);
}

bool token_recall(const struct token_memory *memory, struct text token, int64_t now_s,
	struct caller *ret)
{
	uint64_t hash = hash_of(memory, token);
	const struct entry *set = memory->entries[hash % SETS];

	for (unsigned i = 0; i < WAYS; i++) {
		if (!entry_is(&set[i], hash, token))
			continue;
		if (set[i].caller.expires_s <= now_s)
			return false;
		*ret = set[i].caller;
		return true;
	}
	return false;
}

void token_remember(struct token_memory *memory, struct text token, const struct caller *caller)
{
	uint64_t hash = hash_of(memory, token);
	struct entry *set = memory->entries[hash % SETS];
	struct entry *place = &set[0];
	char *copy;

	for (unsigned i = 0; i < WAYS; i++) {
		if (entry_is(&set[i], hash, token))
			return;
		if (!set[i].token ||
			(place->token && set[i].caller.expires_s < place->caller.expires_s))
			place = &set[i];
	}
	copy = malloc(token.len);
	if (!copy)
		return;
	memcpy(copy, token.at, token.len);
	free(place->token);
	*place = (struct entry){ .hash = hash, .token = copy, .len = token.len, .caller = *caller };
}
