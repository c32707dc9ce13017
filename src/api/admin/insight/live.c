/* SPDX-License-Identifier: MIT
 *
 * Riders at work, as the console's map and lists show them: where Redis has them now, or their rows
 * of the last half minute.
 */
#include <stdio.h>

#include "admin/act.h"
#include "reeyo/api/admin.h"
#include "reeyo/cache/geo.h"

#define RIDERS_MAX 5000

static const char *const availability_words[] = { "ONLINE", "OFFLINE", "BUSY", NULL };

static const struct field live_query[] = {
	{ "country", FIELD_TEXT, .min = 2, .max = 2, .also = "countryCode country_code",
		.does = "As CM; all when absent" },
	FIELD_END
};
static const struct field live_fields[] = {
	{ "rider_id", FIELD_ID, .required = true },
	{ "name", FIELD_TEXT, .required = true },
	{ "lat", FIELD_NUMBER, .required = true },
	{ "lng", FIELD_NUMBER, .required = true },
	{ "status", FIELD_ENUM, .required = true, .words = availability_words },
	{ "current_order_id", FIELD_TEXT, .nullable = true, .does = "Its number" },
	{ "updated_at", FIELD_TIME, .nullable = true },
	FIELD_END
};

/* --- Live locations --------------------------------------------------------------------------- */

/* PostgreSQL arrays of what Redis knows. */
struct whereabouts {
	struct buf ids, lats, lngs, times;
};

static void listed(struct request *rq, const struct db_result *result)
{
	reply_data(rq, db_text(result, 0, 0));
}

static void list_live(struct request *rq)
{
	struct whereabouts *known = rq->state;

	buf_add_string(&known->ids, "}");
	buf_add_string(&known->lats, "}");
	buf_add_string(&known->lngs, "}");
	buf_add_string(&known->times, "}");
	sql_read(rq, riders_live, listed, query_text(rq, "country"), buf_string(&known->ids),
		buf_string(&known->lats), buf_string(&known->lngs), buf_string(&known->times));
}

static void found(void *owner, int error, unsigned count, const struct geo_rider *riders)
{
	struct request *rq = owner;
	struct whereabouts *known = rq->state;

	if (!request_release(rq))
		return;
	(void)error; /* then the rows alone */
	for (unsigned i = 0; i < count; i++) {
		const char *comma = i ? "," : "";

		buf_printf(&known->ids, "%s%s", comma, riders[i].id);
		buf_printf(&known->lats, "%s%.7f", comma, riders[i].lat);
		buf_printf(&known->lngs, "%s%.7f", comma, riders[i].lng);
		buf_printf(&known->times, "%s%lld", comma, (long long)riders[i].seen_ms);
	}
	list_live(rq);
}

static void live_locations(struct request *rq)
{
	struct whereabouts *known = ARENA_NEW(rq->arena, struct whereabouts);

	if (!known)
		return reply_error(rq, E_NO_MEMORY);
	rq->state = known;
	known->ids = buf_in(rq->arena, 1024);
	known->lats = buf_in(rq->arena, 512);
	known->lngs = buf_in(rq->arena, 512);
	known->times = buf_in(rq->arena, 512);
	buf_add_string(&known->ids, "{");
	buf_add_string(&known->lats, "{");
	buf_add_string(&known->lngs, "{");
	buf_add_string(&known->times, "{");
	request_hold(rq);
	if (geo_all(rq->app->cache, RIDERS_MAX, found, rq) == 0)
		return;
	if (request_release(rq))
		list_live(rq);
}

/* --- Online ----------------------------------------------------------------------------------- */

static void online(struct request *rq)
{
	struct page page = request_page(rq, 20);

	sql_read(rq, admin_riders_online, admin_listed, arg_int(rq, page.limit),
		arg_int(rq, page.offset));
}

const struct route admin_live_routes[] = {
	{ GET, "/riders/live-locations", .who = ADMIN, .query = live_query,
		.reply = live_fields, .shape = REPLY_ARRAY,
		.run = live_locations, .does = "Where riders at work are now" },
	{ GET, "/riders/online", .who = ADMIN, .query = page_fields, .reply = admin_rider_fields,
		.shape = REPLY_PAGE, .run = online, .does = "Riders who are online" },
	ROUTE_END
};
