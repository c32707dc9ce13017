/* SPDX-License-Identifier: MIT
 *
 * The Order object, rendered from a record by its field table, has the same bytes as the functions
 * of SQL make for events and stored replies: over rows with quotes, control characters, other
 * scripts, extreme numbers and times, and NULL in every column that allows it.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../../src/db/lane.h"
#include "../own_database.h"
#include "../suite.h"
#include "reeyo/api/order_fields.h"
#include "reeyo/db/queries/order_acts.h"
#include "reeyo/db/queries/orders.h"

#define ROWS 300

static PGconn *pg;
static struct arena_pool *pool;
static struct arena *arena;

/* Row n has the values number n modulo the length of each list; the lengths have no common divisor,
 * so that the values meet in many combinations. */
static const char rows_sql[] =
	"CREATE FUNCTION words() RETURNS text[] LANGUAGE sql AS $$"
	"  SELECT ARRAY['Awa Biya', 'quote \" backslash \\ slash /', '', ' ', E'tab\\tline\\nreturn\\r', E'\\b\\f\\x01"
	"\\x02\\x1b\\x1f\\x7f', 'Ndolé à Ñkolbisson – “ça”', '北京 🍲 👩🏾‍🍳', E'\\u2028\\u2029\\ufeff', '</script>', NULL]"
	" $$;"
	"CREATE FUNCTION word(n int) RETURNS text LANGUAGE sql AS $$ SELECT (words())[1 + n % 11] $$;"
	"CREATE FUNCTION known(n int) RETURNS text LANGUAGE sql AS $$ SELECT (words())[1 + n % 10] $$;"
	"CREATE FUNCTION number(n int) RETURNS float8 LANGUAGE sql AS $$"
	"  SELECT (ARRAY[0, '-0', 4.0511, 9.7679, -179.999999, 0.1::float8 + 0.2, 1::float8 / 3, 1e-5, 0.00012, 1e15,"
	"    123456789012345678, 1e21, 5e-324, 1.7976931348623157e308, 90, random() * 180, random() * 1e9]::float8[])"
	"    [1 + n % 17] $$;"
	"CREATE FUNCTION instant(n int) RETURNS timestamptz LANGUAGE sql AS $$"
	"  SELECT (ARRAY[now(), '1999-12-31 23:59:59.999999+00', '2000-01-01 00:00:00+00', '1969-12-31 23:59:59.9995+00',"
	"    '1970-01-01 00:00:00.000999+00', '2024-02-29 12:00:00.5+01', '0001-01-01 00:00:00+00', "
	"    '9999-12-31 23:59:59.999999+00', NULL, 'infinity', '-infinity', '2026-11-27 17:03:04.0056+00',"
	"    '1999-03-01 00:00:00.001001+00']::timestamptz[])[1 + n % 13] $$;"
	"CREATE FUNCTION amount(n int) RETURNS bigint LANGUAGE sql AS $$"
	"  SELECT (ARRAY[0, 1, -1, 1500, 9223372036854775807, -9223372036854775807, 25000]::bigint[])[1 + n % 7] $$;"
	"CREATE FUNCTION document(n int) RETURNS json LANGUAGE sql AS $$"
	"  SELECT (ARRAY['{ \"a\" : [1, 2.50,\"é\"] }', 'null', '[]', NULL, E'{\"b\":\\n\"\\\\u00e9\\\\n\"}']::json[])[1 + n % 5] $$;"
	"INSERT INTO orders (id, order_number, order_type, status, active, user_id, user_name, user_phone, vendor_id,"
	"  vendor_name, rider_id, rider_name, rider_phone, items, package_details, subtotal, delivery_fee, service_fee,"
	"  discount, total, commission_bps, distance, payment_method, payment_status, payment_reference, pickup_address,"
	"  pickup_text, pickup_lat, pickup_lng, delivery_address, delivery_text, delivery_lat, delivery_lng,"
	"  delivery_instructions, notes, preparation_time, estimated_delivery_at, cancel_reason, cancelled_by,"
	"  rejection_reason, rating, pickup_photos, delivery_photos, verification_code, timeline, created_at, updated_at,"
	"  accepted_at, preparing_at, ready_at, rider_assigned_at, arrived_at_pickup_at, picked_up_at,"
	"  arrived_at_delivery_at, delivered_at, cancelled_at)"
	"SELECT 'ord_' || n, 'F-' || n, 'FOOD', 'PENDING', true, 'user_' || n % 10, known(n), known(n + 1),"
	"  CASE WHEN n % 3 > 0 THEN 'vendor_1' END, word(n + 2), CASE WHEN n % 2 > 0 THEN 'rider_1' END, word(n + 3),"
	"  word(n + 4), coalesce(document(n), '[]'), document(n + 1), amount(n), 0, 0, 0, amount(n), 0, number(n), 'WALLET',"
	"  'PAID', CASE WHEN n % 5 > 0 THEN 'txn_1' END, document(n + 2), known(n + 5), number(n + 1), number(n + 2),"
	"  coalesce(document(n + 3), '{}'), known(n + 6), number(n + 3), number(n + 4), word(n + 7), word(n + 8),"
	"  (ARRAY[NULL, 0, -1, 2147483647, -2147483648]::int[])[1 + n % 5], instant(n), word(n + 9),"
	"  (ARRAY[NULL, 'USER', 'SYSTEM'])[1 + n % 3], word(n), document(n + 4), coalesce(document(n), '[]'),"
	"  coalesce(document(n + 1), '[]'), (ARRAY[NULL, '0042'])[1 + n % 2], coalesce(document(n + 2), '[]'),"
	"  coalesce(instant(n + 1), now()), coalesce(instant(n + 2), now()), instant(n + 3), instant(n + 4), instant(n + 5),"
	"  instant(n + 6), instant(n + 7), instant(n + 8), instant(n + 9), instant(n + 10), instant(n + 11)"
	"  FROM generate_series(1, 300) n";

static PGresult *query(const char *text, const char *param, bool binary)
{
	PGresult *result = PQexecParams(
		pg, text, param != NULL, NULL, param ? &param : NULL, NULL, NULL, binary);

	ck_assert_msg(
		PQresultStatus(result) == PGRES_TUPLES_OK, "%s: %s", text, PQerrorMessage(pg));
	return result;
}

/* The order of a column of the statement, rendered. */
static struct text order_rendered(
	const struct db_result *result, unsigned column, struct document *document)
{
	struct db_record record;

	ck_assert(db_record(result, 0, column, document->type, &record));
	return document_json(arena, document, &record);
}

START_TEST(an_order_has_the_bytes_that_sql_makes)
{
	char id[32];
	struct db_result customers = { 0 }, partys = { 0 };
	PGresult *made;

	snprintf(id, sizeof(id), "ord_%d", _i);
	made = query(
		"SELECT order_json_user(o), order_json(o) FROM orders o WHERE id = $1", id, false);
	customers.pg = query(embedded_queries[QUERY_order_get].text, id, true);
	ck_assert_str_eq(order_rendered(&customers, ORDER_GET_ORDER, &order_user_document).at,
		PQgetvalue(made, 0, 0));
	partys.pg = PQexecParams(pg, embedded_queries[QUERY_order_get_party].text, 2, NULL,
		(const char *[]){ "rider_2", id }, NULL, NULL, 1);
	ck_assert_int_eq(PQntuples(partys.pg), 1);
	ck_assert_str_eq(order_rendered(&partys, ORDER_GET_PARTY_ORDER, &order_document).at,
		PQgetvalue(made, 0, 1));
	ck_assert(db_bool(&partys, 0, ORDER_GET_PARTY_PAYABLE));
	PQclear(made);
	PQclear(customers.pg);
	PQclear(partys.pg);
}
END_TEST

START_TEST(a_list_has_the_bytes_that_sql_makes)
{
	struct db_result result = { .pg = query(embedded_queries[QUERY_order_active].text, "user_1",
					    true) };
	PGresult *made = query(
		"SELECT '[' || string_agg(order_json_user(o), ',' ORDER BY created_at DESC, id DESC) || ']'"
		"  FROM (SELECT * FROM orders WHERE user_id = $1 ORDER BY created_at DESC LIMIT 100) o",
		"user_1", false);
	struct text list = document_list_json(
		arena, &order_user_document, db_records(&result, 0, ORDER_ACTIVE_ORDERS));

	ck_assert_ptr_nonnull(list.at);
	ck_assert_uint_eq(db_records(&result, 0, ORDER_ACTIVE_ORDERS).left, ROWS / 10);
	ck_assert_str_eq(list.at, PQgetvalue(made, 0, 0));
	PQclear(result.pg);
	result.pg = query(embedded_queries[QUERY_order_active].text, "user_none", true);
	ck_assert_str_eq(document_list_json(arena, &order_user_document,
				 db_records(&result, 0, ORDER_ACTIVE_ORDERS))
				 .at,
		"[]");
	PQclear(result.pg);
	PQclear(made);
}
END_TEST

/* The declaration and the statement differ: nothing is rendered from the wrong members. */
START_TEST(a_record_of_another_type_is_refused)
{
	struct db_result result = { .pg = query(embedded_queries[QUERY_order_get].text, "ord_1",
					    true) };
	struct db_record record;

	ck_assert(!db_record(&result, 0, ORDER_GET_ORDER, &record_order_row, &record));
	ck_assert_uint_eq(record.count, 0);
	PQclear(result.pg);
	result.pg = query("SELECT NULL::record", NULL, true);
	ck_assert(!db_record(&result, 0, 0, &record_order_row, &record));
	PQclear(result.pg);
}
END_TEST

START_TEST(a_table_fits_its_record)
{
	static const struct field unknown[] = { { "a", FIELD_TEXT, .column = 99 }, FIELD_END };
	static const struct field other[] = { { "b", FIELD_INT, .column = ORDER_ROW_ID },
		FIELD_END };
	static const struct field empty[] = { { "c", FIELD_TEXT, .required = true }, FIELD_END };
	static const struct field outer[] = { { "d", FIELD_OBJECT, .required = true, .of = empty },
		FIELD_END };

	ck_assert_ptr_null(render_mismatch(order_fields, &record_order_user_row));
	ck_assert_str_eq(render_mismatch(order_fields, &record_order_row), "verificationCode");
	ck_assert_str_eq(render_mismatch(unknown, &record_order_row), "a");
	ck_assert_str_eq(render_mismatch(other, &record_order_row), "b");
	ck_assert_str_eq(render_mismatch(empty, &record_order_row), "c");
	ck_assert_str_eq(render_mismatch(outer, &record_order_row), "c");
}
END_TEST

static void arena_begin(void)
{
	arena = arena_new(pool, 16 << 20);
}

static void arena_end(void)
{
	arena_free(arena);
}

static int rows_begin(const char *url)
{
	PGresult *made;
	int error;

	pool = arena_pool_new(1 << 20);
	pg = PQconnectdb(url);
	made = PQexec(pg, rows_sql);
	error = PQresultStatus(made) == PGRES_COMMAND_OK ? 0 : E_STORE_DOWN;
	PQclear(made);
	return error;
}

static void rows_end(void)
{
	PQfinish(pg);
	arena_pool_free(pool);
}

int main(void)
{
	Suite *suite = suite_create("order_fields");
	TCase *tcase = tcase_create("all");

	setenv("CK_FORK", "no", 1); /* the tests share the connection */
	tcase_add_checked_fixture(tcase, arena_begin, arena_end);
	tcase_add_loop_test(tcase, an_order_has_the_bytes_that_sql_makes, 1, ROWS + 1);
	tcase_add_test(tcase, a_list_has_the_bytes_that_sql_makes);
	tcase_add_test(tcase, a_record_of_another_type_is_refused);
	tcase_add_test(tcase, a_table_fits_its_record);
	suite_add_tcase(suite, tcase);
	return own_database_suite_run(suite, rows_begin, rows_end);
}
