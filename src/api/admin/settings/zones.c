/* SPDX-License-Identifier: MIT
 *
 * Delivery zones: polygons with a delivery fee of their own. A change applies immediately on the
 * instance that receives it, and within a second on every other, because it raises a version
 * setting that all of them follow.
 */
#include "admin/act.h"
#include "reeyo/api/admin.h"
#include "reeyo/api/settings.h"

#define CORNERS_MAX 500

static const struct field add_body[] = {
	{ "name", FIELD_TEXT, .required = true, .min = 1, .max = 100 },
	{ "countryCode", FIELD_TEXT, .required = true, .min = 2, .max = 2,
		.aliases = "country_code" },
	{ "polygon", FIELD_LIST, .required = true, .min = 3, .max = CORNERS_MAX, .each = FIELD_ANY,
		.summary = "[[lat,lng],…]" },
	{ "deliveryFeeOverride", FIELD_MONEY, .max = 1000000, .aliases = "delivery_fee_override" },
	{ "isActive", FIELD_BOOL, .aliases = "is_active" },
	FIELD_END,
};
static const struct field edit_body[] = {
	{ "name", FIELD_TEXT, .min = 1, .max = 100 },
	{ "countryCode", FIELD_TEXT, .min = 2, .max = 2, .aliases = "country_code" },
	{ "polygon", FIELD_LIST, .min = 3, .max = CORNERS_MAX, .each = FIELD_ANY,
		.summary = "[[lat,lng],…]" },
	{ "deliveryFeeOverride", FIELD_MONEY, .max = 1000000, .clearable = true,
		.aliases = "delivery_fee_override", .summary = "null removes it" },
	{ "isActive", FIELD_BOOL, .aliases = "is_active" },
	FIELD_END,
};
static const struct field zone_fields[] = {
	{ "id", FIELD_ID, .required = true },
	{ "name", FIELD_TEXT, .required = true },
	{ "country_code", FIELD_TEXT, .required = true },
	{ "polygon", FIELD_LIST, .required = true, .each = FIELD_ANY, .summary = "[[lat,lng],…]" },
	{ "delivery_fee_override", FIELD_MONEY, .nullable = true },
	{ "is_active", FIELD_BOOL, .required = true },
	{ "created_at", FIELD_TIME, .required = true },
	FIELD_END,
};

/* --- Polygons --------------------------------------------------------------------------------- */

/* Parses [lat,lng] or {lat,lng}. Returns false for anything else, and out of range. */
static bool corner_parse(const json_t *corner, double *ret_lat, double *ret_lng)
{
	const json_t *lat = json_is_array(corner) ? json_array_get(corner, 0)
						  : json_object_get(corner, "lat");
	const json_t *lng = json_is_array(corner) ? json_array_get(corner, 1)
						  : json_object_get(corner, "lng");

	if (!json_is_number(lat) || !json_is_number(lng) || json_array_size(corner) > 2)
		return false;
	*ret_lat = json_number_value(lat);
	*ret_lng = json_number_value(lng);
	return *ret_lat >= -90 && *ret_lat <= 90 && *ret_lng >= -180 && *ret_lng <= 180;
}

/* The polygon of the body as JSON text; *ret is NULL without one. Returns false when it is invalid;
 * the error has been sent. */
static bool polygon_parse(struct request *rq, const char **ret)
{
	const json_t *polygon = member(rq->body, "polygon");
	struct buf out = buf_in(rq->arena, 64 + json_array_size(polygon) * 40);

	*ret = NULL;
	if (!polygon)
		return true;
	for (size_t i = 0; i < json_array_size(polygon); i++) {
		double lat, lng;

		if (!corner_parse(json_array_get(polygon, i), &lat, &lng)) {
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

static void admin_zones_list(struct request *rq)
{
	struct page page = request_page(rq, 20);

	SQL_POSITIONAL_(rq, DB_WRITE, admin_zone_list, false, admin_reply_page,
		arg_int(rq, page.limit), arg_int(rq, page.offset));
}

static void admin_zone_show(struct request *rq)
{
	sql_read_positional(rq, admin_zone_get, admin_reply_row, rq->params[0]);
}

static void admin_zone_add(struct request *rq)
{
	const char *polygon;
	const char *id = request_id_new(rq, "zone_");

	if (!polygon_parse(rq, &polygon))
		return;
	if (!id)
		return reply_error(rq, E_NO_MEMORY);
	sql_write_positional(rq, admin_zone_add, admin_reply_setting, id, body_text(rq, "name"),
		body_text(rq, "countryCode"), polygon, arg_change(rq, "deliveryFeeOverride"),
		member_bool(rq->body, "isActive", true) ? "t" : "f", rq->caller.id, "zone.add",
		audit_details(rq), rq->request_id);
}

static void admin_zone_edit(struct request *rq)
{
	const char *polygon;

	if (!polygon_parse(rq, &polygon))
		return;
	sql_write_positional(rq, admin_zone_edit, admin_reply_setting, rq->params[0],
		body_text(rq, "name"), body_text(rq, "countryCode"), polygon,
		arg_change(rq, "deliveryFeeOverride"),
		member(rq->body, "isActive") ? member_bool(rq->body, "isActive", true) ? "t" : "f"
					     : NULL,
		rq->caller.id, "zone.change", audit_details(rq), rq->request_id);
}

static void admin_zone_deleted_reply(struct request *rq)
{
	reply_message(rq, "Zone deleted", "Zone supprimée");
}

static void admin_zone_deleted(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return reply_error(rq, E_NOT_FOUND);
	settings_apply(rq, admin_zone_deleted_reply);
}

static void admin_zone_delete(struct request *rq)
{
	sql_write_positional(rq, admin_zone_delete, admin_zone_deleted, rq->params[0],
		rq->caller.id, "zone.delete", rq->request_id);
}

const struct route admin_zone_routes[] = {
	{ GET, "/logistics/zones", .operation = "listZones", .access = ADMIN, .query = page_fields,
		.reply = zone_fields, .shape = REPLY_PAGE, .run = admin_zones_list,
		.summary = "Delivery zones, by name" },
	{ GET, "/logistics/zones/:id", .operation = "getZone", .access = ADMIN,
		.reply = zone_fields, .errors = { E_NOT_FOUND }, .run = admin_zone_show,
		.summary = "One zone" },
	{ POST, "/logistics/zones", .operation = "createZone", .access = ADMIN, .body = add_body,
		.reply = zone_fields, .created = true, .run = admin_zone_add,
		.summary = "Add a zone" },
	{ PATCH, "/logistics/zones/:id", .operation = "updateZone", .access = ADMIN,
		.any_write = true, .body = edit_body, .reply = zone_fields,
		.errors = { E_NOT_FOUND }, .run = admin_zone_edit, .summary = "Change a zone" },
	{ DELETE, "/logistics/zones/:id", .operation = "deleteZone", .access = ADMIN,
		.shape = REPLY_MESSAGE, .errors = { E_NOT_FOUND }, .run = admin_zone_delete,
		.summary = "Delete a zone" },
	ROUTE_END,
};
