/* SPDX-License-Identifier: MIT
 *
 * The platform's money, and the cash that riders hand in.
 */
#include "admin/act.h"
#include "reeyo/api/admin.h"

static const struct field handin_body[] = {
	{ "amount", FIELD_MONEY, .required = true, .min = 1, .max = INT64_MAX },
	{ "reference", FIELD_TEXT, .required = true, .min = 1, .max = 100,
		.does = "Of the receipt: once for each rider" },
	FIELD_END
};
static const struct field platform_fields[] = {
	{ "balance", FIELD_INT, .required = true, .does = "What is the platform's" },
	{ "escrow", FIELD_INT, .required = true, .does = "What it holds for orders under way" },
	{ "total_commission", FIELD_MONEY, .required = true },
	{ "total_payouts", FIELD_MONEY, .required = true, .does = "Completed ones" },
	{ "pending_payouts", FIELD_MONEY, .required = true, .does = "Asked for and not ended" },
	{ "currency", FIELD_TEXT, .required = true },
	FIELD_END
};
static const struct field handin_fields[] = {
	{ "id", FIELD_ID, .required = true },
	{ "rider_id", FIELD_ID, .required = true },
	{ "amount", FIELD_MONEY, .required = true },
	{ "currency", FIELD_TEXT, .required = true },
	{ "reference", FIELD_TEXT, .required = true },
	{ "cash_in_hand", FIELD_MONEY, .required = true, .does = "What he still held after it" },
	{ "created_at", FIELD_TIME, .required = true },
	FIELD_END
};

static void get_platform(struct request *rq)
{
	SQL_(rq, DB_REPORT, finance_platform, false, admin_shown);
}

/* --- Cash ------------------------------------------------------------------------------------- */

static void hand_in(struct request *rq)
{
	const char *entry = request_id_new(rq, "txn_");

	if (!entry)
		return reply_error(rq, E_NO_MEMORY);
	sql_write(rq, cash_hand_in, admin_decided, rq->params[0],
		arg_int(rq, body_int(rq, "amount", 0)), body_text(rq, "reference"), rq->caller.id,
		"rider.cash-handin", act_details(rq), rq->request_id, entry);
}

static void handins_read(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return reply_error(rq, E_RIDER_NOT_FOUND);
	admin_listed(rq, result);
}

static void list_handins(struct request *rq)
{
	struct page page = request_page(rq, 20);

	sql_read(rq, cash_handin_list, handins_read, rq->params[0], arg_int(rq, page.limit),
		arg_int(rq, page.offset));
}

const struct route admin_finance_routes[] = {
	{ GET, "/finance/platform", .who = ADMIN, .reply = platform_fields, .run = get_platform,
		.does = "The platform's accounts" },
	{ POST, "/riders/:id/cash-handins", .who = ADMIN, .any_write = true, .created = true,
		.body = handin_body, .reply = handin_fields,
		.errors = { E_RIDER_NOT_FOUND, E_CASH_OVER, E_HANDIN_OTHER }, .run = hand_in,
		.does = "Book cash that a rider hands in; a reference counts once" },
	{ GET, "/riders/:id/cash-handins", .who = ADMIN,
		.query = page_fields, .reply = handin_fields,
		.shape = REPLY_PAGE, .errors = { E_RIDER_NOT_FOUND }, .run = list_handins,
		.does = "What a rider has handed in, newest first" },
	ROUTE_END
};
