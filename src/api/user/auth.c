/* SPDX-License-Identifier: MIT
 *
 * Customers: registration, and the account itself. The handlers are those of every kind, see
 * api/account.h.
 */
#include "reeyo/api/user.h"

#include "reeyo/api/account.h"
#include "reeyo/db/queries/identity.h"
#include "user.h"

static const struct field session_user_fields[] = {
	{ "user", FIELD_OBJECT, .required = true, .of = user_fields },
	SESSION_FIELDS,
	FIELD_END,
};
static const struct field register_body[] = {
	NAME_FIELDS,
	{ "phone", FIELD_PHONE, .required = true, .aliases = "phoneNumber" },
	{ "email", FIELD_EMAIL, .summary = "Kept in lower case" },
	{ "password", FIELD_PASSWORD, .required = true },
	FIELD_END,
};
static const struct field profile_body[] = {
	NAME_FIELDS,
	{ "email", FIELD_EMAIL, .clearable = true, .summary = "Kept in lower case" },
	{ "profilePicture", FIELD_URL_OR_ID, .min = 1, .clearable = true,
		.aliases = "profile_picture avatar" },
	LANGUAGE_FIELD,
	FIELD_END,
};

static void user_store(struct request *rq, void *params, const struct registration_common *common)
{
	struct user_register *user = params;

	REGISTRATION_FILL(user, common);
	sql_try_write(rq, user_register, account_registered, user);
}

static void register_user(struct request *rq)
{
	struct user_register *params = ARENA_NEW(rq->arena, struct user_register);
	const char *first, *last;

	if (!name_take(rq, true, &first, &last))
		return;
	if (params)
		*params = (struct user_register){ .first_name = first, .last_name = last };
	account_register(rq, params, user_store);
}

static void user_change_profile(struct request *rq)
{
	const char *first, *last;

	if (!name_take(rq, false, &first, &last))
		return;
	sql_try_write(rq, user_change_profile, account_profile_stored,
		&(struct user_change_profile){ .user_id = rq->caller.id,
			.first_name = first,
			.last_name = last,
			.email = arg_change(rq, "email"),
			.profile_picture = arg_change(rq, "profilePicture"),
			.language = body_text(rq, "language") });
}

const struct route user_auth_routes[] = {
	{ POST, "/auth/register", .operation = "registerCustomer", .access = ANYONE,
		.during_maintenance = true, .body = register_body, .reply = session_user_fields,
		.created = true, .limit = LIMIT_REGISTER, .limit_by = "phone", .run = register_user,
		.errors = { E_PHONE_TAKEN, E_EMAIL_TAKEN, E_BUSY },
		.summary = "Register an account; a code is sent to the phone" },
	{ POST, "/auth/login", .operation = "logInCustomer", .access = ANYONE,
		.during_maintenance = true, .body = login_body, .reply = session_user_fields,
		.limit = LIMIT_LOGIN, .limit_by = "account", .run = account_log_in,
		.errors = { E_BAD_CREDENTIALS, E_SUSPENDED, E_INACTIVE, E_TOO_MANY_REQUESTS,
			E_BUSY },
		.summary = "Log in by phone or e-mail" },
	{ POST, "/auth/refresh", .operation = "refreshCustomerTokens",
		.aliases = "/auth/refresh-token", .access = ANYONE, .during_maintenance = true,
		.body = refresh_body, .reply = session_fields, .run = account_refresh,
		.errors = { E_BAD_REFRESH, E_SUSPENDED, E_INACTIVE },
		.summary = "Exchange a refresh token for a new pair; reuse of an old one "
			   "ends the session" },
	{ GET, "/auth/me", .operation = "getCustomerAccount", .aliases = "/auth/profile",
		.access = CUSTOMER, .during_maintenance = true, .reply = user_fields,
		.run = account_me, .errors = { E_ACCOUNT_GONE }, .summary = "The account" },
	{ PUT, "/auth/profile", .operation = "updateCustomerAccount", .aliases = "/auth/me",
		.access = CUSTOMER, .during_maintenance = true, .any_write = true,
		.body = profile_body, .reply = user_fields, .run = user_change_profile,
		.errors = { E_EMAIL_TAKEN, E_ACCOUNT_GONE },
		.summary = "Change name, e-mail or picture" },
	ACCOUNT_CODE_ROUTES("Customer", CUSTOMER, user_fields),
	ACCOUNT_ROUTES("Customer", CUSTOMER),
	ROUTE_END,
};
