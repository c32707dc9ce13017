/* SPDX-License-Identifier: MIT
 *
 * Deadlines. Each list holds waits of one length in the order in which they expire. One timer is
 * set for the earliest head of all lists. Start and stop do not touch the timer unless the list was
 * empty: a timer that fires early checks the lists and is set again.
 */
#include "loop.h"

/* Coarser than a millisecond, so that deadlines that expire close together are handled together. */
#define RESOLUTION_MS 10

static void deadline_timer_fired(uv_timer_t *timer);

static void deadline_timer_set(struct loop *loop, uint64_t due)
{
	uint64_t now = uv_now(&loop->uv);

	if (loop->timer_due && loop->timer_due <= due)
		return;
	loop->timer_due = due;
	uv_timer_start(&loop->timer, deadline_timer_fired,
		due > now + RESOLUTION_MS ? due - now : RESOLUTION_MS, 0);
}

static struct deadline *deadline_list_head(struct deadline_list *list)
{
	return list->ends.next == &list->ends ? NULL : list->ends.next;
}

static void deadline_list_expire(struct deadline_list *list, uint64_t now)
{
	struct deadline *head;

	while ((head = deadline_list_head(list)) && head->due_ms <= now) {
		deadline_stop(head);
		list->expired(head);
	}
}

static void deadline_timer_fired(uv_timer_t *timer)
{
	struct loop *loop = timer->data;
	uint64_t now = uv_now(&loop->uv);

	loop->timer_due = 0;
	for (struct deadline_list *list = loop->lists; list; list = loop->next_list) {
		loop->next_list = list->next;
		deadline_list_expire(list, now);
	}
	for (struct deadline_list *list = loop->lists; list; list = list->next)
		if (deadline_list_head(list))
			deadline_timer_set(loop, deadline_list_head(list)->due_ms);
}

int deadlines_start(struct loop *loop)
{
	loop->timer.data = loop;
	return uv_timer_init(&loop->uv, &loop->timer) ? E_NO_MEMORY : 0;
}

void deadline_list_init(struct deadline_list *list, struct loop *loop, uint64_t after_ms,
	void (*expired)(struct deadline *))
{
	/* At least 1: a wait that is restarted while it expires would else be due at once, forever.
	 */
	*list = (struct deadline_list){
		.after_ms = after_ms ? after_ms : 1, .expired = expired, .loop = loop
	};
	list->ends.next = list->ends.previous = &list->ends;
	list->next = loop->lists;
	loop->lists = list;
}

void deadline_list_close(struct deadline_list *list)
{
	if (!list->loop)
		return;
	while (deadline_list_head(list))
		deadline_stop(deadline_list_head(list));
	if (list->loop->next_list == list)
		list->loop->next_list = list->next;
	for (struct deadline_list **at = &list->loop->lists; *at; at = &(*at)->next)
		if (*at == list) {
			*at = list->next;
			break;
		}
	list->loop = NULL;
}

void deadline_start(struct deadline_list *list, struct deadline *deadline)
{
	struct deadline *ends = &list->ends;

	deadline_stop(deadline);
	if (!list->loop)
		return;
	deadline->due_ms = uv_now(&list->loop->uv) + list->after_ms;
	deadline->previous = ends->previous;
	deadline->next = ends;
	ends->previous->next = deadline;
	ends->previous = deadline;
	if (deadline->previous == ends)
		deadline_timer_set(list->loop, deadline->due_ms);
}

void deadline_stop(struct deadline *deadline)
{
	if (!deadline->next)
		return;
	deadline->previous->next = deadline->next;
	deadline->next->previous = deadline->previous;
	deadline->next = deadline->previous = NULL;
}
