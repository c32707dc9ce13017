/* SPDX-License-Identifier: MIT
 *
 * Sessions: their ids, and the pair of tokens in the reply of every log-in, registration and
 * refresh.
 */
#include "reeyo/api/session.h"

#include "reeyo/core/clock.h"
#include "reeyo/core/json_writer.h"

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

int64_t session_refresh_life_s(const struct request *rq)
{
	return rq->app->config->refresh_ttl / 1000;
}

int64_t session_refresh_grace_s(const struct request *rq)
{
	const struct config *config = rq->app->config;
	int64_t least = 2 * config->request_timeout;

	return (config->refresh_grace > least ? config->refresh_grace : least) / 1000;
}

int64_t session_access_life_s(const struct request *rq)
{
	return rq->app->config->access_ttl / 1000;
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
	struct json_writer json = json_write_to(&out);
	char *text;

	if (!access || !refresh)
		return reply_error(rq, E_NO_MEMORY);
	if (rq->ns == NS_ADMIN) {
		session_cookie_set(rq, "accessToken", access, rq->app->config->access_ttl / 1000);
		session_cookie_set(
			rq, "refreshToken", refresh, rq->app->config->refresh_ttl / 1000);
	}
	json_write_object(&json);
	if (name)
		json_write_member_raw(&json, name, account);
	json_write_member_string(&json, "token", access);
	json_write_member_string(&json, "accessToken", access);
	json_write_member_string(&json, "refreshToken", refresh);
	json_write_member_int(&json, "expiresIn", session_access_life_s(rq));
	json_write_object_end(&json);
	text = json_write_finish(&json);
	if (!text)
		return reply_error(rq, E_NO_MEMORY);
	reply_data(rq, (struct text){ text, out.len });
}
