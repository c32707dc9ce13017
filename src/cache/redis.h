/* SPDX-License-Identifier: MIT
 *
 * Commands to Redis (one server, or a cluster) from one loop. What is sent during a turn goes out
 * in one write per connection at its end; every command that was taken ends in exactly one `done`.
 *
 * All functions: the owning loop's thread only.
 */
#ifndef REEYO_CACHE_REDIS_H
#define REEYO_CACHE_REDIS_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdint.h>

#include "address.h"
#include "reeyo/core/text.h"
#include "reeyo/loop/loop.h"

struct redis;

#define REDIS_WORDS 12

/* error 0: reply is valid for this call only. E_TIMED_OUT: no answer within the limit (it may still
 * be carried out). E_STORE_DOWN with a reply: Redis answered with that error; without one: the
 * connection was lost. Never called before redis_send returns. */
typedef void redis_done(void *owner, int error, const redisReply *reply);

struct redis_call {
	struct text word[REDIS_WORDS];
	int words;
	int key;          /* which word is the key; 0: none */
	redis_done *done; /* may be NULL */
	void *owner;
};

struct redis_options {
	struct redis_address address;
	uint64_t timeout_ms;
	/* A connection has come up, or answers again: what had to wait may be sent. */
	void (*up)(void *owner);
	void *owner;
};

/* Connects in the background. 0 or E_NO_MEMORY. */
int redis_new(struct loop *loop, const struct redis_options *options,
	struct redis **ret) MUST_CHECK;
/* Completes what is outstanding with E_STORE_DOWN and closes; the loop must run on for a turn. */
void redis_close(struct redis *redis);

/* 0, or E_STORE_DOWN (not connected, or the breaker is open), E_BUSY (too many in flight),
 * E_NO_MEMORY: nothing was sent and done will not be called. */
int redis_send(struct redis *redis, const struct redis_call *call) MUST_CHECK;

/* The same with any number of words; key 0: none. */
int redis_send_words(struct redis *redis, int words, const struct text *word, int key,
	redis_done *done, void *owner) MUST_CHECK;
/* Turns a connection that is up into a subscriber, which takes no other command: heard is called
 * with each message, and with NULL once when the connection is lost. 0, or E_STORE_DOWN. */
typedef void redis_heard(void *owner, const redisReply *reply);
int redis_subscribe(struct redis *redis, const char *command, redis_heard *heard,
	void *owner) MUST_CHECK;

/* True when a command for this key would be sent at once. */
bool redis_up(const struct redis *redis, struct text key);
/* True when every connection there should be answers. */
bool redis_all_up(const struct redis *redis);
/* Grows before each write: a command queued while it was n is executed after everything that
 * happened in this loop while it was n or less. */
uint64_t redis_turn(const struct redis *redis);

#endif
