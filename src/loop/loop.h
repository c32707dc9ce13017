/* SPDX-License-Identifier: MIT
 *
 * Private parts of the loop, shared by the files of this folder.
 */
#ifndef REEYO_SRC_LOOP_LOOP_H
#define REEYO_SRC_LOOP_LOOP_H

#include "reeyo/loop/loop.h"

struct loop {
	uv_loop_t uv;
	unsigned index;
	struct counters counters;
	struct turn_hook *hooks[PHASE_COUNT];
	struct turn_hook *next_hook; /* the hook after the running one */
	uint64_t turn_began_ns;
	uint64_t turn_long_ns; /* from this time on a turn is long */
	uv_prepare_t prepare;
	uv_check_t check;
	uv_idle_t idle;     /* active while a hook is wanted, so that poll does not wait */
	uv_timer_t timer;   /* set for the earliest deadline */
	uint64_t timer_due; /* 0: not set */
	struct deadline_list *lists;
	struct deadline_list *next_list; /* the list after the one that expires */
	uv_async_t async;
	uv_mutex_t mutex; /* guards the messages */
	struct message *first, **last;
};

/* deadline.c */
int deadlines_start(struct loop *loop);
/* message.c */
int messages_start(struct loop *loop);
/* thread.c: gives the calling thread of the pool a lower priority than the loops. Threads inherit
 * the slice of the loop that started them, so it ends here. */
void thread_work_begin(void);

#endif
