/* SPDX-License-Identifier: MIT
 *
 * Orders of the vendor: the queue, the history, statistics, and the acts of the vendor. A vendor
 * does not see an order before it is paid.
 */
#include "reeyo/api/order_acts.h"
#include "reeyo/api/order_fields.h"
#include "reeyo/api/reply_objects.h"
#include "reeyo/api/vendor.h"
#include "reeyo/core/json_writer.h"
#include "reeyo/db/queries/order_acts.h"

/* --- What comes in ---------------------------------------------------------------------------- */

static const struct field list_query[] = {
	ORDER_STATUS_FIELD,
	DAYS_FIELDS,
	PAGE_FIELDS,
	FIELD_END,
};
static const struct field history_query[] = { DAYS_FIELDS, PAGE_FIELDS, FIELD_END };
static const struct field stats_query[] = {
	{ "period", FIELD_ENUM, .words = period_words, .summary = "Default: today" },
	FIELD_END,
};
static const struct field accept_body[] = {
	{ "preparationTime", FIELD_INT, .min = 1, .max = 120, .aliases = "estimatedTime",
		.summary = "Minutes; default: the vendor's average" },
	ACT_FIELDS,
	FIELD_END,
};
static const struct field reject_body[] = {
	{ "reason", FIELD_TEXT, .lines = true, .required = true, .min = 3, .max = 500 },
	ACT_FIELDS,
	FIELD_END,
};
static const struct field act_body[] = {
	{ "notes", FIELD_TEXT, .lines = true, .max = 500, .aliases = "note" },
	ACT_FIELDS,
	FIELD_END,
};
static const struct field status_body[] = {
	{ "status", FIELD_TEXT, .required = true, .max = 40,
		.summary = "PREPARING or READY_FOR_PICKUP" },
	{ "notes", FIELD_TEXT, .lines = true, .max = 500, .aliases = "note" },
	ACT_FIELDS,
	FIELD_END,
};

/* --- What goes out ---------------------------------------------------------------------------- */

static const struct field pagination_fields[] = {
	{ "page", FIELD_INT, .required = true },
	{ "limit", FIELD_INT, .required = true },
	{ "total", FIELD_INT, .required = true },
	{ "totalPages", FIELD_INT, .required = true },
	FIELD_END,
};
static const struct field page_reply[] = {
	{ "orders", FIELD_LIST, .required = true, .of = order_fields },
	{ "pagination", FIELD_OBJECT, .required = true, .of = pagination_fields },
	{ "total", FIELD_INT, .required = true },
	FIELD_END,
};
static const struct field queue_reply[] = {
	{ "orders", FIELD_LIST, .required = true, .of = order_fields },
	{ "total", FIELD_INT, .required = true },
	FIELD_END,
};
static const struct field stats_reply[] = {
	{ "total", FIELD_INT, .required = true },
	{ "pending", FIELD_INT, .required = true },
	{ "accepted", FIELD_INT, .required = true },
	{ "preparing", FIELD_INT, .required = true },
	{ "ready", FIELD_INT, .required = true },
	{ "completed", FIELD_INT, .required = true },
	{ "cancelled", FIELD_INT, .required = true },
	{ "totalRevenue", FIELD_MONEY, .required = true,
		.summary = "Sum of the subtotals of delivered orders" },
	{ "averageOrderValue", FIELD_MONEY, .required = true },
	FIELD_END,
};

/* --- Lists ------------------------------------------------------------------------------------ */

static void vendor_orders_listed(struct request *rq, const struct db_result *result)
{
	struct page page = request_page(rq, 20);
	int64_t total = db_int(result, 0, VENDOR_ORDER_LIST_TOTAL);
	struct json_writer json;
	struct text rows;
	struct buf out;

	if (!order_list_render(rq, result, VENDOR_ORDER_LIST_ORDERS, &order_document, &rows))
		return;
	out = buf_in(rq->arena, rows.len + 200);
	json = json_write_to(&out);
	json_write_object(&json);
	json_write_member_raw(&json, "orders", rows);
	json_write_member_object(&json, "pagination");
	json_write_member_int(&json, "page", page.page);
	json_write_member_int(&json, "limit", page.limit);
	json_write_member_int(&json, "total", total);
	json_write_member_int(&json, "totalPages", (total + page.limit - 1) / page.limit);
	json_write_object_end(&json);
	json_write_member_int(&json, "total", total);
	json_write_object_end(&json);
	if (!json_write_finish(&json))
		return reply_error(rq, E_NO_MEMORY);
	reply_page(rq, (struct text){ out.at, out.len }, page, total);
}

static void vendor_orders_query(struct request *rq, struct db_texts states)
{
	struct page page = request_page(rq, 20);

	sql_read(rq, vendor_order_list, vendor_orders_listed,
		&(struct vendor_order_list){ .vendor_id = rq->caller.id,
			.states = states,
			.from = query_day_bound(rq, "startDate", "00:00"),
			.before = query_day_bound(rq, "endDate", "24:00"),
			.limit = page.limit,
			.offset = page.offset });
}

static void vendor_orders_list(struct request *rq)
{
	struct db_texts states;

	if (query_order_states(rq, &states))
		vendor_orders_query(rq, states);
}

static void vendor_orders_history(struct request *rq)
{
	struct db_texts states;

	if (order_states_param(rq, STATES_FINAL, &states))
		vendor_orders_query(rq, states);
}

static void vendor_queue_listed(struct request *rq, const struct db_result *result)
{
	unsigned total = db_records(result, 0, VENDOR_ORDER_QUEUE_ORDERS).left;
	struct json_writer json;
	struct text rows;
	struct buf out;

	if (!order_list_render(rq, result, VENDOR_ORDER_QUEUE_ORDERS, &order_document, &rows))
		return;
	out = buf_in(rq->arena, rows.len + 64);
	json = json_write_to(&out);
	json_write_object(&json);
	json_write_member_raw(&json, "orders", rows);
	json_write_member_int(&json, "total", total);
	json_write_object_end(&json);
	if (!json_write_finish(&json))
		return reply_error(rq, E_NO_MEMORY);
	reply_data(rq, (struct text){ out.at, out.len });
}

static void vendor_queue_query(struct request *rq, unsigned states)
{
	struct db_texts words;

	if (!order_states_param(rq, states, &words))
		return;
	sql_read(rq, vendor_order_queue, vendor_queue_listed,
		&(struct vendor_order_queue){ .vendor_id = rq->caller.id, .states = words });
}

static void vendor_pending_list(struct request *rq)
{
	vendor_queue_query(rq, STATE(PENDING));
}

static void vendor_active_list(struct request *rq)
{
	vendor_queue_query(rq, STATES_ACTIVE & ~STATE(PENDING));
}

static void vendor_order_stats_read(struct request *rq, const struct db_result *result)
{
	reply_data(rq, db_text(result, 0, VENDOR_ORDER_STATS_STATS));
}

static void vendor_order_stats_get(struct request *rq)
{
	const char *period = query_text(rq, "period");

	sql_read(rq, vendor_order_stats, vendor_order_stats_read,
		&(struct vendor_order_stats){
			.vendor_id = rq->caller.id, .period = period ? period : "today" });
}

/* --- One -------------------------------------------------------------------------------------- */

static void vendor_order_reply(struct request *rq, const struct db_result *result)
{
	struct db_record order;

	if (db_rows(result) == 0)
		return reply_error(rq, E_ORDER_NOT_FOUND);
	if (!db_record(result, 0, ORDER_GET_PARTY_ORDER, &record_order_row, &order))
		return reply_error(rq, E_INTERNAL);
	if (!text_is(db_record_text(&order, ORDER_ROW_VENDOR_ID), text_of(rq->caller.id)))
		return reply_error(rq, E_ORDER_NOT_OWNER);
	if (!db_bool(result, 0, ORDER_GET_PARTY_PAYABLE))
		return reply_error(rq, E_ORDER_NOT_FOUND);
	reply_document(rq, &order_document, &order);
}

static void vendor_order_query(struct request *rq, enum db_lane lane, sql_done *done)
{
	SQL_RUN(rq, lane, order_get_party, false, done,
		&(struct order_get_party){ .order = rq->params[0] });
}

/* A replica may not have a new order yet, so the primary is read too before the 404. */
static void vendor_order_read(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0 && rq->app->config->replica_url[0])
		return vendor_order_query(rq, DB_WRITE, vendor_order_reply);
	vendor_order_reply(rq, result);
}

static void vendor_order_get(struct request *rq)
{
	vendor_order_query(rq, DB_READ, vendor_order_read);
}

/* --- Acts ------------------------------------------------------------------------------------- */

static void vendor_order_act(struct request *rq, enum order_act what, const char *note)
{
	order_act(rq,
		&(struct order_act_request){ .act = what,
			.by = BY_VENDOR,
			.order = rq->params[0],
			.note = note,
			.minutes = body_int(rq, "preparationTime", 0),
			.occurred_at = body_text(rq, "occurredAt"),
			.location = act_location(rq) },
		NULL);
}

static void vendor_order_accept(struct request *rq)
{
	vendor_order_act(rq, ACT_ACCEPT, NULL);
}

static void vendor_order_reject(struct request *rq)
{
	vendor_order_act(rq, ACT_REJECT, body_text(rq, "reason"));
}

static void vendor_order_prepare(struct request *rq)
{
	vendor_order_act(rq, ACT_PREPARE, body_text(rq, "notes"));
}

static void vendor_order_ready(struct request *rq)
{
	vendor_order_act(rq, ACT_READY, body_text(rq, "notes"));
}

static void vendor_order_set_status(struct request *rq)
{
	int status = order_status_parse(body_text(rq, "status"));

	if (status == PREPARING)
		return vendor_order_prepare(rq);
	if (status == READY_FOR_PICKUP)
		return vendor_order_ready(rq);
	reply_field(rq, "status", "must be PREPARING or READY_FOR_PICKUP",
		"doit être PREPARING ou READY_FOR_PICKUP");
}

const struct route vendor_order_routes[] = {
	{ GET, "/orders", .operation = "listVendorOrders", .access = VENDOR_ACCOUNT,
		.query = list_query, .reply = page_reply, .run = vendor_orders_list,
		.summary = "The vendor's orders, newest first" },
	{ GET, "/orders/pending", .operation = "listPendingVendorOrders", .access = VENDOR_ACCOUNT,
		.reply = queue_reply, .run = vendor_pending_list,
		.summary = "Orders to accept or reject, oldest first" },
	{ GET, "/orders/active", .operation = "listActiveVendorOrders", .access = VENDOR_ACCOUNT,
		.reply = queue_reply, .run = vendor_active_list,
		.summary = "Accepted orders that are not final, oldest first" },
	{ GET, "/orders/history", .operation = "listVendorOrderHistory", .access = VENDOR_ACCOUNT,
		.query = history_query, .reply = page_reply, .run = vendor_orders_history,
		.summary = "Delivered and cancelled orders, newest first" },
	{ GET, "/orders/stats", .operation = "getVendorOrderStatistics",
		.aliases = "/orders/stats/summary", .access = VENDOR_ACCOUNT, .query = stats_query,
		.reply = stats_reply, .run = vendor_order_stats_get,
		.summary = "Statistics of this day, week, month or year" },
	{ GET, "/orders/:orderId", .operation = "getVendorOrder", .access = VENDOR_ACCOUNT,
		.reply = order_fields, .errors = { E_ORDER_NOT_FOUND, E_ORDER_NOT_OWNER },
		.run = vendor_order_get, .summary = "One order, by id or number" },
	{ PUT, "/orders/:orderId/accept", .operation = "acceptOrder", .access = VENDOR_ACCOUNT,
		.any_write = true, .idempotent = true, .body = accept_body, .reply = order_fields,
		.errors = { E_ORDER_NOT_FOUND, E_ORDER_NOT_OWNER, E_CANNOT_ACCEPT },
		.run = vendor_order_accept,
		.summary = "Accept an order; the search for a rider starts" },
	{ PUT, "/orders/:orderId/reject", .operation = "rejectOrder", .access = VENDOR_ACCOUNT,
		.any_write = true, .idempotent = true, .body = reject_body, .reply = order_fields,
		.errors = { E_ORDER_NOT_FOUND, E_ORDER_NOT_OWNER, E_CANNOT_REJECT },
		.run = vendor_order_reject,
		.summary = "Reject an order; the customer is refunded" },
	{ POST, "/orders/:orderId/preparing", .operation = "startPreparation",
		.access = VENDOR_ACCOUNT, .any_write = true, .idempotent = true, .body = act_body,
		.reply = order_fields,
		.errors = { E_ORDER_NOT_FOUND, E_ORDER_NOT_OWNER, E_CANNOT_READY },
		.run = vendor_order_prepare, .summary = "Start preparing an order" },
	{ PATCH, "/orders/:orderId/status", .operation = "setPreparationStatus",
		.access = VENDOR_ACCOUNT, .any_write = true, .idempotent = true,
		.body = status_body, .reply = order_fields,
		.errors = { E_ORDER_NOT_FOUND, E_ORDER_NOT_OWNER, E_CANNOT_READY },
		.run = vendor_order_set_status,
		.summary = "Start preparing an order, or mark it ready" },
	{ PUT, "/orders/:orderId/ready", .operation = "markOrderReady", .access = VENDOR_ACCOUNT,
		.any_write = true, .idempotent = true, .body = act_body, .reply = order_fields,
		.errors = { E_ORDER_NOT_FOUND, E_ORDER_NOT_OWNER, E_CANNOT_READY },
		.run = vendor_order_ready,
		.summary = "Mark an order ready for pickup; an assigned rider is notified" },
	ROUTE_END,
};
