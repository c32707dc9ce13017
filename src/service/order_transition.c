/* SPDX-License-Identifier: MIT
 *
 * An act that depends on nothing but the state and on who has the order takes one statement:
 * order_advance gets the states in which the state machine allows it. When it does not fit, and for
 * every other act, order_facts_get reads the order, the state machine decides, and order_move
 * writes the new state only if the order has not changed since it was read. If it has (another
 * rider was faster, the customer cancelled, the same request came twice), the transition is decided
 * again from the new state, so that the error is always the state machine's.
 *
 * A transition that is not allowed may be a repetition: its key may have been used since the
 * request looked it up (idempotency_get), or the same actor has done the act before and its effect
 * holds (order_repeated).
 */
#include "reeyo/service/order_transition.h"

#include <string.h>

#include "reeyo/cache/cache.h"
#include "reeyo/db/queries/operations.h"
#include "reeyo/db/queries/order_acts.h"
#include "reeyo/service/cache_keys.h"
#include "reeyo/service/catalogue.h"
#include "reeyo/service/orders.h"
#include "reeyo/service/settings.h"

#define ROUNDS 4

typedef void transition_step(struct order_transition *transition);

static void transition_read(struct order_transition *transition);

static void transition_end(struct order_transition *transition, int error)
{
	transition->error = error;
	transition->done(transition);
}

/* --- Statements ------------------------------------------------------------------------------- */

typedef void transition_call_done(struct db_call *call, const struct db_result *result);

/* On the primary, because a replica may lag behind. */
static void transition_submit(struct order_transition *transition, enum query query,
	const void *params, transition_call_done *done)
{
	struct db_call *call = &transition->call;
	int error;

	*call = (struct db_call){ .lane = DB_WRITE,
		.affinity = db_affinity(transition->actor_id),
		.done = done,
		.owner = transition };
	error = db_fill(call, transition->arena, query, params);
	if (error)
		return transition_end(transition, error);
	db_submit(transition->app->db, call);
}
#define TRANSITION_RUN(transition, name, done, ...) \
	transition_submit((transition), QUERY_##name, DB_PARAMS(name, __VA_ARGS__), (done))

static const char *transition_keep(const struct order_transition *transition, struct text text)
{
	return text.at ? arena_copy(transition->arena, text.at, text.len) : NULL;
}

/* Keeps the order of a result; false when the transition has ended for lack of memory. */
static bool transition_keep_order(struct order_transition *transition, struct text order)
{
	transition->order_row = (struct text){ transition_keep(transition, order), order.len };
	if (!transition->order_row.at)
		transition_end(transition, E_NO_MEMORY);
	return transition->order_row.at != NULL;
}

/* --- Earlier requests with the key ------------------------------------------------------------ */

static void transition_replay(struct order_transition *transition, const struct db_result *result)
{
	struct text body = db_text(result, 0, IDEMPOTENCY_GET_BODY);

	if (!text_is(db_text(result, 0, IDEMPOTENCY_GET_FINGERPRINT),
		    text_of(transition->fingerprint)))
		return transition_end(transition, E_IDEMPOTENCY_MISMATCH);
	transition->replayed_body = (struct text){ transition_keep(transition, body), body.len };
	transition->replayed_status = (int)db_int(result, 0, IDEMPOTENCY_GET_STATUS);
	transition_end(transition, transition->replayed_body.at ? 0 : E_NO_MEMORY);
}

static void key_looked_up(struct db_call *call, const struct db_result *result)
{
	struct order_transition *transition = call->owner;

	if (db_error(result))
		return transition_end(transition, db_error(result));
	if (db_rows(result))
		return transition_replay(transition, result);
	transition->next(transition);
}

/* Ends the transition with the reply of an earlier request with the same key, or goes on. */
static void key_look_up(struct order_transition *transition, transition_step *next)
{
	if (!transition->key)
		return next(transition);
	transition->next = next;
	TRANSITION_RUN(transition, idempotency_get, key_looked_up,
		&(struct idempotency_get){
			.account_id = transition->actor_id, .key = transition->key });
}

/* --- After the write -------------------------------------------------------------------------- */

static void transition_moved(void *arg)
{
	transition_end(arg, 0);
}

static void vendor_invalidated(void *arg)
{
	struct order_transition *transition = arg;

	cache_key_invalidate(
		transition->app->cache, KEY_ORDERS_ACTIVE, NULL, transition_moved, transition);
}

/* A delivered order changes the counters in the vendor's public data. */
static void transition_invalidate(struct order_transition *transition)
{
	transition->rider_before = transition->rider_read;
	transition->rider_after = transition->rider_id;
	if (transition->status == CANCELLED)
		return order_cancelled(transition->app, transition->restocked_vendor_id,
			transition_moved, transition);
	if (transition->vendor_id && transition->status == DELIVERED)
		return cache_key_invalidate(transition->app->cache, KEY_VENDOR,
			transition->vendor_id, vendor_invalidated, transition);
	vendor_invalidated(transition);
}

/* --- The write -------------------------------------------------------------------------------- */

static void transition_retry(struct order_transition *transition, int error)
{
	if (++transition->rounds >= ROUNDS)
		return transition_end(transition, error);
	key_look_up(transition, transition_read);
}

static void transition_written(struct db_call *call, const struct db_result *result)
{
	struct order_transition *transition = call->owner;
	struct text outcome;
	int error = db_error(result);

	/* The key was used in the meantime, by the same act: its reply is the result. */
	if (error == E_IDEMPOTENCY_RUNNING)
		return transition_retry(transition, error);
	if (error)
		return transition_end(transition, error);
	outcome = db_text(result, 0, ORDER_MOVE_OUTCOME);
	if (text_is(outcome, TEXT("MOVED")))
		return transition_retry(transition, E_CONFLICT);
	if (!text_is(outcome, TEXT("DONE")))
		return transition_end(transition, error_from_name(outcome.at, outcome.len));
	if (call->query == QUERY_order_move)
		transition->restocked_vendor_id = transition_keep(
			transition, db_text(result, 0, ORDER_MOVE_RESTOCKED_VENDOR_ID));
	if (transition_keep_order(transition, db_text(result, 0, ORDER_MOVE_ORDER)))
		transition_invalidate(transition);
}

/* The vendor's part is paid for a delivered order, and by the platform for a cancelled one that the
 * admin wants compensated. */
static int64_t vendor_share(const struct order_transition *transition, const struct split *split)
{
	if (transition->act == ACT_COMPLETE)
		return split->vendor;
	return transition->act == ACT_CANCEL && transition->by == BY_ADMIN &&
			order_pays_vendor(&transition->facts, transition->pay)
		? split->vendor
		: 0;
}

static void transition_write(struct order_transition *transition)
{
	struct split split = split_order(&transition->terms);
	const char *entries[COUNT_OF(transition->entries)];

	for (size_t i = 0; i < COUNT_OF(entries); i++) {
		id_new(transition->entries[i], "txn_");
		entries[i] = transition->entries[i];
	}
	id_new(transition->offer, "off_");
	TRANSITION_RUN(transition, order_move, transition_written,
		&(struct order_move){ .order_id = transition->id,
			.status_read = order_status_words[transition->facts.status],
			.rider_read = transition->rider_read,
			.act = order_act_words[transition->act],
			.status = order_status_words[transition->status],
			.by = order_actor_words[transition->by],
			.rider_id = transition->rider_id,
			.occurred_at = transition->occurred_at,
			.note = transition->note,
			.photo = transition->photo,
			.minutes = transition->minutes ? &transition->minutes : NULL,
			.location = transition->location,
			.code = transition->code,
			.needs_code = settings_flag(
				transition->app->settings, SETTING_DELIVERY_CODE),
			.entries = { entries, COUNT_OF(entries) },
			.offer = transition->offer,
			.vendor_share = vendor_share(transition, &split),
			.rider_share = split.rider,
			.platform_share = split.platform,
			.subsidy = split.subsidy,
			.actor_id = transition->actor_id,
			.key = transition->key,
			.fingerprint = transition->fingerprint,
			.reply = transition->reply,
			.audit = transition->audit });
}

/* --- Repetition ------------------------------------------------------------------------------- */

static bool id_matches(const char *id, const char *owner)
{
	return id && owner && strcmp(id, owner) == 0;
}

/* Checks that the order belongs to the actor. An order that is not paid yet is visible to its
 * customer and to admins only. */
static int actor_check(const struct order_transition *transition)
{
	const char *actor = transition->actor_id;

	switch (transition->by) {
	case BY_USER:
		return id_matches(actor, transition->user_id) ? 0 : E_ORDER_NOT_OWNER;
	case BY_VENDOR:
		if (!id_matches(actor, transition->vendor_id))
			return E_ORDER_NOT_OWNER;
		return transition->payable ? 0 : E_ORDER_NOT_FOUND;
	case BY_RIDER:
		if (transition->act == ACT_ASSIGN)
			return transition->payable ? 0 : E_ORDER_NOT_FOUND;
		return id_matches(actor, transition->rider_read) ? 0 : E_ORDER_NOT_OWNER;
	default:
		return 0;
	}
}

static void repetition_found(struct db_call *call, const struct db_result *result)
{
	struct order_transition *transition = call->owner;

	if (db_error(result))
		return transition_end(transition, db_error(result));
	if (db_rows(result) == 0)
		return transition_end(transition, transition->error);
	if (transition_keep_order(transition, db_text(result, 0, ORDER_REPEATED_ORDER)))
		transition_end(transition, 0);
}

/* An actor who does not own the order cannot repeat an act. The assigned rider is part of the act.
 */
static bool may_be_repetition(const struct order_transition *transition)
{
	return actor_check(transition) == 0 && transition->error != E_ORDER_TAKEN &&
		(order_states_after(transition->act) & STATE(transition->facts.status)) &&
		(transition->act != ACT_ASSIGN ||
			id_matches(transition->rider_id, transition->rider_read));
}

static void repetition_find(struct order_transition *transition)
{
	const char *states[ORDER_STATUSES];
	unsigned count = order_states_list(order_states_after(transition->act), states);

	if (!may_be_repetition(transition))
		return transition_end(transition, transition->error);
	TRANSITION_RUN(transition, order_repeated, repetition_found,
		&(struct order_repeated){ .order_id = transition->id,
			.act = order_act_words[transition->act],
			.by = order_actor_words[transition->by],
			.actor_id = transition->actor_id,
			.status = order_status_words[order_act_status(transition->act)],
			.states = { states, count },
			.key = transition->key,
			.fingerprint = transition->fingerprint,
			.reply = transition->reply });
}

/* --- The decision ----------------------------------------------------------------------------- */

static int transition_decide(struct order_transition *transition)
{
	bool assigns = transition->act == ACT_ASSIGN, by_admin = transition->by == BY_ADMIN;
	bool has_it = assigns && id_matches(transition->rider_id, transition->rider_read);
	int error = actor_check(transition);

	if (error)
		return error;
	if (assigns && transition->rider_read && !has_it && !by_admin &&
		(STATES_ACTIVE & STATE(transition->facts.status)))
		return E_ORDER_TAKEN;
	if (assigns && (!transition->payable || (by_admin && has_it)))
		return E_CANNOT_MOVE;
	return order_next_status(
		&transition->facts, transition->act, transition->by, &transition->status);
}

static bool time_is_fault(struct order_transition *transition, struct text fault)
{
	if (text_is(fault, TEXT("OLD")))
		transition->fault = TRANSITION_TOO_OLD;
	else if (text_is(fault, TEXT("AHEAD")))
		transition->fault = TRANSITION_AHEAD;
	else if (text_is(fault, TEXT("BEFORE")))
		transition->fault = TRANSITION_BEFORE;
	return transition->fault != TRANSITION_FAULT_NONE;
}

static void facts_keep(struct order_transition *transition, const struct db_result *result)
{
	transition->id = transition_keep(transition, db_text(result, 0, ORDER_FACTS_GET_ID));
	transition->user_id = transition_keep(
		transition, db_text(result, 0, ORDER_FACTS_GET_USER_ID));
	transition->vendor_id = transition_keep(
		transition, db_text(result, 0, ORDER_FACTS_GET_VENDOR_ID));
	transition->rider_read = transition_keep(
		transition, db_text(result, 0, ORDER_FACTS_GET_RIDER_ID));
	transition->payable = db_bool(result, 0, ORDER_FACTS_GET_PAYABLE);
	transition->facts = (struct order_facts){
		.type = (enum order_type)order_type_parse(
			transition_keep(transition, db_text(result, 0, ORDER_FACTS_GET_TYPE))),
		.status = (enum order_status)order_status_parse(
			transition_keep(transition, db_text(result, 0, ORDER_FACTS_GET_STATUS))),
		.accepted = db_bool(result, 0, ORDER_FACTS_GET_ACCEPTED),
		.preparing = db_bool(result, 0, ORDER_FACTS_GET_PREPARING),
		.ready = db_bool(result, 0, ORDER_FACTS_GET_READY),
	};
	transition->terms = (struct split_terms){
		.type = transition->facts.type,
		.subtotal = db_int(result, 0, ORDER_FACTS_GET_SUBTOTAL),
		.delivery_fee = db_int(result, 0, ORDER_FACTS_GET_DELIVERY_FEE),
		.total = db_int(result, 0, ORDER_FACTS_GET_TOTAL),
		.waived_fee = db_int(result, 0, ORDER_FACTS_GET_WAIVED_FEE),
		.commission_bps = db_int(result, 0, ORDER_FACTS_GET_COMMISSION_BPS),
		.rider_cut_bps = db_int(result, 0, ORDER_FACTS_GET_RIDER_CUT_BPS),
	};
}

static void facts_read(struct db_call *call, const struct db_result *result)
{
	struct order_transition *transition = call->owner;

	if (db_error(result) || db_rows(result) == 0)
		return transition_end(
			transition, db_error(result) ? db_error(result) : E_ORDER_NOT_FOUND);
	facts_keep(transition, result);
	if (!transition->id)
		return transition_end(transition, E_NO_MEMORY);
	transition->error = transition_decide(transition);
	if (transition->error)
		return key_look_up(transition, repetition_find);
	if (transition->pay == VENDOR_PAY && !transition->vendor_id)
		transition->fault = TRANSITION_NO_VENDOR;
	if (transition->fault ||
		time_is_fault(transition, db_text(result, 0, ORDER_FACTS_GET_TIME_FAULT)))
		return transition_end(transition, E_VALIDATION);
	transition_write(transition);
}

static void transition_read(struct order_transition *transition)
{
	TRANSITION_RUN(transition, order_facts_get, facts_read,
		&(struct order_facts_get){
			.order = transition->order, .occurred_at = transition->occurred_at });
}

/* --- In one statement ------------------------------------------------------------------------- */

static bool act_is_plain(enum order_act act, enum order_actor by)
{
	switch (act) {
	case ACT_ACCEPT:
	case ACT_PREPARE:
	case ACT_READY:
	case ACT_ARRIVE_PICKUP:
	case ACT_PICK_UP:
	case ACT_ARRIVE_DELIVERY:
		return true;
	default:
		return act == ACT_ASSIGN && by == BY_RIDER;
	}
}

/* A reported time is checked against the order, and an order number is not its id: its second
 * character is a dash. */
static bool may_advance(const struct order_transition *transition)
{
	const char *order = transition->order;

	return act_is_plain(transition->act, transition->by) && !transition->occurred_at &&
		order[0] && order[1] != '-';
}

static void transition_advanced(struct db_call *call, const struct db_result *result)
{
	struct order_transition *transition = call->owner;
	int error = db_error(result);

	if (error == E_CONFLICT ||
		(!error && text_is(db_text(result, 0, ORDER_ADVANCE_OUTCOME), TEXT("MOVED"))))
		return transition_read(transition);
	transition_written(call, result);
}

static void transition_advance(struct order_transition *transition)
{
	enum order_act act = transition->act;
	enum order_actor by = transition->by;
	const char *meal[ORDER_STATUSES], *parcel[ORDER_STATUSES], *kept[ORDER_STATUSES];
	unsigned meals = order_states_list(order_states_before(FOOD, act, by), meal);
	unsigned parcels = order_states_list(order_states_before(PACKAGE, act, by), parcel);
	unsigned keeps = order_states_list(order_states_kept(act, by), kept);

	transition->id = transition->order;
	transition->status = (enum order_status)order_act_status(act);
	transition->rider_read = act == ACT_ASSIGN || by != BY_RIDER ? NULL : transition->actor_id;
	id_new(transition->offer, "off_");
	TRANSITION_RUN(transition, order_advance, transition_advanced,
		&(struct order_advance){ .order_id = transition->id,
			.act = order_act_words[act],
			.meal_states = { meal, meals },
			.parcel_states = { parcel, parcels },
			.kept_states = { kept, keeps },
			.status = order_status_words[transition->status],
			.vendor_id = by == BY_VENDOR ? transition->actor_id : NULL,
			.any_rider = by == BY_VENDOR,
			.rider_read = transition->rider_read,
			.by = order_actor_words[by],
			.rider_id = transition->rider_id,
			.note = transition->note,
			.photo = transition->photo,
			.minutes = transition->minutes ? &transition->minutes : NULL,
			.location = transition->location,
			.offer = transition->offer,
			.actor_id = transition->actor_id,
			.key = transition->key,
			.fingerprint = transition->fingerprint,
			.reply = transition->reply });
}

void order_transition_run(struct app *app, struct order_transition *transition)
{
	transition->app = app;
	if (may_advance(transition))
		return transition_advance(transition);
	transition_read(transition);
}
