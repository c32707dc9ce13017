/* SPDX-License-Identifier: MIT
 *
 * The transition table of pay-outs, and the rules for answers of the gateway and decisions of
 * admins.
 *
 * A pay-out that may have been sent is never sent again. It fails, and its amount returns to the
 * wallet, only when the gateway refused it, reports a failure, or does not have it in its history
 * an hour later. Whatever contradicts this is a discrepancy.
 */
#include "reeyo/domain/payout_state.h"

#include <stdio.h>
#include <string.h>

#include "reeyo/core/memory.h"

#define MINUTE_S INT64_C(60)
#define HOUR_S INT64_C(3600)
#define DAY_S (24 * HOUR_S)

#define RETRY_FIRST_S 5
#define RETRY_MOST_S (5 * MINUTE_S)
#define DISCREPANCY_FOR_S (30 * DAY_S)
#define ENDED_FOR_S (2 * DAY_S)
#define ENDED_FIRST_S (10 * MINUTE_S)
#define SEARCH_FIRST_S (6 * HOUR_S)
/* A pay-out that the history does not have this long after it was sent never reached the gateway.
 */
#define MISSING_AFTER_S HOUR_S
/* A discrepancy after this time without an answer, or without an end. */
#define UNANSWERED_AFTER_S HOUR_S
#define UNENDED_AFTER_S DAY_S

const char *const payout_status_words[] = { "PENDING", "APPROVED", "PROCESSING", "COMPLETED",
	"FAILED", "REJECTED", NULL };
const char *const payout_method_words[] = { "MOBILE_MONEY", "BANK_TRANSFER", NULL };
const char *const payout_resolution_words[] = { "PAID", "RETURNED", "WRITTEN_OFF", NULL };
const char *const payout_answer_words[PAYOUT_ANSWERS] = { [PAYOUT_ANSWER_PENDING] = "PENDING",
	[PAYOUT_ANSWER_PAID] = "SUCCESSFUL",
	[PAYOUT_ANSWER_FAILED] = "FAILED",
	[PAYOUT_ANSWER_REFUSED] = "REFUSED",
	[PAYOUT_ANSWER_UNREACHED] = "UNREACHED",
	[PAYOUT_ANSWER_UNCERTAIN] = "UNCERTAIN",
	[PAYOUT_ANSWER_UNKNOWN] = "UNKNOWN",
	[PAYOUT_ANSWER_NOT_ASKED] = "NOT_ASKED",
	[PAYOUT_ANSWER_MISSING] = "MISSING",
	[PAYOUT_ANSWER_UNNAMED] = "UNNAMED" };

static int payout_word_index(const char *const *words, struct text word)
{
	int i = 0;

	while (words[i] && !text_is(word, text_of(words[i])))
		i++;
	return i;
}

enum payout_state payout_state_named(struct text word)
{
	return (enum payout_state)payout_word_index(payout_status_words, word);
}

enum payout_resolution payout_resolution_named(struct text word)
{
	int index = payout_word_index(payout_resolution_words, word);

	return payout_resolution_words[index]
		? (enum payout_resolution)(PAYOUT_RESOLVED_PAID + index)
		: PAYOUT_UNRESOLVED;
}

/* --- Transitions ------------------------------------------------------------------------------ */

#define STATE_BIT(state) (1u << (state))
#define DECIDABLE (STATE_BIT(PAYOUT_PENDING) | STATE_BIT(PAYOUT_APPROVED))
#define ON_ITS_WAY (STATE_BIT(PAYOUT_APPROVED) | STATE_BIT(PAYOUT_PROCESSING))
#define RETURNED (STATE_BIT(PAYOUT_FAILED) | STATE_BIT(PAYOUT_REJECTED))
#define SENT (STATE_BIT(PAYOUT_PROCESSING) | STATE_BIT(PAYOUT_COMPLETED) | RETURNED)
#define TO_SAME PAYOUT_STATES

/* Guarded by the statements payouts_send (tests/unit/service/money_rules_test.c),
 * payout_apply_answer and payout_apply_ruling (by the version of the row). */
static const struct payout_transition {
	enum payout_event event;
	unsigned from;
	enum payout_state to;
} payout_transitions[] = {
	{ PAYOUT_EVENT_APPROVE, STATE_BIT(PAYOUT_PENDING), PAYOUT_APPROVED },
	{ PAYOUT_EVENT_PAY_BY_HAND, DECIDABLE, PAYOUT_COMPLETED },
	{ PAYOUT_EVENT_REJECT, DECIDABLE, PAYOUT_REJECTED },
	{ PAYOUT_EVENT_SEND, STATE_BIT(PAYOUT_APPROVED), PAYOUT_PROCESSING },
	{ PAYOUT_EVENT_ACCEPTED, ON_ITS_WAY, PAYOUT_PROCESSING },
	{ PAYOUT_EVENT_PAID, ON_ITS_WAY, PAYOUT_COMPLETED },
	{ PAYOUT_EVENT_PAID_LATE, RETURNED, PAYOUT_COMPLETED },
	{ PAYOUT_EVENT_FAILED, STATE_BIT(PAYOUT_PROCESSING), PAYOUT_FAILED },
	{ PAYOUT_EVENT_UNREACHED, STATE_BIT(PAYOUT_PROCESSING), PAYOUT_APPROVED },
	{ PAYOUT_EVENT_RESOLVE_PAID, SENT | DECIDABLE, PAYOUT_COMPLETED },
	{ PAYOUT_EVENT_RESOLVE_RETURNED, STATE_BIT(PAYOUT_PROCESSING) | STATE_BIT(PAYOUT_COMPLETED),
		PAYOUT_REJECTED },
	{ PAYOUT_EVENT_RESOLVE_RETURNED, RETURNED | DECIDABLE, TO_SAME },
	{ PAYOUT_EVENT_RESOLVE_WRITTEN_OFF, STATE_BIT(PAYOUT_PROCESSING), PAYOUT_REJECTED },
	{ PAYOUT_EVENT_RESOLVE_WRITTEN_OFF, STATE_BIT(PAYOUT_COMPLETED) | RETURNED | DECIDABLE,
		TO_SAME },
};

bool payout_next(enum payout_state from, enum payout_event event, enum payout_state *ret)
{
	for (size_t i = 0; i < COUNT_OF(payout_transitions); i++) {
		const struct payout_transition *row = &payout_transitions[i];

		if (row->event != event || !(row->from & STATE_BIT(from)))
			continue;
		*ret = row->to == TO_SAME ? from : row->to;
		return true;
	}
	return false;
}

/* --- Times ------------------------------------------------------------------------------------ */

static int64_t payout_at_least(int64_t seconds, int64_t least)
{
	return seconds > least ? seconds : least;
}

int64_t payout_retry_delay(int64_t checks)
{
	int64_t delay = RETRY_FIRST_S << (checks < 10 ? checks : 10);

	return delay < RETRY_MOST_S ? delay : RETRY_MOST_S;
}

int64_t payout_check_delay(const struct payout_facts *payout)
{
	if (payout->discrepancy.at)
		return payout->sent_age_s >= 0 && payout->sent_age_s < DISCREPANCY_FOR_S
			? payout_at_least(payout->sent_age_s / 4, HOUR_S)
			: PAYOUT_NO_CHECK;
	if (ON_ITS_WAY & STATE_BIT(payout->state))
		return payout_retry_delay(payout->checks);
	if (payout->ended_age_s < 0 || payout->ended_age_s >= ENDED_FOR_S)
		return PAYOUT_NO_CHECK;
	return payout_at_least(payout->ended_age_s / 4,
		payout->gateway_reference.at ? ENDED_FIRST_S : SEARCH_FIRST_S);
}

/* --- Answers of the gateway ------------------------------------------------------------------- */

static const char unanswered[] = "The gateway does not say what became of it";

static bool payout_text_same(struct text a, struct text b)
{
	return a.at && b.at ? text_is(a, b) : a.at == b.at;
}

/* Records ret->text as a discrepancy. */
static void decide_discrepancy(const struct payout_facts *payout, struct payout_decision *ret)
{
	struct payout_facts after = *payout;

	after.discrepancy = text_of(ret->text);
	ret->action = PAYOUT_DISCREPANCY;
	ret->next_check_s = payout_check_delay(&after);
}

static void decide_return(struct payout_decision *ret, struct text why, int64_t next_check_s)
{
	ret->action = PAYOUT_RETURN;
	ret->next = PAYOUT_FAILED;
	ret->next_check_s = next_check_s;
	text_copy_truncated(ret->text, sizeof(ret->text), why);
}

/* An admin resolved it knowing what the gateway paid. */
static bool paid_is_booked(const struct payout_facts *payout)
{
	return payout->resolution == PAYOUT_RESOLVED_WRITTEN_OFF ||
		(payout->resolution != PAYOUT_UNRESOLVED && payout->paid_amount >= 0);
}

static void decide_completed(const struct payout_facts *payout, const struct payout_answer *answer,
	struct text reference, struct payout_decision *ret)
{
	struct text by_hand = payout->transaction_reference;

	if (payout_text_same(by_hand, reference)) {
		ret->action = PAYOUT_CLEAR;
		ret->next_check_s = PAYOUT_NO_CHECK;
		return;
	}
	ret->paid_amount = answer->amount == payout->amount - payout->fee ? -1 : answer->amount;
	if (!by_hand.at)
		by_hand = TEXT("no reference");
	snprintf(ret->text, sizeof(ret->text), "The gateway paid it, and so did we by hand: %.*s",
		TEXT_ARGS(by_hand));
	decide_discrepancy(payout, ret);
}

static void decide_paid(const struct payout_facts *payout, const struct payout_answer *answer,
	struct text reference, struct payout_decision *ret)
{
	int64_t net = payout->amount - payout->fee;

	if (paid_is_booked(payout))
		return;
	if (payout->state == PAYOUT_COMPLETED)
		return decide_completed(payout, answer, reference, ret);
	if (answer->amount >= 0 && answer->amount != net) {
		ret->paid_amount = answer->amount;
		snprintf(ret->text, sizeof(ret->text), "The gateway paid %lld in place of %lld",
			(long long)answer->amount, (long long)net);
		return decide_discrepancy(payout, ret);
	}
	if (payout_next(payout->state, PAYOUT_EVENT_PAID, &ret->next)) {
		ret->action = PAYOUT_SETTLE;
	} else if (payout->sent_age_s >= 0 && !answer->wallet_short &&
		payout_next(payout->state, PAYOUT_EVENT_PAID_LATE, &ret->next)) {
		ret->action = PAYOUT_SETTLE_LATE;
	} else {
		char word[16] = "";

		for (size_t i = 0; payout_status_words[payout->state][i] && i < 15; i++)
			word[i] = (char)(payout_status_words[payout->state][i] | 0x20);
		snprintf(ret->text, sizeof(ret->text), "The gateway paid what is %s here", word);
		decide_discrepancy(payout, ret);
	}
}

/* A pay-out that has no end for too long is for an admin. An answer clears the discrepancy that the
 * gateway gave none. */
static void decide_wait(const struct payout_facts *payout, enum payout_answer_kind kind,
	struct payout_decision *ret)
{
	bool too_long = payout->sent_age_s >
		(kind == PAYOUT_ANSWER_UNKNOWN ? UNANSWERED_AFTER_S : UNENDED_AFTER_S);

	if (!payout->discrepancy.at && too_long) {
		snprintf(ret->text, sizeof(ret->text), "%s",
			kind == PAYOUT_ANSWER_PENDING
				? "The gateway has not ended it for more than a day"
				: unanswered);
		decide_discrepancy(payout, ret);
	} else if (kind == PAYOUT_ANSWER_PENDING && !too_long &&
		text_is(payout->discrepancy, text_of(unanswered)))
		ret->action = PAYOUT_CLEAR;
}

static void decide_failed(const struct payout_facts *payout, const struct payout_answer *answer,
	struct text reference, struct payout_decision *ret)
{
	if (payout->state == PAYOUT_COMPLETED && payout->resolution == PAYOUT_UNRESOLVED &&
		payout_text_same(payout->transaction_reference, reference)) {
		snprintf(ret->text, sizeof(ret->text), "The gateway failed what is completed here");
		decide_discrepancy(payout, ret);
	} else if (payout->state == PAYOUT_PROCESSING)
		decide_return(ret, answer->why, ENDED_FIRST_S);
}

/* The call to send it got no transaction as its answer. */
static void decide_unsent(const struct payout_facts *payout, const struct payout_answer *answer,
	struct payout_decision *ret)
{
	switch (answer->kind) {
	case PAYOUT_ANSWER_REFUSED:
		return decide_return(ret, answer->why, PAYOUT_NO_CHECK);
	case PAYOUT_ANSWER_UNREACHED:
		ret->next = PAYOUT_APPROVED;
		ret->next_check_s = payout_retry_delay(payout->checks);
		ret->checks = payout->checks + 1;
		return;
	default:
		ret->next_check_s = payout_retry_delay(0);
		ret->checks = 0;
	}
}

static void decide_missing(const struct payout_facts *payout, const struct payout_answer *answer,
	struct payout_decision *ret)
{
	if (payout->sent_age_s <= MISSING_AFTER_S)
		return;
	if (answer->kind == PAYOUT_ANSWER_UNNAMED) {
		snprintf(ret->text, sizeof(ret->text),
			"It may be one of those that the gateway paid without naming them");
		decide_discrepancy(payout, ret);
	} else
		decide_return(ret, TEXT("The payment service does not know of it"), SEARCH_FIRST_S);
}

static void decide_by_kind(const struct payout_facts *payout, const struct payout_answer *answer,
	struct text reference, struct payout_decision *ret)
{
	bool processing = payout->state == PAYOUT_PROCESSING;

	switch (answer->kind) {
	case PAYOUT_ANSWER_PAID:
		return decide_paid(payout, answer, reference, ret);
	case PAYOUT_ANSWER_FAILED:
		return decide_failed(payout, answer, reference, ret);
	case PAYOUT_ANSWER_PENDING:
		if (!payout_next(payout->state, PAYOUT_EVENT_ACCEPTED, &ret->next))
			return;
		ret->next_check_s = payout_check_delay(payout);
		return decide_wait(payout, answer->kind, ret);
	case PAYOUT_ANSWER_UNKNOWN:
	case PAYOUT_ANSWER_NOT_ASKED:
		return processing ? decide_wait(payout, answer->kind, ret) : (void)0;
	case PAYOUT_ANSWER_MISSING:
	case PAYOUT_ANSWER_UNNAMED:
		return processing && !reference.at ? decide_missing(payout, answer, ret) : (void)0;
	default:
		return processing && !reference.at ? decide_unsent(payout, answer, ret) : (void)0;
	}
}

void payout_decide(const struct payout_facts *payout, const struct payout_answer *answer,
	struct payout_decision *ret)
{
	bool reported = answer->kind <= PAYOUT_ANSWER_FAILED;
	bool take = reported && !payout->gateway_reference.at && answer->reference.at;
	struct payout_facts known = *payout;

	*ret = (struct payout_decision){ .action = PAYOUT_KEEP,
		.next = payout->state,
		.checks = payout->checks,
		.next_check_s = PAYOUT_CHECK_UNCHANGED,
		.paid_amount = -1 };
	if (answer->reference_taken) {
		if (payout->resolution == PAYOUT_UNRESOLVED) {
			snprintf(ret->text, sizeof(ret->text),
				"The gateway gave it the reference of another pay-out: %.*s",
				TEXT_ARGS(answer->reference));
			decide_discrepancy(payout, ret);
		}
		return;
	}
	ret->take_reference = take;
	if (take)
		known.gateway_reference = answer->reference;
	decide_by_kind(&known, answer, known.gateway_reference, ret);
}

/* --- Decisions of admins ---------------------------------------------------------------------- */

static bool payout_needs_two(const struct payout_facts *payout, const struct payout_act *act)
{
	return act->two_admins_from > 0 && payout->amount >= act->two_admins_from;
}

/* Of large amounts a second admin must decide the same. */
static int rule_resolution(const struct payout_facts *payout, const struct payout_act *act,
	enum payout_resolution resolution, struct payout_ruling *ret)
{
	bool first = payout_needs_two(payout, act) && payout->first_resolution != resolution;
	enum payout_event event = (enum payout_event)(
		PAYOUT_EVENT_RESOLVE_PAID + (int)resolution - PAYOUT_RESOLVED_PAID);

	if (payout_needs_two(payout, act) && !first &&
		text_is(payout->first_resolved_by, act->admin))
		return E_SAME_ADMIN;
	*ret = (struct payout_ruling){ .resolution = resolution,
		.next = payout->state,
		.step = first ? PAYOUT_STEP_NOTE_RESOLUTION : PAYOUT_STEP_RESOLVE };
	ret->next_check_s = payout->state == PAYOUT_PROCESSING && payout->paid_amount < 0
		? ENDED_FIRST_S
		: PAYOUT_NO_CHECK;
	if (!first && !payout_next(payout->state, event, &ret->next))
		return E_TROUBLE_OTHER;
	return 0;
}

static int rule_approve(
	const struct payout_facts *payout, const struct payout_act *act, struct payout_ruling *ret)
{
	bool by_hand = act->reference.at || payout->transaction_reference.at;
	enum payout_event event = by_hand ? PAYOUT_EVENT_PAY_BY_HAND : PAYOUT_EVENT_APPROVE;

	if (payout->state == PAYOUT_PROCESSING && payout->discrepancy.at && act->reference.at)
		return rule_resolution(payout, act, PAYOUT_RESOLVED_PAID, ret);
	*ret = (struct payout_ruling){ .next = payout->state,
		.next_check_s = payout->mobile_money && !by_hand ? 0 : PAYOUT_NO_CHECK };
	if (payout->state == PAYOUT_APPROVED && !payout->gateway_reference.at &&
		act->reference.at) {
		ret->step = PAYOUT_STEP_COMPLETE;
	} else if (payout->state != PAYOUT_PENDING) {
		return E_PAYOUT_DECIDED;
	} else if (payout_needs_two(payout, act) && !payout->first_approved_by.at) {
		ret->step = PAYOUT_STEP_NOTE_APPROVAL;
		return 0;
	} else if (payout_needs_two(payout, act) &&
		text_is(payout->first_approved_by, act->admin)) {
		return E_SAME_ADMIN;
	} else {
		ret->step = PAYOUT_STEP_APPROVE;
	}
	return payout_next(payout->state, event, &ret->next) ? 0 : E_PAYOUT_DECIDED;
}

static int rule_reject(
	const struct payout_facts *payout, const struct payout_act *act, struct payout_ruling *ret)
{
	if (payout->state == PAYOUT_PROCESSING && payout->discrepancy.at)
		return rule_resolution(payout, act, PAYOUT_RESOLVED_RETURNED, ret);
	*ret = (struct payout_ruling){ .step = PAYOUT_STEP_REJECT,
		.next_check_s = PAYOUT_NO_CHECK };
	return payout_next(payout->state, PAYOUT_EVENT_REJECT, &ret->next) ? 0 : E_PAYOUT_DECIDED;
}

/* A completed one can only be returned when the gateway failed it, and only be written off when the
 * gateway paid it besides us. */
static bool resolution_fits(const struct payout_facts *payout, enum payout_resolution resolution)
{
	if (resolution == PAYOUT_RESOLVED_PAID || payout->state != PAYOUT_COMPLETED)
		return true;
	return resolution ==
		(payout_text_same(payout->transaction_reference, payout->gateway_reference)
				? PAYOUT_RESOLVED_RETURNED
				: PAYOUT_RESOLVED_WRITTEN_OFF);
}

static int rule_resolve(
	const struct payout_facts *payout, const struct payout_act *act, struct payout_ruling *ret)
{
	enum payout_resolution resolution = (enum payout_resolution)(
		PAYOUT_RESOLVED_PAID + (int)act->event - PAYOUT_EVENT_RESOLVE_PAID);

	if (!payout->discrepancy.at && payout->resolution != resolution)
		return E_NO_TROUBLE;
	if (!payout->discrepancy.at) {
		*ret = (struct payout_ruling){ .step = PAYOUT_STEP_NONE,
			.resolution = resolution,
			.next = payout->state,
			.next_check_s = PAYOUT_CHECK_UNCHANGED };
		return 0;
	}
	if (!resolution_fits(payout, resolution))
		return E_TROUBLE_OTHER;
	return rule_resolution(payout, act, resolution, ret);
}

int payout_rule(
	const struct payout_facts *payout, const struct payout_act *act, struct payout_ruling *ret)
{
	if (act->event == PAYOUT_EVENT_APPROVE)
		return rule_approve(payout, act, ret);
	if (act->event == PAYOUT_EVENT_REJECT)
		return rule_reject(payout, act, ret);
	return rule_resolve(payout, act, ret);
}
