/* SPDX-License-Identifier: MIT
 *
 * Forgets vendors in the catalogue of a loop when an event reports a change of them, maybe by
 * another instance.
 */
#ifndef REEYO_JOBS_CATALOGUE_EVENTS_H
#define REEYO_JOBS_CATALOGUE_EVENTS_H

#include "reeyo/core/error.h"
#include "reeyo/loop/app.h"

struct catalogue_events;
int catalogue_events_new(struct app *app, struct catalogue_events **ret) MUST_CHECK;
/* Call once, when the hub exists. */
void catalogue_events_listen(struct catalogue_events *events);
/* After the hub has ended. NULL is allowed. */
void catalogue_events_free(struct catalogue_events *events);

#endif
