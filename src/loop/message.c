/* SPDX-License-Identifier: MIT
 *
 * Messages between loops: a list under a mutex that is held for two pointer writes, and one
 * uv_async that wakes the receiving loop.
 */
#include "loop.h"

static void messages_receive(uv_async_t *async)
{
	struct loop *loop = async->data;
	struct message *message;

	uv_mutex_lock(&loop->mutex);
	message = loop->first;
	loop->first = NULL;
	loop->last = &loop->first;
	uv_mutex_unlock(&loop->mutex);
	while (message) {
		struct message *next = message->next;

		message->run(message);
		message = next;
	}
}

int messages_start(struct loop *loop)
{
	loop->last = &loop->first;
	loop->async.data = loop;
	if (uv_mutex_init(&loop->mutex) || uv_async_init(&loop->uv, &loop->async, messages_receive))
		return E_NO_MEMORY;
	return 0;
}

void loop_post(struct loop *to, struct message *message)
{
	message->next = NULL;
	uv_mutex_lock(&to->mutex);
	*to->last = message;
	to->last = &message->next;
	uv_mutex_unlock(&to->mutex);
	uv_async_send(&to->async);
}
