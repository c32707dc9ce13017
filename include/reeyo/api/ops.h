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

/* Every loop has had its lanes: until then /readyz answers 503, whichever loop is asked. Any
 * thread. */
void ops_set_started(void);
/* Drain: from now on /readyz answers 503. Any thread. */
void ops_set_draining(void);
bool ops_draining(void);

/* Makes the documents that never change while the process runs (openapi.json). Before the loops
 * run. */
int ops_prepare(const struct router *router) MUST_CHECK;
void ops_forget(void);

#endif
