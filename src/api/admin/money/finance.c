/* SPDX-License-Identifier: MIT
 *
 * The accounts of the platform, and the cash that riders hand in.
 */
#include "admin/audit.h"
#include "admin/list.h"
#include "admin/reply.h"
#include "reeyo/api/admin.h"
#include "reeyo/db/queries/admin_money.h"

static const struct field handin_body[] = {
	{ "amount", FIELD_MONEY, .required = true, .min = 1, .max = INT64_MAX },
	{ "reference", FIELD_TEXT, .required = true, .min = 1, .max = 100,
		.summary = "Number of the receipt, unique for each rider" },
	FIELD_END,
};
static const struct field platform_fields[] = {
	{ "balance", FIELD_INT, .required = true, .summary = "Money of the platform" },
	{ "escrow", FIELD_INT, .required = true, .summary = "Money held for active orders" },
	{ "total_commission", FIELD_MONEY, .required = true },
	{ "total_payouts", FIELD_MONEY, .required = true, .summary = "Completed pay-outs" },
	{ "pending_payouts", FIELD_MONEY, .required = true,
		.summary = "Requested and not yet final" },
	{ "currency", FIELD_TEXT, .required = true },
	FIELD_END,
};
static const struct field handin_fields[] = {
	{ "id", FIELD_ID, .required = true },
	{ "rider_id", FIELD_ID, .required = true },
	{ "amount", FIELD_MONEY, .required = true },
	{ "currency", FIELD_TEXT, .required = true },
	{ "reference", FIELD_TEXT, .required = true },
	{ "cash_in_hand", FIELD_MONEY, .required = true,
		.summary = "Cash the rider still held afterwards" },
	{ "created_at", FIELD_TIME, .required = true },
	FIELD_END,
};

static void platform_accounts_show(struct request *rq)
{
	sql_report(rq, finance_platform, admin_reply_row);
}

/* --- Cash ------------------------------------------------------------------------------------- */

static void cash_handin_add(struct request *rq)
{
	const char *entry = request_id_new(rq, "txn_");

	if (!entry)
		return reply_error(rq, E_NO_MEMORY);
	admin_write(rq, cash_hand_in, admin_reply_outcome, .rider_id = rq->params[0],
		.amount = body_int(rq, "amount", 0), .reference = body_text(rq, "reference"),
		.entry_id = entry);
}

static void cash_handins_read(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return reply_error(rq, E_RIDER_NOT_FOUND);
	admin_reply_page(rq, result);
}

static void cash_handins_list(struct request *rq)
{
	sql_read(rq, cash_handin_list, cash_handins_read,
		&(struct cash_handin_list){ .rider_id = rq->params[0], PAGE_PARAMS(rq) });
}

const struct route admin_finance_routes[] = {
	{ GET, "/finance/platform", .operation = "getPlatformAccounts",
		.permission = "finance.read", .reply = platform_fields,
		.run = platform_accounts_show, .summary = "The platform's accounts" },
	{ POST, "/riders/:id/cash-handins", .operation = "recordCashHandIn",
		.permission = "cash.write", .any_write = true, .created = true, .body = handin_body,
		.reply = handin_fields,
		.errors = { E_RIDER_NOT_FOUND, E_CASH_OVER, E_HANDIN_OTHER },
		.run = cash_handin_add, .audit = "rider.cash-handin",
		.summary = "Book cash that a rider hands in; a reference is booked once" },
	{ GET, "/riders/:id/cash-handins", .operation = "listCashHandIns",
		.permission = "cash.read", .query = page_fields, .reply = handin_fields,
		.shape = REPLY_PAGE, .errors = { E_RIDER_NOT_FOUND }, .run = cash_handins_list,
		.summary = "Cash hand-ins of a rider, newest first" },
	ROUTE_END,
};
