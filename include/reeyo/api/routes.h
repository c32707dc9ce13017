/* SPDX-License-Identifier: MIT
 *
 * All routes of the product: the list of tables from which the router is built.
 */
#ifndef REEYO_API_ROUTES_H
#define REEYO_API_ROUTES_H

#include "reeyo/http/route.h"

/* Ends with .routes == NULL. */
extern const struct route_set reeyo_routes[];

#endif
