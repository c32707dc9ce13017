/* SPDX-License-Identifier: MIT
 *
 * Figures of the platform. How many orders are active is what `orders:active` holds, which every step of an order
 * drops; without it they are counted.
 */
#include "act.h"
#include "reeyo/api/admin.h"

static const struct field range_query[] = {
	{ "from", FIELD_DATE, .also = "startDate dateFrom start_date", .does = "First day, in Douala" },
	{ "to", FIELD_DATE, .also = "endDate dateTo end_date", .does = "Last day" },
	FIELD_END
};

static const struct field pending_fields[] = {
	{ "vendors", FIELD_INT, .required = true }, { "riders", FIELD_INT, .required = true },
	{ "payouts", FIELD_INT, .required = true }, FIELD_END
};
#define LIVE_FIELDS \
	{ "active_orders", FIELD_INT, .required = true }, { "online_riders", FIELD_INT, .required = true }, \
	{ "online_vendors", FIELD_INT, .required = true }, { "orders_today", FIELD_INT, .required = true }, \
	{ "revenue_today", FIELD_MONEY, .required = true }, \
	{ "pending_approvals", FIELD_INT, .required = true }, \
	{ "pending_approvals_detail", FIELD_OBJECT, .required = true, .of = pending_fields }
#define PLATFORM_FIELDS \
	{ "total_orders", FIELD_INT, .required = true }, { "total_revenue", FIELD_MONEY, .required = true }, \
	{ "total_users", FIELD_INT, .required = true }, { "total_vendors", FIELD_INT, .required = true }, \
	{ "total_riders", FIELD_INT, .required = true }, { "average_basket", FIELD_MONEY, .required = true }, \
	{ "cancel_rate", FIELD_NUMBER, .required = true, .does = "A percentage" }
static const struct field live_fields[] = { LIVE_FIELDS, FIELD_END };
static const struct field platform_fields[] = { PLATFORM_FIELDS, FIELD_END };
static const struct field dashboard_fields[] = { PLATFORM_FIELDS, LIVE_FIELDS, FIELD_END };
static const struct field states_fields[] = {
	{ "status", FIELD_TEXT, .required = true }, { "count", FIELD_INT, .required = true }, FIELD_END
};

/* --- Over a time -------------------------------------------------------------------------------- */

static void get_platform(struct request *rq)
{
	SQL_(rq, DB_REPORT, admin_platform, false, admin_shown, day_at(rq, "from", "00:00"),
		day_at(rq, "to", "24:00"));
}

static void get_states(struct request *rq)
{
	SQL_(rq, DB_REPORT, admin_order_states, false, admin_shown, day_at(rq, "from", "00:00"),
		day_at(rq, "to", "24:00"));
}

/* --- Now ---------------------------------------------------------------------------------------- */

/* The sum of {"success":true,"data":{"PENDING":3,…}}; NULL when there is none to be had. */
static const char *active_of(struct request *rq, int error, const struct cache_value *value)
{
	json_auto_t *body = error ? NULL : json_loadb(value->plain.at, value->plain.len, 0, NULL);
	json_t *counts = json_object_get(body, "data");
	int64_t sum = 0;
	const char *status;
	json_t *count;

	json_object_foreach(counts, status, count)
		sum += json_integer_value(count);
	return json_is_object(counts) ? arg_int(rq, sum) : NULL;
}

static void active_known(struct request *rq, int error, const struct cache_value *value)
{
	SQL_(rq, DB_REPORT, admin_live, false, admin_shown, active_of(rq, error, value));
}

static void get_live(struct request *rq)
{
	cached_by_sql(rq, KEY_ORDERS_ACTIVE, NULL, QUERY_orders_active_count, active_known);
}

/* Two objects as one; the first is in rq->state. */
static void dashboard_known(struct request *rq, const struct db_result *result)
{
	struct text platform = *(struct text *)rq->state, live = db_text(result, 0, 0);
	struct buf out = buf_in(rq->arena, platform.len + live.len);

	buf_add(&out, platform.at, platform.len - 1);
	buf_add_string(&out, ",");
	buf_add(&out, live.at + 1, live.len - 1);
	if (!buf_string(&out))
		return reply_error(rq, E_NO_MEMORY);
	reply_data(rq, (struct text){ out.at, out.len });
}

static void platform_known(struct request *rq, const struct db_result *result)
{
	struct text *platform = ARENA_NEW(rq->arena, struct text);

	if (platform) {
		*platform = db_text(result, 0, 0);
		platform->at = arena_copy(rq->arena, platform->at, platform->len);
	}
	if (!platform || !platform->at)
		return reply_error(rq, E_NO_MEMORY);
	rq->state = platform;
	SQL_(rq, DB_REPORT, admin_live, false, dashboard_known, NULL);
}

static void get_dashboard(struct request *rq)
{
	SQL_(rq, DB_REPORT, admin_platform, false, platform_known, NULL, NULL);
}

const struct route admin_analytics_routes[] = {
	{ GET, "/analytics/platform", .who = ADMIN, .query = range_query, .reply = platform_fields,
		.run = get_platform, .does = "The platform in figures" },
	{ GET, "/analytics/order-status", .who = ADMIN, .query = range_query, .reply = states_fields,
		.shape = REPLY_ARRAY, .run = get_states, .does = "Orders by state" },
	{ GET, "/analytics/live", .who = ADMIN, .reply = live_fields, .run = get_live,
		.does = "What happens now" },
	{ GET, "/analytics/dashboard", .who = ADMIN, .reply = dashboard_fields, .run = get_dashboard,
		.does = "The platform and what happens now, in one" },
	ROUTE_END
};
