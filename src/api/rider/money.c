/* SPDX-License-Identifier: MIT
 *
 * A rider's earnings (amounts credited), wallet and pay-outs. Reports over many deliveries use the
 * lane for slow statements.
 */
#include "reeyo/api/money.h"
#include "reeyo/api/reply_objects.h"
#include "reeyo/api/rider.h"
#include "reeyo/db/queries/earnings.h"

static const struct field summary_query[] = {
	{ "period", FIELD_ENUM, .words = period_words,
		.summary = "Adds the earnings of the current period, from its first day" },
	FIELD_END,
};
static const struct field daily_query[] = {
	{ "days", FIELD_INT, .min = 1, .max = 366, .summary = "30 when absent" },
	FIELD_END,
};
static const struct field weekly_query[] = {
	{ "weeks", FIELD_INT, .min = 1, .max = 104, .summary = "12 when absent" },
	FIELD_END,
};
static const struct field monthly_query[] = {
	{ "months", FIELD_INT, .min = 1, .max = 60, .summary = "12 when absent" },
	FIELD_END,
};

static const struct field summary_fields[] = {
	{ "currentBalance", FIELD_MONEY, .required = true },
	{ "totalEarnings", FIELD_MONEY, .required = true },
	{ "weeklyEarnings", FIELD_MONEY, .required = true, .summary = "Last 7 days" },
	{ "monthlyEarnings", FIELD_MONEY, .required = true, .summary = "Last month" },
	{ "totalDeliveries", FIELD_INT, .required = true, .summary = "Completed deliveries" },
	{ "period", FIELD_ENUM, .words = period_words },
	{ "periodEarnings", FIELD_MONEY },
	FIELD_END,
};
#define EARNED_FIELDS \
	{ "earnings", FIELD_MONEY, .required = true }, \
	{ \
		"deliveries", FIELD_INT, .required = true \
	}
static const struct field daily_fields[] = {
	{ "date", FIELD_DATE, .required = true },
	EARNED_FIELDS,
	FIELD_END,
};
static const struct field weekly_fields[] = {
	{ "weekStart", FIELD_DATE, .required = true, .summary = "A Monday" },
	EARNED_FIELDS,
	FIELD_END,
};
static const struct field monthly_fields[] = {
	{ "month", FIELD_TEXT, .required = true, .summary = "YYYY-MM" },
	EARNED_FIELDS,
	FIELD_END,
};

static void rider_earnings_read(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return reply_error(rq, E_ACCOUNT_GONE);
	reply_data(rq, db_text(result, 0, RIDER_EARNINGS_EARNINGS));
}

static void get_rider_earnings(struct request *rq)
{
	sql_read(rq, rider_earnings, rider_earnings_read,
		&(struct rider_earnings){
			.rider_id = rq->caller.id, .period = query_text(rq, "period") });
}

/* Earnings of the last days, weeks or months. name: of the query parameter for their number. */
static void list_rider_earnings(struct request *rq, const char *unit, const char *name,
	int64_t count, const char *member_name, const char *format)
{
	sql_report(rq, rider_earnings_series, rider_earnings_read,
		&(struct rider_earnings_series){ .rider_id = rq->caller.id,
			.unit = unit,
			.count = member_int(rq->query, name, count),
			.member = member_name,
			.format = format });
}

static void list_rider_daily_earnings(struct request *rq)
{
	list_rider_earnings(rq, "day", "days", 30, "date", "YYYY-MM-DD");
}

static void list_rider_weekly_earnings(struct request *rq)
{
	list_rider_earnings(rq, "week", "weeks", 12, "weekStart", "YYYY-MM-DD");
}

static void list_rider_monthly_earnings(struct request *rq)
{
	list_rider_earnings(rq, "month", "months", 12, "month", "YYYY-MM");
}

const struct route rider_money_routes[] = {
	{ GET, "/earnings/summary", .operation = "getRiderEarnings", .aliases = "/earnings",
		.access = RIDER_ACCOUNT, .query = summary_query, .reply = summary_fields,
		.errors = { E_ACCOUNT_GONE }, .run = get_rider_earnings,
		.summary = "The rider's earnings" },
	{ GET, "/earnings/transactions", .operation = "listRiderTransactions",
		.aliases = "/wallet/transactions", .access = RIDER_ACCOUNT,
		.query = transactions_query, .reply = transactions_fields,
		.run = list_wallet_transactions,
		.summary = "The wallet's transactions, newest first" },
	{ GET, "/earnings/daily", .operation = "listRiderDailyEarnings", .access = RIDER_ACCOUNT,
		.query = daily_query, .reply = daily_fields, .shape = REPLY_ARRAY,
		.run = list_rider_daily_earnings,
		.summary = "Earnings of the last days, oldest first" },
	{ GET, "/earnings/weekly", .operation = "listRiderWeeklyEarnings", .access = RIDER_ACCOUNT,
		.query = weekly_query, .reply = weekly_fields, .shape = REPLY_ARRAY,
		.run = list_rider_weekly_earnings,
		.summary = "Earnings of the last weeks, oldest first" },
	{ GET, "/earnings/monthly", .operation = "listRiderMonthlyEarnings",
		.access = RIDER_ACCOUNT, .query = monthly_query, .reply = monthly_fields,
		.shape = REPLY_ARRAY, .run = list_rider_monthly_earnings,
		.summary = "Earnings of the last months, oldest first" },
	{ GET, "/wallet/balance", .operation = "getRiderWallet", .aliases = "/wallet",
		.access = RIDER_ACCOUNT, .reply = wallet_fields, .errors = { E_ACCOUNT_NOT_FOUND },
		.run = get_wallet, .summary = "The wallet's balances" },
	{ POST, "/payouts/request", .operation = "requestRiderPayout", .aliases = "/wallet/payout",
		.access = RIDER_ACCOUNT, .any_write = true, .created = true, .idempotent = true,
		.body = payout_body, .reply = payout_fields,
		.errors = { E_PAYOUT_MINIMUM, E_PAYOUT_SHORT, E_PAYOUT_ACCOUNT, E_PHONE_UNVERIFIED,
			E_PAYOUT_MANY, E_SUSPENDED, E_ACCOUNT_GONE },
		.run = request_payout,
		.summary = "Request a pay-out; the amount is held until it ends" },
	{ GET, "/payouts", .operation = "listRiderPayouts", .aliases = "/wallet/payouts",
		.access = RIDER_ACCOUNT, .query = page_fields, .reply = payouts_fields,
		.run = list_owner_payouts, .summary = "Pay-outs, newest first" },
	{ GET, "/payouts/balance", .operation = "getRiderPayoutBalance", .access = RIDER_ACCOUNT,
		.reply = payout_balance_fields, .run = get_owner_payout_balance,
		.summary = "The amount that can be withdrawn; cash in hand lowers it" },
	{ GET, "/payouts/:payoutId", .operation = "getRiderPayout", .access = RIDER_ACCOUNT,
		.reply = payout_fields, .errors = { E_PAYOUT_NOT_FOUND }, .run = get_owner_payout,
		.summary = "One pay-out" },
	ROUTE_END,
};
