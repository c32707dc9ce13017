/* SPDX-License-Identifier: MIT
 *
 * Dispatch, pass by pass; see the header. A pass takes up to BATCH orders that are due
 * (dispatch_take), asks Redis who is near each (all in one turn), asks PostgreSQL what the scores
 * are made of, for all of them at once, and writes down whom it asks (dispatch_offer). While Redis
 * does not answer, PostgreSQL also says who is near, by last known points.
 *
 * One pass at a time; the next begins when the clock says so, at once after a full one or when an
 * event tells of work. A pass that dies anywhere leaves orders that are due again five seconds
 * after they were taken. Two at once, should two copies think that they lead, take different
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
#include "reeyo/domain/dispatch.h"
#include "reeyo/live/hub.h"
#include "reeyo/db/lead.h"

#define EVERY_MS 500
#define BATCH 25
#define BATCH_TEXT "25"
#define CANDIDATES 30 /* of one order: the nearest */
#define PASS_MEMORY (8u << 20)

struct pass_order {
	struct dispatch *dispatch;
	struct text id;
	double lat, lng;
};

/* PostgreSQL arrays: who is near which order, and what is decided. */
enum {
	PAIR_ORDERS, PAIR_RIDERS, PAIR_KM,
	ORDERS, RIDERS, OFFERS, SCORES, KM, WHY, ANEW,
	ARRAYS
};

/* What one pass gathers, in its arena. */
struct pass {
	struct arena *arena;
	struct pass_order orders[BATCH];
	unsigned count, asked; /* orders; searches without an answer yet */
	bool blind;            /* Redis did not answer */
	double radius_m;
	struct buf array[ARRAYS];
	unsigned offers;
};

struct dispatch {
	struct app *app;
	struct lead *lead;
	uv_timer_t timer;
	struct db_call call;
	struct pass pass;
	struct hub_listener listener;
	bool running, again, timer_open, closing;
};

static void pass_start(struct dispatch *dispatch);

static void dispatch_end(struct dispatch *dispatch)
{
	if (!dispatch->running && !dispatch->timer_open)
		free(dispatch);
}

static void pass_end(struct dispatch *dispatch)
{
	arena_free(TAKE_PTR(dispatch->pass.arena));
	dispatch->running = false;
	if (dispatch->closing)
		return dispatch_end(dispatch);
	if (dispatch->again)
		pass_start(dispatch);
}

/* The only way a pass goes on: after closing has begun, and after an error, it goes no further.
 * What it had taken is due again in five seconds. */
static bool pass_goes(struct dispatch *dispatch, const struct db_result *result)
{
	if (!dispatch->closing && !db_error(result))
		return true;
	dispatch->again = false;
	pass_end(dispatch);
	return false;
}

static void ask(struct dispatch *dispatch, enum query query,
	void (*done)(struct db_call *call, const struct db_result *result),
	unsigned count, const char *const *params)
{
	dispatch->call = (struct db_call){ .query = query, .lane = DB_WRITE, .count = count,
		.done = done, .owner = dispatch };
	memcpy(dispatch->call.params, params, count * sizeof(*params));
	db_submit(dispatch->app->db, &dispatch->call);
}
#define ASK(dispatch, name, done, ...) \
	ask((dispatch), QUERY_##name, (done), \
		sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *), \
		(const char *[]){ __VA_ARGS__ })

/* --- Deciding --------------------------------------------------------------------------------- */

static void array_add(struct buf *array, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void array_add(struct buf *array, const char *format, ...)
{
	char text[80];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	buf_add_string(array, array->len ? "," : "{");
	buf_add_string(array, text);
}

static const char *array_end(struct buf *array)
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
		score.rating, score.load, candidate->asked ? "true" : "false");
}

/* A text[] element, quoted: what it holds is our own JSON, so only quotes and backslashes
 * matter. */
static void array_add_quoted(struct buf *array, const struct buf *text)
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
		.total = db_int(result, row, 4), .rating = db_double(result, row, 5),
		.active = db_int(result, row, 6), .asked = db_bool(result, row, 7) };
}

/* Rows [from, to) are the candidates of one order. When all of them have been asked a new round
 * begins. */
static void order_decide(struct pass *pass, const struct db_result *result,
	unsigned from, unsigned to)
{
	struct candidate *all = arena_alloc(pass->arena, (to - from) * sizeof(*all));
	struct buf json = buf_in(pass->arena, 256 * (size_t)(to - from));
	struct text rider;
	char id[ID_SIZE];
	bool anew;
	int best;

	for (unsigned row = from; all && row < to; row++) {
		all[row - from] = candidate_read(result, row);
		candidate_add(&json, db_text(result, row, 1), &all[row - from]);
	}
	buf_add_string(&json, "]");
	if (!all || json.failed)
		return;
	best = candidate_best(all, to - from, false);
	anew = best < 0;
	if (anew)
		best = candidate_best(all, to - from, true);
	rider = db_text(result, from + (unsigned)best, 1);
	id_new(id, "off_");
	array_add(&pass->array[ORDERS], "%.*s", TEXT_ARGS(db_text(result, from, 0)));
	array_add(&pass->array[RIDERS], "%.*s", TEXT_ARGS(rider));
	array_add(&pass->array[OFFERS], "%s", id);
	array_add(&pass->array[SCORES], "%.3f", candidate_score(&all[best]).total);
	array_add(&pass->array[KM], "%.3f", all[best].km);
	array_add_quoted(&pass->array[WHY], &json);
	array_add(&pass->array[ANEW], "%s", anew ? "t" : "f");
	pass->offers++;
}

static void offered(struct db_call *call, const struct db_result *result)
{
	struct dispatch *dispatch = call->owner;

	if (!pass_goes(dispatch, result))
		return;
	for (unsigned i = 0; i < db_rows(result) && log_on(LOG_DEBUG); i++) {
		char order[ID_SIZE], rider[ID_SIZE];

		snprintf(order, sizeof(order), "%.*s", TEXT_ARGS(db_text(result, i, 0)));
		snprintf(rider, sizeof(rider), "%.*s", TEXT_ARGS(db_text(result, i, 1)));
		log_line(LOG_DEBUG, "order offered", LOG_T("order", order), LOG_T("rider", rider));
	}
	pass_end(dispatch);
}

static void decide(struct db_call *call, const struct db_result *result)
{
	struct dispatch *dispatch = call->owner;
	struct pass *pass = &dispatch->pass;
	unsigned from = 0, to;

	if (!pass_goes(dispatch, result))
		return;
	for (; from < db_rows(result); from = to) {
		for (to = from + 1; to < db_rows(result); to++)
			if (!text_is(db_text(result, to, 0), db_text(result, from, 0)))
				break;
		order_decide(pass, result, from, to);
	}
	if (!pass->offers)
		return pass_end(dispatch);
	ASK(dispatch, dispatch_offer, offered, array_end(&pass->array[ORDERS]),
		array_end(&pass->array[RIDERS]), array_end(&pass->array[OFFERS]),
		array_end(&pass->array[SCORES]), array_end(&pass->array[KM]),
		array_end(&pass->array[WHY]), array_end(&pass->array[ANEW]));
}

/* --- Who is near ------------------------------------------------------------------------------ */

static void facts_ask(struct dispatch *dispatch)
{
	const char *unverified = dispatch->app->config->skip_phone_verify ? "t" : "f";
	struct pass *pass = &dispatch->pass;
	struct buf ids = buf_in(pass->arena, 1024), lats = buf_in(pass->arena, 512),
		lngs = buf_in(pass->arena, 512);

	if (dispatch->closing || (!pass->blind && !pass->array[PAIR_RIDERS].len))
		return pass_end(dispatch); /* nobody: due again in five seconds */
	if (!pass->blind) {
		ASK(dispatch, dispatch_facts, decide, array_end(&pass->array[PAIR_ORDERS]),
			array_end(&pass->array[PAIR_RIDERS]),
			array_end(&pass->array[PAIR_KM]), unverified);
		return;
	}
	for (unsigned i = 0; i < pass->count; i++) {
		array_add(&ids, "%.*s", TEXT_ARGS(pass->orders[i].id));
		array_add(&lats, "%.7f", pass->orders[i].lat);
		array_add(&lngs, "%.7f", pass->orders[i].lng);
	}
	ASK(dispatch, dispatch_facts_near, decide, array_end(&ids),
		array_end(&lats), array_end(&lngs),
		arena_printf(pass->arena, "%.3f", pass->radius_m / 1000), unverified);
}

static void searched(void *owner, int error, unsigned count, const struct geo_rider *riders)
{
	struct pass_order *order = owner;
	struct dispatch *dispatch = order->dispatch;
	struct pass *pass = &dispatch->pass;

	pass->blind = pass->blind || error;
	for (unsigned i = 0; i < count; i++) {
		array_add(&pass->array[PAIR_ORDERS], "%.*s", TEXT_ARGS(order->id));
		array_add(&pass->array[PAIR_RIDERS], "%s", riders[i].id);
		array_add(&pass->array[PAIR_KM], "%.3f", riders[i].distance_m / 1000);
	}
	if (--pass->asked == 0)
		facts_ask(dispatch);
}

static void pass_search(struct dispatch *dispatch)
{
	struct pass *pass = &dispatch->pass;

	for (unsigned i = 0; i < pass->count && !pass->blind; i++) {
		struct pass_order *order = &pass->orders[i];

		if (geo_search(dispatch->app->cache, order->lat, order->lng, pass->radius_m,
			CANDIDATES, searched, order))
			pass->blind = true;
		else
			pass->asked++;
	}
	if (!pass->asked)
		facts_ask(dispatch);
}

/* --- What is due ------------------------------------------------------------------------------ */

static void taken(struct db_call *call, const struct db_result *result)
{
	struct dispatch *dispatch = call->owner;
	struct pass *pass = &dispatch->pass;

	if (!pass_goes(dispatch, result))
		return;
	for (unsigned i = 0; i < db_rows(result) && i < BATCH; i++) {
		struct text id = db_text(result, i, 0);

		pass->orders[pass->count++] = (struct pass_order){ .dispatch = dispatch,
			.id = { arena_copy(pass->arena, id.at, id.len), id.len },
			.lat = db_double(result, i, 1), .lng = db_double(result, i, 2) };
		pass->radius_m = db_double(result, i, 3);
	}
	dispatch->again = dispatch->again || pass->count == BATCH;
	if (!pass->count)
		return pass_end(dispatch);
	pass_search(dispatch);
}

static struct arena *pass_memory(struct pass *pass, struct arena_pool *pool)
{
	struct arena *arena = arena_new(pool, PASS_MEMORY);

	*pass = (struct pass){ .arena = arena };
	if (!arena)
		return NULL;
	for (int i = 0; i < ARRAYS; i++)
		pass->array[i] = buf_in(arena, 64);
	return arena;
}

static void pass_start(struct dispatch *dispatch)
{
	if (dispatch->running || dispatch->closing || !lead_held(dispatch->lead))
		return;
	dispatch->again = false;
	if (!pass_memory(&dispatch->pass, dispatch->app->pool))
		return;
	dispatch->running = true;
	ASK(dispatch, dispatch_take, taken, BATCH_TEXT);
}

static void due(uv_timer_t *timer)
{
	pass_start(timer->data);
}

/* --- Hearing ---------------------------------------------------------------------------------- */

/* Other work (a parcel, an order given back) is rarer: the clock finds it within half a second. */
static void heard(struct hub_listener *listener, const struct event *event)
{
	struct dispatch *dispatch = CONTAINER_OF(listener, struct dispatch, listener);

	if (!text_is(event->type, TEXT("order_accepted")))
		return;
	dispatch->again = dispatch->running;
	pass_start(dispatch);
}

void dispatch_listen(struct dispatch *dispatch)
{
	dispatch->listener.hear = heard;
	if (dispatch->app->hub)
		hub_listen(dispatch->app->hub, &dispatch->listener);
}

/* --- Life ------------------------------------------------------------------------------------- */

static void led(void *arg)
{
	pass_start(arg);
}

int dispatch_new(struct app *app, struct dispatch **ret)
{
	struct dispatch *dispatch = calloc(1, sizeof(*dispatch));
	int error;

	if (!dispatch)
		return E_NO_MEMORY;
	dispatch->app = app;
	dispatch->timer.data = dispatch;
	error = lead_new(app->loop, app->db, "dispatch", led, dispatch, &dispatch->lead);
	if (error || uv_timer_init(loop_uv(app->loop), &dispatch->timer)) {
		lead_close(dispatch->lead);
		free(dispatch);
		return E_NO_MEMORY;
	}
	dispatch->timer_open = true;
	uv_timer_start(&dispatch->timer, due, EVERY_MS, EVERY_MS);
	*ret = dispatch;
	return 0;
}

static void timer_closed(uv_handle_t *handle)
{
	struct dispatch *dispatch = handle->data;

	dispatch->timer_open = false;
	dispatch_end(dispatch);
}

void dispatch_close(struct dispatch *dispatch)
{
	if (!dispatch)
		return;
	dispatch->closing = true;
	lead_close(dispatch->lead);
	uv_close((uv_handle_t *)&dispatch->timer, timer_closed);
}
