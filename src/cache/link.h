/* SPDX-License-Identifier: MIT
 *
 * One connection to one Redis server: connecting, logging in, writing, time limits and the breaker.
 * Private to redis.c, link.c, socket.c and cluster.c.
 */
#ifndef REEYO_CACHE_LINK_H
#define REEYO_CACHE_LINK_H

#include <hiredis/async.h>
#include <uv.h>

#include "redis.h"

/* Number of time-outs and errors in a row that open the breaker. */
#define BREAKER_FAILURES 5
/* Maximum of commands without a reply, timed-out ones included, over all links of a loop. */
#define COMMANDS_MAX 16384u
#define REDIRECTS_MAX 5

enum link_state {
	LINK_WAITING, /* for the end of its back-off */
	LINK_RESOLVING,
	LINK_CONNECTING,
	LINK_LOGGING_IN, /* AUTH, SELECT, PING */
	LINK_UP,
	LINK_CLOSED
};

struct link_poll; /* the uv_poll of one socket; freed when libuv has closed it */

struct link {
	struct redis *redis;
	struct redis_host host;
	enum link_state state;
	redisAsyncContext *ac;
	struct link_poll *poll;
	uv_timer_t timer; /* back-off, connect limit or the breaker's pause, by state */
	uv_getaddrinfo_t resolver;
	bool resolving;
	bool dirty;        /* has queued commands that are not written yet */
	bool blocked;      /* waits for the socket to become writable */
	bool open;         /* the breaker is open */
	bool lost;         /* the loss has been logged */
	bool serves, seed; /* cluster: owns slots; comes from the configuration */
	unsigned failures, probes, attempts;
	redis_on_message *on_message; /* of a subscribed link */
	void *subscriber;
	struct link *next;
};

/* An accepted command. A timed-out one (done is NULL) stays until its reply or the end of the
 * link. */
struct command {
	struct deadline deadline;
	redis_done *done;
	void *owner;
	struct link *link;
	uint64_t serial, started_us;
	struct command *next; /* in the free list */
	char *wire;           /* cluster only: copy for a redirection */
	int wire_len;
	uint16_t slot;
	uint8_t redirects;
	bool quiet; /* internal: neither breaker nor counters see it */
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
	unsigned taken;   /* commands outside the free list */
	unsigned handles; /* libuv handles that are not closed yet */
	uint64_t turn, serial;
	char *wire; /* buffer of the command being sent */
	size_t wire_room;
	bool closed;
};

/* Creates a link and starts connecting. NULL when out of memory. */
struct link *link_new(struct redis *redis, const struct redis_host *host);
void link_close(struct link *link);
/* Connected, and the breaker is closed. */
static inline bool link_usable(const struct link *link)
{
	return link->state == LINK_UP && !link->open;
}
/* The connection is lost: logs it once, opens the breaker and starts the back-off. */
void link_down(struct link *link, const char *why);
/* Does the same and closes the socket. */
void link_drop(struct link *link, const char *why);
/* The socket is connected: sends AUTH, SELECT and PING. */
void link_log_in(struct link *link);

/* Sends an internal command, which breaker and counters ignore. Its owner is the link. */
void link_send_internal(struct link *link, redis_done *done, int words, const char **word);
/* Record each reply and time-out, for the breaker. */
void link_succeeded(struct link *link);
void link_failed(struct link *link);

/* --- socket.c --- */
/* Takes over a new hiredis context; NULL or one with an error ends in link_down. */
void link_attach(struct link *link, redisAsyncContext *ac);
/* Queues a command. Returns 0, or E_STORE_DOWN when hiredis refused it (done is not called). */
int link_submit(
	struct link *link, struct command *command, const char *wire, size_t len) MUST_CHECK;
/* Returns 0 or E_STORE_DOWN. The link takes no command from then on. */
int link_subscribe(struct link *link, const char *command, redis_on_message *on_message,
	void *owner) MUST_CHECK;
/* Writes the queued commands. */
void link_flush(struct link *link);
/* Reads everything that has arrived. */
void link_read(struct link *link);

/* --- redis.c --- */
/* A command for internal use, and its end. */
struct command *command_take(struct redis *redis, redis_done *done, void *owner);
void command_give(struct redis *redis, struct command *command);
void command_replied(struct link *link, struct command *command, redisReply *reply);
void redis_handle_closed(struct redis *redis);
void redis_link_up(struct redis *redis, struct link *link);

/* --- cluster.c --- */
int cluster_new(struct redis *redis) MUST_CHECK;
void cluster_close(struct cluster *cluster);
void cluster_free(struct cluster *cluster);
bool cluster_all_up(const struct redis *redis);
uint16_t cluster_slot(struct text key);
struct link *cluster_link(const struct redis *redis, uint16_t slot);
void cluster_link_up(struct redis *redis, struct link *link);
/* True when the reply was a redirection and the command has been sent to the new node. */
bool cluster_redirected(struct link *link, struct command *command, const redisReply *reply);

#endif
