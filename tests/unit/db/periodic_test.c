/* SPDX-License-Identifier: MIT
 *
 * Periodic work: when rounds start, and when the job is freed.
 */
#include <check.h>
#include <stdlib.h>

#include "../suite.h"
#include "reeyo/core/memory.h"
#include "reeyo/db/periodic.h"

struct counting {
	struct loop *loop;
	struct periodic periodic;
	unsigned rounds, ended, freed;
	bool ends_at_once;
};

static void counting_round(void *job)
{
	struct counting *counting = job;

	counting->rounds++;
	if (counting->ends_at_once)
		periodic_end(&counting->periodic, false);
}

static void counting_ended(void *job)
{
	((struct counting *)job)->ended++;
}

static void counting_free(void *job)
{
	((struct counting *)job)->freed++;
}

static const struct periodic_spec spec = {
	.every_ms = 10, .round = counting_round, .ended = counting_ended, .free = counting_free
};

static void counting_start(struct counting *counting)
{
	ck_assert_int_eq(loop_new(0, &counting->loop), 0);
	ck_assert_int_eq(
		periodic_start(&counting->periodic, counting->loop, NULL, &spec, counting), 0);
}

/* Runs the loop for so many milliseconds. */
static void run_for(struct counting *counting, uint64_t ms)
{
	uint64_t end;

	uv_update_time(loop_uv(counting->loop));
	end = uv_now(loop_uv(counting->loop)) + ms;
	while (uv_now(loop_uv(counting->loop)) < end) {
		uv_run(loop_uv(counting->loop), UV_RUN_NOWAIT);
		uv_sleep(1);
		uv_update_time(loop_uv(counting->loop));
	}
}

static void counting_close(struct counting *counting)
{
	periodic_close(&counting->periodic);
	while (!counting->freed)
		uv_run(loop_uv(counting->loop), UV_RUN_ONCE);
	ck_assert_uint_eq(counting->freed, 1);
	loop_free(counting->loop);
}

START_TEST(a_round_starts_in_every_interval)
{
	struct counting counting = { .ends_at_once = true };

	counting_start(&counting);
	run_for(&counting, 200);
	ck_assert_uint_ge(counting.rounds, 3);
	ck_assert_uint_le(counting.rounds, 20);
	ck_assert_uint_eq(counting.ended, counting.rounds);
	counting_close(&counting);
}
END_TEST

START_TEST(no_round_starts_while_one_runs)
{
	struct counting counting = { 0 };

	counting_start(&counting);
	run_for(&counting, 100);
	ck_assert_uint_eq(counting.rounds, 1);
	periodic_end(&counting.periodic, false);
	ck_assert_uint_eq(counting.rounds, 1);
	run_for(&counting, 30);
	ck_assert_uint_eq(counting.rounds, 2);
	periodic_end(&counting.periodic, false);
	counting_close(&counting);
}
END_TEST

START_TEST(a_wake_during_a_round_starts_one_more_after_it)
{
	struct counting counting = { 0 };

	counting_start(&counting);
	periodic_wake(&counting.periodic);
	ck_assert_uint_eq(counting.rounds, 1);
	periodic_wake(&counting.periodic);
	periodic_wake(&counting.periodic);
	ck_assert_uint_eq(counting.rounds, 1);
	periodic_end(&counting.periodic, false);
	ck_assert_uint_eq(counting.rounds, 2);
	periodic_end(&counting.periodic, true);
	ck_assert_uint_eq(counting.rounds, 3);
	periodic_end(&counting.periodic, false);
	ck_assert_uint_eq(counting.rounds, 3);
	counting_close(&counting);
}
END_TEST

START_TEST(a_job_is_freed_when_its_round_and_its_other_work_have_ended)
{
	struct counting counting = { 0 };

	counting_start(&counting);
	periodic_wake(&counting.periodic);
	periodic_hold(&counting.periodic);
	periodic_close(&counting.periodic);
	run_for(&counting, 30);
	ck_assert_uint_eq(counting.freed, 0);
	periodic_end(&counting.periodic, true);
	ck_assert_uint_eq(counting.rounds, 1);
	ck_assert_uint_eq(counting.freed, 0);
	periodic_release(&counting.periodic);
	ck_assert_uint_eq(counting.freed, 1);
	loop_free(counting.loop);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("periodic");
	TCase *tests = tcase_create("periodic");

	tcase_add_test(tests, a_round_starts_in_every_interval);
	tcase_add_test(tests, no_round_starts_while_one_runs);
	tcase_add_test(tests, a_wake_during_a_round_starts_one_more_after_it);
	tcase_add_test(tests, a_job_is_freed_when_its_round_and_its_other_work_have_ended);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
