/* SPDX-License-Identifier: MIT
 *
 * A vendor's earnings, wallet and pay-outs. Reports over many orders use the lane for slow
 * statements.
 */
#include "reeyo/api/money.h"
#include "reeyo/api/order_fields.h"
#include "reeyo/api/reply_objects.h"
#include "reeyo/api/vendor.h"
#include "reeyo/db/queries/earnings.h"

static const struct field daily_query[] = {
	{ "startDate", FIELD_DATE, .aliases = "from dateFrom",
		.summary = "First day; the last 30 when absent" },
	{ "endDate", FIELD_DATE, .aliases = "to dateTo", .summary = "Last day; today when absent" },
	{ "period", FIELD_ENUM, .words = period_words,
		.summary = "Instead of startDate: the current period, from its first day" },
	FIELD_END,
};
static const struct field monthly_query[] = {
	{ "year", FIELD_INT, .min = 2020, .max = 2100, .summary = "The current year when absent" },
	FIELD_END,
};

static const struct field lifetime_fields[] = {
	{ "totalOrders", FIELD_INT, .required = true, .summary = "Delivered orders" },
	{ "grossEarnings", FIELD_MONEY, .required = true, .summary = "Their subtotals, added up" },
	{ "commission", FIELD_INT, .required = true },
	{ "netEarnings", FIELD_MONEY, .required = true },
	FIELD_END,
};
static const struct field period_fields[] = {
	{ "orders", FIELD_INT, .required = true },
	{ "grossEarnings", FIELD_MONEY, .required = true },
	{ "netEarnings", FIELD_MONEY, .required = true },
	FIELD_END,
};
static const struct field summary_fields[] = {
	{ "lifetime", FIELD_OBJECT, .required = true, .of = lifetime_fields },
	{ "today", FIELD_OBJECT, .required = true, .of = period_fields },
	{ "week", FIELD_OBJECT, .required = true, .of = period_fields, .summary = "Since Monday" },
	{ "month", FIELD_OBJECT, .required = true, .of = period_fields,
		.summary = "Since its first day" },
	{ "commissionRate", FIELD_NUMBER, .required = true, .summary = "A fraction" },
	{ "currentBalance", FIELD_MONEY, .required = true },
	FIELD_END,
};
#define EARNED_FIELDS \
	{ "gross", FIELD_MONEY, .required = true }, { "net", FIELD_MONEY, .required = true }, \
	{ \
		"orders", FIELD_INT, .required = true \
	}
static const struct field daily_fields[] = {
	{ "date", FIELD_DATE, .required = true },
	EARNED_FIELDS,
	FIELD_END,
};
static const struct field weekly_fields[] = {
	{ "week", FIELD_TEXT, .required = true,
		.summary = "Week 1 to Week 4; Week 4 is the current one" },
	{ "weekStart", FIELD_DATE, .required = true },
	EARNED_FIELDS,
	FIELD_END,
};
static const struct field monthly_fields[] = {
	{ "month", FIELD_TEXT, .required = true, .summary = "Jan to Dec" },
	EARNED_FIELDS,
	FIELD_END,
};

static void vendor_earnings_read(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return reply_error(rq, E_ACCOUNT_GONE);
	reply_data(rq, db_text(result, 0, VENDOR_EARNINGS_EARNINGS));
}

static void get_vendor_earnings(struct request *rq)
{
	sql_read(rq, vendor_earnings, vendor_earnings_read,
		&(struct vendor_earnings){ .vendor_id = rq->caller.id });
}

static void list_vendor_daily_earnings(struct request *rq)
{
	sql_report(rq, vendor_earnings_daily, vendor_earnings_read,
		&(struct vendor_earnings_daily){ .vendor_id = rq->caller.id,
			.since = query_day_bound(rq, "startDate", "00:00"),
			.before = query_day_bound(rq, "endDate", "24:00"),
			.period = query_text(rq, "period") });
}

static void list_vendor_weekly_earnings(struct request *rq)
{
	sql_report(rq, vendor_earnings_weekly, vendor_earnings_read,
		&(struct vendor_earnings_weekly){ .vendor_id = rq->caller.id });
}

static void list_vendor_monthly_earnings(struct request *rq)
{
	sql_report(rq, vendor_earnings_monthly, vendor_earnings_read,
		&(struct vendor_earnings_monthly){
			.vendor_id = rq->caller.id, .year = optional_int(rq, rq->query, "year") });
}

const struct route vendor_money_routes[] = {
	{ GET, "/earnings", .operation = "getVendorEarnings", .aliases = "/earnings/summary",
		.access = VENDOR_ACCOUNT, .reply = summary_fields, .errors = { E_ACCOUNT_GONE },
		.run = get_vendor_earnings, .summary = "The vendor's earnings" },
	{ GET, "/earnings/transactions", .operation = "listVendorTransactions",
		.aliases = "/wallet/transactions", .access = VENDOR_ACCOUNT,
		.query = transactions_query, .reply = transactions_fields,
		.run = list_wallet_transactions,
		.summary = "The wallet's transactions, newest first" },
	{ GET, "/earnings/daily", .operation = "listVendorDailyEarnings", .access = VENDOR_ACCOUNT,
		.query = daily_query, .reply = daily_fields, .shape = REPLY_ARRAY,
		.run = list_vendor_daily_earnings, .summary = "Earnings of the days with sales" },
	{ GET, "/earnings/weekly", .operation = "listVendorWeeklyEarnings",
		.access = VENDOR_ACCOUNT, .reply = weekly_fields, .shape = REPLY_ARRAY,
		.run = list_vendor_weekly_earnings, .summary = "Earnings of the last four weeks" },
	{ GET, "/earnings/monthly", .operation = "listVendorMonthlyEarnings",
		.access = VENDOR_ACCOUNT, .query = monthly_query, .reply = monthly_fields,
		.shape = REPLY_ARRAY, .run = list_vendor_monthly_earnings,
		.summary = "Earnings of the months of a year" },
	{ GET, "/wallet/balance", .operation = "getVendorWallet", .aliases = "/wallet",
		.access = VENDOR_ACCOUNT, .reply = wallet_fields, .errors = { E_ACCOUNT_NOT_FOUND },
		.run = get_wallet, .summary = "The wallet's balances" },
	{ POST, "/payouts/request", .operation = "requestVendorPayout", .aliases = "/wallet/payout",
		.access = VENDOR_ACCOUNT, .any_write = true, .created = true, .idempotent = true,
		.body = payout_body, .reply = payout_fields,
		.errors = { E_PAYOUT_MINIMUM, E_PAYOUT_SHORT, E_PAYOUT_ACCOUNT, E_PAYOUT_MANY,
			E_SUSPENDED, E_ACCOUNT_GONE },
		.run = request_payout,
		.summary = "Request a pay-out; the amount is held until it ends" },
	{ GET, "/payouts", .operation = "listVendorPayouts", .aliases = "/wallet/payouts",
		.access = VENDOR_ACCOUNT, .query = page_fields, .reply = payouts_fields,
		.run = list_owner_payouts, .summary = "Pay-outs, newest first" },
	{ GET, "/payouts/balance", .operation = "getVendorPayoutBalance", .access = VENDOR_ACCOUNT,
		.reply = payout_balance_fields, .run = get_owner_payout_balance,
		.summary = "The amount that can be withdrawn" },
	{ GET, "/payouts/:payoutId", .operation = "getVendorPayout", .access = VENDOR_ACCOUNT,
		.reply = payout_fields, .errors = { E_PAYOUT_NOT_FOUND, E_PAYOUT_NOT_OWNER },
		.run = get_owner_payout, .summary = "One pay-out" },
	ROUTE_END,
};
