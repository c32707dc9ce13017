/* SPDX-License-Identifier: MIT
 *
 * The business configuration (table `settings`, and the zones), as one loop knows it: read at
 * start, asked after once a second, so that a change is effective on every copy within about a
 * second, and on the copy that makes it at once. What handlers get is a snapshot: valid until they
 * return to the loop.
 */
#ifndef REEYO_API_SETTINGS_H
#define REEYO_API_SETTINGS_H

#include <jansson.h>

#include "reeyo/domain/pricing.h"
#include "reeyo/http/request.h"

struct settings;
int settings_new(struct app *app, struct settings **ret) MUST_CHECK;
/* Stops following. NULL is allowed. While the loop still runs: its timer closes in the next turns.
 */
void settings_free(struct settings *settings);
/* Starts following the database; call when db is ready. read(arg) is called once the first snapshot
 * is there. */
void settings_follow(struct settings *settings, void (*read)(void *arg), void *arg);
/* The first snapshot is there. Before that, requests are refused (settings_admit). */
bool settings_known(const struct settings *settings);

/* After a write to the settings or the zones: every loop of this process reckons with it when the
 * client hears of it. next is called then, with rq->state as it is now. */
void settings_spread(struct request *rq, void (*next)(struct request *rq));

const struct price_rules *settings_rules(const struct settings *settings);
bool settings_service_on(const struct settings *settings, enum order_type type);
/* Configured, and one that this server can take: mobile money with a gateway, cards in the
 * sandbox. */
bool settings_method_on(const struct settings *settings, enum payment_method method);
bool settings_maintenance(const struct settings *settings);
/* The value of a key, NULL when there is none. */
const json_t *settings_value(const struct settings *settings, const char *key);
int64_t settings_int(const struct settings *settings, const char *key, int64_t fallback);
bool settings_flag(const struct settings *settings, const char *key, bool fallback);

/* Step of the server: maintenance answers 503 on rows without .always (admins go on); then the next
 * step. */
void settings_admit(struct request *rq);

#endif
