/* SPDX-License-Identifier: MIT
 *
 * Orders of the rider: accept, reject, give back, pick up, deliver, and report an issue. A phone
 * without network may send its acts later (occurredAt) and repeat them (Idempotency-Key).
 */
#include "reeyo/api/order_acts.h"
#include "reeyo/api/order_fields.h"
#include "reeyo/api/pages.h"
#include "reeyo/api/rider.h"
#include "reeyo/db/queries/order_acts.h"

static const char *const issue_words[] = { "CUSTOMER_NOT_AVAILABLE", "WRONG_ADDRESS",
	"DAMAGED_ITEMS", "OTHER", NULL };

/* --- What comes in ---------------------------------------------------------------------------- */

static const struct field accept_body[] = {
	{ "estimatedArrivalTime", FIELD_ANY, .summary = "Read and ignored" },
	ACT_FIELDS,
	FIELD_END,
};
static const struct field reject_body[] = {
	{ "reason", FIELD_TEXT, .lines = true, .required = true, .min = 3, .max = 500 },
	ACT_FIELDS,
	FIELD_END,
};
static const struct field arrive_body[] = {
	{ "notes", FIELD_TEXT, .lines = true, .max = 500, .aliases = "note" },
	ACT_FIELDS,
	FIELD_END,
};
static const struct field pickup_body[] = {
	{ "pickupPhoto", FIELD_URL_OR_ID, .aliases = "photo", .summary = "Its address or id" },
	{ "notes", FIELD_TEXT, .lines = true, .max = 500, .aliases = "note" },
	ACT_FIELDS,
	FIELD_END,
};
static const struct field complete_body[] = {
	{ "verificationCode", FIELD_DIGITS, .min = 4, .max = 6, .aliases = "code",
		.summary = "The code of the customer; required when "
			   "delivery.verification_code is on" },
	{ "deliveryPhoto", FIELD_URL_OR_ID, .aliases = "photo", .summary = "Its address or id" },
	{ "notes", FIELD_TEXT, .lines = true, .max = 500, .aliases = "note" },
	ACT_FIELDS,
	FIELD_END,
};
static const struct field issue_body[] = {
	{ "issueType", FIELD_ENUM, .required = true, .words = issue_words, .aliases = "type" },
	{ "description", FIELD_TEXT, .lines = true, .required = true, .min = 3, .max = 500 },
	{ "photo", FIELD_URL_OR_ID, .summary = "Its address or id" },
	{ "occurredAt", FIELD_TIME, .summary = "Time of the issue; default: now" },
	FIELD_END,
};

/* --- What goes out ---------------------------------------------------------------------------- */

static const struct field issue_reply[] = {
	{ "issueId", FIELD_ID, .required = true },
	{ "orderId", FIELD_ID, .required = true },
	{ "riderId", FIELD_ID, .required = true },
	{ "issueType", FIELD_ENUM, .required = true, .words = issue_words },
	{ "description", FIELD_TEXT, .required = true },
	{ "photo", FIELD_TEXT, .nullable = true },
	{ "status", FIELD_TEXT, .required = true },
	{ "occurredAt", FIELD_TIME, .required = true },
	{ "createdAt", FIELD_TIME, .required = true },
	FIELD_END,
};

/* --- Lists ------------------------------------------------------------------------------------ */

static void rider_active_listed(struct request *rq, const struct db_result *result)
{
	struct text orders;

	if (order_list_render(rq, result, RIDER_ORDER_ACTIVE_ORDERS, &order_document, &orders))
		reply_data(rq, orders);
}

static void rider_active_list(struct request *rq)
{
	sql_read(rq, rider_order_active, rider_active_listed,
		&(struct rider_order_active){ .rider_id = rq->caller.id });
}

static void rider_orders_listed(struct request *rq, const struct db_result *result)
{
	struct text orders;

	if (order_list_render(rq, result, RIDER_ORDER_LIST_ORDERS, &order_document, &orders))
		reply_nested_page(rq, "orders", "totalOrders", orders, request_page(rq, 20),
			db_int(result, 0, RIDER_ORDER_LIST_TOTAL));
}

static void rider_orders_history(struct request *rq)
{
	struct page page = request_page(rq, 20);

	sql_read(rq, rider_order_list, rider_orders_listed,
		&(struct rider_order_list){
			.rider_id = rq->caller.id, .limit = page.limit, .offset = page.offset });
}

/* --- One -------------------------------------------------------------------------------------- */

/* Reads the order of order_get_party; false when there is none that riders may know of. */
static bool party_order_read(const struct db_result *result, struct db_record *ret)
{
	return db_rows(result) > 0 && db_bool(result, 0, ORDER_GET_PARTY_PAYABLE) &&
		db_record(result, 0, ORDER_GET_PARTY_ORDER, &record_order_row, ret);
}

/* The states in which a rider may take an order of this type. */
static unsigned offerable_states(const struct db_record *order)
{
	bool parcel = text_is(db_record_text(order, ORDER_ROW_ORDER_TYPE), TEXT("PACKAGE"));

	return order_states_before(parcel ? PACKAGE : FOOD, ACT_ASSIGN, BY_RIDER);
}

static bool rider_may_take(
	struct request *rq, const struct db_result *result, const struct db_record *order)
{
	struct text word = db_record_text(order, ORDER_ROW_STATUS);
	int status = order_status_parse(arena_copy(rq->arena, word.at, word.len));

	return db_bool(result, 0, ORDER_GET_PARTY_OFFERABLE) && status >= 0 &&
		(offerable_states(order) & STATE(status));
}

static bool order_is_riders(const struct request *rq, const struct db_record *order)
{
	struct text rider = db_record_text(order, ORDER_ROW_RIDER_ID);

	return rider.at && text_is(rider, text_of(rq->caller.id));
}

static void rider_order_reply(struct request *rq, const struct db_result *result)
{
	struct db_record order;

	if (!party_order_read(result, &order))
		return reply_error(rq, E_ORDER_NOT_FOUND);
	if (!order_is_riders(rq, &order) && !rider_may_take(rq, result, &order))
		return reply_error(rq, E_ORDER_NOT_OWNER);
	reply_document(rq, &order_document, &order);
}

static void rider_order_query(struct request *rq, enum db_lane lane, sql_done *done)
{
	SQL_RUN(rq, lane, order_get_party, false, done,
		&(struct order_get_party){ .order = rq->params[0], .rider_id = rq->caller.id });
}

/* A replica may not have the assignment yet, so the primary is read too before the error. */
static void rider_order_read(struct request *rq, const struct db_result *result)
{
	struct db_record order;
	bool allowed = party_order_read(result, &order) &&
		(order_is_riders(rq, &order) || rider_may_take(rq, result, &order));

	if (!allowed && rq->app->config->replica_url[0])
		return rider_order_query(rq, DB_WRITE, rider_order_reply);
	rider_order_reply(rq, result);
}

static void rider_order_get(struct request *rq)
{
	rider_order_query(rq, DB_READ, rider_order_read);
}

/* --- Acts ------------------------------------------------------------------------------------- */

static void rider_order_act(struct request *rq, enum order_act what, const char *note,
	const char *reply, order_act_done *done)
{
	const char *photo = body_text(rq, what == ACT_PICK_UP ? "pickupPhoto" : "deliveryPhoto");

	order_act(rq,
		&(struct order_act_request){ .act = what,
			.by = BY_RIDER,
			.order = rq->params[0],
			.rider_id = what == ACT_ASSIGN ? rq->caller.id : NULL,
			.note = note,
			.photo = photo,
			.code = body_text(rq, "verificationCode"),
			.occurred_at = body_text(rq, "occurredAt"),
			.location = act_location(rq),
			.reply = reply },
		done);
}

static void rider_order_accept(struct request *rq)
{
	rider_order_act(rq, ACT_ASSIGN, NULL, NULL, NULL);
}

static void rider_arrive_pickup(struct request *rq)
{
	rider_order_act(rq, ACT_ARRIVE_PICKUP, body_text(rq, "notes"), NULL, NULL);
}

static void rider_confirm_pickup(struct request *rq)
{
	rider_order_act(rq, ACT_PICK_UP, body_text(rq, "notes"), NULL, NULL);
}

static void rider_arrive_delivery(struct request *rq)
{
	rider_order_act(rq, ACT_ARRIVE_DELIVERY, body_text(rq, "notes"), NULL, NULL);
}

static void rider_order_complete(struct request *rq)
{
	rider_order_act(rq, ACT_COMPLETE, body_text(rq, "notes"), NULL, NULL);
}

/* --- Rejecting -------------------------------------------------------------------------------- */

static void rejection_reply(struct request *rq)
{
	reply_message(rq, "The order is not offered to you any more",
		"La commande ne vous est plus proposée");
}

/* The body of rejection_reply, stored for replay by key. */
static const char *rejection_reply_body(struct request *rq)
{
	return success_body(rq->arena,
		rq->french ? "La commande ne vous est plus proposée"
			   : "The order is not offered to you any more",
		TEXT("null"))
		.at;
}

static void order_released(struct request *rq, const struct order_moved *moved)
{
	(void)moved;
	rejection_reply(rq);
}

static void offer_rejected(struct request *rq, const struct db_result *result)
{
	if (!db_bool(result, 0, OFFER_REJECT_REJECTED))
		return reply_error(rq, E_CANNOT_MOVE);
	rejection_reply(rq);
}

static void offer_reject_write(struct request *rq, const struct db_record *target)
{
	struct text id = db_record_text(target, ORDER_ROW_ID);
	const char *order = arena_copy(rq->arena, id.at, id.len);
	const char *offer = request_id_new(rq, "off_");
	struct db_texts states;

	if (!offer || !order)
		return reply_error(rq, E_NO_MEMORY);
	if (!order_states_param(rq, offerable_states(target), &states))
		return;
	sql_write(rq, offer_reject, offer_rejected,
		&(struct offer_reject){ .order_id = order,
			.rider_id = rq->caller.id,
			.reason = body_text(rq, "reason"),
			.offer = offer,
			.states = states,
			.key = rq->idempotency_key,
			.fingerprint = rq->fingerprint,
			.reply = rejection_reply_body(rq) });
}

/* The rider's own order is given back. An order that was, or may be, offered is hidden from the
 * rider. */
static void rejected_order_read(struct request *rq, const struct db_result *result)
{
	struct db_record order;

	if (!party_order_read(result, &order))
		return reply_error(rq, E_ORDER_NOT_FOUND);
	if (order_is_riders(rq, &order))
		return rider_order_act(rq, ACT_RELEASE, body_text(rq, "reason"),
			rejection_reply_body(rq), order_released);
	offer_reject_write(rq, &order);
}

static void rider_order_reject(struct request *rq)
{
	rider_order_query(rq, DB_WRITE, rejected_order_read);
}

/* --- Issues ----------------------------------------------------------------------------------- */

static void issue_added(struct request *rq, const struct db_result *result)
{
	struct text outcome;

	if (!outcome_or_reply(rq, result, &outcome))
		return;
	if (!text_is(outcome, TEXT("REPORTED")))
		return reply_error(rq, error_from_name(outcome.at, outcome.len));
	reply_data(rq, db_text(result, 0, RIDER_ISSUE_ADD_ISSUE));
}

static void rider_issue_post(struct request *rq)
{
	const char *id = request_id_new(rq, "iss_");

	if (!id)
		return reply_error(rq, E_NO_MEMORY);
	sql_try_write(rq, rider_issue_add, issue_added,
		&(struct rider_issue_add){ .id = id,
			.order = rq->params[0],
			.rider_id = rq->caller.id,
			.type = body_text(rq, "issueType"),
			.description = body_text(rq, "description"),
			.photo = body_text(rq, "photo"),
			.occurred_at = body_text(rq, "occurredAt"),
			.key = rq->idempotency_key,
			.fingerprint = rq->fingerprint });
}

const struct route rider_order_routes[] = {
	{ GET, "/orders/active", .operation = "listActiveDeliveries",
		.aliases = "/deliveries/active", .access = RIDER_ACCOUNT, .reply = order_fields,
		.shape = REPLY_ARRAY, .run = rider_active_list,
		.summary = "The rider's active orders" },
	{ GET, "/orders/history", .operation = "listDeliveryHistory",
		.aliases = "/deliveries/history", .access = RIDER_ACCOUNT, .query = page_fields,
		.reply = order_list_fields, .run = rider_orders_history,
		.summary = "All orders of the rider, newest first" },
	{ GET, "/orders/:orderId", .operation = "getDelivery", .aliases = "/deliveries/:orderId",
		.access = RIDER_ACCOUNT, .reply = order_fields,
		.errors = { E_ORDER_NOT_FOUND, E_ORDER_NOT_OWNER }, .run = rider_order_get,
		.summary = "One order: the rider's own, or one that the rider may accept" },
	{ POST, "/orders/:orderId/accept", .operation = "acceptDelivery",
		.aliases = "/deliveries/:orderId/accept", .access = RIDER_READY, .any_write = true,
		.idempotent = true, .body = accept_body, .reply = order_fields,
		.errors = { E_ORDER_NOT_FOUND, E_ORDER_TAKEN, E_CANNOT_MOVE, E_RIDER_OFFLINE },
		.run = rider_order_accept, .summary = "Accept an order; only one rider succeeds" },
	{ PUT, "/orders/:orderId/reject", .operation = "rejectDelivery",
		.aliases = "/deliveries/:orderId/reject", .access = RIDER_READY, .any_write = true,
		.idempotent = true, .body = reject_body, .shape = REPLY_MESSAGE,
		.errors = { E_ORDER_NOT_FOUND, E_CANNOT_MOVE }, .run = rider_order_reject,
		.summary = "Give an order back, or decline an offer for good" },
	{ POST, "/orders/:orderId/arrive-pickup", .operation = "arriveAtPickup",
		.aliases = "/deliveries/:orderId/arrive-pickup", .access = RIDER_READY,
		.any_write = true, .idempotent = true, .body = arrive_body, .reply = order_fields,
		.errors = { E_ORDER_NOT_FOUND, E_ORDER_NOT_OWNER, E_CANNOT_MOVE },
		.run = rider_arrive_pickup, .summary = "Report arrival at the pickup location" },
	{ POST, "/orders/:orderId/confirm-pickup", .operation = "confirmPickup",
		.aliases =
			"/orders/:orderId/pickup-complete "
			"/deliveries/:orderId/confirm-pickup /deliveries/:orderId/pickup-complete",
		.access = RIDER_READY, .any_write = true, .idempotent = true, .body = pickup_body,
		.reply = order_fields,
		.errors = { E_ORDER_NOT_FOUND, E_ORDER_NOT_OWNER, E_CANNOT_MOVE },
		.run = rider_confirm_pickup, .summary = "Confirm the pickup" },
	{ POST, "/orders/:orderId/arrive-delivery", .operation = "arriveAtDelivery",
		.aliases =
			"/orders/:orderId/arrive-dropoff "
			"/deliveries/:orderId/arrive-delivery /deliveries/:orderId/arrive-dropoff",
		.access = RIDER_READY, .any_write = true, .idempotent = true, .body = arrive_body,
		.reply = order_fields,
		.errors = { E_ORDER_NOT_FOUND, E_ORDER_NOT_OWNER, E_CANNOT_MOVE },
		.run = rider_arrive_delivery,
		.summary = "Report arrival at the delivery location" },
	{ POST, "/orders/:orderId/complete", .operation = "completeDelivery",
		.aliases = "/deliveries/:orderId/complete", .access = RIDER_READY,
		.any_write = true, .idempotent = true, .body = complete_body, .reply = order_fields,
		.errors = { E_ORDER_NOT_FOUND, E_ORDER_NOT_OWNER, E_CANNOT_MOVE,
			E_WRONG_DELIVERY_CODE },
		.run = rider_order_complete,
		.summary = "Complete the delivery; the order is settled" },
	{ POST, "/orders/:orderId/report-issue", .operation = "reportIssue",
		.aliases = "/deliveries/:orderId/report-issue", .access = RIDER_ACCOUNT,
		.created = true, .idempotent = true, .body = issue_body, .reply = issue_reply,
		.errors = { E_ORDER_NOT_FOUND, E_ORDER_NOT_OWNER }, .run = rider_issue_post,
		.summary = "Report an issue with an order" },
	ROUTE_END,
};
