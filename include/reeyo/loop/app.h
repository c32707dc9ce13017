/* SPDX-License-Identifier: MIT
 *
 * The objects that one loop owns and every handler may use. It is passed explicitly; each loop has
 * its own. Each type belongs to the layer named beside it.
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
struct keyring;     /* auth: signing keys, shared by all loops and read-only */
struct token_cache; /* auth: cache of verified tokens */
struct hasher;      /* auth: password hashing on the work pool */
struct revocations; /* auth: revoked sessions and accounts */
struct rider_cache; /* auth: cache of riders' states */
struct settings;    /* service: the business settings, as read from the database */
struct catalogue;   /* service: parsed menus of this loop */
struct client;      /* partners: HTTP client */
struct gateway;     /* partners: mobile money */
struct notifier;    /* partners: SMS, e-mail, push */
struct payments;    /* jobs: payments that this loop settles with the gateway */
struct metrics;     /* telemetry: counters of all loops */
struct hub;         /* jobs: subscriptions and live events of this loop's streams */
struct positions;   /* jobs: positions and states of this loop's riders */

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
	struct token_cache *tokens;
	struct hasher *hasher;
	struct revocations *revocations;
	struct rider_cache *riders;
	struct settings *settings;
	struct catalogue *catalogue;
	struct client *client;
	struct gateway *gateway;
	struct notifier *notifier;
	struct payments *payments;
	struct metrics *metrics;
	struct hub *hub;
	struct positions *positions;
	struct app **all; /* the apps of all loops, NULL-terminated; for loop_post only */
};

#endif
