/* SPDX-License-Identifier: MIT
 *
 * The location of a shop in request bodies: location {address,city,coordinates}, or the members
 * address (a text, or {street,city}), city and coordinates, with the point in any spelling.
 */
#ifndef REEYO_API_VENDOR_PLACE_H
#define REEYO_API_VENDOR_PLACE_H

#include "reeyo/http/request.h"

#define PLACE_FIELDS \
	{ "location", FIELD_ANY, \
		.does = "{address,city,coordinates:{lat,lng}}, or the address as a text" }, \
	{ "address", FIELD_ANY, .does = "A text or {street,city}, instead of location" }, \
	{ "city", FIELD_TEXT, .min = 2, .max = 80 }, \
	{ "coordinates", FIELD_POINT, \
		.does = "When absent: the centre of the city, if the city is known" }, \
	{ "lat", FIELD_NUMBER, .min = -90, .max = 90, .also = "latitude", \
		.does = "Instead of coordinates" }, \
	{ "lng", FIELD_NUMBER, .min = -180, .max = 180, .also = "longitude" }

/* SQL parameters; each NULL when the body does not have it. */
struct shop_place {
	const char *address, *city, *lat, *lng;
};
/* whole: the address and a point are required. False when the error reply has been sent. */
bool shop_place_take(struct request *rq, bool whole, struct shop_place *ret);

#endif
