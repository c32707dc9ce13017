/* SPDX-License-Identifier: MIT
 *
 * The cache of verified access tokens: 2,048 sets of four, found by a keyed hash (SipHash under a
 * random key, so nobody can aim at one set) and confirmed by comparing the whole token. The entry
 * that expires first is evicted.
 */
#include "token_cache.h"

#include <sodium.h>
#include <stdlib.h>

#define SETS 2048
#define WAYS 4
#define SIGNATURE_END 32

struct token_entry {
	uint64_t hash;
	char *token; /* NULL: empty */
	size_t len;
	struct caller caller;
};

struct token_cache {
	unsigned char key[crypto_shorthash_KEYBYTES];
	struct token_entry entries[SETS][WAYS];
};

int token_cache_new(struct token_cache **ret)
{
	struct token_cache *memory = calloc(1, sizeof(*memory));

	if (!memory)
		return E_NO_MEMORY;
	randombytes_buf(memory->key, sizeof(memory->key));
	*ret = memory;
	return 0;
}

void token_cache_free(struct token_cache *memory)
{
	if (!memory)
		return;
	for (unsigned set = 0; set < SETS; set++)
		for (unsigned way = 0; way < WAYS; way++)
			free(memory->entries[set][way].token);
	free(memory);
}

/* The end of a token belongs to its signature, which differs for each token: hashing the whole
 * token would find the same set. */
static uint64_t token_cache_hash(const struct token_cache *memory, struct text token)
{
	uint64_t hash;

	if (token.len > SIGNATURE_END)
		token = (struct text){ token.at + token.len - SIGNATURE_END, SIGNATURE_END };
	crypto_shorthash(
		(unsigned char *)&hash, (const unsigned char *)token.at, token.len, memory->key);
	return hash;
}

static bool token_entry_is(const struct token_entry *entry, uint64_t hash, struct text token)
{
	/* Constant time is not needed: without the key nobody can reach the comparison of bytes. */
	return entry->token && entry->hash == hash &&
		text_is((struct text){ entry->token, entry->len }, token);
}

bool token_cache_get(
	const struct token_cache *memory, struct text token, int64_t now_s, struct caller *ret)
{
	uint64_t hash = token_cache_hash(memory, token);
	const struct token_entry *set = memory->entries[hash % SETS];

	for (unsigned i = 0; i < WAYS; i++) {
		if (!token_entry_is(&set[i], hash, token))
			continue;
		if (set[i].caller.expires_s <= now_s)
			return false;
		*ret = set[i].caller;
		return true;
	}
	return false;
}

void token_cache_put(struct token_cache *memory, struct text token, const struct caller *caller)
{
	uint64_t hash = token_cache_hash(memory, token);
	struct token_entry *set = memory->entries[hash % SETS];
	struct token_entry *victim = &set[0];
	char *copy;

	for (unsigned i = 0; i < WAYS; i++) {
		if (token_entry_is(&set[i], hash, token))
			return;
		if (!set[i].token ||
			(victim->token && set[i].caller.expires_s < victim->caller.expires_s))
			victim = &set[i];
	}
	copy = malloc(token.len);
	if (!copy)
		return;
	memcpy(copy, token.at, token.len);
	free(victim->token);
	*victim = (struct token_entry){
		.hash = hash, .token = copy, .len = token.len, .caller = *caller
	};
}
