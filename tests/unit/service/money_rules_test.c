/* SPDX-License-Identifier: MIT
 *
 * Rules of payments and pay-outs that statements guard: the tables of domain and the statements
 * give the same results for all states.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "../own_database.h"
#include "../suite.h"
#include "reeyo/core/memory.h"
#include "reeyo/db/queries/payments.h"
#include "reeyo/db/queries/payouts.h"
#include "reeyo/domain/payment_state.h"
#include "reeyo/domain/payout_state.h"

static struct db_session *session;

static void sql_run(const char *sql)
{
	ck_assert_msg(db_session_run(session, sql) == 0, "%s", sql);
}

static void first_value_keep(void *arg, int n, char *const *values)
{
	char *out = arg;

	(void)n;
	snprintf(out, 64, "%s", values[0]);
}

/* --- Payments --------------------------------------------------------------------------------- */

#define AMOUNT 500

/* A top-up in a state, in a transaction that the caller rolls back. */
static void payment_begin(const char *state, bool has_reference, bool resolved)
{
	char sql[600];

	sql_run("BEGIN");
	snprintf(sql, sizeof(sql),
		"INSERT INTO payment_intents (id, kind, user_id, amount, method, entry, state,"
		" gateway_reference, resolution, created_at) VALUES ('pay_1', 'TOPUP', 'user_1', %d,"
		" 'MOBILE_MONEY', 'txn_1', '%s', %s, %s, now() - interval '1 hour')",
		AMOUNT, state, has_reference ? "'gw_1'" : "NULL", resolved ? "'BOOKED'" : "NULL");
	sql_run(sql);
}

static const char *payment_recorded(enum payment_event event)
{
	static char outcome[64];
	const char *allowed[PAYMENT_STATES];
	size_t count = payment_states_before(event, allowed);

	outcome[0] = '\0';
	ck_assert_int_eq(
		db_session_call(session, payment_record, first_value_keep, outcome,
			&(struct payment_record){ .payment_id = "pay_1",
				.next_state = payment_state_words[payment_state_after(event)],
				.allowed = { allowed, count },
				.unsent_only = event == PAYMENT_NOT_TAKEN,
				.reference = event == PAYMENT_NOT_TAKEN ? NULL : "gw_1",
				.paid_amount = AMOUNT,
				.failure = PAYMENT_REASON_FAILED,
				.reason_english = "x",
				.reason_french = "x",
				.refund_entry_id = "txn_2" }),
		0);
	return outcome;
}

START_TEST(a_payment_changes_only_as_the_table_allows)
{
	for (unsigned state = 0; state < PAYMENT_STATES; state++)
		for (unsigned event = 0; event < PAYMENT_EVENTS; event++)
			for (unsigned bits = 0; bits < 4; bits++) {
				bool has_reference = bits & 1, resolved = bits & 2;
				enum payment_state next;
				bool changes = payment_next(state, event, &next) && !resolved &&
					!(event == PAYMENT_NOT_TAKEN && has_reference);

				payment_begin(payment_state_words[state], has_reference, resolved);
				ck_assert_str_eq(payment_recorded(event),
					changes ? payment_state_words[next] : "UNCHANGED");
				sql_run("ROLLBACK");
			}
}
END_TEST

/* The statement names the states that can expire besides those that it is given. */
START_TEST(a_payment_expires_in_the_states_of_the_table)
{
	const char *all[PAYMENT_STATES];
	enum payment_state next;

	for (unsigned state = 0; state < PAYMENT_STATES; state++)
		all[state] = payment_state_words[state];
	for (unsigned state = 0; state < PAYMENT_STATES; state++) {
		char id[64] = "";

		payment_begin(payment_state_words[state], false, false);
		ck_assert_int_eq(db_session_call(session, payments_expire, first_value_keep, id,
					 &(struct payments_expire){ .wait_s = 900,
						 .limit = 10,
						 .allowed = { all, PAYMENT_STATES },
						 .reason_english = "x",
						 .reason_french = "x" }),
			0);
		ck_assert_int_eq(id[0] != '\0', payment_next(state, PAYMENT_TIMED_OUT, &next));
		sql_run("ROLLBACK");
	}
}
END_TEST

/* --- Pay-outs --------------------------------------------------------------------------------- */

START_TEST(a_pay_out_is_sent_in_the_states_of_the_table)
{
	for (unsigned state = 0; state < PAYOUT_STATES; state++)
		for (unsigned bits = 0; bits < 4; bits++) {
			bool mobile = bits & 1, has_reference = bits & 2;
			enum payout_state next;
			char sql[600], id[64] = "";

			sql_run("BEGIN");
			snprintf(sql, sizeof(sql),
				"INSERT INTO payouts (id, owner_kind, owner_id, amount, fee, method,"
				" destination, bank_details, status, gateway_reference, next_check_at)"
				" VALUES ('payout_1', 'VENDOR', 'vendor_1', 8000, 100, '%s',"
				" '+237670000001', '{}', '%s', %s, now())",
				payout_method_words[!mobile], payout_status_words[state],
				has_reference ? "'gw_1'" : "NULL");
			sql_run(sql);
			ck_assert_int_eq(
				db_session_call(session, payouts_send, first_value_keep, id,
					&(struct payouts_send){ .limit = 10, .lease_s = 60 }),
				0);
			ck_assert_int_eq(id[0] != '\0',
				payout_next(state, PAYOUT_EVENT_SEND, &next) && mobile &&
					!has_reference);
			sql_run("ROLLBACK");
		}
}
END_TEST

static int customer_begin(const char *url)
{
	int error = db_session_open(url, &session);

	return error ? error
		     : db_session_run(session,
			       "INSERT INTO users (id, phone, first_name, last_name, password_hash)"
			       " VALUES ('user_1', '+237670000001', 'Awa', 'Ngo', 'x');"
			       "INSERT INTO wallets (owner_id, kind) VALUES ('user_1', 'USER')");
}

static void customer_end(void)
{
	db_session_close(session);
}

int main(void)
{
	Suite *suite = suite_create("money_rules");
	TCase *tests = tcase_create("money_rules");

	tcase_add_test(tests, a_payment_changes_only_as_the_table_allows);
	tcase_add_test(tests, a_payment_expires_in_the_states_of_the_table);
	tcase_add_test(tests, a_pay_out_is_sent_in_the_states_of_the_table);
	suite_add_tcase(suite, tests);
	return own_database_suite_run(suite, customer_begin, customer_end);
}
