/* SPDX-License-Identifier: MIT
 *
 * The route tables of the user namespace.
 */
#ifndef REEYO_API_USER_H
#define REEYO_API_USER_H

#include "reeyo/http/route.h"

extern const struct route user_auth_routes[];
extern const struct route user_address_routes[];
extern const struct route user_config_routes[];
extern const struct route user_vendor_routes[];
extern const struct route user_order_routes[];
extern const struct route user_rating_routes[];
extern const struct route user_wallet_routes[];
extern const struct route user_funds_routes[];

#endif
