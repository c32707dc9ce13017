/* SPDX-License-Identifier: MIT
 *
 * Sessions: one row per log-in that carries its family of refresh tokens, of which one is current.
 * Access tokens name the session, so ending it revokes them.
 */
#ifndef REEYO_API_SESSION_H
#define REEYO_API_SESSION_H

#include "reeyo/auth/token.h"

struct session {
	struct caller caller;     /* account, session and role; iat and exp are set when tokens are
				   * signed */
	char refresh_id[ID_SIZE]; /* jti of the refresh token that is current */
};

/* Creates a session of an account with new ids; the caller's statement stores it. */
void session_new(struct session *session, enum access role, const char *account);
/* A new id for the next refresh token of a session. */
void session_refresh_id(char ret[ID_SIZE]);
/* Sets the time of issue (ms) that the storing statement returned. Call it before session_reply. */
void session_set_issued(struct session *session, int64_t at_ms);
/* Lives of tokens in whole seconds. */
int64_t session_refresh_life_s(const struct request *rq);
int64_t session_access_life_s(const struct request *rq);
/* How long a replaced refresh token returns its successor again: longer than a request may take,
 * since a client that got no reply retries with the token that it has. */
int64_t session_refresh_grace_s(const struct request *rq);

/* Replies with a pair of tokens and, under `name`, the account's finished JSON (name NULL: the pair
 * only). email may be NULL. The admin console also gets the pair as cookies. */
void session_reply(struct request *rq, const struct session *session, const char *email,
	const char *name, struct text account);

/* Adds headers to the reply that clear the cookies of the console. */
void session_cookies_clear(struct request *rq);

/* Revokes the access tokens of a session that the caller's statement has ended, at once in this
 * process. */
void session_revoke(struct request *rq, const char *session);

/* Members of every reply with a pair of tokens, for reply tables. */
#define SESSION_FIELDS \
	{ "token", FIELD_TEXT, .required = true, .summary = "The access token" }, \
		{ "accessToken", FIELD_TEXT, .required = true, \
			.summary = "The same access token" }, \
		{ "refreshToken", FIELD_TEXT, .required = true, \
			.summary = "Good for one refresh" }, \
	{ \
		"expiresIn", FIELD_INT, .required = true, \
					.summary = "Seconds the access token lives" \
	}

#endif
