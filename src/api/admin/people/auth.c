/* SPDX-License-Identifier: MIT
 *
 * Admins: in and out. The acts are those of every kind, see api/account.h; the console's browser
 * gets its tokens as cookies besides, which no script can read. Admins are made by `reeyo admin`
 * and by super-admins, never here.
 */
#include "reeyo/api/admin.h"

#include "reeyo/api/account.h"

static const char *const roles[] = { "ADMIN", "SUPER_ADMIN", NULL };
static const char *const statuses[] = { "ACTIVE", "SUSPENDED", NULL };

static const struct field admin_fields[] = {
	{ "id", FIELD_ID, .required = true },
	{ "name", FIELD_TEXT, .required = true },
	{ "email", FIELD_EMAIL, .required = true },
	{ "role", FIELD_ENUM, .required = true, .words = roles },
	{ "status", FIELD_ENUM, .required = true, .words = statuses },
	{ "last_login_at", FIELD_TIME, .nullable = true },
	{ "created_at", FIELD_TIME, .required = true },
	FIELD_END
};
static const struct field session_admin_fields[] = {
	{ "admin", FIELD_OBJECT, .required = true, .of = admin_fields },
	SESSION_FIELDS,
	FIELD_END
};
static const struct field admin_login_body[] = {
	{ "email", FIELD_EMAIL, .required = true, .does = "Kept in lower case" },
	{ "password", FIELD_SECRET, .required = true },
	{ "otp", FIELD_ANY, .does = "Not looked at" },
	FIELD_END
};
static const struct field admin_refresh_body[] = {
	{ "refreshToken", FIELD_SECRET, .max = TOKEN_MAX, .also = "refresh_token",
		.does = "Without it the cookie's" },
	FIELD_END
};

const struct route admin_auth_routes[] = {
	{ POST, "/auth/login", .who = ANYONE, .always = true, .body = admin_login_body,
		.reply = session_admin_fields, .limit = LIMIT_LOGIN,
		.limit_by = "account", .run = account_log_in,
		.errors = { E_BAD_CREDENTIALS, E_SUSPENDED, E_TOO_MANY_REQUESTS, E_BUSY },
		.does = "Log in; five wrong passwords lock the account for half an hour" },
	{ POST, "/auth/refresh", .also = "/auth/refresh-token", .who = ANYONE, .always = true,
		.body = admin_refresh_body, .reply = session_fields, .run = account_refresh,
		.errors = { E_BAD_REFRESH, E_SUSPENDED, E_CORS_ORIGIN },
		.does = "Trade a refresh token, of the body or the cookie, for a new pair" },
	{ GET, "/auth/me", .also = "/auth/profile", .who = ADMIN,
		.always = true, .reply = admin_fields,
		.run = account_me, .errors = { E_ACCOUNT_GONE }, .does = "The admin" },
	{ POST, "/auth/logout", .who = ADMIN, .always = true,
		.shape = REPLY_MESSAGE, .run = account_log_out,
		.does = "End this session: its tokens count no more, its cookies go" },
	{ POST, "/auth/change-password", .also = "/auth/password", .who = ADMIN, .always = true,
		.any_write = true, .body = change_password_body, .shape = REPLY_MESSAGE,
		.limit = LIMIT_PASSWORD, .limit_by = "caller",
		.run = account_change_password,
		.errors = { E_WRONG_PASSWORD, E_TOO_MANY_REQUESTS, E_ACCOUNT_GONE, E_BUSY },
		.does = "Change the password; every other session ends" },
	ROUTE_END
};
