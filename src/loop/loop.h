/* SPDX-License-Identifier: MIT
 *
 * Inside the loop: its parts, shared by the files of this folder.
 */
#ifndef REEYO_SRC_LOOP_LOOP_H
#define REEYO_SRC_LOOP_LOOP_H

#include "reeyo/loop/loop.h"

struct loop {
	uv_loop_t uv;
	unsigned index;
	struct counters counters;
	struct turn_hook *hooks[PHASE_COUNT];
	struct turn_hook *next_hook; /* after the one that runs */
	uint64_t turn_began_ns;
	uint64_t turn_long_ns;      /* how long a turn is long */
	uv_prepare_t prepare;
	uv_check_t check;
	uv_idle_t idle;             /* runs while a hook wants more, so that poll does not wait */
	uv_timer_t timer;           /* armed for the earliest deadline */
	uint64_t timer_due;         /* 0: not armed */
	struct deadline_list *lists;
	struct deadline_list *next_list; /* after the one that expires */
	uv_async_t async;
	uv_mutex_t mutex;           /* guards the messages */
	struct message *first, **last;
};

/* deadline.c */
int deadlines_start(struct loop *loop);
/* message.c */
int messages_start(struct loop *loop);

#endif
