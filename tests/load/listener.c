/* SPDX-License-Identifier: MIT
 *
 * Many clients of event streams in one thread. Measures the time from an event's "timestamp" to the
 * arrival of its bytes at each client.
 *
 *   listener PORT FILE      FILE: requests in hammer's format, one connection for each
 *
 * Prints {"open":N} when every stream has started. Each line on standard input then prints
 * {"events":…,"p50_ms":…,"p99_ms":…,"max_ms":…,"lost":…} for the events since the line before. Ends
 * with the input.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_MAX 19000
/* bytes kept of a frame received in parts: the longest "timestamp" member and its surroundings */
#define PART 200
#define KEY "\"timestamp\""
#define BETWEEN 4    /* `:"` or ` : "` */
#define STAMP_LEN 24 /* 2026-11-23T20:40:45.123Z */

struct client {
	int fd, started;
	size_t kept;
	char part[PART];
};

static struct client clients[CLIENTS_MAX];
static unsigned count, started, lost;
static double *delays;
static size_t delay_count, delay_room;

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double stamp_ms(const char *at)
{
	struct tm tm = { 0 };
	int ms = 0;

	if (sscanf(at, "%d-%d-%dT%d:%d:%d.%dZ", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
		    &tm.tm_min, &tm.tm_sec, &ms) != 7)
		return 0;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	return (double)timegm(&tm) * 1e3 + ms;
}

static void delay_add(double at)
{
	if (delay_count == delay_room) {
		delay_room = delay_room ? delay_room * 2 : 65536;
		delays = realloc(delays, delay_room * sizeof(*delays));
		if (!delays)
			exit(1);
	}
	delays[delay_count++] = now_ms() - at;
}

/* Adds the timestamps in text. Returns the offset of the rest, which may hold the start of another
 * one. */
static size_t stamps_read(const char *text, size_t len)
{
	size_t from = 0;
	const char *at;

	while ((at = memmem(text + from, len - from, KEY, sizeof(KEY) - 1))) {
		size_t value = (size_t)(at - text) + sizeof(KEY) - 1;

		if (value + BETWEEN + STAMP_LEN > len)
			return (size_t)(at - text);
		value += strcspn(text + value, "\"") + 1;
		delay_add(stamp_ms(text + value));
		from = value + STAMP_LEN;
	}
	return len - from < sizeof(KEY) ? from : len - sizeof(KEY) + 1;
}

static void client_read(struct client *client)
{
	static char text[PART + 65536 + 1];
	ssize_t got;
	size_t len, rest;

	memcpy(text, client->part, client->kept);
	got = recv(client->fd, text + client->kept, 65536, 0);
	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0) {
		close(client->fd);
		client->fd = -1;
		lost++;
		return;
	}
	len = client->kept + (size_t)got;
	text[len] = '\0';
	if (!client->started && strstr(text, "retry:")) {
		client->started = 1;
		started++;
	}
	rest = stamps_read(text, len);
	client->kept = len - rest < PART ? len - rest : 0;
	memcpy(client->part, text + len - client->kept, client->kept);
}

static void client_open(int port, int poll, const char *request, size_t len)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct client *client = &clients[count++];
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = client };

	client->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (client->fd < 0 || connect(client->fd, (struct sockaddr *)&to, sizeof(to)) ||
		send(client->fd, request, len, 0) != (ssize_t)len) {
		perror("listener");
		exit(1);
	}
	fcntl(client->fd, F_SETFL, O_NONBLOCK);
	epoll_ctl(poll, EPOLL_CTL_ADD, client->fd, &event);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print_delays(void)
{
	qsort(delays, delay_count, sizeof(*delays), compare);
	printf("{\"events\":%zu,\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"max_ms\":%.2f,\"lost\":%u}\n",
		delay_count, delay_count ? delays[delay_count / 2] : 0,
		delay_count ? delays[delay_count * 99 / 100] : 0,
		delay_count ? delays[delay_count - 1] : 0, lost);
	fflush(stdout);
	delay_count = 0;
}

static void turn(int poll, int wait_ms, int *input_ready)
{
	struct epoll_event events[512];
	int ready = epoll_wait(poll, events, 512, wait_ms);

	for (int i = 0; i < ready; i++) {
		if (events[i].data.ptr)
			client_read(events[i].data.ptr);
		else
			*input_ready = 1;
	}
}

int main(int argc, char **argv)
{
	FILE *file = argc == 3 ? fopen(argv[2], "rb") : NULL;
	static char request[65536], line[256];
	int poll = epoll_create1(0), input_ready = 0;
	struct epoll_event input = { .events = EPOLLIN, .data.ptr = NULL };
	size_t len;

	if (!file)
		return 2;
	while (count < CLIENTS_MAX && fscanf(file, "%zu", &len) == 1 && fgetc(file) == '\n' &&
		len < sizeof(request) && fread(request, 1, len, file) == len) {
		client_open(atoi(argv[1]), poll, request, len);
		/* opens 100 at a time, so that the accept queue does not affect the figure */
		while (count - started > 100 && !lost)
			turn(poll, 100, &input_ready);
	}
	while (started < count && !lost)
		turn(poll, 100, &input_ready);
	printf("{\"open\":%u}\n", started);
	fflush(stdout);
	epoll_ctl(poll, EPOLL_CTL_ADD, STDIN_FILENO, &input);
	for (;;) {
		turn(poll, 1000, &input_ready);
		if (!input_ready)
			continue;
		input_ready = 0;
		if (read(STDIN_FILENO, line, sizeof(line)) <= 0)
			return 0;
		print_delays();
	}
}
