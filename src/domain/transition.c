/* SPDX-License-Identifier: MIT
 *
 * The state machine of orders: one table of which actor may do what in which state (contract §2.1).
 * A transition that is not a row is not allowed. A PACKAGE has no vendor: riders can take it as
 * soon as it is placed, so the rows of vendors do not apply to it.
 *
 * order_move writes a transition if the order is still as it was read; order_advance gets the
 * states of its row as a parameter. Other statements that move orders are named beside their row;
 * they get its states too.
 *
 * No order depends on a single person: an admin can complete or cancel every order that is not
 * final, and an order that no vendor accepts expires.
 */
#include "reeyo/domain/order.h"

#include <stddef.h>

#define TYPE(type) (1u << (type))
#define MEALS (TYPE(FOOD) | TYPE(MART))
#define ANY_TYPE (MEALS | TYPE(PACKAGE))
/* A rider is assigned but has not picked up yet; the rider has picked up. */
#define WITH_RIDER (STATE(RIDER_ASSIGNED) | STATE(RIDER_AT_PICKUP))
#define PICKED_UP (STATE(IN_TRANSIT) | STATE(RIDER_AT_DELIVERY))

/* Targets that depend on the order. */
enum { TO_SAME = ORDER_STATUSES, TO_WITHOUT_RIDER };

static const struct transition {
	enum order_act act;
	enum order_actor by;
	unsigned types;
	unsigned from;
	int to;
} transitions[] = {
	{ ACT_ACCEPT, BY_VENDOR, MEALS, STATE(PENDING), ACCEPTED },
	{ ACT_REJECT, BY_VENDOR, MEALS, STATE(PENDING), CANCELLED },
	{ ACT_PREPARE, BY_VENDOR, MEALS, STATE(ACCEPTED), PREPARING },
	{ ACT_READY, BY_VENDOR, MEALS, STATE(ACCEPTED) | STATE(PREPARING), READY_FOR_PICKUP },
	{ ACT_READY, BY_VENDOR, MEALS, STATE(RIDER_ASSIGNED) | STATE(RIDER_AT_PICKUP), TO_SAME },
	{ ACT_ASSIGN, BY_RIDER, MEALS, STATE(ACCEPTED) | STATE(PREPARING) | STATE(READY_FOR_PICKUP),
		RIDER_ASSIGNED },
	{ ACT_ASSIGN, BY_ADMIN, MEALS,
		STATE(ACCEPTED) | STATE(PREPARING) | STATE(READY_FOR_PICKUP) | WITH_RIDER,
		RIDER_ASSIGNED },
	{ ACT_ASSIGN, BY_RIDER, TYPE(PACKAGE), STATE(PENDING), RIDER_ASSIGNED },
	{ ACT_ASSIGN, BY_ADMIN, TYPE(PACKAGE), STATE(PENDING) | WITH_RIDER, RIDER_ASSIGNED },
	{ ACT_ASSIGN, BY_ADMIN, ANY_TYPE, PICKED_UP, TO_SAME },
	{ ACT_RELEASE, BY_RIDER, ANY_TYPE, STATE(RIDER_ASSIGNED), TO_WITHOUT_RIDER },
	{ ACT_RELEASE, BY_SYSTEM, ANY_TYPE, WITH_RIDER, TO_WITHOUT_RIDER }, /* orders_watch */
	{ ACT_ARRIVE_PICKUP, BY_RIDER, ANY_TYPE, STATE(RIDER_ASSIGNED), RIDER_AT_PICKUP },
	{ ACT_PICK_UP, BY_RIDER, ANY_TYPE, STATE(RIDER_ASSIGNED) | STATE(RIDER_AT_PICKUP),
		IN_TRANSIT },
	{ ACT_ARRIVE_DELIVERY, BY_RIDER, ANY_TYPE, STATE(IN_TRANSIT), RIDER_AT_DELIVERY },
	{ ACT_COMPLETE, BY_RIDER, ANY_TYPE, PICKED_UP, DELIVERED },
	{ ACT_COMPLETE, BY_ADMIN, ANY_TYPE, PICKED_UP, DELIVERED },
	{ ACT_CANCEL, BY_USER, ANY_TYPE, STATE(PENDING) | STATE(ACCEPTED), CANCELLED },
	{ ACT_CANCEL, BY_ADMIN, ANY_TYPE, STATES_ACTIVE, CANCELLED },
	{ ACT_EXPIRE, BY_SYSTEM, ANY_TYPE, STATE(PENDING), CANCELLED }, /* order_expire */
	/* payment_record, payments_expire */
	{ ACT_FAIL_PAYMENT, BY_SYSTEM, ANY_TYPE, STATE(PENDING), CANCELLED },
};
#define TRANSITIONS (sizeof(transitions) / sizeof(transitions[0]))

static bool transition_applies(
	const struct transition *row, enum order_type type, enum order_act act, enum order_actor by)
{
	return row->act == act && row->by == by && (row->types & TYPE(type));
}

static int transition_refusal(enum order_act act, enum order_actor by)
{
	if (act == ACT_CANCEL)
		return E_CANNOT_CANCEL;
	if (by != BY_VENDOR)
		return E_CANNOT_MOVE;
	return act == ACT_ACCEPT    ? E_CANNOT_ACCEPT
		: act == ACT_REJECT ? E_CANNOT_REJECT
				    : E_CANNOT_READY;
}

/* The state of an order that loses its rider: how far the vendor had come. SQL repeats this rule in
 * order_kitchen_status (sql/functions/order_transitions.sql). */
static enum order_status status_without_rider(const struct order_facts *order)
{
	if (order->type == PACKAGE)
		return PENDING;
	return order->ready ? READY_FOR_PICKUP : order->preparing ? PREPARING : ACCEPTED;
}

int order_next_status(const struct order_facts *order, enum order_act act, enum order_actor by,
	enum order_status *ret)
{
	for (size_t i = 0; i < TRANSITIONS; i++) {
		const struct transition *row = &transitions[i];

		if (!transition_applies(row, order->type, act, by) ||
			!(row->from & STATE(order->status)))
			continue;
		if (act == ACT_READY && row->to == TO_SAME && order->ready)
			continue; /* readyAt is set once */
		*ret = row->to == TO_SAME             ? order->status
			: row->to == TO_WITHOUT_RIDER ? status_without_rider(order)
						      : (enum order_status)row->to;
		return 0;
	}
	return transition_refusal(act, by);
}

unsigned order_states_before(enum order_type type, enum order_act act, enum order_actor by)
{
	unsigned from = 0;

	for (size_t i = 0; i < TRANSITIONS; i++)
		if (transition_applies(&transitions[i], type, act, by))
			from |= transitions[i].from;
	return from;
}

unsigned order_states_kept(enum order_act act, enum order_actor by)
{
	unsigned kept = 0;

	for (size_t i = 0; i < TRANSITIONS; i++)
		if (transitions[i].act == act && transitions[i].by == by &&
			transitions[i].to == TO_SAME)
			kept |= transitions[i].from;
	return kept;
}

/* When any row of an act names a fixed state, the first one does. */
int order_act_status(enum order_act act)
{
	for (size_t i = 0; i < TRANSITIONS; i++)
		if (transitions[i].act == act && transitions[i].to < ORDER_STATUSES)
			return transitions[i].to;
	return -1;
}

unsigned order_states_after(enum order_act act)
{
	int step = order_act_status(act);

	if (step < 0)
		return 0;
	return STATES_FINAL & STATE(step) ? STATE(step) : STATES_ACTIVE;
}

bool order_pays_vendor(const struct order_facts *order, enum vendor_pay wish)
{
	if (order->type == PACKAGE)
		return false;
	return wish == VENDOR_PAY_BY_STATE ? (PICKED_UP & STATE(order->status)) != 0
					   : wish == VENDOR_PAY;
}
