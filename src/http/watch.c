/* SPDX-License-Identifier: MIT
 *
 * Keeps sockets in epoll. libmicrohttpd takes a connection out of its epoll while a request waits
 * for its reply and adds it again afterwards, and after each request it reads once more only to
 * learn that nothing has arrived. The linker redirects its calls of epoll_ctl and epoll_wait to the
 * functions below (--wrap in CMakeLists.txt), so that a socket stays in epoll from accept to close
 * and these three system calls of each request are saved.
 *
 * No event is lost. Events are edge-triggered: whatever arrives, bytes or the end, is a new event.
 * - An event of a suspended connection is not reported. It is remembered (`missed`), and when the
 *   library adds the connection again, epoll is asked for the socket's state again.
 * - A read that returned less than was asked for has emptied the socket (`drained`). Reads are then
 *   answered without the kernel until the next event. When the end arrives together with the last
 *   bytes there is no further event. EPOLLRDHUP (`ended`) shows that: such a socket is always read,
 *   and reported again when its request has been answered.
 */
#include <errno.h>
#include <sys/epoll.h>

#include "exchange.h"

/* Pointers of our events are marked in their lowest bit; the library's own are aligned. */
#define OURS 1u
/* Any event but "writable" means that a read may find something. */
#define READABLE (~(uint32_t)EPOLLOUT)

int __real_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event);
int __real_epoll_wait(int epoll, struct epoll_event *events, int max, int timeout);
int __wrap_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event);
int __wrap_epoll_wait(int epoll, struct epoll_event *events, int max, int timeout);

static struct epoll_event watch_event(struct connection *connection)
{
	return (struct epoll_event){
		.events = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLET,
		.data.ptr = (void *)((uintptr_t)connection | OURS),
	};
}

static int watch_start(struct connection *connection, int epoll, void *reported)
{
	struct watch *watch = &connection->watch;
	struct epoll_event event = watch_event(connection);
	bool again = watch->missed;

	if (watch->started) {
		watch->paused = watch->missed = false;
		return again ? __real_epoll_ctl(epoll, EPOLL_CTL_MOD, connection->fd, &event) : 0;
	}
	if (__real_epoll_ctl(epoll, EPOLL_CTL_ADD, connection->fd, &event))
		return -1;
	*watch = (struct watch){ .reported = reported, .started = true };
	return 0;
}

/* A connection that closes is not in the server's table any more, so this is a suspension. */
static int watch_pause(struct connection *connection)
{
	connection->watch.paused = true;
	return 0;
}

void watch_answered(struct connection *connection)
{
	struct epoll_event event = watch_event(connection);

	if (connection->watch.started && connection->watch.ended)
		__real_epoll_ctl(connection->port->epoll, EPOLL_CTL_MOD, connection->fd, &event);
}

void watch_stop(struct connection *connection)
{
	struct watch *watch = &connection->watch;

	if (watch->started && watch->paused)
		__real_epoll_ctl(connection->port->epoll, EPOLL_CTL_DEL, connection->fd, NULL);
	*watch = (struct watch){ 0 };
}

void watch_received(struct connection *connection, bool less_than_asked)
{
	connection->watch.drained = less_than_asked && !connection->watch.ended;
}

bool watch_is_drained(const struct connection *connection)
{
	return connection->watch.drained;
}

__attribute__((used)) int __wrap_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event)
{
	struct connection *connection = connection_by_socket(fd);

	if (connection && op == EPOLL_CTL_ADD)
		return watch_start(connection, epoll, event->data.ptr);
	if (connection && op == EPOLL_CTL_DEL && connection->watch.started)
		return watch_pause(connection);
	return __real_epoll_ctl(epoll, op, fd, event);
}

/* Notes an event. True when it is to be reported; it then carries the library's own pointer. */
static bool event_is_reported(struct epoll_event *event)
{
	struct connection *connection;
	struct watch *watch;

	if (!((uintptr_t)event->data.ptr & OURS))
		return true;
	connection = (struct connection *)((uintptr_t)event->data.ptr & ~(uintptr_t)OURS);
	watch = &connection->watch;
	if (event->events & READABLE)
		watch->drained = false;
	if (event->events & EPOLLRDHUP)
		watch->ended = true;
	if (watch->paused)
		watch->missed = true;
	event->data.ptr = watch->reported;
	return !watch->paused;
}

/* A run without activity on the port has nothing to ask the kernel for. */
__attribute__((used)) int __wrap_epoll_wait(
	int epoll, struct epoll_event *events, int max, int timeout)
{
	struct port *port = intake_port();
	int count, kept = 0;

	if (!port)
		return __real_epoll_wait(epoll, events, max, timeout);
	if (!port->active)
		return 0;
	count = __real_epoll_wait(epoll, events, max, timeout);
	port->active = count == max;
	for (int i = 0; i < count; i++)
		if (event_is_reported(&events[i]))
			events[kept++] = events[i];
	return count < 0 ? count : kept;
}
