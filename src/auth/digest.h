/* SPDX-License-Identifier: MIT
 *
 * Password hashes as pure functions: slow on purpose, so only pool threads and the command line
 * call them.
 */
#ifndef REEYO_AUTH_DIGEST_H
#define REEYO_AUTH_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include "reeyo/auth/password.h"

struct digest_cost {
	size_t memory; /* bytes */
	unsigned long long passes;
};

/* A new PHC string; 0 or E_NO_MEMORY. Any thread. */
int digest_make(const struct digest_cost *cost, const char *password, char ret[PASSWORD_HASH_SIZE])
	MUST_CHECK;
/* True when the password is the stored hash's (argon2id, or bcrypt of the former back end). Any
 * thread. */
bool digest_check(const struct digest_cost *cost, const char *hash, const char *password);
/* The work of digest_check where there is nothing to compare with. Any thread. */
void digest_waste(const struct digest_cost *cost, const char *password);
/* The stored hash was made with other parameters or by bcrypt. Any thread. */
bool digest_is_old(const struct digest_cost *cost, const char *hash);

#endif
