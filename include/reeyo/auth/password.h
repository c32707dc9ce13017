/* SPDX-License-Identifier: MIT
 *
 * Passwords: argon2id by libsodium on the work pool, PHC strings. Existing bcrypt hashes ($2b$)
 * still verify, and any hash of other parameters is marked for re-hashing.
 */
#ifndef REEYO_AUTH_PASSWORD_H
#define REEYO_AUTH_PASSWORD_H

#include "reeyo/http/request.h"

#define PASSWORD_HASH_SIZE 160

struct hasher;
/* Parameters and the memory of verified log-ins come from config (argon2_*, login_memory). 0 or
 * E_NO_MEMORY. */
int hasher_new(struct loop *loop, const struct config *config, struct hasher **ret) MUST_CHECK;
void hasher_free(struct hasher *hasher);

/* Hashes a new password; done gets the PHC string (NULL when memory was out). A full queue is
 * answered with 503 and Retry-After, and done is not called. */
void password_hash(struct request *rq, const char *password,
	void (*done)(struct request *rq, const char *hash));

/* Verifies. hash: stored hash, or NULL when the account does not exist: the same work is done for
 * nothing, so that time does not tell; done then gets false. rehash: the new PHC string when the
 * stored one is bcrypt or has old parameters, else NULL. account: with login_memory on, a success
 * is remembered under (account, hash, password) for 5 minutes, and the next one costs no hash; a
 * changed password has another hash, so the memory is void by itself. The same triple asked for
 * while its hash is under way waits for that one. A full queue is answered as above. */
void password_verify(struct request *rq, const char *account, const char *hash,
	const char *password, void (*done)(struct request *rq, bool right, const char *rehash));

#endif
