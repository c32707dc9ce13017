/* SPDX-License-Identifier: MIT
 *
 * Riders at work, for the map and the lists of the console. Positions come from Redis; a rider
 * missing there is shown from the database row if it is at most 30 s old.
 */
#include <stdio.h>

#include "admin/fields.h"
#include "admin/list.h"
#include "reeyo/api/admin.h"
#include "reeyo/cache/geo.h"
#include "reeyo/db/queries/availability.h"

#define RIDERS_MAX 5000

static const char *const availability_words[] = { "ONLINE", "OFFLINE", "BUSY", NULL };

static const struct field live_query[] = {
	{ "country", FIELD_TEXT, .min = 2, .max = 2, .aliases = "countryCode country_code",
		.summary = "Such as CM; absent: all" },
	FIELD_END,
};
static const struct field live_fields[] = {
	{ "rider_id", FIELD_ID, .required = true },
	{ "name", FIELD_TEXT, .required = true },
	{ "lat", FIELD_NUMBER, .required = true },
	{ "lng", FIELD_NUMBER, .required = true },
	{ "status", FIELD_ENUM, .required = true, .words = availability_words },
	{ "current_order_id", FIELD_TEXT, .nullable = true, .summary = "Number of the order" },
	{ "updated_at", FIELD_TIME, .nullable = true },
	FIELD_END,
};

/* --- Live locations --------------------------------------------------------------------------- */

/* The positions from Redis. */
struct rider_positions {
	const char **ids;
	double *lats, *lngs;
	int64_t *times_ms;
	size_t count;
};

static void live_locations_reply(struct request *rq, const struct db_result *result)
{
	reply_data(rq, db_text(result, 0, RIDERS_LIVE_RIDERS));
}

static void live_locations_query(struct request *rq)
{
	const struct rider_positions *known = rq->state;

	sql_read(rq, riders_live, live_locations_reply,
		&(struct riders_live){ .country = query_text(rq, "country"),
			.rider_ids = { known->ids, known->count },
			.lats = { known->lats, known->count },
			.lngs = { known->lngs, known->count },
			.times_ms = { known->times_ms, known->count } });
}

/* False: out of memory. */
static bool rider_positions_copy(struct arena *arena, struct rider_positions *positions,
	const struct geo_rider *riders, size_t count)
{
	positions->ids = arena_alloc(arena, count * sizeof(*positions->ids));
	positions->lats = arena_alloc(arena, count * sizeof(*positions->lats));
	positions->lngs = arena_alloc(arena, count * sizeof(*positions->lngs));
	positions->times_ms = arena_alloc(arena, count * sizeof(*positions->times_ms));
	if (!positions->ids || !positions->lats || !positions->lngs || !positions->times_ms)
		return false;
	for (; positions->count < count; positions->count++) {
		const struct geo_rider *rider = &riders[positions->count];

		positions->ids[positions->count] = arena_copy(arena, rider->id, strlen(rider->id));
		positions->lats[positions->count] = rider->lat;
		positions->lngs[positions->count] = rider->lng;
		positions->times_ms[positions->count] = rider->seen_ms;
		if (!positions->ids[positions->count])
			return false;
	}
	return true;
}

/* Without Redis the reply has only the positions of the rows. */
static void live_positions_read(
	void *owner, int error, unsigned count, const struct geo_rider *riders)
{
	struct request *rq = owner;

	if (!request_release(rq))
		return;
	if (!error && !rider_positions_copy(rq->arena, rq->state, riders, count))
		return reply_error(rq, E_NO_MEMORY);
	live_locations_query(rq);
}

static void live_locations_list(struct request *rq)
{
	struct rider_positions *positions = ARENA_NEW(rq->arena, struct rider_positions);

	if (!positions)
		return reply_error(rq, E_NO_MEMORY);
	rq->state = positions;
	request_hold(rq);
	if (geo_all(rq->app->cache, RIDERS_MAX, live_positions_read, rq) == 0)
		return;
	if (request_release(rq))
		live_locations_query(rq);
}

/* --- Online ----------------------------------------------------------------------------------- */

static void riders_online_list(struct request *rq)
{
	struct page page = request_page(rq, 20);

	sql_read(rq, admin_riders_online, admin_reply_page,
		&(struct admin_riders_online){ .limit = page.limit, .offset = page.offset });
}

const struct route admin_live_routes[] = {
	{ GET, "/riders/live-locations", .operation = "listRiderPositions",
		.permission = "riders.read", .query = live_query, .reply = live_fields,
		.shape = REPLY_ARRAY, .run = live_locations_list,
		.summary = "Current positions of riders at work" },
	{ GET, "/riders/online", .operation = "listOnlineRiders", .permission = "riders.read",
		.query = page_fields, .reply = admin_rider_fields, .shape = REPLY_PAGE,
		.run = riders_online_list, .summary = "Riders who are online" },
	ROUTE_END,
};
