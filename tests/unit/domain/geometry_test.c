/* SPDX-License-Identifier: MIT
 *
 * Distances and zones.
 */
#include <check.h>
#include <stdlib.h>

#include "../suite.h"
#include "reeyo/domain/geometry.h"

static const struct point douala = { 4.0511, 9.7679 }, yaounde = { 3.8480, 11.5021 };

START_TEST(distances_are_those_of_a_sphere_of_6371_km)
{
	/* A quarter of the circumference; half of it; one degree of latitude. */
	ck_assert_int_eq(distance_m((struct point){ 0, 0 }, (struct point){ 0, 90 }), 10007543);
	ck_assert_int_eq(distance_m((struct point){ 0, 0 }, (struct point){ 0, 180 }), 20015087);
	ck_assert_int_eq(distance_m((struct point){ 90, 0 }, (struct point){ -90, 0 }), 20015087);
	ck_assert_int_eq(distance_m((struct point){ 4, 9 }, (struct point){ 5, 9 }), 111195);
	ck_assert_int_eq(distance_m(douala, douala), 0);
	ck_assert_int_eq(distance_m(douala, yaounde), distance_m(yaounde, douala));
	ck_assert_int_ge(distance_m(douala, yaounde), 193000);
	ck_assert_int_le(distance_m(douala, yaounde), 194500);
	/* Across 180° the short way counts. */
	ck_assert_int_eq(
		distance_m((struct point){ 0, 179.5 }, (struct point){ 0, -179.5 }), 111195);
}
END_TEST

START_TEST(a_polygon_contains_points_inside_it)
{
	/* An L: the notch at the upper right is outside. */
	const struct point l[] = { { 0, 0 }, { 0, 4 }, { 2, 4 }, { 2, 2 }, { 4, 2 }, { 4, 0 } };

	ck_assert(polygon_contains(l, 6, (struct point){ 1, 1 }));
	ck_assert(polygon_contains(l, 6, (struct point){ 1, 3.9 }));
	ck_assert(polygon_contains(l, 6, (struct point){ 3.9, 1 }));
	ck_assert(!polygon_contains(l, 6, (struct point){ 3, 3 }));
	ck_assert(!polygon_contains(l, 6, (struct point){ -0.1, 1 }));
	ck_assert(!polygon_contains(l, 6, (struct point){ 1, 4.1 }));
	ck_assert(!polygon_contains(l, 2, (struct point){ 0, 1 }));
	ck_assert(!polygon_contains(NULL, 0, (struct point){ 0, 1 }));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("place");
	TCase *tests = tcase_create("place");

	tcase_add_test(tests, distances_are_those_of_a_sphere_of_6371_km);
	tcase_add_test(tests, a_polygon_contains_points_inside_it);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
