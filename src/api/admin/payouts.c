/* SPDX-License-Identifier: MIT
 *
 * Pay-outs as admins decide them. Of large amounts (payout_two_admins_from) two different admins decide.
 */
#include <strings.h>

#include "act.h"
#include "reeyo/api/admin.h"

static const char *const kind_words[] = { "VENDOR", "RIDER", NULL };
static const char *const status_words[] = { "PENDING", "APPROVED", "PROCESSING", "COMPLETED", "FAILED",
	"REJECTED", NULL };
static const char *const method_words[] = { "MOBILE_MONEY", "BANK_TRANSFER", NULL };
static const char *const decision_words[] = { "APPROVED", "REJECTED", NULL };

#define NULLABLE(name, kind) { name, kind, .nullable = true }
#define ALWAYS(name, kind) { name, kind, .required = true }

static const struct field pending_query[] = {
	{ "type", FIELD_ENUM, .words = kind_words, .does = "Both when absent" },
	PAGE_FIELDS,
	FIELD_END
};
static const struct field list_query[] = {
	{ "type", FIELD_ENUM, .words = kind_words, .does = "Both when absent" },
	{ "status", FIELD_TEXT, .max = 20, .does = "ALL or none: any" },
	PAGE_FIELDS,
	FIELD_END
};
static const struct field approve_body[] = {
	{ "type", FIELD_ENUM, .words = kind_words, .does = "Must be the pay-out's" },
	{ "transactionReference", FIELD_TEXT, .min = 1, .max = 100, .also = "transaction_reference reference",
		.does = "Of a bank transfer: completes it" },
	{ "notes", FIELD_TEXT, .max = 500, .also = "note" },
	FIELD_END
};
static const struct field reject_body[] = {
	{ "type", FIELD_ENUM, .words = kind_words, .does = "Must be the pay-out's" },
	{ "reason", FIELD_TEXT, .required = true, .min = 1, .max = 500 },
	FIELD_END
};

static const struct field shop_fields[] = {
	ALWAYS("id", FIELD_ID), NULLABLE("name", FIELD_TEXT), NULLABLE("business_name", FIELD_TEXT), FIELD_END
};
static const struct field courier_fields[] = {
	ALWAYS("id", FIELD_ID), NULLABLE("name", FIELD_TEXT), FIELD_END
};
static const struct field payout_row[] = {
	ALWAYS("id", FIELD_ID),
	{ "type", FIELD_ENUM, .required = true, .words = kind_words },
	{ "vendor_id", FIELD_ID, .does = "Of a vendor's" }, { "vendor", FIELD_OBJECT, .of = shop_fields },
	{ "rider_id", FIELD_ID, .does = "Of a rider's" }, { "rider", FIELD_OBJECT, .of = courier_fields },
	NULLABLE("entity_name", FIELD_TEXT), ALWAYS("amount", FIELD_MONEY), ALWAYS("fee", FIELD_MONEY),
	ALWAYS("net_amount", FIELD_MONEY), ALWAYS("currency", FIELD_TEXT),
	{ "method", FIELD_ENUM, .required = true, .words = method_words },
	{ "number", FIELD_TEXT, .required = true, .does = "Where it goes: a phone or an account" },
	{ "status", FIELD_ENUM, .required = true, .words = status_words },
	ALWAYS("created_at", FIELD_TIME), NULLABLE("processed_at", FIELD_TIME),
	NULLABLE("completed_at", FIELD_TIME), NULLABLE("transaction_reference", FIELD_TEXT),
	NULLABLE("rejection_reason", FIELD_TEXT), NULLABLE("failure_reason", FIELD_TEXT),
	NULLABLE("notes", FIELD_TEXT),
	{ "trouble", FIELD_TEXT, .nullable = true, .does = "What the gateway says differently" },
	NULLABLE("first_approved_by", FIELD_ID), NULLABLE("approved_by", FIELD_ID),
	{ "approvals_needed", FIELD_INT, .required = true, .does = "How many more admins have to approve" },
	{ "from", FIELD_TEXT, .does = "In the history" }, { "to", FIELD_TEXT, .does = "In the history" },
	{ "description", FIELD_TEXT, .does = "In the history" },
	{ "decision", FIELD_ENUM, .words = decision_words, .does = "In the history, where REJECTED is FAILED" },
	FIELD_END_TITLED("AdminPayout")
};

static const char *two_from(struct request *rq)
{
	return arg_int(rq, rq->app->config->payout_two_admins_from);
}

/* --- Lists -------------------------------------------------------------------------------------- */

static void list_of(struct request *rq, const char *states, bool past)
{
	struct page page = request_page(rq, 20);

	sql_read(rq, admin_payout_list, admin_listed, states, query_text(rq, "type"), two_from(rq),
		past ? "t" : "f", arg_int(rq, page.limit), arg_int(rq, page.offset));
}

static void list_pending(struct request *rq)
{
	list_of(rq, "{PENDING}", false);
}

static void list_payouts(struct request *rq)
{
	static const char *const words[][2] = {
		{ "PENDING", "{PENDING}" }, { "APPROVED", "{APPROVED}" }, { "PROCESSING", "{PROCESSING}" },
		{ "COMPLETED", "{COMPLETED}" }, { "FAILED", "{FAILED}" }, { "REJECTED", "{REJECTED}" },
		{ NULL, NULL }
	};
	const char *states;

	if (status_take(rq, words, &states))
		list_of(rq, states, false);
}

/* The console's history knows no REJECTED: what it calls FAILED is both. */
static void list_history(struct request *rq)
{
	static const char *const words[][2] = {
		{ "APPROVED", "{APPROVED}" }, { "PROCESSING", "{PROCESSING}" }, { "COMPLETED", "{COMPLETED}" },
		{ "FAILED", "{FAILED,REJECTED}" }, { "REJECTED", "{REJECTED}" }, { "PENDING", "{}" },
		{ NULL, NULL }
	};
	const char *states;

	if (status_take(rq, words, &states))
		list_of(rq, states ? states : "{APPROVED,PROCESSING,COMPLETED,FAILED,REJECTED}", true);
}

/* --- Decisions ---------------------------------------------------------------------------------- */

static void decided(struct request *rq, const struct db_result *result)
{
	struct text outcome = db_text(result, 0, 0);

	if (db_is_null(result, 0, 1))
		return reply_error(rq, error_named(outcome.at, outcome.len));
	reply_data(rq, db_text(result, 0, 1));
}

static void approve(struct request *rq)
{
	char first[ID_SIZE], second[ID_SIZE];

	id_new(first, "txn_");
	id_new(second, "txn_");
	sql_write(rq, payout_approve, decided, rq->params[0], body_text(rq, "type"),
		body_text(rq, "transactionReference"), body_text(rq, "notes"), two_from(rq), rq->caller.id,
		"payout.approve", act_details(rq), rq->request_id,
		arena_printf(rq->arena, "{%s,%s}", first, second));
}

static void reject(struct request *rq)
{
	char *entry = arena_alloc(rq->arena, ID_SIZE);

	if (!entry)
		return reply_error(rq, E_NO_MEMORY);
	id_new(entry, "txn_");
	sql_write(rq, payout_reject, decided, rq->params[0], body_text(rq, "type"), body_text(rq, "reason"),
		two_from(rq), rq->caller.id, "payout.reject", act_details(rq), rq->request_id, entry);
}

const struct route admin_payout_routes[] = {
	{ GET, "/payouts/pending", .who = ADMIN, .query = pending_query, .reply = payout_row,
		.shape = REPLY_PAGE, .run = list_pending, .does = "Pay-outs that wait for a decision" },
	{ GET, "/payouts/history", .who = ADMIN, .query = list_query, .reply = payout_row,
		.shape = REPLY_PAGE, .run = list_history, .does = "Pay-outs that were decided" },
	{ GET, "/payouts", .also = "/finance/payouts", .who = ADMIN, .query = list_query,
		.reply = payout_row, .shape = REPLY_PAGE, .run = list_payouts,
		.does = "Pay-outs, newest first" },
	{ POST, "/payouts/:id/approve", .also = "/payouts/:id/process /finance/payouts/:id/process", .who = ADMIN,
		.any_write = true, .body = approve_body, .reply = payout_row,
		.errors = { E_PAYOUT_NOT_FOUND, E_PAYOUT_DECIDED, E_SAME_ADMIN }, .run = approve,
		.does = "Approve a pay-out; again with its reference, when a bank transfer was approved without" },
	{ POST, "/payouts/:id/reject", .who = ADMIN, .any_write = true, .body = reject_body,
		.reply = payout_row, .errors = { E_PAYOUT_NOT_FOUND, E_PAYOUT_DECIDED }, .run = reject,
		.does = "Reject a pay-out; the money is available again" },
	ROUTE_END
};
