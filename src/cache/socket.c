/* SPDX-License-Identifier: MIT
 *
 * A link's socket: hiredis on the libuv loop.
 *
 * hiredis asks its adapter for "writable" on every command. Here that only marks the link dirty;
 * the flush hook at the end of the turn writes everything at once. The socket is polled for writing
 * only while the kernel's buffer is full. Reading continues while a reply is incomplete, since
 * hiredis reads 16 KB at a time and one poll per 16 KB would cost more than the values.
 */
#include <netinet/tcp.h>

#include "link.h"
#include "reeyo/core/clock.h"
#include "reeyo/core/memory.h"

/* Maximum of 16 KB reads in a row, so that one link cannot block the loop. */
#define READS_MAX 64
#define READER_KEEP (256 * 1024)

struct link_poll {
	uv_poll_t uv;
	struct link *link;
	int events; /* polled for */
};

static void subscription_end(struct link *link)
{
	redis_on_message *on_message = TAKE_PTR(link->on_message);

	if (on_message)
		on_message(link->subscriber, NULL);
}

static void link_poll_ready(uv_poll_t *poll, int status, int events)
{
	struct link *link = ((struct link_poll *)poll)->link;

	if (!link || !link->ac)
		return;
	if (events & UV_WRITABLE || (status < 0 && link->state == LINK_CONNECTING)) {
		link->blocked = false;
		link_flush(link);
	}
	if (link->ac && (events & UV_READABLE || status < 0))
		link_read(link);
	if (link->ac && status < 0)
		link_drop(link, uv_strerror(status));
}

/* uv_poll_start takes the socket out of epoll and adds it again, even for the same events. */
static void link_poll_for(struct link *link, int events)
{
	if (!link->poll || link->poll->events == events)
		return;
	link->poll->events = events;
	uv_poll_start(&link->poll->uv, events, link_poll_ready);
}

static void link_want_write(void *privdata)
{
	struct link *link = privdata;

	link->dirty = true;
	if (!link->blocked)
		link->redis->hook.wanted = true;
}

static void link_all_written(void *privdata)
{
	struct link *link = privdata;

	link->dirty = false;
}

static void link_want_nothing(void *privdata)
{
	(void)privdata;
}

static void link_poll_closed(uv_handle_t *handle)
{
	struct redis *redis = handle->data;

	free(handle);
	redis_handle_closed(redis);
}

/* hiredis will close the socket next. */
static void link_detached(void *privdata)
{
	struct link *link = privdata;
	struct link_poll *poll = TAKE_PTR(link->poll);

	link->ac = NULL;
	link->dirty = link->blocked = false;
	subscription_end(link);
	if (poll) {
		poll->link = NULL;
		uv_close((uv_handle_t *)&poll->uv, link_poll_closed);
	}
	link_down(link, "connection lost");
}

void link_flush(struct link *link)
{
	if (!link->ac || link->blocked)
		return;
	link->dirty = false;
	link->redis->turn++;
	redisAsyncHandleWrite(link->ac);
	if (!link->ac)
		return;
	/* hiredis calls link_want_write again only when bytes are left. */
	link->blocked = link->dirty;
	link_poll_for(link, link->blocked ? UV_READABLE | UV_WRITABLE : UV_READABLE);
}

/* Bytes of a reply that is not complete. */
static size_t reply_bytes_left(const struct link *link)
{
	const redisReader *reader = link->ac->c.reader;

	return reader->len - reader->pos;
}

/* Ends when the rest of a reply has not arrived yet: the poll reports it. */
void link_read(struct link *link)
{
	for (int reads = 0; link->ac && reads < READS_MAX; reads++) {
		size_t before = reply_bytes_left(link);

		redisAsyncHandleRead(link->ac);
		if (!link->ac || !reply_bytes_left(link) || reply_bytes_left(link) == before)
			return;
	}
}

static void link_reply_arrived(redisAsyncContext *ac, void *reply, void *privdata)
{
	struct command *command = privdata;
	struct link *link = command->link;

	(void)ac;
	if (!reply)
		link_down(link, "connection lost");
	command_replied(link, command, reply);
}

int link_submit(struct link *link, struct command *command, const char *wire, size_t len)
{
	command->link = link;
	if (!link->ac ||
		redisAsyncFormattedCommand(link->ac, link_reply_arrived, command, wire, len) !=
			REDIS_OK)
		return E_STORE_DOWN;
	command->serial = ++link->redis->serial;
	command->started_us = clock_us();
	if (link->state == LINK_UP && !deadline_runs(&command->deadline))
		deadline_start(&link->redis->limits, &command->deadline);
	return 0;
}

/* --- Subscribing ------------------------------------------------------------------------------ */

/* hiredis also calls this for each channel when the connection ends, after link_detached. */
static void link_message_arrived(redisAsyncContext *ac, void *reply, void *privdata)
{
	struct link *link = privdata;

	(void)ac;
	if (reply && link->on_message)
		link->on_message(link->subscriber, reply);
}

int link_subscribe(
	struct link *link, const char *command, redis_on_message *on_message, void *owner)
{
	if (!link->ac ||
		redisAsyncCommand(link->ac, link_message_arrived, link, command) != REDIS_OK)
		return E_STORE_DOWN;
	link->on_message = on_message;
	link->subscriber = owner;
	return 0;
}

/* --- Opening ---------------------------------------------------------------------------------- */

/* Best effort. hiredis could do it, but treats a failure as an error of the connection. */
static void socket_keep_alive(int fd)
{
	int on = 1, idle = 30;

	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
}

static void link_connected(const redisAsyncContext *ac, int status)
{
	struct link *link = ac->data;

	if (status != REDIS_OK || link->state != LINK_CONNECTING)
		return;
	if (link->host.name[0])
		socket_keep_alive(ac->c.fd);
	link_log_in(link);
}

static int link_poll_new(struct link *link, int fd)
{
	struct link_poll *poll = calloc(1, sizeof(*poll));

	if (!poll)
		return E_NO_MEMORY;
	if (uv_poll_init(loop_uv(link->redis->loop), &poll->uv, fd)) {
		free(poll);
		return E_NO_MEMORY;
	}
	poll->uv.data = link->redis;
	poll->link = link;
	link->poll = poll;
	link->redis->handles++;
	return 0;
}

void link_attach(struct link *link, redisAsyncContext *ac)
{
	if (!ac || ac->err) {
		if (ac)
			redisAsyncFree(ac);
		return link_down(link, "cannot connect");
	}
	link->ac = ac;
	ac->data = link;
	ac->ev.data = link;
	ac->ev.addRead = ac->ev.delRead = link_want_nothing;
	ac->ev.addWrite = link_want_write;
	ac->ev.delWrite = link_all_written;
	ac->ev.cleanup = link_detached;
	ac->c.reader->maxbuf = READER_KEEP;
	if (link_poll_new(link, ac->c.fd))
		return link_drop(link, "out of memory");
	link->blocked = true; /* nothing is written before the socket is connected */
	redisAsyncSetConnectCallback(ac, link_connected);
	link_poll_for(link, UV_READABLE | UV_WRITABLE);
}
