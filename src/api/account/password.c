/* SPDX-License-Identifier: MIT
 *
 * Passwords: changed with the old password, or reset with a code sent to the phone or mailbox. In
 * both cases every other session ends and its access tokens are revoked.
 *
 * A reset code is used without a phone number (the routes take none), so it is long enough that it
 * cannot be guessed: ten characters of 27, valid once for one hour, stored as a keyed hash.
 */
#include "account.h"

#include <stdio.h>

#include "reeyo/auth/password.h"
#include "reeyo/http/limit.h"
#include "reeyo/partners/notifier.h"

#define RESET_LIFE_S 3600
#define EMAIL_SIZE 255

const struct field change_password_body[] = {
	{ "oldPassword", FIELD_SECRET, .required = true, .aliases = "currentPassword" },
	{ "newPassword", FIELD_PASSWORD, .required = true },
	FIELD_END,
};
const struct field forgot_password_body[] = {
	{ "phone", FIELD_PHONE, .aliases = "phoneNumber" },
	{ "email", FIELD_EMAIL, .summary = "Instead of a phone" },
	FIELD_END,
};
const struct field reset_password_body[] = {
	{ "resetToken", FIELD_TEXT, .required = true, .min = 1, .max = 64,
		.aliases = "token code otp" },
	{ "newPassword", FIELD_PASSWORD, .required = true, .aliases = "password" },
	FIELD_END,
};

/* Revokes the sessions of a comma separated column. The statement cuts a very long list; the rest
 * is read from the database within a second. */
static void sessions_revoke(struct request *rq, struct text ids)
{
	while (ids.at) {
		struct text id = text_cut(&ids, ',');
		char copy[ID_SIZE];

		if (id.len == 0 || id.len >= sizeof(copy))
			continue;
		memcpy(copy, id.at, id.len);
		copy[id.len] = '\0';
		session_revoke(rq, copy);
	}
}

/* --- Change ----------------------------------------------------------------------------------- */

static void change_reply(struct request *rq)
{
	reply_message(rq, "Password changed", "Mot de passe modifié");
}

static void change_refused(struct request *rq)
{
	limit_commit(rq);
	reply_error(rq, E_WRONG_PASSWORD);
}

static void change_stored(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0) /* changed by another request since it was read */
		return change_refused(rq);
	sessions_revoke(rq, db_text(result, 0, ACCOUNT_CHANGE_PASSWORD_ENDED));
	account_invalidate(rq, rq->caller.id, change_reply);
}

/* rq->state: the hash that was verified. */
static void change_hashed(struct request *rq, const char *hash)
{
	const char *copy = hash ? account_text(rq, text_of(hash)) : NULL;

	if (!copy)
		return reply_error(rq, E_NO_MEMORY);
	sql_write(rq, account_change_password, change_stored,
		&(struct account_change_password){ .kind = account_kind(rq)->name,
			.account_id = rq->caller.id,
			.old_hash = rq->state,
			.new_hash = copy,
			.keep_session = rq->caller.session,
			.access_life_s = session_access_life_s(rq) });
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
	hash = account_text(rq, db_text(result, 0, ACCOUNT_PASSWORD_PASSWORD_HASH));
	rq->state = (void *)(uintptr_t)hash;
	password_verify(rq, rq->caller.id, hash, body_text(rq, "oldPassword"), change_verified);
}

void account_change_password(struct request *rq)
{
	sql_read_primary(rq, account_password, change_found,
		&(struct account_password){
			.kind = account_kind(rq)->name, .account_id = rq->caller.id });
}

/* --- Forgot ----------------------------------------------------------------------------------- */

/* Runs independently of the request. The reply does not wait for it and is sent a fixed time after
 * this began, so neither its text nor its timing shows whether the account exists. */
struct reset_request {
	struct db_call call;
	struct app *app;
	enum channel channel;
	enum language language;
	char to[EMAIL_SIZE], code[ORDER_NUMBER_SIZE], hash[CODE_HASH_SIZE];
};

static void reset_request_stored(struct db_call *call, const struct db_result *result)
{
	struct reset_request *reset = call->owner;
	const char *const params[] = { "code", reset->code, NULL };

	if (!db_error(result) && db_rows(result) > 0 && reset->app->notifier)
		notifier_send_code(reset->app->notifier, MESSAGE_PASSWORD_CODE, reset->channel,
			reset->language, reset->to, params);
	free(reset);
}

static void reset_request_submit(struct request *rq, struct reset_request *reset)
{
	const struct config *config = rq->app->config;
	bool by_phone = reset->channel == CHANNEL_SMS;

	id_order_number(reset->code, 'R');
	keyring_code_hash(rq->app->keys, "reset", "", reset->code, reset->hash);
	reset->call = (struct db_call){
		.lane = DB_WRITE,
		.done = reset_request_stored,
		.owner = reset,
	};
	db_run(rq->app->db, &reset->call, account_forgot_password,
		&(struct account_forgot_password){ .kind = account_kind(rq)->name,
			.phone = by_phone ? reset->to : NULL,
			.email = by_phone ? NULL : reset->to,
			.token_hash = reset->hash,
			.token_life_s = RESET_LIFE_S,
			.max_tokens = config->rate_limit ? config->rate_code : INT32_MAX,
			.window_s = config->rate_window / 1000 });
}

static void forgot_reply(struct request *rq)
{
	reply_message(rq, "If there is such an account, a code is on its way",
		"Si ce compte existe, un code arrive");
}

static void forgot_allowed(struct request *rq)
{
	const char *phone = body_text(rq, "phone");
	const char *to = phone ? phone : body_text(rq, "email");
	struct reset_request *reset;

	if (!db_ready(rq->app->db))
		return reply_error(rq, E_STORE_DOWN);
	reset = calloc(1, sizeof(*reset));
	if (!reset)
		return reply_error(rq, E_NO_MEMORY);
	reset->app = rq->app;
	reset->channel = phone ? CHANNEL_SMS : CHANNEL_MAIL;
	reset->language = rq->french ? LANGUAGE_FR : LANGUAGE_EN;
	memcpy(reset->to, to, strnlen(to, sizeof(reset->to) - 1));
	limit_commit(rq); /* also for a missing account, so that limits do not show it either */
	reset_request_submit(rq, reset);
	request_pause(rq, forgot_reply);
}

void account_forgot_password(struct request *rq)
{
	const char *phone = body_text(rq, "phone");
	const char *email = phone ? NULL : body_text(rq, "email");

	if (!phone && !email)
		return reply_field(rq, "phone", "is required: a phone number or an e-mail",
			"est obligatoire : un numéro de téléphone ou un e-mail");
	limit_messages(rq, phone, email, forgot_allowed);
}

/* --- Reset ------------------------------------------------------------------------------------ */

static void reset_reply(struct request *rq)
{
	reply_message(rq, "Password changed, log in with the new one",
		"Mot de passe modifié, connectez-vous avec le nouveau");
}

static void reset_stored(struct request *rq, const struct db_result *result)
{
	const char *account = db_rows(result)
		? account_text(rq, db_text(result, 0, ACCOUNT_RESET_PASSWORD_ACCOUNT_ID))
		: NULL;

	if (!account) /* another request has used the code */
		return reply_error(rq, E_BAD_RESET_TOKEN);
	sessions_revoke(rq, db_text(result, 0, ACCOUNT_RESET_PASSWORD_ENDED));
	account_invalidate(rq, account, reset_reply);
}

static void reset_hashed(struct request *rq, const char *hash)
{
	const char *copy = hash ? account_text(rq, text_of(hash)) : NULL;

	if (!copy)
		return reply_error(rq, E_NO_MEMORY);
	sql_write(rq, account_reset_password, reset_stored,
		&(struct account_reset_password){ .kind = account_kind(rq)->name,
			.token_hash = rq->state,
			.new_hash = copy,
			.access_life_s = session_access_life_s(rq) });
}

static void reset_refused(struct request *rq)
{
	limit_commit(rq);
	reply_error(rq, E_BAD_RESET_TOKEN);
}

static void reset_found(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return reset_refused(rq);
	password_hash(rq, body_text(rq, "newPassword"), reset_hashed);
}

/* Looks the code up before it hashes the new password, so that guesses cost no hash. */
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
	sql_read_primary(rq, account_reset_find, reset_found,
		&(struct account_reset_find){ .kind = account_kind(rq)->name, .token_hash = hash });
}
