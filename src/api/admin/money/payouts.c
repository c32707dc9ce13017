/* SPDX-License-Identifier: MIT
 *
 * Pay-outs: the admin lists, approves and rejects them, and resolves their discrepancies. From the
 * amount payout_two_admins_from on, two different admins must take the same decision.
 */
#include "admin/audit.h"
#include "admin/list.h"
#include "admin/reply.h"
#include "reeyo/api/admin.h"
#include "reeyo/domain/payout_state.h"

static const char *const payout_kind_words[] = { "VENDOR", "RIDER", NULL };
static const char *const decision_words[] = { "APPROVED", "REJECTED", NULL };
static const char *const outcome_words[] = { "PAID", "RETURNED", "WRITTEN_OFF", NULL };

#define NULLABLE(name, kind) \
	{ \
		name, kind, .nullable = true \
	}
#define ALWAYS(name, kind) \
	{ \
		name, kind, .required = true \
	}

#define TYPE_FIELD \
	{ \
		"type", FIELD_TEXT, .max = 10, .summary = "VENDOR or RIDER; ALL or absent: both" \
	}
static const struct field pending_query[] = {
	TYPE_FIELD,
	PAGE_FIELDS,
	FIELD_END,
};
static const struct field list_query[] = {
	TYPE_FIELD,
	{ "status", FIELD_TEXT, .max = 20, .summary = "ALL or none: any" },
	PAGE_FIELDS,
	FIELD_END,
};
static const struct field all_query[] = {
	TYPE_FIELD,
	{ "status", FIELD_TEXT, .max = 20, .summary = "ALL or none: any" },
	{ "trouble", FIELD_BOOL, .summary = "Only pay-outs with a discrepancy" },
	PAGE_FIELDS,
	FIELD_END,
};
static const struct field approve_body[] = {
	{ "type", FIELD_ENUM, .words = payout_kind_words, .summary = "Must be the pay-out's" },
	{ "transactionReference", FIELD_TEXT, .min = 1, .max = 100,
		.aliases = "transaction_reference reference",
		.summary =
			"Reference of a payment made by hand, at a bank or to a phone: completes "
			"the pay-out; the gateway does not pay it" },
	{ "notes", FIELD_TEXT, .lines = true, .max = 500, .aliases = "note" },
	FIELD_END,
};
static const struct field reject_body[] = {
	{ "type", FIELD_ENUM, .words = payout_kind_words, .summary = "Must be the pay-out's" },
	{ "reason", FIELD_TEXT, .lines = true, .required = true, .min = 1, .max = 500 },
	FIELD_END,
};

static const struct field resolve_body[] = {
	{ "type", FIELD_ENUM, .words = payout_kind_words, .summary = "Must be the pay-out's" },
	{ "outcome", FIELD_ENUM, .required = true, .words = outcome_words,
		.summary =
			"PAID: the owner has been paid; an amount returned earlier is taken from "
			"the available balance. RETURNED: the amount not paid is available "
			"again. WRITTEN_OFF: the owner keeps everything; the platform bears "
			"what the gateway paid" },
	{ "transactionReference", FIELD_TEXT, .min = 1, .max = 100,
		.aliases = "transaction_reference reference",
		.summary = "With PAID: reference of the payment" },
	{ "notes", FIELD_TEXT, .lines = true, .required = true, .min = 1, .max = 500,
		.aliases = "note reason",
		.summary = "Findings; sent to the owner when the money is returned" },
	FIELD_END,
};

static const struct field shop_fields[] = {
	ALWAYS("id", FIELD_ID),
	NULLABLE("name", FIELD_TEXT),
	NULLABLE("business_name", FIELD_TEXT),
	FIELD_END,
};
static const struct field courier_fields[] = {
	ALWAYS("id", FIELD_ID),
	NULLABLE("name", FIELD_TEXT),
	FIELD_END,
};
static const struct field payout_row[] = { ALWAYS("id", FIELD_ID),
	{ "type", FIELD_ENUM, .required = true, .words = payout_kind_words },
	{ "vendor_id", FIELD_ID, .summary = "In a vendor's pay-out" },
	{ "vendor", FIELD_OBJECT, .of = shop_fields },
	{ "rider_id", FIELD_ID, .summary = "In a rider's pay-out" },
	{ "rider", FIELD_OBJECT, .of = courier_fields }, NULLABLE("entity_name", FIELD_TEXT),
	ALWAYS("amount", FIELD_MONEY), ALWAYS("fee", FIELD_MONEY),
	ALWAYS("net_amount", FIELD_MONEY), ALWAYS("currency", FIELD_TEXT),
	{ "method", FIELD_ENUM, .required = true, .words = payout_method_words },
	{ "number", FIELD_TEXT, .required = true,
		.summary = "Destination: a phone or an account number" },
	{ "status", FIELD_ENUM, .required = true, .words = payout_status_words },
	ALWAYS("created_at", FIELD_TIME), NULLABLE("processed_at", FIELD_TIME),
	NULLABLE("completed_at", FIELD_TIME), NULLABLE("transaction_reference", FIELD_TEXT),
	NULLABLE("rejection_reason", FIELD_TEXT), NULLABLE("failure_reason", FIELD_TEXT),
	NULLABLE("notes", FIELD_TEXT),
	{ "trouble", FIELD_TEXT, .nullable = true,
		.summary = "The discrepancy that the gateway reports" },
	NULLABLE("gateway_reference", FIELD_TEXT),
	{ "told_amount", FIELD_MONEY, .nullable = true,
		.summary = "Amount that the gateway paid, when it differs" },
	{ "resolution", FIELD_ENUM, .nullable = true, .words = outcome_words,
		.summary = "How a discrepancy was resolved" },
	{ "first_resolution", FIELD_ENUM, .nullable = true, .words = outcome_words,
		.summary = "The resolution of the first of two admins" },
	NULLABLE("first_resolved_by", FIELD_ID), NULLABLE("resolved_by", FIELD_ID),
	NULLABLE("first_approved_by", FIELD_ID), NULLABLE("approved_by", FIELD_ID),
	{ "approvals_needed", FIELD_INT, .required = true,
		.summary = "Number of further admins that must approve" },
	{ "from", FIELD_TEXT, .summary = "In the history" },
	{ "to", FIELD_TEXT, .summary = "In the history" },
	{ "description", FIELD_TEXT, .summary = "In the history" },
	{ "decision", FIELD_ENUM, .words = decision_words,
		.summary = "In the history, where the status of a rejected one is FAILED" },
	FIELD_END_TITLED("AdminPayout") };

static const char *two_admins_from(struct request *rq)
{
	return arg_int(rq, rq->app->config->payout_two_admins_from);
}

/* --- Lists ------------------------------------------------------------------------------------ */

static void admin_payouts_reply(struct request *rq, const char *states, bool past)
{
	static const char *const words[][2] = { { "VENDOR", "VENDOR" }, { "RIDER", "RIDER" },
		{ NULL, NULL } };
	struct page page = request_page(rq, 20);
	const char *kind;

	if (!word_filter_parse(rq, "type", words, &kind))
		return;
	if (member_bool(rq->query, "trouble", false))
		return sql_read_positional(rq, admin_payout_troubles, admin_reply_page, states,
			kind, two_admins_from(rq), arg_int(rq, page.limit),
			arg_int(rq, page.offset));
	sql_read_positional(rq, admin_payout_list, admin_reply_page, states, kind,
		two_admins_from(rq), past ? "t" : "f", arg_int(rq, page.limit),
		arg_int(rq, page.offset));
}

static void admin_payouts_pending(struct request *rq)
{
	admin_payouts_reply(rq, "{PENDING}", false);
}

static void admin_payouts_list(struct request *rq)
{
	static const char *const words[][2] = { { "PENDING", "{PENDING}" },
		{ "APPROVED", "{APPROVED}" }, { "PROCESSING", "{PROCESSING}" },
		{ "COMPLETED", "{COMPLETED}" }, { "FAILED", "{FAILED}" },
		{ "REJECTED", "{REJECTED}" }, { NULL, NULL } };
	const char *states;

	if (status_filter_parse(rq, words, &states))
		admin_payouts_reply(rq, states, false);
}

/* The console's history has no REJECTED: its FAILED includes both. */
static void admin_payouts_history(struct request *rq)
{
	static const char *const words[][2] = { { "APPROVED", "{APPROVED}" },
		{ "PROCESSING", "{PROCESSING}" }, { "COMPLETED", "{COMPLETED}" },
		{ "FAILED", "{FAILED,REJECTED}" }, { "REJECTED", "{REJECTED}" },
		{ "PENDING", "{}" }, { NULL, NULL } };
	const char *states;

	if (status_filter_parse(rq, words, &states))
		admin_payouts_reply(rq,
			states ? states : "{APPROVED,PROCESSING,COMPLETED,FAILED,REJECTED}", true);
}

/* --- Decisions -------------------------------------------------------------------------------- */

static void admin_payout_decided(struct request *rq, const struct db_result *result)
{
	bool vendors = body_text(rq, "type") && strcmp(body_text(rq, "type"), "VENDOR") == 0;

	if (text_is(db_text(result, 0, 0), TEXT("PAYOUT_OTHER_KIND")))
		return reply_field(rq, "type",
			vendors ? "this pay-out is a RIDER's" : "this pay-out is a VENDOR's",
			vendors ? "ce retrait est celui d'un RIDER"
				: "ce retrait est celui d'un VENDOR");
	admin_reply_outcome(rq, result);
}

/* Ids for the ledger entries that a decision may book, as a PostgreSQL array. */
static const char *entry_ids(struct request *rq)
{
	char id[4][ID_SIZE];

	for (size_t i = 0; i < COUNT_OF(id); i++)
		id_new(id[i], "txn_");
	return arena_printf(rq->arena, "{%s,%s,%s,%s}", id[0], id[1], id[2], id[3]);
}

static void admin_payout_approve(struct request *rq)
{
	sql_write_positional(rq, payout_approve, admin_payout_decided, rq->params[0],
		body_text(rq, "type"), body_text(rq, "transactionReference"),
		body_text(rq, "notes"), two_admins_from(rq), rq->caller.id, audit_entry(rq),
		entry_ids(rq));
}

static void admin_payout_reject(struct request *rq)
{
	sql_write_positional(rq, payout_reject, admin_payout_decided, rq->params[0],
		body_text(rq, "type"), body_text(rq, "reason"), two_admins_from(rq), rq->caller.id,
		audit_entry(rq), entry_ids(rq));
}

static void admin_payout_resolve(struct request *rq)
{
	sql_write_positional(rq, payout_resolve, admin_payout_decided, rq->params[0],
		body_text(rq, "type"), body_text(rq, "outcome"),
		body_text(rq, "transactionReference"), body_text(rq, "notes"), two_admins_from(rq),
		rq->caller.id, audit_entry(rq), entry_ids(rq));
}

const struct route admin_payout_routes[] = {
	{ GET, "/payouts/pending", .operation = "listPendingPayouts", .access = ADMIN,
		.query = pending_query, .reply = payout_row, .shape = REPLY_PAGE,
		.run = admin_payouts_pending, .summary = "Pay-outs that wait for a decision" },
	{ GET, "/payouts/history", .operation = "listPayoutHistory", .access = ADMIN,
		.query = list_query, .reply = payout_row, .shape = REPLY_PAGE,
		.run = admin_payouts_history, .summary = "Decided pay-outs" },
	{ GET, "/payouts", .operation = "listPayouts", .aliases = "/finance/payouts",
		.access = ADMIN, .query = all_query, .reply = payout_row, .shape = REPLY_PAGE,
		.run = admin_payouts_list, .summary = "Pay-outs, newest first" },
	{ POST, "/payouts/:id/approve", .operation = "approvePayout",
		.aliases = "/payouts/:id/process /finance/payouts/:id/process", .access = ADMIN,
		.any_write = true, .body = approve_body, .reply = payout_row,
		.errors = { E_PAYOUT_NOT_FOUND, E_PAYOUT_DECIDED, E_SAME_ADMIN },
		.run = admin_payout_approve, .audit = "payout.approve",
		.summary =
			"Approve a pay-out: the gateway pays it to a phone. With a reference, now "
			"or later, it was paid by hand and is complete" },
	{ POST, "/payouts/:id/reject", .operation = "rejectPayout", .access = ADMIN,
		.any_write = true, .body = reject_body, .reply = payout_row,
		.errors = { E_PAYOUT_NOT_FOUND, E_PAYOUT_DECIDED, E_SAME_ADMIN },
		.run = admin_payout_reject, .audit = "payout.reject",
		.summary = "Reject a pay-out; the money is available again" },
	{ POST, "/payouts/:id/resolve-trouble", .operation = "resolvePayoutDiscrepancy",
		.access = ADMIN, .any_write = true, .body = resolve_body, .reply = payout_row,
		.errors = { E_PAYOUT_NOT_FOUND, E_NO_TROUBLE, E_TROUBLE_OTHER, E_SAME_ADMIN },
		.run = admin_payout_resolve, .audit = "payout.resolve-trouble",
		.summary = "Resolve a discrepancy between a pay-out and the gateway; repeating the "
			   "same resolution changes nothing" },
	ROUTE_END,
};
