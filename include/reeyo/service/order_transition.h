/* SPDX-License-Identifier: MIT
 *
 * The order machine: one function moves an order, for every actor. It decides by domain/order.h,
 * either from the order that it read or for every state in advance, writes with one statement that
 * succeeds only if the decision fits the order, and invalidates the caches. When it does not fit,
 * the transition is decided again from the new state. A repetition (the same key, or the same act
 * by the same actor while its effect holds) gets the first result and changes nothing.
 *
 * Orders that expire, orders whose payment fails and orders whose rider may not work any more are
 * moved by statements of their own (order_expire, payment_end, orders_watch): each moves orders by
 * the same SQL functions, in the states that the caller takes from order_states_before.
 */
#ifndef REEYO_SERVICE_ORDER_TRANSITION_H
#define REEYO_SERVICE_ORDER_TRANSITION_H

#include <stdbool.h>
#include <stdint.h>

#include "reeyo/core/id.h"
#include "reeyo/core/memory.h"
#include "reeyo/db/db.h"
#include "reeyo/domain/order.h"
#include "reeyo/domain/split.h"
#include "reeyo/loop/app.h"

/* One transition. Belongs to the caller, who fills the first part, and lives until done is called.
 * Texts in it live as long; NULL: absent. */
struct order_transition {
	struct arena *arena; /* for texts of the order; lives until done is called */
	enum order_act act;
	enum order_actor by;     /* BY_ADMIN and BY_SYSTEM may move any order, others their own */
	const char *actor_id;    /* the account that acts; NULL: BY_SYSTEM */
	const char *order;       /* id or number */
	const char *rider_id;    /* ACT_ASSIGN: the rider to assign */
	const char *note;        /* a note or the reason (ACT_REJECT, ACT_RELEASE, ACT_CANCEL) */
	const char *photo;       /* ACT_PICK_UP, ACT_COMPLETE */
	const char *occurred_at; /* RFC 3339; NULL: now */
	const char *location;    /* JSON {"lat":…,"lng":…} */
	const char *code;        /* ACT_COMPLETE: the delivery code */
	int64_t minutes;         /* ACT_ACCEPT: preparation; 0: the vendor's average */
	enum vendor_pay pay;     /* ACT_CANCEL BY_ADMIN: whether the vendor is compensated */
	const char *key, *fingerprint; /* Idempotency-Key and what it was sent with */
	const char *reply; /* the body to store with the key; NULL: the Order in an envelope */
	const char *audit; /* BY_ADMIN: the entry for admin_audit_add, JSON */
	/* Called exactly once, on the loop of the app; when memory is out, before
	 * order_transition_run returns. */
	void (*done)(struct order_transition *transition);
	void *owner; /* the caller's */

	/* --- The result, set when done is called ---
	 * 0, or why the order was not moved: E_ORDER_NOT_FOUND, E_ORDER_NOT_OWNER, E_ORDER_TAKEN,
	 * E_RIDER_OFFLINE, E_RIDER_NOT_FOUND, E_RIDER_NOT_READY, E_SUSPENDED, E_NOT_APPROVED,
	 * E_INACTIVE, E_WRONG_DELIVERY_CODE, E_IDEMPOTENCY_MISMATCH, E_IDEMPOTENCY_RUNNING,
	 * E_CONFLICT, those of order_next_status, those of the database, and E_VALIDATION with
	 * `fault`. */
	int error;
	enum {
		TRANSITION_FAULT_NONE,
		TRANSITION_TOO_OLD,  /* occurred_at: more than 30 minutes ago */
		TRANSITION_AHEAD,    /* in the future */
		TRANSITION_BEFORE,   /* before the previous act */
		TRANSITION_NO_VENDOR /* pay is VENDOR_PAY for an order without a vendor */
	} fault;
	const char *id;        /* of the order */
	struct text order_row; /* the order after the act, bytes of a record order_user_row */
	/* The key was used by an earlier request: its status and its body (not order_row) are the
	 * result. 0: it was not. */
	int replayed_status;
	struct text replayed_body;
	/* Riders whose orders have changed; NULL: none. What auth caches of them is to be
	 * invalidated by the caller (this layer is below auth). */
	const char *rider_before, *rider_after;

	/* --- Private --- */
	struct app *app;
	struct db_call call;
	unsigned rounds;
	void (*next)(struct order_transition *transition);
	struct order_facts facts;
	enum order_status status;
	bool payable;
	const char *user_id, *vendor_id, *rider_read, *restocked_vendor_id;
	struct split_terms terms;
	char entries[4][ID_SIZE], offer[ID_SIZE];
};

void order_transition_run(struct app *app, struct order_transition *transition);

#endif
