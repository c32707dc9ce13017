/* SPDX-License-Identifier: MIT
 *
 * The loop and its turns. Hooks run in uv_check, right after polling, and in uv_prepare, right
 * before polling, because timers run in between and may set `wanted` too.
 */
#include "loop.h"

#include <stdlib.h>

#include "reeyo/core/log.h"

/* A client that always has the next request ready must not delay replies of PostgreSQL and
 * Redis. */
#define TURN_LONG_NS 1000000

/* A SERVE hook that keeps setting `wanted` runs this many times before the loop polls again. */
#define HOOK_RUNS 64

/* One pass over the hooks of a phase. A hook may unhook any hook, including itself and the next
 * one. */
static void phase_run(struct loop *loop, enum turn_phase phase)
{
	for (struct turn_hook *hook = loop->hooks[phase]; hook; hook = loop->next_hook) {
		loop->next_hook = hook->next;
		if (!hook->wanted)
			continue;
		hook->wanted = false;
		hook->run(hook);
	}
}

/* Each loop needs three of the 50 database connections of a process. */
#define LOOPS_AUTOMATIC_MAX 16

/* Checks every hook of the phase, because a hook may also set `wanted` of another hook. */
static bool phase_wanted(const struct loop *loop, enum turn_phase phase)
{
	for (const struct turn_hook *hook = loop->hooks[phase]; hook; hook = hook->next)
		if (hook->wanted)
			return true;
	return false;
}

static void idle_noop(uv_idle_t *idle)
{
	(void)idle;
}

/* A flush may leave work for a SERVE hook (for instance when a statement is refused at once). That
 * work must not wait for the next event, so the idle handle keeps the poll from blocking. */
static void turn_end(struct loop *loop)
{
	unsigned runs = 0;
	bool more;

	loop->turn_began_ns = uv_hrtime();
	do
		phase_run(loop, PHASE_SERVE);
	while (phase_wanted(loop, PHASE_SERVE) && ++runs < HOOK_RUNS && !loop_turn_is_long(loop));
	phase_run(loop, PHASE_FLUSH);
	more = phase_wanted(loop, PHASE_SERVE) || phase_wanted(loop, PHASE_FLUSH);
	if (more && !uv_is_active((uv_handle_t *)&loop->idle))
		uv_idle_start(&loop->idle, idle_noop);
	else if (!more && uv_is_active((uv_handle_t *)&loop->idle))
		uv_idle_stop(&loop->idle);
}

static void loop_prepare(uv_prepare_t *prepare)
{
	turn_end(prepare->data);
}

static void loop_check(uv_check_t *check)
{
	turn_end(check->data);
}

bool loop_turn_is_long(const struct loop *loop)
{
	return uv_hrtime() - loop->turn_began_ns >= loop->turn_long_ns;
}

static int loop_handles_start(struct loop *loop)
{
	loop->prepare.data = loop->check.data = loop->idle.data = loop;
	if (uv_prepare_init(&loop->uv, &loop->prepare) || uv_check_init(&loop->uv, &loop->check) ||
		uv_idle_init(&loop->uv, &loop->idle) ||
		uv_prepare_start(&loop->prepare, loop_prepare) ||
		uv_check_start(&loop->check, loop_check) || deadlines_start(loop) ||
		messages_start(loop))
		return E_NO_MEMORY;
	return 0;
}

int loop_new(unsigned index, struct loop **ret)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return E_NO_MEMORY;
	loop->index = index;
	loop->turn_long_ns = TURN_LONG_NS;
	if (uv_loop_init(&loop->uv)) {
		free(loop);
		return E_NO_MEMORY;
	}
	if (loop_handles_start(loop)) {
		loop_free(loop);
		return E_NO_MEMORY;
	}
	*ret = loop;
	return 0;
}

static void loop_handle_close(uv_handle_t *handle, void *arg)
{
	(void)arg;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	uv_walk(&loop->uv, loop_handle_close, NULL);
	uv_run(&loop->uv, UV_RUN_DEFAULT);
	uv_loop_close(&loop->uv);
	uv_mutex_destroy(&loop->mutex);
	free(loop);
}

void loop_run(struct loop *loop)
{
	if (!thread_slice_shorten() && loop->index == 0)
		log_line(LOG_INFO,
			"the kernel does not offer slices of threads (Linux 6.12): log-ins may "
			"delay other requests");
	uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *loop)
{
	uv_stop(&loop->uv);
}

unsigned loops_default(void)
{
	unsigned cores = uv_available_parallelism();

	return cores < LOOPS_AUTOMATIC_MAX ? cores : LOOPS_AUTOMATIC_MAX;
}

uv_loop_t *loop_uv(struct loop *loop)
{
	return &loop->uv;
}

unsigned loop_index(const struct loop *loop)
{
	return loop->index;
}

struct counters *loop_counters(struct loop *loop)
{
	return &loop->counters;
}

uint64_t loop_now(const struct loop *loop)
{
	return uv_now(&loop->uv);
}

void loop_hook(struct loop *loop, enum turn_phase phase, struct turn_hook *hook)
{
	struct turn_hook **at = &loop->hooks[phase];

	while (*at)
		at = &(*at)->next;
	hook->next = NULL;
	*at = hook;
}

void loop_unhook(struct loop *loop, enum turn_phase phase, struct turn_hook *hook)
{
	if (loop->next_hook == hook)
		loop->next_hook = hook->next;
	for (struct turn_hook **at = &loop->hooks[phase]; *at; at = &(*at)->next)
		if (*at == hook) {
			*at = hook->next;
			return;
		}
}
