/* SPDX-License-Identifier: MIT
 *
 * The business configuration (the tables `settings` and `zones`) of one loop: read at start and
 * polled once a second. A change applies on every instance within about a second, and immediately
 * on the instance that receives it (settings_broadcast). Readers get values of a snapshot, valid
 * until they return to the loop. A setting that the database does not have, or has with a wrong
 * type, has the default of domain/setting.h; so has every setting before the first snapshot.
 */
#ifndef REEYO_SERVICE_SETTINGS_H
#define REEYO_SERVICE_SETTINGS_H

#include <jansson.h>

#include "reeyo/core/error.h"
#include "reeyo/db/db.h"
#include "reeyo/domain/pricing.h"
#include "reeyo/domain/setting.h"
#include "reeyo/loop/app.h"

struct settings;
int settings_new(struct app *app, struct settings **ret) MUST_CHECK;
/* Stops polling. NULL is allowed. Call while the loop still runs: the timer closes in its next
 * turns. */
void settings_free(struct settings *settings);
/* Starts to poll the database; call when db is ready. read(arg) is called once, when the first
 * snapshot has been read. */
void settings_poll_start(struct settings *settings, void (*read)(void *arg), void *arg);
/* The first snapshot has been read. Before that, requests are refused with 503 (maintenance_admit).
 */
bool settings_loaded(const struct settings *settings);

/* The value of a setting of that type; of one without a value 0, false or NULL. Texts and JSON
 * belong to the snapshot. */
int64_t settings_int(const struct settings *settings, enum setting setting);
double settings_number(const struct settings *settings, enum setting setting);
bool settings_flag(const struct settings *settings, enum setting setting);
const char *settings_text(const struct settings *settings, enum setting setting);

/* The rules that orders are priced by, zones included. */
const struct price_rules *settings_rules(const struct settings *settings);
bool settings_service_on(const struct settings *settings, enum order_type type);
/* The method is configured and this server can take it: mobile money needs a gateway, cards the
 * sandbox. */
bool settings_method_on(const struct settings *settings, enum payment_method method);

/* A change on its way to all loops of this instance. Belongs to the caller and must live until
 * done is called. */
struct settings_broadcast {
	void (*done)(struct settings_broadcast *broadcast);
	void *owner; /* the caller's */
	/* private */
	struct app *app;
	struct db_call call;
};
/* Call after a write to the settings or the zones: reads them and sends them to every loop, then
 * calls done, exactly once and never before returning. When the read fails done is called too: the
 * write is done, and every loop polls it within a second. */
void settings_broadcast(struct app *app, struct settings_broadcast *broadcast);

/* Writes the defaults of settings that the database does not have. Blocking: for `reeyo migrate`.
 * 0 or an error (logged). */
int settings_seed(const char *url) MUST_CHECK;

#endif
