/* SPDX-License-Identifier: MIT
 *
 * Access and refresh tokens: JWT HS256 through libjwt. `alg`, `iss`, `aud` and the type are fixed.
 * A key id allows key rotation: the first configured key signs, all keys verify.
 */
#ifndef REEYO_AUTH_TOKEN_H
#define REEYO_AUTH_TOKEN_H

#include "reeyo/http/request.h"

#define TOKEN_ISSUER "reeyo-platform"
#define TOKEN_AUDIENCE "reeyo-api"
#define TOKEN_MAX 2048 /* we sign no longer one */

/* Reads jwt_secret. An empty secret is E_CONFIG in production; in development it creates a random
 * key (logged; tokens then end with the process). Read-only afterwards and shared by all loops. */
int keyring_new(const struct config *config, struct keyring **ret) MUST_CHECK;
void keyring_free(struct keyring *keys);

/* The stored form of a one-time code: 64 hexadecimal digits of a keyed hash of (purpose, owner,
 * code) under the newest key, the same on every instance. Changing the newest key voids codes that
 * were sent before. */
#define CODE_HASH_SIZE 65
void keyring_code_hash(const struct keyring *keys, const char *purpose, const char *owner,
	const char *code, char ret[CODE_HASH_SIZE]);

/* The role of a stored word ("SUPER_ADMIN"); ACCESS_UNSET for an unknown word. */
enum access role_parse(struct text name);

enum token_type { TOKEN_ACCESS, TOKEN_REFRESH };

/* Signs a token; the result lives in the arena. NULL when out of memory. email may be NULL. Claims:
 * sub, userId (vendorId, riderId, adminId by role), role, userType, sid, email, type, jti, iat,
 * iatMs (who->issued_ms, unless it is 0), exp, iss, aud. */
const char *token_sign(struct arena *arena, const struct keyring *keys, enum token_type type,
	const struct caller *who, const char *email, const char *jti);

/* Verifies and parses a token. Returns 0, E_BAD_TOKEN or E_TOKEN_EXPIRED. jti may be NULL. Does not
 * check revocations. */
int token_read(const struct keyring *keys, enum token_type type, struct text token,
	struct caller *ret, char jti[ID_SIZE]) MUST_CHECK;

/* A cache of verified access tokens for one loop, bounded; entries last until the token expires. */
int token_cache_new(struct token_cache **ret) MUST_CHECK;
void token_cache_free(struct token_cache *memory);

/* Sessions and accounts whose tokens are revoked. Each loop has a table; all hold the same. A
 * revocation is sent at once to the other loops of this process, and every instance reads new
 * revocations from the database once a second. */
int revocations_new(struct app *app, struct revocations **ret) MUST_CHECK;
/* Stops reading and frees. NULL is allowed. Call it while the loop still runs: the timer closes in
 * the next turns. */
void revocations_free(struct revocations *revocations);
/* Starts to read revocations from the database; call it when db is ready. */
void revocations_start(struct revocations *revocations);
/* Revokes the tokens of `subject` (an account or session id) that were issued up to before_ms (by
 * the database's clock), at once in all loops of this process. The caller's statement must have
 * inserted the row of the table `revocations`. */
void tokens_revoke(struct app *app, const char *subject, int64_t before_ms);
bool token_revoked(const struct app *app, const struct caller *caller);

/* Step of the server: reads the bearer token (or the admin cookie) into rq->caller and checks the
 * role against the access or permission of the row. Replies on an error; otherwise returns. Never
 * waits. */
void authenticate(struct request *rq);
/* For handlers of rows where a token is optional: returns 0 and fills rq->caller, or returns the
 * error. */
int caller_read(struct request *rq) MUST_CHECK;
/* Reads a credential from the Cookie header; admin namespace only. A browser sends cookies with
 * calls from any page, so for a write they are accepted only from a page whose Origin is listed by
 * name in allowed_origins. Returns 0 with *ret inside the header, E_NO_TOKEN or E_CORS_ORIGIN. */
int cookie_read(struct request *rq, struct text name, struct text *ret) MUST_CHECK;

#endif
