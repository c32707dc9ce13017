/* SPDX-License-Identifier: MIT
 *
 * Sessions: a row per log-in that carries its family of refresh tokens, one current at a time. The
 * access tokens name the session, so ending it ends them.
 */
#ifndef REEYO_API_SESSION_H
#define REEYO_API_SESSION_H

#include "reeyo/auth/token.h"

struct session {
	struct caller caller;     /* account, session and role; iat and exp are set when tokens are
	                           * signed */
	char refresh_id[ID_SIZE]; /* jti of the refresh token that is current */
};

/* A new session of an account, with new ids: to be stored by the caller's statement. */
void session_new(struct session *session, enum who role, const char *account);
/* A new id for the next refresh token of a session. */
void session_refresh_id(char ret[ID_SIZE]);
/* When its tokens are issued, as the statement that stored it says (ms). To be called before
 * session_reply. */
void session_issued(struct session *session, int64_t at_ms);
/* Lives in whole seconds, as SQL parameters. NULL when memory is out. */
const char *session_refresh_life(struct request *rq);
const char *session_access_life(struct request *rq);
/* For how long a refresh token just replaced gives its successor again: longer than a request may
 * take, since a client that waited for its answer in vain asks again with the token it has. */
const char *session_refresh_grace(struct request *rq);

/* Replies with a pair of tokens and, under `name`, the account's finished JSON (name NULL: the pair
 * alone). email may be NULL. The admin console gets the pair as cookies too. */
void session_reply(struct request *rq, const struct session *session, const char *email,
	const char *name, struct text account);

/* The coming reply takes the console's cookies away. */
void session_cookies_clear(struct request *rq);

/* Access tokens of a session that was just ended no longer count, in this process at once. */
void session_ended(struct request *rq, const char *session);

/* Members of every reply with a pair of tokens, for reply tables. */
#define SESSION_FIELDS \
	{ "token", FIELD_TEXT, .required = true, .does = "The access token" }, \
	{ "accessToken", FIELD_TEXT, .required = true, .does = "The same access token" }, \
	{ "refreshToken", FIELD_TEXT, .required = true, .does = "Good for one refresh" }, \
	{ "expiresIn", FIELD_INT, .required = true, .does = "Seconds the access token lives" }

#endif
