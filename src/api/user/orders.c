/* SPDX-License-Identifier: MIT
 *
 * Orders of the customer: place (order_place.c), read, cancel.
 */
#include "reeyo/db/queries/orders.h"
#include "order_place.h"
#include "reeyo/api/order_acts.h"
#include "reeyo/api/order_fields.h"
#include "reeyo/api/pages.h"
#include "reeyo/api/user.h"
#include "reeyo/cache/geo.h"
#include "reeyo/core/clock.h"
#include "reeyo/core/json_writer.h"
#include "reeyo/db/queries/positions.h"
#include "reeyo/domain/pricing.h"

static const char *const payment_words[] = { "WALLET", "CASH", "MOBILE_MONEY", "CARD", "CAMPAY",
	NULL };
static const char *const package_categories[] = { "DOCUMENT", "PARCEL", "FRAGILE", "ELECTRONICS",
	"FOOD_ITEMS", "CLOTHING", "OTHER", NULL };

/* --- What comes in ---------------------------------------------------------------------------- */

static const struct field order_line_body[] = {
	{ "itemId", FIELD_ID, .required = true, .aliases = "menuItemId" },
	{ "quantity", FIELD_INT, .required = true, .min = 1, .max = LINE_QUANTITY_MAX },
	{ "notes", FIELD_TEXT, .lines = true, .max = 200, .aliases = "specialInstructions" },
	{ "variantId", FIELD_ANY, .aliases = "variant",
		.summary = "A variant of the item: its id or name, or {id}" },
	{ "addOns", FIELD_LIST, .max = LINE_CHOICES_MAX, .each = FIELD_ANY, .aliases = "addons",
		.summary = "Add-ons of the item: ids or names, or {id,quantity}" },
	FIELD_END,
};
static const struct field order_address_body[] = {
	{ "addressId", FIELD_ID, .aliases = "id", .summary = "Sent alone: id of a stored address" },
	{ "label", FIELD_TEXT, .max = 50 },
	{ "fullAddress", FIELD_TEXT, .min = 3, .max = 200, .aliases = "address street" },
	{ "city", FIELD_TEXT, .max = 80 },
	{ "coordinates", FIELD_POINT, .aliases = "location" },
	{ "lat", FIELD_NUMBER, .min = -90, .max = 90, .aliases = "latitude",
		.summary = "Instead of coordinates" },
	{ "lng", FIELD_NUMBER, .min = -180, .max = 180, .aliases = "longitude" },
	{ "instructions", FIELD_TEXT, .lines = true, .max = 500 },
	{ "contactName", FIELD_TEXT, .min = 2, .max = 100, .summary = "PACKAGE: required" },
	{ "contactPhone", FIELD_PHONE, .summary = "PACKAGE: required" },
	FIELD_END,
};
static const struct field package_body[] = {
	{ "category", FIELD_ENUM, .required = true, .words = package_categories },
	{ "weight", FIELD_NUMBER, .required = true, .above = true, .min = 0, .max = 50,
		.summary = "kg" },
	{ "description", FIELD_TEXT, .lines = true, .required = true, .min = 1, .max = 500 },
	{ "isFragile", FIELD_BOOL },
	FIELD_END,
};
static const struct field order_place_body[] = {
	{ "orderType", FIELD_ENUM, .words = order_type_words,
		.summary = "Default: the type of the vendor" },
	{ "vendorId", FIELD_ID, .summary = "FOOD and MART: required" },
	{ "items", FIELD_LIST, .min = 1, .max = ORDER_LINES_MAX, .of = order_line_body,
		.summary = "FOOD and MART: required; prices come from the menu" },
	{ "deliveryAddressId", FIELD_ID, .summary = "Id of a stored address" },
	{ "deliveryAddress", FIELD_OBJECT, .of = order_address_body,
		.summary = "Default: the default address of the account" },
	{ "packageDetails", FIELD_OBJECT, .of = package_body, .summary = "PACKAGE: required" },
	{ "pickupAddress", FIELD_OBJECT, .of = order_address_body, .summary = "PACKAGE: required" },
	{ "paymentMethod", FIELD_ENUM, .words = payment_words, .summary = "Default: WALLET" },
	{ "phone", FIELD_PHONE, .summary = "MOBILE_MONEY: the phone that pays" },
	{ "deliveryInstructions", FIELD_TEXT, .lines = true, .max = 500 },
	{ "notes", FIELD_TEXT, .lines = true, .max = 500 },
	FIELD_END,
};
static const struct field cancel_body[] = {
	{ "reason", FIELD_TEXT, .lines = true, .required = true, .min = 3, .max = 500 },
	FIELD_END,
};
static const struct field list_query[] = {
	ORDER_STATUS_FIELD,
	{ "orderType", FIELD_ENUM, .words = order_type_words },
	DAYS_FIELDS,
	PAGE_FIELDS,
	FIELD_END,
};

/* --- Lists ------------------------------------------------------------------------------------ */

static void customer_orders_listed(struct request *rq, const struct db_result *result)
{
	struct text orders;

	if (order_list_render(rq, result, ORDER_LIST_ORDERS, &order_user_document, &orders))
		reply_nested_page(rq, "orders", "totalOrders", orders, request_page(rq, 20),
			db_int(result, 0, ORDER_LIST_TOTAL));
}

static void customer_orders_list(struct request *rq)
{
	struct page page = request_page(rq, 20);
	struct db_texts states;

	if (!query_order_states(rq, &states))
		return;
	sql_read(rq, order_list, customer_orders_listed,
		&(struct order_list){ .user_id = rq->caller.id,
			.states = states,
			.type = query_text(rq, "orderType"),
			.from = query_day_bound(rq, "startDate", "00:00"),
			.before = query_day_bound(rq, "endDate", "24:00"),
			.limit = page.limit,
			.offset = page.offset });
}

static void customer_orders_history(struct request *rq)
{
	struct page page = request_page(rq, 20);

	sql_read(rq, order_list, customer_orders_listed,
		&(struct order_list){
			.user_id = rq->caller.id, .limit = page.limit, .offset = page.offset });
}

static void customer_active_listed(struct request *rq, const struct db_result *result)
{
	struct text orders;

	if (order_list_render(rq, result, ORDER_ACTIVE_ORDERS, &order_user_document, &orders))
		reply_data(rq, orders);
}

static void customer_active_list(struct request *rq)
{
	sql_read(rq, order_active, customer_active_listed,
		&(struct order_active){ .user_id = rq->caller.id });
}

/* --- One -------------------------------------------------------------------------------------- */

/* location: the rider's location as JSON; absent when the rider has never reported one. */
static void reply_with_rider_location(struct request *rq, struct text location)
{
	struct text order = *(struct text *)rq->state;
	struct buf out = buf_in(rq->arena, order.len + 256);

	if (!location.at)
		return reply_data(rq, order);
	buf_add(&out, order.at, order.len - 1);
	buf_add_string(&out, ",\"riderLocation\":");
	buf_add_text(&out, location);
	buf_add_string(&out, "}");
	if (!buf_string(&out))
		return reply_error(rq, E_NO_MEMORY);
	reply_data(rq, (struct text){ out.at, out.len });
}

struct order_with_rider {
	struct text order; /* the reply without riderLocation */
	struct request *rq;
	const char *rider;
};

static void rider_location_read(struct request *rq, const struct db_result *result)
{
	reply_with_rider_location(rq, db_rows(result) ? db_text(result, 0, 0) : TEXT_NONE);
}

static void rider_location_found(
	void *owner, int error, unsigned count, const struct geo_rider *riders)
{
	struct order_with_rider *location = owner;
	struct request *rq = location->rq;
	char time[CLOCK_ISO_SIZE];
	struct buf out;
	struct json_writer json;

	if (!request_release(rq))
		return;
	if (error || !count)
		return sql_read(rq, rider_location, rider_location_read,
			&(struct rider_location){ .rider_id = location->rider });
	clock_iso(riders->seen_ms, time);
	out = buf_in(rq->arena, 192);
	json = json_write_to(&out);
	json_write_object(&json);
	json_write_member_decimal(&json, "latitude", riders->lat, 6);
	json_write_member_decimal(&json, "longitude", riders->lng, 6);
	json_write_member_decimal(&json, "lat", riders->lat, 6);
	json_write_member_decimal(&json, "lng", riders->lng, 6);
	json_write_member_string(&json, "timestamp", time);
	json_write_member_string(&json, "updatedAt", time);
	json_write_object_end(&json);
	reply_with_rider_location(rq, text_of(json_write_finish(&json)));
}

/* Redis has the latest location; the rider's row is up to 30 s behind. */
static void rider_location_find(struct request *rq, struct order_with_rider *location)
{
	location->rq = rq;
	rq->state = location;
	request_hold(rq);
	if (geo_find(rq->app->cache, location->rider, rider_location_found, location) == 0)
		return;
	if (request_release(rq))
		sql_read(rq, rider_location, rider_location_read,
			&(struct rider_location){ .rider_id = location->rider });
}

static bool order_is_final(const struct db_record *order)
{
	struct text status = db_record_text(order, ORDER_ROW_STATUS);

	return text_is(status, TEXT("DELIVERED")) || text_is(status, TEXT("CANCELLED"));
}

static void order_with_rider_reply(struct request *rq, const struct db_record *order)
{
	struct order_with_rider *shown = ARENA_NEW(rq->arena, struct order_with_rider);
	struct text rider = db_record_text(order, ORDER_ROW_RIDER_ID);

	if (shown) {
		shown->order = document_json(rq->arena, &order_user_document, order);
		shown->rider = arena_copy(rq->arena, rider.at, rider.len);
	}
	if (!shown || !shown->order.at || !shown->rider)
		return reply_error(rq, E_NO_MEMORY);
	rider_location_find(rq, shown);
}

/* order_get and order_get_numbered have the same columns. */
static void customer_order_reply(struct request *rq, const struct db_result *result)
{
	struct db_record order;

	if (db_rows(result) == 0)
		return reply_error(rq, E_ORDER_NOT_FOUND);
	if (!db_record(result, 0, ORDER_GET_ORDER, &record_order_user_row, &order))
		return reply_error(rq, E_INTERNAL);
	if (!text_is(db_record_text(&order, ORDER_ROW_USER_ID), text_of(rq->caller.id)))
		return reply_error(rq, E_ORDER_NOT_OWNER);
	if (!order.values[ORDER_ROW_RIDER_ID].at || order_is_final(&order))
		return reply_document(rq, &order_user_document, &order);
	order_with_rider_reply(rq, &order);
}

/* An order number has a dash as its second character; an id never has. */
static void customer_order_query(struct request *rq, enum db_lane lane, sql_done *done)
{
	const char *key = rq->params[0];

	if (key[0] && key[1] == '-')
		SQL_RUN(rq, lane, order_get_numbered, false, done,
			&(struct order_get_numbered){ .number = key });
	else
		SQL_RUN(rq, lane, order_get, false, done, &(struct order_get){ .order_id = key });
}

/* A replica may not have a new order yet, so the primary is read too before the 404. */
static void customer_order_read(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0 && rq->app->config->replica_url[0])
		return customer_order_query(rq, DB_WRITE, customer_order_reply);
	customer_order_reply(rq, result);
}

static void customer_order_get(struct request *rq)
{
	customer_order_query(rq, DB_READ, customer_order_read);
}

/* --- Cancel ----------------------------------------------------------------------------------- */

static void customer_order_cancel(struct request *rq)
{
	const struct order_act_request act = { .act = ACT_CANCEL,
		.by = BY_USER,
		.order = rq->params[0],
		.note = body_text(rq, "reason") };

	order_act(rq, &act, NULL);
}

const struct route user_order_routes[] = {
	{ POST, "/orders", .operation = "placeOrder", .access = CUSTOMER_VERIFIED,
		.body = order_place_body, .reply = order_fields, .created = true,
		.idempotent = true, .body_limit = 262144,
		.errors = { E_VENDOR_NOT_FOUND, E_VENDOR_OFFLINE, E_BELOW_MINIMUM, E_ITEM_NOT_FOUND,
			E_ITEM_UNAVAILABLE, E_OUT_OF_STOCK, E_PRICE_CHANGED, E_WALLET_SHORT,
			E_DUPLICATE_ORDER, E_SERVICE_OFF, E_PAYMENT_DOWN, E_PAYMENT_REFUSED,
			E_PAYMENTS_WAIT, E_ADDRESS_NOT_FOUND },
		.run = place_order,
		.summary = "Place an order, from a vendor's menu or for a parcel" },
	{ GET, "/orders", .operation = "listOrders", .access = CUSTOMER, .query = list_query,
		.reply = order_list_fields, .run = customer_orders_list,
		.summary = "The customer's orders, newest first" },
	{ GET, "/orders/active", .operation = "listActiveOrders", .access = CUSTOMER,
		.reply = order_fields, .shape = REPLY_ARRAY, .run = customer_active_list,
		.summary = "Orders that are neither delivered nor cancelled" },
	{ GET, "/orders/history", .operation = "listOrderHistory", .access = CUSTOMER,
		.query = page_fields, .reply = order_list_fields, .run = customer_orders_history,
		.summary = "All orders, newest first" },
	{ GET, "/orders/:orderId", .operation = "getOrder", .access = CUSTOMER,
		.reply = order_fields, .errors = { E_ORDER_NOT_FOUND, E_ORDER_NOT_OWNER },
		.run = customer_order_get, .summary = "One order, by id or number" },
	{ PUT, "/orders/:orderId/cancel", .operation = "cancelOrder", .access = CUSTOMER,
		.any_write = true, .idempotent = true, .body = cancel_body, .reply = order_fields,
		.errors = { E_ORDER_NOT_FOUND, E_ORDER_NOT_OWNER, E_CANNOT_CANCEL },
		.run = customer_order_cancel,
		.summary = "Cancel an order that is not being prepared yet; "
			   "the payment is refunded" },
	ROUTE_END,
};
