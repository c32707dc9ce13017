/* SPDX-License-Identifier: MIT
 *
 * Pay-outs as admins decide them, and the troubles of them. Of large amounts
 * (payout_two_admins_from) two different admins decide, who say the same.
 */
#include "admin/act.h"
#include "reeyo/api/admin.h"
#include "reeyo/domain/payout.h"

static const char *const kind_words[] = { "VENDOR", "RIDER", NULL };
static const char *const decision_words[] = { "APPROVED", "REJECTED", NULL };
static const char *const outcome_words[] = { "PAID", "RETURNED", "WRITTEN_OFF", NULL };

#define NULLABLE(name, kind) { name, kind, .nullable = true }
#define ALWAYS(name, kind) { name, kind, .required = true }

#define TYPE_FIELD { "type", FIELD_TEXT, .max = 10, .does = "VENDOR or RIDER; ALL or none: both" }
static const struct field pending_query[] = {
	TYPE_FIELD,
	PAGE_FIELDS,
	FIELD_END
};
static const struct field list_query[] = {
	TYPE_FIELD,
	{ "status", FIELD_TEXT, .max = 20, .does = "ALL or none: any" },
	PAGE_FIELDS,
	FIELD_END
};
static const struct field all_query[] = {
	TYPE_FIELD,
	{ "status", FIELD_TEXT, .max = 20, .does = "ALL or none: any" },
	{ "trouble", FIELD_BOOL, .does = "Only those with a trouble" },
	PAGE_FIELDS,
	FIELD_END
};
static const struct field approve_body[] = {
	{ "type", FIELD_ENUM, .words = kind_words, .does = "Must be the pay-out's" },
	{ "transactionReference", FIELD_TEXT, .min = 1, .max = 100,
		.also = "transaction_reference reference",
		.does = "How it was paid by hand, at a bank or to a phone: completes it, and the "
			"gateway is not told to pay it" },
	{ "notes", FIELD_TEXT, .lines = true, .max = 500, .also = "note" },
	FIELD_END
};
static const struct field reject_body[] = {
	{ "type", FIELD_ENUM, .words = kind_words, .does = "Must be the pay-out's" },
	{ "reason", FIELD_TEXT, .lines = true, .required = true, .min = 1, .max = 500 },
	FIELD_END
};

static const struct field resolve_body[] = {
	{ "type", FIELD_ENUM, .words = kind_words, .does = "Must be the pay-out's" },
	{ "outcome", FIELD_ENUM, .required = true, .words = outcome_words,
		.does = "PAID: the owner has been paid, and what went back to him before is "
			"taken from what is available. RETURNED: what he did not get is his "
			"again. WRITTEN_OFF: he keeps everything, and what the gateway paid "
			"is the platform's loss" },
	{ "transactionReference", FIELD_TEXT, .min = 1, .max = 100,
		.also = "transaction_reference reference",
		.does = "Of PAID: how he was paid" },
	{ "notes", FIELD_TEXT, .lines = true, .required = true, .min = 1, .max = 500,
		.also = "note reason",
		.does = "What was found; the owner is told them when the money comes back" },
	FIELD_END
};

static const struct field shop_fields[] = {
	ALWAYS("id", FIELD_ID), NULLABLE("name", FIELD_TEXT),
	NULLABLE("business_name", FIELD_TEXT), FIELD_END
};
static const struct field courier_fields[] = {
	ALWAYS("id", FIELD_ID), NULLABLE("name", FIELD_TEXT), FIELD_END
};
static const struct field payout_row[] = {
	ALWAYS("id", FIELD_ID),
	{ "type", FIELD_ENUM, .required = true, .words = kind_words },
	{ "vendor_id", FIELD_ID, .does = "Of a vendor's" },
	{ "vendor", FIELD_OBJECT, .of = shop_fields },
	{ "rider_id", FIELD_ID, .does = "Of a rider's" },
	{ "rider", FIELD_OBJECT, .of = courier_fields },
	NULLABLE("entity_name", FIELD_TEXT),
	ALWAYS("amount", FIELD_MONEY), ALWAYS("fee", FIELD_MONEY),
	ALWAYS("net_amount", FIELD_MONEY), ALWAYS("currency", FIELD_TEXT),
	{ "method", FIELD_ENUM, .required = true, .words = payout_method_words },
	{ "number", FIELD_TEXT, .required = true, .does = "Where it goes: a phone or an account" },
	{ "status", FIELD_ENUM, .required = true, .words = payout_status_words },
	ALWAYS("created_at", FIELD_TIME), NULLABLE("processed_at", FIELD_TIME),
	NULLABLE("completed_at", FIELD_TIME), NULLABLE("transaction_reference", FIELD_TEXT),
	NULLABLE("rejection_reason", FIELD_TEXT), NULLABLE("failure_reason", FIELD_TEXT),
	NULLABLE("notes", FIELD_TEXT),
	{ "trouble", FIELD_TEXT, .nullable = true, .does = "What the gateway says differently" },
	NULLABLE("gateway_reference", FIELD_TEXT),
	{ "told_amount", FIELD_MONEY, .nullable = true,
		.does = "What it paid, when that is another amount" },
	{ "resolution", FIELD_ENUM, .nullable = true, .words = outcome_words,
		.does = "How a trouble ended" },
	{ "first_resolution", FIELD_ENUM, .nullable = true, .words = outcome_words,
		.does = "What the first of two admins says of it" },
	NULLABLE("first_resolved_by", FIELD_ID), NULLABLE("resolved_by", FIELD_ID),
	NULLABLE("first_approved_by", FIELD_ID), NULLABLE("approved_by", FIELD_ID),
	{ "approvals_needed", FIELD_INT, .required = true,
		.does = "How many more admins have to approve" },
	{ "from", FIELD_TEXT, .does = "In the history" },
	{ "to", FIELD_TEXT, .does = "In the history" },
	{ "description", FIELD_TEXT, .does = "In the history" },
	{ "decision", FIELD_ENUM, .words = decision_words,
		.does = "In the history, where REJECTED is FAILED" },
	FIELD_END_TITLED("AdminPayout")
};

static const char *two_from(struct request *rq)
{
	return arg_int(rq, rq->app->config->payout_two_admins_from);
}

/* --- Lists ------------------------------------------------------------------------------------ */

static void list_of(struct request *rq, const char *states, bool past)
{
	static const char *const words[][2] = { { "VENDOR", "VENDOR" },
		{ "RIDER", "RIDER" }, { NULL, NULL } };
	struct page page = request_page(rq, 20);
	const char *kind;

	if (!word_take(rq, "type", words, &kind))
		return;
	if (member_bool(rq->query, "trouble", false))
		return sql_read(rq, admin_payout_troubles, admin_listed, states, kind, two_from(rq),
			arg_int(rq, page.limit), arg_int(rq, page.offset));
	sql_read(rq, admin_payout_list, admin_listed, states, kind, two_from(rq), past ? "t" : "f",
		arg_int(rq, page.limit), arg_int(rq, page.offset));
}

static void list_pending(struct request *rq)
{
	list_of(rq, "{PENDING}", false);
}

static void list_payouts(struct request *rq)
{
	static const char *const words[][2] = {
		{ "PENDING", "{PENDING}" }, { "APPROVED", "{APPROVED}" },
		{ "PROCESSING", "{PROCESSING}" }, { "COMPLETED", "{COMPLETED}" },
		{ "FAILED", "{FAILED}" }, { "REJECTED", "{REJECTED}" },
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
		{ "APPROVED", "{APPROVED}" }, { "PROCESSING", "{PROCESSING}" },
		{ "COMPLETED", "{COMPLETED}" }, { "FAILED", "{FAILED,REJECTED}" },
		{ "REJECTED", "{REJECTED}" }, { "PENDING", "{}" },
		{ NULL, NULL }
	};
	const char *states;

	if (status_take(rq, words, &states))
		list_of(rq,
			states ? states : "{APPROVED,PROCESSING,COMPLETED,FAILED,REJECTED}", true);
}

/* --- Decisions -------------------------------------------------------------------------------- */

static void decided(struct request *rq, const struct db_result *result)
{
	bool vendors = body_text(rq, "type") && strcmp(body_text(rq, "type"), "VENDOR") == 0;

	if (text_is(db_text(result, 0, 0), TEXT("PAYOUT_OTHER_KIND")))
		return reply_field(rq, "type",
			vendors ? "this pay-out is a RIDER's" : "this pay-out is a VENDOR's",
			vendors ? "ce retrait est celui d'un RIDER" :
				"ce retrait est celui d'un VENDOR");
	admin_decided(rq, result);
}

/* Ids of the rows that a decision may book. */
static const char *entries(struct request *rq)
{
	char id[4][ID_SIZE];

	for (size_t i = 0; i < COUNT_OF(id); i++)
		id_new(id[i], "txn_");
	return arena_printf(rq->arena, "{%s,%s,%s,%s}", id[0], id[1], id[2], id[3]);
}

static void approve(struct request *rq)
{
	sql_write(rq, payout_approve, decided, rq->params[0], body_text(rq, "type"),
		body_text(rq, "transactionReference"), body_text(rq, "notes"), two_from(rq),
		rq->caller.id, "payout.approve", act_details(rq), rq->request_id, entries(rq));
}

static void reject(struct request *rq)
{
	sql_write(rq, payout_reject, decided, rq->params[0], body_text(rq, "type"),
		body_text(rq, "reason"), two_from(rq), rq->caller.id, "payout.reject",
		act_details(rq), rq->request_id, entries(rq));
}

static void resolve_trouble(struct request *rq)
{
	sql_write(rq, payout_resolve, decided, rq->params[0], body_text(rq, "type"),
		body_text(rq, "outcome"), body_text(rq, "transactionReference"),
		body_text(rq, "notes"), two_from(rq), rq->caller.id,
		"payout.resolve-trouble", act_details(rq), rq->request_id, entries(rq));
}

const struct route admin_payout_routes[] = {
	{ GET, "/payouts/pending", .who = ADMIN, .query = pending_query, .reply = payout_row,
		.shape = REPLY_PAGE, .run = list_pending,
		.does = "Pay-outs that wait for a decision" },
	{ GET, "/payouts/history", .who = ADMIN, .query = list_query, .reply = payout_row,
		.shape = REPLY_PAGE, .run = list_history, .does = "Pay-outs that were decided" },
	{ GET, "/payouts", .also = "/finance/payouts", .who = ADMIN, .query = all_query,
		.reply = payout_row, .shape = REPLY_PAGE, .run = list_payouts,
		.does = "Pay-outs, newest first" },
	{ POST, "/payouts/:id/approve", .also = "/payouts/:id/process /finance/payouts/:id/process",
		.who = ADMIN, .any_write = true, .body = approve_body, .reply = payout_row,
		.errors = { E_PAYOUT_NOT_FOUND, E_PAYOUT_DECIDED, E_SAME_ADMIN }, .run = approve,
		.does = "Approve a pay-out: the gateway pays it to a phone. With a reference, now "
			"or later, it was paid by hand and is completed" },
	{ POST, "/payouts/:id/reject", .who = ADMIN, .any_write = true, .body = reject_body,
		.reply = payout_row,
		.errors = { E_PAYOUT_NOT_FOUND, E_PAYOUT_DECIDED, E_SAME_ADMIN }, .run = reject,
		.does = "Reject a pay-out; the money is available again" },
	{ POST, "/payouts/:id/resolve-trouble", .who = ADMIN, .any_write = true,
		.body = resolve_body, .reply = payout_row,
		.errors = { E_PAYOUT_NOT_FOUND, E_NO_TROUBLE, E_TROUBLE_OTHER, E_SAME_ADMIN },
		.run = resolve_trouble,
		.does = "End what does not fit between a pay-out and the gateway; the same "
			"again changes nothing" },
	ROUTE_END
};
