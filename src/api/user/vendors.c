/* SPDX-License-Identifier: MIT
 *
 * Public vendors and menus. Without a position or a filter the reply is the same for all customers
 * and comes from the cache (`vendor:{id}`, `menu:{vendorId}`); otherwise it comes from PostgreSQL.
 */
#include "reeyo/api/reply_objects.h"
#include "reeyo/api/user.h"
#include "reeyo/core/clock.h"
#include "reeyo/db/queries/catalogue.h"
#include "reeyo/http/request.h"
#include "reeyo/service/cache_keys.h"
#include "reeyo/service/settings.h"

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

/* The position of the customer, in the arena; NULL when none is given. False when the error reply
 * has been sent. */
static bool position_read(struct request *rq, struct point **ret)
{
	bool lat = member(rq->query, "lat"), lng = member(rq->query, "lng");

	*ret = NULL;
	if (lat != lng) {
		reply_field(rq, lat ? "lng" : "lat", "is required: lat and lng belong together",
			"est obligatoire : lat et lng vont ensemble");
		return false;
	}
	if (!lat)
		return true;
	*ret = ARENA_NEW(rq->arena, struct point);
	if (!*ret) {
		reply_error(rq, E_NO_MEMORY);
		return false;
	}
	**ret = (struct point){ member_number(rq->query, "lat", 0),
		member_number(rq->query, "lng", 0) };
	return true;
}

/* --- GET /vendors ----------------------------------------------------------------------------- */

/* Hours begin and end at full minutes, so no vendor opens or closes before the next minute. */
static void reply_expires_with_minute(struct request *rq)
{
	int64_t now = clock_wall_ms();

	reply_until(rq, now - now % 60000 + 60000);
}

/* Appends a Vendor: without a position of the customer its distance and fee are null. vendor: from
 * a statement, without its closing brace. */
static void vendor_write(struct buf *out, const struct price_rules *rules, struct text vendor,
	const struct point *customer, enum order_type type, struct point shop)
{
	int64_t metres;

	buf_add(out, vendor.at, vendor.len);
	if (!customer)
		return buf_add_string(out, ",\"distance\":null,\"deliveryFee\":null}");
	metres = distance_m(*customer, shop);
	buf_printf(out, ",\"distance\":%.2f,\"deliveryFee\":%lld}", (double)metres / 1000,
		(long long)delivery_fee(rules, type, metres, *customer));
}

static enum order_type service_of(struct text word)
{
	return text_is(word, TEXT("MART")) ? MART : FOOD;
}

/* rq->state: the position of the customer, NULL when none was given. */
static void vendors_listed(struct request *rq, const struct db_result *result)
{
	struct buf out = buf_in(rq->arena, 1024 * (size_t)db_rows(result));

	buf_add_string(&out, "[");
	for (unsigned row = 0; row < db_rows(result); row++) {
		if (db_is_null(result, row, VENDOR_LIST_VENDOR))
			break;
		if (row)
			buf_add_string(&out, ",");
		vendor_write(&out, settings_rules(rq->app->settings),
			db_text(result, row, VENDOR_LIST_VENDOR), rq->state,
			service_of(db_text(result, row, VENDOR_LIST_SERVICE_TYPE)),
			(struct point){ db_double(result, row, VENDOR_LIST_LAT),
				db_double(result, row, VENDOR_LIST_LNG) });
	}
	buf_add_string(&out, "]");
	reply_expires_with_minute(rq);
	reply_page(rq, text_of(buf_string(&out)), request_page(rq, 20),
		db_int(result, 0, VENDOR_LIST_TOTAL));
}

static void list_public_vendors(struct request *rq)
{
	const char *service = query_text(rq, "serviceType");
	struct page page = request_page(rq, 20);
	struct point *customer;

	if (!position_read(rq, &customer))
		return;
	if (!customer && member(rq->query, "radius"))
		return reply_field(
			rq, "lat", "is required with radius", "est obligatoire avec radius");
	rq->state = customer;
	sql_read(rq, vendor_list, vendors_listed,
		&(struct vendor_list){ .service_type = service
				? order_type_words[order_type_parse(service)]
				: NULL,
			.lat = customer ? &customer->lat : NULL,
			.lng = customer ? &customer->lng : NULL,
			.radius = optional_number(rq, rq->query, "radius"),
			.search = query_text(rq, "search"),
			.category = query_text(rq, "category"),
			.open_now = member_bool(rq->query, "openNow", false),
			.limit = page.limit,
			.offset = page.offset });
}

/* --- GET /vendors/:id ------------------------------------------------------------------------- */

static void vendor_object_cached(struct request *rq, int error, const struct cache_value *value)
{
	if (error)
		return reply_error(rq, error == E_NOT_FOUND ? E_VENDOR_NOT_FOUND : error);
	reply_cached(rq, value);
}

static void vendor_near_read(struct request *rq, const struct db_result *result)
{
	struct buf out = buf_in(rq->arena, 2048);

	if (db_rows(result) == 0)
		return reply_error(rq, E_VENDOR_NOT_FOUND);
	vendor_write(&out, settings_rules(rq->app->settings),
		db_text(result, 0, VENDOR_GET_NEAR_VENDOR), rq->state,
		service_of(db_text(result, 0, VENDOR_GET_NEAR_SERVICE_TYPE)),
		(struct point){ db_double(result, 0, VENDOR_GET_NEAR_LAT),
			db_double(result, 0, VENDOR_GET_NEAR_LNG) });
	reply_expires_with_minute(rq);
	reply_data(rq, text_of(buf_string(&out)));
}

static void get_public_vendor(struct request *rq)
{
	struct point *customer;

	if (!position_read(rq, &customer))
		return;
	if (!customer)
		return cache_get_or_query(
			rq, KEY_VENDOR, rq->params[0], QUERY_vendor_get, vendor_object_cached);
	rq->state = customer;
	sql_read(rq, vendor_get_near, vendor_near_read,
		&(struct vendor_get_near){ .vendor_id = rq->params[0] });
}

/* --- GET /vendors/:id/menu -------------------------------------------------------------------- */

static void menu_read(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return reply_error(rq, E_VENDOR_NOT_FOUND);
	reply_expires_with_minute(rq);
	reply_data(rq, db_text(result, 0, MENU_SEARCH_MENU));
}

static void get_public_menu(struct request *rq)
{
	const char *category = query_text(rq, "category"), *search = query_text(rq, "search");

	if (!category && !search)
		return cache_get_or_query(
			rq, KEY_MENU, rq->params[0], QUERY_menu_get, vendor_object_cached);
	sql_read(rq, menu_search, menu_read,
		&(struct menu_search){
			.vendor_id = rq->params[0], .category = category, .search = search });
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
