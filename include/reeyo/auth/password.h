/* SPDX-License-Identifier: MIT
 *
 * Passwords: argon2id by libsodium on the work pool, PHC strings. Existing bcrypt hashes ($2b$)
 * still verify. A hash made with other parameters is reported for re-hashing.
 */
#ifndef REEYO_AUTH_PASSWORD_H
#define REEYO_AUTH_PASSWORD_H

#include "reeyo/http/request.h"

#define PASSWORD_HASH_SIZE 160

struct hasher;
/* config gives the parameters (argon2_*) and switches the cache of verified log-ins (login_memory).
 * Returns 0 or E_NO_MEMORY. */
int hasher_new(struct loop *loop, const struct config *config, struct hasher **ret) MUST_CHECK;
void hasher_free(struct hasher *hasher);

/* Hashes a new password; done receives the PHC string (NULL when out of memory). When the queue of
 * the pool is full, replies 503 with Retry-After and does not call done. */
void password_hash(struct request *rq, const char *password,
	void (*done)(struct request *rq, const char *hash));

/* Verifies a password. hash: the stored hash, or NULL when the account does not exist; then a dummy
 * verification takes the same time, and done receives false. rehash: the new PHC string when the
 * stored hash is bcrypt or has old parameters, else NULL. account: with login_memory on, a success
 * is cached under (account, hash, password) for 5 minutes, and the next verification needs no hash.
 * A changed password has another hash, so its old entry is never found. A second request for the
 * same triple waits for the hash in progress. A full queue is handled as in password_hash. */
void password_verify(struct request *rq, const char *account, const char *hash,
	const char *password, void (*done)(struct request *rq, bool right, const char *rehash));

#endif
