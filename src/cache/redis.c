/* SPDX-License-Identifier: MIT
 *
 * Commands: taken from a bounded pool, given a time limit, and completed exactly once, by their
 * reply, by the limit or by the loss of their connection. hiredis still knows a command that ran
 * out of time; its late reply is thrown away.
 */
#include "redis.h"

#include <limits.h>
#include <stdlib.h>

#include "link.h"
#include "reeyo/cache/counters.h"
#include "reeyo/core/clock.h"
#include "reeyo/core/memory.h"

/* --- Commands --------------------------------------------------------------------------------- */

struct command *command_take(struct redis *redis, redis_done *done, void *owner)
{
	struct command *command = redis->free;

	if (redis->taken >= COMMANDS_MAX)
		return NULL;
	if (command)
		redis->free = command->next;
	else
		command = malloc(sizeof(*command));
	if (!command)
		return NULL;
	*command = (struct command){ .done = done, .owner = owner };
	redis->taken++;
	return command;
}

void command_give(struct redis *redis, struct command *command)
{
	free(command->wire);
	command->wire = NULL;
	command->next = redis->free;
	redis->free = command;
	redis->taken--;
}

/* Calls done. If the reply is still outstanding, it will be ignored. */
static void command_end(struct command *command, int error, const redisReply *reply)
{
	redis_done *done = TAKE_PTR(command->done);

	deadline_stop(&command->deadline);
	if (done)
		done(command->owner, error, reply);
}

static void command_record_outcome(struct link *link, const struct command *command, int error)
{
	struct counters *counters = loop_counters(link->redis->loop);

	if (command->quiet)
		return;
	if (error)
		count_one(counters, COUNT_CACHE_ERRORS);
	else
		histogram_add(
			&counters->histogram[COUNTERS_CACHE], clock_us() - command->started_us);
	if (error)
		link_failed(link);
	else
		link_succeeded(link);
}

static void reply_ignored(void *owner, int error, const redisReply *reply)
{
	(void)owner;
	(void)error;
	(void)reply;
}

/* True for errors that show a broken server; some errors are normal answers. */
static bool reply_is_failure(const redisReply *reply)
{
	static const struct text harmless[] = { TEXT("NOSCRIPT "), TEXT("WRONGTYPE "),
		TEXT("MOVED "), TEXT("ASK ") };
	struct text text;

	if (!reply || reply->type != REDIS_REPLY_ERROR)
		return !reply;
	text = (struct text){ reply->str, reply->len };
	for (size_t i = 0; i < COUNT_OF(harmless); i++)
		if (text_starts(text, harmless[i]))
			return false;
	return true;
}

void command_replied(struct link *link, struct command *command, redisReply *reply)
{
	struct redis *redis = link->redis;
	bool failed = !reply || reply->type == REDIS_REPLY_ERROR;

	if (!command->done)
		return command_give(redis, command);
	if (failed && reply && redis->cluster && cluster_redirected(link, command, reply))
		return;
	command_record_outcome(link, command, reply_is_failure(reply) ? E_STORE_DOWN : 0);
	command_end(command, failed ? E_STORE_DOWN : 0, reply);
	command_give(redis, command);
}

/* The time limit has passed. When the loop itself was late, the reply may have arrived already:
 * reads before giving up. */
static void command_expired(struct deadline *deadline)
{
	struct command *command = CONTAINER_OF(deadline, struct command, deadline);
	struct link *link = command->link;
	uint64_t serial = command->serial;

	link_read(link);
	if (command->serial != serial || !command->done)
		return;
	command_record_outcome(link, command, E_TIMED_OUT);
	command_end(command, E_TIMED_OUT, NULL);
}

/* --- Sending ---------------------------------------------------------------------------------- */

static struct link *link_for(const struct redis *redis, uint16_t slot)
{
	return redis->cluster ? cluster_link(redis, slot) : redis->links;
}

/* Writes a number in digits and a line end. */
static char *wire_number_write(char *at, size_t number)
{
	char digits[20];
	int n = 0;

	do
		digits[n++] = (char)('0' + number % 10);
	while (number /= 10);
	while (n)
		*at++ = digits[--n];
	*at++ = '\r';
	*at++ = '\n';
	return at;
}

/* Grows the buffer, which is kept from one command to the next: allocating it for each command
 * would cost as much as the rest of sending. False when out of memory. */
static bool wire_room(struct redis *redis, size_t need)
{
	char *room;

	if (need <= redis->wire_room)
		return true;
	need = need * 2 > 4096 ? need * 2 : 4096;
	room = realloc(redis->wire, need);
	if (!room)
		return false;
	redis->wire = room;
	redis->wire_room = need;
	return true;
}

/* Writes the command in wire format into redis->wire. Returns its length, or -1. */
static int wire_command_write(struct redis *redis, int words, const struct text *word)
{
	size_t need = 24;
	char *at;

	for (int i = 0; i < words; i++)
		need += word[i].len + 26;
	if (need > INT_MAX || !wire_room(redis, need))
		return -1;
	at = redis->wire;
	*at++ = '*';
	at = wire_number_write(at, (size_t)words);
	for (int i = 0; i < words; i++) {
		*at++ = '$';
		at = wire_number_write(at, word[i].len);
		if (word[i].len)
			memcpy(at, word[i].at, word[i].len);
		at += word[i].len;
		*at++ = '\r';
		*at++ = '\n';
	}
	return (int)(at - redis->wire);
}

/* Keeps a copy of the command for a cluster, which may redirect it to another node. */
static bool wire_keep(const struct redis *redis, struct command *command, int len)
{
	if (!redis->cluster)
		return true;
	command->wire = malloc((size_t)len);
	command->wire_len = len;
	if (command->wire)
		memcpy(command->wire, redis->wire, (size_t)len);
	return command->wire != NULL;
}

int redis_send(struct redis *redis, const struct redis_call *call)
{
	return redis_send_words(redis, call->words, call->word, call->key, call->done, call->owner);
}

int redis_send_words(struct redis *redis, int words, const struct text *word, int key,
	redis_done *done, void *owner)
{
	uint16_t slot = redis->cluster && key ? cluster_slot(word[key]) : 0;
	struct link *link = link_for(redis, slot);
	struct command *command;
	int len;

	if (redis->closed || !link || !link_usable(link))
		return E_STORE_DOWN;
	command = command_take(redis, done ? done : reply_ignored, owner);
	if (!command)
		return E_BUSY;
	command->slot = slot;
	len = wire_command_write(redis, words, word);
	if (len < 0 || !wire_keep(redis, command, len)) {
		command_give(redis, command);
		return E_NO_MEMORY;
	}
	if (link_submit(link, command, redis->wire, (size_t)len)) {
		command_give(redis, command);
		return E_STORE_DOWN;
	}
	return 0;
}

int redis_subscribe(
	struct redis *redis, const char *command, redis_on_message *on_message, void *owner)
{
	for (struct link *link = redis->links; link && !redis->closed; link = link->next)
		if (link_usable(link))
			return link_subscribe(link, command, on_message, owner);
	return E_STORE_DOWN;
}

static void redis_flush(struct turn_hook *hook)
{
	struct redis *redis = CONTAINER_OF(hook, struct redis, hook);

	for (struct link *link = redis->links; link; link = link->next)
		if (link->dirty)
			link_flush(link);
}

/* --- State ------------------------------------------------------------------------------------ */

bool redis_up(const struct redis *redis, struct text key)
{
	const struct link *link = link_for(redis, redis->cluster ? cluster_slot(key) : 0);

	return !redis->closed && link && link_usable(link);
}

bool redis_all_up(const struct redis *redis)
{
	return redis->cluster ? cluster_all_up(redis) : link_usable(redis->links);
}

uint64_t redis_turn(const struct redis *redis)
{
	return redis->turn;
}

void redis_link_up(struct redis *redis, struct link *link)
{
	if (redis->cluster)
		cluster_link_up(redis, link);
	if (!redis->closed && redis->options.up)
		redis->options.up(redis->options.owner);
}

/* --- Life ------------------------------------------------------------------------------------- */

int redis_new(struct loop *loop, const struct redis_options *options, struct redis **ret)
{
	struct redis *redis = calloc(1, sizeof(*redis));

	if (!redis)
		return E_NO_MEMORY;
	redis->loop = loop;
	redis->options = *options;
	redis->hook.run = redis_flush;
	if (options->address.cluster
			? cluster_new(redis) != 0
			: !(redis->links = link_new(redis, &options->address.host[0]))) {
		free(redis);
		return E_NO_MEMORY;
	}
	loop_hook(loop, PHASE_FLUSH, &redis->hook);
	deadline_list_init(&redis->limits, loop, options->timeout_ms, command_expired);
	*ret = redis;
	return 0;
}

void redis_handle_closed(struct redis *redis)
{
	if (--redis->handles || !redis->closed)
		return;
	while (redis->links) {
		struct link *next = redis->links->next;

		free(redis->links);
		redis->links = next;
	}
	while (redis->free) {
		struct command *next = redis->free->next;

		free(redis->free);
		redis->free = next;
	}
	cluster_free(redis->cluster);
	free(redis->wire);
	free(redis);
}

void redis_close(struct redis *redis)
{
	if (!redis)
		return;
	redis->closed = true;
	for (struct link *link = redis->links; link; link = link->next)
		link_close(link);
	deadline_list_close(&redis->limits);
	cluster_close(redis->cluster);
	loop_unhook(redis->loop, PHASE_FLUSH, &redis->hook);
}
