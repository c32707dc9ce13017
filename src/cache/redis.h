/* SPDX-License-Identifier: MIT
 *
 * Commands to Redis (one server, or a cluster) from one loop. Commands sent during a turn go out in
 * one write per connection at its end. Every accepted command ends in exactly one `done`.
 *
 * Threads: call all functions on the owning loop's thread only.
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

/* error 0: reply is valid during this call only. E_TIMED_OUT: no reply within the limit (Redis may
 * still execute the command). E_STORE_DOWN with a reply: Redis replied with that error; without a
 * reply: the connection was lost. Never called before redis_send returns. */
typedef void redis_done(void *owner, int error, const redisReply *reply);

struct redis_call {
	struct text word[REDIS_WORDS];
	int words;
	int key;          /* index of the word that is the key; 0: none */
	redis_done *done; /* may be NULL */
	void *owner;
};

struct redis_options {
	struct redis_address address;
	uint64_t timeout_ms;
	/* A connection has come up, or answers again: waiting commands may be sent. */
	void (*up)(void *owner);
	void *owner;
};

/* Connects in the background. Returns 0 or E_NO_MEMORY. */
int redis_new(
	struct loop *loop, const struct redis_options *options, struct redis **ret) MUST_CHECK;
/* Completes outstanding commands with E_STORE_DOWN and closes; the loop must run one more turn. */
void redis_close(struct redis *redis);

/* Returns 0, or E_STORE_DOWN (not connected, or the breaker is open), E_BUSY (too many in flight)
 * or E_NO_MEMORY when nothing was sent and done will not be called. */
int redis_send(struct redis *redis, const struct redis_call *call) MUST_CHECK;

/* Does the same with any number of words. */
int redis_send_words(struct redis *redis, int words, const struct text *word, int key,
	redis_done *done, void *owner) MUST_CHECK;
/* Turns a usable connection into a subscriber, which takes no other command. on_message is called
 * with each message, and once with NULL when the connection is lost. Returns 0 or E_STORE_DOWN. */
typedef void redis_on_message(void *owner, const redisReply *reply);
int redis_subscribe(struct redis *redis, const char *command, redis_on_message *on_message,
	void *owner) MUST_CHECK;

/* True when a command for this key would be sent at once. */
bool redis_up(const struct redis *redis, struct text key);
/* True when every required connection answers. */
bool redis_all_up(const struct redis *redis);
/* A counter that grows before each write. Redis executes a command queued at turn n after
 * everything that happened in this loop up to turn n. */
uint64_t redis_turn(const struct redis *redis);

#endif
