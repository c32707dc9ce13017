/* SPDX-License-Identifier: MIT
 *
 * Hooks at the end of a turn: their order, how they affect each other, and that `wanted` is neither
 * lost nor able to block the loop. If `wanted` were lost, the test would not end.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../suite.h"
#include "loop.h"
#include "reeyo/core/memory.h"
#include "reeyo/loop/counters.h"

static struct loop *loop;
static char trace[256];

static void loop_open(void)
{
	ck_assert_int_eq(loop_new(3, &loop), 0);
	trace[0] = '\0';
}

static void loop_close(void)
{
	loop_free(loop);
}

struct hook {
	struct turn_hook turn;
	const char *name;
	struct turn_hook *wakes; /* set wanted on each run */
	unsigned again;          /* how many more times it sets its own wanted */
	unsigned runs;
	bool stops; /* ends the loop after its last run */
};

static void hook_runs(struct turn_hook *turn)
{
	struct hook *hook = CONTAINER_OF(turn, struct hook, turn);

	ck_assert(!turn->wanted);
	hook->runs++;
	if (strlen(trace) < sizeof(trace) - 2)
		strcat(trace, hook->name);
	if (hook->wakes)
		hook->wakes->wanted = true;
	hook->wakes = NULL;
	if (hook->again && hook->again--)
		turn->wanted = true;
	else if (hook->stops)
		loop_stop(loop);
}

#define HOOK(text, ...) \
	{ \
		.turn = { .run = hook_runs }, .name = (text), __VA_ARGS__ \
	}

START_TEST(a_loop_has_an_index_and_counters)
{
	ck_assert_uint_eq(loop_index(loop), 3);
	ck_assert_ptr_nonnull(loop_uv(loop));
	count_one(loop_counters(loop), COUNT_WORK_REFUSED);
	ck_assert_uint_eq(loop_counters(loop)->value[COUNT_WORK_REFUSED], 1);
	loop_free(NULL);
}
END_TEST

START_TEST(serve_hooks_run_before_flush_hooks_in_registration_order)
{
	struct hook flush = HOOK("f", .stops = true), first = HOOK("1"), second = HOOK("2"),
		    idle = HOOK("-");

	loop_hook(loop, PHASE_FLUSH, &flush.turn);
	loop_hook(loop, PHASE_SERVE, &first.turn);
	loop_hook(loop, PHASE_SERVE, &idle.turn);
	loop_hook(loop, PHASE_SERVE, &second.turn);
	flush.turn.wanted = first.turn.wanted = second.turn.wanted = true;
	loop_run(loop);
	ck_assert_str_eq(trace, "12f");
}
END_TEST

START_TEST(a_hook_that_wants_more_runs_again_before_the_flush)
{
	struct hook flush = HOOK("f", .stops = true), serve = HOOK("s", .again = 3);

	loop_hook(loop, PHASE_SERVE, &serve.turn);
	loop_hook(loop, PHASE_FLUSH, &flush.turn);
	loop->turn_long_ns = UINT64_MAX;
	serve.turn.wanted = flush.turn.wanted = true;
	loop_run(loop);
	ck_assert_str_eq(trace, "ssssf");
}
END_TEST

struct posted {
	struct message message;
	struct hook *watched;
	unsigned runs_then;
};

static void on_posted(struct message *message)
{
	struct posted *posted = CONTAINER_OF(message, struct posted, message);

	posted->runs_then = posted->watched->runs;
}

START_TEST(a_hook_that_is_always_wanted_lets_the_loop_poll_after_64_runs)
{
	struct hook serve = HOOK("", .again = 1000, .stops = true);
	struct posted posted = { .message.run = on_posted, .watched = &serve };

	loop->turn_long_ns = UINT64_MAX;
	loop_hook(loop, PHASE_SERVE, &serve.turn);
	serve.turn.wanted = true;
	loop_post(loop, &posted.message);
	loop_run(loop);
	ck_assert_uint_eq(posted.runs_then, 64);
	ck_assert_uint_eq(serve.runs, 1001);
}
END_TEST

START_TEST(a_long_turn_lets_the_loop_poll_after_one_run)
{
	struct hook serve = HOOK("s", .again = 3, .stops = true), flush = HOOK("f");
	struct posted posted = { .message.run = on_posted, .watched = &serve };

	loop->turn_long_ns = 0;
	loop_hook(loop, PHASE_SERVE, &serve.turn);
	loop_hook(loop, PHASE_FLUSH, &flush.turn);
	serve.turn.wanted = flush.turn.wanted = true;
	loop_post(loop, &posted.message);
	loop_run(loop);
	ck_assert_uint_eq(posted.runs_then, 1);
	ck_assert_str_eq(trace, "sfsss");
}
END_TEST

START_TEST(a_serve_hook_wanted_by_a_flush_does_not_wait_for_an_event)
{
	struct hook serve = HOOK("s", .stops = true);
	struct hook flush = HOOK("f", .wakes = &serve.turn);

	loop_hook(loop, PHASE_SERVE, &serve.turn);
	loop_hook(loop, PHASE_FLUSH, &flush.turn);
	flush.turn.wanted = true;
	loop_run(loop);
	ck_assert_str_eq(trace, "fs");
}
END_TEST

START_TEST(a_later_hook_may_want_an_earlier_one)
{
	struct hook first = HOOK("1", .stops = true);
	struct hook second = HOOK("2", .wakes = &first.turn);

	loop_hook(loop, PHASE_SERVE, &first.turn);
	loop_hook(loop, PHASE_SERVE, &second.turn);
	second.turn.wanted = true;
	loop_run(loop);
	ck_assert_str_eq(trace, "21");
}
END_TEST

static void timer_wants(uv_timer_t *timer)
{
	((struct turn_hook *)timer->data)->wanted = true;
}

START_TEST(a_timer_may_want_a_hook)
{
	struct hook serve = HOOK("s", .stops = true);
	uv_timer_t timer = { .data = &serve.turn };

	loop_hook(loop, PHASE_SERVE, &serve.turn);
	uv_timer_init(loop_uv(loop), &timer);
	uv_timer_start(&timer, timer_wants, 1, 0);
	loop_run(loop);
	ck_assert_str_eq(trace, "s");
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(loop_uv(loop), UV_RUN_NOWAIT);
}
END_TEST

static struct hook *gone[2];

static void hooks_unhook_both(struct turn_hook *turn)
{
	(void)turn;
	for (int i = 0; i < 2; i++) {
		loop_unhook(loop, PHASE_SERVE, &gone[i]->turn);
		free(gone[i]);
	}
	strcat(trace, "x");
}

START_TEST(a_hook_may_unhook_itself_and_the_next)
{
	struct hook last = HOOK("l", .stops = true);

	for (int i = 0; i < 2; i++) {
		gone[i] = calloc(1, sizeof(*gone[i]));
		gone[i]->turn.run = i ? hook_runs : hooks_unhook_both;
		gone[i]->name = "never";
		gone[i]->turn.wanted = true;
		loop_hook(loop, PHASE_SERVE, &gone[i]->turn);
	}
	loop_hook(loop, PHASE_SERVE, &last.turn);
	last.turn.wanted = true;
	loop_run(loop);
	ck_assert_str_eq(trace, "xl");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hook");
	TCase *all = tcase_create("all");

	tcase_set_timeout(all, 120);
	tcase_add_checked_fixture(all, loop_open, loop_close);
	tcase_add_test(all, a_loop_has_an_index_and_counters);
	tcase_add_test(all, serve_hooks_run_before_flush_hooks_in_registration_order);
	tcase_add_test(all, a_hook_that_wants_more_runs_again_before_the_flush);
	tcase_add_test(all, a_hook_that_is_always_wanted_lets_the_loop_poll_after_64_runs);
	tcase_add_test(all, a_long_turn_lets_the_loop_poll_after_one_run);
	tcase_add_test(all, a_serve_hook_wanted_by_a_flush_does_not_wait_for_an_event);
	tcase_add_test(all, a_later_hook_may_want_an_earlier_one);
	tcase_add_test(all, a_timer_may_want_a_hook);
	tcase_add_test(all, a_hook_may_unhook_itself_and_the_next);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
