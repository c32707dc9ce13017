/* SPDX-License-Identifier: MIT
 *
 * The Order object of replies, and the filters of lists of orders. Customers, vendors and riders
 * share them.
 */
#include "reeyo/api/order_fields.h"

#include <stdio.h>

#include "reeyo/api/pages.h"
#include "reeyo/api/settings.h"
#include "reeyo/domain/order.h"

static const struct field option_fields[] = {
	{ "id", FIELD_ID, .required = true },
	{ "name", FIELD_TEXT, .required = true },
	{ "price", FIELD_MONEY, .required = true, .summary = "Per unit" },
	{ "quantity", FIELD_INT, .required = true, .summary = "Per unit of the item" },
	FIELD_END,
};
static const struct field line_fields[] = { { "itemId", FIELD_ID, .required = true },
	{ "name", FIELD_TEXT, .required = true }, { "quantity", FIELD_INT, .required = true },
	{ "price", FIELD_MONEY, .required = true }, { "notes", FIELD_TEXT, .nullable = true },
	{ "specialInstructions", FIELD_TEXT, .nullable = true },
	{ "image", FIELD_TEXT, .nullable = true },
	{ "options", FIELD_LIST, .of = option_fields,
		.summary = "Chosen variant and add-ons; `price` includes them" },
	FIELD_END_TITLED("OrderLine") };
static const struct field pricing_fields[] = {
	{ "subtotal", FIELD_MONEY, .required = true, .column = ORDER_ROW_SUBTOTAL },
	{ "deliveryFee", FIELD_MONEY, .required = true, .column = ORDER_ROW_DELIVERY_FEE },
	{ "serviceFee", FIELD_MONEY, .required = true, .column = ORDER_ROW_SERVICE_FEE },
	{ "discount", FIELD_MONEY, .required = true, .column = ORDER_ROW_DISCOUNT },
	{ "total", FIELD_MONEY, .required = true, .column = ORDER_ROW_TOTAL },
	FIELD_END,
};
static const struct field pickup_location_fields[] = {
	{ "address", FIELD_TEXT, .required = true, .column = ORDER_ROW_PICKUP_TEXT },
	{ "coordinates", FIELD_POINT, .required = true, .column = ORDER_ROW_PICKUP_LAT },
	FIELD_END,
};
static const struct field flat_pickup_fields[] = {
	{ "lat", FIELD_NUMBER, .required = true, .column = ORDER_ROW_PICKUP_LAT },
	{ "lng", FIELD_NUMBER, .required = true, .column = ORDER_ROW_PICKUP_LNG },
	{ "address", FIELD_TEXT, .required = true, .column = ORDER_ROW_PICKUP_TEXT },
	FIELD_END,
};
static const struct field delivery_location_fields[] = {
	{ "address", FIELD_TEXT, .required = true, .column = ORDER_ROW_DELIVERY_TEXT },
	{ "coordinates", FIELD_POINT, .required = true, .column = ORDER_ROW_DELIVERY_LAT },
	FIELD_END,
};
static const struct field flat_delivery_fields[] = {
	{ "lat", FIELD_NUMBER, .required = true, .column = ORDER_ROW_DELIVERY_LAT },
	{ "lng", FIELD_NUMBER, .required = true, .column = ORDER_ROW_DELIVERY_LNG },
	{ "address", FIELD_TEXT, .required = true, .column = ORDER_ROW_DELIVERY_TEXT },
	FIELD_END,
};
static const struct field locations_fields[] = {
	{ "pickup", FIELD_OBJECT, .required = true, .of = flat_pickup_fields },
	{ "dropoff", FIELD_OBJECT, .required = true, .of = flat_delivery_fields },
	FIELD_END,
};
static const struct field photos_fields[] = {
	{ "pickup", FIELD_LIST, .required = true, .column = ORDER_ROW_PICKUP_PHOTOS,
		.each = FIELD_TEXT },
	{ "delivery", FIELD_LIST, .required = true, .column = ORDER_ROW_DELIVERY_PHOTOS,
		.each = FIELD_TEXT },
	FIELD_END,
};
static const struct field timeline_fields[] = { { "status", FIELD_ENUM, .required = true,
							.words = order_status_words },
	{ "timestamp", FIELD_TIME, .required = true }, { "by", FIELD_TEXT, .required = true },
	{ "note", FIELD_TEXT },
	{ "location", FIELD_POINT, .summary = "Location of the act, if it was sent" },
	FIELD_END_TITLED("TimelineEntry") };
static const struct field stars_fields[] = {
	{ "stars", FIELD_INT, .required = true },
	{ "rating", FIELD_INT, .required = true },
	{ "review", FIELD_TEXT, .nullable = true },
	{ "ratedAt", FIELD_TIME, .required = true },
	FIELD_END,
};
static const struct field rating_fields[] = {
	{ "stars", FIELD_INT, .required = true,
		.summary = "The vendor's; of a parcel the rider's" },
	{ "rating", FIELD_INT, .required = true, .summary = "The same" },
	{ "review", FIELD_TEXT, .nullable = true },
	{ "ratedAt", FIELD_TIME, .required = true },
	{ "vendorRating", FIELD_OBJECT, .of = stars_fields },
	{ "riderRating", FIELD_OBJECT, .of = stars_fields },
	FIELD_END,
};
static const struct field rider_location_fields[] = {
	{ "latitude", FIELD_NUMBER, .required = true },
	{ "longitude", FIELD_NUMBER, .required = true },
	{ "lat", FIELD_NUMBER, .required = true },
	{ "lng", FIELD_NUMBER, .required = true },
	{ "timestamp", FIELD_TIME, .required = true },
	{ "updatedAt", FIELD_TIME, .required = true },
	FIELD_END,
};
const struct field order_fields[] = { { "orderId", FIELD_ID, .required = true,
					      .column = ORDER_ROW_ID },
	{ "orderNumber", FIELD_TEXT, .required = true, .column = ORDER_ROW_ORDER_NUMBER },
	{ "orderType", FIELD_ENUM, .required = true, .column = ORDER_ROW_ORDER_TYPE,
		.words = order_type_words },
	{ "status", FIELD_ENUM, .required = true, .column = ORDER_ROW_STATUS,
		.words = order_status_words },
	{ "userId", FIELD_ID, .required = true, .column = ORDER_ROW_USER_ID },
	{ "userName", FIELD_TEXT, .required = true, .column = ORDER_ROW_USER_NAME },
	{ "userPhone", FIELD_TEXT, .required = true, .column = ORDER_ROW_USER_PHONE },
	{ "vendorId", FIELD_ID, .column = ORDER_ROW_VENDOR_ID, .nullable = true },
	{ "vendorName", FIELD_TEXT, .column = ORDER_ROW_VENDOR_NAME, .nullable = true },
	{ "riderId", FIELD_ID, .column = ORDER_ROW_RIDER_ID, .nullable = true },
	{ "riderName", FIELD_TEXT, .column = ORDER_ROW_RIDER_NAME, .nullable = true },
	{ "riderPhone", FIELD_TEXT, .column = ORDER_ROW_RIDER_PHONE, .nullable = true },
	{ "items", FIELD_LIST, .required = true, .column = ORDER_ROW_ITEMS, .of = line_fields },
	{ "packageDetails", FIELD_OBJECT, .column = ORDER_ROW_PACKAGE_DETAILS, .nullable = true },
	{ "subtotal", FIELD_MONEY, .required = true, .column = ORDER_ROW_SUBTOTAL },
	{ "deliveryFee", FIELD_MONEY, .required = true, .column = ORDER_ROW_DELIVERY_FEE },
	{ "serviceFee", FIELD_MONEY, .required = true, .column = ORDER_ROW_SERVICE_FEE },
	{ "discount", FIELD_MONEY, .required = true, .column = ORDER_ROW_DISCOUNT },
	{ "total", FIELD_MONEY, .required = true, .column = ORDER_ROW_TOTAL },
	{ "pricing", FIELD_OBJECT, .required = true, .of = pricing_fields },
	{ "currency", FIELD_TEXT, .required = true, .fixed = "XAF" },
	{ "distance", FIELD_NUMBER, .required = true, .column = ORDER_ROW_DISTANCE,
		.summary = "km" },
	{ "paymentMethod", FIELD_ENUM, .required = true, .column = ORDER_ROW_PAYMENT_METHOD,
		.words = payment_method_words },
	{ "paymentStatus", FIELD_TEXT, .required = true, .column = ORDER_ROW_PAYMENT_STATUS },
	{ "paymentReference", FIELD_TEXT, .column = ORDER_ROW_PAYMENT_REFERENCE, .nullable = true },
	{ "deliveryAddress", FIELD_OBJECT, .required = true, .column = ORDER_ROW_DELIVERY_ADDRESS },
	{ "deliveryInstructions", FIELD_TEXT, .column = ORDER_ROW_DELIVERY_INSTRUCTIONS,
		.nullable = true },
	{ "pickupAddress", FIELD_OBJECT, .column = ORDER_ROW_PICKUP_ADDRESS, .nullable = true },
	{ "pickupLocation", FIELD_OBJECT, .required = true, .of = pickup_location_fields },
	{ "deliveryLocation", FIELD_OBJECT, .required = true, .of = delivery_location_fields },
	{ "locations", FIELD_OBJECT, .required = true, .of = locations_fields },
	{ "notes", FIELD_TEXT, .column = ORDER_ROW_NOTES, .nullable = true },
	{ "preparationTime", FIELD_INT, .column = ORDER_ROW_PREPARATION_TIME, .nullable = true },
	{ "estimatedDeliveryTime", FIELD_TIME, .column = ORDER_ROW_ESTIMATED_DELIVERY_AT,
		.nullable = true },
	{ "cancelReason", FIELD_TEXT, .column = ORDER_ROW_CANCEL_REASON, .nullable = true },
	{ "cancelledBy", FIELD_TEXT, .column = ORDER_ROW_CANCELLED_BY, .nullable = true },
	{ "rejectionReason", FIELD_TEXT, .column = ORDER_ROW_REJECTION_REASON, .nullable = true },
	{ "rating", FIELD_OBJECT, .column = ORDER_ROW_RATING, .nullable = true,
		.of = rating_fields },
	{ "photos", FIELD_OBJECT, .required = true, .of = photos_fields },
	{ "timeline", FIELD_LIST, .required = true, .column = ORDER_ROW_TIMELINE,
		.of = timeline_fields },
	{ "createdAt", FIELD_TIME, .required = true, .column = ORDER_ROW_CREATED_AT },
	{ "updatedAt", FIELD_TIME, .required = true, .column = ORDER_ROW_UPDATED_AT },
	{ "acceptedAt", FIELD_TIME, .column = ORDER_ROW_ACCEPTED_AT, .nullable = true },
	{ "preparingAt", FIELD_TIME, .column = ORDER_ROW_PREPARING_AT, .nullable = true },
	{ "readyAt", FIELD_TIME, .column = ORDER_ROW_READY_AT, .nullable = true },
	{ "riderAssignedAt", FIELD_TIME, .column = ORDER_ROW_RIDER_ASSIGNED_AT, .nullable = true },
	{ "arrivedAtPickupAt", FIELD_TIME, .column = ORDER_ROW_ARRIVED_AT_PICKUP_AT,
		.nullable = true },
	{ "pickedUpAt", FIELD_TIME, .column = ORDER_ROW_PICKED_UP_AT, .nullable = true },
	{ "arrivedAtDeliveryAt", FIELD_TIME, .column = ORDER_ROW_ARRIVED_AT_DELIVERY_AT,
		.nullable = true },
	{ "deliveredAt", FIELD_TIME, .column = ORDER_ROW_DELIVERED_AT, .nullable = true },
	{ "cancelledAt", FIELD_TIME, .column = ORDER_ROW_CANCELLED_AT, .nullable = true },
	{ "verificationCode", FIELD_TEXT, .column = ORDER_USER_ROW_VERIFICATION_CODE,
		.nullable = true, .summary = "The code to give to the rider" },
	{ "riderLocation", FIELD_OBJECT, .of = rider_location_fields,
		.summary = "Once a rider is assigned" },
	FIELD_END_RECORD("Order", record_order_user_row) };

static const struct field order_pagination_fields[] = {
	PAGINATION_FIELDS("totalOrders"),
	FIELD_END,
};
const struct field order_list_fields[] = {
	{ "orders", FIELD_LIST, .required = true, .of = order_fields },
	{ "pagination", FIELD_OBJECT, .required = true, .of = order_pagination_fields },
	FIELD_END,
};

struct document order_document = { &record_order_row, order_fields, NULL };
struct document order_user_document = { &record_order_user_row, order_fields, NULL };

bool order_list_render(struct request *rq, const struct db_result *result, unsigned column,
	struct document *document, struct text *ret)
{
	*ret = document_list_json(rq->arena, document, db_records(result, 0, column));
	if (!ret->at)
		reply_error(rq, E_NO_MEMORY);
	return ret->at != NULL;
}

bool order_states_param(struct request *rq, unsigned states, struct db_texts *ret)
{
	const char **words = states ? arena_alloc(rq->arena, ORDER_STATUSES * sizeof(*words))
				    : NULL;

	*ret = (struct db_texts){ 0 };
	if (words)
		*ret = (struct db_texts){ words, order_states_list(states, words) };
	else if (states)
		reply_error(rq, E_NO_MEMORY);
	return words || !states;
}

bool query_status_words(
	struct request *rq, order_word_parse *parse, void *arg, struct db_texts *ret)
{
	struct text words = text_of(query_text(rq, "status"));
	unsigned all = 0, states;
	char word[40];

	*ret = (struct db_texts){ 0 };
	while (words.at) {
		struct text one = text_trim(text_cut(&words, ','));

		snprintf(word, sizeof(word), "%.*s", TEXT_ARGS(one));
		if (!parse(word, arg, &states)) {
			reply_field(rq, "status", "must be an order status or ACTIVE",
				"doit être un statut de commande ou ACTIVE");
			return false;
		}
		all |= states;
	}
	return order_states_param(rq, all, ret);
}

static bool order_word_states(const char *word, void *arg, unsigned *ret)
{
	(void)arg;
	return order_states_parse(word, ret);
}

bool query_order_states(struct request *rq, struct db_texts *ret)
{
	return query_status_words(rq, order_word_states, NULL, ret);
}

const char *query_day_bound(struct request *rq, const char *name, const char *clock)
{
	const char *zone = settings_text(rq->app->settings, SETTING_TIME_ZONE);
	const char *day = query_text(rq, name);

	return day ? arena_printf(rq->arena, "%s %s %s", day, clock, zone) : NULL;
}
