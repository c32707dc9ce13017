/* SPDX-License-Identifier: MIT
 *
 * The table of rooms: members are found in their rooms, and empty rooms are freed.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "../suite.h"
#include "rooms.h"

#define MEMBERS 2000

static unsigned count_in(const struct rooms *rooms, const char *name)
{
	unsigned count = 0;

	for (struct membership *one = room_first_member(rooms, text_of(name)); one; one = one->next)
		count++;
	return count;
}

START_TEST(members_are_found_in_their_rooms_only)
{
	struct rooms *rooms;
	struct membership membership[4] = { 0 };
	int a, b;

	ck_assert_int_eq(rooms_new(&rooms), 0);
	ck_assert_int_eq(room_join(rooms, "user:1", &membership[0], &a), 0);
	ck_assert_int_eq(room_join(rooms, "users", &membership[1], &a), 0);
	ck_assert_int_eq(room_join(rooms, "users", &membership[2], &b), 0);
	ck_assert_uint_eq(count_in(rooms, "user:1"), 1);
	ck_assert_uint_eq(count_in(rooms, "users"), 2);
	ck_assert_uint_eq(count_in(rooms, "user"), 0);
	ck_assert_uint_eq(count_in(rooms, "user:10"), 0);
	ck_assert_ptr_eq(room_first_member(rooms, TEXT("user:1"))->member, &a);
	ck_assert_str_eq(membership_room_name(&membership[2]), "users");
	room_leave(rooms, &membership[1]);
	ck_assert_ptr_eq(room_first_member(rooms, TEXT("users"))->member, &b);
	room_leave(rooms, &membership[1]); /* again: harmless */
	room_leave(rooms, &membership[3]); /* never joined */
	ck_assert_ptr_null(membership_room_name(&membership[1]));
	room_leave(rooms, &membership[2]);
	ck_assert_ptr_null(room_first_member(rooms, TEXT("users")));
	room_leave(rooms, &membership[0]);
	rooms_free(rooms);
}
END_TEST

START_TEST(leaving_in_any_order_keeps_the_other_members)
{
	static struct membership membership[MEMBERS];
	struct rooms *rooms;
	char name[32];

	ck_assert_int_eq(rooms_new(&rooms), 0);
	for (int i = 0; i < MEMBERS; i++) {
		snprintf(name, sizeof(name), "room:%d", i % 7);
		ck_assert_int_eq(room_join(rooms, name, &membership[i], &membership[i]), 0);
	}
	/* coprime step: each member once */
	for (int step = 0, i = 0; step < MEMBERS; step++, i = (i + 1231) % MEMBERS) {
		unsigned before;

		snprintf(name, sizeof(name), "room:%d", i % 7);
		before = count_in(rooms, name);
		room_leave(rooms, &membership[i]);
		ck_assert_uint_eq(count_in(rooms, name), before - 1);
	}
	rooms_free(rooms);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rooms");
	TCase *tests = tcase_create("rooms");

	tcase_add_test(tests, members_are_found_in_their_rooms_only);
	tcase_add_test(tests, leaving_in_any_order_keeps_the_other_members);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
