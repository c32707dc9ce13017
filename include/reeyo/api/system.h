/* SPDX-License-Identifier: MIT
 *
 * Operations: health, readiness, the index, the API document.
 */
#ifndef REEYO_API_SYSTEM_H
#define REEYO_API_SYSTEM_H

#include <stdbool.h>

#include "reeyo/http/route.h"

extern const struct route system_root_routes[];    /* absolute paths */
extern const struct route system_metrics_routes[]; /* /metrics, on its own listener */
extern const struct route system_health_routes[];  /* /health of each namespace */

/* The database lanes of all loops are connected. Until then /readyz replies 503. Any thread. */
void system_set_started(void);
/* The server drains: from now on /readyz replies 503. Any thread. */
void system_set_draining(void);
bool system_is_draining(void);

/* Makes the documents that do not change while the process runs (openapi.json). Call before the
 * loops start. 0 or E_NO_MEMORY. */
int system_documents_prepare(const struct router *router) MUST_CHECK;
void system_documents_free(void);

#endif
