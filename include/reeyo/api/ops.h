/* SPDX-License-Identifier: MIT
 *
 * Operations: health, readiness, the index, the API document.
 */
#ifndef REEYO_API_OPS_H
#define REEYO_API_OPS_H

#include <stdbool.h>

#include "reeyo/http/route.h"

extern const struct route ops_root_routes[];  /* absolute paths */
extern const struct route ops_metrics_routes[]; /* /metrics, on its own listener */
extern const struct route ops_health_routes[]; /* /health of each namespace */

/* The database lanes of all loops are connected. Until then /readyz replies 503. Any thread. */
void ops_set_started(void);
/* The server drains: from now on /readyz replies 503. Any thread. */
void ops_set_draining(void);
bool ops_draining(void);

/* Makes the documents that do not change while the process runs (openapi.json). Call before the
 * loops start. 0 or E_NO_MEMORY. */
int ops_prepare(const struct router *router) MUST_CHECK;
void ops_forget(void);

#endif
