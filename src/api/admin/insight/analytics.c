/* SPDX-License-Identifier: MIT
 *
 * Figures of the platform. Orders are counted by the time they were placed, money by the time the
 * orders were delivered. The number of active orders comes from the cache key `orders:active`,
 * which every order transition invalidates; without the cache they are counted.
 */
#include <stdio.h>
#include <time.h>

#include "admin/list.h"
#include "admin/reply.h"
#include "reeyo/api/admin.h"
#include "reeyo/api/reply_objects.h"
#include "reeyo/core/clock.h"
#include "reeyo/db/queries/admin_analytics.h"
#include "reeyo/service/cache_keys.h"

#define DAYS_MOST 731
#define DAYS_OF_YEAR 366
#define DAY_S 86400

#define RANGE_FIELDS \
	{ "from", FIELD_DATE, .aliases = "startDate dateFrom start_date", \
		.summary = "First day, in Douala time" }, \
		{ "to", FIELD_DATE, .aliases = "endDate dateTo end_date", .summary = "Last day" }, \
	{ \
		"period", FIELD_ENUM, \
			.words = period_words, \
			.summary = "Without from: the current period, from its first day" \
	}
static const struct field range_query[] = { RANGE_FIELDS, FIELD_END };
static const struct field top_query[] = {
	RANGE_FIELDS,
	{ "limit", FIELD_INT, .min = 1, .max = 100, .summary = "Default 10" },
	FIELD_END,
};

static const struct field pending_fields[] = {
	{ "vendors", FIELD_INT, .required = true },
	{ "riders", FIELD_INT, .required = true },
	{ "payouts", FIELD_INT, .required = true },
	FIELD_END,
};
#define LIVE_FIELDS \
	{ "active_orders", FIELD_INT, .required = true }, \
		{ "online_riders", FIELD_INT, .required = true }, \
		{ "online_vendors", FIELD_INT, .required = true }, \
		{ "orders_today", FIELD_INT, .required = true }, \
		{ "revenue_today", FIELD_MONEY, .required = true }, \
		{ "pending_approvals", FIELD_INT, .required = true }, \
	{ \
		"pending_approvals_detail", FIELD_OBJECT, .required = true, .of = pending_fields \
	}
#define PLATFORM_FIELDS \
	{ "total_orders", FIELD_INT, .required = true }, \
		{ "total_revenue", FIELD_MONEY, .required = true }, \
		{ "total_users", FIELD_INT, .required = true }, \
		{ "total_vendors", FIELD_INT, .required = true }, \
		{ "total_riders", FIELD_INT, .required = true }, \
		{ "average_basket", FIELD_MONEY, .required = true }, \
	{ \
		"cancel_rate", FIELD_NUMBER, .required = true, .summary = "A percentage" \
	}
static const struct field live_fields[] = { LIVE_FIELDS, FIELD_END };
static const struct field platform_fields[] = { PLATFORM_FIELDS, FIELD_END };
static const struct field dashboard_fields[] = { PLATFORM_FIELDS, LIVE_FIELDS, FIELD_END };
static const struct field status_count_fields[] = {
	{ "status", FIELD_TEXT, .required = true },
	{ "count", FIELD_INT, .required = true },
	FIELD_END,
};
static const struct field breakdown_fields[] = {
	{ "total", FIELD_INT, .required = true },
	{ "avg_order_value", FIELD_MONEY, .required = true, .summary = "Of delivered orders" },
	{ "by_status", FIELD_OBJECT, .required = true,
		.summary = "Number of orders in each status" },
	{ "by_country", FIELD_OBJECT, .required = true,
		.summary = "Country of the vendor; of a parcel, of the customer" },
	{ "by_payment_method", FIELD_OBJECT, .required = true },
	FIELD_END,
};
#define REVENUE_FIELDS \
	{ "date", FIELD_DATE, .required = true, .summary = "Its first day" }, \
		{ "orders", FIELD_INT, .required = true, \
			.summary = "Orders delivered in this period" }, \
		{ "revenue", FIELD_MONEY, .required = true, .summary = "Their totals" }, \
		{ "commission", FIELD_MONEY, .required = true, \
			.summary = "The platform's commission on them" }, \
	{ \
		"currency", FIELD_TEXT, .required = true \
	}
static const struct field day_fields[] = {
	{ "day", FIELD_DATE, .required = true },
	REVENUE_FIELDS,
	FIELD_END,
};
static const struct field week_fields[] = {
	{ "week", FIELD_TEXT, .required = true, .summary = "2026-W48, from Monday" },
	REVENUE_FIELDS,
	FIELD_END,
};
static const struct field month_fields[] = {
	{ "month", FIELD_TEXT, .required = true, .summary = "2026-11" },
	REVENUE_FIELDS,
	FIELD_END,
};
static const struct field seller_fields[] = {
	{ "id", FIELD_ID, .required = true },
	{ "business_name", FIELD_TEXT, .required = true },
	{ "city", FIELD_TEXT, .required = true },
	FIELD_END,
};
static const struct field top_vendor_fields[] = {
	{ "id", FIELD_ID, .required = true },
	{ "name", FIELD_TEXT, .required = true },
	{ "vendor", FIELD_OBJECT, .required = true, .of = seller_fields },
	{ "orders", FIELD_INT, .required = true, .summary = "Delivered orders" },
	{ "revenue", FIELD_MONEY, .required = true, .summary = "Their subtotals" },
	FIELD_END,
};
static const struct field carrier_fields[] = {
	{ "id", FIELD_ID, .required = true },
	{ "name", FIELD_TEXT, .required = true },
	{ "vehicle_type", FIELD_TEXT, .required = true },
	FIELD_END,
};
static const struct field top_rider_fields[] = {
	{ "id", FIELD_ID, .required = true },
	{ "name", FIELD_TEXT, .required = true },
	{ "rider", FIELD_OBJECT, .required = true, .of = carrier_fields },
	{ "deliveries", FIELD_INT, .required = true },
	{ "earnings", FIELD_MONEY, .required = true },
	{ "avg_delivery_mins", FIELD_NUMBER, .required = true,
		.summary = "From pick-up to delivery, over the last 200" },
	FIELD_END,
};

/* Parameters of a statement: the period that the query names. */
#define PERIOD_PARAMS(rq) \
	.since = query_day_time(rq, "from", "00:00"), .before = query_day_time(rq, "to", "24:00"), \
	.period = query_text(rq, "period")

/* --- Over a period ---------------------------------------------------------------------------- */

static void platform_figures_show(struct request *rq)
{
	sql_report(rq, admin_platform_figures, admin_reply_row,
		&(struct admin_platform_figures){ PERIOD_PARAMS(rq) });
}

/* Days since 1970-01-01 of a valid date; `fallback` when date is NULL. */
static int64_t day_number(const char *date, int64_t fallback)
{
	struct tm tm = { 0 };

	if (!date || sscanf(date, "%d-%d-%d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday) != 3)
		return fallback;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	return timegm(&tm) / DAY_S;
}

/* A series has an entry for each day. Returns false when there would be too many; the error has
 * been sent. */
static bool range_bounded(struct request *rq)
{
	int64_t today = clock_wall_s() / DAY_S, last = day_number(query_text(rq, "to"), today);
	/* Without from: a named period began within a year; without a period the statement counts
	 * back from the last day. */
	int64_t first = day_number(
		query_text(rq, "from"), query_text(rq, "period") ? today - DAYS_OF_YEAR : last);

	if (last - first < DAYS_MOST)
		return true;
	reply_field(rq, "from", "must be at most two years before the last day",
		"doit précéder le dernier jour de deux ans au plus");
	return false;
}

static void revenue_series_reply(struct request *rq, const char *unit, int64_t usual)
{
	if (range_bounded(rq))
		sql_report(rq, admin_revenue, admin_reply_row,
			&(struct admin_revenue){ .unit = unit,
				.first_day = query_text(rq, "from"),
				.last_day = query_text(rq, "to"),
				.period = query_text(rq, "period"),
				.units = usual });
}

static void revenue_by_day(struct request *rq)
{
	revenue_series_reply(rq, "day", 30);
}

static void revenue_by_week(struct request *rq)
{
	revenue_series_reply(rq, "week", 12);
}

static void revenue_by_month(struct request *rq)
{
	revenue_series_reply(rq, "month", 12);
}

static void top_vendors_show(struct request *rq)
{
	sql_report(rq, admin_top_vendors, admin_reply_row,
		&(struct admin_top_vendors){
			.limit = member_int(rq->query, "limit", 10), PERIOD_PARAMS(rq) });
}

static void top_riders_show(struct request *rq)
{
	sql_report(rq, admin_top_riders, admin_reply_row,
		&(struct admin_top_riders){
			.limit = member_int(rq->query, "limit", 10), PERIOD_PARAMS(rq) });
}

static void order_status_counts_show(struct request *rq)
{
	sql_report(rq, admin_order_status_counts, admin_reply_row,
		&(struct admin_order_status_counts){ PERIOD_PARAMS(rq) });
}

static void order_breakdown_show(struct request *rq)
{
	sql_report(rq, admin_order_breakdown, admin_reply_row,
		&(struct admin_order_breakdown){ PERIOD_PARAMS(rq) });
}

/* --- Now -------------------------------------------------------------------------------------- */

/* Adds up {"success":true,"data":{"PENDING":3,…}}. Returns false when the cache gave no value. */
static bool active_orders_sum(int error, const struct cache_value *value, int64_t *ret)
{
	json_auto_t *body = error ? NULL : json_loadb(value->plain.at, value->plain.len, 0, NULL);
	json_t *counts = json_object_get(body, "data");
	const char *status;
	json_t *count;

	*ret = 0;
	json_object_foreach(counts, status, count) *ret += json_integer_value(count);
	return json_is_object(counts);
}

static void active_orders_read(struct request *rq, int error, const struct cache_value *value)
{
	int64_t sum;

	sql_report(rq, admin_live_figures, admin_reply_row,
		&(struct admin_live_figures){
			.active_orders = active_orders_sum(error, value, &sum) ? &sum : NULL });
}

static void live_figures_show(struct request *rq)
{
	cache_get_or_query(
		rq, KEY_ORDERS_ACTIVE, NULL, QUERY_orders_active_count, active_orders_read);
}

/* Merges two JSON objects; the first is in rq->state. */
static void dashboard_live_read(struct request *rq, const struct db_result *result)
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

static void dashboard_platform_read(struct request *rq, const struct db_result *result)
{
	struct text *platform = ARENA_NEW(rq->arena, struct text);

	if (platform) {
		*platform = db_text(result, 0, 0);
		platform->at = arena_copy(rq->arena, platform->at, platform->len);
	}
	if (!platform || !platform->at)
		return reply_error(rq, E_NO_MEMORY);
	rq->state = platform;
	sql_report(rq, admin_live_figures, dashboard_live_read, &(struct admin_live_figures){ 0 });
}

static void dashboard_show(struct request *rq)
{
	sql_report(rq, admin_platform_figures, dashboard_platform_read,
		&(struct admin_platform_figures){ 0 });
}

const struct route admin_analytics_routes[] = {
	{ GET, "/analytics/platform", .operation = "getPlatformStatistics",
		.permission = "analytics.read", .query = range_query, .reply = platform_fields,
		.run = platform_figures_show, .summary = "Figures of the platform" },
	{ GET, "/analytics/revenue", .operation = "getDailyRevenue",
		.aliases = "/analytics/revenue/daily", .permission = "analytics.read",
		.query = range_query, .reply = day_fields, .shape = REPLY_ARRAY,
		.run = revenue_by_day,
		.summary = "Revenue by day, oldest first: the last 30 days, or at most two years" },
	{ GET, "/analytics/revenue/weekly", .operation = "getWeeklyRevenue",
		.permission = "analytics.read", .query = range_query, .reply = week_fields,
		.shape = REPLY_ARRAY, .run = revenue_by_week,
		.summary = "Revenue by week, counting only days in the range" },
	{ GET, "/analytics/revenue/monthly", .operation = "getMonthlyRevenue",
		.permission = "analytics.read", .query = range_query, .reply = month_fields,
		.shape = REPLY_ARRAY, .run = revenue_by_month,
		.summary = "Revenue by month, counting only days in the range" },
	{ GET, "/analytics/top-vendors", .operation = "listTopVendors",
		.permission = "analytics.read", .query = top_query, .reply = top_vendor_fields,
		.shape = REPLY_ARRAY, .run = top_vendors_show,
		.summary = "Vendors with the highest revenue" },
	{ GET, "/analytics/top-riders", .operation = "listTopRiders",
		.aliases = "/analytics/riders", .permission = "analytics.read", .query = top_query,
		.reply = top_rider_fields, .shape = REPLY_ARRAY, .run = top_riders_show,
		.summary = "Riders with the most deliveries" },
	{ GET, "/analytics/order-status", .operation = "countOrdersByStatus",
		.permission = "analytics.read", .query = range_query, .reply = status_count_fields,
		.shape = REPLY_ARRAY, .run = order_status_counts_show,
		.summary = "Number of orders in each status" },
	{ GET, "/analytics/orders", .operation = "getOrderStatistics",
		.permission = "analytics.read", .query = range_query, .reply = breakdown_fields,
		.run = order_breakdown_show,
		.summary = "Orders by status, country and payment method" },
	{ GET, "/analytics/live", .operation = "getLiveStatistics", .permission = "analytics.read",
		.reply = live_fields, .run = live_figures_show, .summary = "Current figures" },
	{ GET, "/analytics/dashboard", .operation = "getDashboard", .permission = "analytics.read",
		.reply = dashboard_fields, .run = dashboard_show,
		.summary = "Figures of the platform and current figures together" },
	ROUTE_END,
};
