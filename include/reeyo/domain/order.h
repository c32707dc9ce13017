/* SPDX-License-Identifier: MIT
 *
 * What an order can be: its words (contract §1) and its states (contract §2.1). One table says who
 * may move an order from where to where; SQL guards each move again with the same states.
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

/* Words as they are emitted; NULL-terminated, in the order of the enums, so that a field table can
 * use them. */
extern const char *const order_type_words[];
extern const char *const order_status_words[];
extern const char *const payment_method_words[];

/* -1 when the word is none of them; ASCII case is ignored. A status is read in every spelling that
 * clients use (CONFIRMED = ACCEPTED …), a type also as `food`, `packages`, RESTAURANT …. */
int order_type_named(const char *word);
int order_status_named(const char *word);
int payment_method_named(const char *word);

/* The letter of an order number: F, S (supermarket) or P. */
char order_letter(enum order_type type);
/* An order number from any spelling of it (`#F-7KQ2M9XW4T`, `f7kq2m9xw4t`, blanks around) into out;
 * false when it is none, out is then as it was. */
bool order_number_normalise(struct text spelled, char out[ORDER_NUMBER_SIZE]);

/* A set of states is an unsigned of bits: STATE(PENDING) | … */
#define STATE(status) (1u << (status))
#define STATES_ALL (STATE(ORDER_STATUSES) - 1)
#define STATES_FINAL (STATE(DELIVERED) | STATE(CANCELLED))
#define STATES_ACTIVE (STATES_ALL & ~STATES_FINAL)
/* A filter: a status in any spelling, or ACTIVE (not final). False when it is neither. */
bool order_states_named(const char *word, unsigned *ret);
/* "{PENDING,ACCEPTED}" into out: the states as a PostgreSQL array. */
#define ORDER_STATES_SIZE 160
void order_states_text(unsigned states, char out[ORDER_STATES_SIZE]);

enum order_actor { BY_USER, BY_VENDOR, BY_RIDER, BY_ADMIN, BY_SYSTEM, ORDER_ACTORS };
enum order_act {
	ACT_ACCEPT,
	ACT_REJECT,
	ACT_PREPARE,
	ACT_READY,
	ACT_ASSIGN,  /* a rider takes it, or an admin gives it, also from one rider to another */
	ACT_RELEASE, /* the assigned rider gives it back, or is gone */
	ACT_ARRIVE_PICKUP,
	ACT_PICK_UP,
	ACT_ARRIVE_DELIVERY,
	ACT_COMPLETE,
	ACT_CANCEL,
	ACT_EXPIRE, /* nobody accepted in time */
	ORDER_ACTS
};

/* What a move depends on besides the state. */
struct order_facts {
	enum order_type type;
	enum order_status status;
	bool accepted, preparing, ready; /* acceptedAt, preparingAt, readyAt are set */
};
/* The state an act leads to, into *ret. `ready` of an order that has a rider already keeps its
 * state (it only stamps readyAt, once). 0, or the error of who tried: E_CANNOT_CANCEL,
 * E_CANNOT_ACCEPT,
 * E_CANNOT_REJECT, E_CANNOT_READY, E_CANNOT_MOVE. */
int order_next(const struct order_facts *order, enum order_act act, enum order_actor by,
	enum order_status *ret) MUST_CHECK;
/* The states from which an actor may do this to an order of this type: the guard of the statement.
 */
unsigned order_states_before(enum order_type type, enum order_act act, enum order_actor by);
/* The state that an act's entry in the timeline names; -1 for ACT_RELEASE, which has none of its
 * own. */
int order_step(enum order_act act);
/* The states in which what an act brought about can still hold: there the same actor may say it
 * again, and nothing happens. */
unsigned order_states_after(enum order_act act);

/* Whether the vendor is paid for an order that an admin cancels. */
enum vendor_pay {
	VENDOR_PAY_BY_STATE, /* when it has been picked up */
	VENDOR_PAY,
	VENDOR_PAY_NOT
};
/* Never for a PACKAGE, which has no vendor. */
bool order_pays_vendor(const struct order_facts *order, enum vendor_pay wish);

#endif
