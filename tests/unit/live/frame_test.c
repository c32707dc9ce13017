/* SPDX-License-Identifier: MIT
 *
 * Events as frames in Redis and as bytes of a stream.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "../suite.h"
#include "frame.h"

static char *packed(size_t *len)
{
	char *frame = frame_pack(TEXT("6f.16384"), 12, 9, TEXT("new_order"), TEXT("ord_1"),
		TEXT("vendor:v1,admin"), TEXT("{\"a\":\n 1}"), len);

	ck_assert_ptr_nonnull(frame);
	return frame;
}

START_TEST(a_frame_is_read_as_it_was_packed)
{
	size_t len;
	char *text = packed(&len);
	struct frame frame;

	ck_assert(frame_parse((struct text){ text, len }, &frame));
	ck_assert(text_is(frame.source, TEXT("6f.16384")));
	ck_assert_int_eq(frame.previous, 9);
	ck_assert_int_eq(frame.event.id, 12);
	ck_assert(text_is(frame.event.type, TEXT("new_order")));
	ck_assert(text_is(frame.event.aggregate, TEXT("ord_1")));
	ck_assert(text_is(frame.event.payload, TEXT("{\"a\":\n 1}")));
	ck_assert_uint_eq(frame.event.room_count, 2);
	ck_assert(text_is(frame.event.rooms[0], TEXT("vendor:v1")));
	ck_assert(text_is(frame.event.rooms[1], TEXT("admin")));
	free(text);
}
END_TEST

START_TEST(empty_words_stay_empty)
{
	size_t len;
	char *text = frame_pack(TEXT("s"), 0, 0, TEXT("t"), TEXT(""), TEXT_NONE, TEXT(""), &len);
	struct frame frame;

	ck_assert(frame_parse((struct text){ text, len }, &frame));
	ck_assert_uint_eq(frame.event.room_count, 0);
	ck_assert_uint_eq(frame.event.aggregate.len, 0);
	ck_assert_uint_eq(frame.event.payload.len, 0);
	free(text);
}
END_TEST

START_TEST(every_truncated_head_is_refused)
{
	size_t len;
	char *text = packed(&len);
	size_t head = strcspn(text, "\n");
	struct frame frame;

	for (size_t cut = 0; cut <= head; cut++) {
		char *copy = malloc(cut + 1); /* exact size, so that a read beyond is noticed */

		memcpy(copy, text, cut);
		ck_assert(!frame_parse((struct text){ copy, cut }, &frame));
		free(copy);
	}
	free(text);
}
END_TEST

START_TEST(a_malformed_frame_is_refused)
{
	static const char *const wrong[] = { "", "\n", "s x 1 t a r\n{}", "s 1 x t a r\n{}",
		"s -1 1 t a r\n{}", "s 1 1 t a\n{}", "s 99999999999999999999 1 t a r\n{}",
		"just words" };
	struct frame frame;

	for (size_t i = 0; i < COUNT_OF(wrong); i++)
		ck_assert_msg(!frame_parse(text_of(wrong[i]), &frame), "%s", wrong[i]);
}
END_TEST

START_TEST(rooms_beyond_the_maximum_are_ignored)
{
	struct text rooms[EVENT_ROOMS_MAX];

	ck_assert_uint_eq(rooms_split(TEXT("a,b,c,d,e,f,g,h,i,j"), rooms), EVENT_ROOMS_MAX);
	ck_assert(text_is(rooms[EVENT_ROOMS_MAX - 1], TEXT("h")));
	ck_assert_uint_eq(rooms_split(TEXT("-"), rooms), 0);
	ck_assert_uint_eq(rooms_split(TEXT_NONE, rooms), 0);
}
END_TEST

START_TEST(a_batch_holds_copies_and_wire_bytes)
{
	char type[] = "step", payload[] = "{\"a\":\n1}", room[] = "admin";
	struct text rooms[] = { text_of(room) };
	struct event events[] = {
		{ .id = 7,
			.type = text_of(type),
			.payload = text_of(payload),
			.room_count = 1,
			.rooms = rooms },
		{ .type = TEXT("ephemeral"), .payload = TEXT("{}"), .aggregate = TEXT("x") },
	};
	struct batch *batch = batch_new(events, 2, 3);

	ck_assert_ptr_nonnull(batch);
	memset(type, '#', sizeof(type));
	memset(payload, '#', sizeof(payload));
	memset(room, '#', sizeof(room));
	ck_assert(text_is(batch->events[0].wire, TEXT("id: 7\nevent: step\ndata: {\"a\": 1}\n\n")));
	ck_assert(text_is(batch->events[0].event.payload, TEXT("{\"a\":\n1}")));
	ck_assert(text_is(batch->events[0].event.rooms[0], TEXT("admin")));
	ck_assert(text_is(batch->events[1].wire, TEXT("event: ephemeral\ndata: {}\n\n")));
	ck_assert(text_is(batch->events[1].event.aggregate, TEXT("x")));
	shared_hold(&batch->shared);
	shared_drop(&batch->shared);
	shared_drop(&batch->shared);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("frame");
	TCase *tests = tcase_create("frame");

	tcase_add_test(tests, a_frame_is_read_as_it_was_packed);
	tcase_add_test(tests, empty_words_stay_empty);
	tcase_add_test(tests, every_truncated_head_is_refused);
	tcase_add_test(tests, a_malformed_frame_is_refused);
	tcase_add_test(tests, rooms_beyond_the_maximum_are_ignored);
	tcase_add_test(tests, a_batch_holds_copies_and_wire_bytes);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
