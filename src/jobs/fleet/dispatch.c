/* SPDX-License-Identifier: MIT
 *
 * Dispatch, pass by pass; see the header. A pass claims up to BATCH orders that are due
 * (dispatch_claim), searches Redis for the riders near each (all searches at once), reads the facts
 * for the scores of all candidates from PostgreSQL, and stores the offers it decided on
 * (dispatch_offers_store). While Redis does not answer, PostgreSQL finds the riders too, by their
 * last stored positions.
 *
 * One pass runs at a time. The next starts with the timer, and at once after a full pass or when an
 * event announces work. When a pass fails anywhere, its orders are due again five seconds after it
 * claimed them. If two instances both believe that they leadership, their passes claim different
 * orders, and an order has at most one open offer.
 */
#include "reeyo/jobs/dispatch.h"

#include <stdio.h>
#include <stdlib.h>

#include "reeyo/cache/geo.h"
#include "reeyo/core/id.h"
#include "reeyo/core/log.h"
#include "reeyo/core/memory.h"
#include "reeyo/db/db.h"
#include "reeyo/db/leadership.h"
#include "reeyo/domain/dispatch.h"
#include "reeyo/live/hub.h"

#define EVERY_MS 500
#define BATCH 25
#define BATCH_TEXT "25"
#define CANDIDATES 30 /* of one order: the nearest ones */
#define PASS_MEMORY (8u << 20)

struct pass_order {
	struct dispatch *dispatch;
	struct text id;
	double lat, lng;
};

/* Parameters, as PostgreSQL arrays: pairs of an order and a rider near it; the offers. */
enum {
	PAIR_ORDERS,
	PAIR_RIDERS,
	PAIR_KM,
	ORDERS,
	RIDERS,
	OFFERS,
	SCORES,
	KM,
	CANDIDATE_LISTS,
	NEW_ROUND,
	ARRAYS
};

/* The state of one pass; its memory is the arena. */
struct pass {
	struct arena *arena;
	struct pass_order orders[BATCH];
	unsigned count, searching; /* orders; searches under way */
	bool blind;                /* Redis did not answer */
	double radius_m;
	struct buf array[ARRAYS];
	unsigned offers;
};

struct dispatch {
	struct app *app;
	struct leadership *leadership;
	uv_timer_t timer;
	struct db_call call;
	struct pass pass;
	struct hub_listener listener;
	bool running, again, timer_open, closing;
};

static void dispatch_pass_start(struct dispatch *dispatch);

static void dispatch_free_if_idle(struct dispatch *dispatch)
{
	if (!dispatch->running && !dispatch->timer_open)
		free(dispatch);
}

static void dispatch_pass_end(struct dispatch *dispatch)
{
	arena_free(TAKE_PTR(dispatch->pass.arena));
	dispatch->running = false;
	if (dispatch->closing)
		return dispatch_free_if_idle(dispatch);
	if (dispatch->again)
		dispatch_pass_start(dispatch);
}

/* Called by each step with its result. Ends the pass and returns false after an error and when
 * closing: the orders it claimed are due again in five seconds. */
static bool dispatch_pass_continues(struct dispatch *dispatch, const struct db_result *result)
{
	if (!dispatch->closing && !db_error(result))
		return true;
	dispatch->again = false;
	dispatch_pass_end(dispatch);
	return false;
}

static void dispatch_submit(struct dispatch *dispatch, enum query query,
	void (*done)(struct db_call *call, const struct db_result *result), unsigned count,
	const char *const *params)
{
	dispatch->call = (struct db_call){
		.query = query, .lane = DB_WRITE, .count = count, .done = done, .owner = dispatch
	};
	memcpy(dispatch->call.params, params, count * sizeof(*params));
	db_submit(dispatch->app->db, &dispatch->call);
}
#define DISPATCH_SUBMIT(dispatch, name, done, ...) \
	dispatch_submit((dispatch), QUERY_##name, (done), \
		sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *), \
		(const char *[]){ __VA_ARGS__ })

/* --- Deciding --------------------------------------------------------------------------------- */

static void pg_array_add(struct buf *array, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void pg_array_add(struct buf *array, const char *format, ...)
{
	char text[80];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	buf_add_string(array, array->len ? "," : "{");
	buf_add_string(array, text);
}

static const char *pg_array_end(struct buf *array)
{
	buf_add_string(array, array->len ? "}" : "{}");
	return buf_string(array);
}

static void candidate_add(struct buf *json, struct text rider, const struct candidate *candidate)
{
	struct score score = candidate_score(candidate);

	buf_add_string(json, json->len ? "," : "[");
	buf_printf(json,
		"{\"riderId\":\"%.*s\",\"km\":%.3f,\"score\":%.3f,\"distance\":%.3f,"
		"\"completion\":%.3f,\"rating\":%.3f,\"load\":%.3f,\"asked\":%s}",
		TEXT_ARGS(rider), candidate->km, score.total, score.distance, score.completion,
		score.rating, score.load, candidate->offered ? "true" : "false");
}

/* A quoted element of a text[]. It is JSON that this file made, so only quotes and backslashes
 * need escaping. */
static void pg_array_add_quoted(struct buf *array, const struct buf *text)
{
	buf_add_string(array, array->len ? ",\"" : "{\"");
	for (size_t i = 0; i < text->len; i++) {
		if (text->at[i] == '"' || text->at[i] == '\\')
			buf_add_string(array, "\\");
		buf_add(array, &text->at[i], 1);
	}
	buf_add_string(array, "\"");
}

static struct candidate candidate_read(const struct db_result *result, unsigned row)
{
	return (struct candidate){ .km = db_double(result, row, 2),
		.completed = db_int(result, row, 3),
		.total = db_int(result, row, 4),
		.rating = db_double(result, row, 5),
		.active = db_int(result, row, 6),
		.offered = db_bool(result, row, 7) };
}

/* Rows [from, to) are the candidates of one order. When all of them have been asked in this round,
 * a new round begins. */
static void order_choose_rider(
	struct pass *pass, const struct db_result *result, unsigned from, unsigned to)
{
	struct candidate *all = arena_alloc(pass->arena, (to - from) * sizeof(*all));
	struct buf json = buf_in(pass->arena, 256 * (size_t)(to - from));
	struct text rider;
	char id[ID_SIZE];
	bool new_round;
	int best;

	for (unsigned row = from; all && row < to; row++) {
		all[row - from] = candidate_read(result, row);
		candidate_add(&json, db_text(result, row, 1), &all[row - from]);
	}
	buf_add_string(&json, "]");
	if (!all || json.failed)
		return;
	best = candidate_best(all, to - from, false);
	new_round = best < 0;
	if (new_round)
		best = candidate_best(all, to - from, true);
	rider = db_text(result, from + (unsigned)best, 1);
	id_new(id, "off_");
	pg_array_add(&pass->array[ORDERS], "%.*s", TEXT_ARGS(db_text(result, from, 0)));
	pg_array_add(&pass->array[RIDERS], "%.*s", TEXT_ARGS(rider));
	pg_array_add(&pass->array[OFFERS], "%s", id);
	pg_array_add(&pass->array[SCORES], "%.3f", candidate_score(&all[best]).total);
	pg_array_add(&pass->array[KM], "%.3f", all[best].km);
	pg_array_add_quoted(&pass->array[CANDIDATE_LISTS], &json);
	pg_array_add(&pass->array[NEW_ROUND], "%s", new_round ? "t" : "f");
	pass->offers++;
}

static void pass_offered(struct db_call *call, const struct db_result *result)
{
	struct dispatch *dispatch = call->owner;

	if (!dispatch_pass_continues(dispatch, result))
		return;
	for (unsigned i = 0; i < db_rows(result) && log_on(LOG_DEBUG); i++) {
		char order[ID_SIZE], rider[ID_SIZE];

		snprintf(order, sizeof(order), "%.*s", TEXT_ARGS(db_text(result, i, 0)));
		snprintf(rider, sizeof(rider), "%.*s", TEXT_ARGS(db_text(result, i, 1)));
		log_line(LOG_DEBUG, "order offered", LOG_T("order", order), LOG_T("rider", rider));
	}
	dispatch_pass_end(dispatch);
}

static void pass_decide(struct db_call *call, const struct db_result *result)
{
	struct dispatch *dispatch = call->owner;
	struct pass *pass = &dispatch->pass;
	unsigned from = 0, to;

	if (!dispatch_pass_continues(dispatch, result))
		return;
	for (; from < db_rows(result); from = to) {
		for (to = from + 1; to < db_rows(result); to++)
			if (!text_is(db_text(result, to, 0), db_text(result, from, 0)))
				break;
		order_choose_rider(pass, result, from, to);
	}
	if (!pass->offers)
		return dispatch_pass_end(dispatch);
	DISPATCH_SUBMIT(dispatch, dispatch_offers_store, pass_offered,
		pg_array_end(&pass->array[ORDERS]), pg_array_end(&pass->array[RIDERS]),
		pg_array_end(&pass->array[OFFERS]), pg_array_end(&pass->array[SCORES]),
		pg_array_end(&pass->array[KM]), pg_array_end(&pass->array[CANDIDATE_LISTS]),
		pg_array_end(&pass->array[NEW_ROUND]));
}

/* --- Candidates ------------------------------------------------------------------------------- */

static void pass_read_facts(struct dispatch *dispatch)
{
	const char *unverified = dispatch->app->config->skip_phone_verify ? "t" : "f";
	struct pass *pass = &dispatch->pass;
	struct buf ids = buf_in(pass->arena, 1024), lats = buf_in(pass->arena, 512),
		   lngs = buf_in(pass->arena, 512);

	if (dispatch->closing || (!pass->blind && !pass->array[PAIR_RIDERS].len))
		return dispatch_pass_end(dispatch); /* no rider: due again in five seconds */
	if (!pass->blind) {
		DISPATCH_SUBMIT(dispatch, dispatch_candidates, pass_decide,
			pg_array_end(&pass->array[PAIR_ORDERS]),
			pg_array_end(&pass->array[PAIR_RIDERS]),
			pg_array_end(&pass->array[PAIR_KM]), unverified);
		return;
	}
	for (unsigned i = 0; i < pass->count; i++) {
		pg_array_add(&ids, "%.*s", TEXT_ARGS(pass->orders[i].id));
		pg_array_add(&lats, "%.7f", pass->orders[i].lat);
		pg_array_add(&lngs, "%.7f", pass->orders[i].lng);
	}
	DISPATCH_SUBMIT(dispatch, dispatch_candidates_near, pass_decide, pg_array_end(&ids),
		pg_array_end(&lats), pg_array_end(&lngs),
		arena_printf(pass->arena, "%.3f", pass->radius_m / 1000), unverified);
}

static void pass_search_done(void *owner, int error, unsigned count, const struct geo_rider *riders)
{
	struct pass_order *order = owner;
	struct dispatch *dispatch = order->dispatch;
	struct pass *pass = &dispatch->pass;

	pass->blind = pass->blind || error;
	for (unsigned i = 0; i < count; i++) {
		pg_array_add(&pass->array[PAIR_ORDERS], "%.*s", TEXT_ARGS(order->id));
		pg_array_add(&pass->array[PAIR_RIDERS], "%s", riders[i].id);
		pg_array_add(&pass->array[PAIR_KM], "%.3f", riders[i].distance_m / 1000);
	}
	if (--pass->searching == 0)
		pass_read_facts(dispatch);
}

static void pass_search_riders(struct dispatch *dispatch)
{
	struct pass *pass = &dispatch->pass;

	for (unsigned i = 0; i < pass->count && !pass->blind; i++) {
		struct pass_order *order = &pass->orders[i];

		if (geo_search(dispatch->app->cache, order->lat, order->lng, pass->radius_m,
			    CANDIDATES, pass_search_done, order))
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

	if (!dispatch_pass_continues(dispatch, result))
		return;
	for (unsigned i = 0; i < db_rows(result) && i < BATCH; i++) {
		struct text id = db_text(result, i, 0);

		pass->orders[pass->count++] = (struct pass_order){ .dispatch = dispatch,
			.id = { arena_copy(pass->arena, id.at, id.len), id.len },
			.lat = db_double(result, i, 1),
			.lng = db_double(result, i, 2) };
		pass->radius_m = db_double(result, i, 3);
	}
	dispatch->again = dispatch->again || pass->count == BATCH;
	if (!pass->count)
		return dispatch_pass_end(dispatch);
	pass_search_riders(dispatch);
}

static struct arena *pass_reset(struct pass *pass, struct arena_pool *pool)
{
	struct arena *arena = arena_new(pool, PASS_MEMORY);

	*pass = (struct pass){ .arena = arena };
	if (!arena)
		return NULL;
	for (int i = 0; i < ARRAYS; i++)
		pass->array[i] = buf_in(arena, 64);
	return arena;
}

static void dispatch_pass_start(struct dispatch *dispatch)
{
	if (dispatch->running || dispatch->closing || !leadership_held(dispatch->leadership))
		return;
	dispatch->again = false;
	if (!pass_reset(&dispatch->pass, dispatch->app->pool))
		return;
	dispatch->running = true;
	DISPATCH_SUBMIT(dispatch, dispatch_claim, pass_claimed, BATCH_TEXT);
}

static void dispatch_tick(uv_timer_t *timer)
{
	dispatch_pass_start(timer->data);
}

/* --- Events ----------------------------------------------------------------------------------- */

/* Other work (a parcel, an order that a rider returned) is rarer: the timer finds it within half a
 * second. */
static void dispatch_on_event(struct hub_listener *listener, const struct event *event)
{
	struct dispatch *dispatch = CONTAINER_OF(listener, struct dispatch, listener);

	if (!text_is(event->type, TEXT("order_accepted")))
		return;
	dispatch->again = dispatch->running;
	dispatch_pass_start(dispatch);
}

void dispatch_listen(struct dispatch *dispatch)
{
	dispatch->listener.on_event = dispatch_on_event;
	if (dispatch->app->hub)
		hub_add_listener(dispatch->app->hub, &dispatch->listener);
}

/* --- Life ------------------------------------------------------------------------------------- */

static void dispatch_leadership_gained(void *arg)
{
	dispatch_pass_start(arg);
}

int dispatch_new(struct app *app, struct dispatch **ret)
{
	struct dispatch *dispatch = calloc(1, sizeof(*dispatch));
	int error;

	if (!dispatch)
		return E_NO_MEMORY;
	dispatch->app = app;
	dispatch->timer.data = dispatch;
	error = leadership_new(app->loop, app->db, "dispatch", dispatch_leadership_gained, dispatch,
		&dispatch->leadership);
	if (error || uv_timer_init(loop_uv(app->loop), &dispatch->timer)) {
		leadership_close(dispatch->leadership);
		free(dispatch);
		return E_NO_MEMORY;
	}
	dispatch->timer_open = true;
	uv_timer_start(&dispatch->timer, dispatch_tick, EVERY_MS, EVERY_MS);
	*ret = dispatch;
	return 0;
}

static void dispatch_timer_closed(uv_handle_t *handle)
{
	struct dispatch *dispatch = handle->data;

	dispatch->timer_open = false;
	dispatch_free_if_idle(dispatch);
}

void dispatch_close(struct dispatch *dispatch)
{
	if (!dispatch)
		return;
	dispatch->closing = true;
	leadership_close(dispatch->leadership);
	uv_close((uv_handle_t *)&dispatch->timer, dispatch_timer_closed);
}
