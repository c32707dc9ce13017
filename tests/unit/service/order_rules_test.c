/* SPDX-License-Identifier: MIT
 *
 * Rules of orders that SQL repeats: the functions of domain and those of sql/functions give the
 * same results for the same cases.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../own_database.h"
#include "../suite.h"
#include "reeyo/db/db.h"
#include "reeyo/domain/money.h"
#include "reeyo/domain/order.h"

#define STATES_SIZE 160

static struct db_session *session;

static const char *value_of(const char *sql)
{
	static char value[64];

	ck_assert_int_eq(db_session_value(session, sql, value, sizeof(value)), 0);
	return value;
}

/* domain/transition.c: status_without_rider. */
START_TEST(a_released_order_gets_the_status_that_sql_gives_it)
{
	for (unsigned type = 0; type < ORDER_TYPES; type++)
		for (unsigned stamps = 0; stamps < 8; stamps++) {
			struct order_facts order = { .type = type,
				.status = RIDER_ASSIGNED,
				.accepted = stamps & 1,
				.preparing = stamps & 2,
				.ready = stamps & 4 };
			enum order_status status;
			char sql[500];

			ck_assert_int_eq(
				order_next_status(&order, ACT_RELEASE, BY_SYSTEM, &status), 0);
			snprintf(sql, sizeof(sql),
				"SELECT order_kitchen_status(o) FROM json_populate_record(NULL::orders,"
				" '{\"order_type\":\"%s\",\"status\":\"RIDER_ASSIGNED\""
				"%s%s%s}'::json) o",
				order_type_words[type],
				order.accepted ? ",\"accepted_at\":\"2026-01-01\"" : "",
				order.preparing ? ",\"preparing_at\":\"2026-01-01\"" : "",
				order.ready ? ",\"ready_at\":\"2026-01-01\"" : "");
			ck_assert_str_eq(value_of(sql), order_status_words[status]);
		}
}
END_TEST

/* The states as a PostgreSQL array: "{PENDING,ACCEPTED}". */
static void states_write(unsigned states, char out[STATES_SIZE])
{
	const char *words[ORDER_STATUSES];
	unsigned count = order_states_list(states, words);
	size_t len = (size_t)snprintf(out, STATES_SIZE, "{");

	for (unsigned i = 0; i < count; i++)
		len += (size_t)snprintf(
			out + len, STATES_SIZE - len, "%s%s", i ? "," : "", words[i]);
	snprintf(out + len, STATES_SIZE - len, "}");
}

/* The states of order_expire and of failed payments: those of the table, and no others. */
START_TEST(sql_cancels_by_system_only_in_the_states_of_the_table)
{
	static const enum order_act acts[] = { ACT_EXPIRE, ACT_FAIL_PAYMENT };
	char states[STATES_SIZE], others[STATES_SIZE], sql[700];

	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		for (unsigned type = 0; type < ORDER_TYPES; type++) {
			unsigned allowed = order_states_before(type, acts[i], BY_SYSTEM);

			/* the callers take the states of FOOD for all types */
			ck_assert_uint_eq(allowed, order_states_before(FOOD, acts[i], BY_SYSTEM));
			states_write(allowed, states);
			states_write(STATES_ALL & ~allowed, others);
			snprintf(sql, sizeof(sql),
				"SELECT count(order_cancel_by_system(o, '%s', 'x', now(), NULL))"
				" FROM (SELECT json_populate_record(NULL::orders,"
				" json_build_object('status', s)) AS o FROM unnest('%s'::text[]) s) x",
				states, others);
			ck_assert_str_eq(value_of(sql), "0");
		}
}
END_TEST

/* The check of the table orders: `active` is false for final states. */
START_TEST(sql_and_domain_agree_which_states_are_final)
{
	for (unsigned status = 0; status < ORDER_STATUSES; status++) {
		char sql[500];
		bool active = (STATES_ACTIVE & STATE(status)) != 0;

		snprintf(sql, sizeof(sql),
			"INSERT INTO orders (id, order_number, order_type, status, active, user_id,"
			" user_name, user_phone, subtotal, delivery_fee, total, commission_bps,"
			" distance, payment_method, payment_status, pickup_text, pickup_lat,"
			" pickup_lng, delivery_address, delivery_text, delivery_lat, delivery_lng,"
			" timeline) VALUES ('ord_%u', 'F-%u', 'FOOD', '%s', %s, 'u', '', '', 0, 0,"
			" 0, 0, 0, 'CASH', 'PENDING', '', 0, 0, '{}', '', 0, 0, '[]')",
			status, status, order_status_words[status], active ? "true" : "false");
		ck_assert_int_eq(db_session_run(session, sql), 0);
	}
}
END_TEST

static int session_begin(const char *url)
{
	return db_session_open(url, &session);
}

static void session_end(void)
{
	db_session_close(session);
}

int main(void)
{
	const char *given = getenv("REEYO_TEST_SEED");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
	Suite *suite = suite_create("order_rules");
	TCase *tests = tcase_create("order_rules");

	setenv("CK_FORK", "no", 1); /* the tests share the session */
	printf("seed %u\n", seed);
	srandom(seed);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, a_released_order_gets_the_status_that_sql_gives_it);
	tcase_add_test(tests, sql_cancels_by_system_only_in_the_states_of_the_table);
	tcase_add_test(tests, sql_and_domain_agree_which_states_are_final);
	suite_add_tcase(suite, tests);
	return own_database_suite_run(suite, session_begin, session_end);
}
