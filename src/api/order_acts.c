/* SPDX-License-Identifier: MIT
 *
 * A transition takes two statements. order_facts reads the order, the state machine decides, and
 * order_move writes the new state only if the order has not changed since it was read. If it has
 * changed (another rider was faster, the customer cancelled, the same request came twice), the
 * transition is decided again from the new state, so that the error is always the state machine's.
 */
#include "reeyo/api/order_acts.h"

#include <stdio.h>
#include <string.h>

#include "reeyo/api/settings.h"
#include "reeyo/auth/admit.h"
#include "reeyo/domain/split.h"
#include "reeyo/service/cache_keys.h"
#include "reeyo/service/catalogue.h"

#define ROUNDS 4

struct order_transition {
	struct order_act_request act;
	order_act_done *done;
	unsigned rounds;
	/* the order as it was read */
	struct order_facts facts;
	bool payable;
	const char *id, *user_id, *vendor_id, *rider_id;
	struct split_terms terms;
	/* the order after the transition */
	enum order_status next;
	struct text order;
	int refusal; /* why the transition is not allowed */
	char entries[4 * ID_SIZE + 8], offer[ID_SIZE];
};

static const char *const act_words[ORDER_ACTS] = { [ACT_ACCEPT] = "ACCEPT",
	[ACT_REJECT] = "REJECT",
	[ACT_PREPARE] = "PREPARE",
	[ACT_READY] = "READY",
	[ACT_ASSIGN] = "ASSIGN",
	[ACT_RELEASE] = "RELEASE",
	[ACT_ARRIVE_PICKUP] = "ARRIVE_PICKUP",
	[ACT_PICK_UP] = "PICK_UP",
	[ACT_ARRIVE_DELIVERY] = "ARRIVE_DELIVERY",
	[ACT_COMPLETE] = "COMPLETE",
	[ACT_CANCEL] = "CANCEL",
	[ACT_EXPIRE] = "EXPIRE" };
static const char *const actor_words[ORDER_ACTORS] = { "USER", "VENDOR", "RIDER", "ADMIN",
	"SYSTEM" };

static void transition_read(struct request *rq);

/* --- After the write -------------------------------------------------------------------------- */

static void transition_reply(struct request *rq)
{
	struct order_transition *transition = rq->state;
	struct order_moved moved = { .order = transition->order, .id = transition->id };

	if (!transition->done)
		return reply_data(rq, moved.order);
	rq->state = NULL;
	transition->done(rq, &moved);
}

static void transition_finish(struct request *rq)
{
	const struct order_transition *transition = rq->state;

	if (transition->next == CANCELLED)
		count_one(loop_counters(rq->app->loop), COUNT_ORDERS_CANCELLED);
	transition_reply(rq);
}

/* False when memory is out; the error has then been sent. */
static bool transition_keep_order(struct request *rq, struct text order)
{
	struct order_transition *transition = rq->state;

	transition->order = (struct text){ arena_copy(rq->arena, order.at, order.len), order.len };
	if (!transition->order.at)
		reply_error(rq, E_NO_MEMORY);
	return transition->order.at != NULL;
}

static void transition_invalidate_active(struct request *rq)
{
	cache_invalidate(rq, KEY_ORDERS_ACTIVE, NULL, transition_finish);
}

/* A cancelled order returns its stock to the menu. A delivered order changes the counters in the
 * vendor's public data. The facts cached for a rider's admission contain the rider's orders. */
static void transition_invalidate(struct request *rq)
{
	struct order_transition *transition = rq->state;

	if (transition->rider_id)
		rider_facts_invalidate_all(rq->app, transition->rider_id);
	if (transition->act.rider_id)
		rider_facts_invalidate_all(rq->app, transition->act.rider_id);
	if (transition->vendor_id && transition->next == CANCELLED) {
		catalogue_forget(rq->app, transition->vendor_id);
		return cache_invalidate(
			rq, KEY_MENU, transition->vendor_id, transition_invalidate_active);
	}
	if (transition->vendor_id && transition->next == DELIVERED)
		return cache_invalidate(
			rq, KEY_VENDOR, transition->vendor_id, transition_invalidate_active);
	transition_invalidate_active(rq);
}

/* --- The write -------------------------------------------------------------------------------- */

static void transition_retry(struct request *rq, int error)
{
	struct order_transition *transition = rq->state;

	if (++transition->rounds >= ROUNDS)
		return reply_error(rq, error);
	request_replay(rq, transition_read);
}

static void transition_written(struct request *rq, const struct db_result *result)
{
	struct text outcome;
	int error = db_error(result);

	/* The key was used in the meantime, by the same act: its reply is replayed. */
	if (error == E_IDEMPOTENCY_RUNNING)
		return transition_retry(rq, error);
	if (error)
		return reply_error(rq, error);
	outcome = db_text(result, 0, 0);
	if (text_is(outcome, TEXT("MOVED")))
		return transition_retry(rq, E_CONFLICT);
	if (!text_is(outcome, TEXT("DONE")))
		return reply_error(rq, error_from_name(outcome.at, outcome.len));
	if (transition_keep_order(rq, db_text(result, 0, 1)))
		transition_invalidate(rq);
}

/* "{txn_…,txn_…,txn_…,txn_…}": as many ids as a settlement can need. */
static void ledger_ids_new(char out[4 * ID_SIZE + 8])
{
	size_t len = 0;
	char id[ID_SIZE];

	for (int i = 0; i < 4; i++) {
		id_new(id, "txn_");
		len += (size_t)snprintf(
			out + len, 4 * ID_SIZE + 8 - len, "%c%s", i ? ',' : '{', id);
	}
	snprintf(out + len, 4 * ID_SIZE + 8 - len, "}");
}

static void transition_write(struct request *rq)
{
	struct order_transition *transition = rq->state;
	const struct order_act_request *act = &transition->act;
	struct split split = split_order(&transition->terms);
	bool paid = act->act == ACT_COMPLETE ||
		(act->act == ACT_CANCEL && act->by == BY_ADMIN &&
			order_pays_vendor(&transition->facts, act->pay));
	bool coded = settings_flag(rq->app->settings, SETTING_DELIVERY_CODE);

	ledger_ids_new(transition->entries);
	id_new(transition->offer, "off_");
	sql_try_write_positional(rq, order_move, transition_written,
		/* 1 */ transition->id, order_status_words[transition->facts.status],
		/* 3 */ transition->rider_id,
		/* 4 */ act_words[act->act], order_status_words[transition->next],
		/* 6 */ actor_words[act->by],
		/* 7 */ act->rider_id, act->occurred_at, act->note, act->photo,
		/* 11 */ act->minutes ? arg_int(rq, act->minutes) : NULL, act->place,
		/* 13 */ act->code, coded ? "t" : "f", transition->entries, transition->offer,
		/* 17 */ arg_int(rq, paid ? split.vendor : 0), arg_int(rq, split.rider),
		arg_int(rq, split.platform), arg_int(rq, split.subsidy),
		/* 21 */ rq->caller.id, rq->idempotency_key, rq->fingerprint, act->answer,
		/* 25 */ act->audit);
}

/* --- The decision ----------------------------------------------------------------------------- */

static bool id_matches(const char *id, const char *owner)
{
	return owner && strcmp(id, owner) == 0;
}

/* Checks that the order belongs to the actor. An order that is not paid yet is visible to its
 * customer and to admins only. */
static int transition_check_actor(struct request *rq)
{
	const struct order_transition *transition = rq->state;
	const char *me = rq->caller.id;

	switch (transition->act.by) {
	case BY_USER:
		return id_matches(me, transition->user_id) ? 0 : E_ORDER_NOT_OWNER;
	case BY_VENDOR:
		if (!id_matches(me, transition->vendor_id))
			return E_ORDER_NOT_OWNER;
		return transition->payable ? 0 : E_ORDER_NOT_FOUND;
	case BY_RIDER:
		if (transition->act.act == ACT_ASSIGN)
			return transition->payable ? 0 : E_ORDER_NOT_FOUND;
		return id_matches(me, transition->rider_id) ? 0 : E_ORDER_NOT_OWNER;
	default:
		return 0;
	}
}

static int transition_decide(struct request *rq)
{
	struct order_transition *transition = rq->state;
	bool assigns = transition->act.act == ACT_ASSIGN, given = transition->act.by == BY_ADMIN;
	bool has_it = assigns && id_matches(transition->act.rider_id, transition->rider_id);
	int error = transition_check_actor(rq);

	if (error)
		return error;
	if (assigns && transition->rider_id && !has_it && !given &&
		(STATES_ACTIVE & STATE(transition->facts.status)))
		return E_ORDER_TAKEN;
	if (assigns && (!transition->payable || (given && has_it)))
		return E_CANNOT_MOVE;
	return order_next_status(
		&transition->facts, transition->act.act, transition->act.by, &transition->next);
}

static void reply_occurred_at(struct request *rq, struct text fault)
{
	if (text_is(fault, TEXT("OLD")))
		return reply_field(rq, "occurredAt", "is more than 30 minutes ago",
			"date de plus de 30 minutes");
	if (text_is(fault, TEXT("AHEAD")))
		return reply_field(rq, "occurredAt", "is in the future", "est dans le futur");
	reply_field(rq, "occurredAt", "is before the previous act", "précède l'acte précédent");
}

static const char *column_copy(struct request *rq, const struct db_result *result, unsigned column)
{
	struct text text = db_text(result, 0, column);

	return text.at ? arena_copy(rq->arena, text.at, text.len) : NULL;
}

static void transition_keep_row(struct request *rq, const struct db_result *result)
{
	struct order_transition *transition = rq->state;
	struct split_terms *terms = &transition->terms;

	transition->id = column_copy(rq, result, 0);
	transition->user_id = column_copy(rq, result, 3);
	transition->vendor_id = column_copy(rq, result, 4);
	transition->rider_id = column_copy(rq, result, 5);
	transition->facts = (struct order_facts){
		.type = (enum order_type)order_type_parse(column_copy(rq, result, 1)),
		.status = (enum order_status)order_status_parse(column_copy(rq, result, 2)),
		.accepted = db_bool(result, 0, 6),
		.preparing = db_bool(result, 0, 7),
		.ready = db_bool(result, 0, 8),
	};
	transition->payable = db_bool(result, 0, 9);
	*terms = (struct split_terms){
		.type = transition->facts.type,
		.subtotal = db_int(result, 0, 10),
		.delivery_fee = db_int(result, 0, 11),
		.service_fee = db_int(result, 0, 12),
		.waived_fee = db_int(result, 0, 13),
		.commission_bps = db_int(result, 0, 14),
		.rider_cut_bps = settings_rules(rq->app->settings)->rider_cut_bps,
	};
}

void reply_idempotency_running(struct request *rq)
{
	reply_error(rq, E_IDEMPOTENCY_RUNNING);
}

bool outcome_or_reply(struct request *rq, const struct db_result *result, struct text *ret)
{
	int error = db_error(result);

	if (error && error != E_IDEMPOTENCY_RUNNING)
		reply_error(rq, error);
	else if (error || text_is(db_text(result, 0, 0), TEXT("REPLAY")))
		request_replay(rq, reply_idempotency_running);
	else {
		*ret = db_text(result, 0, 0);
		return true;
	}
	return false;
}

/* --- Repetition ------------------------------------------------------------------------------- */

static void transition_repeated(struct request *rq, const struct db_result *result)
{
	struct order_transition *transition = rq->state;

	if (db_rows(result) == 0)
		return reply_error(rq, transition->refusal);
	if (transition_keep_order(rq, db_text(result, 0, 0)))
		transition_reply(rq);
}

/* An actor who does not own the order cannot repeat an act. The assigned rider is part of the act.
 */
static bool transition_may_repeat(struct request *rq)
{
	const struct order_transition *transition = rq->state;
	const struct order_act_request *act = &transition->act;

	return transition_check_actor(rq) == 0 && transition->refusal != E_ORDER_TAKEN &&
		(order_states_after(act->act) & STATE(transition->facts.status)) &&
		(act->act != ACT_ASSIGN || id_matches(act->rider_id, transition->rider_id));
}

static void transition_refuse_or_repeat(struct request *rq)
{
	const struct order_transition *transition = rq->state;
	const struct order_act_request *act = &transition->act;
	char *states = arena_alloc(rq->arena, ORDER_STATES_SIZE);

	if (!states)
		return reply_error(rq, E_NO_MEMORY);
	if (!transition_may_repeat(rq))
		return reply_error(rq, transition->refusal);
	order_states_text(order_states_after(act->act), states);
	sql_write_positional(rq, order_repeated, transition_repeated, transition->id,
		act_words[act->act], actor_words[act->by], rq->caller.id,
		order_status_words[order_act_status(act->act)], states, rq->idempotency_key,
		rq->fingerprint, act->answer);
}

/* An act that is not allowed now may already have been done by the same actor: the first reply was
 * lost, or the actor tapped twice. Then the same reply is sent again. The same key may also have
 * been used since it was looked up, so the replay comes first. A new key is stored with the reply
 * that it gets. */
static void transition_refuse(struct request *rq, int error)
{
	((struct order_transition *)rq->state)->refusal = error;
	request_replay(rq, transition_refuse_or_repeat);
}

/* --- The read --------------------------------------------------------------------------------- */

static void transition_seen(struct request *rq, const struct db_result *result)
{
	const struct order_transition *transition = rq->state;
	int error;

	if (db_rows(result) == 0)
		return reply_error(rq, E_ORDER_NOT_FOUND);
	transition_keep_row(rq, result);
	error = transition_decide(rq);
	if (error)
		return transition_refuse(rq, error);
	if (transition->act.pay == VENDOR_PAY && !transition->vendor_id)
		return reply_field(
			rq, "vendorPaid", "a parcel has no vendor", "un colis n'a pas de vendeur");
	if (!db_is_null(result, 0, 15))
		return reply_occurred_at(rq, db_text(result, 0, 15));
	transition_write(rq);
}

static void transition_read(struct request *rq)
{
	const struct order_act_request *act = &((struct order_transition *)rq->state)->act;

	/* On the primary, because a replica may lag behind. */
	sql_write_positional(rq, order_facts, transition_seen, act->order, act->occurred_at);
}

void order_act(struct request *rq, const struct order_act_request *act, order_act_done *done)
{
	struct order_transition *transition = ARENA_NEW(rq->arena, struct order_transition);

	if (!transition)
		return reply_error(rq, E_NO_MEMORY);
	transition->act = *act;
	transition->done = done;
	rq->state = transition;
	transition_read(rq);
}

const char *act_location(struct request *rq)
{
	const json_t *place = member(rq->body, "location");

	return place ? arena_printf(rq->arena, "{\"lat\":%.6f,\"lng\":%.6f}",
			       member_number(place, "lat", 0), member_number(place, "lng", 0))
		     : NULL;
}
