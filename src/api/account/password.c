/* SPDX-License-Identifier: MIT
 *
 * Passwords: changed by who knows it, or reset by who holds the phone or mailbox. Either way every
 * other session ends and its access tokens count no more.
 *
 * A reset code stands alone (the routes take no phone beside it), so it is long enough never to be
 * guessed: ten characters of 27, kept for an hour as a keyed hash, good once.
 */
#include "account.h"

#include <stdio.h>

#include "reeyo/auth/password.h"
#include "reeyo/http/limit.h"
#include "reeyo/partners/post.h"

#define RESET_LIFE_S "3600"

const struct field change_password_body[] = {
	{ "oldPassword", FIELD_SECRET, .required = true, .also = "currentPassword" },
	{ "newPassword", FIELD_PASSWORD, .required = true },
	FIELD_END
};
const struct field forgot_password_body[] = {
	{ "phone", FIELD_PHONE, .also = "phoneNumber" },
	{ "email", FIELD_EMAIL, .does = "Instead of a phone" },
	FIELD_END
};
const struct field reset_password_body[] = {
	{ "resetToken", FIELD_TEXT, .required = true, .min = 1, .max = 64,
		.also = "token code otp" },
	{ "newPassword", FIELD_PASSWORD, .required = true, .also = "password" },
	FIELD_END
};

/* The ids in a comma separated column. A very long list is cut by the statement: the rest is read
 * from the database within a second. */
static void sessions_ended(struct request *rq, struct text ids)
{
	while (ids.at) {
		struct text id = text_cut(&ids, ',');
		char copy[ID_SIZE];

		if (id.len == 0 || id.len >= sizeof(copy))
			continue;
		memcpy(copy, id.at, id.len);
		copy[id.len] = '\0';
		session_ended(rq, copy);
	}
}

/* --- Change ----------------------------------------------------------------------------------- */

struct change {
	const char *old_hash;
	char limit[96];
};

static void change_answered(struct request *rq)
{
	reply_message(rq, "Password changed", "Mot de passe modifié");
}

static void changed(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)       /* changed by another request since it was read */
		return reply_error(rq, E_WRONG_PASSWORD);
	sessions_ended(rq, db_text(result, 0, 0));
	account_changed(rq, rq->caller.id, change_answered);
}

static void change_hashed(struct request *rq, const char *hash)
{
	struct change *change = rq->state;
	const char *copy = hash ? account_text(rq, text_of(hash)) : NULL;

	if (!copy)
		return reply_error(rq, E_NO_MEMORY);
	sql_write(rq, account_change_password, changed, account_kind(rq)->name, rq->caller.id,
		change->old_hash, copy, rq->caller.session, session_access_life(rq));
}

static void change_refused(struct request *rq)
{
	reply_error(rq, E_WRONG_PASSWORD);
}

static void change_verified(struct request *rq, bool right, const char *rehash)
{
	struct change *change = rq->state;
	const struct config *config = rq->app->config;

	(void)rehash;
	if (!right)
		return limit_named(rq, change->limit, config->rate_login, config->rate_window, 1,
			change_refused);
	password_hash(rq, body_text(rq, "newPassword"), change_hashed);
}

static void change_found(struct request *rq, const struct db_result *result)
{
	struct change *change = rq->state;

	if (db_rows(result) == 0)
		return reply_error(rq, E_ACCOUNT_GONE);
	change->old_hash = account_text(rq, db_text(result, 0, 0));
	password_verify(rq, rq->caller.id, change->old_hash,
		body_text(rq, "oldPassword"), change_verified);
}

static void change_find(struct request *rq)
{
	sql_write(rq, account_password, change_found, account_kind(rq)->name, rq->caller.id);
}

void account_change_password(struct request *rq)
{
	struct change *change = ARENA_NEW(rq->arena, struct change);
	const struct config *config = rq->app->config;

	if (!change)
		return reply_error(rq, E_NO_MEMORY);
	rq->state = change;
	snprintf(change->limit, sizeof(change->limit), "password:%s", rq->caller.id);
	limit_named(rq, change->limit, config->rate_login, config->rate_window, 0, change_find);
}

/* --- Forgot ----------------------------------------------------------------------------------- */

static void reset_send(struct request *rq, const char *code)
{
	const char *phone = body_text(rq, "phone");
	enum language language = rq->french ? LANGUAGE_FR : LANGUAGE_EN;
	const char *const params[] = { "code", code, NULL };

	post_tell(rq->app->post, MESSAGE_PASSWORD_CODE, phone ? CHANNEL_SMS : CHANNEL_MAIL,
		language, phone ? phone : body_text(rq, "email"), params);
}

static void reset_stored(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) > 0)
		reset_send(rq, rq->state);
	/* The same words for an account that does not exist. */
	reply_message(rq, "If there is such an account, a code is on its way",
		"Si ce compte existe, un code arrive");
}

void account_forgot_password(struct request *rq)
{
	const char *phone = body_text(rq, "phone");
	const char *email = phone ? NULL : body_text(rq, "email");
	char *code = arena_alloc(rq->arena, ORDER_NUMBER_SIZE);
	char *hash = arena_alloc(rq->arena, CODE_HASH_SIZE);

	if (!code || !hash)
		return reply_error(rq, E_NO_MEMORY);
	if (!phone && !email)
		return reply_field(rq, "phone", "is required: a phone number or an e-mail",
			"est obligatoire : un numéro de téléphone ou un e-mail");
	id_order_number(code, 'R');
	keyring_code_hash(rq->app->keys, "reset", "", code, hash);
	rq->state = code;
	sql_write(rq, account_forgot_password, reset_stored, account_kind(rq)->name, phone,
		email, hash, RESET_LIFE_S);
}

/* --- Reset ------------------------------------------------------------------------------------ */

static void reset_answered(struct request *rq)
{
	reply_message(rq, "Password changed, log in with the new one",
		"Mot de passe modifié, connectez-vous avec le nouveau");
}

static void reset_done(struct request *rq, const struct db_result *result)
{
	const char *account = db_rows(result) ? account_text(rq, db_text(result, 0, 0)) : NULL;

	if (!account)                   /* used by another request meanwhile */
		return reply_error(rq, E_BAD_RESET_TOKEN);
	sessions_ended(rq, db_text(result, 0, 1));
	account_changed(rq, account, reset_answered);
}

static void reset_hashed(struct request *rq, const char *hash)
{
	const char *copy = hash ? account_text(rq, text_of(hash)) : NULL;

	if (!copy)
		return reply_error(rq, E_NO_MEMORY);
	sql_write(rq, account_reset_password, reset_done, account_kind(rq)->name, rq->state, copy,
		session_access_life(rq));
}

static void reset_found(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return reply_error(rq, E_BAD_RESET_TOKEN);
	password_hash(rq, body_text(rq, "newPassword"), reset_hashed);
}

/* The code is looked up before the new password is hashed, so that guesses cost no hash. */
void account_reset_password(struct request *rq)
{
	const char *token = body_text(rq, "resetToken");
	char *code = arena_copy(rq->arena, token, strlen(token));
	char *hash = arena_alloc(rq->arena, CODE_HASH_SIZE);

	if (!code || !hash)
		return reply_error(rq, E_NO_MEMORY);
	for (char *c = code; *c; c++)
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
	keyring_code_hash(rq->app->keys, "reset", "", code, hash);
	rq->state = hash;
	sql_write(rq, account_reset_find, reset_found, account_kind(rq)->name, hash);
}
