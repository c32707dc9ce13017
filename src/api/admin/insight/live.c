/* SPDX-License-Identifier: MIT
 *
 * Riders at work, for the map and the lists of the console. Positions come from Redis; a rider
 * missing there is shown from the database row if it is at most 30 s old.
 */
#include <stdio.h>

#include "admin/act.h"
#include "reeyo/api/admin.h"
#include "reeyo/cache/geo.h"

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

/* The positions from Redis, as PostgreSQL arrays. */
struct rider_positions {
	struct buf ids, lats, lngs, times;
};

static void live_locations_reply(struct request *rq, const struct db_result *result)
{
	reply_data(rq, db_text(result, 0, 0));
}

static void live_locations_query(struct request *rq)
{
	struct rider_positions *positions = rq->state;

	buf_add_string(&positions->ids, "}");
	buf_add_string(&positions->lats, "}");
	buf_add_string(&positions->lngs, "}");
	buf_add_string(&positions->times, "}");
	sql_read_positional(rq, riders_live, live_locations_reply, query_text(rq, "country"),
		buf_string(&positions->ids), buf_string(&positions->lats),
		buf_string(&positions->lngs), buf_string(&positions->times));
}

static void live_positions_read(
	void *owner, int error, unsigned count, const struct geo_rider *riders)
{
	struct request *rq = owner;
	struct rider_positions *positions = rq->state;

	if (!request_release(rq))
		return;
	(void)error; /* only database rows then */
	for (unsigned i = 0; i < count; i++) {
		const char *comma = i ? "," : "";

		buf_printf(&positions->ids, "%s%s", comma, riders[i].id);
		buf_printf(&positions->lats, "%s%.7f", comma, riders[i].lat);
		buf_printf(&positions->lngs, "%s%.7f", comma, riders[i].lng);
		buf_printf(&positions->times, "%s%lld", comma, (long long)riders[i].seen_ms);
	}
	live_locations_query(rq);
}

static void live_locations_list(struct request *rq)
{
	struct rider_positions *positions = ARENA_NEW(rq->arena, struct rider_positions);

	if (!positions)
		return reply_error(rq, E_NO_MEMORY);
	rq->state = positions;
	positions->ids = buf_in(rq->arena, 1024);
	positions->lats = buf_in(rq->arena, 512);
	positions->lngs = buf_in(rq->arena, 512);
	positions->times = buf_in(rq->arena, 512);
	buf_add_string(&positions->ids, "{");
	buf_add_string(&positions->lats, "{");
	buf_add_string(&positions->lngs, "{");
	buf_add_string(&positions->times, "{");
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

	sql_read_positional(rq, admin_riders_online, admin_reply_page, arg_int(rq, page.limit),
		arg_int(rq, page.offset));
}

const struct route admin_live_routes[] = {
	{ GET, "/riders/live-locations", .operation = "listRiderPositions", .access = ADMIN,
		.query = live_query, .reply = live_fields, .shape = REPLY_ARRAY,
		.run = live_locations_list, .summary = "Current positions of riders at work" },
	{ GET, "/riders/online", .operation = "listOnlineRiders", .access = ADMIN,
		.query = page_fields, .reply = admin_rider_fields, .shape = REPLY_PAGE,
		.run = riders_online_list, .summary = "Riders who are online" },
	ROUTE_END,
};
