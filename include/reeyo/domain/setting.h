/* SPDX-License-Identifier: MIT
 *
 * The business settings: one row for each, with its key, type, default, limits and meaning. This
 * table is the only home of the defaults: `reeyo migrate` writes the rows that a database does not
 * have yet, the readers (service/settings.h) use it for a row that is missing or malformed, and the
 * console checks new values against it. Tests read the rows from this file: one setting a row.
 */
#ifndef REEYO_DOMAIN_SETTING_H
#define REEYO_DOMAIN_SETTING_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* clang-format off */
/* X(name, key, type, default as JSON ("": no value until somebody sets one), min, max, meaning).
 * min and max: of numbers, inclusive. Amounts are XAF, rates basis points. */
#define REEYO_SETTINGS(X) \
	X(FOOD_ENABLED, "services.food.enabled", BOOL, "true", 0, 0, \
		"FOOD orders are accepted") \
	X(FOOD_MIN_ORDER, "services.food.minOrderAmount", INT, "2000", 0, 1e9, \
		"Minimum subtotal of a FOOD order") \
	X(FOOD_DELIVERY_FEE, "services.food.deliveryFee", INT, "1500", 0, 1e6, \
		"Delivery fee of FOOD in the mode flat") \
	X(FOOD_COMMISSION, "services.food.commissionBps", INT, "1500", 0, 10000, \
		"Commission on FOOD subtotals") \
	X(MART_ENABLED, "services.mart.enabled", BOOL, "false", 0, 0, \
		"MART orders are accepted") \
	X(MART_MIN_ORDER, "services.mart.minOrderAmount", INT, "5000", 0, 1e9, \
		"Minimum subtotal of a MART order") \
	X(MART_DELIVERY_FEE, "services.mart.deliveryFee", INT, "2000", 0, 1e6, \
		"Delivery fee of MART in the mode flat") \
	X(MART_COMMISSION, "services.mart.commissionBps", INT, "1000", 0, 10000, \
		"Commission on MART subtotals") \
	X(PACKAGES_ENABLED, "services.packages.enabled", BOOL, "false", 0, 0, \
		"PACKAGE orders are accepted") \
	X(PACKAGES_BASE_FEE, "services.packages.baseFee", INT, "2000", 0, 1e6, \
		"Fee of a package before distance and weight") \
	X(PACKAGES_FEE_PER_KM, "services.packages.feePerKm", INT, "500", 0, 1e6, \
		"Fee of a package for each km") \
	X(PACKAGES_FRAGILE_FEE, "services.packages.fragileFee", INT, "1000", 0, 1e6, \
		"Additional fee of a fragile package") \
	X(PACKAGES_FREE_WEIGHT, "services.packages.freeWeightKg", NUMBER, "10", 0, 1000, \
		"Weight of a package without a weight fee, kg") \
	X(PACKAGES_FEE_PER_KG, "services.packages.feePerExtraKg", INT, "200", 0, 1e6, \
		"Fee for each kg above that weight") \
	X(PACKAGES_MAX_WEIGHT, "services.packages.maxWeight", NUMBER, "50", 0.1, 1000, \
		"Maximum weight of a package, kg") \
	X(PACKAGES_COMMISSION, "services.packages.commissionBps", INT, "2000", 0, 10000, \
		"Commission on package fees") \
	X(PAYMENT_METHODS, "paymentMethods", METHODS, \
		"[\"WALLET\", \"MOBILE_MONEY\", \"CASH\", \"CARD\"]", 0, 0, \
		"Payment methods that customers can choose") \
	X(DELIVERY_FEE_MODE, "delivery_fee_mode", FEE_MODE, "\"distance\"", 0, 0, \
		"How delivery fees are made: distance or flat") \
	X(DELIVERY_FEE_BASE, "delivery_fee_base", INT, "1000", 0, 1e6, \
		"Delivery fee before distance") \
	X(DELIVERY_FEE_PER_KM, "delivery_fee_per_km", INT, "200", 0, 1e6, \
		"Delivery fee for each km") \
	X(FREE_DELIVERY_FROM, "free_delivery_threshold", INT, "10000", 0, 1e9, \
		"Subtotal from which delivery is free") \
	X(FUNDS_FREE_DELIVERY, "platform_funds_free_delivery", BOOL, "true", 0, 0, \
		"The platform pays the rider the fee that free delivery waives") \
	X(DELIVERY_MAX_DISTANCE, "delivery_max_distance_km", NUMBER, "50", 0.1, 1000, \
		"Maximum distance of a delivery, km") \
	X(SERVICE_FEE, "service_fee_bps", INT, "0", 0, 10000, \
		"Service fee on subtotals") \
	X(RIDER_CUT, "rider_cut_bps", INT, "0", 0, 10000, \
		"Part of the delivery fee that the platform keeps") \
	X(MIN_ORDER, "min_order_amount", INT, "500", 0, 1e9, \
		"Minimum subtotal of every order") \
	X(MAX_ORDER, "max_order_amount", INT, "500000", 1, 1e9, \
		"Maximum subtotal of every order") \
	X(MAX_TOPUP, "max_topup_amount", INT, "500000", 1, 1e9, \
		"Maximum amount of one wallet top-up") \
	X(MIN_PAYOUT_XAF, "min_payout.XAF", INT, "5000", 0, 1e9, \
		"Minimum amount of a pay-out") \
	X(MIN_PAYOUT_NGN, "min_payout.NGN", INT, "", 0, 1e9, "The same in NGN; not used yet") \
	X(MIN_PAYOUT_KES, "min_payout.KES", INT, "", 0, 1e9, "The same in KES; not used yet") \
	X(MIN_PAYOUT_GHS, "min_payout.GHS", INT, "", 0, 1e9, "The same in GHS; not used yet") \
	X(PAYOUT_FEE_RIDER, "payout_fee.rider", INT, "200", 0, 1e6, \
		"Fee of a rider's pay-out") \
	X(PAYOUT_FEE_VENDOR, "payout_fee.vendor", INT, "0", 0, 1e6, \
		"Fee of a vendor's pay-out") \
	X(RIDER_SEARCH_RADIUS, "rider_search_radius_m", INT, "5000", 100, 100000, \
		"How far dispatch looks for riders, m") \
	X(RIDER_LIST_RADIUS, "rider_list_radius_km", NUMBER, "10", 0.1, 1000, \
		"How far a rider's list of available orders reaches, km") \
	X(DELIVERY_CODE, "delivery.verification_code", BOOL, "false", 0, 0, \
		"A rider needs the customer's code to complete a delivery") \
	X(HOURS_ENFORCED, "enforce_business_hours", BOOL, "false", 0, 0, \
		"Orders outside a vendor's business hours are refused") \
	X(MENU_APPROVAL, "menu.approval_required", BOOL, "false", 0, 0, \
		"New items and new prices wait for the approval of an admin") \
	X(ACCEPT_MINUTES, "order_accept_minutes", INT, "30", 1, 1440, \
		"Minutes until an order that no vendor accepts is cancelled") \
	X(MAINTENANCE, "maintenanceMode", BOOL, "false", 0, 0, \
		"Requests are refused, except those of admins") \
	X(TIME_ZONE, "time_zone", TEXT, "\"Africa/Douala\"", 0, 0, \
		"Time zone of business hours, days and reports") \
	X(APP_VERSION, "version", TEXT, "\"1.0.0\"", 0, 0, \
		"Version that /config shows to the apps") \
	X(ZONES_CHANGED, "zones", INT, "0", 0, 0, \
		"Written with every change of a zone, so that instances read the zones again")
/* clang-format on */

enum setting {
#define SETTING_NAME(name, ...) SETTING_##name,
	REEYO_SETTINGS(SETTING_NAME)
#undef SETTING_NAME
		SETTINGS
};

enum setting_type {
	SETTING_IS_BOOL,
	SETTING_IS_INT,
	SETTING_IS_NUMBER,
	SETTING_IS_TEXT,
	SETTING_IS_FEE_MODE, /* "distance" or "flat" */
	SETTING_IS_METHODS   /* a list of words of enum payment_method */
};

struct setting_row {
	const char *key;
	enum setting_type type;
	const char *fallback; /* the default, JSON; "": none */
	double min, max;
	const char *meaning;
};
extern const struct setting_row setting_table[SETTINGS];

/* Whether a value has the type of a setting. Any thread, as all functions here. */
bool setting_type_fits(enum setting setting, const json_t *value);
/* Whether a number is within the limits of a setting. */
bool setting_in_range(enum setting setting, double number);
/* The default as a new JSON value; NULL: there is none, or out of memory. */
json_t *setting_default(enum setting setting);

#endif
