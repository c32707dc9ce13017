/* SPDX-License-Identifier: MIT
 *
 * What the customer's account routes share: the User in replies, names, phone codes, and the answer after
 * a change.
 */
#include "account.h"

#include "reeyo/auth/token.h"
#include "reeyo/partners/sms.h"

#define PART_MIN 2
#define PART_MAX 50

static const char *const statuses[] = { "ACTIVE", "INACTIVE", "SUSPENDED", "DELETED", NULL };

const struct field address_fields[] = {
	{ "id", FIELD_ID, .required = true },
	{ "addressId", FIELD_ID, .required = true, .does = "The same id" },
	{ "label", FIELD_TEXT, .required = true },
	{ "address", FIELD_TEXT, .required = true },
	{ "fullAddress", FIELD_TEXT, .required = true, .does = "The same text" },
	{ "city", FIELD_TEXT, .nullable = true },
	{ "coordinates", FIELD_POINT, .required = true },
	{ "instructions", FIELD_TEXT, .nullable = true },
	{ "isDefault", FIELD_BOOL, .required = true },
	{ "createdAt", FIELD_TIME, .required = true },
	FIELD_END
};

const struct field user_fields[] = {
	{ "userId", FIELD_ID, .required = true },
	{ "firstName", FIELD_TEXT, .required = true },
	{ "lastName", FIELD_TEXT, .required = true },
	{ "name", FIELD_TEXT, .required = true },
	{ "phone", FIELD_PHONE, .required = true },
	{ "email", FIELD_EMAIL, .nullable = true },
	{ "profilePicture", FIELD_TEXT, .nullable = true },
	{ "isPhoneVerified", FIELD_BOOL, .required = true },
	{ "isEmailVerified", FIELD_BOOL, .required = true },
	{ "status", FIELD_ENUM, .required = true, .words = statuses },
	{ "addresses", FIELD_LIST, .required = true, .of = address_fields },
	{ "favoriteVendors", FIELD_LIST, .required = true, .each = FIELD_ID },
	{ "createdAt", FIELD_TIME, .required = true },
	{ "updatedAt", FIELD_TIME, .required = true },
	{ "lastLogin", FIELD_TIME, .nullable = true, .does = "To within five minutes" },
	FIELD_END
};

/* --- Names ------------------------------------------------------------------------------------- */

static bool name_part_fits(const char *part)
{
	size_t length = part ? text_length(text_of(part)) : 0;

	return length >= PART_MIN && length <= PART_MAX;
}

bool name_take(struct request *rq, bool required, const char **ret_first, const char **ret_last)
{
	struct text rest = text_of(body_text(rq, "name"));
	struct text head = rest.at ? text_cut(&rest, ' ') : TEXT_NONE;
	struct text tail = text_trim(rest);

	*ret_first = body_text(rq, "firstName");
	*ret_last = body_text(rq, "lastName");
	if (!*ret_first && head.at)
		*ret_first = arena_copy(rq->arena, head.at, head.len);
	if (!*ret_last && tail.len)
		*ret_last = arena_copy(rq->arena, tail.at, tail.len);
	if (!required && !head.at)
		return true;
	if (name_part_fits(*ret_first) && name_part_fits(*ret_last))
		return true;
	reply_field(rq, head.at ? "name" : *ret_first ? "lastName" : "firstName",
		head.at ? "must be a first and a last name of 2 to 50 characters each" : "is required",
		head.at ? "doit être un prénom et un nom de 2 à 50 caractères chacun" : "est obligatoire");
	return false;
}

/* --- Codes ------------------------------------------------------------------------------------- */

void phone_code_new(struct request *rq, const char *account, char code[CODE_LENGTH + 1], char hash[65])
{
	id_digits(code, CODE_LENGTH);
	keyring_code_hash(rq->app->keys, "phone", account, code, hash);
}

void phone_code_send(struct request *rq, const char *phone, const char *code)
{
	const char *text = arena_printf(rq->arena,
		rq->french ? "Reeyo : votre code est %s. Il est valable 10 minutes." :
			     "Reeyo: your code is %s. It is valid for 10 minutes.",
		code);

	if (text)
		sms_send(rq->app->sms, phone, text);
}

/* --- After a change ---------------------------------------------------------------------------- */

static void account_dropped(struct request *rq)
{
	const struct text *user = rq->state;

	reply_data(rq, *user);
}

void account_reply(struct request *rq, struct text user)
{
	struct text *kept = ARENA_NEW(rq->arena, struct text);

	if (!user.at)
		return reply_error(rq, E_ACCOUNT_GONE);
	if (kept) {
		kept->at = arena_copy(rq->arena, user.at, user.len);
		kept->len = user.len;
	}
	if (!kept || !kept->at)
		return reply_error(rq, E_NO_MEMORY);
	rq->state = kept;
	uncached(rq, KEY_USER, rq->caller.id, account_dropped);
}

void account_fail(struct request *rq, const struct db_result *result)
{
	int err = db_error(result);
	const char *constraint = db_error_detail(result);

	if (err == E_CONFLICT_ROW && strstr(constraint, "phone"))
		err = E_PHONE_TAKEN;
	else if (err == E_CONFLICT_ROW && strstr(constraint, "email"))
		err = E_EMAIL_TAKEN;
	reply_error(rq, err);
}
