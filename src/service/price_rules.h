/* SPDX-License-Identifier: MIT
 *
 * The rules that orders are priced by, made from a snapshot of the settings.
 */
#ifndef REEYO_SERVICE_PRICE_RULES_H
#define REEYO_SERVICE_PRICE_RULES_H

#include <jansson.h>

#include "reeyo/core/config.h"
#include "reeyo/domain/pricing.h"
#include "reeyo/service/settings.h"

/* All rules but the zones, which stay. */
void price_rules_read(
	struct price_rules *rules, const struct settings *settings, const struct config *config);
/* Replaces the zones by those of a JSON array [{"polygon":[[lat,lng],…],"fee"}]. When memory runs
 * out, the later ones are missing. */
void price_zones_read(struct price_rules *rules, const json_t *rows);
void price_zones_free(struct price_rules *rules);

#endif
