/* SPDX-License-Identifier: MIT
 *
 * A cache of verified log-ins: proofs that (account, stored hash, password) matched a short time
 * ago. It holds keyed hashes only. A changed password has another stored hash, so an old proof is
 * never found again. One per loop; bounded; successes only.
 */
#ifndef REEYO_SRC_AUTH_LOGIN_CACHE_H
#define REEYO_SRC_AUTH_LOGIN_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "reeyo/core/error.h"

#define LOGIN_PROOF_SIZE 32
#define LOGIN_CACHE_TTL_MS (5 * 60 * 1000)

struct login_proof {
	unsigned char mac[LOGIN_PROOF_SIZE];
};

struct login_cache;
/* Each cache has its own random key. Returns 0 or E_NO_MEMORY. */
int login_cache_new(struct login_cache **ret) MUST_CHECK;
void login_cache_free(struct login_cache *cache);

/* Computes the proof of a triple, verified or not. */
void login_proof(const struct login_cache *cache, const char *account, const char *hash,
	const char *password, struct login_proof *ret);
bool login_cache_has(
	const struct login_cache *cache, const struct login_proof *proof, uint64_t now_ms);
void login_cache_add(struct login_cache *cache, const struct login_proof *proof, uint64_t now_ms);

#endif
