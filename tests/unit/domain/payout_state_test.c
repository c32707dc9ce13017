/* SPDX-License-Identifier: MIT
 *
 * The pay-out's transition table, and what answers of the gateway and decisions of admins change.
 */
#include "reeyo/domain/payout_state.h"

#include <check.h>

#include "../suite.h"
#include "reeyo/core/memory.h"

#define HOUR 3600
#define DAY (24 * HOUR)

/* A pay-out of 8000 with a fee of 100, in a state. */
static struct payout_facts in_state(enum payout_state state)
{
	struct payout_facts payout = { .state = state,
		.mobile_money = true,
		.amount = 8000,
		.fee = 100,
		.paid_amount = -1,
		.sent_age_s = 60,
		.ended_age_s = -1 };

	if (state < PAYOUT_PROCESSING)
		payout.sent_age_s = -1;
	if (state > PAYOUT_PROCESSING)
		payout.ended_age_s = 30;
	return payout;
}

static struct payout_facts with_reference(enum payout_state state)
{
	struct payout_facts payout = in_state(state);

	payout.gateway_reference = TEXT("cam_1");
	if (state == PAYOUT_COMPLETED)
		payout.transaction_reference = TEXT("cam_1");
	return payout;
}

static struct payout_decision decide(
	struct payout_facts payout, enum payout_answer_kind kind, int64_t amount)
{
	const struct payout_answer answer = { .kind = kind,
		.amount = amount,
		.why = TEXT("No such number"),
		.reference = kind <= PAYOUT_ANSWER_FAILED ? TEXT("cam_1") : TEXT_NONE };
	struct payout_decision decision;

	payout_decide(&payout, &answer, &decision);
	return decision;
}

#define ck_assert_kept(payout, kind) \
	ck_assert_int_eq(decide(payout, kind, 7900).action, PAYOUT_KEEP)

/* --- Answers ---------------------------------------------------------------------------------- */

START_TEST(a_reported_success_is_settled_once)
{
	struct payout_decision decision = decide(
		in_state(PAYOUT_PROCESSING), PAYOUT_ANSWER_PAID, 7900);

	ck_assert_int_eq(decision.action, PAYOUT_SETTLE);
	ck_assert_int_eq(decision.next, PAYOUT_COMPLETED);
	ck_assert(decision.take_reference);
	decision = decide(in_state(PAYOUT_APPROVED), PAYOUT_ANSWER_PAID, -1);
	ck_assert_int_eq(decision.action, PAYOUT_SETTLE);
	decision = decide(with_reference(PAYOUT_COMPLETED), PAYOUT_ANSWER_PAID, 7900);
	ck_assert_int_eq(decision.action, PAYOUT_CLEAR);
	ck_assert_int_eq(decision.next_check_s, PAYOUT_NO_CHECK);
	for (int kind = PAYOUT_ANSWER_REFUSED; kind < PAYOUT_ANSWERS; kind++)
		ck_assert_kept(with_reference(PAYOUT_COMPLETED), kind);
	ck_assert_kept(with_reference(PAYOUT_COMPLETED), PAYOUT_ANSWER_PENDING);
}
END_TEST

START_TEST(another_amount_is_a_discrepancy)
{
	struct payout_decision decision = decide(
		in_state(PAYOUT_PROCESSING), PAYOUT_ANSWER_PAID, 7000);

	ck_assert_int_eq(decision.action, PAYOUT_DISCREPANCY);
	ck_assert_int_eq(decision.paid_amount, 7000);
	ck_assert_str_eq(decision.text, "The gateway paid 7000 in place of 7900");
	ck_assert_int_eq(decision.next_check_s, HOUR);
}
END_TEST

START_TEST(a_refusal_and_a_failure_return_the_amount)
{
	struct payout_decision decision = decide(
		in_state(PAYOUT_PROCESSING), PAYOUT_ANSWER_REFUSED, -1);

	ck_assert_int_eq(decision.action, PAYOUT_RETURN);
	ck_assert_int_eq(decision.next, PAYOUT_FAILED);
	ck_assert_int_eq(decision.next_check_s, PAYOUT_NO_CHECK);
	ck_assert_str_eq(decision.text, "No such number");
	decision = decide(in_state(PAYOUT_PROCESSING), PAYOUT_ANSWER_FAILED, -1);
	ck_assert_int_eq(decision.action, PAYOUT_RETURN);
	ck_assert_int_eq(decision.next_check_s, 600);
	ck_assert_kept(with_reference(PAYOUT_PROCESSING), PAYOUT_ANSWER_REFUSED);
	ck_assert_kept(with_reference(PAYOUT_FAILED), PAYOUT_ANSWER_FAILED);
	ck_assert_kept(in_state(PAYOUT_PENDING), PAYOUT_ANSWER_REFUSED);
}
END_TEST

START_TEST(an_unreached_pay_out_is_approved_again_with_back_off)
{
	static const int64_t delays[] = { 5, 10, 20, 40, 80, 160, 300, 300 };
	struct payout_facts payout = in_state(PAYOUT_PROCESSING);

	for (size_t i = 0; i < COUNT_OF(delays); i++) {
		struct payout_decision decision = decide(payout, PAYOUT_ANSWER_UNREACHED, -1);

		ck_assert_int_eq(decision.next, PAYOUT_APPROVED);
		ck_assert_int_eq(decision.next_check_s, delays[i]);
		payout.checks = decision.checks;
	}
}
END_TEST

START_TEST(an_uncertain_pay_out_stays_processing_until_it_is_missing_for_an_hour)
{
	struct payout_facts payout = in_state(PAYOUT_PROCESSING);
	struct payout_decision decision = decide(payout, PAYOUT_ANSWER_UNCERTAIN, -1);

	ck_assert_int_eq(decision.action, PAYOUT_KEEP);
	ck_assert_int_eq(decision.next, PAYOUT_PROCESSING);
	ck_assert_int_eq(decision.next_check_s, 5);
	payout.sent_age_s = HOUR;
	ck_assert_kept(payout, PAYOUT_ANSWER_MISSING);
	payout.sent_age_s = HOUR + 1;
	decision = decide(payout, PAYOUT_ANSWER_MISSING, -1);
	ck_assert_int_eq(decision.action, PAYOUT_RETURN);
	ck_assert_int_eq(decision.next_check_s, 6 * HOUR);
	decision = decide(payout, PAYOUT_ANSWER_UNNAMED, -1);
	ck_assert_int_eq(decision.action, PAYOUT_DISCREPANCY);
	payout.gateway_reference = TEXT("cam_1");
	ck_assert_kept(payout, PAYOUT_ANSWER_MISSING);
}
END_TEST

static const struct wait {
	enum payout_answer_kind kind;
	int64_t after_s;
	const char *words;
} waits[] = {
	{ PAYOUT_ANSWER_UNKNOWN, HOUR, "does not say" },
	{ PAYOUT_ANSWER_NOT_ASKED, DAY, "does not say" },
	{ PAYOUT_ANSWER_PENDING, DAY, "more than a day" },
};

START_TEST(a_pay_out_without_an_end_becomes_a_discrepancy)
{
	struct payout_facts payout = with_reference(PAYOUT_PROCESSING);
	struct payout_decision decision;

	payout.sent_age_s = waits[_i].after_s;
	ck_assert_kept(payout, waits[_i].kind);
	payout.sent_age_s++;
	decision = decide(payout, waits[_i].kind, -1);
	ck_assert_int_eq(decision.action, PAYOUT_DISCREPANCY);
	ck_assert_ptr_nonnull(strstr(decision.text, waits[_i].words));
	payout.discrepancy = TEXT("something");
	ck_assert_kept(payout, waits[_i].kind);
}
END_TEST

START_TEST(an_answer_ends_the_discrepancy_that_there_was_none)
{
	struct payout_facts payout = with_reference(PAYOUT_PROCESSING);

	payout.discrepancy = TEXT("The gateway does not say what became of it");
	payout.sent_age_s = 2 * HOUR;
	ck_assert_int_eq(decide(payout, PAYOUT_ANSWER_PENDING, -1).action, PAYOUT_CLEAR);
	payout.sent_age_s = 2 * DAY;
	ck_assert_kept(payout, PAYOUT_ANSWER_PENDING);
}
END_TEST

START_TEST(a_late_success_is_booked_or_a_discrepancy)
{
	const struct payout_answer no_money = {
		.kind = PAYOUT_ANSWER_PAID, .amount = 7900, .wallet_short = true
	};
	struct payout_facts payout = in_state(PAYOUT_FAILED);
	struct payout_decision decision = decide(payout, PAYOUT_ANSWER_PAID, 7900);

	ck_assert_int_eq(decision.action, PAYOUT_SETTLE_LATE);
	ck_assert_int_eq(decision.next, PAYOUT_COMPLETED);
	payout_decide(&payout, &no_money, &decision);
	ck_assert_int_eq(decision.action, PAYOUT_DISCREPANCY);
	ck_assert_str_eq(decision.text, "The gateway paid what is failed here");
	payout.sent_age_s = -1;
	ck_assert_int_eq(decide(payout, PAYOUT_ANSWER_PAID, 7900).action, PAYOUT_DISCREPANCY);
}
END_TEST

START_TEST(contradictions_of_a_completed_pay_out_are_discrepancies)
{
	struct payout_facts by_hand = in_state(PAYOUT_COMPLETED);
	struct payout_decision decision;

	by_hand.transaction_reference = TEXT("VIR-1");
	decision = decide(by_hand, PAYOUT_ANSWER_PAID, 7900);
	ck_assert_int_eq(decision.action, PAYOUT_DISCREPANCY);
	ck_assert_str_eq(decision.text, "The gateway paid it, and so did we by hand: VIR-1");
	ck_assert_int_eq(decision.paid_amount, -1);
	ck_assert_kept(by_hand, PAYOUT_ANSWER_FAILED);
	decision = decide(with_reference(PAYOUT_COMPLETED), PAYOUT_ANSWER_FAILED, -1);
	ck_assert_int_eq(decision.action, PAYOUT_DISCREPANCY);
	by_hand.resolution = PAYOUT_RESOLVED_WRITTEN_OFF;
	ck_assert_kept(by_hand, PAYOUT_ANSWER_PAID);
}
END_TEST

START_TEST(a_reference_of_another_pay_out_is_a_discrepancy_until_it_is_resolved)
{
	const struct payout_answer foreign = { .kind = PAYOUT_ANSWER_PAID,
		.amount = 7900,
		.reference = TEXT("cam_9"),
		.reference_taken = true };
	struct payout_facts payout = in_state(PAYOUT_PROCESSING);
	struct payout_decision decision;

	payout_decide(&payout, &foreign, &decision);
	ck_assert_int_eq(decision.action, PAYOUT_DISCREPANCY);
	ck_assert(!decision.take_reference);
	ck_assert_ptr_nonnull(strstr(decision.text, "another pay-out: cam_9"));
	payout.resolution = PAYOUT_RESOLVED_PAID;
	payout_decide(&payout, &foreign, &decision);
	ck_assert_int_eq(decision.action, PAYOUT_KEEP);
}
END_TEST

START_TEST(an_ended_pay_out_is_checked_for_two_days)
{
	struct payout_facts payout = in_state(PAYOUT_FAILED);

	ck_assert_int_eq(payout_check_delay(&payout), 6 * HOUR);
	payout.ended_age_s = 40 * HOUR;
	ck_assert_int_eq(payout_check_delay(&payout), 10 * HOUR);
	payout.gateway_reference = TEXT("cam_1");
	payout.ended_age_s = 0;
	ck_assert_int_eq(payout_check_delay(&payout), 600);
	payout.ended_age_s = 2 * DAY;
	ck_assert_int_eq(payout_check_delay(&payout), PAYOUT_NO_CHECK);
	payout.discrepancy = TEXT("something");
	payout.sent_age_s = 8 * HOUR;
	ck_assert_int_eq(payout_check_delay(&payout), 2 * HOUR);
	payout.sent_age_s = 30 * DAY;
	ck_assert_int_eq(payout_check_delay(&payout), PAYOUT_NO_CHECK);
}
END_TEST

/* --- Decisions of admins ---------------------------------------------------------------------- */

static int rule(struct payout_facts payout, enum payout_event event, const char *reference,
	int64_t two_from, struct payout_ruling *ret)
{
	const struct payout_act act = { .event = event,
		.admin = TEXT("admin_1"),
		.reference = text_of(reference),
		.two_admins_from = two_from };

	return payout_rule(&payout, &act, ret);
}

START_TEST(an_approval_approves_or_completes)
{
	struct payout_facts bank = in_state(PAYOUT_PENDING);
	struct payout_ruling ruling;

	ck_assert_int_eq(rule(bank, PAYOUT_EVENT_APPROVE, NULL, 0, &ruling), 0);
	ck_assert_int_eq(ruling.step, PAYOUT_STEP_APPROVE);
	ck_assert_int_eq(ruling.next, PAYOUT_APPROVED);
	ck_assert_int_eq(ruling.next_check_s, 0);
	bank.mobile_money = false;
	ck_assert_int_eq(rule(bank, PAYOUT_EVENT_APPROVE, NULL, 0, &ruling), 0);
	ck_assert_int_eq(ruling.next_check_s, PAYOUT_NO_CHECK);
	ck_assert_int_eq(rule(bank, PAYOUT_EVENT_APPROVE, "VIR", 0, &ruling), 0);
	ck_assert_int_eq(ruling.next, PAYOUT_COMPLETED);
	bank.state = PAYOUT_APPROVED;
	ck_assert_int_eq(rule(bank, PAYOUT_EVENT_APPROVE, NULL, 0, &ruling), E_PAYOUT_DECIDED);
	ck_assert_int_eq(rule(bank, PAYOUT_EVENT_APPROVE, "VIR", 0, &ruling), 0);
	ck_assert_int_eq(ruling.step, PAYOUT_STEP_COMPLETE);
	for (int state = PAYOUT_PROCESSING; state < PAYOUT_STATES; state++)
		ck_assert_int_eq(
			rule(with_reference(state), PAYOUT_EVENT_APPROVE, "VIR", 0, &ruling),
			E_PAYOUT_DECIDED);
}
END_TEST

START_TEST(a_large_amount_needs_two_admins)
{
	struct payout_facts payout = in_state(PAYOUT_PENDING);
	struct payout_ruling ruling;

	ck_assert_int_eq(rule(payout, PAYOUT_EVENT_APPROVE, NULL, 8000, &ruling), 0);
	ck_assert_int_eq(ruling.step, PAYOUT_STEP_NOTE_APPROVAL);
	ck_assert_int_eq(ruling.next, PAYOUT_PENDING);
	ck_assert_int_eq(rule(payout, PAYOUT_EVENT_APPROVE, NULL, 8001, &ruling), 0);
	ck_assert_int_eq(ruling.step, PAYOUT_STEP_APPROVE);
	payout.first_approved_by = TEXT("admin_1");
	ck_assert_int_eq(rule(payout, PAYOUT_EVENT_APPROVE, NULL, 8000, &ruling), E_SAME_ADMIN);
	payout.first_approved_by = TEXT("admin_2");
	payout.transaction_reference = TEXT("VIR");
	ck_assert_int_eq(rule(payout, PAYOUT_EVENT_APPROVE, NULL, 8000, &ruling), 0);
	ck_assert_int_eq(ruling.next, PAYOUT_COMPLETED);
}
END_TEST

START_TEST(a_rejection_needs_a_pay_out_that_is_not_sent_or_a_discrepancy)
{
	struct payout_facts payout = in_state(PAYOUT_APPROVED);
	struct payout_ruling ruling;

	ck_assert_int_eq(rule(payout, PAYOUT_EVENT_REJECT, NULL, 0, &ruling), 0);
	ck_assert_int_eq(ruling.step, PAYOUT_STEP_REJECT);
	ck_assert_int_eq(ruling.next, PAYOUT_REJECTED);
	payout = in_state(PAYOUT_PROCESSING);
	ck_assert_int_eq(rule(payout, PAYOUT_EVENT_REJECT, NULL, 0, &ruling), E_PAYOUT_DECIDED);
	payout.discrepancy = TEXT("x");
	ck_assert_int_eq(rule(payout, PAYOUT_EVENT_REJECT, NULL, 0, &ruling), 0);
	ck_assert_int_eq(ruling.step, PAYOUT_STEP_RESOLVE);
	ck_assert_int_eq(ruling.resolution, PAYOUT_RESOLVED_RETURNED);
	ck_assert_int_eq(ruling.next, PAYOUT_REJECTED);
	ck_assert_int_eq(ruling.next_check_s, 600);
}
END_TEST

/* [state][resolution]: the next state, or PAYOUT_STATES when the resolution does not fit. */
static const enum payout_state resolved[PAYOUT_STATES][3] = {
	[PAYOUT_PENDING] = { PAYOUT_COMPLETED, PAYOUT_PENDING, PAYOUT_PENDING },
	[PAYOUT_APPROVED] = { PAYOUT_COMPLETED, PAYOUT_APPROVED, PAYOUT_APPROVED },
	[PAYOUT_PROCESSING] = { PAYOUT_COMPLETED, PAYOUT_REJECTED, PAYOUT_REJECTED },
	[PAYOUT_COMPLETED] = { PAYOUT_COMPLETED, PAYOUT_REJECTED, PAYOUT_STATES },
	[PAYOUT_FAILED] = { PAYOUT_COMPLETED, PAYOUT_FAILED, PAYOUT_FAILED },
	[PAYOUT_REJECTED] = { PAYOUT_COMPLETED, PAYOUT_REJECTED, PAYOUT_REJECTED },
};

START_TEST(a_resolution_ends_a_discrepancy)
{
	for (int i = 0; i < 3; i++) {
		struct payout_facts payout = with_reference((enum payout_state)_i);
		enum payout_event event = (enum payout_event)(PAYOUT_EVENT_RESOLVE_PAID + i);
		struct payout_ruling ruling = { .next = PAYOUT_STATES };

		ck_assert_int_eq(rule(payout, event, NULL, 0, &ruling), E_NO_TROUBLE);
		payout.discrepancy = TEXT("x");
		ck_assert_int_eq(rule(payout, event, NULL, 0, &ruling),
			resolved[_i][i] == PAYOUT_STATES ? E_TROUBLE_OTHER : 0);
		ck_assert_int_eq(ruling.next, resolved[_i][i]);
		payout.discrepancy = TEXT_NONE;
		payout.resolution = (enum payout_resolution)(PAYOUT_RESOLVED_PAID + i);
		ck_assert_int_eq(rule(payout, event, NULL, 0, &ruling), 0);
		ck_assert_int_eq(ruling.step, PAYOUT_STEP_NONE);
	}
}
END_TEST

START_TEST(a_large_resolution_needs_two_equal_decisions)
{
	struct payout_facts payout = with_reference(PAYOUT_PROCESSING);
	struct payout_ruling ruling;

	payout.discrepancy = TEXT("x");
	payout.first_resolution = PAYOUT_RESOLVED_RETURNED;
	payout.first_resolved_by = TEXT("admin_1");
	ck_assert_int_eq(rule(payout, PAYOUT_EVENT_RESOLVE_PAID, NULL, 1, &ruling), 0);
	ck_assert_int_eq(ruling.step, PAYOUT_STEP_NOTE_RESOLUTION);
	ck_assert_int_eq(ruling.next, PAYOUT_PROCESSING);
	ck_assert_int_eq(
		rule(payout, PAYOUT_EVENT_RESOLVE_RETURNED, NULL, 1, &ruling), E_SAME_ADMIN);
	payout.first_resolved_by = TEXT("admin_2");
	ck_assert_int_eq(rule(payout, PAYOUT_EVENT_RESOLVE_RETURNED, NULL, 1, &ruling), 0);
	ck_assert_int_eq(ruling.step, PAYOUT_STEP_RESOLVE);
}
END_TEST

START_TEST(words_name_states_and_resolutions)
{
	for (int state = 0; state < PAYOUT_STATES; state++)
		ck_assert_int_eq(payout_state_named(text_of(payout_status_words[state])), state);
	ck_assert_int_eq(payout_state_named(TEXT("LOST")), PAYOUT_STATES);
	ck_assert_int_eq(payout_resolution_named(TEXT("RETURNED")), PAYOUT_RESOLVED_RETURNED);
	ck_assert_int_eq(payout_resolution_named(TEXT_NONE), PAYOUT_UNRESOLVED);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pay-out state");
	TCase *all = tcase_create("all");

	tcase_add_test(all, a_reported_success_is_settled_once);
	tcase_add_test(all, another_amount_is_a_discrepancy);
	tcase_add_test(all, a_refusal_and_a_failure_return_the_amount);
	tcase_add_test(all, an_unreached_pay_out_is_approved_again_with_back_off);
	tcase_add_test(all, an_uncertain_pay_out_stays_processing_until_it_is_missing_for_an_hour);
	tcase_add_loop_test(
		all, a_pay_out_without_an_end_becomes_a_discrepancy, 0, COUNT_OF(waits));
	tcase_add_test(all, an_answer_ends_the_discrepancy_that_there_was_none);
	tcase_add_test(all, a_late_success_is_booked_or_a_discrepancy);
	tcase_add_test(all, contradictions_of_a_completed_pay_out_are_discrepancies);
	tcase_add_test(all, a_reference_of_another_pay_out_is_a_discrepancy_until_it_is_resolved);
	tcase_add_test(all, an_ended_pay_out_is_checked_for_two_days);
	tcase_add_test(all, an_approval_approves_or_completes);
	tcase_add_test(all, a_large_amount_needs_two_admins);
	tcase_add_test(all, a_rejection_needs_a_pay_out_that_is_not_sent_or_a_discrepancy);
	tcase_add_loop_test(all, a_resolution_ends_a_discrepancy, 0, PAYOUT_STATES);
	tcase_add_test(all, a_large_resolution_needs_two_equal_decisions);
	tcase_add_test(all, words_name_states_and_resolutions);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
