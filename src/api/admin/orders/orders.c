/* SPDX-License-Identifier: MIT
 *
 * Orders as the console lists, searches and reads them, gives them to riders, and ends them.
 */
#include <stdio.h>
#include <strings.h>

#include "admin/act.h"
#include "reeyo/api/admin.h"
#include "reeyo/api/order_acts.h"
#include "reeyo/api/order_shown.h"
#include "reeyo/domain/order.h"

static const struct field list_query[] = {
	{ "status", FIELD_TEXT, .max = 200,
		.does = "States in any spelling, comma separated, ACTIVE, REFUNDED or ALL" },
	{ "vendorId", FIELD_ID, .also = "vendor_id" },
	{ "riderId", FIELD_ID, .also = "rider_id" },
	{ "userId", FIELD_ID, .also = "user_id" },
	{ "dateFrom", FIELD_DATE, .also = "date_from from startDate",
		.does = "First day, in Douala" },
	{ "dateTo", FIELD_DATE, .also = "date_to to endDate", .does = "Last day" },
	{ "attention", FIELD_BOOL, .does = "Only orders that need an admin, or only the others" },
	PAGE_FIELDS,
	FIELD_END
};
static const struct field search_query[] = {
	{ "q", FIELD_TEXT, .required = true, .max = 40, .also = "search query",
		.does = "The order number or a part of it, with or without # and dash" },
	PAGE_FIELDS,
	FIELD_END
};

static const struct field assign_body[] = {
	{ "riderId", FIELD_ID, .required = true, .also = "rider_id" },
	FIELD_END
};
static const struct field cancel_body[] = {
	{ "reason", FIELD_TEXT, .required = true, .min = 1, .max = 500 },
	{ "vendorPaid", FIELD_BOOL, .also = "vendor_paid",
		.does = "The platform pays the vendor his share of what he has made; without it "
			"he is paid when the order has been picked up" },
	FIELD_END
};
static const struct field complete_body[] = {
	{ "note", FIELD_TEXT, .required = true, .min = 1, .max = 500, .also = "notes reason",
		.does = "How it is known that the order was delivered" },
	FIELD_END
};
static const struct field dispatch_fields[] = {
	{ "id", FIELD_INT, .required = true },
	{ "at", FIELD_TIME, .required = true },
	{ "round", FIELD_INT, .required = true },
	{ "rider", FIELD_OBJECT, .required = true, .does = "{id,name}: who was asked" },
	{ "outcome", FIELD_TEXT, .nullable = true,
		.does = "OPEN, ACCEPTED, REJECTED, EXPIRED or WITHDRAWN" },
	{ "answered_at", FIELD_TIME, .nullable = true },
	{ "reason", FIELD_TEXT, .nullable = true },
	{ "candidates", FIELD_LIST, .required = true, .each = FIELD_ANY,
		.does = "Who was in reach, best first, with what the score is made of" },
	FIELD_END
};

/* --- Lists ------------------------------------------------------------------------------------ */

/* A word of ours stands for the states that the console sees as it. */
static unsigned states_seen(const char *word, unsigned states)
{
	if (strcasecmp(word, "RIDER_ASSIGNED") == 0)
		states |= STATE(RIDER_AT_PICKUP);
	else if (strcasecmp(word, "IN_TRANSIT") == 0)
		states |= STATE(RIDER_AT_DELIVERY);
	return states;
}

/* "CONFIRMED,ready", ACTIVE or REFUNDED as an array and a payment status, NULL for any; false when
 * a word is none, and that has been answered. */
static bool states_take(struct request *rq, const char **ret_states, const char **ret_payment)
{
	struct text words = text_of(query_text(rq, "status"));
	unsigned all = 0, states;
	char word[40];

	*ret_states = *ret_payment = NULL;
	while (words.at) {
		struct text one = text_trim(text_cut(&words, ','));

		snprintf(word, sizeof(word), "%.*s", TEXT_ARGS(one));
		if (one.len == 0 || strcasecmp(word, "ALL") == 0)
			continue;
		if (strcasecmp(word, "REFUNDED") == 0)
			*ret_payment = "REFUNDED";
		if (!order_states_named(word, &states)) {
			reply_field(rq, "status", "must be an order status or ACTIVE",
				"doit être un statut de commande ou ACTIVE");
			return false;
		}
		all |= states_seen(word, states);
	}
	return order_states_array(rq, all, ret_states);
}

static void list_orders(struct request *rq)
{
	struct page page = request_page(rq, 20);
	const char *states, *payment, *attention = NULL;

	if (!states_take(rq, &states, &payment))
		return;
	if (member(rq->query, "attention"))
		attention = member_bool(rq->query, "attention", false) ? "t" : "f";
	sql_read(rq, admin_order_list, admin_listed, states, payment, query_text(rq, "vendorId"),
		query_text(rq, "riderId"), query_text(rq, "userId"),
		day_at(rq, "dateFrom", "00:00"),
		day_at(rq, "dateTo", "24:00"), attention, arg_int(rq, page.limit),
		arg_int(rq, page.offset));
}

/* A part of a number is in no index: this reads orders from the newest on, beside everything
 * else. */
static void search_orders(struct request *rq)
{
	struct page page = request_page(rq, 20);
	struct text sought = text_trim(text_of(query_text(rq, "q")));
	char number[ORDER_NUMBER_SIZE];

	if (sought.len && sought.at[0] == '#')
		sought = text_trim((struct text){ sought.at + 1, sought.len - 1 });
	if (order_number_normalise(sought, number))
		sought = text_of(number);
	SQL_(rq, DB_REPORT, admin_order_search, false, admin_listed,
		arena_copy(rq->arena, sought.at, sought.len), arg_int(rq, page.limit),
		arg_int(rq, page.offset));
}

/* --- One -------------------------------------------------------------------------------------- */

static void get_order(struct request *rq)
{
	sql_read(rq, admin_order_get, admin_shown, rq->params[0]);
}

static void timeline_read(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return reply_error(rq, E_NOT_FOUND);
	reply_data(rq, db_text(result, 0, 1));
}

static void get_timeline(struct request *rq)
{
	sql_read(rq, admin_order_get, timeline_read, rq->params[0]);
}

static void get_dispatch(struct request *rq)
{
	sql_read(rq, admin_order_dispatch, admin_shown, rq->params[0]);
}

/* --- Acts ------------------------------------------------------------------------------------- */

/* Read again, on the primary: the Order of the act is the apps'. */
static void acted(struct request *rq, const struct order_moved *moved)
{
	SQL_(rq, DB_WRITE, admin_order_get, false, admin_shown, moved->id);
}

static void assign_rider(struct request *rq)
{
	const struct order_act_request act = { .act = ACT_ASSIGN, .by = BY_ADMIN,
		.order = rq->params[0], .rider_id = body_text(rq, "riderId") };

	order_act(rq, &act, acted);
}

static enum vendor_pay vendor_pay_asked(struct request *rq)
{
	if (!member(rq->body, "vendorPaid"))
		return VENDOR_PAY_BY_STATE;
	return member_bool(rq->body, "vendorPaid", false) ? VENDOR_PAY : VENDOR_PAY_NOT;
}

static void cancel_order(struct request *rq)
{
	const struct order_act_request act = { .act = ACT_CANCEL, .by = BY_ADMIN,
		.order = rq->params[0], .note = body_text(rq, "reason"),
		.pay = vendor_pay_asked(rq) };

	order_act(rq, &act, acted);
}

static void complete_order(struct request *rq)
{
	const struct order_act_request act = { .act = ACT_COMPLETE, .by = BY_ADMIN,
		.order = rq->params[0], .note = body_text(rq, "note") };

	order_act(rq, &act, acted);
}

const struct route admin_order_routes[] = {
	{ GET, "/orders", .who = ADMIN, .query = list_query, .reply = admin_order_fields,
		.shape = REPLY_PAGE, .run = list_orders, .does = "Orders, newest first" },
	{ GET, "/orders/search", .who = ADMIN, .query = search_query, .reply = admin_order_fields,
		.shape = REPLY_PAGE, .run = search_orders,
		.does = "Orders whose number holds a text, in any case" },
	{ GET, "/orders/:id", .who = ADMIN, .reply = admin_order_fields, .errors = { E_NOT_FOUND },
		.run = get_order, .does = "One order, by id or number" },
	{ GET, "/orders/:id/timeline", .who = ADMIN, .reply = admin_timeline_fields,
		.shape = REPLY_ARRAY, .errors = { E_NOT_FOUND }, .run = get_timeline,
		.does = "What happened to an order, oldest first" },
	{ GET, "/orders/:id/dispatch", .who = ADMIN, .reply = dispatch_fields,
		.shape = REPLY_ARRAY, .errors = { E_NOT_FOUND }, .run = get_dispatch,
		.does = "Whom dispatch asked, and why" },
	{ POST, "/orders/:id/assign-rider", .who = ADMIN, .any_write = true, .body = assign_body,
		.reply = admin_order_fields,
		.errors = { E_ORDER_NOT_FOUND, E_CANNOT_MOVE, E_RIDER_NOT_FOUND,
			E_RIDER_NOT_READY },
		.run = assign_rider,
		.does = "Give an order to a rider, also in place of the one who has it; "
			"one that has been picked up keeps its state" },
	{ POST, "/orders/:id/cancel", .who = ADMIN, .any_write = true, .body = cancel_body,
		.reply = admin_order_fields, .errors = { E_ORDER_NOT_FOUND, E_CANNOT_CANCEL },
		.run = cancel_order,
		.does = "Cancel an order that is not final; what was paid goes back" },
	{ POST, "/orders/:id/complete", .who = ADMIN, .any_write = true, .body = complete_body,
		.reply = admin_order_fields, .errors = { E_ORDER_NOT_FOUND, E_CANNOT_MOVE },
		.run = complete_order,
		.does = "Complete an order that has been picked up, in place of its rider: "
			"everybody gets his part, and no delivery code is asked for" },
	ROUTE_END
};
