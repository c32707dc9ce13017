/* SPDX-License-Identifier: MIT
 *
 * Delivery zones: polygons with a delivery fee of their own. A change applies immediately on the
 * instance that receives it, and within a second on every other, because it raises a version
 * setting that all of them follow.
 */
#include "admin/audit.h"
#include "admin/list.h"
#include "admin/reply.h"
#include "reeyo/api/admin.h"
#include "reeyo/api/settings.h"
#include "reeyo/core/json_writer.h"
#include "reeyo/db/queries/admin_config.h"

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
	struct json_writer json = json_write_to(&out);

	*ret = NULL;
	if (!polygon)
		return true;
	json_write_array(&json);
	for (size_t i = 0; i < json_array_size(polygon); i++) {
		double lat, lng;

		if (!corner_parse(json_array_get(polygon, i), &lat, &lng)) {
			reply_field(rq, "polygon", "must be a list of [lat,lng]",
				"doit être une liste de [lat,lng]");
			return false;
		}
		json_write_array(&json);
		json_write_double(&json, lat);
		json_write_double(&json, lng);
		json_write_array_end(&json);
	}
	json_write_array_end(&json);
	*ret = json_write_finish(&json);
	return true;
}

/* --- Handlers --------------------------------------------------------------------------------- */

static void admin_zones_list(struct request *rq)
{
	sql_read_primary(rq, admin_zone_list, admin_reply_page,
		&(struct admin_zone_list){ PAGE_PARAMS(rq) });
}

static void admin_zone_show(struct request *rq)
{
	admin_read_row(rq, admin_zone_get, .zone_id);
}

static void admin_zone_add(struct request *rq)
{
	const char *polygon;
	const char *id = request_id_new(rq, "zone_");

	if (!polygon_parse(rq, &polygon))
		return;
	if (!id)
		return reply_error(rq, E_NO_MEMORY);
	admin_write(rq, admin_zone_add, admin_reply_setting, .zone_id = id,
		.name = body_text(rq, "name"), .country_code = body_text(rq, "countryCode"),
		.polygon = polygon,
		.delivery_fee = optional_int(rq, rq->body, "deliveryFeeOverride"),
		.is_active = member_bool(rq->body, "isActive", true));
}

static void admin_zone_edit(struct request *rq)
{
	const char *polygon;

	if (!polygon_parse(rq, &polygon))
		return;
	admin_write(rq, admin_zone_edit, admin_reply_setting, .zone_id = rq->params[0],
		.name = body_text(rq, "name"), .country_code = body_text(rq, "countryCode"),
		.polygon = polygon, .delivery_fee = arg_change(rq, "deliveryFeeOverride"),
		.is_active = optional_bool(rq, rq->body, "isActive"));
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
	admin_write(rq, admin_zone_delete, admin_zone_deleted, .zone_id = rq->params[0]);
}

const struct route admin_zone_routes[] = {
	{ GET, "/logistics/zones", .operation = "listZones", .permission = "zones.read",
		.query = page_fields, .reply = zone_fields, .shape = REPLY_PAGE,
		.run = admin_zones_list, .summary = "Delivery zones, by name" },
	{ GET, "/logistics/zones/:id", .operation = "getZone", .permission = "zones.read",
		.reply = zone_fields, .errors = { E_NOT_FOUND }, .run = admin_zone_show,
		.summary = "One zone" },
	{ POST, "/logistics/zones", .operation = "createZone", .permission = "zones.write",
		.body = add_body, .reply = zone_fields, .created = true, .run = admin_zone_add,
		.audit = "zone.add", .summary = "Add a zone" },
	{ PATCH, "/logistics/zones/:id", .operation = "updateZone", .permission = "zones.write",
		.any_write = true, .body = edit_body, .reply = zone_fields,
		.errors = { E_NOT_FOUND }, .run = admin_zone_edit, .audit = "zone.change",
		.summary = "Change a zone" },
	{ DELETE, "/logistics/zones/:id", .operation = "deleteZone", .permission = "zones.write",
		.shape = REPLY_MESSAGE, .errors = { E_NOT_FOUND }, .run = admin_zone_delete,
		.audit = "zone.delete", .summary = "Delete a zone" },
	ROUTE_END,
};
