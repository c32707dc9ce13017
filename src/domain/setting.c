/* SPDX-License-Identifier: MIT
 *
 * The table of settings.
 */
#include "reeyo/domain/setting.h"

#include <string.h>

const struct setting_row setting_table[SETTINGS] = {
#define SETTING_ROW(name, key, type, fallback, min, max, meaning) \
	[SETTING_##name] = { key, SETTING_IS_##type, fallback, min, max, meaning },
	REEYO_SETTINGS(SETTING_ROW)
#undef SETTING_ROW
};

static bool is_fee_mode(const json_t *value)
{
	const char *word = json_string_value(value);

	return word && (strcmp(word, "distance") == 0 || strcmp(word, "flat") == 0);
}

bool setting_type_fits(enum setting setting, const json_t *value)
{
	switch (setting_table[setting].type) {
	case SETTING_IS_BOOL:
		return json_is_boolean(value);
	case SETTING_IS_INT:
	case SETTING_IS_NUMBER:
		return json_is_number(value);
	case SETTING_IS_TEXT:
		return json_is_string(value);
	case SETTING_IS_FEE_MODE:
		return is_fee_mode(value);
	case SETTING_IS_METHODS:
		return json_is_array(value);
	}
	return false;
}

bool setting_in_range(enum setting setting, double number)
{
	return number >= setting_table[setting].min && number <= setting_table[setting].max;
}

json_t *setting_default(enum setting setting)
{
	return json_loads(setting_table[setting].fallback, JSON_DECODE_ANY, NULL);
}
