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
#define EMAIL_SIZE 255

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

static void change_answered(struct request *rq)
{
	reply_message(rq, "Password changed", "Mot de passe modifié");
}

static void change_refused(struct request *rq)
{
	limit_spend(rq);
	reply_error(rq, E_WRONG_PASSWORD);
}

static void changed(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)       /* changed by another request since it was read */
		return change_refused(rq);
	sessions_ended(rq, db_text(result, 0, 0));
	account_changed(rq, rq->caller.id, change_answered);
}

/* rq->state: the hash that was verified. */
static void change_hashed(struct request *rq, const char *hash)
{
	const char *copy = hash ? account_text(rq, text_of(hash)) : NULL;

	if (!copy)
		return reply_error(rq, E_NO_MEMORY);
	sql_write(rq, account_change_password, changed, account_kind(rq)->name, rq->caller.id,
		rq->state, copy, rq->caller.session, session_access_life(rq));
}

static void change_verified(struct request *rq, bool right, const char *rehash)
{
	(void)rehash;
	if (!right)
		return change_refused(rq);
	password_hash(rq, body_text(rq, "newPassword"), change_hashed);
}

static void change_found(struct request *rq, const struct db_result *result)
{
	const char *hash;

	if (db_rows(result) == 0)
		return reply_error(rq, E_ACCOUNT_GONE);
	hash = account_text(rq, db_text(result, 0, 0));
	rq->state = (void *)(uintptr_t)hash;
	password_verify(rq, rq->caller.id, hash, body_text(rq, "oldPassword"), change_verified);
}

void account_change_password(struct request *rq)
{
	sql_write(rq, account_password, change_found, account_kind(rq)->name, rq->caller.id);
}

/* --- Forgot ----------------------------------------------------------------------------------- */

/* What goes on by itself, whatever becomes of the request. The answer does not wait for it: it
 * leaves a fixed time after this has begun, so neither its words nor its time tell whether there is
 * such an account. */
struct forgotten {
	struct db_call call;
	struct app *app;
	enum channel channel;
	enum language language;
	char to[EMAIL_SIZE], code[ORDER_NUMBER_SIZE], hash[CODE_HASH_SIZE];
	char most[24], window[24];
};

static void forgotten_stored(struct db_call *call, const struct db_result *result)
{
	struct forgotten *forgotten = call->owner;
	const char *const params[] = { "code", forgotten->code, NULL };

	if (!db_error(result) && db_rows(result) > 0 && forgotten->app->post)
		post_tell(forgotten->app->post, MESSAGE_PASSWORD_CODE, forgotten->channel,
			forgotten->language, forgotten->to, params);
	free(forgotten);
}

static void forgotten_submit(struct request *rq, struct forgotten *forgotten)
{
	const struct config *config = rq->app->config;
	bool by_phone = forgotten->channel == CHANNEL_SMS;

	id_order_number(forgotten->code, 'R');
	keyring_code_hash(rq->app->keys, "reset", "", forgotten->code, forgotten->hash);
	snprintf(forgotten->most, sizeof(forgotten->most), "%lld",
		config->rate_limit ? (long long)config->rate_code : INT32_MAX);
	snprintf(forgotten->window, sizeof(forgotten->window), "%lld",
		(long long)(config->rate_window / 1000));
	forgotten->call = (struct db_call){
		.query = QUERY_account_forgot_password,
		.lane = DB_WRITE,
		.count = 7,
		.params = { account_kind(rq)->name, by_phone ? forgotten->to : NULL,
			by_phone ? NULL : forgotten->to, forgotten->hash, RESET_LIFE_S,
			forgotten->most, forgotten->window },
		.done = forgotten_stored,
		.owner = forgotten,
	};
	db_submit(rq->app->db, &forgotten->call);
}

static void forgot_answered(struct request *rq)
{
	reply_message(rq, "If there is such an account, a code is on its way",
		"Si ce compte existe, un code arrive");
}

static void forgot_admitted(struct request *rq)
{
	const char *phone = body_text(rq, "phone");
	const char *to = phone ? phone : body_text(rq, "email");
	struct forgotten *forgotten;

	if (!db_ready(rq->app->db))
		return reply_error(rq, E_STORE_DOWN);
	forgotten = calloc(1, sizeof(*forgotten));
	if (!forgotten)
		return reply_error(rq, E_NO_MEMORY);
	forgotten->app = rq->app;
	forgotten->channel = phone ? CHANNEL_SMS : CHANNEL_MAIL;
	forgotten->language = rq->french ? LANGUAGE_FR : LANGUAGE_EN;
	memcpy(forgotten->to, to, strnlen(to, sizeof(forgotten->to) - 1));
	limit_spend(rq); /* whether there is such an account or not: budgets do not tell either */
	forgotten_submit(rq, forgotten);
	request_pause(rq, forgot_answered);
}

void account_forgot_password(struct request *rq)
{
	const char *phone = body_text(rq, "phone");
	const char *email = phone ? NULL : body_text(rq, "email");

	if (!phone && !email)
		return reply_field(rq, "phone", "is required: a phone number or an e-mail",
			"est obligatoire : un numéro de téléphone ou un e-mail");
	limit_messages(rq, phone, email, forgot_admitted);
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

static void reset_refused(struct request *rq)
{
	limit_spend(rq);
	reply_error(rq, E_BAD_RESET_TOKEN);
}

static void reset_found(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return reset_refused(rq);
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
