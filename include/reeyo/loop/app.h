/* SPDX-License-Identifier: MIT
 *
 * What one loop owns and every handler may use. There is one per loop; it is passed explicitly and
 * never shared. The types behind the pointers belong to their layers.
 */
#ifndef REEYO_LOOP_APP_H
#define REEYO_LOOP_APP_H

#include <stdbool.h>

struct address_limits;
struct arena_pool;
struct cache;
struct config;
struct db;
struct loop;
struct router;
struct server;
struct keyring;    /* auth: signing keys, shared and read-only */
struct token_memory; /* auth: verified tokens of this loop */
struct hasher;     /* auth: password hashes on the work pool */
struct revocations; /* auth: sessions and accounts whose tokens are revoked */
struct rider_memory; /* auth: cached permissions of riders */
struct settings;   /* api: the business settings, as read from the database */
struct catalogs;   /* api: parsed menus of this loop */
struct client;     /* partners: HTTP out */
struct gateway;    /* partners: mobile money */
struct post;       /* partners: SMS, e-mail, push */
struct payments;   /* jobs: payments that this loop handles with the gateway */
struct metrics;    /* telemetry: counters of all loops */
struct hub;        /* jobs: live events of this loop's streams */
struct positions;  /* jobs: positions of the riders that report to this loop */

struct app {
	const struct config *config;
	struct loop *loop;
	struct db *db;
	struct cache *cache;
	struct server *server;
	const struct router *router;
	struct arena_pool *pool;
	struct address_limits *addresses;
	struct keyring *keys;
	struct token_memory *tokens;
	struct hasher *hasher;
	struct revocations *revocations;
	struct rider_memory *riders;
	struct settings *settings;
	struct catalogs *catalogs;
	struct client *client;
	struct gateway *gateway;
	struct post *post;
	struct payments *payments;
	struct metrics *metrics;
	struct hub *hub;
	struct positions *positions;
	struct app **all;          /* the app of every loop, NULL-terminated: for loop_post only */
};

#endif
