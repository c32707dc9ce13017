/* SPDX-License-Identifier: MIT
 *
 * The work pool: libuv's threads with a lower priority, and one limit for the whole process. When
 * too many jobs wait, more are refused at once. The loops keep the cores.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "loop.h"
#include "reeyo/loop/counters.h"

static atomic_uint pending;
static unsigned pool_size = 2, queue_size = 64;

void work_configure(unsigned threads, unsigned queue)
{
	char text[16];

	pool_size = threads ? threads : 1;
	queue_size = queue;
	snprintf(text, sizeof(text), "%u", pool_size);
	setenv("UV_THREADPOOL_SIZE", text, 1);
}

unsigned work_pending(void)
{
	return atomic_load(&pending);
}

static void work_pool_run(uv_work_t *uv)
{
	static _Thread_local bool begun;
	struct work *work = uv->data;

	if (!begun) {
		thread_work_begin();
		begun = true;
	}
	work->run(work);
}

static void work_pool_done(uv_work_t *uv, int status)
{
	struct work *work = uv->data;

	(void)status;
	atomic_fetch_sub(&pending, 1);
	work->done(work);
}

int loop_work(struct loop *loop, struct work *work)
{
	work->loop = loop;
	work->uv.data = work;
	if (atomic_fetch_add(&pending, 1) >= pool_size + queue_size) {
		atomic_fetch_sub(&pending, 1);
		count_one(loop_counters(loop), COUNT_WORK_REFUSED);
		return E_BUSY;
	}
	if (uv_queue_work(loop_uv(loop), &work->uv, work_pool_run, work_pool_done)) {
		atomic_fetch_sub(&pending, 1);
		return E_NO_MEMORY;
	}
	return 0;
}
