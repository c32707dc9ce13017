/* SPDX-License-Identifier: MIT
 *
 * A table of knobs, and one pass over it. A rate below 1 is a fraction, from 1 on a percentage; it
 * is kept in basis points, and shown as a fraction or a percentage depending on the key. That is
 * why each value is compared with what is shown before it is read: half a percent is shown as 0.5,
 * and would come back as 50 %.
 */
#include "knobs.h"

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
	MONEY,      /* whole XAF */
	WHOLE,
	DECIMAL,
	FRACTION,   /* a rate shown as 0…1 */
	PERCENT,    /* a rate shown as 0…100 */
	BPS,        /* a rate as it is kept */
	SWITCH,
	MODE,       /* how the delivery fee is made */
	METHODS     /* ways to pay */
};

/* Rows that stand for one setting come from the general to the special one: the last that differs
 * counts. */
static const struct knob {
	const char *path;    /* lower case, without _ and - */
	enum unit unit;
	const char *key;     /* the setting … */
	const char *besides; /* … and another that gets the same value */
	double min, max;
} knobs[] = {
	{ "commissionrate", PERCENT, "services.food.commissionBps",
		"services.mart.commissionBps", 0, 0 },
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
	{ "services.packages.freeweightkg", DECIMAL,
		"services.packages.freeWeightKg", NULL, 0, 1000 },
	{ "services.packages.feeperextrakg", MONEY,
		"services.packages.feePerExtraKg", NULL, 0, 1e6 },
	{ "services.packages.maxweight", DECIMAL, "services.packages.maxWeight", NULL, 0.1, 1000 },
	{ "services.packages.commissionrate", PERCENT,
		"services.packages.commissionBps", NULL, 0, 0 },
	{ "services.packages.commissionbps", BPS,
		"services.packages.commissionBps", NULL, 0, 10000 },
	{ "paymentmethods", METHODS, "paymentMethods", NULL, 0, 0 },
	{ "maintenancemode", SWITCH, "maintenanceMode", NULL, 0, 0 },
	{ "enforcebusinesshours", SWITCH, "enforce_business_hours", NULL, 0, 0 },
	{ "delivery.verificationcode", SWITCH, "delivery.verification_code", NULL, 0, 0 },
	{ "menu.approvalrequired", SWITCH, "menu.approval_required", NULL, 0, 0 },
};

/* --- What was sent ---------------------------------------------------------------------------- */

#define PATH_SIZE 96
#define SENT_MAX 160
#define DEPTH_MAX 3

struct sent {
	char path[PATH_SIZE];  /* as in the table */
	char field[PATH_SIZE]; /* as the client wrote it */
	json_t *value;
};
struct body {
	struct sent sent[SENT_MAX];
	size_t count;
};

/* "commission_rate" → "commissionrate", after a prefix. */
static void path_join(char out[PATH_SIZE], const char *prefix, const char *name)
{
	size_t len = (size_t)snprintf(out, PATH_SIZE, "%s", prefix);

	for (; *name && len < PATH_SIZE - 1; name++)
		if (*name != '_' && *name != '-')
			out[len++] = (char)tolower((unsigned char)*name);
	out[len] = '\0';
}

/* Postman's {food:{…}} is {services:{food:{…}}}. */
static const char *prefix_of(const char *path)
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

static void body_read(struct body *body, const json_t *object, const char *prefix,
	const char *names, unsigned depth)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)object, name, value) {
		struct sent *sent = &body->sent[body->count];
		char inner[PATH_SIZE], field[PATH_SIZE];
		const char *known;

		if (body->count == SENT_MAX)
			return;
		path_join(sent->path, prefix, name);
		snprintf(field, sizeof(field), "%.45s%.45s", names, name);
		if (!json_is_object(value)) {
			memcpy(sent->field, field, sizeof(field));
			sent->value = value;
			body->count++;
			continue;
		}
		if (depth == DEPTH_MAX)
			continue;
		known = prefix_of(sent->path);
		snprintf(inner, sizeof(inner), "%.90s.", sent->path);
		strncat(field, ".", sizeof(field) - strlen(field) - 1);
		body_read(body, value, known ? known : inner, field, depth + 1);
	}
}

/* --- One value -------------------------------------------------------------------------------- */

static bool number_of(const json_t *value, double *ret)
{
	if (json_is_string(value))
		return text_to_double(text_of(json_string_value(value)), ret);
	*ret = json_number_value(value);
	return json_is_number(value);
}

/* What the configuration shows for a setting, in the unit of a knob. */
static double shown(enum unit unit, const json_t *setting)
{
	double number = json_number_value(setting);

	return unit == FRACTION ? number / 10000 : unit == PERCENT ? number / 100 : number;
}

static json_t *refuse(struct knob_fault *fault, const char *english, const char *french)
{
	fault->english = english;
	fault->french = french;
	return NULL;
}

static json_t *rate_read(double number, struct knob_fault *fault)
{
	if (!(number >= 0 && number <= 100))
		return refuse(fault,
			"must be a rate: a fraction below 1, or a percentage up to 100",
			"doit être un taux : une fraction inférieure à 1, ou un pourcentage "
			"jusqu'à 100");
	return json_integer(llround(number < 1 ? number * 10000 : number * 100));
}

static json_t *number_read(const struct knob *knob, const json_t *value, struct knob_fault *fault)
{
	double number;

	if (!number_of(value, &number))
		return refuse(fault, "must be a number", "doit être un nombre");
	if (knob->unit == FRACTION || knob->unit == PERCENT)
		return rate_read(number, fault);
	if (!(number >= knob->min && number <= knob->max))
		return refuse(fault, "is out of range", "est hors limites");
	if (knob->unit == DECIMAL)
		return json_real(number);
	if (number != floor(number))
		return refuse(fault, "must be a whole number", "doit être un nombre entier");
	return json_integer(llround(number));
}

static json_t *switch_read(const json_t *value, struct knob_fault *fault)
{
	const char *word = json_string_value(value);

	if (json_is_boolean(value))
		return json_boolean(json_is_true(value));
	if (word && (strcasecmp(word, "true") == 0 || strcasecmp(word, "false") == 0))
		return json_boolean(strcasecmp(word, "true") == 0);
	return refuse(fault, "must be true or false", "doit être true ou false");
}

static json_t *mode_read(const json_t *value, struct knob_fault *fault)
{
	const char *word = json_string_value(value);

	if (word && (strcmp(word, "distance") == 0 || strcmp(word, "flat") == 0))
		return json_string(word);
	return refuse(fault, "must be distance or flat", "doit être distance ou flat");
}

static json_t *methods_read(const json_t *value, struct knob_fault *fault)
{
	json_t *methods = json_array();

	for (size_t i = 0; methods && i < json_array_size(value); i++) {
		int method = payment_method_named(json_string_value(json_array_get(value, i)));

		if (method < 0) {
			json_decref(methods);
			return refuse(fault, "must be a list of WALLET, CASH, MOBILE_MONEY, CARD",
				"doit être une liste de WALLET, CASH, MOBILE_MONEY, CARD");
		}
		json_array_append_new(methods, json_string(payment_method_words[method]));
	}
	if (json_array_size(methods))
		return methods;
	json_decref(methods);
	return refuse(fault, "must name at least one way to pay",
		"doit nommer au moins un moyen de paiement");
}

static json_t *value_read(const struct knob *knob, const json_t *value, struct knob_fault *fault)
{
	switch (knob->unit) {
	case SWITCH:
		return switch_read(value, fault);
	case MODE:
		return mode_read(value, fault);
	case METHODS:
		return methods_read(value, fault);
	default:
		return number_read(knob, value, fault);
	}
}

/* --- All of them ------------------------------------------------------------------------------ */

static bool is_shown(const struct knob *knob, const json_t *value, const json_t *setting)
{
	double number;

	if (!setting)
		return false;
	if (knob->unit >= SWITCH)
		return json_equal(value, setting);
	return number_of(value, &number) && fabs(number - shown(knob->unit, setting)) < 1e-9;
}

/* False when the value is refused. */
static bool knob_turn(const struct knob *knob, const struct sent *sent, const json_t *settings,
	json_t *changes, struct knob_fault *fault)
{
	json_t *value;

	if (is_shown(knob, sent->value, json_object_get(settings, knob->key)))
		return true;
	snprintf(fault->field, sizeof(fault->field), "%s", sent->field);
	value = value_read(knob, sent->value, fault);
	if (!value)
		return false;
	if (knob->besides)
		json_object_set(changes, knob->besides, value);
	json_object_set_new(changes, knob->key, value);
	return true;
}

static bool knobs_turn_all(const struct body *body, const json_t *settings, json_t *changes,
	struct knob_fault *fault)
{
	for (size_t k = 0; k < COUNT_OF(knobs); k++)
		for (size_t i = 0; i < body->count; i++)
			if (strcmp(body->sent[i].path, knobs[k].path) == 0 &&
				!knob_turn(&knobs[k], &body->sent[i], settings, changes, fault))
				return false;
	return true;
}

/* --- What no knob is for ---------------------------------------------------------------------- */

static bool has_knob(const char *path, bool object)
{
	size_t len = strlen(path);

	for (size_t k = 0; k < COUNT_OF(knobs); k++)
		if (strcmp(knobs[k].path, path) == 0 ||
			(object && strncmp(knobs[k].path, path, len) == 0 &&
				knobs[k].path[len] == '.'))
			return true;
	return false;
}

/* Of the configuration file: it is read once, when a server starts. */
static bool is_of_file(const char *name)
{
#define KEY(kind, member, key, ...) key,
	static const char *const keys[] = { REEYO_CONFIG(KEY) };
#undef KEY

	for (size_t i = 0; i < COUNT_OF(keys); i++)
		if (strcmp(keys[i], name) == 0)
			return true;
	return false;
}

/* What the server keeps of itself: nobody who sends it back means to change it. */
static bool is_own(const char *name)
{
	return strcmp(name, "version") == 0 || strcmp(name, "zones") == 0;
}

/* False when something is sent that would be taken for changed and is not: under settings what is
 * shown there and has no knob, unless it is as it is shown, and anywhere what stands in the
 * configuration file. Other members are ignored. */
static bool strangers_absent(const json_t *sent, const json_t *settings, bool within,
	struct knob_fault *fault)
{
	const char *name;
	json_t *value;
	char path[PATH_SIZE];

	json_object_foreach((json_t *)sent, name, value) {
		const json_t *now = json_object_get(settings, name);
		bool file = is_of_file(name);

		path_join(path, "", name);
		if (has_knob(path, json_is_object(value)) ||
			(!file && !(within && now && !is_own(name))) || json_equal(value, now))
			continue;
		snprintf(fault->field, sizeof(fault->field), "%s%.80s",
			within ? "settings." : "", name);
		refuse(fault,
			file ? "stands in the configuration file and cannot be changed here" :
				"cannot be changed here",
			file ? "se trouve dans le fichier de configuration et ne peut pas être "
				"modifié ici" :
				"ne peut pas être modifié ici");
		return false;
	}
	return within || strangers_absent(json_object_get(sent, "settings"), settings, true, fault);
}

json_t *knobs_turn(const json_t *sent, const json_t *settings, struct knob_fault *fault)
{
	json_t *changes = json_object();
	struct body *body = calloc(1, sizeof(*body));

	*fault = (struct knob_fault){ .field = "" };
	if (body && changes) {
		body_read(body, sent, "", "", 0);
		if (!strangers_absent(sent, settings, false, fault) ||
			!knobs_turn_all(body, settings, changes, fault)) {
			json_decref(changes);
			changes = NULL;
		}
	}
	if (!body) {
		json_decref(changes);
		changes = NULL;
	}
	free(body);
	return changes;
}
