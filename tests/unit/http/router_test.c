/* SPDX-License-Identifier: MIT
 *
 * The router: the row that a path finds, the reply to a wrong method or path, and the tables that
 * stop the boot.
 */
#include <check.h>
#include <stdlib.h>

#include "../suite.h"
#include "reeyo/core/log.h"
#include "reeyo/http/route.h"

static void run(struct request *rq)
{
	(void)rq;
}

#define ROW(m, p, id, ...) \
	{ \
		m, p, .operation = id, .access = ANYONE, .run = run, .summary = "x", __VA_ARGS__ \
	}

static const struct route user_rows[] = {
	ROW(GET, "/orders", "listOrders", .max_age = 0),
	ROW(POST, "/orders", "placeOrder", .max_age = 0),
	ROW(GET, "/orders/active", "listActiveOrders", .max_age = 0),
	ROW(GET, "/orders/:orderId", "getOrder", .max_age = 0),
	ROW(PUT, "/orders/:orderId/cancel", "cancelOrder", .any_write = true,
		.aliases = "/orders/:orderId/abort"),
	ROW(DELETE, "/orders/:orderId/cancel", "deleteOrder", .max_age = 0),
	ROUTE_END,
};
static const struct route vendor_rows[] = { ROW(GET, "/orders", "listVendorOrders", .max_age = 0),
	ROUTE_END };
static const struct route root_rows[] = { ROW(GET, "/health", "getHealth", .root = true),
	ROUTE_END };
static const struct route_set sets[] = { { NS_USER, "Operations", root_rows },
	{ NS_USER, "Orders", user_rows }, { NS_VENDOR, "Orders", vendor_rows },
	{ .routes = NULL } };

static struct router *router;

static void setup(void)
{
	ck_assert_int_eq(router_new(sets, &router), 0);
}

static void teardown(void)
{
	router_free(router);
}

static struct route_match found(enum method method, const char *path, enum name_space bare)
{
	struct route_match match;

	router_find(router, method, text_of(path), bare, &match);
	return match;
}

START_TEST(a_literal_segment_beats_a_parameter)
{
	ck_assert_ptr_eq(found(GET, "/api/v1/user/orders/active", NS_USER).route, &user_rows[2]);
	ck_assert_ptr_eq(found(GET, "/api/v1/user/orders/ord_1", NS_USER).route, &user_rows[3]);
}
END_TEST

START_TEST(a_parameter_is_given_with_its_name)
{
	struct route_match match = found(GET, "/api/v1/orders/F-123", NS_USER);

	ck_assert_uint_eq(match.count, 1);
	ck_assert(text_is(match.names[0], TEXT("orderId")));
	ck_assert(text_is(match.params[0], TEXT("F-123")));
}
END_TEST

START_TEST(a_path_without_a_namespace_has_the_listeners)
{
	ck_assert_ptr_eq(found(GET, "/api/v1/orders", NS_USER).route, &user_rows[0]);
	ck_assert_ptr_eq(found(GET, "/api/v1/orders", NS_VENDOR).route, &vendor_rows[0]);
	ck_assert_ptr_eq(found(GET, "/api/v1/user/orders", NS_VENDOR).route, &user_rows[0]);
}
END_TEST

START_TEST(a_namespace_is_matched_as_a_whole_segment)
{
	struct route_match match = found(GET, "/api/v1/users/orders", NS_USER);

	ck_assert_ptr_null(match.route);
	ck_assert_int_eq(match.ns, NS_USER);
	ck_assert_ptr_null(found(GET, "/api/v11/user/orders", NS_USER).route);
}
END_TEST

START_TEST(put_post_and_patch_are_equivalent_on_an_any_write_row)
{
	ck_assert_ptr_eq(found(POST, "/api/v1/orders/x/cancel", NS_USER).route, &user_rows[4]);
	ck_assert_ptr_eq(found(PATCH, "/api/v1/orders/x/abort", NS_USER).route, &user_rows[4]);
	ck_assert_ptr_eq(found(DELETE, "/api/v1/orders/x/cancel", NS_USER).route, &user_rows[5]);
	ck_assert_ptr_null(found(PUT, "/api/v1/orders", NS_USER).route);
}
END_TEST

START_TEST(a_wrong_method_gets_the_allowed_ones)
{
	struct route_match match = found(DELETE, "/api/v1/orders", NS_USER);

	ck_assert_ptr_null(match.route);
	ck_assert_uint_eq(match.allowed, GET | POST);
	ck_assert_uint_eq(found(GET, "/api/v1/nothing", NS_USER).allowed, 0);
}
END_TEST

START_TEST(one_trailing_slash_is_accepted_and_an_empty_segment_is_not)
{
	ck_assert_ptr_nonnull(found(GET, "/api/v1/orders/", NS_USER).route);
	ck_assert_ptr_null(found(GET, "/api/v1//orders", NS_USER).route);
	ck_assert_ptr_null(found(GET, "/api/v1/orders//cancel", NS_USER).route);
}
END_TEST

START_TEST(a_mistyped_path_gets_the_nearest_route)
{
	ck_assert_str_eq(
		router_nearest(router, TEXT("/api/v1/ordres/active"), NS_USER), "/orders/active");
	ck_assert_str_eq(router_nearest(router, TEXT("/helth"), NS_USER), "/health");
	ck_assert_ptr_null(
		router_nearest(router, TEXT("/api/v1/something/else/entirely"), NS_USER));
}
END_TEST

static int refused(const struct route *rows)
{
	const struct route_set wrong[] = { { NS_USER, "x", rows }, { .routes = NULL } };
	struct router *never = NULL;
	int error = router_new(wrong, &never);

	router_free(never);
	return error;
}

static const struct field limited_body[] = {
	{ "phone", FIELD_PHONE },
	{ "email", FIELD_EMAIL },
	{ "vendorId", FIELD_ID },
	{ "identifier", FIELD_TEXT },
	{ "token", FIELD_SECRET },
	FIELD_END,
};
static const struct {
	enum limit_rule limit;
	const char *by;
	int error;
} limits[] = {
	{ LIMIT_CODE, NULL, E_CONFIG },
	{ LIMIT_NONE, "caller", E_CONFIG },
	{ LIMIT_CODE, "", E_CONFIG },
	{ LIMIT_CODE, "number", E_CONFIG }, /* not a member of the body */
	{ LIMIT_CODE, "phone number", E_CONFIG },
	{ LIMIT_LOGIN, "identifier", E_CONFIG }, /* has no canonical form */
	{ LIMIT_RESET, "token", E_CONFIG },
	{ LIMIT_LOGIN, "account phone", E_CONFIG },
	{ LIMIT_CODE, "phone email", 0 },
	{ LIMIT_VERIFY, "vendorId caller", 0 },
	{ LIMIT_RESET, "address", 0 },
	{ LIMIT_LOGIN, "account", 0 },
	{ LIMIT_NONE, NULL, 0 },
};

START_TEST(a_limit_without_a_valid_key_stops_the_boot)
{
	struct route rows[] = { ROW(POST, "/x", "sendThing", .body = limited_body,
					.limit = limits[_i].limit, .limit_by = limits[_i].by),
		ROUTE_END };

	ck_assert_int_eq(refused(rows), limits[_i].error);
}
END_TEST

START_TEST(a_row_without_access_stops_the_boot)
{
	static const struct route rows[] = { { GET, "/x", .run = run, .summary = "x" }, ROUTE_END };

	ck_assert_int_eq(refused(rows), E_CONFIG);
}
END_TEST

static const struct {
	const char *first, *second;
	int error;
} operations[] = {
	{ "getThis", "getThat", 0 },
	{ "getThis", "getThis", E_CONFIG },
	{ "getThis", NULL, E_CONFIG },
	{ "getThis", "", E_CONFIG },
	{ "getThis", "get", E_CONFIG },
	{ "getThis", "GetThat", E_CONFIG },
	{ "getThis", "get_That", E_CONFIG },
	{ "getThis", "getThat!", E_CONFIG },
	{ "getThis", "getAnOperationWithANameThatIsMuchTooLongForAName", 0 },
	{ "getThis", "getAnOperationWithANameThatIsMuchTooLongForAnyName", E_CONFIG },
};

START_TEST(an_operation_is_a_unique_verb_and_noun)
{
	struct route rows[] = { ROW(GET, "/this", operations[_i].first, .max_age = 0),
		ROW(GET, "/that", operations[_i].second, .max_age = 0), ROUTE_END };

	ck_assert_int_eq(refused(rows), operations[_i].error);
}
END_TEST

START_TEST(a_table_may_be_in_the_sets_of_several_namespaces)
{
	static const struct route rows[] = { ROW(GET, "/health", "getHealth", .max_age = 0),
		ROUTE_END };
	const struct route_set shared[] = { { NS_USER, "x", rows }, { NS_VENDOR, "x", rows },
		{ .routes = NULL } };
	struct router *made = NULL;

	ck_assert_int_eq(router_new(shared, &made), 0);
	router_free(made);
}
END_TEST

START_TEST(two_rows_for_one_route_stop_the_boot)
{
	static const struct route rows[] = { ROW(GET, "/x/:a", "getThis", .max_age = 0),
		ROW(GET, "/x/:b", "getThat", .max_age = 0), ROUTE_END };

	ck_assert_int_eq(refused(rows), E_CONFIG);
}
END_TEST

static enum access access_of_word(const char *word)
{
	return strcmp(word, "things.write") == 0 ? ADMIN : ACCESS_UNSET;
}

/* A row with a permission, an access or both, in a table with or without permissions. */
static const struct {
	const char *permission;
	enum access access;
	bool with_permissions;
	int error;
} permissions[] = {
	{ "things.write", ACCESS_UNSET, true, 0 },
	{ "things.steal", ACCESS_UNSET, true, E_CONFIG },
	{ "things.write", ACCESS_UNSET, false, E_CONFIG },
	{ "things.write", ADMIN, true, E_CONFIG },
	{ NULL, ADMIN, true, E_CONFIG },
	{ NULL, ADMIN, false, 0 },
	{ NULL, ACCESS_UNSET, true, E_CONFIG },
};

START_TEST(an_unknown_permission_stops_the_boot)
{
	const struct route rows[] = {
		{ GET, "/things", .access = permissions[_i].access,
			.permission = permissions[_i].permission, .operation = "listThings",
			.run = run, .summary = "x" },
		ROUTE_END,
	};
	const struct route_set list[] = {
		{ NS_ADMIN, "x", rows, permissions[_i].with_permissions ? access_of_word : NULL },
		{ .routes = NULL },
	};
	struct router *made = NULL;

	ck_assert_int_eq(router_new(list, &made), permissions[_i].error);
	if (!permissions[_i].error)
		ck_assert_int_eq(route_access(&list[0], &rows[0]), ADMIN);
	router_free(made);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("router");
	TCase *tests = tcase_create("router");

	log_set_level(LOG_OFF);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_literal_segment_beats_a_parameter);
	tcase_add_test(tests, a_parameter_is_given_with_its_name);
	tcase_add_test(tests, a_path_without_a_namespace_has_the_listeners);
	tcase_add_test(tests, a_namespace_is_matched_as_a_whole_segment);
	tcase_add_test(tests, put_post_and_patch_are_equivalent_on_an_any_write_row);
	tcase_add_test(tests, a_wrong_method_gets_the_allowed_ones);
	tcase_add_test(tests, one_trailing_slash_is_accepted_and_an_empty_segment_is_not);
	tcase_add_test(tests, a_mistyped_path_gets_the_nearest_route);
	tcase_add_loop_test(tests, a_limit_without_a_valid_key_stops_the_boot, 0,
		sizeof(limits) / sizeof(*limits));
	tcase_add_test(tests, a_row_without_access_stops_the_boot);
	tcase_add_loop_test(tests, an_operation_is_a_unique_verb_and_noun, 0,
		sizeof(operations) / sizeof(*operations));
	tcase_add_loop_test(tests, an_unknown_permission_stops_the_boot, 0,
		(int)(sizeof(permissions) / sizeof(*permissions)));
	tcase_add_test(tests, a_table_may_be_in_the_sets_of_several_namespaces);
	tcase_add_test(tests, two_rows_for_one_route_stop_the_boot);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
