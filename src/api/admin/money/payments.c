/* SPDX-License-Identifier: MIT
 *
 * Payments by mobile money and card: the admin lists and reads them, and decides those whose paid
 * amount differs from the requested amount.
 */
#include "reeyo/db/queries/payments.h"
#include "admin/audit.h"
#include "admin/fields.h"
#include "admin/list.h"
#include "admin/reply.h"
#include "reeyo/api/admin.h"
#include "reeyo/domain/payment_state.h"

static const char *const payment_kind_words[] = { "TOPUP", "ORDER", NULL };
static const char *const resolution_words[] = { "BOOKED", "SETTLED_OUTSIDE", NULL };

static const struct field list_query[] = {
	{ "status", FIELD_TEXT, .max = 20,
		.summary = "UNDECIDED: a MISMATCH without a decision; ALL or absent: any" },
	{ "userId", FIELD_ID, .aliases = "user_id" },
	{ "orderId", FIELD_ID, .aliases = "order_id" },
	PAGE_FIELDS,
	FIELD_END,
};
static const struct field resolve_body[] = {
	{ "outcome", FIELD_ENUM, .required = true, .words = resolution_words,
		.summary = "BOOKED: the paid amount goes into the customer's wallet; "
			   "SETTLED_OUTSIDE: it was refunded or kept outside the ledger" },
	{ "notes", FIELD_TEXT, .lines = true, .required = true, .min = 1, .max = 500,
		.aliases = "note" },
	FIELD_END,
};
static const struct field payment_row[] = { ALWAYS("id", FIELD_ID),
	{ "kind", FIELD_ENUM, .required = true, .words = payment_kind_words },
	{ "status", FIELD_ENUM, .required = true, .words = payment_state_words },
	ALWAYS("user_id", FIELD_ID), NULLABLE("user_name", FIELD_TEXT),
	NULLABLE("order_id", FIELD_ID), NULLABLE("order_number", FIELD_TEXT),
	{ "transaction_id", FIELD_ID, .required = true,
		.summary = "Of the ledger entry, after booking" },
	ALWAYS("amount", FIELD_MONEY),
	{ "paid_amount", FIELD_MONEY, .nullable = true,
		.summary = "The amount that the gateway reports as paid" },
	ALWAYS("currency", FIELD_TEXT), ALWAYS("method", FIELD_TEXT), NULLABLE("phone", FIELD_TEXT),
	NULLABLE("operator", FIELD_TEXT), NULLABLE("gateway_reference", FIELD_TEXT),
	NULLABLE("reason", FIELD_TEXT),
	{ "late", FIELD_BOOL, .required = true, .summary = "It succeeded after it had expired" },
	{ "resolution", FIELD_ENUM, .nullable = true, .words = resolution_words },
	NULLABLE("resolved_by", FIELD_ID), NULLABLE("resolved_at", FIELD_TIME),
	NULLABLE("notes", FIELD_TEXT), ALWAYS("created_at", FIELD_TIME),
	NULLABLE("settled_at", FIELD_TIME), FIELD_END_TITLED("AdminPayment") };

static void admin_payments_list(struct request *rq)
{
	static const char *const words[][2] = { { "CREATED", "CREATED" }, { "PENDING", "PENDING" },
		{ "SUCCEEDED", "SUCCEEDED" }, { "FAILED", "FAILED" }, { "EXPIRED", "EXPIRED" },
		{ "MISMATCH", "MISMATCH" }, { "UNDECIDED", "UNDECIDED" }, { NULL, NULL } };
	struct page page = request_page(rq, 20);
	const char *status;
	static const bool undecided = false;
	const bool *decided = NULL;

	if (!status_filter_parse(rq, words, &status))
		return;
	if (status && strcmp(status, "UNDECIDED") == 0) {
		status = "MISMATCH";
		decided = &undecided;
	}
	sql_report(rq, admin_payment_list, admin_reply_page,
		&(struct admin_payment_list){ .state = status,
			.user_id = query_text(rq, "userId"),
			.order = query_text(rq, "orderId"),
			.decided = decided,
			.limit = page.limit,
			.offset = page.offset });
}

static void admin_payment_show(struct request *rq)
{
	admin_read_row(rq, admin_payment_get, .payment_id);
}

static void admin_payment_resolve(struct request *rq)
{
	admin_write(rq, payment_resolve, admin_reply_outcome, .payment_id = rq->params[0],
		.resolution = body_text(rq, "outcome"), .notes = body_text(rq, "notes"),
		.admin_id = rq->caller.id,
		.reason_english = payment_reason_text(PAYMENT_REASON_SETTLED, false),
		.reason_french = payment_reason_text(PAYMENT_REASON_SETTLED, true));
}

const struct route admin_payment_routes[] = {
	{ GET, "/payments", .operation = "listPayments", .permission = "payments.read",
		.query = list_query, .reply = payment_row, .shape = REPLY_PAGE,
		.run = admin_payments_list,
		.summary = "Payments by mobile money and card, newest first" },
	{ GET, "/payments/:id", .operation = "getPayment", .permission = "payments.read",
		.reply = payment_row, .errors = { E_NOT_FOUND }, .run = admin_payment_show,
		.summary = "One payment" },
	{ POST, "/payments/:id/resolve", .operation = "resolvePayment",
		.permission = "payments.decide", .any_write = true, .body = resolve_body,
		.reply = payment_row, .errors = { E_PAYMENT_NOT_FOUND, E_PAYMENT_DECIDED },
		.run = admin_payment_resolve, .audit = "payment.resolve",
		.summary =
			"Decide a payment whose amount differs from the requested one. A decision "
			"is final; repeating the same one changes nothing" },
	ROUTE_END,
};
