/* SPDX-License-Identifier: MIT
 *
 * The customer's phone: the code that proves it, and another one when it did not come. Five wrong tries void a
 * code. Only a keyed hash of a code is stored.
 */
#include "reeyo/api/user.h"

#include "account.h"
#include "reeyo/auth/token.h"

static const struct field verify_body[] = {
	{ "otp", FIELD_DIGITS, .required = true, .min = CODE_LENGTH, .max = CODE_LENGTH, .also = "code otpCode" },
	FIELD_END
};

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
};

/* The first column of a code's statement; no row: no such account. */
static int outcome_of(const struct db_result *result)
{
	if (db_rows(result) == 0)
		return E_ACCOUNT_GONE;
	for (size_t i = 0; i < COUNT_OF(outcomes); i++)
		if (text_is(db_text(result, 0, 0), outcomes[i].name))
			return outcomes[i].err;
	return E_INTERNAL;
}

static void verified(struct request *rq, const struct db_result *result)
{
	int err = outcome_of(result);

	if (err)
		return reply_error(rq, err);
	account_reply(rq, db_text(result, 0, 1));
}

static void verify_phone(struct request *rq)
{
	const char *code = body_text(rq, "otp");
	const char *test_code = rq->app->config->otp_test_code;
	bool is_test_code = test_code[0] && text_is_secret(text_of(code), text_of(test_code));
	char *hash = arena_alloc(rq->arena, CODE_HASH_SIZE);

	if (!hash)
		return reply_error(rq, E_NO_MEMORY);
	keyring_code_hash(rq->app->keys, "phone", rq->caller.id, code, hash);
	sql_write(rq, user_verify_phone, verified, rq->caller.id, hash, is_test_code ? "t" : "f");
}

struct renewal {
	char code[CODE_LENGTH + 1];
	char hash[CODE_HASH_SIZE];
};

static void renewed(struct request *rq, const struct db_result *result)
{
	struct renewal *renewal = rq->state;
	int err = outcome_of(result);
	struct text phone = err ? TEXT_NONE : db_text(result, 0, 1);
	const char *copy = phone.at ? arena_copy(rq->arena, phone.at, phone.len) : NULL;

	if (err)
		return reply_error(rq, err);
	if (copy)
		phone_code_send(rq, copy, renewal->code);
	reply_message(rq, "A new code is on its way", "Un nouveau code arrive");
}

static void resend_code(struct request *rq)
{
	struct renewal *renewal = ARENA_NEW(rq->arena, struct renewal);

	if (!renewal)
		return reply_error(rq, E_NO_MEMORY);
	phone_code_new(rq, rq->caller.id, renewal->code, renewal->hash);
	rq->state = renewal;
	sql_write(rq, user_renew_code, renewed, rq->caller.id, renewal->hash, CODE_LIFE_S);
}

const struct route user_phone_routes[] = {
	{ POST, "/auth/verify-phone", .also = "/auth/verify-otp", .who = CUSTOMER, .always = true,
		.body = verify_body, .reply = user_fields, .run = verify_phone,
		.errors = { E_OTP_ALREADY, E_OTP_NONE, E_OTP_EXPIRED, E_OTP_WRONG, E_ACCOUNT_GONE },
		.does = "Prove the phone with the code that was sent to it" },
	{ POST, "/auth/resend-otp", .who = CUSTOMER, .always = true, .shape = REPLY_MESSAGE,
		.limit = LIMIT_CODE, .run = resend_code, .errors = { E_OTP_ALREADY, E_ACCOUNT_GONE },
		.does = "Send a new code; the one before it counts no more" },
	ROUTE_END
};
