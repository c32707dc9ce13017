/* SPDX-License-Identifier: MIT
 *
 * The memory of verified log-ins: proofs that (account, stored hash, password) matched a moment
 * ago. It holds keyed hashes only, and a changed password has another stored hash, so an old proof
 * is never found again. One loop's; bounded; successes only.
 */
#ifndef REEYO_AUTH_LOGIN_MEMORY_H
#define REEYO_AUTH_LOGIN_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "reeyo/core/error.h"

#define LOGIN_PROOF_SIZE 32
#define LOGIN_MEMORY_MS (5 * 60 * 1000)

struct login_proof {
	unsigned char mac[LOGIN_PROOF_SIZE];
};

struct login_memory;
/* With a random key of its own. 0 or E_NO_MEMORY. */
int login_memory_new(struct login_memory **ret) MUST_CHECK;
void login_memory_free(struct login_memory *memory);

/* The proof of a triple, whether it is true or not. */
void login_proof(const struct login_memory *memory, const char *account, const char *hash,
	const char *password, struct login_proof *ret);
bool login_remembered(const struct login_memory *memory, const struct login_proof *proof,
	uint64_t now_ms);
void login_remember(struct login_memory *memory, const struct login_proof *proof, uint64_t now_ms);

#endif
