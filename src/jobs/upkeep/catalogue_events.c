/* SPDX-License-Identifier: MIT
 *
 * Vendor changes from events: see the header.
 */
#include "reeyo/jobs/catalogue_events.h"

#include <stdlib.h>
#include <string.h>

#include "reeyo/core/id.h"
#include "reeyo/core/memory.h"
#include "reeyo/live/hub.h"
#include "reeyo/service/catalogue.h"

struct catalogue_events {
	struct app *app;
	struct hub_listener listener;
};

static void vendor_changed_received(struct hub_listener *listener, const struct event *event)
{
	struct catalogue_events *events = CONTAINER_OF(listener, struct catalogue_events, listener);
	char id[ID_SIZE];

	if (!text_is(event->type, TEXT("vendor_changed")) || event->aggregate.len >= sizeof(id))
		return;
	memcpy(id, event->aggregate.at, event->aggregate.len);
	id[event->aggregate.len] = '\0';
	catalogue_forget(events->app, id);
}

int catalogue_events_new(struct app *app, struct catalogue_events **ret)
{
	struct catalogue_events *events = calloc(1, sizeof(*events));

	if (!events)
		return E_NO_MEMORY;
	events->app = app;
	events->listener.on_event = vendor_changed_received;
	*ret = events;
	return 0;
}

void catalogue_events_listen(struct catalogue_events *events)
{
	if (events->app->hub)
		hub_add_listener(events->app->hub, &events->listener);
}

void catalogue_events_free(struct catalogue_events *events)
{
	free(events);
}
