/* SPDX-License-Identifier: MIT
 *
 * An HTTP server for tests on a free loopback port, with one thread per connection. The test's
 * `answer` writes the responses. peer_close wakes threads in peer_sleep.
 */
#ifndef REEYO_TESTS_PARTNERS_PEER_H
#define REEYO_TESTS_PARTNERS_PEER_H

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define PEER_CONNECTIONS 512
#define PEER_REQUEST 16384

struct peer;
struct peer_request {
	struct peer *peer;
	int fd;
	unsigned nth; /* number on its connection, from 1 */
	char method[12], path[256];
	char all[PEER_REQUEST]; /* head and body as received */
	const char *body;
	bool closed; /* close the connection */
};

struct peer {
	void (*answer)(struct peer_request *rq);
	int fd, stop;
	unsigned port;
	pthread_t accepting, serving[PEER_CONNECTIONS];
	int sockets[PEER_CONNECTIONS];
	unsigned connections;
	atomic_uint requests, running, most; /* all requests, running ones, and most at once */
};

/* --- Responses -------------------------------------------------------------------------------- */

static inline void peer_write(struct peer_request *rq, const char *at, size_t len)
{
	if (send(rq->fd, at, len, MSG_NOSIGNAL) < 0)
		rq->closed = true;
}

static inline void peer_reply(
	struct peer_request *rq, int status, const char *headers, const char *body)
{
	char head[512];
	int len = snprintf(head, sizeof(head),
		"HTTP/1.1 %d Status\r\nContent-Length: %zu\r\n%s\r\n", status, strlen(body),
		headers);

	peer_write(rq, head, (size_t)len);
	peer_write(rq, body, strlen(body));
}

static inline void peer_sleep(struct peer_request *rq, int ms)
{
	struct pollfd stop = { .fd = rq->peer->stop, .events = POLLIN };

	poll(&stop, 1, ms);
}

/* Resets the connection without a response. */
static inline void peer_reset(struct peer_request *rq)
{
	struct linger now = { 1, 0 };

	setsockopt(rq->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	rq->closed = true;
}

/* --- Serving ---------------------------------------------------------------------------------- */

static inline bool peer_read(struct peer_request *rq)
{
	size_t len = 0, need = 0;
	char *end = NULL, *length;
	ssize_t got;

	while (!end || len < need) {
		got = recv(rq->fd, rq->all + len, sizeof(rq->all) - 1 - len, 0);
		if (got <= 0)
			return false;
		len += (size_t)got;
		rq->all[len] = '\0';
		if (end || !(end = strstr(rq->all, "\r\n\r\n")))
			continue;
		length = strcasestr(rq->all, "\r\nContent-Length:");
		need = (size_t)(end + 4 - rq->all) +
			(length && length < end ? strtoul(length + 17, NULL, 10) : 0);
	}
	rq->body = end + 4;
	return sscanf(rq->all, "%11s %255s", rq->method, rq->path) == 2;
}

static inline void peer_count(struct peer *peer)
{
	unsigned now = atomic_fetch_add(&peer->running, 1) + 1, most = atomic_load(&peer->most);

	atomic_fetch_add(&peer->requests, 1);
	while (now > most && !atomic_compare_exchange_weak(&peer->most, &most, now))
		;
}

static inline void *peer_serve(void *arg)
{
	struct peer_request *rq = arg;
	int fd = rq->fd;

	while (!rq->closed && peer_read(rq)) {
		rq->nth++;
		peer_count(rq->peer);
		rq->peer->answer(rq);
		atomic_fetch_sub(&rq->peer->running, 1);
	}
	for (unsigned i = 0; i < PEER_CONNECTIONS; i++)
		if (__atomic_load_n(&rq->peer->sockets[i], __ATOMIC_ACQUIRE) == fd)
			__atomic_store_n(&rq->peer->sockets[i], -1, __ATOMIC_RELEASE);
	close(fd);
	free(rq);
	return NULL;
}

static inline void *peer_accept(void *arg)
{
	struct peer *peer = arg;
	struct peer_request *rq;
	int fd;

	while ((fd = accept(peer->fd, NULL, NULL)) >= 0 && peer->connections < PEER_CONNECTIONS) {
		rq = calloc(1, sizeof(*rq));
		rq->peer = peer;
		rq->fd = fd;
		__atomic_store_n(&peer->sockets[peer->connections], fd, __ATOMIC_RELEASE);
		pthread_create(&peer->serving[peer->connections], NULL, peer_serve, rq);
		peer->connections++;
	}
	return NULL;
}

static inline struct peer *peer_open(void (*answer)(struct peer_request *rq))
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	struct peer *peer = calloc(1, sizeof(*peer));

	memset(peer->sockets, 0xff, sizeof(peer->sockets));
	peer->answer = answer;
	peer->stop = eventfd(0, EFD_CLOEXEC);
	peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(peer->fd, (struct sockaddr *)&address, len), 0);
	ck_assert_int_eq(listen(peer->fd, 512), 0);
	getsockname(peer->fd, (struct sockaddr *)&address, &len);
	peer->port = ntohs(address.sin_port);
	pthread_create(&peer->accepting, NULL, peer_accept, peer);
	return peer;
}

static inline void peer_close(struct peer *peer)
{
	if (!peer)
		return;
	shutdown(peer->fd, SHUT_RDWR);
	pthread_join(peer->accepting, NULL);
	close(peer->fd);
	ck_assert_int_eq(write(peer->stop, &(uint64_t){ 1 }, 8), 8);
	for (unsigned i = 0; i < peer->connections; i++) {
		int fd = __atomic_load_n(&peer->sockets[i], __ATOMIC_ACQUIRE);

		if (fd >= 0)
			shutdown(fd, SHUT_RDWR);
		pthread_join(peer->serving[i], NULL);
	}
	close(peer->stop);
	free(peer);
}

#endif
