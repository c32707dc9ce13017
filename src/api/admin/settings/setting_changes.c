/* SPDX-License-Identifier: MIT
 *
 * Changes of settings, as a console sends them. The table of settings is in domain/setting.h; this
 * file adds the further names that consoles use, and their units.
 *
 * A rate below 1 is a fraction, from 1 on a percentage. Rates are stored in basis points and shown
 * as a fraction or a percentage, depending on the name. Each value is therefore compared with the
 * shown one before it is parsed: half a percent is shown as 0.5, which parsed would mean 50 %.
 */
#include "setting_changes.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "reeyo/core/config.h"
#include "reeyo/core/memory.h"
#include "reeyo/core/text.h"
#include "reeyo/domain/order.h"
#include "reeyo/domain/setting.h"

enum unit {
	UNIT_STORED,   /* as the table of settings has it */
	UNIT_FRACTION, /* a rate shown as 0…1 */
	UNIT_PERCENT   /* a rate shown as 0…100 */
};

/* A name of a setting in a request. */
struct setting_spec {
	const char *path; /* lower case, without _ and - */
	enum setting setting;
	enum unit unit;
	bool copied; /* the setting `copy` gets the same value */
	enum setting copy;
};

/* Names besides the stored keys. Several may stand for one setting, the general name before the
 * specific one, and the stored key after all of them: the last whose value differs wins. */
static const struct setting_spec setting_aliases[] = {
	{ "commissionrate", SETTING_FOOD_COMMISSION, UNIT_PERCENT, true, SETTING_MART_COMMISSION },
	{ "commissionratefood", SETTING_FOOD_COMMISSION, UNIT_FRACTION, false, 0 },
	{ "commissionratemart", SETTING_MART_COMMISSION, UNIT_FRACTION, false, 0 },
	{ "packageplatformfee", SETTING_PACKAGES_COMMISSION, UNIT_FRACTION, false, 0 },
	{ "servicefee", SETTING_SERVICE_FEE, UNIT_PERCENT, false, 0 },
	{ "ridercut", SETTING_RIDER_CUT, UNIT_PERCENT, false, 0 },
	{ "basedeliveryfare", SETTING_DELIVERY_FEE_BASE, UNIT_STORED, false, 0 },
	{ "minpayout", SETTING_MIN_PAYOUT_XAF, UNIT_STORED, false, 0 },
	{ "services.food.commissionrate", SETTING_FOOD_COMMISSION, UNIT_PERCENT, false, 0 },
	{ "services.mart.commissionrate", SETTING_MART_COMMISSION, UNIT_PERCENT, false, 0 },
	{ "services.packages.commissionrate", SETTING_PACKAGES_COMMISSION, UNIT_PERCENT, false, 0 },
};

/* The settings that a request may change: numbers with limits, switches, modes and methods. The
 * others are texts, and counters of the server. */
static bool setting_changeable(enum setting setting)
{
	return setting_table[setting].type != SETTING_IS_TEXT && setting != SETTING_ZONES_CHANGED;
}

/* --- Request ---------------------------------------------------------------------------------- */

#define PATH_SIZE 96
#define SENT_MAX 160
#define DEPTH_MAX 3

struct sent_value {
	char path[PATH_SIZE];  /* as in the table */
	char field[PATH_SIZE]; /* as the client wrote it */
	json_t *value;
};
struct sent_values {
	struct sent_value at[SENT_MAX];
	size_t count;
};

/* "commission_rate" → "commissionrate", after a prefix. */
static void spec_path_join(char out[PATH_SIZE], const char *prefix, const char *name)
{
	size_t len = (size_t)snprintf(out, PATH_SIZE, "%s", prefix);

	for (; *name && len < PATH_SIZE - 1; name++)
		if (*name != '_' && *name != '-')
			out[len++] = (char)tolower((unsigned char)*name);
	out[len] = '\0';
}

#define SPECS (COUNT_OF(setting_aliases) + SETTINGS)
/* Name n of all, in the order in which they apply. Returns false when the setting may not be
 * changed. stored_path holds the path of a stored key. */
static bool spec_at(size_t n, char stored_path[PATH_SIZE], struct setting_spec *ret)
{
	size_t setting = n - COUNT_OF(setting_aliases);

	if (n < COUNT_OF(setting_aliases)) {
		*ret = setting_aliases[n];
		return true;
	}
	spec_path_join(stored_path, "", setting_table[setting].key);
	*ret = (struct setting_spec){ .path = stored_path, .setting = (enum setting)setting };
	return setting_changeable(ret->setting);
}

/* {food:{…}} is accepted for {services:{food:{…}}}. */
static const char *service_prefix(const char *path)
{
	static const char *const services[][2] = { { "food", "services.food." },
		{ "mart", "services.mart." }, { "packages", "services.packages." },
		{ "package", "services.packages." }, { "services.package", "services.packages." },
		{ "settings", "" } };

	for (size_t i = 0; i < COUNT_OF(services); i++)
		if (strcmp(path, services[i][0]) == 0)
			return services[i][1];
	return NULL;
}

static void sent_values_read(struct sent_values *all, const json_t *object, const char *prefix,
	const char *names, unsigned depth)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)object, name, value)
	{
		struct sent_value *sent = &all->at[all->count];
		char inner[PATH_SIZE], field[PATH_SIZE];
		const char *known;

		if (all->count == SENT_MAX)
			return;
		spec_path_join(sent->path, prefix, name);
		snprintf(field, sizeof(field), "%.45s%.45s", names, name);
		if (!json_is_object(value)) {
			memcpy(sent->field, field, sizeof(field));
			sent->value = value;
			all->count++;
			continue;
		}
		if (depth == DEPTH_MAX)
			continue;
		known = service_prefix(sent->path);
		snprintf(inner, sizeof(inner), "%.90s.", sent->path);
		strncat(field, ".", sizeof(field) - strlen(field) - 1);
		sent_values_read(all, value, known ? known : inner, field, depth + 1);
	}
}

/* --- One value -------------------------------------------------------------------------------- */

static bool json_to_number(const json_t *value, double *ret)
{
	if (json_is_string(value))
		return text_to_double(text_of(json_string_value(value)), ret);
	*ret = json_number_value(value);
	return json_is_number(value);
}

static bool setting_is_number(enum setting setting)
{
	enum setting_type type = setting_table[setting].type;

	return type == SETTING_IS_INT || type == SETTING_IS_NUMBER;
}

/* The value that the configuration shows for a setting, in the unit of a row. */
static double setting_in_unit(enum unit unit, const json_t *setting)
{
	double number = json_number_value(setting);

	return unit == UNIT_FRACTION   ? number / 10000
		: unit == UNIT_PERCENT ? number / 100
				       : number;
}

static json_t *setting_refuse(struct setting_fault *fault, const char *english, const char *french)
{
	fault->english = english;
	fault->french = french;
	return NULL;
}

static json_t *rate_parse(double number, struct setting_fault *fault)
{
	if (!(number >= 0 && number <= 100))
		return setting_refuse(fault,
			"must be a rate: a fraction below 1, or a percentage up to 100",
			"doit être un taux : une fraction inférieure à 1, ou un pourcentage "
			"jusqu'à 100");
	return json_integer(llround(number < 1 ? number * 10000 : number * 100));
}

static json_t *setting_number_parse(
	const struct setting_spec *spec, const json_t *value, struct setting_fault *fault)
{
	double number;

	if (!json_to_number(value, &number))
		return setting_refuse(fault, "must be a number", "doit être un nombre");
	if (spec->unit != UNIT_STORED)
		return rate_parse(number, fault);
	if (!setting_in_range(spec->setting, number))
		return setting_refuse(fault, "is out of range", "est hors limites");
	if (setting_table[spec->setting].type == SETTING_IS_NUMBER)
		return json_real(number);
	if (number != floor(number))
		return setting_refuse(
			fault, "must be a whole number", "doit être un nombre entier");
	return json_integer(llround(number));
}

static json_t *switch_parse(const json_t *value, struct setting_fault *fault)
{
	const char *word = json_string_value(value);

	if (json_is_boolean(value))
		return json_boolean(json_is_true(value));
	if (word && (strcasecmp(word, "true") == 0 || strcasecmp(word, "false") == 0))
		return json_boolean(strcasecmp(word, "true") == 0);
	return setting_refuse(fault, "must be true or false", "doit être true ou false");
}

static json_t *fee_mode_parse(const json_t *value, struct setting_fault *fault)
{
	if (setting_type_fits(SETTING_DELIVERY_FEE_MODE, value))
		return json_string(json_string_value(value));
	return setting_refuse(fault, "must be distance or flat", "doit être distance ou flat");
}

static json_t *payment_methods_parse(const json_t *value, struct setting_fault *fault)
{
	json_t *methods = json_array();

	for (size_t i = 0; methods && i < json_array_size(value); i++) {
		int method = payment_method_parse(json_string_value(json_array_get(value, i)));

		if (method < 0) {
			json_decref(methods);
			return setting_refuse(fault,
				"must be a list of WALLET, CASH, MOBILE_MONEY, CARD",
				"doit être une liste de WALLET, CASH, MOBILE_MONEY, CARD");
		}
		json_array_append_new(methods, json_string(payment_method_words[method]));
	}
	if (json_array_size(methods))
		return methods;
	json_decref(methods);
	return setting_refuse(fault, "must name at least one way to pay",
		"doit nommer au moins un moyen de paiement");
}

static json_t *setting_value_parse(
	const struct setting_spec *spec, const json_t *value, struct setting_fault *fault)
{
	switch (setting_table[spec->setting].type) {
	case SETTING_IS_BOOL:
		return switch_parse(value, fault);
	case SETTING_IS_FEE_MODE:
		return fee_mode_parse(value, fault);
	case SETTING_IS_METHODS:
		return payment_methods_parse(value, fault);
	default:
		return setting_number_parse(spec, value, fault);
	}
}

/* --- Changes ---------------------------------------------------------------------------------- */

static bool value_unchanged(
	const struct setting_spec *spec, const json_t *value, const json_t *setting)
{
	double number;

	if (!setting)
		return false;
	if (!setting_is_number(spec->setting))
		return json_equal(value, setting);
	return json_to_number(value, &number) &&
		fabs(number - setting_in_unit(spec->unit, setting)) < 1e-9;
}

/* Returns false when the value is refused. */
static bool setting_change_add(const struct setting_spec *spec, const struct sent_value *sent,
	const json_t *settings, json_t *changes, struct setting_fault *fault)
{
	const char *key = setting_table[spec->setting].key;
	json_t *value;

	if (value_unchanged(spec, sent->value, json_object_get(settings, key)))
		return true;
	snprintf(fault->field, sizeof(fault->field), "%s", sent->field);
	value = setting_value_parse(spec, sent->value, fault);
	if (!value)
		return false;
	if (spec->copied)
		json_object_set(changes, setting_table[spec->copy].key, value);
	json_object_set_new(changes, key, value);
	return true;
}

static bool setting_changes_add(const struct sent_values *all, const json_t *settings,
	json_t *changes, struct setting_fault *fault)
{
	struct setting_spec spec;
	char path[PATH_SIZE];

	for (size_t n = 0; n < SPECS; n++)
		for (size_t i = 0; spec_at(n, path, &spec) && i < all->count; i++)
			if (strcmp(all->at[i].path, spec.path) == 0 &&
				!setting_change_add(&spec, &all->at[i], settings, changes, fault))
				return false;
	return true;
}

/* --- Unknown members -------------------------------------------------------------------------- */

static bool path_has_spec(const char *path, bool object)
{
	struct setting_spec spec;
	char stored_path[PATH_SIZE];
	size_t len = strlen(path);

	for (size_t n = 0; n < SPECS; n++)
		if (spec_at(n, stored_path, &spec) && strncmp(spec.path, path, len) == 0 &&
			(spec.path[len] == '\0' || (object && spec.path[len] == '.')))
			return true;
	return false;
}

/* A key of the configuration file, which is read once, at start. */
static bool config_file_has(const char *name)
{
#define KEY(kind, member, key, ...) key,
	static const char *const keys[] = { REEYO_CONFIG(KEY) };
#undef KEY

	for (size_t i = 0; i < COUNT_OF(keys); i++)
		if (strcmp(keys[i], name) == 0)
			return true;
	return false;
}

/* Written by the server only; a client that sends it back does not mean to change it. */
static bool setting_internal(const char *name)
{
	return strcmp(name, "version") == 0 || strcmp(name, "zones") == 0;
}

/* Returns false when a client would wrongly believe that it changed a value: a member of "settings"
 * that has no row and differs from the current value, or, anywhere, a key of the configuration
 * file. Other members are ignored. */
static bool unknown_members_absent(
	const json_t *request, const json_t *settings, bool within, struct setting_fault *fault)
{
	const char *name;
	json_t *value;
	char path[PATH_SIZE];

	json_object_foreach((json_t *)request, name, value)
	{
		const json_t *now = json_object_get(settings, name);
		bool file = config_file_has(name);

		spec_path_join(path, "", name);
		if (path_has_spec(path, json_is_object(value)) ||
			(!file && !(within && now && !setting_internal(name))) ||
			json_equal(value, now))
			continue;
		snprintf(fault->field, sizeof(fault->field), "%s%.80s", within ? "settings." : "",
			name);
		setting_refuse(fault,
			file ? "stands in the configuration file and cannot be changed here"
			     : "cannot be changed here",
			file ? "se trouve dans le fichier de configuration et ne peut pas être "
			       "modifié ici"
			     : "ne peut pas être modifié ici");
		return false;
	}
	return within ||
		unknown_members_absent(json_object_get(request, "settings"), settings, true, fault);
}

json_t *settings_changes(const json_t *request, const json_t *settings, struct setting_fault *fault)
{
	json_auto_t *changes = json_object();
	struct sent_values *all auto_free = calloc(1, sizeof(*all));

	*fault = (struct setting_fault){ .field = "" };
	if (!all || !changes)
		return NULL;
	sent_values_read(all, request, "", "", 0);
	if (!unknown_members_absent(request, settings, false, fault) ||
		!setting_changes_add(all, settings, changes, fault))
		return NULL;
	return json_incref(changes);
}
