/* SPDX-License-Identifier: MIT
 *
 * A loop's thread asks for a short slice; the pool's threads, which it starts, do not inherit it.
 */
#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../suite.h"
#include "reeyo/loop/loop.h"

struct job {
	struct work work;
	uint64_t slice;
};

/* sched_runtime of the calling thread, as the kernel reports it. */
static uint64_t thread_slice(void)
{
	uint64_t attr[6] = { 0 };

	ck_assert_int_eq(syscall(SYS_sched_getattr, 0, attr, sizeof(attr), 0), 0);
	return attr[3];
}

static void job_run(struct work *work)
{
	((struct job *)work)->slice = thread_slice();
}

static void job_done(struct work *work)
{
	loop_stop(work->loop);
}

START_TEST(a_loop_has_a_shorter_slice_than_the_pool)
{
	struct job job = { .work = { .run = job_run, .done = job_done } };
	struct loop *loop;

	ck_assert_int_eq(loop_new(0, &loop), 0);
	ck_assert_int_eq(loop_work(loop, &job.work), 0);
	loop_run(loop);
	if (thread_slice_shorten())
		ck_assert_uint_lt(thread_slice(), job.slice);
	loop_free(loop);
}
END_TEST

START_TEST(a_shorter_slice_keeps_the_priority)
{
	int before = getpriority(PRIO_PROCESS, 0);
	bool offered = thread_slice_shorten();

	ck_assert(thread_slice_shorten() == offered);
	ck_assert_int_eq(getpriority(PRIO_PROCESS, 0), before);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("thread");
	TCase *all = tcase_create("all");

	tcase_add_test(all, a_loop_has_a_shorter_slice_than_the_pool);
	tcase_add_test(all, a_shorter_slice_keeps_the_priority);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
