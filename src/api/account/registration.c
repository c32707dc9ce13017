/* SPDX-License-Identifier: MIT
 *
 * Registration: hashes the password, lets the namespace store the account with its statement, sends
 * the code and replies with the account and its session.
 */
#include "account.h"

#include "reeyo/auth/password.h"
#include "reeyo/http/limit.h"

struct registration {
	struct session session;
	char code[CODE_LENGTH + 1];
	char code_hash[CODE_HASH_SIZE];
	void *params;
	registration_store *store;
};

void account_registered(struct request *rq, const struct db_result *result)
{
	struct registration *new = rq->state;

	if (db_error(result))
		return account_fail(rq, result);
	if (!rq->app->config->skip_phone_verify)
		code_send(rq, body_text(rq, "phone"), body_text(rq, "email"), new->code);
	session_set_issued(&new->session, db_int(result, 0, USER_REGISTER_ISSUED_MS));
	session_reply(rq, &new->session, body_text(rq, "email"), account_kind(rq)->object,
		db_text(result, 0, USER_REGISTER_ACCOUNT));
}

static void registration_hashed(struct request *rq, const char *hash)
{
	struct registration *new = rq->state;
	struct registration_common common = {
		.account_id = new->session.caller.id,
		.password_hash = hash ? account_text(rq, text_of(hash)) : NULL,
		.phone_verified = rq->app->config->skip_phone_verify,
		.code_hash = new->code_hash,
		.code_life_s = CODE_LIFE_S,
		.session_id = new->session.caller.session,
		.jti = new->session.refresh_id,
		.refresh_life_s = session_refresh_life_s(rq),
		.language = rq->french ? "fr" : "en",
		.phone = body_text(rq, "phone"),
		.email = body_text(rq, "email"),
	};

	if (!common.password_hash)
		return reply_error(rq, E_NO_MEMORY);
	new->store(rq, new->params, &common);
}

static void registration_hash(struct request *rq)
{
	password_hash(rq, body_text(rq, "password"), registration_hashed);
}

void account_register(struct request *rq, void *params, registration_store *store)
{
	struct registration *new = ARENA_NEW(rq->arena, struct registration);
	const struct account_kind *kind = account_kind(rq);
	char id[ID_SIZE];

	if (!new || !params)
		return reply_error(rq, E_NO_MEMORY);
	id_new(id, kind->prefix);
	session_new(&new->session, kind->role, id);
	code_new(rq, id, new->code, new->code_hash);
	new->params = params;
	new->store = store;
	rq->state = new;
	if (rq->app->config->skip_phone_verify)
		return registration_hash(rq);
	limit_messages(rq, body_text(rq, "phone"),
		rq->ns == NS_VENDOR ? body_text(rq, "email") : NULL, registration_hash);
}
