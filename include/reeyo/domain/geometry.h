/* SPDX-License-Identifier: MIT
 *
 * Geometry on the earth: points, distances, zones.
 */
#ifndef REEYO_DOMAIN_GEOMETRY_H
#define REEYO_DOMAIN_GEOMETRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Degrees: lat -90…90, lng -180…180. */
struct point {
	double lat, lng;
};

/* Great-circle distance (haversine, R = 6371 km) in whole metres. Fees are computed from
 * whole metres, so that floating-point noise never changes a fee. */
int64_t distance_m(struct point a, struct point b);

/* True when the point lies inside the polygon (even-odd rule; the last corner joins the first). A
 * polygon with fewer than three corners contains nothing. Zones are small, so the earth is treated
 * as flat; a zone must not cross 180°. */
bool polygon_contains(const struct point *corners, size_t count, struct point at);

#endif
