/* SPDX-License-Identifier: MIT
 *
 * One connection to Redis: its states, the log-in, the back-off and the breaker.
 *
 * The breaker: BREAKER_FAILURES time-outs or errors in a row open it. While it is open, only a PING
 * is sent after each pause. A reply closes the breaker. PROBES_MAX unanswered PINGs in a row close
 * the connection (a peer that vanished sends no reset).
 */
#include "link.h"

#include <arpa/inet.h>
#include <sodium.h>
#include <stdio.h>

#include "reeyo/cache/counters.h"
#include "reeyo/core/clock.h"
#include "reeyo/core/log.h"
#include "reeyo/core/memory.h"

#define CONNECT_LIMIT_MS 1000
#define BACKOFF_FIRST_MS 50u
#define BACKOFF_LAST_MS 1000u
#define PAUSE_MS 250u
#define PROBES_MAX 3

static void link_connect(struct link *link);
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
void link_down(struct link *link, const char *why)
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

void link_drop(struct link *link, const char *why)
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
void link_log_in(struct link *link)
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

/* --- Connecting ------------------------------------------------------------------------------- */

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
