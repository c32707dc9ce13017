/* SPDX-License-Identifier: MIT
 *
 * Registration. All statements of registration begin with the same parameters, in this order: id,
 * password hash, phone counts as verified, code hash, its life, session, jti, refresh life,
 * language, phone, e-mail.
 */
#include "account.h"

#include "reeyo/auth/password.h"
#include "reeyo/http/limit.h"

struct registration {
	struct session session;
	char code[CODE_LENGTH + 1];
	char code_hash[CODE_HASH_SIZE];
	unsigned count;
	const char *params[REGISTRATION_COMMON + REGISTRATION_OWN];
};

static void registration_stored(struct request *rq, const struct db_result *result)
{
	struct registration *new = rq->state;

	if (db_error(result))
		return account_fail(rq, result);
	if (!rq->app->config->skip_phone_verify)
		code_send(rq, body_text(rq, "phone"), body_text(rq, "email"), new->code);
	session_set_issued(&new->session, db_int(result, 0, 1));
	session_reply(rq, &new->session, body_text(rq, "email"), account_kind(rq)->object,
		db_text(result, 0, 0));
}

static void registration_hashed(struct request *rq, const char *registration_hash)
{
	struct registration *new = rq->state;
	const char *common[REGISTRATION_COMMON] = {
		new->session.caller.id,
		account_text(rq, text_of(registration_hash)),
		rq->app->config->skip_phone_verify ? "t" : "f",
		new->code_hash,
		CODE_LIFE_S,
		new->session.caller.session,
		new->session.refresh_id,
		session_refresh_life(rq),
		rq->french ? "fr" : "en",
		body_text(rq, "phone"),
		body_text(rq, "email"),
	};

	if (!common[1])
		return reply_error(rq, E_NO_MEMORY);
	memcpy(new->params, common, sizeof(common));
	sql_run_positional(rq, DB_WRITE, account_kind(rq)->registration, true, registration_stored,
		REGISTRATION_COMMON + new->count, new->params);
}

static void registration_hash(struct request *rq)
{
	password_hash(rq, body_text(rq, "password"), registration_hashed);
}

void account_register(struct request *rq, unsigned count, const char *const own[])
{
	struct registration *new = ARENA_NEW(rq->arena, struct registration);
	const struct account_kind *kind = account_kind(rq);
	char id[ID_SIZE];

	if (!new || count > REGISTRATION_OWN)
		return reply_error(rq, E_NO_MEMORY);
	id_new(id, kind->prefix);
	session_new(&new->session, kind->role, id);
	code_new(rq, id, new->code, new->code_hash);
	new->count = count;
	memcpy(new->params + REGISTRATION_COMMON, own, count * sizeof(*own));
	rq->state = new;
	if (rq->app->config->skip_phone_verify)
		return registration_hash(rq);
	limit_messages(rq, body_text(rq, "phone"),
		rq->ns == NS_VENDOR ? body_text(rq, "email") : NULL, registration_hash);
}
