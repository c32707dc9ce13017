/* SPDX-License-Identifier: MIT
 *
 * Great-circle distance (haversine) and point in polygon (even-odd rule).
 */
#include "reeyo/domain/geometry.h"

#include <math.h>

#define EARTH_M 6371000.0

static double radians(double degrees)
{
	return degrees * (M_PI / 180.0);
}

int64_t distance_m(struct point a, struct point b)
{
	double north = sin(radians(b.lat - a.lat) / 2), east = sin(radians(b.lng - a.lng) / 2);
	double h = north * north + cos(radians(a.lat)) * cos(radians(b.lat)) * east * east;

	/* Rounding can push h of two antipodes just above 1. */
	return llround(2 * EARTH_M * asin(sqrt(h < 1 ? h : 1)));
}

bool polygon_contains(const struct point *corners, size_t count, struct point at)
{
	bool inside = false;

	if (count < 3)
		return false;
	for (size_t i = 0, previous = count - 1; i < count; previous = i++) {
		struct point p = corners[i], q = corners[previous];

		if ((p.lat > at.lat) != (q.lat > at.lat) &&
			at.lng < (q.lng - p.lng) * (at.lat - p.lat) / (q.lat - p.lat) + p.lng)
			inside = !inside;
	}
	return inside;
}
