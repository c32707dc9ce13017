/* SPDX-License-Identifier: MIT
 *
 * May this customer do what needs a verified, active account? Asked of `user:{id}`, which is dropped with
 * every change of the account, so a suspension counts from the next request on.
 */
#include "reeyo/auth/token.h"

#include "reeyo/http/server.h"

static void account_free(void *account)
{
	json_decref(account);
}

/* The cached body's `data` as rq->account. */
static int account_take(struct request *rq, struct text body)
{
	json_auto_t *whole = json_loadb(body.at, body.len, 0, NULL);
	json_t *account = json_object_get(whole, "data");

	if (!json_is_object(account))
		return E_INTERNAL;
	json_incref(account);
	if (arena_dispose(rq->arena, account_free, account)) {
		json_decref(account);
		return E_NO_MEMORY;
	}
	rq->account = account;
	return 0;
}

static int account_check(const struct request *rq)
{
	const char *status = member_text(rq->account, "status");

	if (!status)
		return E_INTERNAL;
	if (strcmp(status, "SUSPENDED") == 0)
		return E_SUSPENDED;
	if (strcmp(status, "DELETED") == 0)
		return E_ACCOUNT_GONE;
	if (strcmp(status, "ACTIVE") != 0)
		return E_INACTIVE;
	if (!member_bool(rq->account, "isPhoneVerified", false) && !rq->app->config->skip_phone_verify)
		return E_PHONE_UNVERIFIED;
	return 0;
}

static void account_found(struct request *rq, int err, const struct cache_value *value)
{
	if (err == E_NOT_FOUND)
		err = E_ACCOUNT_GONE;
	if (!err)
		err = account_take(rq, value->plain);
	if (!err)
		err = account_check(rq);
	if (err)
		return reply_error(rq, err);
	request_next(rq);
}

void admit_customer(struct request *rq)
{
	if (rq->route->who != CUSTOMER_VERIFIED)
		return request_next(rq);
	cached_by_sql(rq, KEY_USER, rq->caller.id, QUERY_user_get, account_found);
}
