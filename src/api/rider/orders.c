/* SPDX-License-Identifier: MIT
 *
 * Orders as riders carry them: take, refuse, give back, the steps on the way, and what went wrong.
 * A phone without network may send its acts later (occurredAt) and again (Idempotency-Key).
 */
#include "reeyo/api/order_acts.h"
#include "reeyo/api/order_shown.h"
#include "reeyo/api/pages.h"
#include "reeyo/api/rider.h"

static const char *const issue_words[] = { "CUSTOMER_NOT_AVAILABLE", "WRONG_ADDRESS",
	"DAMAGED_ITEMS", "OTHER", NULL };

/* --- What comes in ---------------------------------------------------------------------------- */

static const struct field accept_body[] = {
	{ "estimatedArrivalTime", FIELD_ANY, .does = "Read and ignored" },
	ACT_FIELDS,
	FIELD_END
};
static const struct field reject_body[] = {
	{ "reason", FIELD_TEXT, .lines = true, .required = true, .min = 3, .max = 500 },
	ACT_FIELDS,
	FIELD_END
};
static const struct field arrive_body[] = {
	{ "notes", FIELD_TEXT, .lines = true, .max = 500, .also = "note" },
	ACT_FIELDS,
	FIELD_END
};
static const struct field pickup_body[] = {
	{ "pickupPhoto", FIELD_URL_OR_ID, .also = "photo", .does = "Its address or id" },
	{ "notes", FIELD_TEXT, .lines = true, .max = 500, .also = "note" },
	ACT_FIELDS,
	FIELD_END
};
static const struct field complete_body[] = {
	{ "verificationCode", FIELD_DIGITS, .min = 4, .max = 6, .also = "code",
		.does = "What the customer tells; asked for when "
			"delivery.verification_code is on" },
	{ "deliveryPhoto", FIELD_URL_OR_ID, .also = "photo", .does = "Its address or id" },
	{ "notes", FIELD_TEXT, .lines = true, .max = 500, .also = "note" },
	ACT_FIELDS,
	FIELD_END
};
static const struct field issue_body[] = {
	{ "issueType", FIELD_ENUM, .required = true, .words = issue_words, .also = "type" },
	{ "description", FIELD_TEXT, .lines = true, .required = true, .min = 3, .max = 500 },
	{ "photo", FIELD_URL_OR_ID, .does = "Its address or id" },
	{ "occurredAt", FIELD_TIME, .does = "When it was, if not now" },
	FIELD_END
};

/* --- What goes out ---------------------------------------------------------------------------- */

static const struct field pagination_fields[] = { PAGINATION_FIELDS("totalOrders"), FIELD_END };
static const struct field orders_fields[] = {
	{ "orders", FIELD_LIST, .required = true, .of = order_fields },
	{ "pagination", FIELD_OBJECT, .required = true, .of = pagination_fields },
	FIELD_END
};

static const struct field issue_reply[] = {
	{ "issueId", FIELD_ID, .required = true }, { "orderId", FIELD_ID, .required = true },
	{ "riderId", FIELD_ID, .required = true },
	{ "issueType", FIELD_ENUM, .required = true, .words = issue_words },
	{ "description", FIELD_TEXT, .required = true }, { "photo", FIELD_TEXT, .nullable = true },
	{ "status", FIELD_TEXT, .required = true }, { "occurredAt", FIELD_TIME, .required = true },
	{ "createdAt", FIELD_TIME, .required = true }, FIELD_END
};

/* --- Lists ------------------------------------------------------------------------------------ */

static void active_listed(struct request *rq, const struct db_result *result)
{
	reply_data(rq, db_text(result, 0, 0));
}

static void active_orders(struct request *rq)
{
	sql_read(rq, rider_order_active, active_listed, rq->caller.id);
}

static void listed(struct request *rq, const struct db_result *result)
{
	reply_nested_page(rq, "orders", "totalOrders", db_text(result, 0, 1), request_page(rq, 20),
		db_int(result, 0, 0));
}

static void history(struct request *rq)
{
	struct page page = request_page(rq, 20);

	sql_read(rq, rider_order_list, listed, rq->caller.id, arg_int(rq, page.limit),
		arg_int(rq, page.offset));
}

/* --- One -------------------------------------------------------------------------------------- */

/* States in which an order of this row's type has no rider yet and may get one. */
static unsigned offerable_states(const struct db_result *result)
{
	bool parcel = text_is(db_text(result, 0, 6), TEXT("PACKAGE"));

	return order_states_before(parcel ? PACKAGE : FOOD, ACT_ASSIGN, BY_RIDER);
}

static bool offerable(struct request *rq, const struct db_result *result)
{
	struct text status = db_text(result, 0, 7);
	int named = order_status_named(arena_copy(rq->arena, status.at, status.len));

	return db_bool(result, 0, 5) && named >= 0 && (offerable_states(result) & STATE(named));
}

static bool is_mine(const struct request *rq, const struct db_result *result)
{
	return !db_is_null(result, 0, 1) && text_is(db_text(result, 0, 1), text_of(rq->caller.id));
}

static void order_read(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0 || !db_bool(result, 0, 2))
		return reply_error(rq, E_ORDER_NOT_FOUND);
	if (!is_mine(rq, result) && !offerable(rq, result))
		return reply_error(rq, E_ORDER_NOT_OWNER);
	reply_data(rq, db_text(result, 0, 3));
}

/* A replica may not have heard yet of the order that was just taken. */
static void order_looked_up(struct request *rq, const struct db_result *result)
{
	bool sure = db_rows(result) > 0 && (is_mine(rq, result) || offerable(rq, result));

	if (!sure && rq->app->config->replica_url[0])
		return sql_write(rq, order_get_party, order_read, rq->params[0], rq->caller.id);
	order_read(rq, result);
}

static void get_order(struct request *rq)
{
	sql_read(rq, order_get_party, order_looked_up, rq->params[0], rq->caller.id);
}

/* --- Steps ------------------------------------------------------------------------------------ */

static void step(struct request *rq, enum order_act what, const char *note, const char *answer,
	order_act_done *done)
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
			.place = act_place(rq),
			.answer = answer },
		done);
}

static void accept_order(struct request *rq)
{
	step(rq, ACT_ASSIGN, NULL, NULL, NULL);
}

static void arrive_pickup(struct request *rq)
{
	step(rq, ACT_ARRIVE_PICKUP, body_text(rq, "notes"), NULL, NULL);
}

static void confirm_pickup(struct request *rq)
{
	step(rq, ACT_PICK_UP, body_text(rq, "notes"), NULL, NULL);
}

static void arrive_delivery(struct request *rq)
{
	step(rq, ACT_ARRIVE_DELIVERY, body_text(rq, "notes"), NULL, NULL);
}

static void complete_order(struct request *rq)
{
	step(rq, ACT_COMPLETE, body_text(rq, "notes"), NULL, NULL);
}

/* --- Refusing --------------------------------------------------------------------------------- */

static void refused(struct request *rq)
{
	reply_message(rq, "The order is not offered to you any more",
		"La commande ne vous est plus proposée");
}

/* The same, as it is kept with a key. */
static const char *refusal_kept(struct request *rq)
{
	return envelope(rq->arena,
		rq->french ? "La commande ne vous est plus proposée"
			   : "The order is not offered to you any more",
		TEXT("null"))
		.at;
}

static void released(struct request *rq, const struct order_moved *moved)
{
	(void)moved;
	refused(rq);
}

static void hidden(struct request *rq, const struct db_result *result)
{
	if (!db_bool(result, 0, 0))
		return reply_error(rq, E_CANNOT_MOVE);
	refused(rq);
}

static void hide(struct request *rq, const struct db_result *result)
{
	struct text id = db_text(result, 0, 4);
	char *states = arena_alloc(rq->arena, ORDER_STATES_SIZE);
	const char *row = request_id_new(rq, "off_");

	id.at = arena_copy(rq->arena, id.at, id.len);
	if (!states || !row || !id.at)
		return reply_error(rq, E_NO_MEMORY);
	order_states_text(offerable_states(result), states);
	sql_write(rq, offer_reject, hidden, id.at, rq->caller.id, body_text(rq, "reason"), row,
		states, rq->idempotency_key, rq->fingerprint, refusal_kept(rq));
}

/* An order that is his goes back; one that he was, or might be, asked for is hidden from him. */
static void reject_seen(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0 || !db_bool(result, 0, 2))
		return reply_error(rq, E_ORDER_NOT_FOUND);
	if (is_mine(rq, result))
		return step(rq, ACT_RELEASE, body_text(rq, "reason"), refusal_kept(rq), released);
	hide(rq, result);
}

static void reject_order(struct request *rq)
{
	sql_write(rq, order_get_party, reject_seen, rq->params[0], rq->caller.id);
}

/* --- What went wrong -------------------------------------------------------------------------- */

static int issue_error(struct text outcome)
{
	return text_is(outcome, TEXT("ORDER_NOT_FOUND")) ? E_ORDER_NOT_FOUND : E_ORDER_NOT_OWNER;
}

static void reported(struct request *rq, const struct db_result *result)
{
	struct text outcome;

	if (!outcome_take(rq, result, &outcome))
		return;
	if (!text_is(outcome, TEXT("REPORTED")))
		return reply_error(rq, issue_error(outcome));
	reply_data(rq, db_text(result, 0, 1));
}

static void report_issue(struct request *rq)
{
	const char *id = request_id_new(rq, "iss_");

	if (!id)
		return reply_error(rq, E_NO_MEMORY);
	sql_try_write(rq, rider_issue_add, reported, id, rq->params[0], rq->caller.id,
		body_text(rq, "issueType"), body_text(rq, "description"), body_text(rq, "photo"),
		body_text(rq, "occurredAt"), rq->idempotency_key, rq->fingerprint);
}

const struct route rider_order_routes[] = {
	{ GET, "/orders/active", .also = "/deliveries/active", .who = RIDER_ACCOUNT,
		.reply = order_fields, .shape = REPLY_ARRAY, .run = active_orders,
		.does = "What the rider carries now" },
	{ GET, "/orders/history", .also = "/deliveries/history", .who = RIDER_ACCOUNT,
		.query = page_fields, .reply = orders_fields, .run = history,
		.does = "All orders the rider has had, newest first" },
	{ GET, "/orders/:orderId", .also = "/deliveries/:orderId", .who = RIDER_ACCOUNT,
		.reply = order_fields, .errors = { E_ORDER_NOT_FOUND, E_ORDER_NOT_OWNER },
		.run = get_order, .does = "One order: the rider's own, or one he may take" },
	{ POST, "/orders/:orderId/accept", .also = "/deliveries/:orderId/accept",
		.who = RIDER_READY, .any_write = true, .idempotent = true, .body = accept_body,
		.reply = order_fields,
		.errors = { E_ORDER_NOT_FOUND, E_ORDER_TAKEN, E_CANNOT_MOVE, E_RIDER_OFFLINE },
		.run = accept_order, .does = "Take an order; of all who try one gets it" },
	{ PUT, "/orders/:orderId/reject", .also = "/deliveries/:orderId/reject", .who = RIDER_READY,
		.any_write = true, .idempotent = true, .body = reject_body, .shape = REPLY_MESSAGE,
		.errors = { E_ORDER_NOT_FOUND, E_CANNOT_MOVE }, .run = reject_order,
		.does = "Give an order back, or not be asked for it again" },
	{ POST, "/orders/:orderId/arrive-pickup", .also = "/deliveries/:orderId/arrive-pickup",
		.who = RIDER_READY, .any_write = true, .idempotent = true, .body = arrive_body,
		.reply = order_fields,
		.errors = { E_ORDER_NOT_FOUND, E_ORDER_NOT_OWNER, E_CANNOT_MOVE },
		.run = arrive_pickup, .does = "At the vendor's, or where the parcel is" },
	{ POST, "/orders/:orderId/confirm-pickup", .also = "/orders/:orderId/pickup-complete "
		"/deliveries/:orderId/confirm-pickup /deliveries/:orderId/pickup-complete",
		.who = RIDER_READY, .any_write = true, .idempotent = true, .body = pickup_body,
		.reply = order_fields,
		.errors = { E_ORDER_NOT_FOUND, E_ORDER_NOT_OWNER, E_CANNOT_MOVE },
		.run = confirm_pickup, .does = "The rider has it" },
	{ POST, "/orders/:orderId/arrive-delivery", .also = "/orders/:orderId/arrive-dropoff "
		"/deliveries/:orderId/arrive-delivery /deliveries/:orderId/arrive-dropoff",
		.who = RIDER_READY, .any_write = true, .idempotent = true, .body = arrive_body,
		.reply = order_fields,
		.errors = { E_ORDER_NOT_FOUND, E_ORDER_NOT_OWNER, E_CANNOT_MOVE },
		.run = arrive_delivery, .does = "At the customer's" },
	{ POST, "/orders/:orderId/complete", .also = "/deliveries/:orderId/complete",
		.who = RIDER_READY, .any_write = true, .idempotent = true, .body = complete_body,
		.reply = order_fields,
		.errors = { E_ORDER_NOT_FOUND, E_ORDER_NOT_OWNER, E_CANNOT_MOVE,
			E_WRONG_DELIVERY_CODE },
		.run = complete_order, .does = "Delivered; everybody gets his part" },
	{ POST, "/orders/:orderId/report-issue", .also = "/deliveries/:orderId/report-issue",
		.who = RIDER_ACCOUNT, .created = true, .idempotent = true, .body = issue_body,
		.reply = issue_reply, .errors = { E_ORDER_NOT_FOUND, E_ORDER_NOT_OWNER },
		.run = report_issue, .does = "Say what is wrong with an order" },
	ROUTE_END
};
