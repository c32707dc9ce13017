/* SPDX-License-Identifier: MIT
 *
 * Public vendors and menus. Without a position or a filter the reply is the same for all customers
 * and comes from the cache (`vendor:{id}`, `menu:{vendorId}`); otherwise it comes from PostgreSQL.
 */
#include "reeyo/api/reply_objects.h"
#include "reeyo/api/settings.h"
#include "reeyo/api/user.h"
#include "reeyo/core/clock.h"
#include "reeyo/service/cache_keys.h"

#define MAX_AGE 15

static const char *const service_types[] = { "FOOD", "MART", "RESTAURANT", "GROCERY", "PHARMACY",
	"OTHER", NULL };

#define POSITION_FIELDS \
	{ "lat", FIELD_NUMBER, .min = -90, .max = 90, .aliases = "latitude", \
		.summary = "The position of the customer" }, \
	{ \
		"lng", FIELD_NUMBER, .min = -180, .max = 180, .aliases = "longitude" \
	}

static const struct field list_query[] = {
	{ "serviceType", FIELD_ENUM, .words = service_types, .aliases = "businessType" },
	POSITION_FIELDS,
	{ "radius", FIELD_NUMBER, .above = true, .max = 1000, .summary = "km around lat and lng" },
	{ "search", FIELD_TEXT, .max = 100, .summary = "In names, descriptions and tags" },
	{ "category", FIELD_TEXT, .max = 50, .summary = "A tag, or a category of the menu" },
	{ "openNow", FIELD_BOOL },
	PAGE_FIELDS,
	FIELD_END,
};
static const struct field vendor_query[] = { POSITION_FIELDS, FIELD_END };
static const struct field menu_query[] = {
	{ "category", FIELD_TEXT, .max = 50 },
	{ "search", FIELD_TEXT, .max = 100, .summary = "In names and descriptions" },
	FIELD_END,
};

static const struct field menu_fields[] = {
	{ "items", FIELD_LIST, .required = true, .of = item_fields },
	{ "categories", FIELD_LIST, .required = true, .each = FIELD_TEXT },
	FIELD_END,
};

/* 1: lat and lng are given; 0: neither; -1: only one, and the error reply has been sent. */
static int position_read(struct request *rq, struct point *ret)
{
	bool lat = member(rq->query, "lat"), lng = member(rq->query, "lng");

	if (lat != lng) {
		reply_field(rq, lat ? "lng" : "lat", "is required: lat and lng belong together",
			"est obligatoire : lat et lng vont ensemble");
		return -1;
	}
	ret->lat = member_number(rq->query, "lat", 0);
	ret->lng = member_number(rq->query, "lng", 0);
	return lat;
}

/* --- GET /vendors ----------------------------------------------------------------------------- */

/* The fee that replaces the formula at this point (a zone's, or the flat one) as a parameter; NULL:
 * the formula applies. */
static const char *fixed_fee_param(struct request *rq, enum order_type type, struct point at)
{
	const struct price_rules *rules = settings_rules(rq->app->settings);
	int64_t near = delivery_fee(rules, type, 0, at),
		far = delivery_fee(rules, type, 1000000, at);

	/* A fee that does not grow with the distance is not from the formula. */
	return near == far ? arg_int(rq, near) : NULL;
}

/* Hours begin and end at full minutes, so no vendor opens or closes before the next minute. */
static void reply_expires_with_minute(struct request *rq)
{
	int64_t now = clock_wall_ms();

	reply_until(rq, now - now % 60000 + 60000);
}

static void vendors_listed(struct request *rq, const struct db_result *result)
{
	reply_expires_with_minute(rq);
	reply_page(rq, db_text(result, 0, 1), request_page(rq, 20), db_int(result, 0, 0));
}

static void list_public_vendors(struct request *rq)
{
	const struct price_rules *rules = settings_rules(rq->app->settings);
	const char *service = query_text(rq, "serviceType"), *food = NULL, *mart = NULL;
	const char *lat = NULL, *lng = NULL, *radius = NULL;
	struct page page = request_page(rq, 20);
	struct point at;
	int positioned = position_read(rq, &at);

	if (positioned < 0)
		return;
	if (positioned) {
		lat = arg_double(rq, at.lat);
		lng = arg_double(rq, at.lng);
		food = fixed_fee_param(rq, FOOD, at);
		mart = fixed_fee_param(rq, MART, at);
		if (member(rq->query, "radius"))
			radius = arg_double(rq, member_number(rq->query, "radius", 0));
	} else if (member(rq->query, "radius")) {
		return reply_field(
			rq, "lat", "is required with radius", "est obligatoire avec radius");
	}
	if (service)
		service = order_type_words[order_type_parse(service)];
	sql_read_positional(rq, vendor_list, vendors_listed, service, lat, lng, radius,
		query_text(rq, "search"), query_text(rq, "category"),
		member_bool(rq->query, "openNow", false) ? "t" : "f", arg_int(rq, page.limit),
		arg_int(rq, page.offset), arg_int(rq, rules->fee_base),
		arg_int(rq, rules->fee_per_km), food, mart);
}

/* --- GET /vendors/:id ------------------------------------------------------------------------- */

static void vendor_object_cached(struct request *rq, int error, const struct cache_value *value)
{
	if (error)
		return reply_error(rq, error == E_NOT_FOUND ? E_VENDOR_NOT_FOUND : error);
	reply_cached(rq, value);
}

static void vendor_object_read(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return reply_error(rq, E_VENDOR_NOT_FOUND);
	reply_expires_with_minute(rq);
	reply_data(rq, db_text(result, 0, 0));
}

static void get_public_vendor(struct request *rq)
{
	const struct price_rules *rules = settings_rules(rq->app->settings);
	struct point at;
	int positioned = position_read(rq, &at);

	if (positioned < 0)
		return;
	if (!positioned)
		return cache_get_or_query(
			rq, KEY_VENDOR, rq->params[0], QUERY_vendor_get, vendor_object_cached);
	sql_read_positional(rq, vendor_get_near, vendor_object_read, rq->params[0],
		arg_double(rq, at.lat), arg_double(rq, at.lng), arg_int(rq, rules->fee_base),
		arg_int(rq, rules->fee_per_km), fixed_fee_param(rq, FOOD, at),
		fixed_fee_param(rq, MART, at));
}

/* --- GET /vendors/:id/menu -------------------------------------------------------------------- */

static void get_public_menu(struct request *rq)
{
	const char *category = query_text(rq, "category"), *search = query_text(rq, "search");

	if (!category && !search)
		return cache_get_or_query(
			rq, KEY_MENU, rq->params[0], QUERY_menu_get, vendor_object_cached);
	sql_read_positional(rq, menu_search, vendor_object_read, rq->params[0], category, search);
}

const struct route user_vendor_routes[] = {
	{ GET, "/vendors", .operation = "listVendors", .access = ANYONE, .max_age = MAX_AGE,
		.query = list_query, .reply = vendor_fields, .shape = REPLY_PAGE,
		.run = list_public_vendors,
		.summary = "Vendors, nearest first when lat and lng are given, then best rated" },
	{ GET, "/vendors/:id", .operation = "getVendor", .access = ANYONE, .max_age = MAX_AGE,
		.query = vendor_query, .reply = vendor_fields, .errors = { E_VENDOR_NOT_FOUND },
		.run = get_public_vendor,
		.summary = "One vendor; with lat and lng also its distance and delivery fee" },
	{ GET, "/vendors/:id/menu", .operation = "getVendorMenu", .access = ANYONE,
		.max_age = MAX_AGE, .query = menu_query, .reply = menu_fields,
		.errors = { E_VENDOR_NOT_FOUND }, .run = get_public_menu,
		.summary = "A vendor's menu" },
	ROUTE_END,
};
