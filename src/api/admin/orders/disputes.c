/* SPDX-License-Identifier: MIT
 *
 * Disputes as admins end them: with or without money back, or not at all.
 */
#include "admin/act.h"
#include "reeyo/api/admin.h"
#include "reeyo/api/order_acts.h"
#include "reeyo/api/shapes.h"

static const struct field list_query[] = {
	{ "status", FIELD_TEXT, .max = 20, .does = "OPEN, RESOLVED, REJECTED; ALL or none: any" },
	{ "category", FIELD_TEXT, .max = 50, .does = "In any case" },
	PAGE_FIELDS,
	FIELD_END
};
static const struct field resolve_body[] = {
	{ "resolution", FIELD_TEXT, .lines = true, .required = true, .min = 1, .max = 2000 },
	{ "refundAmount", FIELD_MONEY, .also = "refund_amount",
		.does = "Goes into the customer's wallet" },
	{ "refundToWallet", FIELD_BOOL, .also = "refund_to_wallet",
		.does = "Read and ignored: it always does" },
	FIELD_END
};

static void list_disputes(struct request *rq)
{
	static const char *const words[][2] = {
		{ "OPEN", "OPEN" }, { "PENDING", "OPEN" }, { "RESOLVED", "RESOLVED" },
		{ "REJECTED", "REJECTED" },
		{ NULL, NULL }
	};
	const char *status, *category = query_text(rq, "category");
	struct page page = request_page(rq, 20);

	if (!status_take(rq, words, &status))
		return;
	sql_read(rq, admin_dispute_list, admin_listed, status,
		category && category[0] ? category : NULL,
		arg_int(rq, page.limit), arg_int(rq, page.offset));
}

static void get_dispute(struct request *rq)
{
	sql_read(rq, admin_dispute_get, admin_shown, rq->params[0]);
}

static void decide(struct request *rq, const char *ending, const char *words,
	int64_t refund, const char *act)
{
	const char *entry = request_id_new(rq, "txn_");

	if (!entry)
		return reply_error(rq, E_NO_MEMORY);
	sql_try_write(rq, dispute_decide, admin_once, rq->params[0], ending, words,
		refund > 0 ? arg_int(rq, refund) : NULL, rq->caller.id, act, act_details(rq),
		rq->request_id, entry, rq->idempotency_key, rq->fingerprint);
}

static void resolve(struct request *rq)
{
	decide(rq, "RESOLVED", body_text(rq, "resolution"),
		body_int(rq, "refundAmount", 0), "dispute.resolve");
}

static void reject(struct request *rq)
{
	decide(rq, "REJECTED", body_text(rq, "reason"), 0, "dispute.reject");
}

const struct route admin_dispute_routes[] = {
	{ GET, "/disputes", .who = ADMIN, .query = list_query, .reply = dispute_fields,
		.shape = REPLY_PAGE, .run = list_disputes, .does = "Disputes, newest first" },
	{ GET, "/disputes/:id", .who = ADMIN, .reply = dispute_fields, .errors = { E_NOT_FOUND },
		.run = get_dispute, .does = "One dispute, by id or ticket number" },
	{ POST, "/disputes/:id/resolve", .who = ADMIN, .any_write = true, .idempotent = true,
		.body = resolve_body, .reply = dispute_fields,
		.errors = { E_NOT_FOUND, E_DISPUTE_DECIDED, E_REFUND_OVER, E_REFUND_UNDELIVERED },
		.run = resolve,
		.does = "End a dispute, giving back up to what is left of a "
			"delivered order's price" },
	{ POST, "/disputes/:id/reject", .who = ADMIN, .any_write = true,
		.idempotent = true, .body = reason_body, .reply = dispute_fields,
		.errors = { E_NOT_FOUND, E_DISPUTE_DECIDED }, .run = reject,
		.does = "End a dispute without anything" },
	ROUTE_END
};
