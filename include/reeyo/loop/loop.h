/* SPDX-License-Identifier: MIT
 *
 * The event loop: one thread, one libuv loop, and what every user of it needs: hooks at the end
 * of each turn, deadlines, messages from other loops, and the pool of threads for slow sums.
 *
 * A turn: poll → callbacks (answers from PostgreSQL and Redis, timers, messages) → PHASE_SERVE
 * hooks (HTTP runs once) → PHASE_FLUSH hooks (what the turn has queued for PostgreSQL and Redis
 * goes out in one write each) → poll.
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
/* Frees a loop that is not running and has no open handle of others. NULL is allowed. */
void loop_free(struct loop *loop);
/* Runs until loop_stop. The calling thread becomes the loop's thread. */
void loop_run(struct loop *loop);
/* Ends loop_run after this turn. The loop's thread only (use loop_post from others). */
void loop_stop(struct loop *loop);

/* How many loops a process runs when it is not told: one per core, at most 16. Any thread. */
unsigned loops_automatic(void);

uv_loop_t *loop_uv(struct loop *loop);
unsigned loop_index(const struct loop *loop);
struct counters *loop_counters(struct loop *loop);
/* Milliseconds of the monotonic clock as of the start of this turn. */
uint64_t loop_now(const struct loop *loop);

/* True once the hooks of the turn have run for 1 ms: whoever has more work sets the wish of
 * its hook and goes on in the next turn, since answers from the stores and timers wait
 * meanwhile. */
bool loop_turn_is_long(const struct loop *loop);

/* --- End of turn ------------------------------------------------------------------------------ */

enum turn_phase { PHASE_SERVE, PHASE_FLUSH, PHASE_COUNT };

/* Embedded in its owner. run is called at the end of each turn in which `wanted` was set (it is
 * cleared before the call; run may set it again to be called once more before the loop polls: at
 * most 64 times in a turn that is not long, then the loop polls without waiting and goes on). */
struct turn_hook {
	void (*run)(struct turn_hook *hook);
	bool wanted;
	struct turn_hook *next;
};
/* Registers for the loop's life, or until loop_unhook. Loop thread, or before loop_run. */
void loop_hook(struct loop *loop, enum turn_phase phase, struct turn_hook *hook);
void loop_unhook(struct loop *loop, enum turn_phase phase, struct turn_hook *hook);

/* --- Deadlines -------------------------------------------------------------------------------- */

/* All waits of one kind last equally long, so they expire in the order in which they began: a list
 * with O(1) start and stop, however many there are. Resolution 10 ms. */
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
/* Takes the list off its loop; running deadlines are forgotten. */
void deadline_list_close(struct deadline_list *list);
/* (Re)starts: expires after_ms from now. */
void deadline_start(struct deadline_list *list, struct deadline *deadline);
/* Harmless when it does not run. */
void deadline_stop(struct deadline *deadline);
static inline bool deadline_runs(const struct deadline *deadline)
{
	return deadline->next != NULL;
}

/* --- Messages between loops ------------------------------------------------------------------- */

/* run(message) is called on the other loop's thread; it owns the message from then on. */
struct message {
	void (*run)(struct message *message);
	struct message *next;
};
/* Any thread. Messages of one sender arrive in order. */
void loop_post(struct loop *to, struct message *message);

/* --- Slow sums -------------------------------------------------------------------------------- */

/* A job for the work pool: run is called on a pool thread (niced, so that loops keep the cores),
 * done back on the loop's thread. Embedded in its owner, which must live until done. */
struct work {
	void (*run)(struct work *work);
	void (*done)(struct work *work);
	uv_work_t uv;
	struct loop *loop;
};
/* Size of the pool and of its queue, for the whole process. Before the first loop_work. */
void work_configure(unsigned threads, unsigned queue);
/* 0, or E_BUSY when `queue` jobs are waiting already (nothing was taken). Loop thread. */
int loop_work(struct loop *loop, struct work *work) MUST_CHECK;
/* Jobs taken and not done, of the whole process. Any thread. */
unsigned work_pending(void);

#endif
