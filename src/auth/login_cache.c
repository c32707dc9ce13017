/* SPDX-License-Identifier: MIT
 *
 * The cache of verified log-ins: 1,024 sets of four proofs; the oldest of a set is evicted. The key
 * is random and never leaves this process, so a dump of the table cannot be used to test guesses of
 * passwords.
 */
#include "login_cache.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define SETS 1024
#define WAYS 4

struct entry {
	struct login_proof proof;
	uint64_t until_ms; /* 0: empty */
};

struct login_cache {
	unsigned char key[crypto_generichash_KEYBYTES];
	struct entry entries[SETS][WAYS];
};

int login_cache_new(struct login_cache **ret)
{
	struct login_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return E_NO_MEMORY;
	randombytes_buf(cache->key, sizeof(cache->key));
	*ret = cache;
	return 0;
}

void login_cache_free(struct login_cache *cache)
{
	if (!cache)
		return;
	sodium_memzero(cache->key, sizeof(cache->key));
	free(cache);
}

/* Adds the length first, so that two different triples never give the same bytes. */
static void login_proof_add(crypto_generichash_state *state, const char *text)
{
	uint64_t len = strlen(text);

	crypto_generichash_update(state, (const unsigned char *)&len, sizeof(len));
	crypto_generichash_update(state, (const unsigned char *)text, len);
}

void login_proof(const struct login_cache *cache, const char *account, const char *hash,
	const char *password, struct login_proof *ret)
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, cache->key, sizeof(cache->key), sizeof(ret->mac));
	login_proof_add(&state, account);
	login_proof_add(&state, hash);
	login_proof_add(&state, password);
	crypto_generichash_final(&state, ret->mac, sizeof(ret->mac));
	sodium_memzero(&state, sizeof(state));
}

static unsigned login_set_of(const struct login_proof *proof)
{
	return (proof->mac[0] | (unsigned)proof->mac[1] << 8) % SETS;
}

bool login_cache_has(
	const struct login_cache *cache, const struct login_proof *proof, uint64_t now_ms)
{
	const struct entry *set = cache->entries[login_set_of(proof)];

	for (unsigned i = 0; i < WAYS; i++)
		if (set[i].until_ms > now_ms &&
			sodium_memcmp(set[i].proof.mac, proof->mac, sizeof(proof->mac)) == 0)
			return true;
	return false;
}

void login_cache_add(struct login_cache *cache, const struct login_proof *proof, uint64_t now_ms)
{
	struct entry *set = cache->entries[login_set_of(proof)];
	struct entry *oldest = &set[0];

	for (unsigned i = 0; i < WAYS; i++) {
		if (memcmp(set[i].proof.mac, proof->mac, sizeof(proof->mac)) == 0) {
			oldest = &set[i];
			break;
		}
		if (set[i].until_ms < oldest->until_ms)
			oldest = &set[i];
	}
	oldest->proof = *proof;
	oldest->until_ms = now_ms + LOGIN_CACHE_TTL_MS;
}
