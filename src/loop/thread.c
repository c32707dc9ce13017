/* SPDX-License-Identifier: MIT
 *
 * How the kernel schedules the threads. A loop mostly waits; when a request arrives, it should run
 * at once, also while the pool computes on every core. A lower priority of the pool alone does not
 * achieve that: it limits the pool's share, but the kernel lets a thread finish its slice of some
 * milliseconds. A thread that asks for a shorter slice than the running one preempts it.
 */
#include <sched.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "loop.h"

/* The shortest slice that the kernel gives. */
#define LOOP_SLICE_NS 100000
/* About a tenth of a loop thread's share when both compete for the same core. */
#define WORK_NICE 10

/* The kernel's struct sched_attr; its header cannot be included beside sched.h. */
struct kernel_sched_attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

/* Sets the slice (0: the kernel's own) and adds to the nice value of the calling thread. False when
 * the kernel has no slices of threads: it then ignores the slice. A thread with a real-time policy
 * stays as it is. */
static bool thread_schedule(uint64_t slice_ns, int nice)
{
	struct kernel_sched_attr attr = { .size = sizeof(attr) };

	if (syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0) ||
		(attr.policy != SCHED_OTHER && attr.policy != SCHED_BATCH))
		return false;
	attr.nice += nice;
	attr.runtime = slice_ns;
	if (syscall(SYS_sched_setattr, 0, &attr, 0) ||
		syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0))
		return false;
	return attr.runtime == slice_ns;
}

bool thread_slice_shorten(void)
{
	return thread_schedule(LOOP_SLICE_NS, 0);
}

void thread_work_begin(void)
{
	(void)thread_schedule(0, WORK_NICE);
}
