/* SPDX-License-Identifier: MIT
 *
 * Access and refresh tokens: JWT HS256 through libjwt, with `alg`, `iss`, `aud` and type pinned and
 * a key id for rotation (the first configured key signs, all verify).
 */
#ifndef REEYO_AUTH_TOKEN_H
#define REEYO_AUTH_TOKEN_H

#include "reeyo/http/request.h"

#define TOKEN_ISSUER "reeyo-platform"
#define TOKEN_AUDIENCE "reeyo-api"
#define TOKEN_MAX 2048 /* longer is not ours */

/* Reads jwt_secret. In development an empty secret makes a random key (tokens then end with the
 * process, logged); in production it is E_CONFIG. Read-only afterwards: shared by all loops. */
int keyring_new(const struct config *config, struct keyring **ret) MUST_CHECK;
void keyring_free(struct keyring *keys);

/* A one-time code as it may be stored: 64 hexadecimal digits of a keyed hash of (purpose, owner,
 * code) under the newest key, the same in every copy. A change of the newest key voids the codes
 * under way. */
#define CODE_HASH_SIZE 65
void keyring_code_hash(const struct keyring *keys, const char *purpose, const char *owner,
	const char *code, char ret[CODE_HASH_SIZE]);

/* The role of a stored word ("SUPER_ADMIN"); WHO_UNSET when it is none. */
enum who role_named(struct text name);

enum token_type { TOKEN_ACCESS, TOKEN_REFRESH };

/* A signed token in the arena for rq's answer; NULL when memory is out. email may be NULL. Claims:
 * sub, userId (vendorId, riderId, adminId by role), role, userType, sid, email, type, jti, iat,
 * iatMs (who->issued_ms, unless it is 0), exp, iss, aud. */
const char *token_sign(struct arena *arena, const struct keyring *keys, enum token_type type,
	const struct caller *who, const char *email, const char *jti);

/* Verifies and reads. 0, E_BAD_TOKEN, E_TOKEN_EXPIRED. jti may be NULL. Does not look at
 * revocations. */
int token_read(const struct keyring *keys, enum token_type type, struct text token,
	struct caller *ret, char jti[ID_SIZE]) MUST_CHECK;

/* A loop's memory of verified access tokens, bounded, until they expire. */
int token_memory_new(struct token_memory **ret) MUST_CHECK;
void token_memory_free(struct token_memory *memory);

/* Sessions and accounts whose tokens no longer count. One table per loop, the same in all: told at
 * once to the other loops of this process, read from the database by every copy once a second. */
int revocations_new(struct app *app, struct revocations **ret) MUST_CHECK;
/* Stops following. NULL is allowed. While the loop still runs: its timer closes in the next
 * turns. */
void revocations_free(struct revocations *revocations);
/* Starts following the database; call when db is ready. */
void revocations_follow(struct revocations *revocations);
/* Tokens of `subject` (an account or session id) issued up to before_ms (by the database's clock)
 * no longer count, here and in the process's other loops, at once. The statement of the caller has
 * recorded it in the table `revocations`. */
void tokens_revoke(struct app *app, const char *subject, int64_t before_ms);
bool token_revoked(const struct app *app, const struct caller *caller);

/* Step of the server: bearer token (or admin cookie) → rq->caller; role check of route->who.
 * Replies or returns at once. */
void authenticate(struct request *rq);
/* The same by hand, for rows that do with or without a token: 0 with rq->caller filled, or why
 * not. */
int caller_read(struct request *rq) MUST_CHECK;
/* A credential of the Cookie header, in the admin namespace alone. A browser sends cookies along by
 * itself, whatever page makes it call, so with a write they count only from a page whose Origin
 * allowed_origins lists by name. 0 with *ret inside the header, E_NO_TOKEN, or E_CORS_ORIGIN. */
int cookie_read(struct request *rq, struct text name, struct text *ret) MUST_CHECK;

#endif
