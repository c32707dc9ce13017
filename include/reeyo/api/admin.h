/* SPDX-License-Identifier: MIT
 *
 * The route tables of the admin namespace.
 */
#ifndef REEYO_API_ADMIN_H
#define REEYO_API_ADMIN_H

#include "reeyo/http/route.h"

extern const struct route admin_auth_routes[];
extern const struct route admin_user_routes[];
extern const struct route admin_vendor_routes[];
extern const struct route admin_rider_routes[];
extern const struct route admin_live_routes[];
extern const struct route admin_order_routes[];
extern const struct route admin_config_routes[];
extern const struct route admin_flag_routes[];
extern const struct route admin_zone_routes[];
extern const struct route admin_analytics_routes[];
extern const struct route admin_message_routes[];
extern const struct route admin_webhook_routes[];
extern const struct route admin_payout_routes[];
extern const struct route admin_payment_routes[];
extern const struct route admin_finance_routes[];
extern const struct route admin_dispute_routes[];

#endif
