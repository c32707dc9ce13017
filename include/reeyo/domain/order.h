/* SPDX-License-Identifier: MIT
 *
 * Types, statuses and payment methods of orders (contract §1) and the state machine (contract
 * §2.1). One table lists which actor may move an order from which state to which. The SQL statement
 * checks the same states again.
 */
#ifndef REEYO_DOMAIN_ORDER_H
#define REEYO_DOMAIN_ORDER_H

#include <stdbool.h>

#include "reeyo/core/error.h"
#include "reeyo/core/id.h"
#include "reeyo/core/text.h"

enum order_type { FOOD, MART, PACKAGE, ORDER_TYPES };

enum order_status {
	PENDING,
	ACCEPTED,
	PREPARING,
	READY_FOR_PICKUP,
	RIDER_ASSIGNED,
	RIDER_AT_PICKUP,
	IN_TRANSIT,
	RIDER_AT_DELIVERY,
	DELIVERED,
	CANCELLED,
	ORDER_STATUSES
};

enum payment_method { PAY_WALLET, PAY_MOBILE_MONEY, PAY_CASH, PAY_CARD, PAYMENT_METHODS };

/* The words that replies contain. NULL-terminated and in the order of the enums, so that a field
 * table can use them. */
extern const char *const order_type_words[];
extern const char *const order_status_words[];
extern const char *const payment_method_words[];

/* The enum value of a word, -1 when the word is unknown or NULL. ASCII case is ignored. Spellings
 * of older clients are accepted: CONFIRMED for ACCEPTED, RESTAURANT for FOOD … */
int order_type_parse(const char *word);
int order_status_parse(const char *word);
int payment_method_parse(const char *word);

/* The first letter of an order number: F (food), S (supermarket) or P (package). */
char order_number_letter(enum order_type type);
/* Writes the canonical order number into out: `f7kq2m9xw4t` and ` #F-7KQ2M9XW4T` become
 * F-7KQ2M9XW4T. False when the text is not an order number; out is then unchanged. */
bool order_number_normalise(struct text spelled, char out[ORDER_NUMBER_SIZE]);

/* A set of states is a bit mask: STATE(PENDING) | … */
#define STATE(status) (1u << (status))
#define STATES_ALL (STATE(ORDER_STATUSES) - 1)
/* SQL repeats it in order_list and vendor_order_list; the audit checks `active` by it. */
#define STATES_FINAL (STATE(DELIVERED) | STATE(CANCELLED))
#define STATES_ACTIVE (STATES_ALL & ~STATES_FINAL)
/* Reads a filter: a status in any spelling, or ACTIVE (all that are not final). False when the word
 * is neither. */
bool order_states_parse(const char *word, unsigned *ret);
/* Writes the words of the states into out and returns their number. */
unsigned order_states_list(unsigned states, const char *out[ORDER_STATUSES]);

enum order_actor { BY_USER, BY_VENDOR, BY_RIDER, BY_ADMIN, BY_SYSTEM, ORDER_ACTORS };
enum order_act {
	ACT_ACCEPT,
	ACT_REJECT,
	ACT_PREPARE,
	ACT_READY,
	ACT_ASSIGN,  /* a rider takes it, or an admin assigns or reassigns it */
	ACT_RELEASE, /* the rider gives it back, or can no longer work */
	ACT_ARRIVE_PICKUP,
	ACT_PICK_UP,
	ACT_ARRIVE_DELIVERY,
	ACT_COMPLETE,
	ACT_CANCEL,
	ACT_EXPIRE,       /* nobody accepted it in time */
	ACT_FAIL_PAYMENT, /* it was not paid */
	ORDER_ACTS
};

/* The words of acts and actors in statements, timelines and audit rows; in the order of the enums.
 */
extern const char *const order_act_words[];
extern const char *const order_actor_words[];

/* What a transition depends on. */
struct order_facts {
	enum order_type type;
	enum order_status status;
	bool accepted, preparing, ready; /* acceptedAt, preparingAt, readyAt are set */
};
/* Writes the state that an act leads to into *ret. ACT_READY on an order that already has a rider
 * keeps the state and only sets readyAt, once. Returns 0 or the error for the actor:
 * E_CANNOT_CANCEL, E_CANNOT_ACCEPT, E_CANNOT_REJECT, E_CANNOT_READY, E_CANNOT_MOVE. */
int order_next_status(const struct order_facts *order, enum order_act act, enum order_actor by,
	enum order_status *ret) MUST_CHECK;
/* The states in which an actor may do this to an order of this type: the guard of the statement. */
unsigned order_states_before(enum order_type type, enum order_act act, enum order_actor by);
/* Those of these states, of any type, that the act keeps. */
unsigned order_states_kept(enum order_act act, enum order_actor by);
/* The state that the timeline entry of an act names; -1 for ACT_RELEASE, whose target state varies.
 */
int order_act_status(enum order_act act);
/* The states in which the effect of an act can still hold. In these the same actor may repeat the
 * act and nothing changes. */
unsigned order_states_after(enum order_act act);

/* Whether the vendor is paid for an order that an admin cancels. */
enum vendor_pay {
	VENDOR_PAY_BY_STATE, /* only when the order was picked up */
	VENDOR_PAY,
	VENDOR_PAY_NOT
};
/* Always false for a PACKAGE, which has no vendor. */
bool order_pays_vendor(const struct order_facts *order, enum vendor_pay wish);

#endif
