/* SPDX-License-Identifier: MIT
 *
 * Accounts of all kinds: log in, verify a phone, change a password. The operations are the same in
 * every namespace, so their handlers are here; the namespace of the request selects the kind. A
 * namespace's own file has the fields of its registration, the fields of its replies, and the
 * routes that it offers.
 */
#ifndef REEYO_API_ACCOUNT_H
#define REEYO_API_ACCOUNT_H

#include "reeyo/api/session.h"
#include "reeyo/auth/token.h"
#include "reeyo/http/request.h"

struct account_kind {
	const char *name;   /* as stored: "USER" */
	const char *object; /* member of replies to log-ins: "user" */
	const char *prefix; /* of new ids: "user_" */
	enum access role;   /* of tokens; for admins the log-in statement returns the role */
	/* Statements. Those of all kinds have the parameters and columns of the customer's (self:
	 * the vendor's). */
	enum query credentials, log_in, self;
};
/* The kind of account that a namespace serves. */
const struct account_kind *account_kind(const struct request *rq);

/* --- Fields ----------------------------------------------------------------------------------- */

#define NAME_FIELDS \
	{ "firstName", FIELD_TEXT, .min = 2, .max = 50, .aliases = "first_name" }, \
		{ "lastName", FIELD_TEXT, .min = 2, .max = 50, .aliases = "last_name" }, \
	{ \
		"name", FIELD_TEXT, .min = 2, .max = 101, .aliases = "fullName", \
				    .summary = "Instead of the two: split at the first space" \
	}

/* bankDetails of registrations and settings: accountName, accountNumber, bankName, bankCode. */
extern const struct field bank_fields[];

extern const struct field login_body[];   /* phone, email or identifier; password */
extern const struct field refresh_body[]; /* refreshToken */
extern const struct field otp_body[];     /* otp */
extern const struct field change_password_body[];
extern const struct field forgot_password_body[];
extern const struct field reset_password_body[];
/* For a profile: the language of messages. */
extern const char *const language_words[];
#define LANGUAGE_FIELD \
	{ \
		"language", FIELD_ENUM, .words = language_words, .summary = "Language of messages" \
	}
extern const struct field add_device_body[];
extern const struct field remove_device_body[];
extern const struct field session_fields[]; /* reply of a refresh */

/* --- Handlers: .run of rows ------------------------------------------------------------------- */

void account_log_in(struct request *rq);
void account_refresh(struct request *rq);
void account_log_out(struct request *rq);
void account_me(struct request *rq);
void account_verify_phone(struct request *rq);
void account_verify_email(struct request *rq);
void account_resend_code(struct request *rq);
void account_change_password(struct request *rq);
void account_forgot_password(struct request *rq);
void account_reset_password(struct request *rq);
void account_add_device(struct request *rq);
void account_remove_device(struct request *rq);

/* For the two rows that a vendor calls without a token: account is the id of the body. */
void account_verify_all(struct request *rq, const char *account);
void account_resend_code_to(struct request *rq, const char *account);

/* --- Rows that several namespaces have -------------------------------------------------------- */

/* name: "Customer", in the names of the operations; caller: .access of the rows with a token. */
#define ACCOUNT_ROUTES(name, caller) \
	{ POST, "/auth/logout", .operation = "logOut" name, .access = caller, \
		.during_maintenance = true, .shape = REPLY_MESSAGE, .run = account_log_out, \
		.summary = "End this session: revoke its tokens and stop push messages to " \
			   "its device" }, \
		{ POST, "/auth/change-password", .operation = "change" name "Password", \
			.aliases = "/auth/password", .access = caller, .during_maintenance = true, \
			.any_write = true, .body = change_password_body, .shape = REPLY_MESSAGE, \
			.limit = LIMIT_PASSWORD, .limit_by = "caller", \
			.run = account_change_password, \
			.errors = { E_WRONG_PASSWORD, E_TOO_MANY_REQUESTS, E_ACCOUNT_GONE, \
				E_BUSY }, \
			.summary = "Change the password; every other session ends" }, \
		{ POST, "/auth/forgot-password", .operation = "request" name "PasswordReset", \
			.access = ANYONE, .during_maintenance = true, \
			.body = forgot_password_body, .shape = REPLY_MESSAGE, .limit = LIMIT_CODE, \
			.limit_by = "phone email", .run = account_forgot_password, \
			.summary = "Send a reset code by SMS or e-mail; the reply does not show " \
				   "whether the account exists" }, \
		{ POST, "/auth/reset-password", .operation = "reset" name "Password", \
			.access = ANYONE, .during_maintenance = true, .body = reset_password_body, \
			.shape = REPLY_MESSAGE, .limit = LIMIT_RESET, .limit_by = "address", \
			.run = account_reset_password, .errors = { E_BAD_RESET_TOKEN, E_BUSY }, \
			.summary = "Set a new password with a reset code; every session ends" }, \
		{ POST, "/auth/device-token", .operation = "register" name "Device", \
			.access = caller, .during_maintenance = true, .body = add_device_body, \
			.shape = REPLY_MESSAGE, .run = account_add_device, \
			.summary = "Send push messages to this device" }, \
	{ \
		DELETE, "/auth/device-token", .operation = "remove" name "Device", \
					      .access = caller, .during_maintenance = true, \
					      .body = remove_device_body, .shape = REPLY_MESSAGE, \
					      .run = account_remove_device, \
					      .summary = "Stop push messages to this device" \
	}

/* The same for kinds with one code, which verifies the phone. fields: the account in replies. */
#define ACCOUNT_CODE_ROUTES(name, caller, fields) \
	{ POST, "/auth/verify-phone", .operation = "verify" name "Phone", \
		.aliases = "/auth/verify-otp", .access = caller, .during_maintenance = true, \
		.body = otp_body, .reply = fields, .limit = LIMIT_VERIFY, .limit_by = "caller", \
		.run = account_verify_phone, \
		.errors = { E_OTP_ALREADY, E_OTP_NONE, E_OTP_EXPIRED, E_OTP_WRONG, \
			E_ACCOUNT_GONE }, \
		.summary = "Verify the phone with the code that was sent to it" }, \
	{ \
		POST, "/auth/resend-otp", \
			.operation = "resend" name "Code", .access = caller, \
			.during_maintenance = true, .shape = REPLY_MESSAGE, .limit = LIMIT_CODE, \
			.limit_by = "caller", .run = account_resend_code, \
			.errors = { E_OTP_ALREADY, E_ACCOUNT_GONE }, \
			.summary = \
				"Send a new code; the previous code becomes invalid, and wrong " \
				"tries are kept" \
	}

/* --- Registration ----------------------------------------------------------------------------- */

/* The parameters that the registration statements of all kinds share. Texts live as long as the
 * request. */
struct registration_common {
	const char *account_id, *password_hash, *code_hash, *session_id, *jti, *language;
	const char *phone, *email; /* email may be NULL */
	bool phone_verified;
	int64_t code_life_s, refresh_life_s;
};
/* Copies them into the struct of a registration statement. */
#define REGISTRATION_FILL(params, common) \
	do { \
		(params)->account_id = (common)->account_id; \
		(params)->password_hash = (common)->password_hash; \
		(params)->phone_verified = (common)->phone_verified; \
		(params)->code_hash = (common)->code_hash; \
		(params)->code_life_s = (common)->code_life_s; \
		(params)->session_id = (common)->session_id; \
		(params)->jti = (common)->jti; \
		(params)->refresh_life_s = (common)->refresh_life_s; \
		(params)->language = (common)->language; \
		(params)->phone = (common)->phone; \
		(params)->email = (common)->email; \
	} while (0)

/* Runs the kind's statement, which ends in account_registered. */
typedef void registration_store(
	struct request *rq, void *params, const struct registration_common *common);
/* Registers an account: hashes the password, then calls store with params, the struct of the kind's
 * statement with its own members set (in the arena; NULL replies that memory is out). */
void account_register(struct request *rq, void *params, registration_store *store);
/* For the statement of store: sends the code and replies with the account and its session. */
void account_registered(struct request *rq, const struct db_result *result);

/* --- For handlers that change an account ------------------------------------------------------ */

/* Reads a name from firstName and lastName, or from name, split at its first space. False: it has
 * replied with an error. */
bool name_take(struct request *rq, bool required, const char **ret_first, const char **ret_last);
/* Writes the members of a checked object that its table names as JSON text for a parameter; NULL
 * for no object, "" for JSON null, which clears. False: out of memory, it has replied. */
bool object_take(
	struct request *rq, const json_t *object, const struct field *table, const char **ret);

/* After a committed change: invalidates cached data of the account, then calls next. */
void account_invalidate(struct request *rq, const char *account, void (*next)(struct request *rq));
/* Does the same for the caller's own account, then replies with its new state (finished JSON;
 * absent: the account is gone). */
void account_reply(struct request *rq, struct text json);
/* For user_change_profile and rider_change_profile, which have the same column: replies with the
 * changed account, or with the error. */
void account_profile_stored(struct request *rq, const struct db_result *result);
/* Replies with the error of a failed write; a taken phone or e-mail has its own error. */
void account_fail(struct request *rq, const struct db_result *result);

/* Copies a column or text to the arena; NULL for an absent one, or when out of memory. */
const char *account_text(struct request *rq, struct text text);

#endif
