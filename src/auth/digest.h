/* SPDX-License-Identifier: MIT
 *
 * Password hashes as pure functions. They are slow by design, so call them only on pool threads and
 * from the command line.
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

/* Creates a PHC string. Returns 0 or E_NO_MEMORY. Any thread. */
int digest_create(const struct digest_cost *cost, const char *password,
	char ret[PASSWORD_HASH_SIZE]) MUST_CHECK;
/* True when the password matches the stored hash (argon2id, or bcrypt of the former back end). Any
 * thread. */
bool digest_verify(const struct digest_cost *cost, const char *hash, const char *password);
/* Takes as long as digest_verify, for an account that does not exist. Any thread. */
void digest_dummy_verify(const struct digest_cost *cost, const char *password);
/* True when the stored hash was made with other parameters or by bcrypt. Any thread. */
bool digest_is_outdated(const struct digest_cost *cost, const char *hash);

#endif
