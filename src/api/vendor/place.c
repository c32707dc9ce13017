/* SPDX-License-Identifier: MIT
 *
 * Where a shop is; see the header.
 */
#include "place.h"

#include <strings.h>

static const struct field place_fields[] = {
	{ "address", FIELD_TEXT, .min = 3, .max = 200, .also = "fullAddress street" },
	{ "city", FIELD_TEXT, .min = 2, .max = 80 },
	{ "coordinates", FIELD_POINT },
	{ "lat", FIELD_NUMBER, .min = -90, .max = 90, .also = "latitude" },
	{ "lng", FIELD_NUMBER, .min = -180, .max = 180, .also = "longitude" },
	FIELD_END
};

/* A shop whose app sends no point is somewhere in its city until its profile says better. */
static const struct city {
	const char *name;
	double lat, lng;
} cities[] = {
	{ "Douala", 4.0511, 9.7085 },     { "Yaoundé", 3.8667, 11.5167 },
	{ "Yaounde", 3.8667, 11.5167 },   { "Bafoussam", 5.4778, 10.4176 },
	{ "Bamenda", 5.9631, 10.1591 },   { "Garoua", 9.3014, 13.3977 },
	{ "Maroua", 10.5910, 14.3159 },   { "Ngaoundéré", 7.3167, 13.5833 },
	{ "Bertoua", 4.5773, 13.6846 },   { "Ebolowa", 2.9000, 11.1500 },
	{ "Buea", 4.1537, 9.2427 },       { "Limbe", 4.0186, 9.2043 },
	{ "Kribi", 2.9373, 9.9077 },      { "Kumba", 4.6363, 9.4469 },
};

/* One object with all that the spellings say: members of `inner` (an object, or an address text) go
 * first. */
static void place_merge(json_t *place, json_t *inner)
{
	if (json_is_object(inner))
		json_object_update_missing(place, inner);
	else if (json_is_string(inner) && !member(place, "address"))
		json_object_set(place, "address", inner);
}

static json_t *place_read(const json_t *body)
{
	static const char *const own[] = { "city", "coordinates", "lat", "lng" };
	json_t *place = json_object();

	place_merge(place, member(body, "location"));
	place_merge(place, member(body, "address"));
	for (size_t i = 0; i < COUNT_OF(own); i++)
		if (member(body, own[i]) && !member(place, own[i]))
			json_object_set(place, own[i], member(body, own[i]));
	return place;
}

static void point_take(struct request *rq, const json_t *place, struct shop_place *ret)
{
	const json_t *point = member(place, "coordinates");

	if (!point)
		point = place;
	if (member(point, "lat") && member(point, "lng")) {
		ret->lat = arg_double(rq, member_number(point, "lat", 0));
		ret->lng = arg_double(rq, member_number(point, "lng", 0));
	}
}

static void city_point(struct request *rq, struct shop_place *ret)
{
	for (size_t i = 0; ret->city && i < COUNT_OF(cities); i++)
		if (strcasecmp(cities[i].name, ret->city) == 0) {
			ret->lat = arg_double(rq, cities[i].lat);
			ret->lng = arg_double(rq, cities[i].lng);
		}
}

bool shop_place_take(struct request *rq, bool whole, struct shop_place *ret)
{
	json_auto_t *place = place_read(rq->body);
	struct field_fault faults[FIELD_FAULTS_MAX];
	const char *address, *city;

	*ret = (struct shop_place){ NULL, NULL, NULL, NULL };
	if (field_check(place_fields, place, 0, faults)) {
		reply_field(rq, faults[0].field, faults[0].message, faults[0].message_fr);
		return false;
	}
	address = member_text(place, "address");
	city = member_text(place, "city");
	ret->address = address ? arena_copy(rq->arena, address, strlen(address)) : NULL;
	ret->city = city ? arena_copy(rq->arena, city, strlen(city)) : NULL;
	point_take(rq, place, ret);
	if (whole && !ret->lat)
		city_point(rq, ret);
	if (whole && !ret->address) {
		reply_field(rq, "location", "is required: {address,city,coordinates}",
			"est obligatoire : {address,city,coordinates}");
		return false;
	}
	if (whole && !ret->lat) {
		reply_field(rq, "coordinates", "is required: {lat,lng}",
			"est obligatoire : {lat,lng}");
		return false;
	}
	return true;
}
