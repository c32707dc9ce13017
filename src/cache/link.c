/* SPDX-License-Identifier: MIT
 *
 * One connection to Redis on the libuv loop.
 *
 * hiredis asks its adapter for "writable" on every command. Here that only marks the link dirty;
 * the flush hook at the end of the turn writes everything at once. The socket is polled for writing
 * only while the kernel's buffer is full. Reading continues while a reply is incomplete, since
 * hiredis reads 16 KB at a time and one poll per 16 KB would cost more than the values.
 *
 * The breaker: BREAKER_FAILURES time-outs or errors in a row open it. While it is open, only a PING
 * is sent after each pause. A reply closes the breaker. PROBES_MAX unanswered PINGs in a row close
 * the connection (a peer that vanished sends no reset).
 */
#include "link.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sodium.h>
#include <stdio.h>

#include "reeyo/core/clock.h"
#include "reeyo/core/log.h"
#include "reeyo/core/memory.h"

#define CONNECT_LIMIT_MS 1000
#define BACKOFF_FIRST_MS 50u
#define BACKOFF_LAST_MS 1000u
#define PAUSE_MS 250u
#define PROBES_MAX 3
/* Maximum of 16 KB reads in a row, so that one link cannot block the loop. */
#define READS_MAX 64
#define READER_KEEP (256 * 1024)

struct link_poll {
	uv_poll_t uv;
	struct link *link;
};

static void link_connect(struct link *link);
static void subscription_end(struct link *link);
static void link_timer_due(uv_timer_t *timer);

/* --- Back-off --------------------------------------------------------------------------------- */

/* A random time between half and all of ms, so that many instances do not reconnect together. */
static uint64_t backoff_jittered(uint32_t ms)
{
	return ms / 2 + randombytes_uniform(ms / 2 + 1);
}

static void breaker_set(struct link *link, bool open)
{
	if (link->open == open)
		return;
	link->open = open;
	count_add(loop_counters(link->redis->loop), COUNT_CACHE_BREAKER_OPEN, open ? 1 : -1);
}

static void link_retry_later(struct link *link)
{
	uint32_t ms = BACKOFF_FIRST_MS << (link->attempts < 5 ? link->attempts : 5);

	link->attempts++;
	link->state = LINK_WAITING;
	uv_timer_start(&link->timer, link_timer_due,
		backoff_jittered(ms < BACKOFF_LAST_MS ? ms : BACKOFF_LAST_MS), 0);
}

/* The only function that moves a link from connected to waiting. */
static void link_down(struct link *link, const char *why)
{
	if (link->state == LINK_CLOSED || link->state == LINK_WAITING)
		return;
	if (!link->lost)
		log_line(LOG_WARN, "redis lost", LOG_T("why", why), LOG_T("host", link->host.name),
			LOG_I("port", link->host.port));
	link->lost = true;
	breaker_set(link, true);
	link_retry_later(link);
}

static void link_drop(struct link *link, const char *why)
{
	link_down(link, why);
	if (link->ac)
		redisAsyncFree(link->ac);
}

/* --- The breaker ------------------------------------------------------------------------------ */

static void link_pause_start(struct link *link)
{
	uv_timer_start(&link->timer, link_timer_due, backoff_jittered(PAUSE_MS << link->probes), 0);
}

void link_succeeded(struct link *link)
{
	link->failures = 0;
}

void link_failed(struct link *link)
{
	if (++link->failures < BREAKER_FAILURES || link->open || link->state != LINK_UP)
		return;
	breaker_set(link, true);
	link->probes = 0;
	log_line(LOG_WARN, "redis does not answer", LOG_T("host", link->host.name),
		LOG_I("port", link->host.port));
	link_pause_start(link);
}

static void breaker_close(struct link *link)
{
	log_line(LOG_INFO, "redis answers again", LOG_T("host", link->host.name),
		LOG_I("port", link->host.port));
	link->failures = 0;
	breaker_set(link, false);
	redis_link_up(link->redis, link);
}

static void link_probed(void *owner, int error, const redisReply *reply)
{
	struct link *link = owner;

	(void)reply;
	if (link->state != LINK_UP)
		return;
	if (!error)
		return breaker_close(link);
	if (++link->probes < PROBES_MAX)
		return link_pause_start(link);
	link_drop(link, "no answer");
}

void link_send_internal(struct link *link, redis_done *done, int words, const char **word)
{
	struct command *command = command_take(link->redis, done, link);
	char *wire = NULL;
	int len;

	if (!command)
		return link_drop(link, "out of memory");
	command->quiet = true;
	len = redisFormatCommandArgv(&wire, words, word, NULL);
	if (len < 0 || link_submit(link, command, wire, (size_t)len)) {
		command_give(link->redis, command);
		link_drop(link, "out of memory");
	}
	free(wire);
}

static void link_probe(struct link *link)
{
	link_send_internal(link, link_probed, 1, (const char *[]){ "PING" });
}

/* --- Logging in ------------------------------------------------------------------------------- */

static void link_logged_in(void *owner, int error, const redisReply *reply)
{
	struct link *link = owner;

	if (link->state != LINK_LOGGING_IN)
		return;
	if (error)
		return link_drop(link, reply ? reply->str : "no answer");
	uv_timer_stop(&link->timer);
	log_line(LOG_INFO, "redis connected", LOG_T("host", link->host.name),
		LOG_I("port", link->host.port));
	link->state = LINK_UP;
	link->lost = false;
	link->attempts = link->probes = 0;
	link->failures = 0;
	breaker_set(link, false);
	redis_link_up(link->redis, link);
}

static void link_login_refused(void *owner, int error, const redisReply *reply)
{
	struct link *link = owner;

	if (error && link->state == LINK_LOGGING_IN)
		link_drop(link, reply ? reply->str : "no answer");
}

/* AUTH and SELECT when the address has them. The PING shows that Redis serves (and is not
 * loading). */
static void link_log_in(struct link *link)
{
	const struct redis_address *address = &link->redis->options.address;
	char db[12];

	link->state = LINK_LOGGING_IN;
	uv_timer_start(&link->timer, link_timer_due, CONNECT_LIMIT_MS, 0);
	if (address->password[0] && address->user[0])
		link_send_internal(link, link_login_refused, 3,
			(const char *[]){ "AUTH", address->user, address->password });
	else if (address->password[0])
		link_send_internal(
			link, link_login_refused, 2, (const char *[]){ "AUTH", address->password });
	snprintf(db, sizeof(db), "%d", address->db);
	if (address->db && link->state == LINK_LOGGING_IN)
		link_send_internal(link, link_login_refused, 2, (const char *[]){ "SELECT", db });
	if (link->state == LINK_LOGGING_IN)
		link_send_internal(link, link_logged_in, 1, (const char *[]){ "PING" });
}

/* --- The adapter ------------------------------------------------------------------------------ */

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

static void link_poll_for(struct link *link, int events)
{
	if (link->poll)
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

void link_read(struct link *link)
{
	for (int reads = 0; link->ac && reads < READS_MAX; reads++) {
		redisReader *reader;

		redisAsyncHandleRead(link->ac);
		if (!link->ac)
			return;
		reader = link->ac->c.reader;
		if (reader->pos == reader->len)
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
	if (!link->ac || redisAsyncFormattedCommand(
				 link->ac, link_reply_arrived, command, wire, len) != REDIS_OK)
		return E_STORE_DOWN;
	command->serial = ++link->redis->serial;
	command->started_us = clock_us();
	if (link->state == LINK_UP && !deadline_runs(&command->deadline))
		deadline_start(&link->redis->limits, &command->deadline);
	return 0;
}

/* --- Subscribing ------------------------------------------------------------------------------ */

static void subscription_end(struct link *link)
{
	redis_on_message *on_message = TAKE_PTR(link->on_message);

	if (on_message)
		on_message(link->subscriber, NULL);
}

/* hiredis also calls this for each channel when the connection ends, after link_detached. */
static void link_message_arrived(redisAsyncContext *ac, void *reply, void *privdata)
{
	struct link *link = privdata;

	(void)ac;
	if (reply && link->on_message)
		link->on_message(link->subscriber, reply);
}

int link_subscribe(struct link *link, const char *command, redis_on_message *on_message,
	void *owner)
{
	if (!link->ac ||
		redisAsyncCommand(link->ac, link_message_arrived, link, command) != REDIS_OK)
		return E_STORE_DOWN;
	link->on_message = on_message;
	link->subscriber = owner;
	return 0;
}

/* --- Connecting ------------------------------------------------------------------------------- */

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

static void link_attach(struct link *link, redisAsyncContext *ac)
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

static void link_connect_to(struct link *link, const char *address)
{
	link->state = LINK_CONNECTING;
	uv_timer_start(&link->timer, link_timer_due, CONNECT_LIMIT_MS, 0);
	link_attach(link, redisAsyncConnect(address, link->host.port));
}

static void link_resolved(uv_getaddrinfo_t *resolver, int status, struct addrinfo *found)
{
	struct link *link = CONTAINER_OF(resolver, struct link, resolver);
	char address[INET6_ADDRSTRLEN] = "";
	unsigned count = 0, pick;

	link->resolving = false;
	for (struct addrinfo *one = found; one; one = one->ai_next)
		count++;
	pick = count ? link->attempts % count : 0;
	for (struct addrinfo *one = found; status == 0 && one; one = one->ai_next)
		if (pick-- == 0)
			getnameinfo(one->ai_addr, one->ai_addrlen, address, sizeof(address), NULL,
				0, NI_NUMERICHOST);
	uv_freeaddrinfo(found);
	/* A slow answer is used too; it may arrive during the back-off. */
	if ((link->state == LINK_RESOLVING || link->state == LINK_WAITING) && address[0])
		link_connect_to(link, address);
	else if (link->state == LINK_RESOLVING)
		link_down(link, "unknown host");
	redis_handle_closed(link->redis);
}

static void link_resolve(struct link *link)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC };

	link->state = LINK_RESOLVING;
	uv_timer_start(&link->timer, link_timer_due, CONNECT_LIMIT_MS, 0);
	if (link->resolving)
		return; /* an earlier look-up still runs; its answer will be used */
	if (uv_getaddrinfo(loop_uv(link->redis->loop), &link->resolver, link_resolved,
		link->host.name, NULL, &hints))
		return link_down(link, "cannot resolve");
	link->resolving = true;
	link->redis->handles++;
}

static void link_connect(struct link *link)
{
	const char *path = link->redis->options.address.path;
	unsigned char scratch[sizeof(struct in6_addr)];

	if (path[0]) {
		link->state = LINK_CONNECTING;
		uv_timer_start(&link->timer, link_timer_due, CONNECT_LIMIT_MS, 0);
		link_attach(link, redisAsyncConnectUnix(path));
	} else if (inet_pton(AF_INET, link->host.name, scratch) == 1 ||
		inet_pton(AF_INET6, link->host.name, scratch) == 1) {
		link_connect_to(link, link->host.name);
	} else {
		link_resolve(link);
	}
}

static void link_timer_due(uv_timer_t *timer)
{
	struct link *link = timer->data;

	switch (link->state) {
	case LINK_WAITING:
		return link_connect(link);
	case LINK_RESOLVING:
	case LINK_CONNECTING:
	case LINK_LOGGING_IN:
		return link_drop(link, "connecting took too long");
	case LINK_UP:
		return link_probe(link);
	case LINK_CLOSED:
		return;
	}
}

/* --- Life ------------------------------------------------------------------------------------- */

struct link *link_new(struct redis *redis, const struct redis_host *host)
{
	struct link *link = calloc(1, sizeof(*link));

	if (!link)
		return NULL;
	link->redis = redis;
	link->host = *host;
	link->state = LINK_WAITING;
	link->timer.data = link;
	uv_timer_init(loop_uv(redis->loop), &link->timer);
	redis->handles++;
	breaker_set(link, true);
	uv_timer_start(&link->timer, link_timer_due, 0, 0);
	return link;
}

/* Frees a closed link while the others of a cluster live on. */
static void link_timer_closed(uv_handle_t *handle)
{
	struct link *link = handle->data;
	struct redis *redis = link->redis;

	for (struct link **at = &redis->links; *at && !redis->closed; at = &(*at)->next)
		if (*at == link) {
			*at = link->next;
			free(link);
			break;
		}
	redis_handle_closed(redis);
}

void link_close(struct link *link)
{
	if (link->state == LINK_CLOSED)
		return;
	link->state = LINK_CLOSED;
	breaker_set(link, false);
	if (link->ac)
		redisAsyncFree(link->ac);
	if (link->resolving)
		uv_cancel((uv_req_t *)&link->resolver);
	uv_close((uv_handle_t *)&link->timer, link_timer_closed);
}
