/* SPDX-License-Identifier: MIT
 *
 * Places on the earth: points, distances, zones.
 */
#ifndef REEYO_DOMAIN_PLACE_H
#define REEYO_DOMAIN_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Degrees: lat -90…90, lng -180…180. */
struct point {
	double lat, lng;
};

/* Great-circle distance (haversine, R = 6371 km) in whole metres. Fees are computed from metres, so
 * that the same two points always cost the same, whatever the floating-point noise. */
int64_t distance_m(struct point a, struct point b);

/* True when the point lies inside the polygon (even-odd rule; the last corner joins the first).
 * Fewer than three corners hold nothing. Zones are small: the earth counts as flat, and no zone
 * crosses 180°. */
bool polygon_holds(const struct point *corners, size_t count, struct point at);

#endif
