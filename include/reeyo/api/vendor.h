/* SPDX-License-Identifier: MIT
 *
 * The route tables of the vendor namespace.
 */
#ifndef REEYO_API_VENDOR_H
#define REEYO_API_VENDOR_H

#include "reeyo/http/route.h"

extern const struct route vendor_auth_routes[];
extern const struct route vendor_profile_routes[];
extern const struct route vendor_menu_routes[];
extern const struct route vendor_analytics_routes[];
extern const struct route vendor_order_routes[];
extern const struct route vendor_money_routes[];

#endif
