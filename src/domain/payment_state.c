/* SPDX-License-Identifier: MIT
 *
 * The transition table of payments, and the times and texts that go with it.
 */
#include "reeyo/domain/payment_state.h"

#include <string.h>

#include "reeyo/core/memory.h"

#define OPEN_FIRST_S 5
#define OPEN_MOST_S 600
#define ENDED_FIRST_S 600
#define NOT_TAKEN_FOR_S 3600

const char *const payment_state_words[] = { "CREATED", "PENDING", "SUCCEEDED", "FAILED", "EXPIRED",
	"MISMATCH", NULL };

enum payment_state payment_state_named(struct text word)
{
	enum payment_state state = PAYMENT_CREATED;

	while (state < PAYMENT_STATES && !text_is(word, text_of(payment_state_words[state])))
		state++;
	return state;
}

/* --- Transitions ------------------------------------------------------------------------------ */

#define STATE_BIT(state) (1u << (state))
#define OPEN (STATE_BIT(PAYMENT_CREATED) | STATE_BIT(PAYMENT_PENDING))

/* Guarded by the statements payment_record and payments_expire
 * (tests/unit/service/money_rules_test.c). */
static const struct payment_transition {
	unsigned from;
	enum payment_state to;
} payment_transitions[PAYMENT_EVENTS] = {
	[PAYMENT_ACCEPTED] = { STATE_BIT(PAYMENT_CREATED), PAYMENT_PENDING },
	[PAYMENT_PAID] = { OPEN | STATE_BIT(PAYMENT_FAILED) | STATE_BIT(PAYMENT_EXPIRED) |
			STATE_BIT(PAYMENT_MISMATCH),
		PAYMENT_SUCCEEDED },
	[PAYMENT_PAID_OTHER] = { OPEN | STATE_BIT(PAYMENT_FAILED) | STATE_BIT(PAYMENT_EXPIRED),
		PAYMENT_MISMATCH },
	[PAYMENT_DECLINED] = { OPEN | STATE_BIT(PAYMENT_EXPIRED), PAYMENT_FAILED },
	[PAYMENT_NOT_TAKEN] = { STATE_BIT(PAYMENT_CREATED) | STATE_BIT(PAYMENT_EXPIRED),
		PAYMENT_FAILED },
	[PAYMENT_TIMED_OUT] = { OPEN, PAYMENT_EXPIRED },
};

enum payment_event payment_success_event(int64_t paid, int64_t expected)
{
	if (paid < 0)
		return PAYMENT_ACCEPTED; /* a success without an amount proves nothing yet */
	return paid == expected ? PAYMENT_PAID : PAYMENT_PAID_OTHER;
}

bool payment_next(enum payment_state from, enum payment_event event, enum payment_state *ret)
{
	if (!(payment_transitions[event].from & STATE_BIT(from)))
		return false;
	*ret = payment_transitions[event].to;
	return true;
}

enum payment_state payment_state_after(enum payment_event event)
{
	return payment_transitions[event].to;
}

size_t payment_states_before(enum payment_event event, const char *ret[PAYMENT_STATES])
{
	size_t count = 0;

	for (unsigned state = 0; state < PAYMENT_STATES; state++)
		if (payment_transitions[event].from & STATE_BIT(state))
			ret[count++] = payment_state_words[state];
	return count;
}

/* --- Times ------------------------------------------------------------------------------------ */

static int64_t payment_longer(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t payment_open_delay(int64_t checks)
{
	int64_t delay = OPEN_FIRST_S << (checks < 10 ? checks : 10);

	return delay < OPEN_MOST_S ? delay : OPEN_MOST_S;
}

int64_t payment_check_delay(
	enum payment_state state, int64_t checks, int64_t age_s, bool has_reference)
{
	bool lost = state == PAYMENT_FAILED && !has_reference;

	if (OPEN & STATE_BIT(state))
		return payment_open_delay(checks);
	if (state != PAYMENT_FAILED && state != PAYMENT_EXPIRED)
		return PAYMENT_NO_CHECK;
	if (age_s >= (lost ? NOT_TAKEN_FOR_S : PAYMENT_CHECKED_FOR_S))
		return PAYMENT_NO_CHECK;
	return payment_longer(ENDED_FIRST_S, age_s / 4);
}

/* --- Reasons ---------------------------------------------------------------------------------- */

static const struct payment_reason {
	const char *code, *english, *french;
} payment_reasons[] = {
	{ PAYMENT_REASON_OTHER_AMOUNT, "Another amount was paid; support has been told",
		"Un autre montant a été payé ; notre équipe en est informée" },
	{ PAYMENT_REASON_SETTLED, "Another amount was paid; support has settled it with you",
		"Un autre montant a été payé ; notre équipe l'a réglé avec vous" },
	{ PAYMENT_REASON_NO_ANSWER,
		"The payment service does not say whether you have paid; nothing was credited",
		"Le service de paiement ne dit pas si vous avez payé ; rien n'a été crédité" },
	{ PAYMENT_REASON_EXPIRED, "It was not paid in time", "Il n'a pas été fait à temps" },
	{ PAYMENT_REASON_UNREACHED, "The mobile-money service could not be reached",
		"Le service mobile money ne répondait pas" },
	{ PAYMENT_REASON_NOT_SENT, "It never reached the mobile-money service",
		"Il n'est jamais parvenu au service mobile money" },
	{ PAYMENT_REASON_FAILED, "The payment failed", "Le paiement a échoué" },
};

const char *payment_reason_text(const char *code, bool french)
{
	for (size_t i = 0; i < COUNT_OF(payment_reasons); i++)
		if (strcmp(code, payment_reasons[i].code) == 0)
			return french ? payment_reasons[i].french : payment_reasons[i].english;
	return code;
}
