/* SPDX-License-Identifier: MIT
 *
 * Runs a transition (service/order_transition.h) for a request and turns its result into a reply.
 */
#include "reeyo/api/order_acts.h"

#include "reeyo/api/order_fields.h"
#include "reeyo/auth/admit.h"
#include "reeyo/core/json_writer.h"
#include "reeyo/service/order_transition.h"

struct order_act_run {
	struct order_transition transition;
	struct request *rq;
	order_act_done *done;
};

static void reply_transition_fault(struct request *rq, int fault)
{
	switch (fault) {
	case TRANSITION_NO_VENDOR:
		return reply_field(
			rq, "vendorPaid", "a parcel has no vendor", "un colis n'a pas de vendeur");
	case TRANSITION_TOO_OLD:
		return reply_field(rq, "occurredAt", "is more than 30 minutes ago",
			"date de plus de 30 minutes");
	case TRANSITION_AHEAD:
		return reply_field(rq, "occurredAt", "is in the future", "est dans le futur");
	default:
		return reply_field(
			rq, "occurredAt", "is before the previous act", "précède l'acte précédent");
	}
}

/* The facts cached for the admission of a rider contain the rider's orders. */
static void riders_invalidate(struct app *app, const struct order_transition *transition)
{
	if (transition->rider_before)
		rider_facts_invalidate_all(app, transition->rider_before);
	if (transition->rider_after)
		rider_facts_invalidate_all(app, transition->rider_after);
}

static void reply_order_moved(struct request *rq, const struct order_transition *transition)
{
	struct db_record order;

	if (!db_record_from(transition->order_row, &record_order_user_row, &order))
		return reply_error(rq, E_INTERNAL);
	reply_document(
		rq, transition->by == BY_USER ? &order_user_document : &order_document, &order);
}

static void order_act_ended(struct order_transition *transition)
{
	struct order_act_run *run = CONTAINER_OF(transition, struct order_act_run, transition);
	struct request *rq = run->rq;

	riders_invalidate(rq->app, transition);
	if (!request_release(rq))
		return;
	if (transition->fault)
		return reply_transition_fault(rq, transition->fault);
	if (transition->error)
		return reply_error(rq, transition->error);
	if (transition->replayed_status)
		return reply_replayed(rq, transition->replayed_status, transition->replayed_body);
	if (!run->done)
		return reply_order_moved(rq, transition);
	run->done(rq, &(struct order_moved){ .id = transition->id });
}

void order_act(struct request *rq, const struct order_act_request *act, order_act_done *done)
{
	struct order_act_run *run = ARENA_NEW(rq->arena, struct order_act_run);

	if (!run)
		return reply_error(rq, E_NO_MEMORY);
	run->rq = rq;
	run->done = done;
	run->transition = (struct order_transition){ .arena = rq->arena,
		.act = act->act,
		.by = act->by,
		.actor_id = rq->caller.id,
		.order = act->order,
		.rider_id = act->rider_id,
		.note = act->note,
		.photo = act->photo,
		.occurred_at = act->occurred_at,
		.location = act->location,
		.code = act->code,
		.minutes = act->minutes,
		.pay = act->pay,
		.key = rq->idempotency_key,
		.fingerprint = rq->fingerprint,
		.reply = act->reply,
		.audit = act->audit,
		.done = order_act_ended };
	request_hold(rq);
	order_transition_run(rq->app, &run->transition);
}

const char *act_location(struct request *rq)
{
	const json_t *location = member(rq->body, "location");
	struct buf out = buf_in(rq->arena, 64);
	struct json_writer json = json_write_to(&out);

	if (!location)
		return NULL;
	json_write_object(&json);
	json_write_member_decimal(&json, "lat", member_number(location, "lat", 0), 6);
	json_write_member_decimal(&json, "lng", member_number(location, "lng", 0), 6);
	json_write_object_end(&json);
	return json_write_finish(&json);
}

/* --- Keys ------------------------------------------------------------------------------------- */

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
