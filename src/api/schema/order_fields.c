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
	{ "subtotal", FIELD_MONEY, .required = true },
	{ "deliveryFee", FIELD_MONEY, .required = true },
	{ "serviceFee", FIELD_MONEY, .required = true },
	{ "discount", FIELD_MONEY, .required = true },
	{ "total", FIELD_MONEY, .required = true },
	FIELD_END,
};
static const struct field place_of_order_fields[] = {
	{ "address", FIELD_TEXT, .required = true },
	{ "coordinates", FIELD_POINT, .required = true },
	FIELD_END,
};
static const struct field flat_place_fields[] = {
	{ "lat", FIELD_NUMBER, .required = true },
	{ "lng", FIELD_NUMBER, .required = true },
	{ "address", FIELD_TEXT, .required = true },
	FIELD_END,
};
static const struct field locations_fields[] = {
	{ "pickup", FIELD_OBJECT, .required = true, .of = flat_place_fields },
	{ "dropoff", FIELD_OBJECT, .required = true, .of = flat_place_fields },
	FIELD_END,
};
static const struct field photos_fields[] = {
	{ "pickup", FIELD_LIST, .required = true, .each = FIELD_TEXT },
	{ "delivery", FIELD_LIST, .required = true, .each = FIELD_TEXT },
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
const struct field order_fields[] = { { "orderId", FIELD_ID, .required = true },
	{ "orderNumber", FIELD_TEXT, .required = true },
	{ "orderType", FIELD_ENUM, .required = true, .words = order_type_words },
	{ "status", FIELD_ENUM, .required = true, .words = order_status_words },
	{ "userId", FIELD_ID, .required = true }, { "userName", FIELD_TEXT, .required = true },
	{ "userPhone", FIELD_TEXT, .required = true }, { "vendorId", FIELD_ID, .nullable = true },
	{ "vendorName", FIELD_TEXT, .nullable = true }, { "riderId", FIELD_ID, .nullable = true },
	{ "riderName", FIELD_TEXT, .nullable = true },
	{ "riderPhone", FIELD_TEXT, .nullable = true },
	{ "items", FIELD_LIST, .required = true, .of = line_fields },
	{ "packageDetails", FIELD_OBJECT, .nullable = true },
	{ "subtotal", FIELD_MONEY, .required = true },
	{ "deliveryFee", FIELD_MONEY, .required = true },
	{ "serviceFee", FIELD_MONEY, .required = true },
	{ "discount", FIELD_MONEY, .required = true }, { "total", FIELD_MONEY, .required = true },
	{ "pricing", FIELD_OBJECT, .required = true, .of = pricing_fields },
	{ "currency", FIELD_TEXT, .required = true },
	{ "distance", FIELD_NUMBER, .required = true, .summary = "km" },
	{ "paymentMethod", FIELD_ENUM, .required = true, .words = payment_method_words },
	{ "paymentStatus", FIELD_TEXT, .required = true },
	{ "paymentReference", FIELD_TEXT, .nullable = true },
	{ "deliveryAddress", FIELD_OBJECT, .required = true },
	{ "deliveryInstructions", FIELD_TEXT, .nullable = true },
	{ "pickupAddress", FIELD_OBJECT, .nullable = true },
	{ "pickupLocation", FIELD_OBJECT, .required = true, .of = place_of_order_fields },
	{ "deliveryLocation", FIELD_OBJECT, .required = true, .of = place_of_order_fields },
	{ "locations", FIELD_OBJECT, .required = true, .of = locations_fields },
	{ "notes", FIELD_TEXT, .nullable = true },
	{ "preparationTime", FIELD_INT, .nullable = true },
	{ "estimatedDeliveryTime", FIELD_TIME, .nullable = true },
	{ "cancelReason", FIELD_TEXT, .nullable = true },
	{ "cancelledBy", FIELD_TEXT, .nullable = true },
	{ "rejectionReason", FIELD_TEXT, .nullable = true },
	{ "rating", FIELD_OBJECT, .nullable = true, .of = rating_fields },
	{ "photos", FIELD_OBJECT, .required = true, .of = photos_fields },
	{ "timeline", FIELD_LIST, .required = true, .of = timeline_fields },
	{ "createdAt", FIELD_TIME, .required = true },
	{ "updatedAt", FIELD_TIME, .required = true },
	{ "acceptedAt", FIELD_TIME, .nullable = true },
	{ "preparingAt", FIELD_TIME, .nullable = true },
	{ "readyAt", FIELD_TIME, .nullable = true },
	{ "riderAssignedAt", FIELD_TIME, .nullable = true },
	{ "arrivedAtPickupAt", FIELD_TIME, .nullable = true },
	{ "pickedUpAt", FIELD_TIME, .nullable = true },
	{ "arrivedAtDeliveryAt", FIELD_TIME, .nullable = true },
	{ "deliveredAt", FIELD_TIME, .nullable = true },
	{ "cancelledAt", FIELD_TIME, .nullable = true },
	{ "verificationCode", FIELD_TEXT, .nullable = true,
		.summary = "The code to give to the rider" },
	{ "riderLocation", FIELD_OBJECT, .of = rider_location_fields,
		.summary = "Once a rider is assigned" },
	FIELD_END_TITLED("Order") };

static const struct field order_pagination_fields[] = {
	PAGINATION_FIELDS("totalOrders"),
	FIELD_END,
};
const struct field order_list_fields[] = {
	{ "orders", FIELD_LIST, .required = true, .of = order_fields },
	{ "pagination", FIELD_OBJECT, .required = true, .of = order_pagination_fields },
	FIELD_END,
};

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
