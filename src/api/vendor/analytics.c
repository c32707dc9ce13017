/* SPDX-License-Identifier: MIT
 *
 * Reports of a shop's delivered orders, on the lane for slow statements.
 */
#include "reeyo/api/reply_objects.h"
#include "reeyo/api/vendor.h"
#include "reeyo/db/queries/shop_reports.h"
#include "reeyo/http/request.h"

#define PERIOD_FIELD \
	{ \
		"period", FIELD_ENUM, \
			.words = period_words, \
			.summary = "The current one, from its first day; today when absent" \
	}

static const struct field period_query[] = { PERIOD_FIELD, FIELD_END };
static const struct field popular_query[] = {
	PERIOD_FIELD,
	{ "limit", FIELD_INT, .min = 1, .max = 100, .summary = "10 when absent" },
	FIELD_END,
};

static const struct field overview_fields[] = {
	{ "orders", FIELD_INT, .required = true, .summary = "Delivered orders" },
	{ "revenue", FIELD_MONEY, .required = true, .summary = "Sum of their subtotals" },
	{ "averageOrderValue", FIELD_MONEY, .required = true },
	{ "rating", FIELD_NUMBER, .required = true, .summary = "Mean of all ratings" },
	FIELD_END,
};
static const struct field popular_fields[] = {
	{ "itemId", FIELD_ID, .required = true },
	{ "name", FIELD_TEXT, .required = true },
	{ "orders", FIELD_INT, .required = true },
	{ "quantity", FIELD_INT, .required = true },
	{ "revenue", FIELD_MONEY, .required = true },
	FIELD_END,
};
static const struct field revenue_fields[] = {
	{ "date", FIELD_DATE, .required = true },
	{ "orders", FIELD_INT, .required = true },
	{ "revenue", FIELD_MONEY, .required = true },
	FIELD_END,
};
static const struct field customers_fields[] = {
	{ "total", FIELD_INT, .required = true },
	{ "new", FIELD_INT, .required = true,
		.summary = "Customers without an earlier delivered order" },
	{ "returning", FIELD_INT, .required = true },
	FIELD_END,
};

static const char *shop_report_period(struct request *rq)
{
	const char *period = query_text(rq, "period");

	return period ? period : "today";
}

static void shop_report_read(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return reply_error(rq, E_ACCOUNT_GONE);
	reply_data(rq, db_text(result, 0, 0));
}

static void get_shop_overview(struct request *rq)
{
	sql_report(rq, shop_overview, shop_report_read,
		&(struct shop_overview){
			.vendor_id = rq->caller.id, .period = shop_report_period(rq) });
}

static void get_popular_items(struct request *rq)
{
	sql_report(rq, shop_popular, shop_report_read,
		&(struct shop_popular){ .vendor_id = rq->caller.id,
			.period = shop_report_period(rq),
			.limit = member_int(rq->query, "limit", 10) });
}

static void get_shop_revenue(struct request *rq)
{
	sql_report(rq, shop_revenue, shop_report_read,
		&(struct shop_revenue){
			.vendor_id = rq->caller.id, .period = shop_report_period(rq) });
}

static void get_shop_customers(struct request *rq)
{
	sql_report(rq, shop_customers, shop_report_read,
		&(struct shop_customers){
			.vendor_id = rq->caller.id, .period = shop_report_period(rq) });
}

const struct route vendor_analytics_routes[] = {
	{ GET, "/analytics/overview", .operation = "getSalesOverview", .access = VENDOR_ACCOUNT,
		.query = period_query, .reply = overview_fields, .errors = { E_ACCOUNT_GONE },
		.run = get_shop_overview, .summary = "Orders and revenue of a period" },
	{ GET, "/analytics/popular-items", .operation = "listPopularItems",
		.access = VENDOR_ACCOUNT, .query = popular_query, .reply = popular_fields,
		.shape = REPLY_ARRAY, .run = get_popular_items,
		.summary = "Best-selling items of a period" },
	{ GET, "/analytics/revenue", .operation = "getSalesRevenue", .access = VENDOR_ACCOUNT,
		.query = period_query, .reply = revenue_fields, .shape = REPLY_ARRAY,
		.run = get_shop_revenue, .summary = "Revenue of a period, day by day" },
	{ GET, "/analytics/customers", .operation = "getCustomerStatistics",
		.access = VENDOR_ACCOUNT, .query = period_query, .reply = customers_fields,
		.run = get_shop_customers, .summary = "New and returning customers of a period" },
	ROUTE_END,
};
