/* SPDX-License-Identifier: MIT
 *
 * The settings that an admin may change: every key of the configuration, in each spelling and unit
 * that a console uses for it, and the setting that it stands for.
 */
#ifndef REEYO_SRC_API_ADMIN_SETTINGS_SETTING_CHANGES_H
#define REEYO_SRC_API_ADMIN_SETTINGS_SETTING_CHANGES_H

#include <jansson.h>

struct setting_fault {
	char field[96];
	const char *english, *french;
};

/* Compares the request with the current settings. Returns the settings to write,
 * {"key": value, …}, which the caller releases; empty when nothing differs. Returns NULL when a
 * value is refused, described by *fault, or when memory is out (fault->field is empty).
 *
 * Keys are accepted in any casing ("commission_rate_food", "commissionRateFood"), services also as
 * top-level objects ({food:{…}}). A value equal to what the configuration shows is ignored, in
 * whatever unit, so that sending a whole configuration back changes nothing. */
json_t *settings_changes(
	const json_t *request, const json_t *settings, struct setting_fault *fault);

#endif
