/* SPDX-License-Identifier: MIT
 *
 * Orders: the admin lists, searches and reads them, assigns riders, cancels and completes them.
 */
#include <stdio.h>
#include <strings.h>

#include "admin/audit.h"
#include "admin/fields.h"
#include "admin/list.h"
#include "admin/reply.h"
#include "reeyo/api/admin.h"
#include "reeyo/api/order_acts.h"
#include "reeyo/api/order_fields.h"
#include "reeyo/domain/order.h"

static const struct field list_query[] = {
	{ "status", FIELD_TEXT, .max = 200,
		.summary = "States in any spelling, comma separated, ACTIVE, REFUNDED or ALL" },
	{ "vendorId", FIELD_ID, .aliases = "vendor_id" },
	{ "riderId", FIELD_ID, .aliases = "rider_id" },
	{ "userId", FIELD_ID, .aliases = "user_id" },
	{ "dateFrom", FIELD_DATE, .aliases = "date_from from startDate",
		.summary = "First day, in Douala" },
	{ "dateTo", FIELD_DATE, .aliases = "date_to to endDate", .summary = "Last day" },
	{ "attention", FIELD_BOOL,
		.summary = "true: only orders that need an admin; false: only the others" },
	PAGE_FIELDS,
	FIELD_END,
};
static const struct field search_query[] = {
	{ "q", FIELD_TEXT, .required = true, .max = 40, .aliases = "search query",
		.summary = "The order number or a part of it, with or without # and dash" },
	PAGE_FIELDS,
	FIELD_END,
};

static const struct field assign_body[] = {
	{ "riderId", FIELD_ID, .required = true, .aliases = "rider_id" },
	FIELD_END,
};
static const struct field cancel_body[] = {
	{ "reason", FIELD_TEXT, .required = true, .min = 1, .max = 500 },
	{ "vendorPaid", FIELD_BOOL, .aliases = "vendor_paid",
		.summary =
			"The platform pays the vendor's share of the order; when absent, it pays "
			"if the order was picked up" },
	FIELD_END,
};
static const struct field complete_body[] = {
	{ "note", FIELD_TEXT, .required = true, .min = 1, .max = 500, .aliases = "notes reason",
		.summary = "Evidence that the order was delivered" },
	FIELD_END,
};
static const struct field dispatch_fields[] = {
	{ "id", FIELD_INT, .required = true },
	{ "at", FIELD_TIME, .required = true },
	{ "round", FIELD_INT, .required = true },
	{ "rider", FIELD_OBJECT, .required = true,
		.summary = "{id,name} of the rider who got the offer" },
	{ "outcome", FIELD_TEXT, .nullable = true,
		.summary = "OPEN, ACCEPTED, REJECTED, EXPIRED or WITHDRAWN" },
	{ "answered_at", FIELD_TIME, .nullable = true },
	{ "reason", FIELD_TEXT, .nullable = true },
	{ "candidates", FIELD_LIST, .required = true, .each = FIELD_ANY,
		.summary = "Riders in reach, best first, with the parts of their scores" },
	FIELD_END,
};

/* --- Lists ------------------------------------------------------------------------------------ */

/* Adds the states that the console shows under the same word. */
static unsigned order_states_widen(const char *word, unsigned states)
{
	if (strcasecmp(word, "RIDER_ASSIGNED") == 0)
		states |= STATE(RIDER_AT_PICKUP);
	else if (strcasecmp(word, "IN_TRANSIT") == 0)
		states |= STATE(RIDER_AT_DELIVERY);
	return states;
}

/* The console's words of `status`: states, ACTIVE, ALL, and REFUNDED, which also filters by the
 * payment status that is written to *ret_payment. */
static bool admin_order_word(const char *word, void *ret_payment, unsigned *ret)
{
	*ret = 0;
	if (!*word || strcasecmp(word, "ALL") == 0)
		return true;
	if (strcasecmp(word, "REFUNDED") == 0)
		*(const char **)ret_payment = "REFUNDED";
	if (!order_states_parse(word, ret))
		return false;
	*ret = order_states_widen(word, *ret);
	return true;
}

static void admin_orders_list(struct request *rq)
{
	struct admin_order_list filter = { .vendor_id = query_text(rq, "vendorId"),
		.rider_id = query_text(rq, "riderId"),
		.user_id = query_text(rq, "userId"),
		.since = query_day_time(rq, "dateFrom", "00:00"),
		.before = query_day_time(rq, "dateTo", "24:00"),
		.attention = optional_bool(rq, rq->query, "attention") };

	if (query_status_words(rq, admin_order_word, &filter.payment_status, &filter.states))
		admin_orders_reply(rq, filter);
}

/* No index covers a part of a number: the statement scans all orders, so it runs on the report
 * lane. */
static void admin_orders_search(struct request *rq)
{
	struct text search = text_trim(text_of(query_text(rq, "q")));
	char number[ORDER_NUMBER_SIZE];

	if (search.len && search.at[0] == '#')
		search = text_trim((struct text){ search.at + 1, search.len - 1 });
	if (order_number_normalise(search, number))
		search = text_of(number);
	sql_report(rq, admin_order_search, admin_reply_page,
		&(struct admin_order_search){
			.text = arena_copy(rq->arena, search.at, search.len), PAGE_PARAMS(rq) });
}

/* --- One -------------------------------------------------------------------------------------- */

static void admin_order_show(struct request *rq)
{
	admin_read_row(rq, admin_order_get, .order_ref);
}

static void admin_timeline_reply(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return reply_error(rq, E_NOT_FOUND);
	reply_data(rq, db_text(result, 0, ADMIN_ORDER_GET_TIMELINE));
}

static void admin_order_timeline(struct request *rq)
{
	sql_read(rq, admin_order_get, admin_timeline_reply,
		&(struct admin_order_get){ .order_ref = rq->params[0] });
}

static void admin_order_dispatches(struct request *rq)
{
	admin_read_row(rq, admin_order_dispatch, .order_ref);
}

/* --- Writes ----------------------------------------------------------------------------------- */

/* Reads the order again, on the primary: the transition returns the app's shape of it. */
static void admin_order_reply(struct request *rq, const struct order_moved *moved)
{
	sql_read_primary(rq, admin_order_get, admin_reply_row,
		&(struct admin_order_get){ .order_ref = moved->id });
}

static void admin_order_assign_rider(struct request *rq)
{
	const struct order_act_request act = { .act = ACT_ASSIGN,
		.by = BY_ADMIN,
		.audit = audit_entry(rq),
		.order = rq->params[0],
		.rider_id = body_text(rq, "riderId") };

	order_act(rq, &act, admin_order_reply);
}

static enum vendor_pay vendor_pay_parse(struct request *rq)
{
	if (!member(rq->body, "vendorPaid"))
		return VENDOR_PAY_BY_STATE;
	return member_bool(rq->body, "vendorPaid", false) ? VENDOR_PAY : VENDOR_PAY_NOT;
}

static void admin_order_cancel(struct request *rq)
{
	const struct order_act_request act = { .act = ACT_CANCEL,
		.by = BY_ADMIN,
		.audit = audit_entry(rq),
		.order = rq->params[0],
		.note = body_text(rq, "reason"),
		.pay = vendor_pay_parse(rq) };

	order_act(rq, &act, admin_order_reply);
}

static void admin_order_complete(struct request *rq)
{
	const struct order_act_request act = { .act = ACT_COMPLETE,
		.by = BY_ADMIN,
		.audit = audit_entry(rq),
		.order = rq->params[0],
		.note = body_text(rq, "note") };

	order_act(rq, &act, admin_order_reply);
}

const struct route admin_order_routes[] = {
	{ GET, "/orders", .operation = "listAdminOrders", .permission = "orders.read",
		.query = list_query, .reply = admin_order_fields, .shape = REPLY_PAGE,
		.run = admin_orders_list, .summary = "Orders, newest first" },
	{ GET, "/orders/search", .operation = "searchOrders", .permission = "orders.read",
		.query = search_query, .reply = admin_order_fields, .shape = REPLY_PAGE,
		.run = admin_orders_search,
		.summary = "Orders whose number contains a text, upper or lower case" },
	{ GET, "/orders/:id", .operation = "getAdminOrder", .permission = "orders.read",
		.reply = admin_order_fields, .errors = { E_NOT_FOUND }, .run = admin_order_show,
		.summary = "One order, by id or number" },
	{ GET, "/orders/:id/timeline", .operation = "getOrderTimeline", .permission = "orders.read",
		.reply = admin_timeline_fields, .shape = REPLY_ARRAY, .errors = { E_NOT_FOUND },
		.run = admin_order_timeline,
		.summary = "Status changes of an order, oldest first" },
	{ GET, "/orders/:id/dispatch", .operation = "getOrderDispatch", .permission = "orders.read",
		.reply = dispatch_fields, .shape = REPLY_ARRAY, .errors = { E_NOT_FOUND },
		.run = admin_order_dispatches,
		.summary = "Dispatch decisions of an order: offers and candidates" },
	{ POST, "/orders/:id/assign-rider", .operation = "assignRider",
		.permission = "orders.write", .any_write = true, .body = assign_body,
		.reply = admin_order_fields,
		.errors = { E_ORDER_NOT_FOUND, E_CANNOT_MOVE, E_RIDER_NOT_FOUND,
			E_RIDER_NOT_READY },
		.run = admin_order_assign_rider, .audit = "order.assign",
		.summary =
			"Assign an order to a rider, replacing the current one; an order that was "
			"picked up keeps its status" },
	{ POST, "/orders/:id/cancel", .operation = "forceCancelOrder", .permission = "orders.write",
		.any_write = true, .body = cancel_body, .reply = admin_order_fields,
		.errors = { E_ORDER_NOT_FOUND, E_CANNOT_CANCEL }, .run = admin_order_cancel,
		.audit = "order.cancel",
		.summary = "Cancel an order that is not final; the payment is refunded" },
	{ POST, "/orders/:id/complete", .operation = "forceCompleteOrder",
		.permission = "orders.write", .any_write = true, .body = complete_body,
		.reply = admin_order_fields, .errors = { E_ORDER_NOT_FOUND, E_CANNOT_MOVE },
		.run = admin_order_complete, .audit = "order.complete",
		.summary = "Complete a picked-up order in place of its rider: vendor, rider and "
			   "platform get their shares; no delivery code is needed" },
	ROUTE_END,
};
