/* SPDX-License-Identifier: MIT
 *
 * The kinds of account and code that all their handlers share: names, replies after a change, and
 * the errors for a taken phone or e-mail.
 */
#include "account.h"

#include <stddef.h>

#include "reeyo/auth/admit.h"
#include "reeyo/core/unicode.h"
#include "reeyo/service/cache_keys.h"

#define PART_MIN 2
#define PART_MAX 50

static const struct account_kind kinds[NS_COUNT] = {
	[NS_USER] = { "USER", "user", "user_", CUSTOMER, QUERY_user_credentials, QUERY_user_log_in,
		QUERY_user_get },
	[NS_VENDOR] = { "VENDOR", "vendor", "vendor_", VENDOR_ACCOUNT, QUERY_vendor_credentials,
		QUERY_vendor_log_in, QUERY_vendor_self },
	[NS_RIDER] = { "RIDER", "rider", "rider_", RIDER_ACCOUNT, QUERY_rider_credentials,
		QUERY_rider_log_in, QUERY_rider_self },
	[NS_ADMIN] = { "ADMIN", "admin", "admin_", ADMIN, QUERY_admin_credentials,
		QUERY_admin_log_in, QUERY_admin_self },
};

/* The kinds share one struct of parameters and one list of columns. */
#define SAME_CREDENTIALS(kind, KIND) \
	_Static_assert(sizeof(struct kind##_credentials) == sizeof(struct user_credentials) && \
			offsetof(struct kind##_credentials, email) == \
				offsetof(struct user_credentials, email) && \
			(int)KIND##_CREDENTIALS_LOCKED_S == (int)USER_CREDENTIALS_LOCKED_S, \
		#kind "_credentials")
#define SAME_LOG_IN(kind, KIND) \
	_Static_assert(sizeof(struct kind##_log_in) == sizeof(struct user_log_in) && \
			offsetof(struct kind##_log_in, new_hash) == \
				offsetof(struct user_log_in, new_hash) && \
			offsetof(struct kind##_log_in, jti) == \
				offsetof(struct user_log_in, jti) && \
			(int)KIND##_LOG_IN_ISSUED_MS == (int)USER_LOG_IN_ISSUED_MS, \
		#kind "_log_in")
SAME_CREDENTIALS(vendor, VENDOR);
SAME_CREDENTIALS(rider, RIDER);
SAME_CREDENTIALS(admin, ADMIN);
SAME_LOG_IN(vendor, VENDOR);
SAME_LOG_IN(rider, RIDER);
SAME_LOG_IN(admin, ADMIN);

const struct account_kind *account_kind(const struct request *rq)
{
	return &kinds[rq->ns];
}

const struct field bank_fields[] = {
	{ "accountName", FIELD_TEXT, .min = 2, .max = 100,
		.aliases = "accountHolder account_name" },
	{ "accountNumber", FIELD_TEXT, .min = 4, .max = 34,
		.aliases = "mobileMoneyNumber account_number" },
	{ "bankName", FIELD_TEXT, .min = 2, .max = 100, .aliases = "bank_name" },
	{ "bankCode", FIELD_TEXT, .min = 1, .max = 20, .aliases = "bank_code" },
	FIELD_END,
};

/* --- Reading a body --------------------------------------------------------------------------- */

static bool name_part_valid(const char *part)
{
	return part && unicode_room(text_of(part)) >= PART_MIN &&
		text_length(text_of(part)) <= PART_MAX;
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
	if (name_part_valid(*ret_first) && name_part_valid(*ret_last))
		return true;
	reply_field(rq,
		head.at              ? "name"
			: *ret_first ? "lastName"
				     : "firstName",
		head.at ? "must be a first and a last name of 2 to 50 characters each"
			: "is required",
		head.at ? "doit être un prénom et un nom de 2 à 50 caractères chacun"
			: "est obligatoire");
	return false;
}

bool object_take(
	struct request *rq, const json_t *object, const struct field *table, const char **ret)
{
	json_auto_t *selected = json_object();
	char *text auto_free = NULL;

	*ret = json_is_null(object) ? "" : NULL;
	if (!object || json_is_null(object))
		return true;
	for (const struct field *field = table; field->name; field++) {
		json_t *value = member(object, field->name);

		if (value)
			json_object_set(selected, field->name, value);
	}
	text = json_dumps(selected, JSON_COMPACT);
	*ret = text ? arena_copy(rq->arena, text, strlen(text)) : NULL;
	if (!*ret)
		reply_error(rq, E_NO_MEMORY);
	return *ret != NULL;
}

const char *account_text(struct request *rq, struct text text)
{
	return text.at ? arena_copy(rq->arena, text.at, text.len) : NULL;
}

/* --- After a change --------------------------------------------------------------------------- */

void account_invalidate(struct request *rq, const char *account, void (*next)(struct request *rq))
{
	if (rq->ns == NS_USER)
		return cache_invalidate(rq, KEY_USER, account, next);
	if (rq->ns == NS_RIDER)
		rider_facts_invalidate_all(rq->app, account);
	next(rq);
}

static void account_reply_stored(struct request *rq)
{
	const struct text *json = rq->state;

	reply_data(rq, *json);
}

void account_reply(struct request *rq, struct text json)
{
	struct text *copy = ARENA_NEW(rq->arena, struct text);

	if (!json.at)
		return reply_error(rq, E_ACCOUNT_GONE);
	if (copy)
		*copy = (struct text){ account_text(rq, json), json.len };
	if (!copy || !copy->at)
		return reply_error(rq, E_NO_MEMORY);
	rq->state = copy;
	account_invalidate(rq, rq->caller.id, account_reply_stored);
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

void account_profile_stored(struct request *rq, const struct db_result *result)
{
	if (db_error(result))
		return account_fail(rq, result);
	account_reply(
		rq, db_rows(result) ? db_text(result, 0, USER_CHANGE_PROFILE_ACCOUNT) : TEXT_NONE);
}
