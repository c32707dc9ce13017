/* SPDX-License-Identifier: MIT
 *
 * A customer's way in and out: register, log in, refresh, log out, and the account itself.
 *
 * Refresh tokens rotate: each is good once. Using an old one means that somebody else has a copy, so the whole
 * session ends. One exception keeps a shaky network from looking like theft: for ten seconds after a
 * rotation the token just replaced gives the same successor again (never a second line of successors), so a
 * client that lost the answer, or asked twice at once, goes on.
 */
#include "reeyo/api/user.h"

#include <stdio.h>

#include "account.h"
#include "reeyo/api/session.h"
#include "reeyo/auth/password.h"
#include "reeyo/http/limit.h"

static const struct field session_user_fields[] = {
	{ "user", FIELD_OBJECT, .required = true, .of = user_fields },
	SESSION_FIELDS,
	FIELD_END
};
static const struct field session_fields[] = { SESSION_FIELDS, FIELD_END };

#define NAME_FIELDS \
	{ "firstName", FIELD_TEXT, .min = 2, .max = 50, .also = "first_name" }, \
	{ "lastName", FIELD_TEXT, .min = 2, .max = 50, .also = "last_name" }, \
	{ "name", FIELD_TEXT, .min = 2, .max = 101, .also = "fullName", \
		.does = "Instead of the two: split at the first space" }

static const struct field register_body[] = {
	NAME_FIELDS,
	{ "phone", FIELD_PHONE, .required = true, .also = "phoneNumber" },
	{ "email", FIELD_EMAIL, .does = "Kept in lower case" },
	{ "password", FIELD_PASSWORD, .required = true },
	FIELD_END
};
static const struct field login_body[] = {
	{ "phone", FIELD_PHONE, .also = "phoneNumber" },
	{ "email", FIELD_EMAIL, .does = "Kept in lower case" },
	{ "identifier", FIELD_TEXT, .min = 1, .max = 254, .does = "A phone or an e-mail, instead of either" },
	{ "password", FIELD_SECRET, .required = true },
	FIELD_END
};
static const struct field refresh_body[] = {
	{ "refreshToken", FIELD_SECRET, .required = true, .max = TOKEN_MAX, .also = "refresh_token" },
	FIELD_END
};
static const struct field profile_body[] = {
	NAME_FIELDS,
	{ "email", FIELD_EMAIL, .does = "Kept in lower case" },
	{ "profilePicture", FIELD_TEXT, .min = 1, .max = 2048, .also = "profile_picture avatar" },
	FIELD_END
};

/* --- Register ---------------------------------------------------------------------------------- */

struct registration {
	struct session session;
	const char *first, *last;
	char code[CODE_LENGTH + 1];
	char code_hash[CODE_HASH_SIZE];
};

static void registered(struct request *rq, const struct db_result *result)
{
	struct registration *new = rq->state;

	if (db_error(result))
		return account_fail(rq, result);
	if (!rq->app->config->skip_phone_verify)
		phone_code_send(rq, body_text(rq, "phone"), new->code);
	session_reply(rq, &new->session, body_text(rq, "email"), "user", db_text(result, 0, 0));
}

static void register_hashed(struct request *rq, const char *hash)
{
	struct registration *new = rq->state;
	const char *copy = hash ? arena_copy(rq->arena, hash, strlen(hash)) : NULL;

	if (!copy)
		return reply_error(rq, E_NO_MEMORY);
	sql_try_write(rq, user_register, registered, new->session.caller.id, new->first, new->last,
		body_text(rq, "phone"), body_text(rq, "email"), copy,
		rq->app->config->skip_phone_verify ? "t" : "f", new->code_hash, CODE_LIFE_S,
		new->session.caller.session, new->session.refresh_id, session_refresh_life(rq),
		rq->french ? "fr" : "en");
}

static void register_user(struct request *rq)
{
	struct registration *new = ARENA_NEW(rq->arena, struct registration);
	char id[ID_SIZE];

	if (!new)
		return reply_error(rq, E_NO_MEMORY);
	if (!name_take(rq, true, &new->first, &new->last))
		return;
	id_new(id, "user_");
	session_new(&new->session, CUSTOMER, id);
	phone_code_new(rq, id, new->code, new->code_hash);
	rq->state = new;
	password_hash(rq, body_text(rq, "password"), register_hashed);
}

/* --- Log in ------------------------------------------------------------------------------------ */

struct login {
	struct session session;
	char phone[14];        /* one of the two is "" */
	const char *email;
	char limit[96];        /* whose failures are counted */
	const char *account, *hash, *status, *account_email;
	const char *user;      /* finished JSON, once the session is stored */
	size_t user_len;
};

static void login_failed(struct request *rq)
{
	count_one(loop_counters(rq->app->loop), COUNT_AUTH_LOGIN_FAILURES);
	reply_error(rq, E_BAD_CREDENTIALS);
}

static void login_count_failure(struct request *rq)
{
	struct login *login = rq->state;
	const struct config *config = rq->app->config;

	limit_named(rq, login->limit, config->rate_login, config->rate_window, 1, login_failed);
}

static void login_reply(struct request *rq)
{
	struct login *login = rq->state;

	count_one(loop_counters(rq->app->loop), COUNT_AUTH_LOGINS);
	session_reply(rq, &login->session, login->account_email, "user",
		(struct text){ login->user, login->user_len });
}

static void login_stored(struct request *rq, const struct db_result *result)
{
	struct login *login = rq->state;
	struct text user;

	if (db_rows(result) == 0)       /* the password or the status changed since it was read */
		return login_count_failure(rq);
	user = db_text(result, 0, 0);
	login->user = arena_copy(rq->arena, user.at, user.len);
	login->user_len = user.len;
	if (!login->user)
		return reply_error(rq, E_NO_MEMORY);
	if (db_bool(result, 0, 1))      /* lastLogin moved */
		return uncached(rq, KEY_USER, login->account, login_reply);
	login_reply(rq);
}

static void login_verified(struct request *rq, bool right, const char *rehash)
{
	struct login *login = rq->state;
	const char *new_hash = rehash ? arena_copy(rq->arena, rehash, strlen(rehash)) : NULL;

	if (!right || strcmp(login->status, "DELETED") == 0)
		return login_count_failure(rq);
	if (strcmp(login->status, "ACTIVE") != 0)
		return reply_error(rq, strcmp(login->status, "SUSPENDED") == 0 ? E_SUSPENDED : E_INACTIVE);
	session_new(&login->session, CUSTOMER, login->account);
	sql_write(rq, user_log_in, login_stored, login->account, login->hash, new_hash,
		login->session.caller.session, login->session.refresh_id, session_refresh_life(rq));
}

static const char *column(struct request *rq, const struct db_result *result, unsigned index)
{
	struct text text = db_text(result, 0, index);

	return text.at ? arena_copy(rq->arena, text.at, text.len) : NULL;
}

static void login_found(struct request *rq, const struct db_result *result)
{
	struct login *login = rq->state;

	login->status = "";
	if (db_rows(result) > 0) {
		login->account = column(rq, result, 0);
		login->hash = column(rq, result, 1);
		login->status = column(rq, result, 2);
		login->account_email = column(rq, result, 3);
		if (!login->account || !login->status)
			return reply_error(rq, E_NO_MEMORY);
	}
	password_verify(rq, login->account ? login->account : "", login->hash, body_text(rq, "password"),
		login_verified);
}

/* From the primary, since a log-in often follows a registration or a new password at once. */
static void login_find(struct request *rq)
{
	struct login *login = rq->state;

	sql_write(rq, user_credentials, login_found, login->phone[0] ? login->phone : NULL, login->email);
}

static const char *lower_case(struct request *rq, const char *text)
{
	char *copy = arena_copy(rq->arena, text, strlen(text));

	for (char *c = copy; c && *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	return copy;
}

/* The phone or e-mail of the body. False when it has replied. */
static bool login_identify(struct request *rq, struct login *login)
{
	const char *phone = body_text(rq, "phone");
	const char *identifier = body_text(rq, "identifier");

	login->email = body_text(rq, "email");
	if (phone) {
		login->email = NULL;
		memcpy(login->phone, phone, strnlen(phone, sizeof(login->phone) - 1));
	} else if (!login->email && identifier && strchr(identifier, '@')) {
		login->email = lower_case(rq, identifier);
	} else if (!login->email && identifier && !phone_normalise(identifier, login->phone)) {
		reply_field(rq, "identifier", "must be a phone number or an e-mail",
			"doit être un numéro de téléphone ou un e-mail");
		return false;
	} else if (!login->email && !identifier) {
		reply_field(rq, "phone", "is required: a phone number or an e-mail",
			"est obligatoire : un numéro de téléphone ou un e-mail");
		return false;
	}
	return true;
}

static void log_in(struct request *rq)
{
	struct login *login = ARENA_NEW(rq->arena, struct login);
	const struct config *config = rq->app->config;

	if (!login)
		return reply_error(rq, E_NO_MEMORY);
	rq->state = login;
	if (!login_identify(rq, login))
		return;
	snprintf(login->limit, sizeof(login->limit), "login:%s", login->email ? login->email : login->phone);
	limit_named(rq, login->limit, config->rate_login, config->rate_window, 0, login_find);
}

/* --- Refresh and log out ----------------------------------------------------------------------- */

static void refreshed(struct request *rq, const struct db_result *result)
{
	struct session *session = rq->state;
	struct text outcome = db_rows(result) ? db_text(result, 0, 0) : TEXT("GONE");
	struct text current = db_rows(result) ? db_text(result, 0, 1) : TEXT_NONE;

	if (text_is(outcome, TEXT("SUSPENDED")))
		return reply_error(rq, E_SUSPENDED);
	if (text_is(outcome, TEXT("INACTIVE")))
		return reply_error(rq, E_INACTIVE);
	if (text_is(outcome, TEXT("REUSED")))
		session_ended(rq, session->caller.session);
	if ((!text_is(outcome, TEXT("ROTATED")) && !text_is(outcome, TEXT("AGAIN"))) ||
		current.len >= ID_SIZE)
		return reply_error(rq, E_BAD_REFRESH);
	memcpy(session->refresh_id, current.at, current.len);
	session->refresh_id[current.len] = '\0';
	session_reply(rq, session, column(rq, result, 2), NULL, TEXT_NONE);
}

static void refresh(struct request *rq)
{
	struct session *session = ARENA_NEW(rq->arena, struct session);
	char *used = arena_alloc(rq->arena, ID_SIZE);
	int err;

	if (!session || !used)
		return reply_error(rq, E_NO_MEMORY);
	err = token_read(rq->app->keys, TOKEN_REFRESH, text_of(body_text(rq, "refreshToken")),
		&session->caller, used);
	if (err || session->caller.role != CUSTOMER)
		return reply_error(rq, E_BAD_REFRESH);
	session_refresh_id(session->refresh_id);
	rq->state = session;
	sql_write(rq, session_refresh, refreshed, session->caller.session, session->caller.id, used,
		session->refresh_id, session_refresh_life(rq), session_access_life(rq));
}

static void logged_out(struct request *rq, const struct db_result *result)
{
	(void)result;
	session_ended(rq, rq->caller.session);
	reply_message(rq, "Logged out", "Déconnecté");
}

static void log_out(struct request *rq)
{
	sql_write(rq, session_end, logged_out, rq->caller.session, rq->caller.id, session_access_life(rq));
}

/* --- The account ------------------------------------------------------------------------------- */

static void me_found(struct request *rq, int err, const struct cache_value *value)
{
	if (err)
		return reply_error(rq, err == E_NOT_FOUND ? E_ACCOUNT_GONE : err);
	reply_cached(rq, value);
}

static void me(struct request *rq)
{
	cached_by_sql(rq, KEY_USER, rq->caller.id, QUERY_user_get, me_found);
}

static void profile_changed(struct request *rq, const struct db_result *result)
{
	if (db_error(result))
		return account_fail(rq, result);
	account_reply(rq, db_rows(result) ? db_text(result, 0, 0) : TEXT_NONE);
}

static void change_profile(struct request *rq)
{
	const char *first, *last;

	if (!name_take(rq, false, &first, &last))
		return;
	sql_try_write(rq, user_change_profile, profile_changed, rq->caller.id, first, last,
		body_text(rq, "email"), body_text(rq, "profilePicture"));
}

const struct route user_auth_routes[] = {
	{ POST, "/auth/register", .who = ANYONE, .always = true, .body = register_body,
		.reply = session_user_fields, .created = true, .limit = LIMIT_REGISTER, .run = register_user,
		.errors = { E_PHONE_TAKEN, E_EMAIL_TAKEN, E_BUSY },
		.does = "Open an account; a code goes to the phone" },
	{ POST, "/auth/login", .who = ANYONE, .always = true, .body = login_body,
		.reply = session_user_fields, .run = log_in,
		.errors = { E_BAD_CREDENTIALS, E_SUSPENDED, E_INACTIVE, E_TOO_MANY_REQUESTS, E_BUSY },
		.does = "Log in by phone or e-mail" },
	{ POST, "/auth/refresh", .also = "/auth/refresh-token", .who = ANYONE, .always = true,
		.body = refresh_body, .reply = session_fields, .run = refresh,
		.errors = { E_BAD_REFRESH, E_SUSPENDED, E_INACTIVE },
		.does = "Trade a refresh token for a new pair; an old one used again ends the session" },
	{ POST, "/auth/logout", .who = CUSTOMER, .always = true, .shape = REPLY_MESSAGE, .run = log_out,
		.does = "End this session: its tokens count no more" },
	{ GET, "/auth/me", .also = "/auth/profile", .who = CUSTOMER, .always = true, .reply = user_fields,
		.run = me, .errors = { E_ACCOUNT_GONE }, .does = "The account" },
	{ PUT, "/auth/profile", .also = "/auth/me", .who = CUSTOMER, .always = true, .any_write = true,
		.body = profile_body, .reply = user_fields, .run = change_profile,
		.errors = { E_EMAIL_TAKEN, E_ACCOUNT_GONE }, .does = "Change name, e-mail or picture" },
	ROUTE_END
};
