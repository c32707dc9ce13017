/* SPDX-License-Identifier: MIT
 *
 * Accounts of all kinds: log in, prove a phone, change a password. The acts are the same in every
 * namespace, so their handlers are here; whose account is meant follows from the request's
 * namespace. What a namespace's own file says is which fields its registration takes, what its
 * replies show, and which of the acts it has.
 */
#ifndef REEYO_API_ACCOUNT_H
#define REEYO_API_ACCOUNT_H

#include "reeyo/api/session.h"
#include "reeyo/auth/token.h"
#include "reeyo/http/request.h"

struct account_kind {
	const char *name;       /* as stored: "USER" */
	const char *object;     /* of replies to log-ins: "user" */
	const char *prefix;     /* of ids: "user_" */
	enum who role;          /* of tokens; an admin's log-in says which of his two */
	enum query credentials, log_in, registration, self;
};
/* The kind of account that a namespace serves. */
const struct account_kind *account_kind(const struct request *rq);

/* --- Fields ----------------------------------------------------------------------------------- */

#define NAME_FIELDS \
	{ "firstName", FIELD_TEXT, .min = 2, .max = 50, .also = "first_name" }, \
	{ "lastName", FIELD_TEXT, .min = 2, .max = 50, .also = "last_name" }, \
	{ "name", FIELD_TEXT, .min = 2, .max = 101, .also = "fullName", \
		.does = "Instead of the two: split at the first space" }

/* bankDetails, as registrations and settings take them: accountName, accountNumber, bankName,
 * bankCode. */
extern const struct field bank_fields[];

extern const struct field login_body[];   /* phone, email or identifier; password */
extern const struct field refresh_body[]; /* refreshToken */
extern const struct field otp_body[];     /* otp */
extern const struct field change_password_body[];
extern const struct field forgot_password_body[];
extern const struct field reset_password_body[];
/* Of a profile: the language that messages come in. */
extern const char *const language_words[];
#define LANGUAGE_FIELD \
	{ "language", FIELD_ENUM, .words = language_words, .does = "In which messages come" }
extern const struct field add_device_body[];
extern const struct field remove_device_body[];
extern const struct field session_fields[]; /* reply of a refresh */

/* --- Acts: .run of rows ----------------------------------------------------------------------- */

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

/* For the two rows that a vendor calls before he has a token: account is the id of the body. */
void account_verify_all(struct request *rq, const char *account);
void account_resend_code_to(struct request *rq, const char *account);

/* --- Registration ----------------------------------------------------------------------------- */

/* A registration's own parameters follow those that all have; see registration.c. */
#define REGISTRATION_COMMON 11
#define REGISTRATION_OWN 12
/* Opens an account by the kind's statement with count parameters of its own (NULL-able texts that
 * live as long as the request): hashes the password, stores, sends the code, replies with account
 * and session. */
void account_register(struct request *rq, unsigned count, const char *const own[]);

/* --- For handlers that change an account ------------------------------------------------------ */

/* A name from firstName and lastName, or from name, split at its first space. False when it has
 * replied. */
bool name_take(struct request *rq, bool required, const char **ret_first, const char **ret_last);
/* The members of a checked object that its table names, as JSON text for a parameter; NULL for no
 * object, "" for one that is cleared. False when memory is out (replied). */
bool object_take(struct request *rq, const json_t *object, const struct field *table,
	const char **ret);

/* After a committed change: what is remembered of the account goes, then next. */
void account_changed(struct request *rq, const char *account, void (*next)(struct request *rq));
/* The same for the caller's own account, then replies with what it has become (finished JSON;
 * absent: it is gone). */
void account_reply(struct request *rq, struct text shown);
/* The error of a failed write, with the words for a taken phone or e-mail. */
void account_fail(struct request *rq, const struct db_result *result);

/* A copy in the arena of a column or text; NULL for absent, or when memory is out. */
const char *account_text(struct request *rq, struct text text);

#endif
