/* SPDX-License-Identifier: MIT
 *
 * Queues of calls, linked through the calls themselves.
 */
#include "lane.h"

void queue_init(struct call_queue *queue)
{
	*queue = (struct call_queue){ .last = &queue->first };
}

void queue_push(struct call_queue *queue, struct db_call *call)
{
	call->next = NULL;
	*queue->last = call;
	queue->last = &call->next;
	queue->count++;
}

struct db_call *queue_pop(struct call_queue *queue)
{
	struct db_call *call = queue->first;

	if (!call)
		return NULL;
	queue->first = call->next;
	if (!queue->first)
		queue->last = &queue->first;
	queue->count--;
	return call;
}
