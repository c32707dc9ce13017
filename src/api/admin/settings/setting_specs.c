/* SPDX-License-Identifier: MIT
 *
 * A table of settings, and one pass over it. A rate below 1 is a fraction, from 1 on a percentage.
 * Rates are stored in basis points and shown as a fraction or a percentage, depending on the key.
 * Each value is therefore compared with the shown one before it is parsed: half a percent is shown
 * as 0.5, which parsed would mean 50 %.
 */
#include "setting_specs.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "reeyo/core/config.h"
#include "reeyo/core/memory.h"
#include "reeyo/core/text.h"
#include "reeyo/domain/order.h"

enum unit {
	MONEY, /* whole XAF */
	WHOLE,
	DECIMAL,
	FRACTION, /* a rate shown as 0…1 */
	PERCENT,  /* a rate shown as 0…100 */
	BPS,      /* a rate as it is stored */
	SWITCH,
	MODE,   /* how the delivery fee is computed */
	METHODS /* payment methods */
};

/* Several rows may stand for one setting, the general name before the specific one: the last row
 * whose value differs wins. */
static const struct setting_spec {
	const char *path; /* lower case, without _ and - */
	enum unit unit;
	const char *key;      /* the setting … */
	const char *also_key; /* … and another that gets the same value */
	double min, max;
} setting_specs[] = {
	{ "commissionrate", PERCENT, "services.food.commissionBps", "services.mart.commissionBps",
		0, 0 },
	{ "commissionratefood", FRACTION, "services.food.commissionBps", NULL, 0, 0 },
	{ "commissionratemart", FRACTION, "services.mart.commissionBps", NULL, 0, 0 },
	{ "packageplatformfee", FRACTION, "services.packages.commissionBps", NULL, 0, 0 },
	{ "servicefee", PERCENT, "service_fee_bps", NULL, 0, 0 },
	{ "servicefeebps", BPS, "service_fee_bps", NULL, 0, 10000 },
	{ "ridercut", PERCENT, "rider_cut_bps", NULL, 0, 0 },
	{ "ridercutbps", BPS, "rider_cut_bps", NULL, 0, 10000 },
	{ "basedeliveryfare", MONEY, "delivery_fee_base", NULL, 0, 1e6 },
	{ "deliveryfeebase", MONEY, "delivery_fee_base", NULL, 0, 1e6 },
	{ "deliveryfeeperkm", MONEY, "delivery_fee_per_km", NULL, 0, 1e6 },
	{ "deliveryfeemode", MODE, "delivery_fee_mode", NULL, 0, 0 },
	{ "freedeliverythreshold", MONEY, "free_delivery_threshold", NULL, 0, 1e9 },
	{ "platformfundsfreedelivery", SWITCH, "platform_funds_free_delivery", NULL, 0, 0 },
	{ "minorderamount", MONEY, "min_order_amount", NULL, 0, 1e9 },
	{ "maxorderamount", MONEY, "max_order_amount", NULL, 1, 1e9 },
	{ "maxtopupamount", MONEY, "max_topup_amount", NULL, 1, 1e9 },
	{ "ridersearchradiusm", WHOLE, "rider_search_radius_m", NULL, 100, 100000 },
	{ "riderlistradiuskm", DECIMAL, "rider_list_radius_km", NULL, 0.1, 1000 },
	{ "deliverymaxdistancekm", DECIMAL, "delivery_max_distance_km", NULL, 0.1, 1000 },
	{ "orderacceptminutes", WHOLE, "order_accept_minutes", NULL, 1, 1440 },
	{ "minpayout", MONEY, "min_payout.XAF", NULL, 0, 1e9 },
	{ "minpayout.xaf", MONEY, "min_payout.XAF", NULL, 0, 1e9 },
	{ "minpayout.ngn", MONEY, "min_payout.NGN", NULL, 0, 1e9 },
	{ "minpayout.kes", MONEY, "min_payout.KES", NULL, 0, 1e9 },
	{ "minpayout.ghs", MONEY, "min_payout.GHS", NULL, 0, 1e9 },
	{ "payoutfee.rider", MONEY, "payout_fee.rider", NULL, 0, 1e6 },
	{ "payoutfee.vendor", MONEY, "payout_fee.vendor", NULL, 0, 1e6 },
	{ "services.food.enabled", SWITCH, "services.food.enabled", NULL, 0, 0 },
	{ "services.food.minorderamount", MONEY, "services.food.minOrderAmount", NULL, 0, 1e9 },
	{ "services.food.deliveryfee", MONEY, "services.food.deliveryFee", NULL, 0, 1e6 },
	{ "services.food.commissionrate", PERCENT, "services.food.commissionBps", NULL, 0, 0 },
	{ "services.food.commissionbps", BPS, "services.food.commissionBps", NULL, 0, 10000 },
	{ "services.mart.enabled", SWITCH, "services.mart.enabled", NULL, 0, 0 },
	{ "services.mart.minorderamount", MONEY, "services.mart.minOrderAmount", NULL, 0, 1e9 },
	{ "services.mart.deliveryfee", MONEY, "services.mart.deliveryFee", NULL, 0, 1e6 },
	{ "services.mart.commissionrate", PERCENT, "services.mart.commissionBps", NULL, 0, 0 },
	{ "services.mart.commissionbps", BPS, "services.mart.commissionBps", NULL, 0, 10000 },
	{ "services.packages.enabled", SWITCH, "services.packages.enabled", NULL, 0, 0 },
	{ "services.packages.basefee", MONEY, "services.packages.baseFee", NULL, 0, 1e6 },
	{ "services.packages.feeperkm", MONEY, "services.packages.feePerKm", NULL, 0, 1e6 },
	{ "services.packages.fragilefee", MONEY, "services.packages.fragileFee", NULL, 0, 1e6 },
	{ "services.packages.freeweightkg", DECIMAL, "services.packages.freeWeightKg", NULL, 0,
		1000 },
	{ "services.packages.feeperextrakg", MONEY, "services.packages.feePerExtraKg", NULL, 0,
		1e6 },
	{ "services.packages.maxweight", DECIMAL, "services.packages.maxWeight", NULL, 0.1, 1000 },
	{ "services.packages.commissionrate", PERCENT, "services.packages.commissionBps", NULL, 0,
		0 },
	{ "services.packages.commissionbps", BPS, "services.packages.commissionBps", NULL, 0,
		10000 },
	{ "paymentmethods", METHODS, "paymentMethods", NULL, 0, 0 },
	{ "maintenancemode", SWITCH, "maintenanceMode", NULL, 0, 0 },
	{ "enforcebusinesshours", SWITCH, "enforce_business_hours", NULL, 0, 0 },
	{ "delivery.verificationcode", SWITCH, "delivery.verification_code", NULL, 0, 0 },
	{ "menu.approvalrequired", SWITCH, "menu.approval_required", NULL, 0, 0 },
};

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

/* The value that the configuration shows for a setting, in the unit of a row. */
static double setting_in_unit(enum unit unit, const json_t *setting)
{
	double number = json_number_value(setting);

	return unit == FRACTION ? number / 10000 : unit == PERCENT ? number / 100 : number;
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
	if (spec->unit == FRACTION || spec->unit == PERCENT)
		return rate_parse(number, fault);
	if (!(number >= spec->min && number <= spec->max))
		return setting_refuse(fault, "is out of range", "est hors limites");
	if (spec->unit == DECIMAL)
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
	const char *word = json_string_value(value);

	if (word && (strcmp(word, "distance") == 0 || strcmp(word, "flat") == 0))
		return json_string(word);
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
	switch (spec->unit) {
	case SWITCH:
		return switch_parse(value, fault);
	case MODE:
		return fee_mode_parse(value, fault);
	case METHODS:
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
	if (spec->unit >= SWITCH)
		return json_equal(value, setting);
	return json_to_number(value, &number) &&
		fabs(number - setting_in_unit(spec->unit, setting)) < 1e-9;
}

/* Returns false when the value is refused. */
static bool setting_change_add(const struct setting_spec *spec, const struct sent_value *sent,
	const json_t *settings, json_t *changes, struct setting_fault *fault)
{
	json_t *value;

	if (value_unchanged(spec, sent->value, json_object_get(settings, spec->key)))
		return true;
	snprintf(fault->field, sizeof(fault->field), "%s", sent->field);
	value = setting_value_parse(spec, sent->value, fault);
	if (!value)
		return false;
	if (spec->also_key)
		json_object_set(changes, spec->also_key, value);
	json_object_set_new(changes, spec->key, value);
	return true;
}

static bool setting_changes_add(const struct sent_values *all, const json_t *settings,
	json_t *changes, struct setting_fault *fault)
{
	for (size_t k = 0; k < COUNT_OF(setting_specs); k++)
		for (size_t i = 0; i < all->count; i++)
			if (strcmp(all->at[i].path, setting_specs[k].path) == 0 &&
				!setting_change_add(
					&setting_specs[k], &all->at[i], settings, changes, fault))
				return false;
	return true;
}

/* --- Unknown members -------------------------------------------------------------------------- */

static bool path_has_spec(const char *path, bool object)
{
	size_t len = strlen(path);

	for (size_t k = 0; k < COUNT_OF(setting_specs); k++)
		if (strcmp(setting_specs[k].path, path) == 0 ||
			(object && strncmp(setting_specs[k].path, path, len) == 0 &&
				setting_specs[k].path[len] == '.'))
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
	json_t *changes = json_object();
	struct sent_values *all = calloc(1, sizeof(*all));

	*fault = (struct setting_fault){ .field = "" };
	if (all && changes) {
		sent_values_read(all, request, "", "", 0);
		if (!unknown_members_absent(request, settings, false, fault) ||
			!setting_changes_add(all, settings, changes, fault)) {
			json_decref(changes);
			changes = NULL;
		}
	}
	if (!all) {
		json_decref(changes);
		changes = NULL;
	}
	free(all);
	return changes;
}
