/* SPDX-License-Identifier: MIT
 *
 * Checks of the route tables at boot.
 */
#ifndef REEYO_SRC_HTTP_ROUTE_CHECK_H
#define REEYO_SRC_HTTP_ROUTE_CHECK_H

#include "reeyo/http/route.h"

/* Checks every row of the sets by itself and against the others. Each mistake is logged. 0, or
 * E_CONFIG if there was one. */
int route_sets_check(const struct route_set *sets) MUST_CHECK;

#endif
