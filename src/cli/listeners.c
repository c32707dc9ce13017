/* SPDX-License-Identifier: MIT
 *
 * The listeners and route tables of a serving process.
 */
#include <stdio.h>
#include <stdlib.h>

#include "reeyo/api/routes.h"
#include "reeyo/core/log.h"
#include "reeyo/core/text.h"
#include "serving.h"

static bool namespace_served(const char *list, enum name_space ns)
{
	struct text all = text_of(list);

	while (all.at)
		if (text_is(text_trim(text_cut(&all, ',')), text_of(name_space_name(ns))))
			return true;
	return false;
}

/* Selects the tables of the namespaces in `api`. Every process serves the absolute paths. */
int routes_choose(struct serving *serving)
{
	unsigned total = 0, kept = 0;

	while (reeyo_routes[total].routes)
		total++;
	serving->sets = calloc(total + 1, sizeof(*serving->sets));
	if (!serving->sets)
		return E_NO_MEMORY;
	for (unsigned i = 0; i < total; i++)
		if (reeyo_routes[i].routes->root ||
			namespace_served(serving->config->api, reeyo_routes[i].ns))
			serving->sets[kept++] = reeyo_routes[i];
	return router_new(serving->sets, &serving->router);
}

static int listeners_add(
	struct serving *serving, const char *list, enum name_space bare, bool metrics)
{
	struct text all = text_of(list);
	char one[80];

	while (all.at && all.len) {
		struct listener *listener = &serving->listeners[serving->listener_count];
		struct text address = text_trim(text_cut(&all, ','));

		if (serving->listener_count == LISTENERS_MAX)
			return E_CONFIG;
		snprintf(one, sizeof(one), "%.*s", TEXT_ARGS(address));
		if (listener_parse(one, listener))
			return E_CONFIG;
		listener->bare = bare;
		listener->metrics = metrics;
		serving->listener_count++;
	}
	return 0;
}

int listeners_read(struct serving *serving)
{
	const struct config *config = serving->config;

	if (listeners_add(serving, config->listen, NS_USER, false) ||
		listeners_add(serving, config->listen_user, NS_USER, false) ||
		listeners_add(serving, config->listen_vendor, NS_VENDOR, false) ||
		listeners_add(serving, config->listen_rider, NS_RIDER, false) ||
		listeners_add(serving, config->listen_admin, NS_ADMIN, false) ||
		listeners_add(serving, config->listen_metrics, NS_USER, true))
		return E_CONFIG;
	return 0;
}

void listeners_log(const struct serving *serving)
{
	for (unsigned i = 0; i < serving->listener_count; i++) {
		const struct listener *listener = &serving->listeners[i];

		log_line(LOG_INFO, "listening", LOG_T("address", listener->address),
			LOG_I("port", listener->port),
			LOG_T("name",
				listener->metrics ? "metrics"
					: i == 0  ? "main"
						  : name_space_name(listener->bare)));
	}
}
