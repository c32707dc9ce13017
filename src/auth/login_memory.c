/* SPDX-License-Identifier: MIT
 *
 * The memory of verified log-ins: 1,024 sets of four proofs, the oldest of a set makes room. The
 * key is random and never leaves this process, so what a dump of the table shows cannot be tested
 * against guessed passwords.
 */
#include "login_memory.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define SETS 1024
#define WAYS 4

struct entry {
	struct login_proof proof;
	uint64_t until_ms; /* 0: empty */
};

struct login_memory {
	unsigned char key[crypto_generichash_KEYBYTES];
	struct entry entries[SETS][WAYS];
};

int login_memory_new(struct login_memory **ret)
{
	struct login_memory *memory = calloc(1, sizeof(*memory));

	if (!memory)
		return E_NO_MEMORY;
	randombytes_buf(memory->key, sizeof(memory->key));
	*ret = memory;
	return 0;
}

void login_memory_free(struct login_memory *memory)
{
	if (!memory)
		return;
	sodium_memzero(memory->key, sizeof(memory->key));
	free(memory);
}

/* With its length in front, so that no two triples give the same bytes. */
static void add_part(crypto_generichash_state *state, const char *text)
{
	uint64_t len = strlen(text);

	crypto_generichash_update(state, (const unsigned char *)&len, sizeof(len));
	crypto_generichash_update(state, (const unsigned char *)text, len);
}

void login_proof(const struct login_memory *memory, const char *account, const char *hash,
	const char *password, struct login_proof *ret)
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, memory->key, sizeof(memory->key), sizeof(ret->mac));
	add_part(&state, account);
	add_part(&state, hash);
	add_part(&state, password);
	crypto_generichash_final(&state, ret->mac, sizeof(ret->mac));
	sodium_memzero(&state, sizeof(state));
}

static unsigned set_of(const struct login_proof *proof)
{
	return (proof->mac[0] | (unsigned)proof->mac[1] << 8) % SETS;
}

bool login_remembered(const struct login_memory *memory, const struct login_proof *proof,
	uint64_t now_ms)
{
	const struct entry *set = memory->entries[set_of(proof)];

	for (unsigned i = 0; i < WAYS; i++)
		if (set[i].until_ms > now_ms &&
			sodium_memcmp(set[i].proof.mac, proof->mac, sizeof(proof->mac)) == 0)
			return true;
	return false;
}

void login_remember(struct login_memory *memory, const struct login_proof *proof, uint64_t now_ms)
{
	struct entry *set = memory->entries[set_of(proof)];
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
	oldest->until_ms = now_ms + LOGIN_MEMORY_MS;
}
