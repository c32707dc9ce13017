/* SPDX-License-Identifier: MIT
 *
 * A relay between a test and its PostgreSQL, run by a thread, that fails as networks and servers
 * do: it refuses and cuts connections (the server is stopped), drops bytes (packets are lost), and
 * recovers. The real server is not stopped, so tests that share it do not affect each other.
 */
#ifndef REEYO_TESTS_DB_PROXY_H
#define REEYO_TESTS_DB_PROXY_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum proxy_state { PROXY_PASSES, PROXY_REFUSES, PROXY_DROPS, PROXY_ENDS };
#define PROXY_PAIRS 64

struct proxy {
	int listener, port;
	struct proxy_pair {
		int client, server; /* -1: free */
	} pairs[PROXY_PAIRS];
	atomic_int wanted, reached;
	atomic_int cuts; /* connections to cut in the middle, now */
	pthread_t thread;
	struct sockaddr_storage upstream;
	socklen_t upstream_len;
	char address[512]; /* libpq connection string that leads through here */
};

static inline void pair_close(struct proxy_pair *pair)
{
	close(pair->client);
	close(pair->server);
	pair->client = pair->server = -1;
}

static inline void proxy_close_all(struct proxy *proxy)
{
	for (unsigned i = 0; i < PROXY_PAIRS; i++)
		if (proxy->pairs[i].client >= 0)
			pair_close(&proxy->pairs[i]);
	if (proxy->listener >= 0)
		close(proxy->listener);
	proxy->listener = -1;
}

static inline void proxy_listen(struct proxy *proxy)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)proxy->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int on = 1;

	proxy->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(proxy->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(proxy->listener, (struct sockaddr *)&at, sizeof(at)) ||
		listen(proxy->listener, 64) ||
		getsockname(proxy->listener, (struct sockaddr *)&at, &len)) {
		perror("the proxy cannot listen");
		exit(1);
	}
	proxy->port = ntohs(at.sin_port);
}

static inline void proxy_accept(struct proxy *proxy)
{
	int client = accept(proxy->listener, NULL, NULL);
	int server = socket(proxy->upstream.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	for (unsigned i = 0; client >= 0 && i < PROXY_PAIRS; i++)
		if (proxy->pairs[i].client < 0) {
			if (connect(server, (struct sockaddr *)&proxy->upstream,
				    proxy->upstream_len))
				break;
			proxy->pairs[i] = (struct proxy_pair){ client, server };
			return;
		}
	close(client);
	close(server);
}

/* false: one side has ended. */
static inline bool bytes_move(int from, int to)
{
	char bytes[65536];
	ssize_t len = recv(from, bytes, sizeof(bytes), 0);

	for (ssize_t sent = 0, one; len > 0 && sent < len; sent += one)
		if ((one = send(to, bytes + sent, (size_t)(len - sent), MSG_NOSIGNAL)) <= 0)
			return false;
	return len > 0;
}

static inline void proxy_reach(struct proxy *proxy, int wanted)
{
	if (wanted == PROXY_REFUSES || wanted == PROXY_ENDS)
		proxy_close_all(proxy);
	else if (proxy->listener < 0)
		proxy_listen(proxy);
	atomic_store(&proxy->reached, wanted);
}

static inline void proxy_turn(struct proxy *proxy)
{
	struct pollfd fds[2 * PROXY_PAIRS + 1];
	bool passes = atomic_load(&proxy->reached) == PROXY_PASSES;

	for (unsigned i = 0; i < PROXY_PAIRS; i++) {
		fds[2 * i] = (struct pollfd){ passes ? proxy->pairs[i].client : -1, POLLIN, 0 };
		fds[2 * i + 1] = (struct pollfd){ passes ? proxy->pairs[i].server : -1, POLLIN, 0 };
	}
	fds[2 * PROXY_PAIRS] = (struct pollfd){ passes ? proxy->listener : -1, POLLIN, 0 };
	poll(fds, 2 * PROXY_PAIRS + 1, 2);
	for (unsigned i = 0; i < PROXY_PAIRS; i++) {
		struct proxy_pair *pair = &proxy->pairs[i];

		if ((fds[2 * i].revents && !bytes_move(pair->client, pair->server)) ||
			(fds[2 * i + 1].revents && !bytes_move(pair->server, pair->client)))
			pair_close(pair);
		else if (pair->client >= 0 && atomic_load(&proxy->cuts) > 0) {
			atomic_fetch_sub(&proxy->cuts, 1);
			pair_close(pair);
		}
	}
	if (fds[2 * PROXY_PAIRS].revents)
		proxy_accept(proxy);
}

static inline void *proxy_run(void *arg)
{
	struct proxy *proxy = arg;
	int wanted;

	while ((wanted = atomic_load(&proxy->wanted)) != PROXY_ENDS) {
		if (wanted != atomic_load(&proxy->reached))
			proxy_reach(proxy, wanted);
		proxy_turn(proxy);
	}
	proxy_reach(proxy, PROXY_ENDS);
	return NULL;
}

/* Returns when the proxy is in that state. */
static inline void proxy_set(struct proxy *proxy, enum proxy_state state)
{
	atomic_store(&proxy->wanted, (int)state);
	while (atomic_load(&proxy->reached) != (int)state)
		usleep(500);
}

static inline void proxy_upstream(struct proxy *proxy, const char *host, const char *port)
{
	struct sockaddr_un *path = (struct sockaddr_un *)&proxy->upstream;
	struct sockaddr_in *tcp = (struct sockaddr_in *)&proxy->upstream;

	if (host[0] == '/') {
		path->sun_family = AF_UNIX;
		snprintf(path->sun_path, sizeof(path->sun_path), "%s/.s.PGSQL.%s", host, port);
		proxy->upstream_len = sizeof(*path);
		return;
	}
	tcp->sin_family = AF_INET;
	tcp->sin_port = htons((uint16_t)atoi(port));
	inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &tcp->sin_addr);
	proxy->upstream_len = sizeof(*tcp);
}

/* In front of the server of a libpq connection string. */
static inline struct proxy *proxy_new(const char *url)
{
	struct proxy *proxy = calloc(1, sizeof(*proxy));
	PQconninfoOption *options = PQconninfoParse(url, NULL);
	const char *host = "/var/run/postgresql", *port = "5432";
	size_t len;

	for (unsigned i = 0; i < PROXY_PAIRS; i++)
		proxy->pairs[i].client = proxy->pairs[i].server = -1;
	proxy_listen(proxy);
	len = (size_t)snprintf(proxy->address, sizeof(proxy->address),
		"host=127.0.0.1 port=%d sslmode=disable", proxy->port);
	for (PQconninfoOption *option = options; option && option->keyword; option++) {
		if (!option->val)
			continue;
		if (strcmp(option->keyword, "host") == 0)
			host = option->val;
		else if (strcmp(option->keyword, "port") == 0)
			port = option->val;
		else if (strcmp(option->keyword, "dbname") == 0 ||
			strcmp(option->keyword, "user") == 0 ||
			strcmp(option->keyword, "password") == 0)
			len += (size_t)snprintf(proxy->address + len, sizeof(proxy->address) - len,
				" %s='%s'", option->keyword, option->val);
	}
	proxy_upstream(proxy, host, port);
	PQconninfoFree(options);
	pthread_create(&proxy->thread, NULL, proxy_run, proxy);
	return proxy;
}

static inline void proxy_free(struct proxy *proxy)
{
	atomic_store(&proxy->wanted, PROXY_ENDS);
	pthread_join(proxy->thread, NULL);
	free(proxy);
}

#endif
