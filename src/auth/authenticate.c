/* SPDX-License-Identifier: MIT
 *
 * Identifies the caller and checks the role. The token comes from the Authorization header (an
 * admin's may come from a cookie), never from the URL, which logs and proxies store.
 */
#include "reeyo/auth/token.h"

#include "reeyo/auth/counters.h"
#include "reeyo/auth/permission.h"
#include "reeyo/core/clock.h"
#include "token_cache.h"

/* "Bearer x" → x; absent for another scheme. */
static struct text bearer_token(const char *header)
{
	struct text rest = text_trim(text_of(header));
	struct text scheme = text_cut(&rest, ' ');

	if (!rest.at || !text_is_nocase(scheme, TEXT("Bearer")))
		return TEXT_NONE;
	return text_trim(rest);
}

static struct text cookie_value(const char *header, struct text name)
{
	struct text rest = text_of(header);

	while (rest.at) {
		struct text value = text_cut(&rest, ';');
		struct text key = text_cut(&value, '=');

		if (value.at && text_is(text_trim(key), name))
			return text_trim(value);
	}
	return TEXT_NONE;
}

int cookie_read(struct request *rq, struct text name, struct text *ret)
{
	const char *header = rq->ns == NS_ADMIN ? request_header(rq, "Cookie") : NULL;
	struct text value = header ? cookie_value(header, name) : TEXT_NONE;

	if (!value.at || value.len == 0)
		return E_NO_TOKEN;
	if (rq->method != GET && rq->method != HEAD && !request_origin_listed(rq))
		return E_CORS_ORIGIN;
	*ret = value;
	return 0;
}

/* Finds the token of the request. Returns 0 or an error. */
static int token_find(struct request *rq, struct text *ret)
{
	const char *header = request_header(rq, "Authorization");

	if (!header)
		return cookie_read(rq, TEXT("accessToken"), ret);
	*ret = bearer_token(header);
	return ret->at ? 0 : E_BAD_TOKEN;
}

static int token_check(struct request *rq, struct text token)
{
	struct app *app = rq->app;
	int err;

	if (token_cache_get(app->tokens, token, clock_wall_s(), &rq->caller)) {
		count_one(loop_counters(app->loop), COUNT_AUTH_TOKENS_CACHED);
	} else {
		err = token_read(app->keys, TOKEN_ACCESS, token, &rq->caller, NULL);
		if (err)
			return err;
		token_cache_put(app->tokens, token, &rq->caller);
	}
	return token_revoked(app, &rq->caller) ? E_BAD_TOKEN : 0;
}

int caller_read(struct request *rq)
{
	struct text token;
	int err = token_find(rq, &token);

	if (!err)
		err = token_check(rq, token);
	if (err)
		rq->caller = (struct caller){ .role = ACCESS_UNSET };
	return err;
}

static bool role_satisfies(enum access role, enum access needed)
{
	switch (needed) {
	case CUSTOMER:
	case CUSTOMER_VERIFIED:
		return role == CUSTOMER;
	case VENDOR_ACCOUNT:
		return role == VENDOR_ACCOUNT;
	case RIDER_ACCOUNT:
	case RIDER_READY:
		return role == RIDER_ACCOUNT;
	case ADMIN:
		return role == ADMIN || role == SUPER_ADMIN;
	case SUPER_ADMIN:
		return role == SUPER_ADMIN;
	default:
		return false;
	}
}

static bool caller_may(enum access role, const struct route *row)
{
	return row->permission ? permission_granted(role, row->permission)
			       : role_satisfies(role, row->access);
}

void authenticate(struct request *rq)
{
	int err;

	if (rq->route->access == ANYONE)
		return;
	err = caller_read(rq);
	if (!err && !caller_may(rq->caller.role, rq->route))
		err = E_WRONG_ROLE;
	if (!err)
		return;
	rq->caller = (struct caller){ .role = ACCESS_UNSET };
	reply_error(rq, err);
}
