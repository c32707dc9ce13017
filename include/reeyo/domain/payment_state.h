/* SPDX-License-Identifier: MIT
 *
 * The states of a payment (top-up or payment of an order): one table of events and transitions,
 * the times between two queries of the gateway, and the reasons of a failure as the customer reads
 * them. SQL compares and sets: the statements get the allowed states, times and texts as
 * parameters.
 *
 * All functions: any thread.
 */
#ifndef REEYO_DOMAIN_PAYMENT_STATE_H
#define REEYO_DOMAIN_PAYMENT_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reeyo/core/text.h"

enum payment_state {
	PAYMENT_CREATED,   /* written; the gateway has not answered yet */
	PAYMENT_PENDING,   /* the gateway has it; the customer has not paid */
	PAYMENT_SUCCEEDED, /* paid and booked */
	PAYMENT_FAILED,
	PAYMENT_EXPIRED,  /* not paid in time; may still succeed */
	PAYMENT_MISMATCH, /* another amount was paid; nothing is booked until an admin decides */
	PAYMENT_STATES
};
extern const char *const payment_state_words[]; /* by state; ends with NULL */
/* PAYMENT_STATES: unknown word. */
enum payment_state payment_state_named(struct text word);

enum payment_event {
	PAYMENT_ACCEPTED,   /* the gateway has it and it is not paid, or paid without an amount */
	PAYMENT_PAID,       /* a query confirms the amount */
	PAYMENT_PAID_OTHER, /* a query reports another amount */
	PAYMENT_DECLINED,   /* the gateway reports a failure */
	PAYMENT_NOT_TAKEN,  /* the gateway refused it or cannot have received it. Only while it has
			     * no reference: the statement guards that */
	PAYMENT_TIMED_OUT,
	PAYMENT_EVENTS
};
/* The event of a reported success. paid: -1 when the report has no amount. */
enum payment_event payment_success_event(int64_t paid, int64_t expected);

/* False: the event does not change a payment in this state. */
bool payment_next(enum payment_state from, enum payment_event event, enum payment_state *ret);
enum payment_state payment_state_after(enum payment_event event);
/* The states that an event changes, for guards of statements: writes their words and returns how
 * many. A decided payment (resolution) never changes; the statements guard that. */
size_t payment_states_before(enum payment_event event, const char *ret[PAYMENT_STATES]);

/* --- Times, in seconds ------------------------------------------------------------------------ */

#define PAYMENT_NO_CHECK (-1)
/* A failed or expired payment is queried until it is this old. */
#define PAYMENT_CHECKED_FOR_S (48 * 3600)
/* A payment that the history does not have after this time never reached the gateway. */
#define PAYMENT_LOST_AFTER_S 900
/* When its customer reads an open or an ended payment, the gateway is queried at most this often.
 */
#define PAYMENT_OPEN_QUERY_GAP_S 3
#define PAYMENT_ENDED_QUERY_GAP_S 60
/* A callback causes at most one query in this time … */
#define PAYMENT_CALLBACK_GAP_S 1
/* … and a check by the poller after this time, in case that query fails. */
#define PAYMENT_CALLBACK_CHECK_S 5

/* The time to the next query of the gateway; PAYMENT_NO_CHECK: none. An open payment is queried
 * after 5, 10, 20 … 600 s. A failed or expired one is queried for two more days, at growing
 * intervals, because it may still succeed. One that failed without a reference never reached the
 * gateway: it is searched for in the history for an hour only, since each search reads the whole
 * day. checks: earlier checks. */
int64_t payment_check_delay(
	enum payment_state state, int64_t checks, int64_t age_s, bool has_reference);

/* --- Reasons ---------------------------------------------------------------------------------- */

/* Why a payment failed: a code of our own, stored in `failure`, or the gateway's text. */
#define PAYMENT_REASON_OTHER_AMOUNT "ANOTHER_AMOUNT"
#define PAYMENT_REASON_SETTLED "SETTLED_OUTSIDE" /* other amount, decided so by an admin */
#define PAYMENT_REASON_NO_ANSWER "UNTOLD"        /* expired, and the history cannot be read */
#define PAYMENT_REASON_EXPIRED "EXPIRED"
#define PAYMENT_REASON_UNREACHED "UNREACHED" /* the customer got this as an error reply */
#define PAYMENT_REASON_NOT_SENT "NOT_SENT"
#define PAYMENT_REASON_FAILED "FAILED"

/* The text for the customer; of a code that is not ours, the code itself. */
const char *payment_reason_text(const char *code, bool french);

#endif
