/* SPDX-License-Identifier: MIT
 *
 * The payment's transition table, its check times and its texts.
 */
#include "reeyo/domain/payment_state.h"

#include <check.h>

#include "../suite.h"
#include "reeyo/core/memory.h"

static const struct row {
	enum payment_event event;
	enum payment_state next;
	const char *from; /* the first letters of the states that it changes; X: EXPIRED */
} rows[] = {
	{ PAYMENT_ACCEPTED, PAYMENT_PENDING, "C" },
	{ PAYMENT_PAID, PAYMENT_SUCCEEDED, "CPFXM" },
	{ PAYMENT_PAID_OTHER, PAYMENT_MISMATCH, "CPFX" },
	{ PAYMENT_DECLINED, PAYMENT_FAILED, "CPX" },
	{ PAYMENT_NOT_TAKEN, PAYMENT_FAILED, "CX" },
	{ PAYMENT_TIMED_OUT, PAYMENT_EXPIRED, "CP" },
};
static const char letters[] = "CPSFXM";

START_TEST(each_event_changes_only_its_states)
{
	const struct row *row = &rows[_i];
	const char *words[PAYMENT_STATES];
	size_t count = payment_states_before(row->event, words);

	ck_assert_uint_eq(count, strlen(row->from));
	ck_assert_int_eq(payment_state_after(row->event), row->next);
	for (unsigned from = 0; from < PAYMENT_STATES; from++) {
		enum payment_state next = PAYMENT_STATES;
		bool listed = false;

		for (size_t i = 0; i < count; i++)
			listed |= words[i] == payment_state_words[from];
		ck_assert_int_eq(payment_next(from, row->event, &next),
			strchr(row->from, letters[from]) != NULL);
		ck_assert_int_eq(listed, next == row->next);
	}
}
END_TEST

START_TEST(a_success_counts_only_with_the_right_amount)
{
	ck_assert_int_eq(payment_success_event(5000, 5000), PAYMENT_PAID);
	ck_assert_int_eq(payment_success_event(4999, 5000), PAYMENT_PAID_OTHER);
	ck_assert_int_eq(payment_success_event(0, 5000), PAYMENT_PAID_OTHER);
	ck_assert_int_eq(payment_success_event(-1, 5000), PAYMENT_ACCEPTED);
}
END_TEST

START_TEST(words_name_their_states)
{
	for (unsigned state = 0; state < PAYMENT_STATES; state++)
		ck_assert_int_eq(payment_state_named(text_of(payment_state_words[state])), state);
	ck_assert_int_eq(payment_state_named(TEXT("LOST")), PAYMENT_STATES);
	ck_assert_int_eq(payment_state_named(TEXT_NONE), PAYMENT_STATES);
}
END_TEST

START_TEST(an_open_payment_is_checked_with_back_off)
{
	static const int64_t delays[] = { 5, 10, 20, 40, 80, 160, 320, 600, 600 };

	for (size_t i = 0; i < COUNT_OF(delays); i++)
		ck_assert_int_eq(
			payment_check_delay(PAYMENT_PENDING, (int64_t)i, 1000, true), delays[i]);
	ck_assert_int_eq(payment_check_delay(PAYMENT_CREATED, 1000000, 0, false), 600);
}
END_TEST

START_TEST(an_ended_payment_is_checked_for_two_days)
{
	ck_assert_int_eq(payment_check_delay(PAYMENT_EXPIRED, 0, 900, false), 600);
	ck_assert_int_eq(payment_check_delay(PAYMENT_FAILED, 0, 4 * 3600, true), 3600);
	ck_assert_int_eq(payment_check_delay(PAYMENT_FAILED, 0, 172799, true), 43199);
	ck_assert_int_eq(payment_check_delay(PAYMENT_FAILED, 0, 172800, true), PAYMENT_NO_CHECK);
	ck_assert_int_eq(payment_check_delay(PAYMENT_FAILED, 0, 3599, false), 899);
	ck_assert_int_eq(payment_check_delay(PAYMENT_FAILED, 0, 3600, false), PAYMENT_NO_CHECK);
	ck_assert_int_eq(payment_check_delay(PAYMENT_SUCCEEDED, 0, 0, true), PAYMENT_NO_CHECK);
	ck_assert_int_eq(payment_check_delay(PAYMENT_MISMATCH, 0, 0, true), PAYMENT_NO_CHECK);
}
END_TEST

START_TEST(reasons_are_texts_in_two_languages)
{
	ck_assert_str_eq(
		payment_reason_text(PAYMENT_REASON_EXPIRED, false), "It was not paid in time");
	ck_assert_str_eq(
		payment_reason_text(PAYMENT_REASON_EXPIRED, true), "Il n'a pas été fait à temps");
	ck_assert_str_eq(payment_reason_text("Insufficient balance", true), "Insufficient balance");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("payment state");
	TCase *all = tcase_create("all");

	tcase_add_loop_test(all, each_event_changes_only_its_states, 0, COUNT_OF(rows));
	tcase_add_test(all, a_success_counts_only_with_the_right_amount);
	tcase_add_test(all, words_name_their_states);
	tcase_add_test(all, an_open_payment_is_checked_with_back_off);
	tcase_add_test(all, an_ended_payment_is_checked_for_two_days);
	tcase_add_test(all, reasons_are_texts_in_two_languages);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
