/* SPDX-License-Identifier: MIT
 *
 * Where a shop is, as bodies say it: location {address,city,coordinates}, or address (a text, or
 * {street,city}), city and coordinates by themselves, with the point in any spelling.
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
		.does = "Without them the middle of the city, where it is a known one" }, \
	{ "lat", FIELD_NUMBER, .min = -90, .max = 90, .also = "latitude", \
		.does = "Instead of coordinates" }, \
	{ "lng", FIELD_NUMBER, .min = -180, .max = 180, .also = "longitude" }

/* What the body says, as SQL parameters; each NULL when it does not say. */
struct shop_place {
	const char *address, *city, *lat, *lng;
};
/* whole: address and a point must be there. False when it has replied. */
bool shop_place_take(struct request *rq, bool whole, struct shop_place *ret);

#endif
