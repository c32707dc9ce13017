/* SPDX-License-Identifier: MIT
 *
 * Log-in, refresh, log-out, and the account as it sees itself.
 *
 * Refresh tokens rotate: each is valid once. The use of an old one means that somebody else has a
 * copy, so the whole session ends. One exception tolerates a bad network: within refresh_grace of a
 * rotation (longer than a request may take) the replaced token returns the same successor again,
 * byte for byte, and never a second line of successors. So a client that lost the reply, or sent
 * two requests at once, can continue.
 *
 * A suspended or inactive account gets that error only with the right password. Failures are
 * counted per account, by whichever of its names it was addressed (by the name when there is no
 * such account); the count is reserved before the password is checked. An admin's failures are also
 * counted in the admin's row, where the fifth locks the account, whatever the rate limits are.
 */
#include "account.h"

#include "reeyo/auth/counters.h"
#include "reeyo/auth/password.h"
#include "reeyo/db/queries/sessions.h"
#include "reeyo/domain/operator.h"
#include "reeyo/http/limit.h"
#include "reeyo/service/cache_keys.h"

const struct field session_fields[] = { SESSION_FIELDS, FIELD_END };

const struct field login_body[] = {
	{ "phone", FIELD_PHONE, .aliases = "phoneNumber" },
	{ "email", FIELD_EMAIL, .summary = "Kept in lower case" },
	{ "identifier", FIELD_TEXT, .min = 1, .max = 254,
		.summary = "A phone or an e-mail, instead of either" },
	{ "password", FIELD_SECRET, .required = true },
	FIELD_END,
};
const struct field refresh_body[] = {
	{ "refreshToken", FIELD_SECRET, .required = true, .max = TOKEN_MAX,
		.aliases = "refresh_token" },
	FIELD_END,
};

/* --- Log in ----------------------------------------------------------------------------------- */

struct login {
	struct session session;
	char phone[14]; /* "" when an e-mail was given */
	const char *email;
	const char *account, *hash, *standing, *account_email;
	enum access role;
	int64_t locked_s;
	struct text json; /* the account, once the session is stored */
};

static void login_failed(struct request *rq)
{
	count_one(loop_counters(rq->app->loop), COUNT_AUTH_LOGIN_FAILURES);
	limit_commit(rq);
	reply_error(rq, E_BAD_CREDENTIALS);
}

static void login_reply(struct request *rq)
{
	struct login *login = rq->state;

	count_one(loop_counters(rq->app->loop), COUNT_AUTH_LOGINS);
	session_reply(
		rq, &login->session, login->account_email, account_kind(rq)->object, login->json);
}

static void login_stored(struct request *rq, const struct db_result *result)
{
	struct login *login = rq->state;
	struct text json;

	if (db_rows(result) == 0) /* password or standing changed since they were read */
		return login_failed(rq);
	json = db_text(result, 0, USER_LOG_IN_ACCOUNT);
	session_set_issued(&login->session, db_int(result, 0, USER_LOG_IN_ISSUED_MS));
	login->json = (struct text){ account_text(rq, json), json.len };
	if (!login->json.at)
		return reply_error(rq, E_NO_MEMORY);
	if (db_bool(result, 0, USER_LOG_IN_TOUCHED)) /* lastLogin of the cached account changed */
		return account_invalidate(rq, login->account, login_reply);
	login_reply(rq);
}

static void login_verified(struct request *rq, bool right, const char *rehash)
{
	struct login *login = rq->state;

	if (!right || strcmp(login->standing, "DELETED") == 0)
		return login_failed(rq);
	if (strcmp(login->standing, "ACTIVE") != 0)
		return reply_error(
			rq, strcmp(login->standing, "SUSPENDED") == 0 ? E_SUSPENDED : E_INACTIVE);
	session_new(&login->session, login->role, login->account);
	sql_run(rq, DB_WRITE, account_kind(rq)->log_in, false, login_stored,
		&(struct user_log_in){ .account_id = login->account,
			.old_hash = login->hash,
			.new_hash = account_text(rq, text_of(rehash)),
			.session_id = login->session.caller.session,
			.jti = login->session.refresh_id,
			.refresh_life_s = session_refresh_life_s(rq) });
}

static const char *login_name(const struct login *login)
{
	return login->email ? login->email : login->phone;
}

static void login_verify(struct request *rq)
{
	struct login *login = rq->state;

	password_verify(rq, login->account ? login->account : "", login->hash,
		body_text(rq, "password"), login_verified);
}

static void login_found(struct request *rq, const struct db_result *result)
{
	struct login *login = rq->state;

	login->standing = "";
	if (db_rows(result) > 0) {
		login->account = account_text(rq, db_text(result, 0, USER_CREDENTIALS_ID));
		login->hash = account_text(rq, db_text(result, 0, USER_CREDENTIALS_PASSWORD_HASH));
		login->standing = account_text(rq, db_text(result, 0, USER_CREDENTIALS_STANDING));
		login->account_email = account_text(rq, db_text(result, 0, USER_CREDENTIALS_EMAIL));
		login->role = role_parse(db_text(result, 0, USER_CREDENTIALS_ROLE));
		login->locked_s = db_int(result, 0, USER_CREDENTIALS_LOCKED_S);
		if (!login->account || !login->standing)
			return reply_error(rq, E_NO_MEMORY);
	}
	if (login->locked_s > 0) {
		reply_retry_after(rq, login->locked_s);
		return reply_error(rq, E_TOO_MANY_REQUESTS);
	}
	if (rq->ns == NS_ADMIN) /* reserved before the failure count of the row grew */
		return login_verify(rq);
	limit_count_account(rq, login->account ? login->account : login_name(login), login_verify);
}

/* Reads from the primary: a log-in often follows a registration or a password change at once. */
static void login_find(struct request *rq)
{
	struct login *login = rq->state;

	sql_run(rq, DB_WRITE, account_kind(rq)->credentials, false, login_found,
		&(struct user_credentials){
			.phone = login->phone[0] ? login->phone : NULL, .email = login->email });
}

static const char *text_lower(struct request *rq, const char *text)
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
		login->email = text_lower(rq, identifier);
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

void account_log_in(struct request *rq)
{
	struct login *login = ARENA_NEW(rq->arena, struct login);

	if (!login)
		return reply_error(rq, E_NO_MEMORY);
	rq->state = login;
	if (!login_identify(rq, login))
		return;
	if (rq->ns == NS_ADMIN) /* an admin has one name only */
		return limit_count_account(rq, login_name(login), login_find);
	login_find(rq);
}

/* --- Refresh and log out ---------------------------------------------------------------------- */

/* On a 401 a browser's cookies are cleared too; otherwise it would retry forever. */
static void refresh_refused(struct request *rq, int err)
{
	if (rq->ns == NS_ADMIN && error_status(err, rq->ns) == 401)
		session_cookies_clear(rq);
	reply_error(rq, err);
}

static void refresh_stored(struct request *rq, const struct db_result *result)
{
	struct session *session = rq->state;
	bool found = db_rows(result) > 0;
	struct text outcome = found ? db_text(result, 0, SESSION_REFRESH_OUTCOME) : TEXT("GONE");
	struct text current = found ? db_text(result, 0, SESSION_REFRESH_CURRENT_JTI) : TEXT_NONE;

	if (text_is(outcome, TEXT("SUSPENDED")))
		return refresh_refused(rq, E_SUSPENDED);
	if (text_is(outcome, TEXT("INACTIVE")))
		return refresh_refused(rq, E_INACTIVE);
	if (text_is(outcome, TEXT("REUSED")))
		session_revoke(rq, session->caller.session);
	if ((!text_is(outcome, TEXT("ROTATED")) && !text_is(outcome, TEXT("REPEATED"))) ||
		current.len >= ID_SIZE)
		return refresh_refused(rq, E_BAD_REFRESH);
	memcpy(session->refresh_id, current.at, current.len);
	session->refresh_id[current.len] = '\0';
	session->caller.role = role_parse(db_text(result, 0, SESSION_REFRESH_ROLE));
	session_set_issued(session, db_int(result, 0, SESSION_REFRESH_ISSUED_MS));
	session_reply(rq, session, account_text(rq, db_text(result, 0, SESSION_REFRESH_EMAIL)),
		NULL, TEXT_NONE);
}

/* The token of the body, else of the admin console's cookie. */
static int refresh_token_find(struct request *rq, struct text *ret)
{
	int err;

	*ret = text_of(body_text(rq, "refreshToken"));
	if (ret->at)
		return 0;
	err = cookie_read(rq, TEXT("refreshToken"), ret);
	if (err)
		return err == E_CORS_ORIGIN ? err : E_BAD_REFRESH;
	return ret->len <= TOKEN_MAX ? 0 : E_BAD_REFRESH;
}

static bool account_kind_has(const struct account_kind *kind, enum access role)
{
	return role == kind->role || (kind->role == ADMIN && role == SUPER_ADMIN);
}

void account_refresh(struct request *rq)
{
	const struct account_kind *kind = account_kind(rq);
	struct session *session = ARENA_NEW(rq->arena, struct session);
	char *used = arena_alloc(rq->arena, ID_SIZE);
	struct text token;
	int err;

	if (!session || !used)
		return reply_error(rq, E_NO_MEMORY);
	err = refresh_token_find(rq, &token);
	if (err)
		return refresh_refused(rq, err);
	err = token_read(rq->app->keys, TOKEN_REFRESH, token, &session->caller, used);
	if (err || !account_kind_has(kind, session->caller.role))
		return refresh_refused(rq, E_BAD_REFRESH);
	session_refresh_id(session->refresh_id);
	rq->state = session;
	sql_write(rq, session_refresh, refresh_stored,
		&(struct session_refresh){ .session_id = session->caller.session,
			.account_id = session->caller.id,
			.kind = kind->name,
			.jti = used,
			.next_jti = session->refresh_id,
			.grace_s = session_refresh_grace_s(rq),
			.refresh_life_s = session_refresh_life_s(rq),
			.access_life_s = session_access_life_s(rq) });
}

static void log_out_stored(struct request *rq, const struct db_result *result)
{
	(void)result;
	session_revoke(rq, rq->caller.session);
	if (rq->ns == NS_ADMIN)
		session_cookies_clear(rq);
	reply_message(rq, "Logged out", "Déconnecté");
}

void account_log_out(struct request *rq)
{
	sql_write(rq, session_end, log_out_stored,
		&(struct session_end){ .session_id = rq->caller.session,
			.account_id = rq->caller.id,
			.access_life_s = session_access_life_s(rq) });
}

/* --- The account ------------------------------------------------------------------------------ */

static void me_cached(struct request *rq, int err, const struct cache_value *value)
{
	if (err)
		return reply_error(rq, err == E_NOT_FOUND ? E_ACCOUNT_GONE : err);
	reply_cached(rq, value);
}

static void me_found(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return reply_error(rq, E_ACCOUNT_GONE);
	reply_data(rq, db_text(result, 0, VENDOR_SELF_ACCOUNT));
}

void account_me(struct request *rq)
{
	if (rq->ns == NS_USER)
		return cache_get_or_query(rq, KEY_USER, rq->caller.id, QUERY_user_get, me_cached);
	sql_run(rq, DB_READ, account_kind(rq)->self, false, me_found,
		&(struct vendor_self){ .account_id = rq->caller.id });
}
