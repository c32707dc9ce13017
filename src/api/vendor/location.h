/* SPDX-License-Identifier: MIT
 *
 * The location of a shop in request bodies: location {address,city,coordinates}, or the members
 * address (a text, or {street,city}), city and coordinates, with the point in any spelling.
 */
#ifndef REEYO_SRC_API_VENDOR_LOCATION_H
#define REEYO_SRC_API_VENDOR_LOCATION_H

#include "reeyo/http/request.h"

#define SHOP_LOCATION_FIELDS \
	{ "location", FIELD_ANY, \
		.summary = "{address,city,coordinates:{lat,lng}}, or the address as a text" }, \
		{ "address", FIELD_ANY, \
			.summary = "A text or {street,city}, instead of location" }, \
		{ "city", FIELD_TEXT, .min = 2, .max = 80 }, \
		{ "coordinates", FIELD_POINT, \
			.summary = "When absent: the centre of the city, if the city is known" }, \
		{ "lat", FIELD_NUMBER, .min = -90, .max = 90, .aliases = "latitude", \
			.summary = "Instead of coordinates" }, \
	{ \
		"lng", FIELD_NUMBER, .min = -180, .max = 180, .aliases = "longitude" \
	}

/* Members of the body; each NULL when the body does not have it. */
struct shop_location {
	const char *address, *city;
	const double *lat, *lng;
};
/* whole: the address and a point are required. False when the error reply has been sent. */
bool shop_location_read(struct request *rq, bool whole, struct shop_location *ret);

#endif
