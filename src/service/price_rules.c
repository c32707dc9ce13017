/* SPDX-License-Identifier: MIT
 *
 * Price rules: see the header.
 */
#include "price_rules.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reeyo/core/memory.h"

/* Settings of one meaning, by service. Packages have a fee of their own and no minimum. */
static const enum setting commissions[ORDER_TYPES] = { [FOOD] = SETTING_FOOD_COMMISSION,
	[MART] = SETTING_MART_COMMISSION,
	[PACKAGE] = SETTING_PACKAGES_COMMISSION };

/* Kilometres or kilograms, which may have a fraction, in thousandths. */
static int64_t setting_thousandths(const struct settings *settings, enum setting setting)
{
	return llround(settings_number(settings, setting) * 1000);
}

void price_rules_read(
	struct price_rules *rules, const struct settings *settings, const struct config *config)
{
	const char *mode = settings_text(settings, SETTING_DELIVERY_FEE_MODE);
	struct price_rules read = {
		.fee_base = settings_int(settings, SETTING_DELIVERY_FEE_BASE),
		.fee_per_km = settings_int(settings, SETTING_DELIVERY_FEE_PER_KM),
		.free_delivery_from = settings_int(settings, SETTING_FREE_DELIVERY_FROM),
		.flat = mode && strcmp(mode, "flat") == 0,
		.flat_fee = { [FOOD] = settings_int(settings, SETTING_FOOD_DELIVERY_FEE),
			[MART] = settings_int(settings, SETTING_MART_DELIVERY_FEE) },
		.service_fee_bps = settings_int(settings, SETTING_SERVICE_FEE),
		.rider_cut_bps = settings_int(settings, SETTING_RIDER_CUT),
		.min_order = settings_int(settings, SETTING_MIN_ORDER),
		.min_service = { [FOOD] = settings_int(settings, SETTING_FOOD_MIN_ORDER),
			[MART] = settings_int(settings, SETTING_MART_MIN_ORDER) },
		.max_order = settings_int(settings, SETTING_MAX_ORDER),
		.max_distance_m = setting_thousandths(settings, SETTING_DELIVERY_MAX_DISTANCE),
		.package_base = settings_int(settings, SETTING_PACKAGES_BASE_FEE),
		.package_per_km = settings_int(settings, SETTING_PACKAGES_FEE_PER_KM),
		.package_fragile = settings_int(settings, SETTING_PACKAGES_FRAGILE_FEE),
		.package_per_kg = settings_int(settings, SETTING_PACKAGES_FEE_PER_KG),
		.package_free_grams = setting_thousandths(settings, SETTING_PACKAGES_FREE_WEIGHT),
		.package_max_grams = setting_thousandths(settings, SETTING_PACKAGES_MAX_WEIGHT),
		.hours_enforced = settings_flag(settings, SETTING_HOURS_ENFORCED),
		.waived_fee_paid = config->platform_funds_free_delivery &&
			settings_flag(settings, SETTING_FUNDS_FREE_DELIVERY),
		.zones = rules->zones,
		.zone_count = rules->zone_count,
	};

	for (enum order_type type = FOOD; type < ORDER_TYPES; type++)
		read.commission_bps[type] = settings_int(settings, commissions[type]);
	*rules = read;
}

void price_zones_free(struct price_rules *rules)
{
	for (size_t i = 0; i < rules->zone_count; i++)
		free(rules->zones[i].corners);
	free((struct zone *)TAKE_PTR(rules->zones));
	rules->zone_count = 0;
}

static bool price_zone_read(struct zone *zone, const json_t *row)
{
	const json_t *polygon = json_object_get(row, "polygon");

	zone->fee = json_integer_value(json_object_get(row, "fee"));
	zone->corners = calloc(json_array_size(polygon) + 1, sizeof(*zone->corners));
	if (!zone->corners)
		return false;
	for (size_t i = 0; i < json_array_size(polygon); i++) {
		const json_t *corner = json_array_get(polygon, i);

		zone->corners[zone->count].lat = json_number_value(json_array_get(corner, 0));
		zone->corners[zone->count++].lng = json_number_value(json_array_get(corner, 1));
	}
	return true;
}

void price_zones_read(struct price_rules *rules, const json_t *rows)
{
	struct zone *zones = calloc(json_array_size(rows) + 1, sizeof(*zones));

	price_zones_free(rules);
	rules->zones = zones;
	for (size_t i = 0; zones && i < json_array_size(rows); i++) {
		if (!price_zone_read(&zones[i], json_array_get(rows, i)))
			return;
		rules->zone_count++;
	}
}
