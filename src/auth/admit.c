/* SPDX-License-Identifier: MIT
 *
 * Checks whether an account may do what needs a verified, active account. A customer is checked
 * with `user:{id}`, which is invalidated with every change of the account, so a suspension takes
 * effect from the next request on. A rider is checked with this loop's cache, filled by one
 * statement: an admitted rider stays admitted for ten seconds at most, a refused rider is read
 * again each time. A suspension also ends the sessions, so no other row has to check the account.
 */
#include "reeyo/auth/admit.h"

#include "reeyo/core/json_reader.h"
#include "reeyo/db/queries/riders.h"
#include "reeyo/domain/rider.h"
#include "reeyo/http/server.h"
#include "reeyo/loop/loop.h"
#include "rider_cache.h"

/* --- Customers -------------------------------------------------------------------------------- */

static void account_release(void *account)
{
	json_decref(account);
}

/* The cached body's `data` as rq->account. */
static int account_parse(struct request *rq, struct text body)
{
	json_auto_t *whole = json_read(body);
	json_t *account = json_object_get(whole, "data");

	if (!json_is_object(account))
		return E_INTERNAL;
	json_incref(account);
	if (arena_dispose(rq->arena, account_release, account)) {
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
	if (!member_bool(rq->account, "isPhoneVerified", false) &&
		!rq->app->config->skip_phone_verify)
		return E_PHONE_UNVERIFIED;
	return 0;
}

static void account_cached(struct request *rq, int err, const struct cache_value *value)
{
	if (err == E_NOT_FOUND)
		err = E_ACCOUNT_GONE;
	if (!err)
		err = account_parse(rq, value->plain);
	if (!err)
		err = account_check(rq);
	if (err)
		return reply_error(rq, err);
	request_next(rq);
}

/* --- Riders ----------------------------------------------------------------------------------- */

int rider_refusal(const struct rider_facts *facts, const struct config *config)
{
	const struct rider_standing rider = { .approval_status = facts->approval_status,
		.status = facts->status,
		.phone_verified = facts->phone_verified };

	return rider_ineligibility(
		&rider, config->skip_phone_verify ? RIDER_MAY_CARRY : RIDER_MAY_WORK);
}

static void word_store(char *out, size_t size, struct text word)
{
	size_t len = word.len < size ? word.len : size - 1;

	if (len)
		memcpy(out, word.at, len);
	out[len] = '\0';
}

/* "order,user,vendor,order…" */
static void rider_orders_parse(struct rider_facts *facts, struct text list)
{
	while (list.at && list.len && facts->order_count < RIDER_FACTS_ORDERS) {
		struct rider_order *order = &facts->orders[facts->order_count++];

		word_store(order->id, sizeof(order->id), text_cut(&list, ','));
		word_store(order->user_id, sizeof(order->user_id), text_cut(&list, ','));
		word_store(order->vendor_id, sizeof(order->vendor_id), text_cut(&list, ','));
	}
}

static void rider_facts_parse(struct rider_facts *facts, const struct db_result *result)
{
	facts->phone_verified = db_bool(result, 0, RIDER_FACTS_GET_PHONE_VERIFIED);
	word_store(facts->approval_status, sizeof(facts->approval_status),
		db_text(result, 0, RIDER_FACTS_GET_APPROVAL_STATUS));
	word_store(
		facts->status, sizeof(facts->status), db_text(result, 0, RIDER_FACTS_GET_STATUS));
	facts->is_online = db_bool(result, 0, RIDER_FACTS_GET_IS_ONLINE);
	rider_orders_parse(facts, db_text(result, 0, RIDER_FACTS_GET_ORDERS));
}

static void rider_facts_read(struct request *rq, const struct db_result *result)
{
	const uint64_t *version = rq->state;
	struct rider_facts *facts = ARENA_NEW(rq->arena, struct rider_facts);
	int err;

	if (!facts)
		return reply_error(rq, E_NO_MEMORY);
	if (db_rows(result) == 0)
		return reply_error(rq, E_ACCOUNT_GONE);
	rider_facts_parse(facts, result);
	err = rider_refusal(facts, rq->app->config);
	if (err)
		return reply_error(rq, err);
	rider_cache_put(rq->app->riders, rq->caller.id, facts, *version, loop_now(rq->app->loop));
	rq->rider = facts;
	rq->state = NULL;
	request_next(rq);
}

/* Reads from the primary: a replica's row may be older than the event that invalidated the
 * facts. */
static void rider_facts_load(struct request *rq)
{
	uint64_t *version = ARENA_NEW(rq->arena, uint64_t);

	if (!version)
		return reply_error(rq, E_NO_MEMORY);
	*version = rider_cache_version(rq->app->riders, rq->caller.id);
	rq->state = version;
	sql_read_primary(rq, rider_facts_get, rider_facts_read,
		&(struct rider_facts_get){ .rider_id = rq->caller.id });
}

static void admit_rider(struct request *rq)
{
	const struct rider_facts *known = rider_cache_get(
		rq->app->riders, rq->caller.id, loop_now(rq->app->loop));
	struct rider_facts *facts;

	if (!known)
		return rider_facts_load(rq);
	facts = ARENA_NEW(rq->arena, struct rider_facts);
	if (!facts)
		return reply_error(rq, E_NO_MEMORY);
	*facts = *known;
	rq->rider = facts;
	request_next(rq);
}

void admit_account(struct request *rq, const struct cache_kind *customers)
{
	switch (rq->route->access) {
	case CUSTOMER_VERIFIED:
		return cache_get_or_query(
			rq, customers, rq->caller.id, QUERY_user_get, account_cached);
	case RIDER_READY:
		return admit_rider(rq);
	default:
		return request_next(rq);
	}
}
