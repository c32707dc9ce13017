/* SPDX-License-Identifier: MIT
 *
 * Which requests reach a handler: where a token may be, which role may call what, and what the
 * state of an account allows. Requests are stand-ins: the test holds their headers and replies.
 */
#include <check.h>
#include <sodium.h>
#include <stdlib.h>
#include <strings.h>

#include "../suite.h"
#include "reeyo/auth/admit.h"
#include "reeyo/auth/token.h"
#include "reeyo/core/clock.h"
#include "reeyo/http/server.h"
#include "reeyo/loop/loop.h"
#include "rider_cache.h"

#define SECRET "a-secret-of-at-least-thirty-two-characters"

static struct loop *loop;
static struct arena_pool *pool;
static struct arena *arena;
static struct config config = {
	.jwt_secret = SECRET, .environment = "test", .access_ttl = 3600000
};
static struct app app;
static struct app *all[] = { &app, NULL };
static struct route route;
static struct request rq;
static const char *authorization, *cookie, *origin, *account;
static const struct cache_kind customers = { TEXT("user:"), .ttl_s = 3600 };
static int answer; /* error of the reply; 1: passed on; 2: reads the database */
#define ASKED 2

const char *request_header(struct request *of, const char *name)
{
	(void)of;
	if (strcasecmp(name, "Authorization") == 0)
		return authorization;
	if (strcasecmp(name, "Cookie") == 0)
		return cookie;
	return NULL;
}

bool request_origin_listed(struct request *of)
{
	(void)of;
	return origin && strcmp(origin, "https://console.reeyo.cm") == 0;
}

void sql_run(struct request *to, enum db_lane lane, enum query query, bool try_, sql_done *done,
	const void *params)
{
	(void)to, (void)lane, (void)try_, (void)done, (void)params;
	answer = query == QUERY_rider_facts_get ? ASKED : E_INTERNAL;
}

void reply_error(struct request *to, int error)
{
	(void)to;
	answer = error;
}

void request_next(struct request *of)
{
	(void)of;
	answer = 1;
}

const char *member_text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

bool member_bool(const json_t *object, const char *name, bool fallback)
{
	const json_t *value = json_object_get(object, name);

	return value ? json_is_true(value) : fallback;
}

/* `account` is the content of the cache or the database; NULL: no account. */
void cache_get_or_query(struct request *of, const struct cache_kind *kind, const char *id,
	enum query query, cache_get_done *done)
{
	struct cache_value value = { .plain = text_of(account) };

	ck_assert_ptr_eq(kind, &customers);
	ck_assert_int_eq(query, QUERY_user_get);
	ck_assert_str_eq(id, "user_1");
	done(of, account ? 0 : E_NOT_FOUND, account ? &value : NULL);
}

static void setup(void)
{
	ck_assert_int_eq(loop_new(0, &loop), 0);
	pool = arena_pool_new(1 << 20);
	arena = arena_new(pool, 1 << 20);
	app = (struct app){ .config = &config, .loop = loop, .all = all };
	ck_assert_int_eq(keyring_new(&config, &app.keys), 0);
	ck_assert_int_eq(token_cache_new(&app.tokens), 0);
	ck_assert_int_eq(revocations_new(&app, &app.revocations), 0);
	ck_assert_int_eq(rider_cache_new(&app.riders), 0);
	route = (struct route){ .method = GET, .access = CUSTOMER };
	rq = (struct request){ .app = &app, .arena = arena, .route = &route, .method = GET };
	authorization = cookie = origin = account = NULL;
}

static void teardown(void)
{
	arena_free(arena);
	arena_pool_free(pool);
	revocations_free(app.revocations);
	token_cache_free(app.tokens);
	rider_cache_free(app.riders);
	keyring_free(app.keys);
	loop_free(loop);
}

static const char *token_of(enum access role)
{
	struct caller who = { .role = role,
		.id = "user_1",
		.session = "ses_1",
		.issued_s = clock_wall_s(),
		.expires_s = clock_wall_s() + 600 };

	return token_sign(arena, app.keys, TOKEN_ACCESS, &who, NULL, NULL);
}

/* 0 when the request may continue, else the error. */
static int ask(void)
{
	answer = 0;
	authenticate(&rq);
	return answer;
}

START_TEST(a_bearer_token_is_found_in_its_header)
{
	const char *token = token_of(CUSTOMER);

	ck_assert_int_eq(ask(), E_NO_TOKEN);
	ck_assert_int_eq(rq.caller.role, ACCESS_UNSET);
	authorization = arena_printf(arena, "Bearer %s", token);
	ck_assert_int_eq(ask(), 0);
	ck_assert_str_eq(rq.caller.id, "user_1");
	ck_assert_int_eq(rq.caller.role, CUSTOMER);
	authorization = arena_printf(arena, " bEARER   %s ", token);
	ck_assert_int_eq(ask(), 0);
	authorization = token;
	ck_assert_int_eq(ask(), E_BAD_TOKEN);
	ck_assert_int_eq(rq.caller.role, ACCESS_UNSET);
	authorization = "Bearer";
	ck_assert_int_eq(ask(), E_BAD_TOKEN);
	authorization = "Bearer ";
	ck_assert_int_eq(ask(), E_BAD_TOKEN);
	authorization = "";
	ck_assert_int_eq(ask(), E_BAD_TOKEN);
}
END_TEST

START_TEST(only_admins_may_send_a_cookie)
{
	const char *token = token_of(ADMIN);

	route.access = ADMIN;
	cookie = arena_printf(arena, "theme=dark; accessToken=%s; other=1", token);
	rq.ns = NS_USER;
	ck_assert_int_eq(ask(), E_NO_TOKEN);
	rq.ns = NS_ADMIN;
	ck_assert_int_eq(ask(), 0);
	cookie = arena_printf(arena, "xaccessToken=%s", token);
	ck_assert_int_eq(ask(), E_NO_TOKEN);
	cookie = "accessToken=";
	ck_assert_int_eq(ask(), E_NO_TOKEN);
	cookie = arena_printf(arena, "accessToken=%s", token);
	authorization = "Bearer x";
	ck_assert_int_eq(ask(), E_BAD_TOKEN); /* the header wins */
}
END_TEST

START_TEST(a_write_by_cookie_needs_a_listed_origin)
{
	route.access = ADMIN;
	rq.ns = NS_ADMIN;
	cookie = arena_printf(arena, "accessToken=%s", token_of(SUPER_ADMIN));
	rq.method = POST;
	ck_assert_int_eq(ask(), E_CORS_ORIGIN);
	origin = "https://evil.example";
	ck_assert_int_eq(ask(), E_CORS_ORIGIN);
	origin = "https://console.reeyo.cm";
	ck_assert_int_eq(ask(), 0);
	origin = NULL;
	rq.method = DELETE;
	ck_assert_int_eq(ask(), E_CORS_ORIGIN);
	rq.method = HEAD;
	ck_assert_int_eq(ask(), 0);
}
END_TEST

START_TEST(each_role_may_call_its_own_rows_only)
{
	static const struct {
		enum access needed, may[3];
	} rows[] = { { CUSTOMER, { CUSTOMER } }, { CUSTOMER_VERIFIED, { CUSTOMER } },
		{ VENDOR_ACCOUNT, { VENDOR_ACCOUNT } }, { RIDER_ACCOUNT, { RIDER_ACCOUNT } },
		{ RIDER_READY, { RIDER_ACCOUNT } }, { ADMIN, { ADMIN, SUPER_ADMIN } },
		{ SUPER_ADMIN, { SUPER_ADMIN } } };
	static const enum access roles[] = { CUSTOMER, VENDOR_ACCOUNT, RIDER_ACCOUNT, ADMIN,
		SUPER_ADMIN };

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		for (size_t j = 0; j < COUNT_OF(roles); j++) {
			bool may = roles[j] == rows[i].may[0] || roles[j] == rows[i].may[1];

			route.access = rows[i].needed;
			authorization = arena_printf(arena, "Bearer %s", token_of(roles[j]));
			ck_assert_msg(ask() == (may ? 0 : E_WRONG_ROLE), "row %zu role %zu", i, j);
		}
	route.access = ACCESS_UNSET;
	ck_assert_int_eq(ask(), E_WRONG_ROLE);
}
END_TEST

START_TEST(a_permission_is_granted_by_the_role_of_the_caller)
{
	static const struct {
		const char *permission;
		enum access role;
		int error;
	} cases[] = {
		{ "payouts.decide", ADMIN, 0 },
		{ "payouts.decide", SUPER_ADMIN, 0 },
		{ "payouts.decide", CUSTOMER, E_WRONG_ROLE },
		{ "settings.write", ADMIN, E_WRONG_ROLE },
		{ "settings.write", SUPER_ADMIN, 0 },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		route = (struct route){ .method = GET, .permission = cases[i].permission };
		authorization = arena_printf(arena, "Bearer %s", token_of(cases[i].role));
		ck_assert_msg(ask() == cases[i].error, "case %zu", i);
	}
}
END_TEST

START_TEST(public_rows_ignore_tokens)
{
	route.access = ANYONE;
	authorization = "Bearer rubbish";
	ck_assert_int_eq(ask(), 0);
	ck_assert_int_eq(rq.caller.role, ACCESS_UNSET);
}
END_TEST

START_TEST(a_revoked_session_or_account_is_refused_despite_a_cached_token)
{
	authorization = arena_printf(arena, "Bearer %s", token_of(CUSTOMER));
	ck_assert_int_eq(ask(), 0);
	tokens_revoke(&app, "ses_2", clock_wall_ms());
	tokens_revoke(&app, "user_1", clock_wall_ms() - 10000);
	ck_assert_int_eq(ask(), 0);
	tokens_revoke(&app, "ses_1", clock_wall_ms());
	ck_assert_int_eq(ask(), E_BAD_TOKEN);
	teardown();
	setup();
	authorization = arena_printf(arena, "Bearer %s", token_of(CUSTOMER));
	ck_assert_int_eq(ask(), 0);
	tokens_revoke(&app, "user_1", clock_wall_ms());
	ck_assert_int_eq(ask(), E_BAD_TOKEN);
}
END_TEST

START_TEST(a_cached_token_expires_in_time)
{
	authorization = arena_printf(arena, "Bearer %s", token_of(CUSTOMER));
	ck_assert_int_eq(ask(), 0);
	clock_shift(601000);
	ck_assert_int_eq(ask(), E_TOKEN_EXPIRED);
	clock_shift(0);
}
END_TEST

static int admit(const char *json)
{
	account = json;
	answer = 0;
	memcpy(rq.caller.id, "user_1", 7);
	admit_account(&rq, &customers);
	return answer;
}

#define ACCOUNT(status, verified) \
	"{\"success\":true,\"data\":{\"userId\":\"user_1\",\"status\":\"" status \
	"\",\"isPhoneVerified\":" verified "}}"

START_TEST(a_verified_row_requires_an_active_account_with_a_phone)
{
	route.access = CUSTOMER_VERIFIED;
	ck_assert_int_eq(admit(ACCOUNT("ACTIVE", "true")), 1);
	ck_assert_str_eq(member_text(rq.account, "userId"), "user_1");
	ck_assert_int_eq(admit(ACCOUNT("ACTIVE", "false")), E_PHONE_UNVERIFIED);
	ck_assert_int_eq(admit(ACCOUNT("SUSPENDED", "true")), E_SUSPENDED);
	ck_assert_int_eq(admit(ACCOUNT("INACTIVE", "true")), E_INACTIVE);
	ck_assert_int_eq(admit(ACCOUNT("DELETED", "true")), E_ACCOUNT_GONE);
	ck_assert_int_eq(admit(NULL), E_ACCOUNT_GONE);
	ck_assert_int_eq(admit("{\"success\":true,\"data\":null}"), E_INTERNAL);
	ck_assert_int_eq(admit("rubbish"), E_INTERNAL);
	config.skip_phone_verify = true;
	ck_assert_int_eq(admit(ACCOUNT("ACTIVE", "false")), 1);
	config.skip_phone_verify = false;
}
END_TEST

static int refusal(bool verified, const char *approval, const char *status)
{
	struct rider_facts facts = { .phone_verified = verified };

	memcpy(facts.approval_status, approval, strlen(approval));
	memcpy(facts.status, status, strlen(status));
	return rider_refusal(&facts, &config);
}

START_TEST(a_rider_may_work_when_verified_approved_and_active)
{
	ck_assert_int_eq(refusal(true, "APPROVED", "ACTIVE"), 0);
	ck_assert_int_eq(refusal(false, "APPROVED", "ACTIVE"), E_PHONE_UNVERIFIED);
	ck_assert_int_eq(refusal(true, "PENDING", "ACTIVE"), E_NOT_APPROVED);
	ck_assert_int_eq(refusal(true, "REJECTED", "ACTIVE"), E_NOT_APPROVED);
	ck_assert_int_eq(refusal(true, "SUSPENDED", "ACTIVE"), E_SUSPENDED);
	ck_assert_int_eq(refusal(true, "APPROVED", "INACTIVE"), E_INACTIVE);
	ck_assert_int_eq(refusal(true, "", ""), E_NOT_APPROVED);
}
END_TEST

START_TEST(a_rider_is_read_from_the_database_until_cached)
{
	struct rider_facts facts = { .order_count = 1,
		.orders = { { "ord_1", "user_9", "vendor_7" } } };

	route.access = RIDER_READY;
	ck_assert_int_eq(admit(NULL), ASKED);
	rider_cache_put(app.riders, "user_1", &facts, rider_cache_version(app.riders, "user_1"),
		loop_now(loop));
	ck_assert_int_eq(admit(NULL), 1);
	ck_assert_str_eq(rq.rider->orders[0].user_id, "user_9");
	rider_facts_invalidate_all(&app, "user_1");
	ck_assert_int_eq(admit(NULL), ASKED);
	route.access = RIDER_ACCOUNT;
	ck_assert_int_eq(admit(NULL), 1);
}
END_TEST

START_TEST(other_rows_do_not_check_the_account)
{
	route.access = CUSTOMER;
	ck_assert_int_eq(admit(NULL), 1);
	ck_assert_ptr_null(rq.account);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("admission");
	TCase *tests = tcase_create("admission");

	if (sodium_init() < 0)
		return 1;
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_bearer_token_is_found_in_its_header);
	tcase_add_test(tests, only_admins_may_send_a_cookie);
	tcase_add_test(tests, a_write_by_cookie_needs_a_listed_origin);
	tcase_add_test(tests, each_role_may_call_its_own_rows_only);
	tcase_add_test(tests, a_permission_is_granted_by_the_role_of_the_caller);
	tcase_add_test(tests, public_rows_ignore_tokens);
	tcase_add_test(tests, a_revoked_session_or_account_is_refused_despite_a_cached_token);
	tcase_add_test(tests, a_cached_token_expires_in_time);
	tcase_add_test(tests, a_verified_row_requires_an_active_account_with_a_phone);
	tcase_add_test(tests, a_rider_may_work_when_verified_approved_and_active);
	tcase_add_test(tests, a_rider_is_read_from_the_database_until_cached);
	tcase_add_test(tests, other_rows_do_not_check_the_account);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
