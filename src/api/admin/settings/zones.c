/* SPDX-License-Identifier: MIT
 *
 * Delivery zones: polygons with a delivery fee of their own. A change counts at once on the copy
 * that makes it, and on every other within a second, because it raises a setting that all of them
 * follow.
 */
#include "admin/act.h"
#include "reeyo/api/admin.h"
#include "reeyo/api/settings.h"

#define CORNERS_MAX 500

static const struct field add_body[] = {
	{ "name", FIELD_TEXT, .required = true, .min = 1, .max = 100 },
	{ "countryCode", FIELD_TEXT, .required = true, .min = 2, .max = 2, .also = "country_code" },
	{ "polygon", FIELD_LIST, .required = true, .min = 3, .max = CORNERS_MAX, .each = FIELD_ANY,
		.does = "[[lat,lng],…]" },
	{ "deliveryFeeOverride", FIELD_MONEY, .max = 1000000, .also = "delivery_fee_override" },
	{ "isActive", FIELD_BOOL, .also = "is_active" },
	FIELD_END
};
static const struct field edit_body[] = {
	{ "name", FIELD_TEXT, .min = 1, .max = 100 },
	{ "countryCode", FIELD_TEXT, .min = 2, .max = 2, .also = "country_code" },
	{ "polygon", FIELD_LIST, .min = 3, .max = CORNERS_MAX, .each = FIELD_ANY,
		.does = "[[lat,lng],…]" },
	{ "deliveryFeeOverride", FIELD_MONEY, .max = 1000000, .clearable = true,
		.also = "delivery_fee_override", .does = "null removes it" },
	{ "isActive", FIELD_BOOL, .also = "is_active" },
	FIELD_END
};
static const struct field zone_fields[] = {
	{ "id", FIELD_ID, .required = true },
	{ "name", FIELD_TEXT, .required = true },
	{ "country_code", FIELD_TEXT, .required = true },
	{ "polygon", FIELD_LIST, .required = true, .each = FIELD_ANY, .does = "[[lat,lng],…]" },
	{ "delivery_fee_override", FIELD_MONEY, .nullable = true },
	{ "is_active", FIELD_BOOL, .required = true },
	{ "created_at", FIELD_TIME, .required = true },
	FIELD_END
};

/* --- Polygons --------------------------------------------------------------------------------- */

/* [lat,lng], also {lat,lng}; false when it is neither, or no place on Earth. */
static bool corner_take(const json_t *corner, double *ret_lat, double *ret_lng)
{
	const json_t *lat = json_is_array(corner) ? json_array_get(corner, 0) :
		json_object_get(corner, "lat");
	const json_t *lng = json_is_array(corner) ? json_array_get(corner, 1) :
		json_object_get(corner, "lng");

	if (!json_is_number(lat) || !json_is_number(lng) || json_array_size(corner) > 2)
		return false;
	*ret_lat = json_number_value(lat);
	*ret_lng = json_number_value(lng);
	return *ret_lat >= -90 && *ret_lat <= 90 && *ret_lng >= -180 && *ret_lng <= 180;
}

/* The polygon as JSON text, *ret NULL without one; false when it is none, and that has been
 * answered. */
static bool polygon_take(struct request *rq, const char **ret)
{
	const json_t *polygon = member(rq->body, "polygon");
	struct buf out = buf_in(rq->arena, 64 + json_array_size(polygon) * 40);

	*ret = NULL;
	if (!polygon)
		return true;
	for (size_t i = 0; i < json_array_size(polygon); i++) {
		double lat, lng;

		if (!corner_take(json_array_get(polygon, i), &lat, &lng)) {
			reply_field(rq, "polygon", "must be a list of [lat,lng]",
				"doit être une liste de [lat,lng]");
			return false;
		}
		buf_printf(&out, "%c[%.9g,%.9g]", i ? ',' : '[', lat, lng);
	}
	buf_add_string(&out, "]");
	*ret = buf_string(&out);
	return true;
}

/* --- Handlers --------------------------------------------------------------------------------- */

static void list_zones(struct request *rq)
{
	struct page page = request_page(rq, 20);

	SQL_(rq, DB_WRITE, admin_zone_list, false, admin_listed, arg_int(rq, page.limit),
		arg_int(rq, page.offset));
}

static void get_zone(struct request *rq)
{
	sql_read(rq, admin_zone_get, admin_shown, rq->params[0]);
}

static void add_zone(struct request *rq)
{
	const char *polygon;
	const char *id = request_id_new(rq, "zone_");

	if (!polygon_take(rq, &polygon))
		return;
	if (!id)
		return reply_error(rq, E_NO_MEMORY);
	sql_write(rq, admin_zone_add, admin_set, id, body_text(rq, "name"),
		body_text(rq, "countryCode"), polygon,
		arg_change(rq, "deliveryFeeOverride"),
		member_bool(rq->body, "isActive", true) ? "t" : "f", rq->caller.id, "zone.add",
		act_details(rq), rq->request_id);
}

static void edit_zone(struct request *rq)
{
	const char *polygon;

	if (!polygon_take(rq, &polygon))
		return;
	sql_write(rq, admin_zone_edit, admin_set, rq->params[0], body_text(rq, "name"),
		body_text(rq, "countryCode"), polygon,
		arg_change(rq, "deliveryFeeOverride"),
		member(rq->body, "isActive") ?
			member_bool(rq->body, "isActive", true) ? "t" : "f" : NULL,
		rq->caller.id, "zone.change", act_details(rq), rq->request_id);
}

static void forgotten(struct request *rq)
{
	reply_message(rq, "Zone deleted", "Zone supprimée");
}

static void deleted(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return reply_error(rq, E_NOT_FOUND);
	settings_spread(rq, forgotten);
}

static void delete_zone(struct request *rq)
{
	sql_write(rq, admin_zone_delete, deleted, rq->params[0], rq->caller.id, "zone.delete",
		rq->request_id);
}

const struct route admin_zone_routes[] = {
	{ GET, "/logistics/zones", .who = ADMIN, .query = page_fields, .reply = zone_fields,
		.shape = REPLY_PAGE, .run = list_zones, .does = "Delivery zones, by name" },
	{ GET, "/logistics/zones/:id", .who = ADMIN, .reply = zone_fields,
		.errors = { E_NOT_FOUND }, .run = get_zone, .does = "One zone" },
	{ POST, "/logistics/zones", .who = ADMIN, .body = add_body, .reply = zone_fields,
		.created = true, .run = add_zone, .does = "Add a zone" },
	{ PATCH, "/logistics/zones/:id", .who = ADMIN, .any_write = true, .body = edit_body,
		.reply = zone_fields, .errors = { E_NOT_FOUND }, .run = edit_zone,
		.does = "Change a zone" },
	{ DELETE, "/logistics/zones/:id", .who = ADMIN, .shape = REPLY_MESSAGE,
		.errors = { E_NOT_FOUND }, .run = delete_zone, .does = "Delete a zone" },
	ROUTE_END
};
