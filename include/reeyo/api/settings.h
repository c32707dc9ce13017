/* SPDX-License-Identifier: MIT
 *
 * The settings and requests: the maintenance gate, and a change that applies before its reply.
 */
#ifndef REEYO_API_SETTINGS_H
#define REEYO_API_SETTINGS_H

#include "reeyo/http/request.h"
#include "reeyo/service/settings.h"

/* Call after a write to the settings or the zones: calls next when every loop of this instance uses
 * the change. */
void settings_apply(struct request *rq, void (*next)(struct request *rq));

/* Step of the server: during maintenance replies 503 on rows without .during_maintenance (admins
 * are let through); otherwise runs the next step. */
void maintenance_admit(struct request *rq);

#endif
