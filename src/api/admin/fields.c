/* SPDX-License-Identifier: MIT
 *
 * Reply tables of the admin rows (contract §6). Every key is always present; its value is null when
 * it is unknown.
 */
#include "fields.h"

static const char *const order_words[] = { "PENDING", "CONFIRMED", "PREPARING", "READY",
	"RIDER_ASSIGNED", "IN_TRANSIT", "DELIVERED", "CANCELLED", NULL };
static const char *const timeline_words[] = { "PENDING", "CONFIRMED", "PREPARING", "READY",
	"RIDER_ASSIGNED", "PICKED_UP", "IN_TRANSIT", "DELIVERED", "CANCELLED", NULL };
static const char *const attention_words[] = { "RIDER_SUSPENDED", "RIDER_UNAVAILABLE",
	"RIDER_SILENT", NULL };
static const char *const vertical_words[] = { "food", "grocery", "parcel", NULL };
static const char *const payment_words[] = { "PAID", "UNPAID", "PENDING", "REFUNDED", NULL };
static const char *const status_words[] = { "PENDING", "APPROVED", "REJECTED", "SUSPENDED", NULL };
static const char *const state_words[] = { "idle", "on a delivery", "running late", NULL };
static const char *const online_words[] = { "ONLINE", "OFFLINE", "BUSY", NULL };
static const char *const document_words[] = { "PENDING", "APPROVED", "REJECTED", NULL };
static const char *const user_words[] = { "ACTIVE", "INACTIVE", "SUSPENDED", "DELETED", NULL };

/* --- Orders ----------------------------------------------------------------------------------- */

static const struct field customer_fields[] = {
	ALWAYS("id", FIELD_ID),
	ALWAYS("name", FIELD_TEXT),
	ALWAYS("phone", FIELD_TEXT),
	NULLABLE("email", FIELD_TEXT),
	ALWAYS("address", FIELD_TEXT),
	NULLABLE("address_note", FIELD_TEXT),
	ALWAYS("lat", FIELD_NUMBER),
	ALWAYS("lng", FIELD_NUMBER),
	FIELD_END,
};
static const struct field shop_fields[] = {
	ALWAYS("id", FIELD_ID),
	ALWAYS("business_name", FIELD_TEXT),
	ALWAYS("name", FIELD_TEXT),
	ALWAYS("phone", FIELD_TEXT),
	ALWAYS("address", FIELD_TEXT),
	ALWAYS("lat", FIELD_NUMBER),
	ALWAYS("lng", FIELD_NUMBER),
	FIELD_END,
};
static const struct field pickup_fields[] = {
	NULLABLE("phone", FIELD_TEXT),
	ALWAYS("address", FIELD_TEXT),
	ALWAYS("lat", FIELD_NUMBER),
	ALWAYS("lng", FIELD_NUMBER),
	FIELD_END,
};
static const struct field courier_fields[] = {
	ALWAYS("id", FIELD_ID),
	ALWAYS("name", FIELD_TEXT),
	ALWAYS("phone", FIELD_TEXT),
	ALWAYS("vehicle_type", FIELD_TEXT),
	NULLABLE("plate", FIELD_TEXT),
	NULLABLE("photo_url", FIELD_TEXT),
	FIELD_END,
};
static const struct field option_fields[] = {
	ALWAYS("name", FIELD_TEXT),
	ALWAYS("price", FIELD_MONEY),
	FIELD_END,
};
static const struct field line_fields[] = {
	NULLABLE("id", FIELD_ID),
	NULLABLE("name", FIELD_TEXT),
	ALWAYS("quantity", FIELD_INT),
	ALWAYS("unit_price", FIELD_MONEY),
	ALWAYS("total_price", FIELD_MONEY),
	{ "options", FIELD_LIST, .required = true, .of = option_fields },
	NULLABLE("note", FIELD_TEXT),
	NULLABLE("image_url", FIELD_TEXT),
	FIELD_END,
};
static const struct field discount_fields[] = {
	NULLABLE("code", FIELD_TEXT),
	ALWAYS("amount", FIELD_MONEY),
	FIELD_END,
};
static const struct field surcharge_fields[] = {
	ALWAYS("name", FIELD_TEXT),
	ALWAYS("amount", FIELD_MONEY),
	FIELD_END,
};
static const struct field paid_fields[] = {
	{ "status", FIELD_ENUM, .required = true, .words = payment_words },
	FIELD_END,
};
const struct field admin_timeline_fields[] = { ALWAYS("id", FIELD_ID),
	{ "status", FIELD_ENUM, .required = true, .words = timeline_words },
	ALWAYS("at", FIELD_TIME), ALWAYS("created_at", FIELD_TIME), NULLABLE("by", FIELD_TEXT),
	NULLABLE("reason", FIELD_TEXT), NULLABLE("note", FIELD_TEXT),
	FIELD_END_TITLED("AdminTimeline") };
const struct field admin_order_fields[] = { ALWAYS("id", FIELD_ID),
	ALWAYS("order_number", FIELD_TEXT),
	{ "status", FIELD_ENUM, .required = true, .words = order_words },
	{ "raw_status", FIELD_TEXT, .required = true, .summary = "The status that the apps read" },
	{ "vertical", FIELD_ENUM, .required = true, .words = vertical_words },
	{ "user", FIELD_OBJECT, .required = true, .of = customer_fields,
		.summary = "With the delivery address" },
	{ "vendor", FIELD_OBJECT, .nullable = true, .of = shop_fields },
	NULLABLE("vendor_name", FIELD_TEXT),
	{ "pickup", FIELD_OBJECT, .required = true, .of = pickup_fields },
	{ "rider", FIELD_OBJECT, .nullable = true, .of = courier_fields },
	ALWAYS("rider_earnings", FIELD_MONEY), ALWAYS("items_summary", FIELD_TEXT),
	{ "items", FIELD_LIST, .required = true, .of = line_fields },
	ALWAYS("delivery_fee", FIELD_MONEY), ALWAYS("packaging_fee", FIELD_MONEY),
	{ "discount", FIELD_OBJECT, .nullable = true, .of = discount_fields },
	{ "surcharges", FIELD_LIST, .required = true, .of = surcharge_fields },
	ALWAYS("commission_amount", FIELD_MONEY), ALWAYS("total_amount", FIELD_MONEY),
	ALWAYS("total", FIELD_MONEY), ALWAYS("currency", FIELD_TEXT),
	ALWAYS("payment_method", FIELD_TEXT),
	{ "payment_status", FIELD_ENUM, .required = true, .words = payment_words },
	{ "payment", FIELD_OBJECT, .required = true, .of = paid_fields },
	NULLABLE("payment_reference", FIELD_TEXT), NULLABLE("note", FIELD_TEXT),
	NULLABLE("special_instructions", FIELD_TEXT), ALWAYS("vendor_address", FIELD_TEXT),
	ALWAYS("delivery_address", FIELD_TEXT), NULLABLE("zone", FIELD_TEXT),
	NULLABLE("city", FIELD_TEXT), NULLABLE("region", FIELD_TEXT),
	ALWAYS("distance_km", FIELD_NUMBER), ALWAYS("created_at", FIELD_TIME),
	NULLABLE("estimated_delivery_at", FIELD_TIME),
	NULLABLE("estimated_delivery_mins", FIELD_INT), NULLABLE("actual_delivery_mins", FIELD_INT),
	NULLABLE("fulfilment_minutes", FIELD_INT),
	{ "attention", FIELD_ENUM, .nullable = true, .words = attention_words,
		.summary = "Why an admin must act: its rider may no longer work, or has sent no "
			   "position for too long" },
	{ "timeline", FIELD_LIST, .required = true, .of = admin_timeline_fields },
	FIELD_END_TITLED("AdminOrder") };

/* --- Vendors ---------------------------------------------------------------------------------- */

static const struct field vendor_stats_fields[] = {
	ALWAYS("wallet_balance", FIELD_MONEY),
	ALWAYS("total_revenue_30d", FIELD_MONEY),
	ALWAYS("active_menu_items", FIELD_INT),
	FIELD_END,
};
const struct field admin_vendor_fields[] = { ALWAYS("id", FIELD_ID), ALWAYS("name", FIELD_TEXT),
	ALWAYS("business_name", FIELD_TEXT), ALWAYS("owner_name", FIELD_TEXT),
	ALWAYS("phone", FIELD_TEXT), NULLABLE("email", FIELD_TEXT),
	{ "vertical", FIELD_ENUM, .required = true, .words = vertical_words },
	ALWAYS("category", FIELD_TEXT), ALWAYS("address", FIELD_TEXT), ALWAYS("city", FIELD_TEXT),
	NULLABLE("zone", FIELD_TEXT), NULLABLE("region", FIELD_TEXT),
	ALWAYS("latitude", FIELD_NUMBER), ALWAYS("longitude", FIELD_NUMBER),
	ALWAYS("orders", FIELD_INT), ALWAYS("total_orders", FIELD_INT),
	ALWAYS("total_revenue", FIELD_MONEY), ALWAYS("average_rating", FIELD_NUMBER),
	ALWAYS("total_ratings", FIELD_INT), ALWAYS("prep_minutes", FIELD_INT),
	ALWAYS("average_prep_time", FIELD_INT),
	{ "status", FIELD_ENUM, .required = true, .words = status_words },
	{ "approval_status", FIELD_TEXT, .required = true,
		.summary = "PENDING is written PENDING_APPROVAL" },
	NULLABLE("rejection_reason", FIELD_TEXT),
	{ "commission_rate", FIELD_NUMBER, .required = true, .summary = "0 to 1" },
	ALWAYS("featured", FIELD_BOOL), ALWAYS("is_high_demand", FIELD_BOOL),
	{ "badges", FIELD_LIST, .required = true, .each = FIELD_TEXT },
	ALWAYS("is_online", FIELD_BOOL), NULLABLE("profile_image_url", FIELD_TEXT),
	ALWAYS("business_hours", FIELD_OBJECT), NULLABLE("mobile_money_number", FIELD_TEXT),
	NULLABLE("mobile_money_provider", FIELD_TEXT), NULLABLE("bank_name", FIELD_TEXT),
	NULLABLE("bank_account_number", FIELD_TEXT), NULLABLE("bank_account_name", FIELD_TEXT),
	ALWAYS("country_code", FIELD_TEXT), ALWAYS("created_at", FIELD_TIME),
	{ "stats", FIELD_OBJECT, .of = vendor_stats_fields,
		.summary = "Only in the reply for one vendor" },
	FIELD_END_TITLED("AdminVendor") };
const struct field admin_item_fields[] = { ALWAYS("id", FIELD_ID), ALWAYS("name", FIELD_TEXT),
	ALWAYS("category", FIELD_TEXT), ALWAYS("price", FIELD_MONEY),
	NULLABLE("compare_at_price", FIELD_MONEY), NULLABLE("stock", FIELD_INT),
	{ "add_ons", FIELD_LIST, .required = true, .each = FIELD_ANY },
	ALWAYS("is_available", FIELD_BOOL), ALWAYS("is_upsell", FIELD_BOOL),
	NULLABLE("image_url", FIELD_TEXT), FIELD_END_TITLED("AdminItem") };

/* --- Riders ----------------------------------------------------------------------------------- */

static const struct field document_fields[] = {
	ALWAYS("document_type", FIELD_TEXT),
	{ "status", FIELD_ENUM, .required = true, .words = document_words },
	ALWAYS("url", FIELD_TEXT),
	NULLABLE("reason", FIELD_TEXT),
	FIELD_END,
};
const struct field admin_rider_fields[] = { ALWAYS("id", FIELD_ID), ALWAYS("name", FIELD_TEXT),
	ALWAYS("first_name", FIELD_TEXT), ALWAYS("last_name", FIELD_TEXT),
	ALWAYS("phone", FIELD_TEXT), NULLABLE("email", FIELD_TEXT),
	{ "status", FIELD_ENUM, .required = true, .words = status_words },
	{ "approval_status", FIELD_TEXT, .required = true,
		.summary = "PENDING is written PENDING_APPROVAL" },
	{ "state", FIELD_ENUM, .required = true, .words = state_words },
	{ "online_status", FIELD_ENUM, .required = true, .words = online_words },
	ALWAYS("vehicle_type", FIELD_TEXT), NULLABLE("vehicle_plate", FIELD_TEXT),
	ALWAYS("city", FIELD_TEXT), NULLABLE("zone", FIELD_TEXT), NULLABLE("region", FIELD_TEXT),
	ALWAYS("total_deliveries", FIELD_INT), ALWAYS("average_rating", FIELD_NUMBER),
	{ "owed", FIELD_INT, .required = true,
		.summary = "Cash that the rider collected and has not handed in" },
	ALWAYS("total_earnings", FIELD_MONEY), NULLABLE("current_latitude", FIELD_NUMBER),
	NULLABLE("current_longitude", FIELD_NUMBER), NULLABLE("id_type", FIELD_TEXT),
	NULLABLE("id_image_url", FIELD_TEXT), NULLABLE("rejection_reason", FIELD_TEXT),
	{ "documents", FIELD_LIST, .required = true, .of = document_fields },
	ALWAYS("created_at", FIELD_TIME), FIELD_END_TITLED("AdminRider") };

/* --- Users ------------------------------------------------------------------------------------ */

static const struct field user_stats_fields[] = {
	ALWAYS("total_orders", FIELD_INT),
	ALWAYS("active_orders", FIELD_INT),
	ALWAYS("wallet_balance", FIELD_MONEY),
	ALWAYS("currency", FIELD_TEXT),
	ALWAYS("reecoins_balance", FIELD_INT),
	FIELD_END,
};
const struct field admin_user_fields[] = { ALWAYS("id", FIELD_ID), ALWAYS("name", FIELD_TEXT),
	ALWAYS("phone", FIELD_TEXT), NULLABLE("email", FIELD_TEXT),
	{ "status", FIELD_ENUM, .required = true, .words = user_words },
	ALWAYS("country_code", FIELD_TEXT), NULLABLE("city", FIELD_TEXT),
	ALWAYS("orders", FIELD_INT), ALWAYS("total_orders", FIELD_INT),
	ALWAYS("total_spent", FIELD_MONEY), NULLABLE("last_order_at", FIELD_TIME),
	NULLABLE("rating", FIELD_NUMBER), NULLABLE("segment", FIELD_TEXT),
	NULLABLE("referral_code", FIELD_TEXT), ALWAYS("created_at", FIELD_TIME),
	{ "stats", FIELD_OBJECT, .of = user_stats_fields,
		.summary = "Only in the reply for one user" },
	FIELD_END_TITLED("AdminUser") };
