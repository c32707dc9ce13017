/* SPDX-License-Identifier: MIT
 *
 * A load generator that costs little itself: one thread, epoll, keep-alive connections. Complete
 * requests are prepared beforehand and read from a file of records ("<length>\n<bytes>"). Of a
 * reply it parses only the status and Content-Length. Prints one JSON object: rate, latencies,
 * replies by status.
 *
 *     hammer -p PORT -f FILE -c CONNECTIONS -s SECONDS     as fast as replies come
 *     hammer … -r RATE     RATE requests per second, even when replies are late; latency counts
 *                          from the time a request was due, so that a stall shows in full
 *     hammer … -o          each request at most once; ends at the end of the file
 *     hammer … -i          one request on each connection; all stay open until stdin ends
 *     hammer … -w SECONDS  warm-up that is not counted
 *     hammer … -l STEPS    lives of orders: each STEPS requests are one life, sent one after the
 *                          other on one connection (see life.h). A reply that is no success ends
 *                          the life. CONNECTIONS lives are under way at a time
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "latency.h"
#include "life.h"

enum {
	HEAD_MAX = 8192, /* reply headers longer than this are an error */
	READ_SIZE = 262144,
	STATUSES = 600
};

struct request {
	const char *bytes;
	size_t length;
};

struct connection {
	int fd;
	bool busy;
	bool in_body;
	int status;
	uint64_t due_us; /* time at which the request was due */
	const struct request *request;
	size_t sent;
	int64_t body_left;
	size_t head_length; /* bytes of an incomplete header so far */
	char *head;
	struct life *life; /* NULL: requests are independent of each other */
	uint64_t born_us;  /* start of the life */
};

struct options {
	int port, connections, steps;
	double seconds, warm_up, rate;
	bool once, idle;
	const char *file;
};

static struct options options = { .port = 8080, .connections = 64, .seconds = 5 };
static struct request *requests;
static size_t request_count, next_request;
static struct connection *connections;
static int *free_list;
static int free_count;
static int epoll;
static char read_buffer[READ_SIZE];

static uint64_t counting_from_us, end_us;
static uint64_t finished, bytes_in, broken;
static uint64_t by_status[STATUSES];
static struct latencies latencies, lives;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "hammer: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

/* --- Requests --------------------------------------------------------------------------------- */

static void requests_read(const char *path)
{
	FILE *in = fopen(path, "r");
	size_t length, room = 0;

	if (!in)
		die(path);
	while (fscanf(in, "%zu", &length) == 1) {
		char *bytes = malloc(length + 1);

		if (fgetc(in) != '\n' || !bytes || fread(bytes, 1, length, in) != length)
			die("bad record in the request file");
		if (request_count == room) {
			room = room ? room * 2 : 1024;
			requests = reallocarray(requests, room, sizeof(*requests));
			if (!requests)
				die("memory");
		}
		requests[request_count++] = (struct request){ bytes, length };
	}
	fclose(in);
	if (!request_count || (options.steps && request_count % (size_t)options.steps))
		die("no request in the file, or no whole life");
}

static const struct request *request_take(void)
{
	if (next_request == request_count) {
		if (options.once)
			return NULL;
		next_request = 0;
	}
	next_request += options.steps ? (size_t)options.steps : 1;
	return &requests[next_request - (options.steps ? (size_t)options.steps : 1)];
}

/* --- Connections ------------------------------------------------------------------------------ */

static int connect_now(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)options.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		die("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	return fd;
}

static void connection_open(struct connection *c)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP, .data.ptr = c };

	c->fd = connect_now();
	if (!c->head && !(c->head = malloc(HEAD_MAX)))
		die("memory");
	if (options.steps && !c->life && !(c->life = malloc(sizeof(*c->life))))
		die("memory");
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event) != 0)
		die("epoll_ctl");
}

static void connection_free(struct connection *c)
{
	c->busy = false;
	free_list[free_count++] = (int)(c - connections);
}

/* The server closed the connection: a failure when a reply was pending. Opens it again. */
static void connection_lost(struct connection *c)
{
	bool pending = c->busy;

	close(c->fd);
	c->in_body = false;
	c->head_length = 0;
	connection_open(c);
	if (pending) {
		broken++;
		finished++;
		connection_free(c);
	}
}

/* Requests are small, so a full socket buffer is waited for. */
static void connection_send(struct connection *c, const struct request *request, uint64_t due_us)
{
	const char *bytes = c->life ? life_request(c->life, request->bytes, request->length)
				    : request->bytes;

	if (!bytes)
		die("a request is too long");
	c->busy = true;
	c->request = request;
	c->due_us = due_us;
	for (c->sent = 0; c->sent < request->length;) {
		ssize_t n = send(c->fd, bytes + c->sent, request->length - c->sent, MSG_NOSIGNAL);

		if (n > 0) {
			c->sent += (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			struct pollfd writable = { .fd = c->fd, .events = POLLOUT };
			poll(&writable, 1, 1000);
		} else {
			connection_lost(c);
			return;
		}
	}
}

static void reply_count(const struct connection *c, uint64_t now)
{
	finished++;
	if (now < counting_from_us || now > end_us)
		return;
	latency_add(&latencies, now - c->due_us);
	by_status[c->status]++;
}

static void reply_done(struct connection *c)
{
	uint64_t now = now_us();

	reply_count(c, now);
	if (c->life && c->status < 300) {
		if (c->life->step + 1 < (unsigned)options.steps) {
			if (!life_continue(c->life))
				die("a first reply without an order id");
			return connection_send(c, c->request + 1, now);
		}
		latency_add(&lives, now - c->born_us);
	}
	connection_free(c);
}

/* Parses status and Content-Length of a complete header block. False when it is malformed. */
static bool head_parse(struct connection *c, const char *head, size_t length)
{
	static const char field[] = "\ncontent-length:";

	if (length < 16 || memcmp(head, "HTTP/1.1 ", 9) != 0)
		return false;
	c->status = (head[9] - '0') * 100 + (head[10] - '0') * 10 + (head[11] - '0');
	if (c->status < 100 || c->status >= STATUSES)
		return false;
	for (const char *p = head; (p = memchr(p, '\n', (size_t)(head + length - p))); p++)
		if ((size_t)(head + length - p) > sizeof(field) &&
			strncasecmp(p, field, sizeof(field) - 1) == 0) {
			c->body_left = strtoll(p + sizeof(field) - 1, NULL, 10);
			return true;
		}
	c->body_left = 0;
	return c->status == 204 || c->status == 304;
}

/* Consumes received bytes. Replies never overlap: a connection has one request at a time. */
static void connection_feed(struct connection *c, const char *data, size_t size)
{
	size_t beyond = 0; /* received bytes beyond the header buffer, part of the body */

	if (!c->in_body) {
		if (c->head_length) { /* a header block received in parts */
			size_t take = size < HEAD_MAX - c->head_length ? size
								       : HEAD_MAX - c->head_length;
			memcpy(c->head + c->head_length, data, take);
			beyond = size - take;
			data = c->head;
			size = c->head_length + take;
		}
		const char *end = memmem(data, size, "\r\n\r\n", 4);
		if (!end) {
			if (size >= HEAD_MAX) {
				connection_lost(c);
				return;
			}
			memmove(c->head, data, size);
			c->head_length = size;
			return;
		}
		size_t head = (size_t)(end - data) + 4;
		if (!head_parse(c, data, head)) {
			fprintf(stderr, "hammer: reply without a length: %.*s\n", (int)head, data);
			connection_lost(c);
			return;
		}
		c->in_body = true;
		c->head_length = 0;
		size -= head;
		data += head;
	}
	if (c->life)
		life_reply_add(c->life, data, size);
	c->body_left -= (int64_t)(size + beyond);
	if (c->body_left > 0)
		return;
	c->in_body = false;
	reply_done(c);
}

static void connection_ready(struct connection *c)
{
	ssize_t n = recv(c->fd, read_buffer, sizeof(read_buffer), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || !c->busy) {
		connection_lost(c);
		return;
	}
	bytes_in += (uint64_t)n;
	connection_feed(c, read_buffer, (size_t)n);
}

/* --- The run ---------------------------------------------------------------------------------- */

static bool send_next(uint64_t due_us)
{
	const struct request *request = request_take();

	struct connection *c;

	if (!request)
		return false;
	c = &connections[free_list[--free_count]];
	c->born_us = due_us;
	if (c->life)
		life_start(c->life);
	connection_send(c, request, due_us);
	return true;
}

/* Sends all due requests. Returns the time until the next one, in us. */
static uint64_t send_due(uint64_t started_us, uint64_t *sent)
{
	uint64_t now = now_us();

	while (free_count > 0) {
		uint64_t due = now;

		if (options.rate > 0) {
			due = started_us + (uint64_t)((double)*sent * 1e6 / options.rate);
			if (due > now)
				return due - now;
		}
		if (!send_next(due))
			break;
		++*sent;
	}
	return 100000;
}

static void wait_replies(uint64_t wait_us)
{
	struct epoll_event events[256];
	struct timespec wait = { .tv_sec = (time_t)(wait_us / 1000000),
		.tv_nsec = (long)(wait_us % 1000000) * 1000 };
	int n = epoll_pwait2(epoll, events, 256, &wait, NULL);

	for (int i = 0; i < n; i++)
		connection_ready(events[i].data.ptr);
}

static void run(void)
{
	uint64_t started = now_us(), sent = 0;

	counting_from_us = started + (uint64_t)(options.warm_up * 1e6);
	end_us = counting_from_us + (uint64_t)(options.seconds * 1e6);
	while (now_us() < end_us) {
		uint64_t wait_us = send_due(started, &sent);

		if (options.once && next_request == request_count &&
			free_count == options.connections)
			break;
		wait_replies(wait_us);
	}
	if (end_us > now_us())
		end_us = now_us();
}

static void run_idle(void)
{
	char byte;

	end_us = UINT64_MAX;
	for (int i = 0; i < options.connections; i++) {
		connection_send(&connections[i], request_take(), now_us());
		free_count--;
		wait_replies(0);
	}
	while (finished < (uint64_t)options.connections)
		wait_replies(1000000);
	printf("{\"open\":%d,\"failed\":%llu}\n", options.connections, (unsigned long long)broken);
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
}

static void print_result(void)
{
	double seconds = (double)(end_us - counting_from_us) / 1e6;

	printf("{\"requests\":%llu,\"seconds\":%.3f,\"rate\":%.1f,\"p50_us\":%llu,\"p99_us\":%llu,"
	       "\"max_us\":%llu,\"lives\":%llu,\"life_p50_us\":%llu,\"bytes\":%llu,\"broken\":%llu,\"statuses\":{",
		(unsigned long long)latencies.total, seconds, (double)latencies.total / seconds,
		(unsigned long long)latency_percentile(&latencies, 0.5),
		(unsigned long long)latency_percentile(&latencies, 0.99),
		(unsigned long long)latencies.slowest_us, (unsigned long long)lives.total,
		(unsigned long long)latency_percentile(&lives, 0.5), (unsigned long long)bytes_in,
		(unsigned long long)broken);
	for (int i = 0, first = 1; i < STATUSES; i++)
		if (by_status[i]) {
			printf("%s\"%d\":%llu", first ? "" : ",", i,
				(unsigned long long)by_status[i]);
			first = 0;
		}
	printf("}}\n");
}

static void options_read(int argc, char **argv)
{
	for (int o; (o = getopt(argc, argv, "p:c:s:w:r:f:l:oi")) != -1;)
		switch (o) {
		case 'p':
			options.port = atoi(optarg);
			break;
		case 'c':
			options.connections = atoi(optarg);
			break;
		case 's':
			options.seconds = atof(optarg);
			break;
		case 'w':
			options.warm_up = atof(optarg);
			break;
		case 'r':
			options.rate = atof(optarg);
			break;
		case 'f':
			options.file = optarg;
			break;
		case 'l':
			options.steps = atoi(optarg);
			break;
		case 'o':
			options.once = true;
			break;
		case 'i':
			options.idle = true;
			break;
		default:
			exit(2);
		}
	if (!options.file || options.connections < 1) {
		fprintf(stderr,
			"usage: hammer -p PORT -f FILE [-c N] [-s S] [-w S] [-r RATE] [-l STEPS] [-o|-i]\n");
		exit(2);
	}
}

int main(int argc, char **argv)
{
	struct rlimit files = { 20000, 20000 };

	options_read(argc, argv);
	setrlimit(RLIMIT_NOFILE, &files);
	requests_read(options.file);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	connections = calloc((size_t)options.connections, sizeof(*connections));
	free_list = calloc((size_t)options.connections, sizeof(*free_list));
	if (epoll < 0 || !connections || !free_list)
		die("start");
	for (int i = 0; i < options.connections; i++) {
		connection_open(&connections[i]);
		connection_free(&connections[i]);
	}
	if (options.idle) {
		run_idle();
		return 0;
	}
	run();
	print_result();
	return 0;
}
