/* SPDX-License-Identifier: MIT
 *
 * Every route of the product: the list of tables that main builds the router from.
 */
#ifndef REEYO_API_ROUTES_H
#define REEYO_API_ROUTES_H

#include "reeyo/http/route.h"

/* Ends with .routes == NULL. */
extern const struct route_set reeyo_routes[];

#endif
