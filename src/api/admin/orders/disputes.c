/* SPDX-License-Identifier: MIT
 *
 * Disputes: the admin lists and reads them, and resolves them with or without a refund or rejects
 * them.
 */
#include "admin/audit.h"
#include "admin/list.h"
#include "admin/reply.h"
#include "reeyo/api/admin.h"
#include "reeyo/api/order_acts.h"
#include "reeyo/api/reply_objects.h"
#include "reeyo/db/queries/admin_money.h"

static const struct field list_query[] = {
	{ "status", FIELD_TEXT, .max = 20,
		.summary = "OPEN, RESOLVED, REJECTED; ALL or absent: any" },
	{ "category", FIELD_TEXT, .max = 50, .summary = "Upper or lower case" },
	PAGE_FIELDS,
	FIELD_END,
};
static const struct field resolve_body[] = {
	{ "resolution", FIELD_TEXT, .lines = true, .required = true, .min = 1, .max = 2000 },
	{ "refundAmount", FIELD_MONEY, .aliases = "refund_amount",
		.summary = "Paid into the customer's wallet" },
	{ "refundToWallet", FIELD_BOOL, .aliases = "refund_to_wallet",
		.summary = "Ignored: refunds always go to the wallet" },
	FIELD_END,
};

static void admin_disputes_list(struct request *rq)
{
	static const char *const words[][2] = { { "OPEN", "OPEN" }, { "PENDING", "OPEN" },
		{ "RESOLVED", "RESOLVED" }, { "REJECTED", "REJECTED" }, { NULL, NULL } };
	const char *status;

	if (!status_filter_parse(rq, words, &status))
		return;
	sql_read(rq, admin_dispute_list, admin_reply_page,
		&(struct admin_dispute_list){ .status = status,
			.category = query_nonempty(rq, "category"),
			PAGE_PARAMS(rq) });
}

static void admin_dispute_show(struct request *rq)
{
	admin_read_row(rq, admin_dispute_get, .dispute_ref);
}

static void admin_dispute_decide(
	struct request *rq, const char *status, const char *text, int64_t refund)
{
	const char *entry = request_id_new(rq, "txn_");

	if (!entry)
		return reply_error(rq, E_NO_MEMORY);
	admin_try_write(rq, dispute_decide, admin_reply_idempotent, .dispute_ref = rq->params[0],
		.status = status, .text = text, .refund = refund > 0 ? &refund : NULL,
		.admin_id = rq->caller.id, .entry_id = entry,
		.idempotency_key = rq->idempotency_key, .fingerprint = rq->fingerprint);
}

static void admin_dispute_resolve(struct request *rq)
{
	admin_dispute_decide(
		rq, "RESOLVED", body_text(rq, "resolution"), body_int(rq, "refundAmount", 0));
}

static void admin_dispute_reject(struct request *rq)
{
	admin_dispute_decide(rq, "REJECTED", body_text(rq, "reason"), 0);
}

const struct route admin_dispute_routes[] = {
	{ GET, "/disputes", .operation = "listAdminDisputes", .permission = "disputes.read",
		.query = list_query, .reply = dispute_fields, .shape = REPLY_PAGE,
		.run = admin_disputes_list, .summary = "Disputes, newest first" },
	{ GET, "/disputes/:id", .operation = "getDispute", .permission = "disputes.read",
		.reply = dispute_fields, .errors = { E_NOT_FOUND }, .run = admin_dispute_show,
		.summary = "One dispute, by id or ticket number" },
	{ POST, "/disputes/:id/resolve", .operation = "resolveDispute",
		.permission = "disputes.decide", .any_write = true, .idempotent = true,
		.body = resolve_body, .reply = dispute_fields,
		.errors = { E_NOT_FOUND, E_DISPUTE_DECIDED, E_REFUND_OVER, E_REFUND_UNDELIVERED },
		.run = admin_dispute_resolve, .audit = "dispute.resolve",
		.summary =
			"Resolve a dispute; refunds at most the part of a delivered order's price "
			"that was not refunded yet" },
	{ POST, "/disputes/:id/reject", .operation = "rejectDispute",
		.permission = "disputes.decide", .any_write = true, .idempotent = true,
		.body = reason_body, .reply = dispute_fields,
		.errors = { E_NOT_FOUND, E_DISPUTE_DECIDED }, .run = admin_dispute_reject,
		.audit = "dispute.reject", .summary = "Reject a dispute, without a refund" },
	ROUTE_END,
};
