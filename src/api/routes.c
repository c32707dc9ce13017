/* SPDX-License-Identifier: MIT
 *
 * The route tables of all namespaces. A new table needs one line here.
 */
#include "reeyo/api/routes.h"

#include "reeyo/api/admin.h"
#include "reeyo/api/callbacks.h"
#include "reeyo/api/events.h"
#include "reeyo/api/rider.h"
#include "reeyo/api/system.h"
#include "reeyo/api/user.h"
#include "reeyo/api/vendor.h"
#include "reeyo/auth/permission.h"

const struct route_set reeyo_routes[] = {
	{ NS_USER, "Operations", system_root_routes },
	{ NS_USER, "Operations", system_metrics_routes },
	{ NS_USER, "Operations", system_health_routes },
	{ NS_VENDOR, "Operations", system_health_routes },
	{ NS_RIDER, "Operations", system_health_routes },
	{ NS_ADMIN, "Operations", system_health_routes },
	{ NS_USER, "Account", user_auth_routes },
	{ NS_USER, "Addresses", user_address_routes },
	{ NS_USER, "Configuration", user_config_routes },
	{ NS_USER, "Vendors", user_vendor_routes },
	{ NS_USER, "Orders", user_order_routes },
	{ NS_USER, "Orders", user_rating_routes },
	{ NS_USER, "Wallet", user_wallet_routes },
	{ NS_USER, "Wallet", user_funds_routes },
	{ NS_USER, "Callbacks", callback_root_routes },
	{ NS_USER, "Callbacks", callback_routes },
	{ NS_VENDOR, "Callbacks", callback_routes },
	{ NS_RIDER, "Callbacks", callback_routes },
	{ NS_ADMIN, "Callbacks", callback_routes },
	{ NS_ADMIN, "Callbacks", admin_callback_routes },
	{ NS_VENDOR, "Account", vendor_auth_routes },
	{ NS_RIDER, "Account", rider_auth_routes },
	{ NS_ADMIN, "Account", admin_auth_routes },
	{ NS_VENDOR, "Profile", vendor_profile_routes },
	{ NS_VENDOR, "Menu", vendor_menu_routes },
	{ NS_VENDOR, "Analytics", vendor_analytics_routes },
	{ NS_ADMIN, "Customers", admin_user_routes, permission_access },
	{ NS_ADMIN, "Vendors", admin_vendor_routes, permission_access },
	{ NS_ADMIN, "Riders", admin_rider_routes, permission_access },
	{ NS_ADMIN, "Riders", admin_live_routes, permission_access },
	{ NS_ADMIN, "Orders", admin_order_routes, permission_access },
	{ NS_VENDOR, "Orders", vendor_order_routes },
	{ NS_RIDER, "Orders", rider_order_routes },
	{ NS_USER, "Events", user_event_routes },
	{ NS_VENDOR, "Events", vendor_event_routes },
	{ NS_RIDER, "Events", rider_event_routes },
	{ NS_ADMIN, "Events", admin_event_routes, permission_access },
	{ NS_ADMIN, "Configuration", admin_config_routes, permission_access },
	{ NS_ADMIN, "Configuration", admin_flag_routes, permission_access },
	{ NS_ADMIN, "Zones", admin_zone_routes, permission_access },
	{ NS_RIDER, "Availability", rider_availability_routes },
	{ NS_RIDER, "Availability", rider_location_routes },
	{ NS_RIDER, "Orders", rider_available_routes },
	{ NS_ADMIN, "Analytics", admin_analytics_routes, permission_access },
	{ NS_ADMIN, "Messages", admin_message_routes, permission_access },
	{ NS_ADMIN, "Webhooks", admin_webhook_routes, permission_access },
	{ NS_VENDOR, "Money", vendor_money_routes },
	{ NS_RIDER, "Money", rider_money_routes },
	{ NS_ADMIN, "Money", admin_payout_routes, permission_access },
	{ NS_ADMIN, "Money", admin_payment_routes, permission_access },
	{ NS_ADMIN, "Money", admin_finance_routes, permission_access },
	{ NS_ADMIN, "Disputes", admin_dispute_routes, permission_access },
	{ .routes = NULL },
};
