/* SPDX-License-Identifier: MIT
 *
 * Figures of the platform: of orders by when they were placed, of money and who made it by when
 * they were delivered. How many orders are active is what `orders:active` holds, which every step
 * of an order drops; without it they are counted.
 */
#include <stdio.h>
#include <time.h>

#include "admin/act.h"
#include "reeyo/api/admin.h"
#include "reeyo/api/shapes.h"
#include "reeyo/core/clock.h"

#define DAYS_MOST 731
#define DAYS_OF_YEAR 366
#define DAY_S 86400

#define RANGE_FIELDS \
	{ "from", FIELD_DATE, .also = "startDate dateFrom start_date", \
		.does = "First day, in Douala" }, \
	{ "to", FIELD_DATE, .also = "endDate dateTo end_date", .does = "Last day" }, \
	{ "period", FIELD_ENUM, .words = period_words, \
		.does = "Without from: this one, from its first day" }
static const struct field range_query[] = { RANGE_FIELDS, FIELD_END };
static const struct field top_query[] = {
	RANGE_FIELDS,
	{ "limit", FIELD_INT, .min = 1, .max = 100, .does = "10 when absent" },
	FIELD_END
};

static const struct field pending_fields[] = {
	{ "vendors", FIELD_INT, .required = true }, { "riders", FIELD_INT, .required = true },
	{ "payouts", FIELD_INT, .required = true }, FIELD_END
};
#define LIVE_FIELDS \
	{ "active_orders", FIELD_INT, .required = true }, \
	{ "online_riders", FIELD_INT, .required = true }, \
	{ "online_vendors", FIELD_INT, .required = true }, \
	{ "orders_today", FIELD_INT, .required = true }, \
	{ "revenue_today", FIELD_MONEY, .required = true }, \
	{ "pending_approvals", FIELD_INT, .required = true }, \
	{ "pending_approvals_detail", FIELD_OBJECT, .required = true, .of = pending_fields }
#define PLATFORM_FIELDS \
	{ "total_orders", FIELD_INT, .required = true }, \
	{ "total_revenue", FIELD_MONEY, .required = true }, \
	{ "total_users", FIELD_INT, .required = true }, \
	{ "total_vendors", FIELD_INT, .required = true }, \
	{ "total_riders", FIELD_INT, .required = true }, \
	{ "average_basket", FIELD_MONEY, .required = true }, \
	{ "cancel_rate", FIELD_NUMBER, .required = true, .does = "A percentage" }
static const struct field live_fields[] = { LIVE_FIELDS, FIELD_END };
static const struct field platform_fields[] = { PLATFORM_FIELDS, FIELD_END };
static const struct field dashboard_fields[] = { PLATFORM_FIELDS, LIVE_FIELDS, FIELD_END };
static const struct field states_fields[] = {
	{ "status", FIELD_TEXT, .required = true },
	{ "count", FIELD_INT, .required = true }, FIELD_END
};
static const struct field split_fields[] = {
	{ "total", FIELD_INT, .required = true },
	{ "avg_order_value", FIELD_MONEY, .required = true, .does = "Of delivered ones" },
	{ "by_status", FIELD_OBJECT, .required = true, .does = "How many of each" },
	{ "by_country", FIELD_OBJECT, .required = true,
		.does = "The vendor's; of a parcel its customer's" },
	{ "by_payment_method", FIELD_OBJECT, .required = true },
	FIELD_END
};
#define REVENUE_FIELDS \
	{ "date", FIELD_DATE, .required = true, .does = "Its first day" }, \
	{ "orders", FIELD_INT, .required = true, .does = "Delivered then" }, \
	{ "revenue", FIELD_MONEY, .required = true, .does = "What they cost" }, \
	{ "commission", FIELD_MONEY, .required = true, \
		.does = "What the platform was booked of them" }, \
	{ "currency", FIELD_TEXT, .required = true }
static const struct field day_fields[] = {
	{ "day", FIELD_DATE, .required = true }, REVENUE_FIELDS, FIELD_END
};
static const struct field week_fields[] = {
	{ "week", FIELD_TEXT, .required = true, .does = "2026-W48, from Monday" },
	REVENUE_FIELDS, FIELD_END
};
static const struct field month_fields[] = {
	{ "month", FIELD_TEXT, .required = true, .does = "2026-11" }, REVENUE_FIELDS, FIELD_END
};
static const struct field seller_fields[] = {
	{ "id", FIELD_ID, .required = true }, { "business_name", FIELD_TEXT, .required = true },
	{ "city", FIELD_TEXT, .required = true }, FIELD_END
};
static const struct field top_vendor_fields[] = {
	{ "id", FIELD_ID, .required = true }, { "name", FIELD_TEXT, .required = true },
	{ "vendor", FIELD_OBJECT, .required = true, .of = seller_fields },
	{ "orders", FIELD_INT, .required = true, .does = "Delivered ones" },
	{ "revenue", FIELD_MONEY, .required = true, .does = "Their subtotals" },
	FIELD_END
};
static const struct field carrier_fields[] = {
	{ "id", FIELD_ID, .required = true }, { "name", FIELD_TEXT, .required = true },
	{ "vehicle_type", FIELD_TEXT, .required = true }, FIELD_END
};
static const struct field top_rider_fields[] = {
	{ "id", FIELD_ID, .required = true }, { "name", FIELD_TEXT, .required = true },
	{ "rider", FIELD_OBJECT, .required = true, .of = carrier_fields },
	{ "deliveries", FIELD_INT, .required = true },
	{ "earnings", FIELD_MONEY, .required = true },
	{ "avg_delivery_mins", FIELD_NUMBER, .required = true,
		.does = "From pick-up to delivery, of the last 200" },
	FIELD_END
};

/* --- Over a time ------------------------------------------------------------------------------ */

static void get_platform(struct request *rq)
{
	sql_report(rq, admin_platform, admin_shown, day_at(rq, "from", "00:00"),
		day_at(rq, "to", "24:00"), query_text(rq, "period"));
}

/* Days since 1970 of a date that is one; `fallback` without any. */
static int64_t day_number(const char *date, int64_t fallback)
{
	struct tm tm = { 0 };

	if (!date || sscanf(date, "%d-%d-%d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday) != 3)
		return fallback;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	return timegm(&tm) / DAY_S;
}

/* A series has an entry for each day: false when there would be too many, and that has been
 * answered. */
static bool range_bounded(struct request *rq)
{
	int64_t today = clock_wall_s() / DAY_S, last = day_number(query_text(rq, "to"), today);
	/* Without from: a period began within a year, and without one the statement counts back
	 * from the last. */
	int64_t first = day_number(query_text(rq, "from"),
		query_text(rq, "period") ? today - DAYS_OF_YEAR : last);

	if (last - first < DAYS_MOST)
		return true;
	reply_field(rq, "from", "must be at most two years before the last day",
		"doit précéder le dernier jour de deux ans au plus");
	return false;
}

static void series(struct request *rq, const char *unit, int64_t usual)
{
	if (range_bounded(rq))
		sql_report(rq, admin_revenue, admin_shown, unit, query_text(rq, "from"),
			query_text(rq, "to"), query_text(rq, "period"), arg_int(rq, usual));
}

static void get_days(struct request *rq)
{
	series(rq, "day", 30);
}

static void get_weeks(struct request *rq)
{
	series(rq, "week", 12);
}

static void get_months(struct request *rq)
{
	series(rq, "month", 12);
}

static void get_top_vendors(struct request *rq)
{
	sql_report(rq, admin_top_vendors, admin_shown,
		arg_int(rq, member_int(rq->query, "limit", 10)),
		day_at(rq, "from", "00:00"), day_at(rq, "to", "24:00"), query_text(rq, "period"));
}

static void get_top_riders(struct request *rq)
{
	sql_report(rq, admin_top_riders, admin_shown,
		arg_int(rq, member_int(rq->query, "limit", 10)),
		day_at(rq, "from", "00:00"), day_at(rq, "to", "24:00"), query_text(rq, "period"));
}

static void get_states(struct request *rq)
{
	sql_report(rq, admin_order_states, admin_shown, day_at(rq, "from", "00:00"),
		day_at(rq, "to", "24:00"), query_text(rq, "period"));
}

static void get_orders(struct request *rq)
{
	sql_report(rq, admin_orders_split, admin_shown, day_at(rq, "from", "00:00"),
		day_at(rq, "to", "24:00"), query_text(rq, "period"));
}

/* --- Now -------------------------------------------------------------------------------------- */

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
	SQL_(rq, DB_REPORT, admin_platform, false, platform_known, NULL, NULL, NULL);
}

const struct route admin_analytics_routes[] = {
	{ GET, "/analytics/platform", .who = ADMIN, .query = range_query, .reply = platform_fields,
		.run = get_platform, .does = "The platform in figures" },
	{ GET, "/analytics/revenue", .also = "/analytics/revenue/daily", .who = ADMIN,
		.query = range_query, .reply = day_fields, .shape = REPLY_ARRAY, .run = get_days,
		.does = "Revenue by day, oldest first: the last 30 days, or at most two years" },
	{ GET, "/analytics/revenue/weekly", .who = ADMIN, .query = range_query,
		.reply = week_fields, .shape = REPLY_ARRAY, .run = get_weeks,
		.does = "Revenue by week; of days in the range alone" },
	{ GET, "/analytics/revenue/monthly", .who = ADMIN, .query = range_query,
		.reply = month_fields, .shape = REPLY_ARRAY, .run = get_months,
		.does = "Revenue by month; of days in the range alone" },
	{ GET, "/analytics/top-vendors", .who = ADMIN,
		.query = top_query, .reply = top_vendor_fields,
		.shape = REPLY_ARRAY, .run = get_top_vendors, .does = "Vendors who sold most" },
	{ GET, "/analytics/top-riders", .also = "/analytics/riders",
		.who = ADMIN, .query = top_query,
		.reply = top_rider_fields, .shape = REPLY_ARRAY, .run = get_top_riders,
		.does = "Riders who delivered most" },
	{ GET, "/analytics/order-status", .who = ADMIN,
		.query = range_query, .reply = states_fields,
		.shape = REPLY_ARRAY, .run = get_states, .does = "Orders by state" },
	{ GET, "/analytics/orders", .who = ADMIN, .query = range_query, .reply = split_fields,
		.run = get_orders, .does = "Orders by state, country and way of payment" },
	{ GET, "/analytics/live", .who = ADMIN, .reply = live_fields, .run = get_live,
		.does = "What happens now" },
	{ GET, "/analytics/dashboard", .who = ADMIN,
		.reply = dashboard_fields, .run = get_dashboard,
		.does = "The platform and what happens now, in one" },
	ROUTE_END
};
