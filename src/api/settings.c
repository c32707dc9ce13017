/* SPDX-License-Identifier: MIT
 *
 * The settings and requests: see the header.
 */
#include "reeyo/api/settings.h"

#include "reeyo/auth/admit.h"
#include "reeyo/service/cache_keys.h"

/* In the arena: a held request lives until it is released. */
struct settings_change {
	struct settings_broadcast broadcast;
	void (*next)(struct request *rq);
};

static void settings_applied(struct settings_broadcast *broadcast)
{
	struct settings_change *change = CONTAINER_OF(broadcast, struct settings_change, broadcast);
	struct request *rq = broadcast->owner;

	if (request_release(rq))
		change->next(rq);
}

void settings_apply(struct request *rq, void (*next)(struct request *rq))
{
	struct settings_change *change = ARENA_NEW(rq->arena, struct settings_change);

	if (!change)
		return next(rq); /* every loop polls the change within a second */
	change->next = next;
	change->broadcast = (struct settings_broadcast){ .done = settings_applied, .owner = rq };
	request_hold(rq);
	settings_broadcast(rq->app, &change->broadcast);
}

void maintenance_admit(struct request *rq)
{
	const struct settings *settings = rq->app->settings;

	if (rq->route->during_maintenance || rq->ns == NS_ADMIN)
		return admit_account(rq, KEY_USER);
	if (!settings_loaded(settings))
		return reply_error(rq, E_STORE_DOWN);
	if (settings_flag(settings, SETTING_MAINTENANCE)) {
		reply_retry_after(rq, 60);
		return reply_error(rq, E_MAINTENANCE);
	}
	admit_account(rq, KEY_USER);
}
