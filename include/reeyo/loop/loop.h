/* SPDX-License-Identifier: MIT
 *
 * The event loop: one thread and one libuv loop, with hooks at the end of each turn, deadlines,
 * messages from other loops, and a pool of threads for slow computations.
 *
 * A turn: poll → callbacks (replies of PostgreSQL and Redis, timers, messages) → PHASE_SERVE hooks
 * (HTTP runs once) → PHASE_FLUSH hooks (everything that was queued for PostgreSQL and Redis in this
 * turn is sent, with one write each) → poll.
 */
#ifndef REEYO_LOOP_LOOP_H
#define REEYO_LOOP_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "reeyo/core/counter.h"
#include "reeyo/core/error.h"

struct loop;

/* A loop with its number (0…). Returns 0 or E_NO_MEMORY. */
int loop_new(unsigned index, struct loop **ret) MUST_CHECK;
/* Frees a loop that is not running and on which no other code has an open handle. NULL is
 * allowed. */
void loop_free(struct loop *loop);
/* Runs until loop_stop. The calling thread becomes the loop's thread. */
void loop_run(struct loop *loop);
/* Ends loop_run after this turn. The loop's thread only (use loop_post from others). */
void loop_stop(struct loop *loop);

/* Asks the kernel to run the calling thread soon after it wakes (a short slice, Linux 6.12 and
 * later). loop_run does it for its thread. False: the kernel does not offer it; while the pool
 * computes on all cores, each wait of a loop may then take some milliseconds longer. */
bool thread_slice_shorten(void);

/* The default number of loops of a process: one per core, at most 16. Any thread. */
unsigned loops_default(void);

uv_loop_t *loop_uv(struct loop *loop);
unsigned loop_index(const struct loop *loop);
struct counters *loop_counters(struct loop *loop);
/* Milliseconds of the monotonic clock as of the start of this turn. */
uint64_t loop_now(const struct loop *loop);

/* True when the hooks of this turn have run for 1 ms. A hook with more work then sets `wanted` and
 * continues in the next turn, because replies of PostgreSQL and Redis and timers wait meanwhile. */
bool loop_turn_is_long(const struct loop *loop);

/* --- End of turn ------------------------------------------------------------------------------ */

enum turn_phase { PHASE_SERVE, PHASE_FLUSH, PHASE_COUNT };

/* Embedded in its owner. run is called at the end of each turn in which `wanted` was set. `wanted`
 * is cleared before the call. run may set it again to be called once more before the loop polls: at
 * most 64 times, and until the turn is long; then the loop polls without waiting and continues. */
struct turn_hook {
	void (*run)(struct turn_hook *hook);
	bool wanted;
	struct turn_hook *next;
};
/* Registers for the loop's life, or until loop_unhook. Loop thread, or before loop_run. */
void loop_hook(struct loop *loop, enum turn_phase phase, struct turn_hook *hook);
void loop_unhook(struct loop *loop, enum turn_phase phase, struct turn_hook *hook);

/* --- Deadlines -------------------------------------------------------------------------------- */

/* All waits of one list have the same length, so they expire in the order in which they began:
 * start and stop take O(1). Resolution 10 ms. */
struct deadline {
	struct deadline *next, *previous; /* NULL when not running */
	uint64_t due_ms;
};
struct deadline_list {
	struct deadline ends;
	uint64_t after_ms;
	void (*expired)(struct deadline *deadline); /* already stopped when called */
	struct loop *loop;
	struct deadline_list *next;
};
void deadline_list_init(struct deadline_list *list, struct loop *loop, uint64_t after_ms,
	void (*expired)(struct deadline *));
/* Removes the list from its loop; running deadlines are dropped without a call of expired. */
void deadline_list_close(struct deadline_list *list);
/* Starts or restarts: expires after_ms from now. */
void deadline_start(struct deadline_list *list, struct deadline *deadline);
/* Does nothing when the deadline is not running. */
void deadline_stop(struct deadline *deadline);
static inline bool deadline_runs(const struct deadline *deadline)
{
	return deadline->next != NULL;
}

/* --- Messages between loops ------------------------------------------------------------------- */

/* run(message) is called on the receiving loop's thread and owns the message from then on. */
struct message {
	void (*run)(struct message *message);
	struct message *next;
};
/* Any thread. Messages of one sender arrive in order. */
void loop_post(struct loop *to, struct message *message);

/* --- Slow computations ------------------------------------------------------------------------ */

/* A job for the work pool. run is called on a pool thread (with a lower priority, so that loops
 * keep the cores), then done on the loop's thread. Embedded in its owner, which must live until
 * done. */
struct work {
	void (*run)(struct work *work);
	void (*done)(struct work *work);
	uv_work_t uv;
	struct loop *loop;
};
/* Size of the pool and of its queue, for the whole process. Before the first loop_work. */
void work_configure(unsigned threads, unsigned queue);
/* 0, or E_BUSY when `queue` jobs are already waiting (the job was not accepted). Loop thread. */
int loop_work(struct loop *loop, struct work *work) MUST_CHECK;
/* Accepted jobs of the whole process that are not done. Any thread. */
unsigned work_pending(void);

#endif
