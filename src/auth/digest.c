/* SPDX-License-Identifier: MIT
 *
 * argon2id by libsodium, and bcrypt by libxcrypt for hashes of the former back end ($2a$, $2b$,
 * $2y$).
 */
#include "digest.h"

#include <crypt.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "hash_memory.h"
#include "reeyo/core/memory.h"

_Static_assert(PASSWORD_HASH_SIZE >= crypto_pwhash_STRBYTES, "a PHC string fits");

static bool digest_is_bcrypt(const char *hash)
{
	return hash[0] == '$' && hash[1] == '2' && strchr("aby", hash[2]) && hash[2] &&
		hash[3] == '$';
}

int digest_create(
	const struct digest_cost *cost, const char *password, char ret[PASSWORD_HASH_SIZE])
{
	char phc[crypto_pwhash_STRBYTES];
	int failed;

	hash_memory_lend(cost->memory);
	failed = crypto_pwhash_str_alg(phc, password, strlen(password), cost->passes, cost->memory,
		crypto_pwhash_ALG_ARGON2ID13);
	hash_memory_return();
	if (failed)
		return E_NO_MEMORY;
	memcpy(ret, phc, strlen(phc) + 1);
	return 0;
}

static bool bcrypt_verify(const char *hash, const char *password)
{
	struct crypt_data *data auto_free = calloc(1, sizeof(*data)); /* 32 KB: not on a stack */
	const char *made;
	bool right;

	if (!data)
		return false;
	made = crypt_r(password, hash, data);
	right = made && strlen(made) == strlen(hash) &&
		sodium_memcmp(made, hash, strlen(hash)) == 0;
	sodium_memzero(data, sizeof(*data));
	return right;
}

bool digest_verify(const struct digest_cost *cost, const char *hash, const char *password)
{
	bool right;

	if (digest_is_bcrypt(hash))
		return bcrypt_verify(hash, password);
	hash_memory_lend(cost->memory);
	right = crypto_pwhash_str_verify(hash, password, strlen(password)) == 0;
	hash_memory_return();
	return right;
}

void digest_dummy_verify(const struct digest_cost *cost, const char *password)
{
	static const unsigned char salt[crypto_pwhash_SALTBYTES] = "nobody's salt";
	unsigned char out[32];

	hash_memory_lend(cost->memory);
	if (crypto_pwhash(out, sizeof(out), password, strlen(password), salt, cost->passes,
		    cost->memory, crypto_pwhash_ALG_ARGON2ID13) == 0)
		sodium_memzero(out, sizeof(out));
	hash_memory_return();
}

bool digest_is_outdated(const struct digest_cost *cost, const char *hash)
{
	return digest_is_bcrypt(hash) ||
		crypto_pwhash_str_needs_rehash(hash, cost->passes, cost->memory) != 0;
}
