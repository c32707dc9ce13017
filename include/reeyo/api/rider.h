/* SPDX-License-Identifier: MIT
 *
 * The route tables of the rider namespace.
 */
#ifndef REEYO_API_RIDER_H
#define REEYO_API_RIDER_H

#include "reeyo/http/route.h"

extern const struct route rider_order_routes[];
extern const struct route rider_auth_routes[];
extern const struct route rider_availability_routes[];
extern const struct route rider_location_routes[];
extern const struct route rider_available_routes[];
extern const struct route rider_money_routes[];

#endif
