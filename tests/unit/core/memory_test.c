/* SPDX-License-Identifier: MIT
 *
 * Arenas: alignment, the limit, the pool, the order of disposers; and the texts built in them.
 */
#include <check.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

#include "../suite.h"
#include "reeyo/core/memory.h"

static struct arena_pool *pool;

static void pool_open(void)
{
	pool = arena_pool_new(1 << 20);
	ck_assert_ptr_nonnull(pool);
}

static void pool_close(void)
{
	arena_pool_free(pool);
}

START_TEST(memory_is_aligned_and_does_not_overlap)
{
	struct arena *arena = arena_new(pool, 1 << 20);
	unsigned char *places[200];

	for (size_t i = 0; i < 200; i++) {
		places[i] = arena_alloc(arena, i * 7 + 1);
		ck_assert_ptr_nonnull(places[i]);
		ck_assert_uint_eq((uintptr_t)places[i] % alignof(max_align_t), 0);
		memset(places[i], (int)i, i * 7 + 1);
	}
	for (size_t i = 0; i < 200; i++)
		for (size_t k = 0; k < i * 7 + 1; k++)
			ck_assert_uint_eq(places[i][k], i);
	arena_free(arena);
	arena_free(NULL);
}
END_TEST

START_TEST(cleared_memory_is_zero_when_blocks_are_reused)
{
	struct arena *arena = arena_new(pool, 1 << 20);
	char *at = arena_alloc(arena, 4000);

	memset(at, 0xff, 4000);
	arena_free(arena);
	arena = arena_new(pool, 1 << 20);
	at = arena_zalloc(arena, 4000);
	for (size_t i = 0; i < 4000; i++)
		ck_assert_int_eq(at[i], 0);
	arena_free(arena);
}
END_TEST

START_TEST(the_limit_is_never_exceeded)
{
	const size_t limit = 100000;
	struct arena *arena = arena_new(pool, limit);
	volatile size_t huge = SIZE_MAX; /* not for the compiler to see */
	size_t got = 0;

	ck_assert_ptr_null(arena_alloc(arena, limit));
	ck_assert_ptr_null(arena_alloc(arena, huge));
	ck_assert_ptr_null(arena_alloc(arena, huge - 40));
	ck_assert_ptr_null(arena_alloc(arena, huge / 2));
	while (arena_alloc(arena, 1000))
		got += 1000;
	ck_assert_uint_gt(got, limit / 2);
	ck_assert_uint_le(arena_size(arena), limit);
	ck_assert_ptr_nonnull(
		arena_alloc(arena, 1)); /* memory that was taken before is still used */
	arena_free(arena);
}
END_TEST

START_TEST(a_large_allocation_keeps_the_current_block_in_use)
{
	struct arena *arena = arena_new(pool, 1 << 20);
	char *before = arena_alloc(arena, 16);
	char *large = arena_alloc(arena, 50000);
	char *after = arena_alloc(arena, 16);

	memset(large, 1, 50000);
	ck_assert_ptr_eq(after, before + 16);
	arena_free(arena);
}
END_TEST

START_TEST(blocks_come_back_from_the_pool)
{
	struct arena *arena = arena_new(pool, 1 << 20);
	void *first = arena;

	arena_free(arena);
	arena = arena_new(pool, 1 << 20);
	ck_assert_ptr_eq(arena, first);
	arena_free(arena);
}
END_TEST

static char disposed[8];

static void dispose(void *what)
{
	strncat(disposed, what, 1);
}

START_TEST(disposers_run_once_newest_first)
{
	struct arena *arena = arena_new(pool, 1 << 20);

	disposed[0] = '\0';
	ck_assert_int_eq(arena_dispose(arena, dispose, "a"), 0);
	ck_assert_int_eq(arena_dispose(arena, dispose, "b"), 0);
	ck_assert_int_eq(arena_dispose(arena, dispose, "c"), 0);
	ck_assert_str_eq(disposed, "");
	arena_free(arena);
	ck_assert_str_eq(disposed, "cba");
}
END_TEST

START_TEST(a_disposer_without_room_is_refused)
{
	struct arena *arena = arena_new(pool, 8192);

	disposed[0] = '\0';
	while (arena_alloc(arena, 16))
		;
	ck_assert_int_eq(arena_dispose(arena, dispose, "a"), E_NO_MEMORY);
	arena_free(arena);
	ck_assert_str_eq(disposed, "");
}
END_TEST

START_TEST(copies_and_prints_end_with_nul)
{
	struct arena *arena = arena_new(pool, 1 << 20);
	char long_text[1000];
	const char *printed;

	memset(long_text, 'x', sizeof(long_text));
	ck_assert_str_eq(arena_copy(arena, "abcdef", 3), "abc");
	ck_assert_str_eq(arena_copy(arena, NULL, 0), "");
	ck_assert_str_eq(arena_printf(arena, "%s-%d", "a", 5), "a-5");
	for (int len = 250; len < 260; len++) { /* around the size that fits on the stack */
		printed = arena_printf(arena, "%.*s", len, long_text);
		ck_assert_uint_eq(strlen(printed), (size_t)len);
	}
	arena_free(arena);
}
END_TEST

START_TEST(a_text_grows_from_nothing)
{
	struct arena *arena = arena_new(pool, 1 << 20);
	struct buf buf = buf_in(arena, 0);

	for (int i = 0; i < 1000; i++) {
		buf_add_int(&buf, i);
		buf_add_string(&buf, ",");
	}
	ck_assert_int_eq(strncmp(buf_string(&buf), "0,1,2,3,4,5,6,7,8,9,10,", 23), 0);
	ck_assert_uint_eq(strlen(buf_string(&buf)), buf.len);
	ck_assert_uint_eq(buf.len, 1000 + 10 + 2 * 90 + 3 * 900);
	buf = buf_in(arena, 4);
	buf_printf(&buf, "%s", "abcd"); /* exactly the room */
	buf_printf(&buf, "%s", "e");
	buf_add_text(&buf, TEXT_NONE);
	ck_assert_str_eq(buf_string(&buf), "abcde");
	arena_free(arena);
}
END_TEST

START_TEST(a_text_in_fixed_memory_ends_at_its_room)
{
	char at[8];
	struct buf buf = buf_over(at, sizeof(at));

	buf_add_string(&buf, "abc");
	buf_add_int(&buf, -123); /* seven characters and a NUL: exactly the room */
	ck_assert_str_eq(buf_string(&buf), "abc-123");
	buf_add(&buf, "!", 1);
	ck_assert(buf.failed && buf.len == 7);
	ck_assert_ptr_null(buf_string(&buf));
	buf = buf_over(at, sizeof(at));
	buf_printf(&buf, "%s", "12345678");
	ck_assert(buf.failed && buf.len == 0);
}
END_TEST

START_TEST(a_text_becomes_json)
{
	struct arena *arena = arena_new(pool, 1 << 20);
	struct buf buf = buf_in(arena, 16);

	buf_add_json(&buf, TEXT("é\"\\/\n\t\r\b\f\x01\x1f\x7f"));
	ck_assert_str_eq(buf_string(&buf), "\"é\\\"\\\\/\\n\\t\\r\\b\\f\\u0001\\u001f\x7f\"");
	buf = buf_in(arena, 16);
	buf_add_json(&buf, TEXT_NONE);
	ck_assert_str_eq(buf_string(&buf), "\"\"");
	arena_free(arena);
}
END_TEST

START_TEST(a_text_that_failed_stays_failed)
{
	struct arena *arena = arena_new(pool, 8192);
	struct buf buf = buf_in(arena, 16);
	char many[8192];

	memset(many, 'x', sizeof(many));
	buf_add_string(&buf, "a");
	buf_add(&buf, many, sizeof(many));
	ck_assert(buf.failed);
	buf_add_string(&buf, "b");
	buf_printf(&buf, "%d", 1);
	buf_add_json(&buf, TEXT("c"));
	ck_assert_ptr_null(buf_string(&buf));
	ck_assert_uint_eq(buf.len, 1);
	arena_free(arena);
}
END_TEST

START_TEST(a_local_is_freed_unless_ownership_is_transferred)
{
	char *kept;
	{
		char *local auto_free = strdup("x");
		char *given auto_free = strdup("y");

		(void)local;
		kept = TAKE_PTR(given);
		ck_assert_ptr_null(given);
	}
	ck_assert_str_eq(kept, "y");
	free(kept);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("memory");
	TCase *all = tcase_create("all");

	tcase_add_checked_fixture(all, pool_open, pool_close);
	tcase_add_test(all, memory_is_aligned_and_does_not_overlap);
	tcase_add_test(all, cleared_memory_is_zero_when_blocks_are_reused);
	tcase_add_test(all, the_limit_is_never_exceeded);
	tcase_add_test(all, a_large_allocation_keeps_the_current_block_in_use);
	tcase_add_test(all, blocks_come_back_from_the_pool);
	tcase_add_test(all, disposers_run_once_newest_first);
	tcase_add_test(all, a_disposer_without_room_is_refused);
	tcase_add_test(all, copies_and_prints_end_with_nul);
	tcase_add_test(all, a_text_grows_from_nothing);
	tcase_add_test(all, a_text_in_fixed_memory_ends_at_its_room);
	tcase_add_test(all, a_text_becomes_json);
	tcase_add_test(all, a_text_that_failed_stays_failed);
	tcase_add_test(all, a_local_is_freed_unless_ownership_is_transferred);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
