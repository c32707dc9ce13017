/* SPDX-License-Identifier: MIT
 *
 * Two statements make a step. order_facts says what the order is; the state machine decides; and
 * order_move does it only while the order is as it was seen. When it is not (another rider was
 * faster, the customer cancelled, the same request came twice) the step is decided again: the
 * answer is then the machine's own, and not the statement's guess.
 */
#include "reeyo/api/order_acts.h"

#include <stdio.h>
#include <string.h>

#include "reeyo/api/catalog.h"
#include "reeyo/api/settings.h"
#include "reeyo/auth/admit.h"
#include "reeyo/domain/split.h"

#define ROUNDS 4

struct acting {
	struct order_act_request act;
	order_act_done *done;
	unsigned rounds;
	/* the order as it was seen */
	struct order_facts facts;
	bool payable;
	const char *id, *user_id, *vendor_id, *rider_id;
	struct split_terms terms;
	/* and as it is now */
	enum order_status next;
	struct text order;
	int refusal; /* why the step is not possible */
	char entries[4 * ID_SIZE + 8], offer[ID_SIZE];
};

static const char *const act_words[ORDER_ACTS] = {
	[ACT_ACCEPT] = "ACCEPT", [ACT_REJECT] = "REJECT", [ACT_PREPARE] = "PREPARE",
	[ACT_READY] = "READY", [ACT_ASSIGN] = "ASSIGN", [ACT_RELEASE] = "RELEASE",
	[ACT_ARRIVE_PICKUP] = "ARRIVE_PICKUP", [ACT_PICK_UP] = "PICK_UP",
	[ACT_ARRIVE_DELIVERY] = "ARRIVE_DELIVERY", [ACT_COMPLETE] = "COMPLETE",
	[ACT_CANCEL] = "CANCEL", [ACT_EXPIRE] = "EXPIRE"
};
static const char *const actor_words[ORDER_ACTORS] = { "USER", "VENDOR",
	"RIDER", "ADMIN", "SYSTEM" };

static void look(struct request *rq);

/* --- Afterwards ------------------------------------------------------------------------------- */

static void answer(struct request *rq)
{
	struct acting *acting = rq->state;
	struct order_moved moved = { .order = acting->order, .id = acting->id };

	if (!acting->done)
		return reply_data(rq, moved.order);
	rq->state = NULL;
	acting->done(rq, &moved);
}

static void finish(struct request *rq)
{
	const struct acting *acting = rq->state;

	if (acting->next == CANCELLED)
		count_one(loop_counters(rq->app->loop), COUNT_ORDERS_CANCELLED);
	answer(rq);
}

/* False when there is no memory for it, and that has been answered. */
static bool order_keep(struct request *rq, struct text order)
{
	struct acting *acting = rq->state;

	acting->order = (struct text){ arena_copy(rq->arena, order.at, order.len), order.len };
	if (!acting->order.at)
		reply_error(rq, E_NO_MEMORY);
	return acting->order.at != NULL;
}

static void drop_active(struct request *rq)
{
	uncached(rq, KEY_ORDERS_ACTIVE, NULL, finish);
}

/* Stock goes back with a cancelled order, and a delivered one counts in the vendor's public row.
 * What admission remembers of a rider names his orders. */
static void forget(struct request *rq)
{
	struct acting *acting = rq->state;

	if (acting->rider_id)
		rider_facts_changed(rq->app, acting->rider_id);
	if (acting->act.rider_id)
		rider_facts_changed(rq->app, acting->act.rider_id);
	if (acting->vendor_id && acting->next == CANCELLED) {
		catalog_forget(rq->app, acting->vendor_id);
		return uncached(rq, KEY_MENU, acting->vendor_id, drop_active);
	}
	if (acting->vendor_id && acting->next == DELIVERED)
		return uncached(rq, KEY_VENDOR, acting->vendor_id, drop_active);
	drop_active(rq);
}

/* --- The step --------------------------------------------------------------------------------- */

static void look_again(struct request *rq, int error)
{
	struct acting *acting = rq->state;

	if (++acting->rounds >= ROUNDS)
		return reply_error(rq, error);
	request_replay(rq, look);
}

static void moved(struct request *rq, const struct db_result *result)
{
	struct text outcome;
	int error = db_error(result);

	/* The key has just been used: by the same act, which is then to be replayed. */
	if (error == E_IDEMPOTENCY_RUNNING)
		return look_again(rq, error);
	if (error)
		return reply_error(rq, error);
	outcome = db_text(result, 0, 0);
	if (text_is(outcome, TEXT("MOVED")))
		return look_again(rq, E_CONFLICT);
	if (!text_is(outcome, TEXT("DONE")))
		return reply_error(rq, error_named(outcome.at, outcome.len));
	if (order_keep(rq, db_text(result, 0, 1)))
		forget(rq);
}

/* "{txn_…,txn_…,txn_…,txn_…}": as many as a settlement may need. */
static void entries_name(char out[4 * ID_SIZE + 8])
{
	size_t len = 0;
	char id[ID_SIZE];

	for (int i = 0; i < 4; i++) {
		id_new(id, "txn_");
		len += (size_t)snprintf(out + len, 4 * ID_SIZE + 8 - len,
			"%c%s", i ? ',' : '{', id);
	}
	snprintf(out + len, 4 * ID_SIZE + 8 - len, "}");
}

static void move(struct request *rq)
{
	struct acting *acting = rq->state;
	const struct order_act_request *act = &acting->act;
	struct split split = split_order(&acting->terms);
	bool paid = act->act == ACT_COMPLETE ||
		    (act->act == ACT_CANCEL && act->by == BY_ADMIN &&
			    order_pays_vendor(&acting->facts, act->pay));
	bool coded = settings_flag(rq->app->settings, "delivery.verification_code", false);

	entries_name(acting->entries);
	id_new(acting->offer, "off_");
	sql_try_write(rq, order_move, moved,
		/* 1 */ acting->id, order_status_words[acting->facts.status], acting->rider_id,
		/* 4 */ act_words[act->act], order_status_words[acting->next], actor_words[act->by],
		/* 7 */ act->rider_id, act->occurred_at, act->note, act->photo,
		/* 11 */ act->minutes ? arg_int(rq, act->minutes) : NULL, act->place,
		/* 13 */ act->code, coded ? "t" : "f", acting->entries, acting->offer,
		/* 17 */ arg_int(rq, paid ? split.vendor : 0), arg_int(rq, split.rider),
		arg_int(rq, split.platform), arg_int(rq, split.subsidy),
		/* 21 */ rq->caller.id, rq->idempotency_key, rq->fingerprint, act->answer,
		/* 25 */ rq->request_id);
}

/* --- The decision ----------------------------------------------------------------------------- */

static bool is_own(const char *id, const char *owner)
{
	return owner && strcmp(id, owner) == 0;
}

/* Whose order it is not. An order that is not paid yet concerns its customer and the admins
 * only. */
static int admit(struct request *rq)
{
	const struct acting *acting = rq->state;
	const char *me = rq->caller.id;

	switch (acting->act.by) {
	case BY_USER:
		return is_own(me, acting->user_id) ? 0 : E_ORDER_NOT_OWNER;
	case BY_VENDOR:
		if (!is_own(me, acting->vendor_id))
			return E_ORDER_NOT_OWNER;
		return acting->payable ? 0 : E_ORDER_NOT_FOUND;
	case BY_RIDER:
		if (acting->act.act == ACT_ASSIGN)
			return acting->payable ? 0 : E_ORDER_NOT_FOUND;
		return is_own(me, acting->rider_id) ? 0 : E_ORDER_NOT_OWNER;
	default:
		return 0;
	}
}

static int decide(struct request *rq)
{
	struct acting *acting = rq->state;
	bool assigns = acting->act.act == ACT_ASSIGN, given = acting->act.by == BY_ADMIN;
	bool has_it = assigns && is_own(acting->act.rider_id, acting->rider_id);
	int error = admit(rq);

	if (error)
		return error;
	if (assigns && acting->rider_id && !has_it && !given &&
		(STATES_ACTIVE & STATE(acting->facts.status)))
		return E_ORDER_TAKEN;
	if (assigns && (!acting->payable || (given && has_it)))
		return E_CANNOT_MOVE;
	return order_next(&acting->facts, acting->act.act, acting->act.by, &acting->next);
}

static void refuse_time(struct request *rq, struct text fault)
{
	if (text_is(fault, TEXT("OLD")))
		return reply_field(rq, "occurredAt", "is more than 30 minutes ago",
			"date de plus de 30 minutes");
	if (text_is(fault, TEXT("AHEAD")))
		return reply_field(rq, "occurredAt", "is in the future", "est dans le futur");
	reply_field(rq, "occurredAt", "is before the previous act", "précède l'acte précédent");
}

static const char *kept(struct request *rq, const struct db_result *result, unsigned column)
{
	struct text text = db_text(result, 0, column);

	return text.at ? arena_copy(rq->arena, text.at, text.len) : NULL;
}

static void see(struct request *rq, const struct db_result *result)
{
	struct acting *acting = rq->state;
	struct split_terms *terms = &acting->terms;

	acting->id = kept(rq, result, 0);
	acting->user_id = kept(rq, result, 3);
	acting->vendor_id = kept(rq, result, 4);
	acting->rider_id = kept(rq, result, 5);
	acting->facts = (struct order_facts){
		.type = (enum order_type)order_type_named(kept(rq, result, 1)),
		.status = (enum order_status)order_status_named(kept(rq, result, 2)),
		.accepted = db_bool(result, 0, 6),
		.preparing = db_bool(result, 0, 7),
		.ready = db_bool(result, 0, 8),
	};
	acting->payable = db_bool(result, 0, 9);
	*terms = (struct split_terms){
		.type = acting->facts.type,
		.subtotal = db_int(result, 0, 10),
		.delivery_fee = db_int(result, 0, 11),
		.service_fee = db_int(result, 0, 12),
		.waived_fee = db_int(result, 0, 13),
		.commission_bps = db_int(result, 0, 14),
		.rider_cut_bps = settings_rules(rq->app->settings)->rider_cut_bps,
	};
}

void reply_running(struct request *rq)
{
	reply_error(rq, E_IDEMPOTENCY_RUNNING);
}

bool outcome_take(struct request *rq, const struct db_result *result, struct text *ret)
{
	int error = db_error(result);

	if (error && error != E_IDEMPOTENCY_RUNNING)
		reply_error(rq, error);
	else if (error || text_is(db_text(result, 0, 0), TEXT("REPLAY")))
		request_replay(rq, reply_running);
	else {
		*ret = db_text(result, 0, 0);
		return true;
	}
	return false;
}

/* --- Once more -------------------------------------------------------------------------------- */

static void repeated(struct request *rq, const struct db_result *result)
{
	struct acting *acting = rq->state;

	if (db_rows(result) == 0)
		return reply_error(rq, acting->refusal);
	if (order_keep(rq, db_text(result, 0, 0)))
		answer(rq);
}

/* Whose order it is not has nothing to repeat; whom an order was given to is part of the act. */
static bool may_repeat(struct request *rq)
{
	const struct acting *acting = rq->state;
	const struct order_act_request *act = &acting->act;

	return admit(rq) == 0 && acting->refusal != E_ORDER_TAKEN &&
	       (order_states_after(act->act) & STATE(acting->facts.status)) &&
	       (act->act != ACT_ASSIGN || is_own(act->rider_id, acting->rider_id));
}

static void refuse_or_repeat(struct request *rq)
{
	const struct acting *acting = rq->state;
	const struct order_act_request *act = &acting->act;
	char *states = arena_alloc(rq->arena, ORDER_STATES_SIZE);

	if (!states)
		return reply_error(rq, E_NO_MEMORY);
	if (!may_repeat(rq))
		return reply_error(rq, acting->refusal);
	order_states_text(order_states_after(act->act), states);
	sql_write(rq, order_repeated, repeated, acting->id, act_words[act->act],
		actor_words[act->by], rq->caller.id, order_status_words[order_step(act->act)],
		states, rq->idempotency_key, rq->fingerprint, act->answer);
}

/* What is not possible (any more) may have been done by the same actor: then his first answer was
 * lost, or he tapped twice, and this is the answer again. Under the same key it may have been done
 * since the key was looked up. What a new key is answered is kept with it, as any other answer. */
static void refuse(struct request *rq, int error)
{
	((struct acting *)rq->state)->refusal = error;
	request_replay(rq, refuse_or_repeat);
}

/* --- The beginning ---------------------------------------------------------------------------- */

static void seen(struct request *rq, const struct db_result *result)
{
	const struct acting *acting = rq->state;
	int error;

	if (db_rows(result) == 0)
		return reply_error(rq, E_ORDER_NOT_FOUND);
	see(rq, result);
	error = decide(rq);
	if (error)
		return refuse(rq, error);
	if (acting->act.pay == VENDOR_PAY && !acting->vendor_id)
		return reply_field(rq, "vendorPaid", "a parcel has no vendor",
			"un colis n'a pas de vendeur");
	if (!db_is_null(result, 0, 15))
		return refuse_time(rq, db_text(result, 0, 15));
	move(rq);
}

static void look(struct request *rq)
{
	const struct order_act_request *act = &((struct acting *)rq->state)->act;

	/* On the primary: a replica may be a step behind. */
	sql_write(rq, order_facts, seen, act->order, act->occurred_at);
}

void order_act(struct request *rq, const struct order_act_request *act, order_act_done *done)
{
	struct acting *acting = ARENA_NEW(rq->arena, struct acting);

	if (!acting)
		return reply_error(rq, E_NO_MEMORY);
	acting->act = *act;
	acting->done = done;
	rq->state = acting;
	look(rq);
}

const char *act_place(struct request *rq)
{
	const json_t *place = member(rq->body, "location");

	return place ? arena_printf(rq->arena, "{\"lat\":%.6f,\"lng\":%.6f}",
		member_number(place, "lat", 0), member_number(place, "lng", 0)) : NULL;
}
