/* SPDX-License-Identifier: MIT
 *
 * The orders near a rider that wait for a rider.
 */
#include "reeyo/api/rider.h"
#include "reeyo/db/queries/availability.h"
#include "reeyo/domain/order.h"
#include "reeyo/http/request.h"
#include "reeyo/service/settings.h"

#define ROWS 50

static const struct field near_query[] = {
	{ "latitude", FIELD_NUMBER, .min = -90, .max = 90, .aliases = "lat",
		.summary = "Default: your last location" },
	{ "longitude", FIELD_NUMBER, .min = -180, .max = 180, .aliases = "lng" },
	FIELD_END,
};
static const struct field available_place_fields[] = {
	{ "address", FIELD_TEXT, .required = true },
	{ "coordinates", FIELD_POINT, .required = true },
	FIELD_END,
};
static const struct field available_fields[] = {
	{ "orderId", FIELD_ID, .required = true },
	{ "orderNumber", FIELD_TEXT, .required = true },
	{ "orderType", FIELD_ENUM, .required = true, .words = order_type_words },
	{ "vendorName", FIELD_TEXT, .nullable = true },
	{ "pickupLocation", FIELD_OBJECT, .required = true, .of = available_place_fields },
	{ "deliveryLocation", FIELD_OBJECT, .required = true, .of = available_place_fields },
	{ "deliveryFee", FIELD_MONEY, .required = true },
	{ "distance", FIELD_NUMBER, .required = true, .summary = "km from you to the pickup" },
	{ "estimatedTime", FIELD_INT, .required = true,
		.summary = "Minutes to the pickup and on to the customer" },
	{ "status", FIELD_ENUM, .required = true, .words = order_status_words },
	FIELD_END,
};

static void available_orders_listed(struct request *rq, const struct db_result *result)
{
	reply_data(rq, db_text(result, 0, ORDERS_AVAILABLE_ORDERS));
}

static void available_orders_list(struct request *rq)
{
	const double *lat = optional_number(rq, rq->query, "latitude");
	const double *lng = optional_number(rq, rq->query, "longitude");

	sql_read(rq, orders_available, available_orders_listed,
		&(struct orders_available){ .rider_id = rq->caller.id,
			.lat = lng ? lat : NULL,
			.lng = lat ? lng : NULL,
			.radius_km = settings_number(rq->app->settings, SETTING_RIDER_LIST_RADIUS),
			.limit = ROWS });
}

const struct route rider_available_routes[] = {
	{ GET, "/orders/available", .operation = "listAvailableOrders",
		.aliases = "/deliveries/available", .access = RIDER_READY, .query = near_query,
		.reply = available_fields, .shape = REPLY_ARRAY, .run = available_orders_list,
		.summary = "Orders near you that wait for a rider, nearest first" },
	ROUTE_END,
};
