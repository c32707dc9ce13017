/* SPDX-License-Identifier: MIT
 *
 * Deadlines: they expire in order and never early, can be stopped and restarted, also while another
 * one expires.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../suite.h"
#include "reeyo/core/memory.h"
#include "reeyo/loop/loop.h"

struct wait {
	struct deadline deadline;
	char name;
	uint64_t earliest;
	bool last;          /* ends the loop */
	unsigned restarts;  /* restarts this many times when it expires */
	struct wait *stops; /* stopped when this one expires */
	struct deadline_list *list;
};

static struct loop *loop;
static struct deadline_list list;
static char trace[64];

static void expired(struct deadline *deadline)
{
	struct wait *wait = CONTAINER_OF(deadline, struct wait, deadline);

	ck_assert(!deadline_runs(deadline));
	ck_assert_uint_ge(loop_now(loop), wait->earliest);
	strncat(trace, &wait->name, 1);
	if (wait->stops)
		deadline_stop(&wait->stops->deadline);
	if (wait->restarts && wait->restarts--)
		deadline_start(wait->list, deadline);
	else if (wait->last)
		loop_stop(loop);
}

static void loop_open(void)
{
	ck_assert_int_eq(loop_new(0, &loop), 0);
	deadline_list_init(&list, loop, 20, expired);
	trace[0] = '\0';
}

static void loop_close(void)
{
	deadline_list_close(&list);
	loop_free(loop);
}

static void start(struct deadline_list *in, struct wait *wait)
{
	wait->list = in;
	wait->earliest = loop_now(loop) + in->after_ms;
	deadline_start(in, &wait->deadline);
	ck_assert(deadline_runs(&wait->deadline));
}

START_TEST(deadlines_expire_in_the_order_of_their_start)
{
	struct wait a = { .name = 'a' }, b = { .name = 'b' }, c = { .name = 'c', .last = true };

	start(&list, &a);
	start(&list, &b);
	start(&list, &c);
	loop_run(loop);
	ck_assert_str_eq(trace, "abc");
}
END_TEST

START_TEST(a_restarted_deadline_goes_to_the_end)
{
	struct wait a = { .name = 'a', .last = true }, b = { .name = 'b' }, c = { .name = 'c' };

	start(&list, &a);
	start(&list, &b);
	start(&list, &c);
	start(&list, &a);
	loop_run(loop);
	ck_assert_str_eq(trace, "bca");
}
END_TEST

START_TEST(a_stopped_deadline_does_not_expire)
{
	struct wait a = { .name = 'a' }, b = { .name = 'b' }, c = { .name = 'c', .last = true };
	struct wait never = { .name = '!' };

	b.stops = &never;
	start(&list, &a);
	start(&list, &b);
	start(&list, &never);
	start(&list, &c);
	deadline_stop(&a.deadline);
	deadline_stop(&a.deadline);
	ck_assert(!deadline_runs(&a.deadline));
	loop_run(loop);
	ck_assert_str_eq(trace, "bc");
	ck_assert(!deadline_runs(&never.deadline));
}
END_TEST

START_TEST(a_shorter_list_is_not_delayed_by_a_longer_one)
{
	struct deadline_list hour, short_;
	struct wait far = { .name = '!' }, a = { .name = 'a' }, b = { .name = 'b', .last = true };

	deadline_list_init(&hour, loop, 3600000, expired);
	deadline_list_init(&short_, loop, 5, expired);
	start(&hour, &far);
	start(&list, &b);
	start(&short_, &a);
	loop_run(loop);
	ck_assert_str_eq(trace, "ab");
	ck_assert(deadline_runs(&far.deadline));
	deadline_list_close(&hour);
	ck_assert(!deadline_runs(&far.deadline));
	deadline_list_close(&short_);
	deadline_list_close(&short_);
}
END_TEST

START_TEST(a_deadline_may_restart_when_it_expires)
{
	struct deadline_list none;
	struct wait a = { .name = 'a', .restarts = 5, .last = true };

	deadline_list_init(&none, loop, 0, expired);
	a.list = &none;
	deadline_start(&none, &a.deadline);
	loop_run(loop);
	ck_assert_str_eq(trace, "aaaaaa");
	deadline_list_close(&none);
}
END_TEST

static struct deadline_list restarting;

static void stop_here(struct message *message)
{
	(void)message;
	loop_stop(loop);
}

static void deadline_restarts(struct deadline *deadline)
{
	static struct message message = { .run = stop_here };

	if (!trace[0])
		loop_post(loop, &message);
	trace[0] = 'x';
	deadline_start(&restarting, deadline);
}

/* If the loop never turned, the test would not end. */
START_TEST(a_deadline_of_zero_that_always_restarts_does_not_block_the_loop)
{
	struct deadline d = { 0 };

	deadline_list_init(&restarting, loop, 0, deadline_restarts);
	deadline_start(&restarting, &d);
	loop_run(loop);
	ck_assert(deadline_runs(&d));
	deadline_list_close(&restarting);
}
END_TEST

START_TEST(a_timer_set_for_a_stopped_deadline_is_set_again)
{
	struct wait a = { .name = 'a' }, b = { .name = 'b', .last = true };
	struct deadline_list longer;

	deadline_list_init(&longer, loop, 60, expired);
	start(&list, &a);
	start(&longer, &b);
	deadline_stop(&a.deadline);
	loop_run(loop);
	ck_assert_str_eq(trace, "b");
	deadline_list_close(&longer);
}
END_TEST

static struct deadline_list *next_list;

static void closes_the_next(struct deadline *deadline)
{
	(void)deadline;
	deadline_list_close(next_list);
	free(TAKE_PTR(next_list));
	strcat(trace, "x");
}

/* Lists are visited newest first: `closes` before the list that it closes. */
START_TEST(an_expiry_may_close_another_list)
{
	struct deadline_list closes;
	struct wait a = { .name = '!' }, b = { .name = 'b', .last = true };
	struct deadline d = { 0 };

	start(&list, &b);
	next_list = calloc(1, sizeof(*next_list));
	deadline_list_init(next_list, loop, 20, expired);
	deadline_list_init(&closes, loop, 20, closes_the_next);
	start(next_list, &a);
	deadline_start(&closes, &d);
	loop_run(loop);
	ck_assert_str_eq(trace, "xb");
	deadline_list_close(&closes);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("deadline");
	TCase *all = tcase_create("all");

	tcase_set_timeout(all, 120);
	tcase_add_checked_fixture(all, loop_open, loop_close);
	tcase_add_test(all, deadlines_expire_in_the_order_of_their_start);
	tcase_add_test(all, a_restarted_deadline_goes_to_the_end);
	tcase_add_test(all, a_stopped_deadline_does_not_expire);
	tcase_add_test(all, a_shorter_list_is_not_delayed_by_a_longer_one);
	tcase_add_test(all, a_deadline_may_restart_when_it_expires);
	tcase_add_test(all, a_deadline_of_zero_that_always_restarts_does_not_block_the_loop);
	tcase_add_test(all, a_timer_set_for_a_stopped_deadline_is_set_again);
	tcase_add_test(all, an_expiry_may_close_another_list);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
