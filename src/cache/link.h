/* SPDX-License-Identifier: MIT
 *
 * One connection to one Redis server: connecting, greeting, writing, limits and the breaker.
 * Private to redis.c, link.c and cluster.c.
 */
#ifndef REEYO_CACHE_LINK_H
#define REEYO_CACHE_LINK_H

#include <hiredis/async.h>
#include <uv.h>

#include "redis.h"

/* Time-outs and errors in a row after which a link is not asked for a while. */
#define BREAKER_FAILURES 5
/* Commands waiting for an answer, the late ones included, over all links of a loop. */
#define COMMANDS_MAX 16384u
#define REDIRECTS_MAX 5

enum link_state {
	LINK_WAITING,    /* for its back-off to end */
	LINK_RESOLVING,
	LINK_CONNECTING,
	LINK_GREETING,   /* AUTH, SELECT, PING */
	LINK_UP,
	LINK_CLOSED
};

struct link_poll; /* the uv_poll of one socket; lives until libuv lets go of it */

struct link {
	struct redis *redis;
	struct redis_host host;
	enum link_state state;
	redisAsyncContext *ac;
	struct link_poll *poll;
	uv_timer_t timer; /* back-off, connect limit or the breaker's pause, as the state says */
	uv_getaddrinfo_t resolver;
	bool resolving;
	bool dirty;       /* has queued commands that are not written */
	bool blocked;     /* waits for the socket to become writable */
	bool open;        /* the breaker */
	bool lost;        /* the loss has been logged */
	bool serves, seed; /* cluster: owns slots; comes from the configuration */
	unsigned failures, probes, attempts;
	redis_heard *heard; /* of a subscribed link */
	void *heard_owner;
	struct link *next;
};

/* A command that was taken. Late ones (done is NULL) stay until their reply or the end of the
 * link. */
struct command {
	struct deadline deadline;
	redis_done *done;
	void *owner;
	struct link *link;
	uint64_t serial, started_us;
	struct command *next;  /* in the free list */
	char *wire;            /* cluster only: kept to be sent again */
	int wire_len;
	uint16_t slot;
	uint8_t redirects;
	bool quiet;            /* own probes: neither breaker nor counters look at them */
};

struct cluster;

struct redis {
	struct loop *loop;
	struct redis_options options;
	struct link *links;
	struct cluster *cluster; /* NULL: one server */
	struct turn_hook hook;
	struct deadline_list limits;
	struct command *free;
	unsigned taken;      /* commands not back in the free list */
	unsigned handles;    /* of libuv, still to be closed */
	uint64_t turn, serial;
	char *wire;          /* the command that is being sent */
	size_t wire_room;
	bool closed;
};

/* A link that starts connecting. NULL when out of memory. */
struct link *link_new(struct redis *redis, const struct redis_host *host);
void link_close(struct link *link);
/* Connected and not held back by the breaker. */
static inline bool link_usable(const struct link *link)
{
	return link->state == LINK_UP && !link->open;
}
/* Queues a command; 0, or E_STORE_DOWN when hiredis refused it (its done is not called). */
int link_submit(struct link *link, struct command *command, const char *wire,
	size_t len) MUST_CHECK;
/* A command of the cache's own (its owner is the link), of which breaker and counters know
 * nothing. */
void link_ask(struct link *link, redis_done *done, int words, const char **word);
/* 0, or E_STORE_DOWN. The link takes no command from then on. */
int link_subscribe(struct link *link, const char *command, redis_heard *heard,
	void *owner) MUST_CHECK;
/* Writes what is queued. */
void link_flush(struct link *link);
/* Reads all that has arrived. */
void link_read(struct link *link);
/* Every answer and time-out of a command is told here, for the breaker. */
void link_worked(struct link *link);
void link_failed(struct link *link);

/* Of redis.c: a command for internal use, and its end. */
struct command *command_take(struct redis *redis, redis_done *done, void *owner);
void command_give(struct redis *redis, struct command *command);
void command_replied(struct link *link, struct command *command, redisReply *reply);
void redis_handle_closed(struct redis *redis);
void redis_link_up(struct redis *redis, struct link *link);

/* Of cluster.c. */
int cluster_new(struct redis *redis) MUST_CHECK;
void cluster_close(struct cluster *cluster);
void cluster_free(struct cluster *cluster);
bool cluster_all_up(const struct redis *redis);
uint16_t cluster_slot(struct text key);
struct link *cluster_link(const struct redis *redis, uint16_t slot);
void cluster_link_up(struct redis *redis, struct link *link);
/* True when the reply was a redirection that has been followed: the command is on its way again. */
bool cluster_redirected(struct link *link, struct command *command, const redisReply *reply);

#endif
