/* SPDX-License-Identifier: MIT
 *
 * The location of a shop in request bodies; see the header.
 */
#include "location.h"

#include <strings.h>

static const struct field location_fields[] = {
	{ "address", FIELD_TEXT, .min = 3, .max = 200, .aliases = "fullAddress street" },
	{ "city", FIELD_TEXT, .min = 2, .max = 80 },
	{ "coordinates", FIELD_POINT },
	{ "lat", FIELD_NUMBER, .min = -90, .max = 90, .aliases = "latitude" },
	{ "lng", FIELD_NUMBER, .min = -180, .max = 180, .aliases = "longitude" },
	FIELD_END,
};

/* A shop whose app sends no point gets the centre of its city until its profile has a point. */
static const struct city {
	const char *name;
	double lat, lng;
} cities[] = {
	{ "Douala", 4.0511, 9.7085 },
	{ "Yaoundé", 3.8667, 11.5167 },
	{ "Yaounde", 3.8667, 11.5167 },
	{ "Bafoussam", 5.4778, 10.4176 },
	{ "Bamenda", 5.9631, 10.1591 },
	{ "Garoua", 9.3014, 13.3977 },
	{ "Maroua", 10.5910, 14.3159 },
	{ "Ngaoundéré", 7.3167, 13.5833 },
	{ "Bertoua", 4.5773, 13.6846 },
	{ "Ebolowa", 2.9000, 11.1500 },
	{ "Buea", 4.1537, 9.2427 },
	{ "Limbe", 4.0186, 9.2043 },
	{ "Kribi", 2.9373, 9.9077 },
	{ "Kumba", 4.6363, 9.4469 },
};

/* Merges a spelling into one object. inner: an object, or the address as a text. Members that are
 * already there stay. */
static void location_merge(json_t *location, json_t *inner)
{
	if (json_is_object(inner))
		json_object_update_missing(location, inner);
	else if (json_is_string(inner) && !member(location, "address"))
		json_object_set(location, "address", inner);
}

static json_t *location_members(const json_t *body)
{
	static const char *const own[] = { "city", "coordinates", "lat", "lng" };
	json_t *location = json_object();

	location_merge(location, member(body, "location"));
	location_merge(location, member(body, "address"));
	for (size_t i = 0; i < COUNT_OF(own); i++)
		if (member(body, own[i]) && !member(location, own[i]))
			json_object_set(location, own[i], member(body, own[i]));
	return location;
}

static void shop_point_read(struct request *rq, const json_t *location, struct shop_location *ret)
{
	const json_t *point = member(location, "coordinates");

	if (!point)
		point = location;
	if (member(point, "lat") && member(point, "lng")) {
		ret->lat = optional_number(rq, point, "lat");
		ret->lng = optional_number(rq, point, "lng");
	}
}

static void city_point_read(struct shop_location *ret)
{
	for (size_t i = 0; ret->city && i < COUNT_OF(cities); i++)
		if (strcasecmp(cities[i].name, ret->city) == 0) {
			ret->lat = &cities[i].lat;
			ret->lng = &cities[i].lng;
		}
}

bool shop_location_read(struct request *rq, bool whole, struct shop_location *ret)
{
	json_auto_t *location = location_members(rq->body);
	struct field_fault faults[FIELD_FAULTS_MAX];
	const char *address, *city;

	*ret = (struct shop_location){ NULL, NULL, NULL, NULL };
	if (field_check(location_fields, location, 0, faults)) {
		reply_field(rq, faults[0].field, faults[0].message, faults[0].message_fr);
		return false;
	}
	address = member_text(location, "address");
	city = member_text(location, "city");
	ret->address = address ? arena_copy(rq->arena, address, strlen(address)) : NULL;
	ret->city = city ? arena_copy(rq->arena, city, strlen(city)) : NULL;
	shop_point_read(rq, location, ret);
	if (whole && !ret->lat)
		city_point_read(ret);
	if (whole && !ret->address) {
		reply_field(rq, "location", "is required: {address,city,coordinates}",
			"est obligatoire : {address,city,coordinates}");
		return false;
	}
	if (whole && !ret->lat) {
		reply_field(
			rq, "coordinates", "is required: {lat,lng}", "est obligatoire : {lat,lng}");
		return false;
	}
	return true;
}
