/* SPDX-License-Identifier: MIT
 *
 * The catalogue of a loop, on a database with the demo vendors.
 */
#include <check.h>
#include <stdlib.h>

#include "../own_database.h"
#include "../suite.h"
#include "reeyo/db/demo.h"
#include "reeyo/service/catalogue.h"
#include "reeyo/service/settings.h"

#define VENDOR "vendor_123"
#define ITEM "item_1"

static char url[1200];
static struct app app;
static struct config *config;
static struct db_session *session;

/* A lookup and its result. */
struct result {
	struct catalogue_lookup lookup;
	unsigned completions;
	int error;
	int64_t price;
	bool open;
};

static void result_take(struct catalogue_lookup *lookup, int error, const struct shop *shop)
{
	struct result *result = lookup->owner;
	const struct shop_item *item = shop ? shop_item(shop, ITEM) : NULL;

	result->completions++;
	result->error = error;
	result->price = item ? item->price : -1;
	result->open = shop && shop->open;
}

static void look_up(struct result *result, const char *vendor)
{
	*result = (struct result){ .lookup = { .done = result_take, .owner = result } };
	catalogue_get(&app, vendor, &result->lookup);
}

static void wait_for(const struct result *result)
{
	while (!result->completions)
		uv_run(loop_uv(app.loop), UV_RUN_ONCE);
}

static void run(const char *sql)
{
	ck_assert_int_eq(db_session_run(session, sql), 0);
}

static void set_up(void)
{
	char *argv[] = { "--loops", "1", "--db-write-lanes", "2", "--db-read-lanes", "1", NULL };
	int rest = 0;

	ck_assert_int_eq(config_load(6, argv, &rest, &config), 0);
	config->database_url = url;
	config->replica_url = "";
	app = (struct app){ .config = config };
	ck_assert_int_eq(loop_new(0, &app.loop), 0);
	ck_assert_int_eq(db_new(app.loop, config, &app.db), 0);
	ck_assert_int_eq(catalogue_new(&app, &app.catalogue), 0);
	ck_assert_int_eq(db_session_open(url, &session), 0);
	run("UPDATE items SET price = 3000 WHERE id = '" ITEM "'");
	run("UPDATE vendors SET business_hours = '{}' WHERE id = '" VENDOR "'");
	while (!db_ready(app.db))
		uv_run(loop_uv(app.loop), UV_RUN_ONCE);
}

static void tear_down(void)
{
	db_session_close(session);
	db_close(app.db);
	catalogue_free(app.catalogue);
	loop_free(app.loop);
	config->database_url = config->replica_url = "";
	config_free(config);
}

START_TEST(lookups_of_one_vendor_wait_for_one_statement)
{
	struct result first, second;

	look_up(&first, VENDOR);
	look_up(&second, VENDOR);
	ck_assert_ptr_eq(first.lookup.next, &second.lookup); /* of one entry */
	ck_assert_uint_eq(first.completions + second.completions, 0);
	wait_for(&second);
	ck_assert_uint_eq(first.completions, 1);
	ck_assert_int_eq(first.price, 3000);
	ck_assert_int_eq(second.price, 3000);
}
END_TEST

START_TEST(a_kept_vendor_is_given_at_once_and_a_forgotten_one_is_read_again)
{
	struct result result;

	look_up(&result, VENDOR);
	wait_for(&result);
	run("UPDATE items SET price = 3500 WHERE id = '" ITEM "'");
	look_up(&result, VENDOR);
	ck_assert_uint_eq(result.completions, 1);
	ck_assert_int_eq(result.price, 3000);
	catalogue_forget(&app, VENDOR);
	look_up(&result, VENDOR);
	ck_assert_uint_eq(result.completions, 0);
	wait_for(&result);
	ck_assert_int_eq(result.price, 3500);
}
END_TEST

START_TEST(a_vendor_forgotten_while_it_is_read_is_read_again_by_later_lookups)
{
	struct result before, after;

	look_up(&before, VENDOR);
	catalogue_forget(&app, VENDOR);
	look_up(&after, VENDOR);
	wait_for(&before);
	wait_for(&after);
	ck_assert_int_eq(before.price, 3000);
	ck_assert_int_eq(after.price, 3000);
	ck_assert_uint_eq(before.completions + after.completions, 2);
}
END_TEST

/* Forgets the vendor and looks it up again, as an order with an old price does. */
static void result_retry(struct catalogue_lookup *lookup, int error, const struct shop *shop)
{
	struct result *result = lookup->owner;

	ck_assert_int_eq(error, 0);
	ck_assert_ptr_nonnull(shop);
	lookup->done = result_take;
	catalogue_forget(&app, VENDOR);
	catalogue_get(&app, VENDOR, lookup);
	ck_assert_uint_eq(result->completions, 0);
	ck_assert_str_eq(shop->vendor_id, VENDOR); /* still valid here */
}

START_TEST(a_lookup_may_be_used_again_when_it_is_done)
{
	struct result result = { .lookup = { .done = result_retry, .owner = &result } };

	catalogue_get(&app, VENDOR, &result.lookup);
	wait_for(&result);
	ck_assert_int_eq(result.error, 0);
	ck_assert_int_eq(result.price, 3000);
}
END_TEST

START_TEST(an_unknown_vendor_is_not_found_and_not_kept)
{
	struct result result;

	for (int i = 0; i < 2; i++) {
		look_up(&result, "vendor_unknown");
		ck_assert_uint_eq(result.completions, 0);
		wait_for(&result);
		ck_assert_int_eq(result.error, E_VENDOR_NOT_FOUND);
	}
}
END_TEST

START_TEST(hours_decide_whether_a_vendor_is_open)
{
	struct result result;

	look_up(&result, VENDOR);
	wait_for(&result);
	ck_assert(result.open);
	run("UPDATE vendors SET business_hours = (SELECT jsonb_object_agg(day, '{\"closed\":true}') "
	    "FROM unnest('{monday,tuesday,wednesday,thursday,friday,saturday,sunday}'::text[]) "
	    "day) WHERE id = '" VENDOR "'");
	catalogue_forget(&app, VENDOR);
	look_up(&result, VENDOR);
	wait_for(&result);
	ck_assert(!result.open);
}
END_TEST

START_TEST(lookups_that_wait_end_with_the_database)
{
	struct result result;

	look_up(&result, VENDOR);
	db_close(app.db);
	app.db = NULL;
	ck_assert_uint_eq(result.completions, 1);
	ck_assert_int_eq(result.error, E_STORE_DOWN);
}
END_TEST

static int demo_begin(const char *given)
{
	int error = settings_seed(given);

	snprintf(url, sizeof(url), "%s", given);
	return error ? error : demo_load(given, "small");
}

int main(void)
{
	Suite *suite = suite_create("catalogue");
	TCase *tests = tcase_create("catalogue");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, lookups_of_one_vendor_wait_for_one_statement);
	tcase_add_test(tests, a_kept_vendor_is_given_at_once_and_a_forgotten_one_is_read_again);
	tcase_add_test(tests, a_vendor_forgotten_while_it_is_read_is_read_again_by_later_lookups);
	tcase_add_test(tests, a_lookup_may_be_used_again_when_it_is_done);
	tcase_add_test(tests, an_unknown_vendor_is_not_found_and_not_kept);
	tcase_add_test(tests, hours_decide_whether_a_vendor_is_open);
	tcase_add_test(tests, lookups_that_wait_end_with_the_database);
	suite_add_tcase(suite, tests);
	return own_database_suite_run(suite, demo_begin, NULL);
}
