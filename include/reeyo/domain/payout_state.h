/* SPDX-License-Identifier: MIT
 *
 * The states of a pay-out: one table of events and transitions, what an answer of the gateway
 * changes, what a decision of an admin changes, and the times between two checks. SQL compares and
 * sets: a statement changes a row only while it is the version that was decided on.
 *
 * A contradiction between a pay-out and the gateway is a discrepancy (column `trouble`). It moves
 * no money; an admin resolves it.
 *
 * All functions: any thread.
 */
#ifndef REEYO_DOMAIN_PAYOUT_STATE_H
#define REEYO_DOMAIN_PAYOUT_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "reeyo/core/error.h"
#include "reeyo/core/text.h"

enum payout_state {
	PAYOUT_PENDING,    /* requested; waits for an admin */
	PAYOUT_APPROVED,   /* waits to be sent, or for the reference of a bank transfer */
	PAYOUT_PROCESSING, /* sent, or about to be sent */
	PAYOUT_COMPLETED,
	PAYOUT_FAILED,   /* the amount is back in the wallet */
	PAYOUT_REJECTED, /* the amount is back in the wallet */
	PAYOUT_STATES
};
extern const char *const payout_status_words[]; /* by state; ends with NULL */
extern const char *const payout_method_words[];
/* PAYOUT_STATES: unknown word. */
enum payout_state payout_state_named(struct text word);

enum payout_resolution {
	PAYOUT_UNRESOLVED,
	PAYOUT_RESOLVED_PAID,        /* the owner has been paid */
	PAYOUT_RESOLVED_RETURNED,    /* the owner gets back what he was not paid */
	PAYOUT_RESOLVED_WRITTEN_OFF, /* the owner keeps all; the loss is the platform's */
	PAYOUT_RESOLUTIONS
};
extern const char *const payout_resolution_words[]; /* from PAYOUT_RESOLVED_PAID on; NULL-ended */
enum payout_resolution payout_resolution_named(struct text word);

enum payout_event {
	PAYOUT_EVENT_APPROVE,
	PAYOUT_EVENT_PAY_BY_HAND, /* an admin paid it and gives the reference */
	PAYOUT_EVENT_REJECT,
	PAYOUT_EVENT_SEND,
	PAYOUT_EVENT_ACCEPTED, /* the gateway has it */
	PAYOUT_EVENT_PAID,
	PAYOUT_EVENT_PAID_LATE,    /* paid after the amount had been returned */
	PAYOUT_EVENT_FAILED,       /* failed, refused, or missing in the history */
	PAYOUT_EVENT_UNREACHED,    /* the gateway cannot have received the call */
	PAYOUT_EVENT_RESOLVE_PAID, /* the next three: an admin resolves a discrepancy */
	PAYOUT_EVENT_RESOLVE_RETURNED,
	PAYOUT_EVENT_RESOLVE_WRITTEN_OFF,
	PAYOUT_EVENTS
};
/* False: the event is not possible in this state. */
bool payout_next(enum payout_state from, enum payout_event event, enum payout_state *ret);

/* A row as the rules see it. Texts: valid as long as the caller keeps them; TEXT_NONE: NULL. */
struct payout_facts {
	enum payout_state state;
	enum payout_resolution resolution, first_resolution;
	bool mobile_money; /* paid by the gateway; else a bank transfer */
	int64_t amount, fee;
	int64_t paid_amount; /* what the gateway paid when that differs; -1: unknown */
	int64_t checks;      /* since it was sent */
	int64_t sent_age_s;  /* since it was last sent; -1: never sent */
	int64_t ended_age_s; /* since it was completed or returned; -1: not ended */
	struct text gateway_reference, transaction_reference, discrepancy;
	struct text first_approved_by, first_resolved_by;
};

/* --- Times, in seconds ------------------------------------------------------------------------ */

#define PAYOUT_NO_CHECK (-1)
/* 5, 10, 20 … 300 s. */
int64_t payout_retry_delay(int64_t checks);
/* The time to the next check; PAYOUT_NO_CHECK: none. With a discrepancy: hourly, then at growing
 * intervals, for a month. After the end: at growing intervals for two days, because the gateway may
 * still pay; at least 6 hours apart when each check reads the history. */
int64_t payout_check_delay(const struct payout_facts *payout);

/* --- Answers of the gateway ------------------------------------------------------------------- */

enum payout_answer_kind {
	PAYOUT_ANSWER_PENDING, /* these three: the gateway reported the transaction */
	PAYOUT_ANSWER_PAID,
	PAYOUT_ANSWER_FAILED,
	PAYOUT_ANSWER_REFUSED, /* these three: the call to send it */
	PAYOUT_ANSWER_UNREACHED,
	PAYOUT_ANSWER_UNCERTAIN,
	PAYOUT_ANSWER_UNKNOWN,   /* a query or search: the gateway does not know it or cannot answer
				  */
	PAYOUT_ANSWER_NOT_ASKED, /* a query or search did not reach the gateway */
	PAYOUT_ANSWER_MISSING,   /* not in the history */
	PAYOUT_ANSWER_UNNAMED,   /* not in the history, but an unnamed one of that amount is */
	PAYOUT_ANSWERS
};
extern const char *const payout_answer_words[PAYOUT_ANSWERS]; /* for logs */

struct payout_answer {
	enum payout_answer_kind kind;
	struct text reference; /* the gateway's */
	int64_t amount;        /* paid; -1: unknown */
	struct text why;       /* of a failure */
	bool reference_taken;  /* another pay-out has this reference */
	bool wallet_short;     /* the wallet cannot pay a late success: see PAYOUT_SETTLE_LATE */
};

enum payout_action {
	PAYOUT_KEEP,        /* nothing is final; see also next_check_s and take_reference */
	PAYOUT_SETTLE,      /* book the payment from the held amount */
	PAYOUT_SETTLE_LATE, /* book it from the available balance. If that is too low, decide again
			     * with wallet_short */
	PAYOUT_RETURN,      /* return the amount to the wallet; `text` is the reason */
	PAYOUT_DISCREPANCY, /* record `text` for an admin */
	PAYOUT_CLEAR        /* a discrepancy has ended by itself */
};
#define PAYOUT_CHECK_UNCHANGED (-2)
struct payout_decision {
	enum payout_action action;
	enum payout_state next;
	bool take_reference;  /* store the reference of the answer */
	int64_t checks;       /* new value */
	int64_t next_check_s; /* or PAYOUT_NO_CHECK, PAYOUT_CHECK_UNCHANGED */
	int64_t paid_amount;  /* with a discrepancy; -1: unchanged */
	char text[400];
};
/* What an answer changes. The statement payout_apply_answer applies it while the row is unchanged.
 */
void payout_decide(const struct payout_facts *payout, const struct payout_answer *answer,
	struct payout_decision *ret);

/* --- Decisions of admins ---------------------------------------------------------------------- */

struct payout_act {
	enum payout_event event; /* APPROVE, REJECT or one of RESOLVE_… */
	struct text admin;
	struct text reference;   /* of a payment by hand; TEXT_NONE */
	int64_t two_admins_from; /* amounts from here on need two admins; 0: never */
};
enum payout_step {
	PAYOUT_STEP_NOTE_APPROVAL, /* the first of two admins */
	PAYOUT_STEP_APPROVE,
	PAYOUT_STEP_COMPLETE, /* paid by hand */
	PAYOUT_STEP_REJECT,
	PAYOUT_STEP_NOTE_RESOLUTION, /* the first of two admins */
	PAYOUT_STEP_RESOLVE,
	PAYOUT_STEP_NONE /* it was resolved so before */
};
struct payout_ruling {
	enum payout_step step;
	enum payout_resolution resolution; /* of the last three steps */
	enum payout_state next;
	int64_t next_check_s;
};
/* 0, E_PAYOUT_DECIDED, E_NO_TROUBLE, E_TROUBLE_OTHER or E_SAME_ADMIN. The statement
 * payout_apply_ruling applies it while the row is unchanged. */
int payout_rule(const struct payout_facts *payout, const struct payout_act *act,
	struct payout_ruling *ret) MUST_CHECK;

#endif
