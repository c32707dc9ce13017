/* SPDX-License-Identifier: MIT
 *
 * Sessions: their ids, and the pair of tokens in the reply of every log-in, registration and
 * refresh.
 */
#include "reeyo/api/session.h"

#include "reeyo/core/clock.h"

void session_refresh_id(char ret[ID_SIZE])
{
	id_new(ret, "ref_");
}

void session_new(struct session *session, enum access role, const char *account)
{
	*session = (struct session){ .caller = { .role = role } };
	memcpy(session->caller.id, account, strnlen(account, ID_SIZE - 1));
	id_new(session->caller.session, "ses_");
	session_refresh_id(session->refresh_id);
}

void session_set_issued(struct session *session, int64_t at_ms)
{
	session->caller.issued_ms = at_ms;
}

const char *session_refresh_life(struct request *rq)
{
	return arg_int(rq, rq->app->config->refresh_ttl / 1000);
}

const char *session_refresh_grace(struct request *rq)
{
	const struct config *config = rq->app->config;
	int64_t least = 2 * config->request_timeout;

	return arg_int(rq, (config->refresh_grace > least ? config->refresh_grace : least) / 1000);
}

const char *session_access_life(struct request *rq)
{
	return arg_int(rq, rq->app->config->access_ttl / 1000);
}

/* An ended session is never reopened, so the cut-off lies well ahead of any clock that signs. */
void session_revoke(struct request *rq, const char *session)
{
	tokens_revoke(rq->app, session, clock_wall_ms() + 86400000);
}

static const char *session_token_sign(
	struct request *rq, const struct session *session, enum token_type type, const char *email)
{
	const struct config *config = rq->app->config;
	int64_t life_ms = type == TOKEN_ACCESS ? config->access_ttl : config->refresh_ttl;
	struct caller caller = session->caller;
	char id[ID_SIZE];

	/* The times of a refresh token come from its row, so that signing it again gives the same
	 * token. */
	caller.issued_s = type == TOKEN_REFRESH ? caller.issued_ms / 1000 : clock_wall_s();
	caller.expires_s = caller.issued_s + life_ms / 1000;
	if (type == TOKEN_REFRESH)
		return token_sign(
			rq->arena, rq->app->keys, type, &caller, NULL, session->refresh_id);
	id_new(id, "acc_");
	return token_sign(rq->arena, rq->app->keys, type, &caller, email, id);
}

/* In production pages of other sites may embed the console, which needs SameSite=None and therefore
 * Secure. HttpOnly hides the cookies from scripts. */
static void session_cookie_set(
	struct request *rq, const char *name, const char *value, int64_t life_s)
{
	bool production = strcmp(rq->app->config->environment, "production") == 0;

	reply_header(rq, "Set-Cookie",
		arena_printf(rq->arena, "%s=%s; Path=/; Max-Age=%lld; HttpOnly; SameSite=%s", name,
			value, (long long)life_s, production ? "None; Secure" : "Lax"));
}

void session_cookies_clear(struct request *rq)
{
	session_cookie_set(rq, "accessToken", "", 0);
	session_cookie_set(rq, "refreshToken", "", 0);
}

void session_reply(struct request *rq, const struct session *session, const char *email,
	const char *name, struct text account)
{
	const char *access = session_token_sign(rq, session, TOKEN_ACCESS, email);
	const char *refresh = session_token_sign(rq, session, TOKEN_REFRESH, NULL);
	struct buf out = buf_in(rq->arena, account.len + TOKEN_MAX);
	char *json;

	if (!access || !refresh)
		return reply_error(rq, E_NO_MEMORY);
	if (rq->ns == NS_ADMIN) {
		session_cookie_set(rq, "accessToken", access, rq->app->config->access_ttl / 1000);
		session_cookie_set(
			rq, "refreshToken", refresh, rq->app->config->refresh_ttl / 1000);
	}
	buf_add_string(&out, "{");
	if (name) {
		buf_printf(&out, "\"%s\":", name);
		buf_add_text(&out, account);
		buf_add_string(&out, ",");
	}
	/* Tokens consist of base64url and dots, which need no escaping. */
	buf_printf(&out,
		"\"token\":\"%s\",\"accessToken\":\"%s\",\"refreshToken\":\"%s\","
		"\"expiresIn\":%lld}",
		access, access, refresh, (long long)(rq->app->config->access_ttl / 1000));
	json = buf_string(&out);
	if (!json)
		return reply_error(rq, E_NO_MEMORY);
	reply_data(rq, (struct text){ json, out.len });
}
