/* SPDX-License-Identifier: MIT
 *
 * Listening sockets: parses the addresses of the configuration and opens them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exchange.h"

int listener_parse(const char *text, struct listener *ret)
{
	struct text whole = text_trim(text_of(text));
	const char *colon = whole.len ? memrchr(whole.at, ':', whole.len) : NULL;
	struct text host, port;
	int64_t number;

	if (!colon)
		goto wrong;
	host = (struct text){ whole.at, (size_t)(colon - whole.at) };
	port = (struct text){ colon + 1, whole.len - host.len - 1 };
	if (host.len >= 2 && host.at[0] == '[' && host.at[host.len - 1] == ']')
		host = (struct text){ host.at + 1, host.len - 2 };
	if (host.len == 0 || text_is(host, TEXT("*")))
		host = TEXT("0.0.0.0");
	if (text_is(host, TEXT("localhost")))
		host = TEXT("127.0.0.1");
	if (!text_to_int(port, 0, 65535, &number) || host.len >= sizeof(ret->address))
		goto wrong;
	*ret = (struct listener){ .port = (uint16_t)number };
	memcpy(ret->address, host.at, host.len);
	return 0;
wrong:
	log_line(LOG_ERROR, "invalid listen address: write address:port, e.g. 0.0.0.0:8080",
		LOG_T("listen", text));
	return E_CONFIG;
}

static int listen_failed(const struct listener *listener, const char *what, int fd)
{
	log_line(LOG_ERROR,
		errno == EADDRINUSE
			? "the port is in use by another program: choose another with --listen"
			: "cannot listen",
		LOG_T("address", listener->address), LOG_I("port", listener->port),
		LOG_T("call", what), LOG_T("why", strerror(errno)));
	if (fd >= 0)
		close(fd);
	return E_CONFIG;
}

static int listener_sockaddr(
	const struct listener *listener, struct sockaddr_storage *ret, socklen_t *len)
{
	struct sockaddr_in *four = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, listener->address, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons(listener->port);
		*len = sizeof(*four);
		return 0;
	}
	if (inet_pton(AF_INET6, listener->address, &six->sin6_addr) == 1) {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons(listener->port);
		*len = sizeof(*six);
		return 0;
	}
	log_line(LOG_ERROR, "listen needs a numeric address", LOG_T("address", listener->address));
	return E_CONFIG;
}

/* Checks without SO_REUSEPORT whether another program has the port. Only the first loop does this,
 * because the loops share the port. */
static int port_is_free(
	const struct listener *listener, const struct sockaddr *address, socklen_t len)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int yes = 1;

	if (fd < 0)
		return listen_failed(listener, "socket", -1);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(fd, address, len) != 0)
		return listen_failed(listener, "bind", fd);
	close(fd);
	return 0;
}

int listener_open(struct listener *listener, bool first, int backlog, int *ret_fd)
{
	struct sockaddr_storage address;
	socklen_t len;
	int yes = 1;
	int fd;

	if (listener_sockaddr(listener, &address, &len))
		return E_CONFIG;
	if (first && listener->port && port_is_free(listener, (struct sockaddr *)&address, len))
		return E_CONFIG;
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return listen_failed(listener, "socket", -1);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	if (bind(fd, (struct sockaddr *)&address, len) != 0)
		return listen_failed(listener, "bind", fd);
	if (listen(fd, backlog) != 0)
		return listen_failed(listener, "listen", fd);
	len = sizeof(address);
	if (getsockname(fd, (struct sockaddr *)&address, &len) == 0)
		listener->port = ntohs(address.ss_family == AF_INET6
				? ((struct sockaddr_in6 *)&address)->sin6_port
				: ((struct sockaddr_in *)&address)->sin_port);
	*ret_fd = fd;
	return 0;
}
