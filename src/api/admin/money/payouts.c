/* SPDX-License-Identifier: MIT
 *
 * Pay-outs: the admin lists, approves and rejects them, and resolves their discrepancies. From the
 * amount payout_two_admins_from on, two different admins must take the same decision.
 */
#include "reeyo/db/queries/payouts.h"
#include "admin/audit.h"
#include "admin/fields.h"
#include "admin/list.h"
#include "admin/reply.h"
#include "reeyo/api/admin.h"
#include "reeyo/core/config.h"
#include "reeyo/domain/payout_state.h"
#include "reeyo/service/payouts.h"

static const char *const payout_kind_words[] = { "VENDOR", "RIDER", NULL };
static const char *const decision_words[] = { "APPROVED", "REJECTED", NULL };

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
	{ "outcome", FIELD_ENUM, .required = true, .words = payout_resolution_words,
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
	{ "resolution", FIELD_ENUM, .nullable = true, .words = payout_resolution_words,
		.summary = "How a discrepancy was resolved" },
	{ "first_resolution", FIELD_ENUM, .nullable = true, .words = payout_resolution_words,
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

/* --- Lists ------------------------------------------------------------------------------------ */

/* states: NULL-terminated; NULL: all. */
static void admin_payouts_reply(struct request *rq, const char *const *states, bool past)
{
	static const char *const words[][2] = { { "VENDOR", "VENDOR" }, { "RIDER", "RIDER" },
		{ NULL, NULL } };
	struct page page = request_page(rq, 20);
	struct db_texts set = { states, 0 };
	const char *kind;

	while (states && states[set.count])
		set.count++;
	if (!word_filter_parse(rq, "type", words, &kind))
		return;
	if (member_bool(rq->query, "trouble", false))
		return sql_read(rq, admin_payout_discrepancies, admin_reply_page,
			&(struct admin_payout_discrepancies){ .states = set,
				.kind = kind,
				.two_admins_from = rq->app->config->payout_two_admins_from,
				.limit = page.limit,
				.offset = page.offset });
	sql_read(rq, admin_payout_list, admin_reply_page,
		&(struct admin_payout_list){ .states = set,
			.kind = kind,
			.two_admins_from = rq->app->config->payout_two_admins_from,
			.past = past,
			.limit = page.limit,
			.offset = page.offset });
}

static void admin_payouts_pending(struct request *rq)
{
	admin_payouts_reply(rq, (const char *const[]){ "PENDING", NULL }, false);
}

static const char *const status_filter[][2] = { { "PENDING", "PENDING" },
	{ "APPROVED", "APPROVED" }, { "PROCESSING", "PROCESSING" }, { "COMPLETED", "COMPLETED" },
	{ "FAILED", "FAILED" }, { "REJECTED", "REJECTED" }, { NULL, NULL } };

static void admin_payouts_list(struct request *rq)
{
	const char *status;

	if (status_filter_parse(rq, status_filter, &status))
		admin_payouts_reply(
			rq, status ? (const char *const[]){ status, NULL } : NULL, false);
}

/* The console's history has no REJECTED: its FAILED includes both. It has no PENDING. */
static void admin_payouts_history(struct request *rq)
{
	static const char *const decided[] = { "APPROVED", "PROCESSING", "COMPLETED", "FAILED",
		"REJECTED", NULL };
	static const char *const failed[] = { "FAILED", "REJECTED", NULL };
	const char *status;

	if (!status_filter_parse(rq, status_filter, &status))
		return;
	if (!status)
		return admin_payouts_reply(rq, decided, true);
	if (strcmp(status, "FAILED") == 0)
		return admin_payouts_reply(rq, failed, true);
	if (strcmp(status, "PENDING") == 0)
		return admin_payouts_reply(rq, (const char *const[]){ NULL }, true);
	admin_payouts_reply(rq, (const char *const[]){ status, NULL }, true);
}

/* --- Decisions -------------------------------------------------------------------------------- */

static void admin_payout_decided(struct payout_review *review, int error, struct text payout)
{
	struct request *rq = review->owner;
	bool vendors = review->kind && strcmp(review->kind, "VENDOR") == 0;

	if (!request_release(rq))
		return;
	if (error && review->other_kind)
		return reply_field(rq, "type",
			vendors ? "this pay-out is a RIDER's" : "this pay-out is a VENDOR's",
			vendors ? "ce retrait est celui d'un RIDER"
				: "ce retrait est celui d'un VENDOR");
	if (error)
		return reply_error(rq, error);
	reply_data(rq, payout);
}

static void admin_payout_decide(struct request *rq, enum payout_event event, const char *reason)
{
	struct payout_review *review = ARENA_NEW(rq->arena, struct payout_review);

	if (!review)
		return reply_error(rq, E_NO_MEMORY);
	review->payout_id = rq->params[0];
	review->kind = body_text(rq, "type");
	review->act = (struct payout_act){ .event = event,
		.admin = text_of(rq->caller.id),
		.reference = text_of(body_text(rq, "transactionReference")),
		.two_admins_from = rq->app->config->payout_two_admins_from };
	review->reason = reason;
	review->notes = body_text(rq, "notes");
	review->audit = audit_entry(rq);
	review->done = admin_payout_decided;
	review->owner = rq;
	request_hold(rq);
	payout_decide_by_admin(rq->app, review);
}

static void admin_payout_approve(struct request *rq)
{
	admin_payout_decide(rq, PAYOUT_EVENT_APPROVE, NULL);
}

static void admin_payout_reject(struct request *rq)
{
	admin_payout_decide(rq, PAYOUT_EVENT_REJECT, body_text(rq, "reason"));
}

static void admin_payout_resolve(struct request *rq)
{
	enum payout_resolution resolution = payout_resolution_named(
		text_of(body_text(rq, "outcome")));

	admin_payout_decide(rq,
		(enum payout_event)(
			PAYOUT_EVENT_RESOLVE_PAID + (int)resolution - PAYOUT_RESOLVED_PAID),
		body_text(rq, "notes"));
}

const struct route admin_payout_routes[] = {
	{ GET, "/payouts/pending", .operation = "listPendingPayouts", .permission = "payouts.read",
		.query = pending_query, .reply = payout_row, .shape = REPLY_PAGE,
		.run = admin_payouts_pending, .summary = "Pay-outs that wait for a decision" },
	{ GET, "/payouts/history", .operation = "listPayoutHistory", .permission = "payouts.read",
		.query = list_query, .reply = payout_row, .shape = REPLY_PAGE,
		.run = admin_payouts_history, .summary = "Decided pay-outs" },
	{ GET, "/payouts", .operation = "listPayouts", .aliases = "/finance/payouts",
		.permission = "payouts.read", .query = all_query, .reply = payout_row,
		.shape = REPLY_PAGE, .run = admin_payouts_list,
		.summary = "Pay-outs, newest first" },
	{ POST, "/payouts/:id/approve", .operation = "approvePayout",
		.aliases = "/payouts/:id/process /finance/payouts/:id/process",
		.permission = "payouts.decide", .any_write = true, .body = approve_body,
		.reply = payout_row,
		.errors = { E_PAYOUT_NOT_FOUND, E_PAYOUT_DECIDED, E_SAME_ADMIN },
		.run = admin_payout_approve, .audit = "payout.approve",
		.summary =
			"Approve a pay-out: the gateway pays it to a phone. With a reference, now "
			"or later, it was paid by hand and is complete" },
	{ POST, "/payouts/:id/reject", .operation = "rejectPayout", .permission = "payouts.decide",
		.any_write = true, .body = reject_body, .reply = payout_row,
		.errors = { E_PAYOUT_NOT_FOUND, E_PAYOUT_DECIDED, E_SAME_ADMIN },
		.run = admin_payout_reject, .audit = "payout.reject",
		.summary = "Reject a pay-out; the money is available again" },
	{ POST, "/payouts/:id/resolve-trouble", .operation = "resolvePayoutDiscrepancy",
		.permission = "payouts.decide", .any_write = true, .body = resolve_body,
		.reply = payout_row,
		.errors = { E_PAYOUT_NOT_FOUND, E_NO_TROUBLE, E_TROUBLE_OTHER, E_SAME_ADMIN },
		.run = admin_payout_resolve, .audit = "payout.resolve-trouble",
		.summary = "Resolve a discrepancy between a pay-out and the gateway; repeating the "
			   "same resolution changes nothing" },
	ROUTE_END,
};
