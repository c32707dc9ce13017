/* SPDX-License-Identifier: MIT
 *
 * One-time codes: they prove a phone (a vendor's e-mail too), and another one can be sent when a
 * code did not arrive. Five wrong tries void a code, and a new code does not reset them: tries are
 * reset 15 minutes after the last wrong one. Only a keyed hash of a code is stored.
 */
#include "account.h"

#include "reeyo/http/limit.h"
#include "reeyo/partners/notifier.h"

const struct field otp_body[] = {
	{ "otp", FIELD_DIGITS, .required = true, .min = CODE_LENGTH, .max = CODE_LENGTH,
		.aliases = "code otpCode" },
	FIELD_END,
};

void code_new(struct request *rq, const char *account, char code[CODE_LENGTH + 1],
	char hash[CODE_HASH_SIZE])
{
	id_digits(code, CODE_LENGTH);
	keyring_code_hash(rq->app->keys, "phone", account, code, hash);
}

void code_send(struct request *rq, const char *phone, const char *email, const char *code)
{
	enum language language = rq->french ? LANGUAGE_FR : LANGUAGE_EN;
	const char *const params[] = { "code", code, NULL };

	limit_commit(rq);
	notifier_send_code(rq->app->notifier, MESSAGE_CODE, CHANNEL_SMS, language, phone, params);
	if (rq->ns == NS_VENDOR && email)
		notifier_send_code(
			rq->app->notifier, MESSAGE_CODE, CHANNEL_MAIL, language, email, params);
}

/* --- Verify ----------------------------------------------------------------------------------- */

static const struct outcome {
	struct text name;
	enum err err;
} outcomes[] = {
	{ { "VERIFIED", 8 }, E_OK },
	{ { "ALREADY", 7 }, E_OTP_ALREADY },
	{ { "NONE", 4 }, E_OTP_NONE },
	{ { "EXPIRED", 7 }, E_OTP_EXPIRED },
	{ { "WRONG", 5 }, E_OTP_WRONG },
	{ { "SENT", 4 }, E_OK },
	{ { "LOCKED", 6 }, E_TOO_MANY_REQUESTS },
};

/* The error for a missing account: named by a token, or by an id in a body. */
static enum err code_account_error(const struct request *rq)
{
	return rq->caller.id[0] ? E_ACCOUNT_GONE : E_ACCOUNT_NOT_FOUND;
}

/* The outcome of account_verify or account_renew_code: their first columns are the same. */
_Static_assert((int)ACCOUNT_VERIFY_OUTCOME == (int)ACCOUNT_RENEW_CODE_OUTCOME, "one column");

static int code_outcome(const struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return code_account_error(rq);
	for (size_t i = 0; i < COUNT_OF(outcomes); i++)
		if (text_is(db_text(result, 0, ACCOUNT_VERIFY_OUTCOME), outcomes[i].name))
			return outcomes[i].err;
	return E_INTERNAL;
}

static void code_verify(struct request *rq, const char *account, const char *what, sql_done *done)
{
	const char *code = body_text(rq, "otp");
	const char *test_code = rq->app->config->otp_test_code;
	bool is_test_code = test_code[0] && text_is_secret(text_of(code), text_of(test_code));
	char *hash = arena_alloc(rq->arena, CODE_HASH_SIZE);

	if (!hash)
		return reply_error(rq, E_NO_MEMORY);
	keyring_code_hash(rq->app->keys, "phone", account, code, hash);
	sql_write(rq, account_verify, done,
		&(struct account_verify){ .kind = account_kind(rq)->name,
			.account_id = account,
			.code_hash = hash,
			.any_code = is_test_code,
			.what = what });
}

static void code_refused(struct request *rq, int err)
{
	if (err != E_INTERNAL)
		limit_commit(rq);
	reply_error(rq, err);
}

static void code_verified(struct request *rq, const struct db_result *result)
{
	int err = code_outcome(rq, result);

	if (err)
		return code_refused(rq, err);
	account_reply(rq, db_text(result, 0, ACCOUNT_VERIFY_ACCOUNT));
}

void account_verify_phone(struct request *rq)
{
	code_verify(rq, rq->caller.id, "PHONE", code_verified);
}

void account_verify_email(struct request *rq)
{
	code_verify(rq, rq->caller.id, "EMAIL", code_verified);
}

static void code_verified_all(struct request *rq, const struct db_result *result)
{
	int err = code_outcome(rq, result);

	if (err)
		return code_refused(rq, err);
	reply_message(
		rq, "Phone and e-mail are verified", "Le téléphone et l'e-mail sont vérifiés");
}

void account_verify_all(struct request *rq, const char *account)
{
	code_verify(rq, account, "BOTH", code_verified_all);
}

/* --- Send again ------------------------------------------------------------------------------- */

struct code_renewal {
	const char *account, *phone, *email;
	char code[CODE_LENGTH + 1];
	char hash[CODE_HASH_SIZE];
};

static void code_renewed(struct request *rq, const struct db_result *result)
{
	struct code_renewal *renewal = rq->state;
	int err = code_outcome(rq, result);

	if (err == E_TOO_MANY_REQUESTS)
		reply_retry_after(rq, db_int(result, 0, ACCOUNT_RENEW_CODE_RETRY_S));
	if (err)
		return reply_error(rq, err);
	code_send(rq, renewal->phone, renewal->email, renewal->code);
	reply_message(rq, "A new code is on its way", "Un nouveau code arrive");
}

static void code_renew(struct request *rq)
{
	struct code_renewal *renewal = rq->state;

	code_new(rq, renewal->account, renewal->code, renewal->hash);
	sql_write(rq, account_renew_code, code_renewed,
		&(struct account_renew_code){ .kind = account_kind(rq)->name,
			.account_id = renewal->account,
			.code_hash = renewal->hash,
			.code_life_s = CODE_LIFE_S });
}

static void code_contact_found(struct request *rq, const struct db_result *result)
{
	struct code_renewal *renewal = rq->state;

	if (db_rows(result) == 0)
		return reply_error(rq, code_account_error(rq));
	renewal->phone = account_text(rq, db_text(result, 0, ACCOUNT_CONTACT_PHONE));
	renewal->email = account_text(rq, db_text(result, 0, ACCOUNT_CONTACT_EMAIL));
	if (!renewal->phone)
		return reply_error(rq, E_NO_MEMORY);
	limit_messages(rq, renewal->phone, rq->ns == NS_VENDOR ? renewal->email : NULL, code_renew);
}

void account_resend_code_to(struct request *rq, const char *account)
{
	struct code_renewal *renewal = ARENA_NEW(rq->arena, struct code_renewal);

	if (!renewal)
		return reply_error(rq, E_NO_MEMORY);
	renewal->account = account;
	rq->state = renewal;
	sql_read_primary(rq, account_contact, code_contact_found,
		&(struct account_contact){ .kind = account_kind(rq)->name, .account_id = account });
}

void account_resend_code(struct request *rq)
{
	account_resend_code_to(rq, rq->caller.id);
}
