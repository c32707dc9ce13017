/* SPDX-License-Identifier: MIT
 *
 * Redis Cluster: which link serves a key.
 *
 * The map of the 16,384 slots comes from CLUSTER SLOTS, sent to any link that answers: when a link
 * comes up, after a MOVED, and every REFRESH_MS while a node of the map does not answer (a replica
 * may have taken over). MOVED and ASK are followed at once when there is a connection to the node
 * that they name. Otherwise the command fails, which is a miss. Links to nodes that no longer serve
 * a slot are closed, except those of the configured hosts, which are needed to read the map again.
 */
#include <stdio.h>
#include <stdlib.h>

#include "link.h"
#include "reeyo/core/log.h"
#include "reeyo/core/memory.h"

#define SLOTS 16384
#define NODES_MAX 64
#define REFRESH_MS 1000

struct cluster {
	struct redis *redis;
	struct deadline_list ticks;
	struct deadline tick;
	bool asking, stale;
	struct link *owner[SLOTS]; /* NULL: unknown */
};

/* --- Slots ------------------------------------------------------------------------------------ */

/* CRC-16/XMODEM, as in the cluster specification. */
static uint16_t crc16(const char *at, size_t len)
{
	unsigned crc = 0;

	for (size_t i = 0; i < len; i++) {
		crc ^= (unsigned)(unsigned char)at[i] << 8;
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1;
		crc &= 0xffff;
	}
	return (uint16_t)crc;
}

/* When the key has a non-empty {…}, only the text in the first one is hashed. */
uint16_t cluster_slot(struct text key)
{
	struct text rest = key, tag;

	text_cut(&rest, '{');
	if (rest.at) {
		tag = text_cut(&rest, '}');
		if (rest.at && tag.len)
			key = tag;
	}
	return crc16(key.at, key.len) % SLOTS;
}

static struct link *cluster_usable_link(const struct redis *redis)
{
	for (struct link *link = redis->links; link; link = link->next)
		if (link_usable(link))
			return link;
	return NULL;
}

struct link *cluster_link(const struct redis *redis, uint16_t slot)
{
	struct link *owner = redis->cluster->owner[slot];

	return owner ? owner : cluster_usable_link(redis);
}

bool cluster_all_up(const struct redis *redis)
{
	bool any = false;

	for (const struct link *link = redis->links; link; link = link->next) {
		if (link->serves && !link_usable(link))
			return false;
		any |= link->serves;
	}
	return any;
}

/* --- Nodes ------------------------------------------------------------------------------------ */

static struct link *cluster_link_add(struct redis *redis, const struct redis_host *host)
{
	struct link *link = link_new(redis, host);

	if (!link)
		return NULL;
	link->next = redis->links;
	redis->links = link;
	return link;
}

/* The link to a node; starts connecting when it is new. NULL when there are too many links. */
static struct link *cluster_link_of(struct redis *redis, const struct redis_host *host)
{
	unsigned count = 0;

	for (struct link *link = redis->links; link; link = link->next, count++)
		if (link->state != LINK_CLOSED && link->host.port == host->port &&
			strcmp(link->host.name, host->name) == 0)
			return link;
	return count < NODES_MAX ? cluster_link_add(redis, host) : NULL;
}

static void cluster_links_retire(struct redis *redis, const struct link *keep)
{
	for (struct link *link = redis->links; link; link = link->next)
		if (!link->serves && !link->seed && !link->resolving && link != keep &&
			link->state != LINK_CLOSED)
			link_close(link);
}

/* --- The map ---------------------------------------------------------------------------------- */

static bool slot_host_parse(
	const struct link *asked, const redisReply *node, struct redis_host *ret)
{
	if (node->type != REDIS_REPLY_ARRAY || node->elements < 2 ||
		node->element[1]->type != REDIS_REPLY_INTEGER)
		return false;
	*ret = asked->host;
	ret->port = (int)node->element[1]->integer;
	if (node->element[0]->type != REDIS_REPLY_STRING || node->element[0]->len == 0)
		return true; /* empty: the host that was queried */
	return snprintf(ret->name, sizeof(ret->name), "%s", node->element[0]->str) <
		(int)sizeof(ret->name);
}

/* One range: first slot, last slot, its master, replicas. */
static void slot_range_parse(struct link *asked, const redisReply *range)
{
	struct redis *redis = asked->redis;
	struct redis_host host;
	struct link *owner;
	long long first, last;

	if (range->type != REDIS_REPLY_ARRAY || range->elements < 3 ||
		range->element[0]->type != REDIS_REPLY_INTEGER ||
		range->element[1]->type != REDIS_REPLY_INTEGER ||
		!slot_host_parse(asked, range->element[2], &host))
		return;
	first = range->element[0]->integer;
	last = range->element[1]->integer;
	owner = cluster_link_of(redis, &host);
	if (!owner || first < 0 || last >= SLOTS)
		return;
	owner->serves = true;
	for (long long slot = first; slot <= last; slot++)
		redis->cluster->owner[slot] = owner;
}

static void slot_map_replied(void *owner, int error, const redisReply *reply)
{
	struct link *asked = owner;
	struct redis *redis = asked->redis;
	struct cluster *cluster = redis->cluster;

	cluster->asking = false;
	if (error || reply->type != REDIS_REPLY_ARRAY || redis->closed) {
		cluster->stale = true;
		return;
	}
	memset(cluster->owner, 0, sizeof(cluster->owner));
	for (struct link *link = redis->links; link; link = link->next)
		link->serves = false;
	for (size_t i = 0; i < reply->elements; i++)
		slot_range_parse(asked, reply->element[i]);
	cluster_links_retire(redis, asked);
}

static void slot_map_request(struct cluster *cluster, struct link *link)
{
	if (cluster->asking || !link || !link_usable(link))
		return;
	cluster->stale = false;
	link_send_internal(link, slot_map_replied, 2, (const char *[]){ "CLUSTER", "SLOTS" });
	cluster->asking = link_usable(link); /* otherwise it could not be sent */
}

static void cluster_tick_due(struct deadline *deadline)
{
	struct cluster *cluster = CONTAINER_OF(deadline, struct cluster, tick);

	if (cluster->stale || !cluster_all_up(cluster->redis))
		slot_map_request(cluster, cluster_usable_link(cluster->redis));
	deadline_start(&cluster->ticks, &cluster->tick);
}

void cluster_link_up(struct redis *redis, struct link *link)
{
	slot_map_request(redis->cluster, link);
}

/* --- Redirections ----------------------------------------------------------------------------- */

/* "MOVED 3999 10.0.0.1:6381"; an empty host means the one that replied. */
static bool redirection_parse(const struct link *link, const redisReply *reply, uint16_t *ret_slot,
	struct redis_host *ret)
{
	struct text rest = { reply->str, reply->len }, slot, after;
	const char *colon;
	int64_t number, port;

	text_cut(&rest, ' ');
	slot = text_cut(&rest, ' ');
	colon = rest.at ? memrchr(rest.at, ':', rest.len) : NULL;
	if (!colon || !text_to_int(slot, 0, SLOTS - 1, &number))
		return false;
	after = (struct text){ colon + 1, rest.len - (size_t)(colon + 1 - rest.at) };
	if (!text_to_int(after, 1, 65535, &port))
		return false;
	rest.len = (size_t)(colon - rest.at);
	*ret = link->host;
	if (rest.len && rest.len < sizeof(ret->name))
		snprintf(ret->name, sizeof(ret->name), "%.*s", TEXT_ARGS(rest));
	ret->port = (int)port;
	*ret_slot = (uint16_t)number;
	return true;
}

static void asking_replied(void *owner, int error, const redisReply *reply)
{
	(void)owner;
	(void)error;
	(void)reply;
}

bool cluster_redirected(struct link *link, struct command *command, const redisReply *reply)
{
	struct redis *redis = link->redis;
	bool moved = strncmp(reply->str, "MOVED ", 6) == 0,
	     ask = strncmp(reply->str, "ASK ", 4) == 0;
	struct redis_host host;
	struct link *to;
	uint16_t slot;

	if ((!moved && !ask) || !command->wire || command->redirects++ >= REDIRECTS_MAX ||
		!redirection_parse(link, reply, &slot, &host))
		return false;
	to = cluster_link_of(redis, &host);
	if (!to)
		return false;
	if (moved) {
		redis->cluster->owner[slot] = to;
		to->serves = true;
		slot_map_request(redis->cluster, to);
	}
	if (!link_usable(to))
		return false;
	if (ask)
		link_send_internal(to, asking_replied, 1, (const char *[]){ "ASKING" });
	return link_submit(to, command, command->wire, (size_t)command->wire_len) == 0;
}

/* --- Life ------------------------------------------------------------------------------------- */

int cluster_new(struct redis *redis)
{
	const struct redis_address *address = &redis->options.address;
	struct cluster *cluster = calloc(1, sizeof(*cluster));

	if (!cluster)
		return E_NO_MEMORY;
	cluster->redis = redis;
	redis->cluster = cluster;
	for (unsigned i = 0; i < address->hosts; i++) {
		struct link *link = cluster_link_add(redis, &address->host[i]);

		if (!link && !redis->links) {
			free(cluster);
			return E_NO_MEMORY;
		}
		if (link)
			link->seed = true;
	}
	deadline_list_init(&cluster->ticks, redis->loop, REFRESH_MS, cluster_tick_due);
	deadline_start(&cluster->ticks, &cluster->tick);
	return 0;
}

void cluster_close(struct cluster *cluster)
{
	if (cluster)
		deadline_list_close(&cluster->ticks);
}

void cluster_free(struct cluster *cluster)
{
	free(cluster);
}
