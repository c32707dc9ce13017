/* SPDX-License-Identifier: MIT
 *
 * Header lines of replies. libmicrohttpd keeps each header of a response in three allocations, and
 * checks and copies it several times; ten headers cost more than parsing the request. So the
 * library only gets what it decides about itself (status line, Date, Connection, Content-Length,
 * Transfer-Encoding). Our lines are composed once, in memory of the exchange, and inserted before
 * the empty line when the head is sent, in the same system call.
 *
 * The library passes the unsent rest of the head with each call, so the last two bytes of that rest
 * are the empty line. As long as our lines are not sent completely, the empty line is not either.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "exchange.h"

#define END_LEN 2 /* CRLF */

ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);

int head_lines_set(struct connection *connection, struct text lines, bool copy)
{
	head_lines_clear(connection);
	if (copy) {
		connection->lines_kept = malloc(lines.len + 1);
		if (!connection->lines_kept)
			return E_NO_MEMORY;
		memcpy(connection->lines_kept, lines.at, lines.len);
		lines.at = connection->lines_kept;
	}
	connection->lines = lines;
	return 0;
}

void head_lines_clear(struct connection *connection)
{
	free(connection->lines_kept);
	connection->lines_kept = NULL;
	connection->lines = TEXT_NONE;
}

/* How many of n sent bytes are the library's: n of its head, then our lines, then the rest. */
static ssize_t lines_account(struct connection *connection, size_t before, size_t n)
{
	struct text *lines = &connection->lines;

	if (n <= before)
		return (ssize_t)n;
	if (n - before < lines->len) {
		lines->at += n - before;
		lines->len -= n - before;
		if (before)
			return (ssize_t)before;
		errno = EAGAIN; /* the socket is full, and none of the library's bytes was sent */
		return -1;
	}
	n -= lines->len;
	head_lines_clear(connection);
	return (ssize_t)n;
}

ssize_t head_send(struct connection *connection, const struct iovec *at, size_t count, int flags)
{
	size_t before = at[0].iov_len - END_LEN;
	char *end = (char *)at[0].iov_base + before;
	struct iovec all[4] = { { at[0].iov_base, before },
		{ (void *)connection->lines.at, connection->lines.len }, { end, END_LEN } };
	struct msghdr message = { .msg_iov = all, .msg_iovlen = 2 + count };
	ssize_t n;

	assert(at[0].iov_len >= END_LEN && memcmp(end, "\r\n", END_LEN) == 0);
	if (count > 1)
		all[3] = at[1];
	n = __real_sendmsg(connection->fd, &message, flags);
	return n < 0 ? n : lines_account(connection, before, (size_t)n);
}
