/* SPDX-License-Identifier: MIT
 *
 * Dispatch, pass by pass; see the header. A pass claims up to BATCH orders that are due
 * (dispatch_claim), searches Redis for the riders near each (all searches at once), reads the facts
 * for the scores of all candidates from PostgreSQL, and stores the offers it decided on
 * (dispatch_offers_store). While Redis does not answer, PostgreSQL finds the riders too, by their
 * last stored positions.
 *
 * One pass runs at a time. The next starts with the timer, and at once after a full pass or when an
 * event announces work. When a pass fails anywhere, its orders are due again DISPATCH_RETRY_S after
 * it claimed them. If two instances both believe that they hold the lease, their passes claim
 * different orders, and an order has at most one open offer.
 */
#include "reeyo/jobs/dispatch.h"

#include <stdio.h>
#include <stdlib.h>

#include "reeyo/cache/geo.h"
#include "reeyo/core/id.h"
#include "reeyo/core/json_writer.h"
#include "reeyo/core/log.h"
#include "reeyo/core/memory.h"
#include "reeyo/db/periodic.h"
#include "reeyo/db/queries/dispatch.h"
#include "reeyo/domain/dispatch.h"
#include "reeyo/live/hub.h"
#include "reeyo/service/settings.h"

#define BATCH 25
#define CANDIDATES 30 /* of one order: the nearest ones */
#define PASS_MEMORY (8u << 20)

/* Pairs of an order and a rider near it: parameters of dispatch_candidates. */
struct pass_pairs {
	const char *orders[BATCH * CANDIDATES], *riders[BATCH * CANDIDATES];
	double kms[BATCH * CANDIDATES];
	unsigned count;
};

/* The decisions: parameters of dispatch_offers_store. */
struct pass_offers {
	const char *orders[BATCH], *riders[BATCH], *ids[BATCH], *candidates[BATCH];
	double scores[BATCH], kms[BATCH];
	bool new_rounds[BATCH];
	unsigned count;
};

/* The orders of a pass. */
struct pass_orders {
	const char *ids[BATCH];
	double lats[BATCH], lngs[BATCH];
	unsigned count;
};

/* A search for the riders near one order. */
struct pass_search {
	struct dispatch *dispatch;
	const char *order;
};

/* The state of one pass; its texts are in the arena. */
struct pass {
	struct arena *arena;
	struct pass_orders orders;
	struct pass_search searches[BATCH];
	unsigned searching; /* searches under way */
	bool blind;         /* Redis did not answer */
	double radius_m;
	struct pass_pairs pairs;
	struct pass_offers offers;
};

struct dispatch {
	struct app *app;
	struct periodic periodic;
	struct pass pass;
	struct hub_listener listener;
};

static const char *pass_text(struct pass *pass, struct text text)
{
	return arena_copy(pass->arena, text.at, text.len);
}

/* --- Deciding --------------------------------------------------------------------------------- */

static void candidate_write(
	struct json_writer *json, struct text rider, const struct candidate *candidate)
{
	struct score score = candidate_score(candidate);

	json_write_object(json);
	json_write_member_text(json, "riderId", rider);
	json_write_member_decimal(json, "km", candidate->km, 3);
	json_write_member_decimal(json, "score", score.total, 3);
	json_write_member_decimal(json, "distance", score.distance, 3);
	json_write_member_decimal(json, "completion", score.completion, 3);
	json_write_member_decimal(json, "rating", score.rating, 3);
	json_write_member_decimal(json, "load", score.load, 3);
	json_write_member_bool(json, "asked", candidate->offered);
	json_write_object_end(json);
}

static struct candidate candidate_read(const struct db_result *result, unsigned row)
{
	return (struct candidate){ .km = db_double(result, row, DISPATCH_CANDIDATES_KM),
		.completed = db_int(result, row, DISPATCH_CANDIDATES_COMPLETED),
		.total = db_int(result, row, DISPATCH_CANDIDATES_TOTAL),
		.rating = db_double(result, row, DISPATCH_CANDIDATES_RATING),
		.active = db_int(result, row, DISPATCH_CANDIDATES_ACTIVE),
		.offered = db_bool(result, row, DISPATCH_CANDIDATES_OFFERED) };
}

/* Reads the candidates of one order, rows [from, to), and writes them as JSON for the record of the
 * decision. NULL when out of memory. */
static struct candidate *candidates_read(struct pass *pass, const struct db_result *result,
	unsigned from, unsigned to, const char **ret_json)
{
	struct candidate *all = arena_alloc(pass->arena, (to - from) * sizeof(*all));
	struct buf out = buf_in(pass->arena, 256 * (size_t)(to - from));
	struct json_writer json = json_write_to(&out);

	json_write_array(&json);
	for (unsigned row = from; all && row < to; row++) {
		all[row - from] = candidate_read(result, row);
		candidate_write(&json, db_text(result, row, DISPATCH_CANDIDATES_RIDER_ID),
			&all[row - from]);
	}
	json_write_array_end(&json);
	*ret_json = json_write_finish(&json);
	return *ret_json ? all : NULL;
}

static void offer_add(struct pass *pass, const char *order, const char *rider,
	const struct candidate *candidate, const char *candidates, bool new_round)
{
	struct pass_offers *offers = &pass->offers;
	unsigned at = offers->count;
	char *id = arena_alloc(pass->arena, ID_SIZE);

	if (!id || !order || !rider || at == BATCH)
		return;
	id_new(id, "off_");
	offers->orders[at] = order;
	offers->riders[at] = rider;
	offers->ids[at] = id;
	offers->candidates[at] = candidates;
	offers->scores[at] = candidate_score(candidate).total;
	offers->kms[at] = candidate->km;
	offers->new_rounds[at] = new_round;
	offers->count++;
}

/* Rows [from, to) are the candidates of one order. When the order was offered to all of them in
 * this round, a new round begins. */
static void order_choose_rider(
	struct pass *pass, const struct db_result *result, unsigned from, unsigned to)
{
	const char *json;
	const struct candidate *all = candidates_read(pass, result, from, to, &json);
	bool new_round;
	int best;

	if (!all)
		return;
	best = candidate_best(all, to - from, false);
	new_round = best < 0;
	if (new_round)
		best = candidate_best(all, to - from, true);
	offer_add(pass, pass_text(pass, db_text(result, from, DISPATCH_CANDIDATES_ORDER_ID)),
		pass_text(
			pass, db_text(result, from + (unsigned)best, DISPATCH_CANDIDATES_RIDER_ID)),
		&all[best], json, new_round);
}

static void pass_offered(struct db_call *call, const struct db_result *result)
{
	struct dispatch *dispatch = call->owner;

	if (!periodic_continues(&dispatch->periodic, result))
		return;
	for (unsigned i = 0; i < db_rows(result) && log_on(LOG_DEBUG); i++)
		/* texts of a result are NUL-terminated */
		log_line(LOG_DEBUG, "order offered",
			LOG_T("order", db_text(result, i, DISPATCH_OFFERS_STORE_ORDER_ID).at),
			LOG_T("rider", db_text(result, i, DISPATCH_OFFERS_STORE_RIDER_ID).at));
	periodic_end(&dispatch->periodic, dispatch->pass.orders.count == BATCH);
}

static void pass_store(struct dispatch *dispatch)
{
	const struct pass_offers *offers = &dispatch->pass.offers;
	unsigned count = offers->count;

	periodic_run(&dispatch->periodic, pass_offered, dispatch_offers_store,
		&(struct dispatch_offers_store){ .order_ids = { offers->orders, count },
			.rider_ids = { offers->riders, count },
			.offer_ids = { offers->ids, count },
			.scores = { offers->scores, count },
			.kms = { offers->kms, count },
			.candidates = { offers->candidates, count },
			.new_rounds = { offers->new_rounds, count },
			.offer_s = DISPATCH_OFFER_S,
			.retry_s = DISPATCH_RETRY_S });
}

static void pass_decide(struct db_call *call, const struct db_result *result)
{
	struct dispatch *dispatch = call->owner;
	struct pass *pass = &dispatch->pass;
	unsigned from = 0, to;

	if (!periodic_continues(&dispatch->periodic, result))
		return;
	for (; from < db_rows(result); from = to) {
		for (to = from + 1; to < db_rows(result); to++)
			if (!text_is(db_text(result, to, DISPATCH_CANDIDATES_ORDER_ID),
				    db_text(result, from, DISPATCH_CANDIDATES_ORDER_ID)))
				break;
		order_choose_rider(pass, result, from, to);
	}
	if (!pass->offers.count)
		return periodic_end(&dispatch->periodic, pass->orders.count == BATCH);
	pass_store(dispatch);
}

/* --- Candidates ------------------------------------------------------------------------------- */

/* The columns of dispatch_candidates_near are the same. */
static void pass_read_near(struct dispatch *dispatch)
{
	const struct pass_orders *orders = &dispatch->pass.orders;

	periodic_run(&dispatch->periodic, pass_decide, dispatch_candidates_near,
		&(struct dispatch_candidates_near){ .order_ids = { orders->ids, orders->count },
			.lats = { orders->lats, orders->count },
			.lngs = { orders->lngs, orders->count },
			.radius_km = dispatch->pass.radius_m / 1000,
			.fresh_s = DISPATCH_FRESH_S,
			.any_phone = dispatch->app->config->skip_phone_verify });
}

static void pass_read_facts(struct dispatch *dispatch)
{
	const struct pass *pass = &dispatch->pass;
	const struct pass_pairs *pairs = &pass->pairs;

	if (dispatch->periodic.closing || (!pass->blind && !pairs->count))
		/* no rider: due again by itself */
		return periodic_end(&dispatch->periodic, pass->orders.count == BATCH);
	if (pass->blind)
		return pass_read_near(dispatch);
	periodic_run(&dispatch->periodic, pass_decide, dispatch_candidates,
		&(struct dispatch_candidates){ .order_ids = { pairs->orders, pairs->count },
			.rider_ids = { pairs->riders, pairs->count },
			.kms = { pairs->kms, pairs->count },
			.any_phone = dispatch->app->config->skip_phone_verify });
}

static void pass_search_done(void *owner, int error, unsigned count, const struct geo_rider *riders)
{
	const struct pass_search *search = owner;
	struct pass *pass = &search->dispatch->pass;
	struct pass_pairs *pairs = &pass->pairs;

	pass->blind = pass->blind || error;
	for (unsigned i = 0; i < count && pairs->count < BATCH * CANDIDATES; i++) {
		const char *rider = pass_text(pass, text_of(riders[i].id));

		if (!rider)
			break;
		pairs->orders[pairs->count] = search->order;
		pairs->riders[pairs->count] = rider;
		pairs->kms[pairs->count++] = riders[i].distance_m / 1000;
	}
	if (--pass->searching == 0)
		pass_read_facts(search->dispatch);
}

static void pass_search_riders(struct dispatch *dispatch)
{
	struct pass *pass = &dispatch->pass;
	const struct pass_orders *orders = &pass->orders;

	for (unsigned i = 0; i < orders->count && !pass->blind; i++) {
		pass->searches[i] = (struct pass_search){ dispatch, orders->ids[i] };
		if (geo_search(dispatch->app->cache, orders->lats[i], orders->lngs[i],
			    pass->radius_m, CANDIDATES, pass_search_done, &pass->searches[i]))
			pass->blind = true;
		else
			pass->searching++;
	}
	if (!pass->searching)
		pass_read_facts(dispatch);
}

/* --- Claiming --------------------------------------------------------------------------------- */

static void pass_claimed(struct db_call *call, const struct db_result *result)
{
	struct dispatch *dispatch = call->owner;
	struct pass *pass = &dispatch->pass;
	struct pass_orders *orders = &pass->orders;

	if (!periodic_continues(&dispatch->periodic, result))
		return;
	for (unsigned row = 0; row < db_rows(result) && row < BATCH; row++) {
		unsigned at = orders->count;

		orders->ids[at] = pass_text(pass, db_text(result, row, DISPATCH_CLAIM_ORDER_ID));
		orders->lats[at] = db_double(result, row, DISPATCH_CLAIM_PICKUP_LAT);
		orders->lngs[at] = db_double(result, row, DISPATCH_CLAIM_PICKUP_LNG);
		orders->count += orders->ids[at] != NULL;
	}
	if (!orders->count)
		return periodic_end(&dispatch->periodic, false);
	pass_search_riders(dispatch);
}

static void pass_start(void *job)
{
	struct dispatch *dispatch = job;

	dispatch->pass = (struct pass){ .arena = arena_new(dispatch->app->pool, PASS_MEMORY),
		.radius_m = (double)settings_int(
			dispatch->app->settings, SETTING_RIDER_SEARCH_RADIUS) };
	if (!dispatch->pass.arena)
		return periodic_end(&dispatch->periodic, false);
	periodic_run(&dispatch->periodic, pass_claimed, dispatch_claim,
		&(struct dispatch_claim){ .limit = BATCH, .retry_s = DISPATCH_RETRY_S });
}

static void pass_end(void *job)
{
	struct dispatch *dispatch = job;

	arena_free(TAKE_PTR(dispatch->pass.arena));
}

/* --- Events ----------------------------------------------------------------------------------- */

/* Other work (a parcel, an order that a rider returned) is rarer: the timer finds it within half a
 * second. */
static void dispatch_on_event(struct hub_listener *listener, const struct event *event)
{
	struct dispatch *dispatch = CONTAINER_OF(listener, struct dispatch, listener);

	if (text_is(event->type, TEXT("order_accepted")))
		periodic_wake(&dispatch->periodic);
}

void dispatch_listen(struct dispatch *dispatch)
{
	dispatch->listener.on_event = dispatch_on_event;
	if (dispatch->app->hub)
		hub_add_listener(dispatch->app->hub, &dispatch->listener);
}

/* --- Life ------------------------------------------------------------------------------------- */

int dispatch_new(struct app *app, struct dispatch **ret)
{
	static const struct periodic_spec spec = { .lease = "dispatch",
		.every_ms = 500,
		.round = pass_start,
		.ended = pass_end,
		.free = free };
	struct dispatch *dispatch = calloc(1, sizeof(*dispatch));

	if (!dispatch)
		return E_NO_MEMORY;
	dispatch->app = app;
	if (periodic_start(&dispatch->periodic, app->loop, app->db, &spec, dispatch)) {
		free(dispatch);
		return E_NO_MEMORY;
	}
	*ret = dispatch;
	return 0;
}

void dispatch_close(struct dispatch *dispatch)
{
	if (dispatch)
		periodic_close(&dispatch->periodic);
}
