/* SPDX-License-Identifier: MIT
 *
 * Login and sessions of admins. The handlers are shared by every kind of account, see
 * api/account.h. The browser of an admin also gets its tokens as cookies that scripts cannot read.
 * Admins are created by `reeyo admin`, never here.
 */
#include "reeyo/api/admin.h"

#include "reeyo/api/account.h"

static const char *const admin_role_words[] = { "ADMIN", "SUPER_ADMIN", NULL };
static const char *const admin_status_words[] = { "ACTIVE", "SUSPENDED", NULL };

static const struct field admin_fields[] = {
	{ "id", FIELD_ID, .required = true },
	{ "name", FIELD_TEXT, .required = true },
	{ "email", FIELD_EMAIL, .required = true },
	{ "role", FIELD_ENUM, .required = true, .words = admin_role_words },
	{ "status", FIELD_ENUM, .required = true, .words = admin_status_words },
	{ "last_login_at", FIELD_TIME, .nullable = true },
	{ "created_at", FIELD_TIME, .required = true },
	FIELD_END,
};
static const struct field session_admin_fields[] = {
	{ "admin", FIELD_OBJECT, .required = true, .of = admin_fields },
	SESSION_FIELDS,
	FIELD_END,
};
static const struct field admin_login_body[] = {
	{ "email", FIELD_EMAIL, .required = true, .summary = "Kept in lower case" },
	{ "password", FIELD_SECRET, .required = true },
	{ "otp", FIELD_ANY, .summary = "Ignored" },
	FIELD_END,
};
static const struct field admin_refresh_body[] = {
	{ "refreshToken", FIELD_SECRET, .max = TOKEN_MAX, .aliases = "refresh_token",
		.summary = "Without it the cookie is used" },
	FIELD_END,
};

const struct route admin_auth_routes[] = {
	{ POST, "/auth/login", .operation = "logInAdmin", .access = ANYONE,
		.during_maintenance = true, .body = admin_login_body, .reply = session_admin_fields,
		.limit = LIMIT_LOGIN, .limit_by = "account", .run = account_log_in,
		.errors = { E_BAD_CREDENTIALS, E_SUSPENDED, E_TOO_MANY_REQUESTS, E_BUSY },
		.summary = "Log in; five wrong passwords lock the account for 30 minutes" },
	{ POST, "/auth/refresh", .operation = "refreshAdminTokens",
		.aliases = "/auth/refresh-token", .access = ANYONE, .during_maintenance = true,
		.body = admin_refresh_body, .reply = session_fields, .run = account_refresh,
		.errors = { E_BAD_REFRESH, E_SUSPENDED, E_CORS_ORIGIN },
		.summary =
			"Exchange a refresh token, from the body or the cookie, for a new pair" },
	{ GET, "/auth/me", .operation = "getAdminAccount", .aliases = "/auth/profile",
		.access = ADMIN, .during_maintenance = true, .reply = admin_fields,
		.run = account_me, .errors = { E_ACCOUNT_GONE },
		.summary = "The admin who is logged in" },
	{ POST, "/auth/logout", .operation = "logOutAdmin", .access = ADMIN,
		.during_maintenance = true, .shape = REPLY_MESSAGE, .run = account_log_out,
		.summary = "End this session: its tokens become invalid, its cookies are removed" },
	{ POST, "/auth/change-password", .operation = "changeAdminPassword",
		.aliases = "/auth/password", .access = ADMIN, .during_maintenance = true,
		.any_write = true, .body = change_password_body, .shape = REPLY_MESSAGE,
		.limit = LIMIT_PASSWORD, .limit_by = "caller", .run = account_change_password,
		.errors = { E_WRONG_PASSWORD, E_TOO_MANY_REQUESTS, E_ACCOUNT_GONE, E_BUSY },
		.summary = "Change the password and end all other sessions" },
	ROUTE_END,
};
