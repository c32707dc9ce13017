/* SPDX-License-Identifier: MIT
 *
 * Orders as their vendor sees them: the queue, the past, the figures, and the kitchen's steps. An
 * order that is still to be paid is none of his yet.
 */
#include "reeyo/api/order_acts.h"
#include "reeyo/api/order_shown.h"
#include "reeyo/api/shapes.h"
#include "reeyo/api/vendor.h"

/* --- What comes in ---------------------------------------------------------------------------- */

static const struct field list_query[] = {
	ORDER_STATUS_FIELD, DAYS_FIELDS, PAGE_FIELDS, FIELD_END
};
static const struct field history_query[] = { DAYS_FIELDS, PAGE_FIELDS, FIELD_END };
static const struct field stats_query[] = {
	{ "period", FIELD_ENUM, .words = period_words, .does = "today when absent" }, FIELD_END
};
static const struct field accept_body[] = {
	{ "preparationTime", FIELD_INT, .min = 1, .max = 120, .also = "estimatedTime",
		.does = "Minutes; the vendor's usual when absent" },
	ACT_FIELDS,
	FIELD_END
};
static const struct field reject_body[] = {
	{ "reason", FIELD_TEXT, .lines = true, .required = true, .min = 3, .max = 500 },
	ACT_FIELDS,
	FIELD_END
};
static const struct field step_body[] = {
	{ "notes", FIELD_TEXT, .lines = true, .max = 500, .also = "note" },
	ACT_FIELDS,
	FIELD_END
};
static const struct field status_body[] = {
	{ "status", FIELD_TEXT, .required = true, .max = 40,
		.does = "PREPARING or READY_FOR_PICKUP" },
	{ "notes", FIELD_TEXT, .lines = true, .max = 500, .also = "note" },
	ACT_FIELDS,
	FIELD_END
};

/* --- What goes out ---------------------------------------------------------------------------- */

static const struct field pagination_fields[] = {
	{ "page", FIELD_INT, .required = true }, { "limit", FIELD_INT, .required = true },
	{ "total", FIELD_INT, .required = true },
	{ "totalPages", FIELD_INT, .required = true }, FIELD_END
};
static const struct field page_reply[] = {
	{ "orders", FIELD_LIST, .required = true, .of = order_fields },
	{ "pagination", FIELD_OBJECT, .required = true, .of = pagination_fields },
	{ "total", FIELD_INT, .required = true },
	FIELD_END
};
static const struct field queue_reply[] = {
	{ "orders", FIELD_LIST, .required = true, .of = order_fields },
	{ "total", FIELD_INT, .required = true },
	FIELD_END
};
static const struct field stats_reply[] = {
	{ "total", FIELD_INT, .required = true }, { "pending", FIELD_INT, .required = true },
	{ "accepted", FIELD_INT, .required = true }, { "preparing", FIELD_INT, .required = true },
	{ "ready", FIELD_INT, .required = true }, { "completed", FIELD_INT, .required = true },
	{ "cancelled", FIELD_INT, .required = true },
	{ "totalRevenue", FIELD_MONEY, .required = true,
		.does = "Subtotals of what was delivered" },
	{ "averageOrderValue", FIELD_MONEY, .required = true }, FIELD_END
};

/* --- Lists ------------------------------------------------------------------------------------ */

static void listed(struct request *rq, const struct db_result *result)
{
	struct page page = request_page(rq, 20);
	struct text rows = db_text(result, 0, 1);
	int64_t total = db_int(result, 0, 0);
	struct buf out = buf_in(rq->arena, rows.len + 200);
	char *json;

	buf_add_string(&out, "{\"orders\":");
	buf_add_text(&out, rows);
	buf_printf(&out,
		",\"pagination\":{\"page\":%lld,\"limit\":%lld,\"total\":%lld,\"totalPages\":%lld}"
		",\"total\":%lld}",
		(long long)page.page, (long long)page.limit, (long long)total,
		(long long)((total + page.limit - 1) / page.limit), (long long)total);
	json = buf_string(&out);
	if (!json)
		return reply_error(rq, E_NO_MEMORY);
	reply_page(rq, (struct text){ json, out.len }, page, total);
}

static void list_of(struct request *rq, const char *states)
{
	struct page page = request_page(rq, 20);

	sql_read(rq, vendor_order_list, listed, rq->caller.id, states,
		day_asked(rq, "startDate", "00:00"), day_asked(rq, "endDate", "24:00"),
		arg_int(rq, page.limit), arg_int(rq, page.offset));
}

static void list_orders(struct request *rq)
{
	const char *states;

	if (order_states_asked(rq, &states))
		list_of(rq, states);
}

static void history(struct request *rq)
{
	list_of(rq, "{DELIVERED,CANCELLED}");
}

static void queued(struct request *rq, const struct db_result *result)
{
	struct text rows = db_text(result, 0, 1);
	struct buf out = buf_in(rq->arena, rows.len + 64);
	char *json;

	buf_add_string(&out, "{\"orders\":");
	buf_add_text(&out, rows);
	buf_printf(&out, ",\"total\":%lld}", (long long)db_int(result, 0, 0));
	json = buf_string(&out);
	if (!json)
		return reply_error(rq, E_NO_MEMORY);
	reply_data(rq, (struct text){ json, out.len });
}

static void queue_of(struct request *rq, unsigned states)
{
	char *array = arena_alloc(rq->arena, ORDER_STATES_SIZE);

	if (!array)
		return reply_error(rq, E_NO_MEMORY);
	order_states_text(states, array);
	sql_read(rq, vendor_order_queue, queued, rq->caller.id, array);
}

static void pending_orders(struct request *rq)
{
	queue_of(rq, STATE(PENDING));
}

static void active_orders(struct request *rq)
{
	queue_of(rq, STATES_ACTIVE & ~STATE(PENDING));
}

static void stats_read(struct request *rq, const struct db_result *result)
{
	reply_data(rq, db_text(result, 0, 0));
}

static void stats(struct request *rq)
{
	const char *period = query_text(rq, "period");

	sql_read(rq, vendor_order_stats, stats_read, rq->caller.id, period ? period : "today");
}

/* --- One -------------------------------------------------------------------------------------- */

static void order_read(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return reply_error(rq, E_ORDER_NOT_FOUND);
	if (!text_is(db_text(result, 0, 0), text_of(rq->caller.id)))
		return reply_error(rq, E_ORDER_NOT_OWNER);
	if (!db_bool(result, 0, 2))
		return reply_error(rq, E_ORDER_NOT_FOUND);
	reply_data(rq, db_text(result, 0, 3));
}

/* A replica may not have heard yet of an order that was placed a moment ago. */
static void order_looked_up(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0 && rq->app->config->replica_url[0])
		return sql_write(rq, order_get_party, order_read, rq->params[0], NULL);
	order_read(rq, result);
}

static void get_order(struct request *rq)
{
	sql_read(rq, order_get_party, order_looked_up, rq->params[0], NULL);
}

/* --- Steps ------------------------------------------------------------------------------------ */

static void step(struct request *rq, enum order_act what, const char *note)
{
	order_act(rq,
		&(struct order_act_request){ .act = what,
			.by = BY_VENDOR,
			.order = rq->params[0],
			.note = note,
			.minutes = body_int(rq, "preparationTime", 0),
			.occurred_at = body_text(rq, "occurredAt"),
			.place = act_place(rq) },
		NULL);
}

static void accept_order(struct request *rq)
{
	step(rq, ACT_ACCEPT, NULL);
}

static void reject_order(struct request *rq)
{
	step(rq, ACT_REJECT, body_text(rq, "reason"));
}

static void prepare_order(struct request *rq)
{
	step(rq, ACT_PREPARE, body_text(rq, "notes"));
}

static void ready_order(struct request *rq)
{
	step(rq, ACT_READY, body_text(rq, "notes"));
}

/* The kitchen's steps under one path. */
static void set_status(struct request *rq)
{
	int status = order_status_named(body_text(rq, "status"));

	if (status == PREPARING)
		return prepare_order(rq);
	if (status == READY_FOR_PICKUP)
		return ready_order(rq);
	reply_field(rq, "status", "must be PREPARING or READY_FOR_PICKUP",
		"doit être PREPARING ou READY_FOR_PICKUP");
}

const struct route vendor_order_routes[] = {
	{ GET, "/orders", .who = VENDOR_ACCOUNT, .query = list_query, .reply = page_reply,
		.run = list_orders, .does = "The vendor's orders, newest first" },
	{ GET, "/orders/pending", .who = VENDOR_ACCOUNT,
		.reply = queue_reply, .run = pending_orders,
		.does = "Orders to accept or reject, oldest first" },
	{ GET, "/orders/active", .who = VENDOR_ACCOUNT, .reply = queue_reply, .run = active_orders,
		.does = "Accepted orders on their way, oldest first" },
	{ GET, "/orders/history", .who = VENDOR_ACCOUNT,
		.query = history_query, .reply = page_reply,
		.run = history, .does = "Delivered and cancelled orders, newest first" },
	{ GET, "/orders/stats", .also = "/orders/stats/summary", .who = VENDOR_ACCOUNT,
		.query = stats_query, .reply = stats_reply, .run = stats,
		.does = "Figures of this day, week, month or year" },
	{ GET, "/orders/:orderId", .who = VENDOR_ACCOUNT, .reply = order_fields,
		.errors = { E_ORDER_NOT_FOUND, E_ORDER_NOT_OWNER }, .run = get_order,
		.does = "One order, by id or number" },
	{ PUT, "/orders/:orderId/accept", .who = VENDOR_ACCOUNT, .any_write = true,
		.idempotent = true, .body = accept_body, .reply = order_fields,
		.errors = { E_ORDER_NOT_FOUND, E_ORDER_NOT_OWNER, E_CANNOT_ACCEPT },
		.run = accept_order,
		.does = "Accept an order; a rider is looked for" },
	{ PUT, "/orders/:orderId/reject", .who = VENDOR_ACCOUNT, .any_write = true,
		.idempotent = true, .body = reject_body, .reply = order_fields,
		.errors = { E_ORDER_NOT_FOUND, E_ORDER_NOT_OWNER, E_CANNOT_REJECT },
		.run = reject_order,
		.does = "Refuse an order; the customer gets back what he paid" },
	{ POST, "/orders/:orderId/preparing", .who = VENDOR_ACCOUNT, .any_write = true,
		.idempotent = true, .body = step_body, .reply = order_fields,
		.errors = { E_ORDER_NOT_FOUND, E_ORDER_NOT_OWNER, E_CANNOT_READY },
		.run = prepare_order,
		.does = "The kitchen has begun" },
	{ PATCH, "/orders/:orderId/status", .who = VENDOR_ACCOUNT, .any_write = true,
		.idempotent = true, .body = status_body, .reply = order_fields,
		.errors = { E_ORDER_NOT_FOUND, E_ORDER_NOT_OWNER, E_CANNOT_READY },
		.run = set_status,
		.does = "The kitchen has begun, or is done" },
	{ PUT, "/orders/:orderId/ready", .who = VENDOR_ACCOUNT, .any_write = true,
		.idempotent = true, .body = step_body, .reply = order_fields,
		.errors = { E_ORDER_NOT_FOUND, E_ORDER_NOT_OWNER, E_CANNOT_READY },
		.run = ready_order,
		.does = "Ready to be picked up; the rider, if there is one, is told" },
	ROUTE_END
};
