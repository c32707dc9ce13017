/* SPDX-License-Identifier: MIT
 *
 * The work pool: jobs run in parallel to the loop at low priority, complete on the loop's thread,
 * and are refused above the limit.
 */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../suite.h"
#include "reeyo/core/memory.h"
#include "reeyo/loop/counters.h"
#include "reeyo/loop/loop.h"

#define THREADS 2
#define QUEUE 3

struct job {
	struct work work;
	uv_sem_t *gate; /* the job waits for it; NULL: does not wait */
	pthread_t ran_on;
	int niceness;
	unsigned done;
};

static struct loop *loop;
static pthread_t loop_thread;
static unsigned waiting_for;

static void job_run(struct work *work)
{
	struct job *job = CONTAINER_OF(work, struct job, work);

	job->ran_on = pthread_self();
	job->niceness = getpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid));
	if (job->gate)
		uv_sem_wait(job->gate);
}

static void job_done(struct work *work)
{
	ck_assert(pthread_equal(pthread_self(), loop_thread));
	CONTAINER_OF(work, struct job, work)->done++;
	if (--waiting_for == 0)
		loop_stop(loop);
}

static struct job job_new(uv_sem_t *gate)
{
	return (struct job){ .work = { .run = job_run, .done = job_done }, .gate = gate };
}

static void loop_open(void)
{
	work_configure(THREADS, QUEUE);
	ck_assert_int_eq(loop_new(0, &loop), 0);
	loop_thread = pthread_self();
}

static void loop_close(void)
{
	loop_free(loop);
}

START_TEST(a_job_runs_in_the_pool_and_completes_on_the_loop)
{
	struct job job = job_new(NULL);

	waiting_for = 1;
	ck_assert_int_eq(loop_work(loop, &job.work), 0);
	ck_assert_uint_eq(work_pending(), 1);
	loop_run(loop);
	ck_assert_uint_eq(job.done, 1);
	ck_assert(!pthread_equal(job.ran_on, loop_thread));
	ck_assert_int_ge(job.niceness, 10);
	ck_assert_int_lt(getpriority(PRIO_PROCESS, 0), 20);
	ck_assert_uint_eq(work_pending(), 0);
}
END_TEST

START_TEST(jobs_above_the_limit_are_refused)
{
	struct job jobs[THREADS + QUEUE], extra = job_new(NULL);
	uv_sem_t gate;

	uv_sem_init(&gate, 0);
	/* the pool accepts jobs again after the first round */
	for (unsigned round = 1; round <= 2; round++) {
		waiting_for = THREADS + QUEUE;
		for (unsigned i = 0; i < COUNT_OF(jobs); i++) {
			jobs[i] = job_new(&gate);
			ck_assert_int_eq(loop_work(loop, &jobs[i].work), 0);
		}
		ck_assert_int_eq(loop_work(loop, &extra.work), E_BUSY);
		ck_assert_int_eq(loop_work(loop, &extra.work), E_BUSY);
		ck_assert_uint_eq(work_pending(), THREADS + QUEUE);
		ck_assert_uint_eq(loop_counters(loop)->value[COUNT_WORK_REFUSED], 2 * round);
		for (unsigned i = 0; i < COUNT_OF(jobs); i++)
			uv_sem_post(&gate);
		loop_run(loop);
		for (unsigned i = 0; i < COUNT_OF(jobs); i++)
			ck_assert_uint_eq(jobs[i].done, 1);
		ck_assert_uint_eq(work_pending(), 0);
	}
	ck_assert_uint_eq(extra.done, 0);
	uv_sem_destroy(&gate);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("work");
	TCase *all = tcase_create("all");

	tcase_set_timeout(all, 120);
	tcase_add_checked_fixture(all, loop_open, loop_close);
	tcase_add_test(all, a_job_runs_in_the_pool_and_completes_on_the_loop);
	tcase_add_test(all, jobs_above_the_limit_are_refused);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
