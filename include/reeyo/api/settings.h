/* SPDX-License-Identifier: MIT
 *
 * The business configuration (the tables `settings` and `zones`) of one loop: read at start and
 * polled once a second. A change applies on every instance within about a second, and immediately
 * on the instance that receives it. Readers get values of a snapshot, valid until they return to
 * the loop.
 */
#ifndef REEYO_API_SETTINGS_H
#define REEYO_API_SETTINGS_H

#include <jansson.h>

#include "reeyo/domain/pricing.h"
#include "reeyo/http/request.h"

struct settings;
int settings_new(struct app *app, struct settings **ret) MUST_CHECK;
/* Stops polling. NULL is allowed. Call while the loop still runs: the timer closes in its next
 * turns. */
void settings_free(struct settings *settings);
/* Starts to poll the database; call when db is ready. read(arg) is called once, when the first
 * snapshot has been read. */
void settings_poll_start(struct settings *settings, void (*read)(void *arg), void *arg);
/* The first snapshot has been read. Before that, requests are refused (maintenance_admit). */
bool settings_loaded(const struct settings *settings);

/* Call after a write to the settings or the zones: calls next when every loop of this process uses
 * the change, with rq->state as it is now. */
void settings_apply(struct request *rq, void (*next)(struct request *rq));

const struct price_rules *settings_rules(const struct settings *settings);
bool settings_service_on(const struct settings *settings, enum order_type type);
/* The method is configured and this server can take it: mobile money needs a gateway, cards the
 * sandbox. */
bool settings_method_on(const struct settings *settings, enum payment_method method);
bool settings_maintenance(const struct settings *settings);
/* The value of a key; NULL: there is no such key. */
const json_t *settings_value(const struct settings *settings, const char *key);
int64_t settings_int(const struct settings *settings, const char *key, int64_t fallback);
bool settings_flag(const struct settings *settings, const char *key, bool fallback);

/* Step of the server: during maintenance replies 503 on rows without .during_maintenance (admins
 * are let through); otherwise runs the next step. */
void maintenance_admit(struct request *rq);

#endif
