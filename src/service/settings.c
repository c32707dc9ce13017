/* SPDX-License-Identifier: MIT
 *
 * The settings of one loop. Each loop polls the database once a second for the version: the sum of
 * the versions of the rows, which grows with every change, in whatever order changes commit. When
 * it differs, the loop reads all settings into a new snapshot, which replaces the old one between
 * two turns of the loop.
 *
 * A change applies immediately on the instance that receives it: the loop of the request reads all
 * settings again and sends them to the other loops before the request is answered. A loop handles
 * its messages before it serves requests, so the client's next request meets the new snapshot on
 * every loop.
 */
#include "reeyo/service/settings.h"

#include <math.h>
#include <string.h>

#include "price_rules.h"
#include "reeyo/core/log.h"
#include "reeyo/core/memory.h"
#include "reeyo/db/periodic.h"
#include "reeyo/db/queries/settings.h"
#include "reeyo/loop/loop.h"
#include "reeyo/partners/gateway.h"

struct settings {
	struct app *app;
	struct periodic periodic;
	int64_t version; /* of the snapshot */
	bool loaded, polling;
	bool received; /* a snapshot from another loop, since the query was sent */
	void (*read)(void *arg);
	void *arg;
	json_t *defaults[SETTINGS]; /* NULL: a setting without one */
	/* The snapshot. */
	json_t *values;                /* as the database has them */
	const json_t *value[SETTINGS]; /* of `values` or `defaults`; NULL: no value */
	struct price_rules rules;
};

/* --- Reading a snapshot ----------------------------------------------------------------------- */

int64_t settings_int(const struct settings *settings, enum setting setting)
{
	const json_t *value = settings->value[setting];

	return json_is_real(value) ? llround(json_real_value(value)) : json_integer_value(value);
}

double settings_number(const struct settings *settings, enum setting setting)
{
	return json_number_value(settings->value[setting]);
}

bool settings_flag(const struct settings *settings, enum setting setting)
{
	return json_is_true(settings->value[setting]);
}

const char *settings_text(const struct settings *settings, enum setting setting)
{
	return json_string_value(settings->value[setting]);
}

bool settings_loaded(const struct settings *settings)
{
	return settings->loaded;
}

const struct price_rules *settings_rules(const struct settings *settings)
{
	return &settings->rules;
}

bool settings_service_on(const struct settings *settings, enum order_type type)
{
	static const enum setting enabled[ORDER_TYPES] = { [FOOD] = SETTING_FOOD_ENABLED,
		[MART] = SETTING_MART_ENABLED,
		[PACKAGE] = SETTING_PACKAGES_ENABLED };

	return settings_flag(settings, enabled[type]);
}

bool settings_method_on(const struct settings *settings, enum payment_method method)
{
	const json_t *methods = settings->value[SETTING_PAYMENT_METHODS];

	if ((method == PAY_MOBILE_MONEY && !gateway_configured(settings->app->gateway)) ||
		(method == PAY_CARD && !settings->app->config->card_sandbox))
		return false;
	for (size_t i = 0; i < json_array_size(methods); i++)
		if (payment_method_parse(json_string_value(json_array_get(methods, i))) ==
			(int)method)
			return true;
	return false;
}

/* --- Making one ------------------------------------------------------------------------------- */

/* A row of settings_get. The texts belong to the result that it was read from. */
struct snapshot {
	int64_t version;
	struct text values, zones;
};

static struct snapshot snapshot_of(const struct db_result *result)
{
	return (struct snapshot){
		.version = db_int(result, 0, SETTINGS_GET_VERSION),
		.values = db_text(result, 0, SETTINGS_GET_SETTINGS),
		.zones = db_text(result, 0, SETTINGS_GET_ZONES),
	};
}

/* The effective value of every setting: the database's, or the default. */
static void snapshot_resolve(struct settings *settings)
{
	for (int i = 0; i < SETTINGS; i++) {
		const json_t *value = json_object_get(settings->values, setting_table[i].key);
		bool fits = value && setting_type_fits((enum setting)i, value);

		if (value && !json_is_null(value) && !fits)
			log_line(LOG_ERROR, "a setting has a wrong type; using its default",
				LOG_T("key", setting_table[i].key));
		settings->value[i] = fits ? value : settings->defaults[i];
	}
	price_rules_read(&settings->rules, settings, settings->app->config);
}

static void snapshot_take(struct settings *settings, const struct snapshot *snapshot)
{
	json_t *parsed = json_loadb(snapshot->values.at, snapshot->values.len, 0, NULL);
	json_auto_t *zones = json_loadb(snapshot->zones.at, snapshot->zones.len, 0, NULL);

	if (!json_is_object(parsed) || !json_is_array(zones)) {
		log_line(LOG_ERROR, "settings are unreadable; keeping the previous ones");
		json_decref(parsed);
		return;
	}
	json_decref(settings->values);
	settings->values = parsed;
	price_zones_read(&settings->rules, zones);
	snapshot_resolve(settings);
	settings->version = snapshot->version;
	settings->loaded = true;
	if (settings->read) {
		settings->read(settings->arg);
		settings->read = NULL;
	}
}

/* --- Polling the database --------------------------------------------------------------------- */

static void settings_destroy(void *job)
{
	struct settings *settings = job;

	price_zones_free(&settings->rules);
	json_decref(settings->values);
	for (int i = 0; i < SETTINGS; i++)
		json_decref(settings->defaults[i]);
	free(settings);
}

static void snapshot_received(struct db_call *call, const struct db_result *result)
{
	struct settings *settings = call->owner;
	struct snapshot snapshot;

	if (!periodic_continues(&settings->periodic, result))
		return;
	if (db_rows(result)) {
		snapshot = snapshot_of(result);
		if (!settings->received || snapshot.version >= settings->version)
			snapshot_take(settings, &snapshot);
	}
	periodic_end(&settings->periodic, false);
}

static void snapshot_query(struct settings *settings)
{
	settings->received = false;
	periodic_run(&settings->periodic, snapshot_received, settings_get);
}

static void version_received(struct db_call *call, const struct db_result *result)
{
	struct settings *settings = call->owner;

	if (!periodic_continues(&settings->periodic, result))
		return;
	if (db_rows(result) && db_int(result, 0, SETTINGS_VERSION_VERSION) != settings->version)
		return snapshot_query(settings);
	periodic_end(&settings->periodic, false);
}

/* From the primary: a setting applies on every instance within a second, however far a replica
 * lags. db logs errors; the next second polls again. */
static void settings_poll(void *job)
{
	struct settings *settings = job;

	if (!settings->loaded)
		return snapshot_query(settings);
	periodic_run(&settings->periodic, version_received, settings_version);
}

/* False: out of memory. */
static bool defaults_read(struct settings *settings)
{
	for (int i = 0; i < SETTINGS; i++) {
		settings->defaults[i] = setting_default((enum setting)i);
		if (!settings->defaults[i] && setting_table[i].fallback[0])
			return false;
	}
	snapshot_resolve(settings);
	return true;
}

int settings_new(struct app *app, struct settings **ret)
{
	struct settings *settings = calloc(1, sizeof(*settings));

	if (!settings)
		return E_NO_MEMORY;
	settings->app = app;
	if (!defaults_read(settings)) {
		settings_destroy(settings);
		return E_NO_MEMORY;
	}
	*ret = settings;
	return 0;
}

void settings_free(struct settings *settings)
{
	if (!settings)
		return;
	if (settings->polling)
		periodic_close(&settings->periodic);
	else
		settings_destroy(settings);
}

void settings_poll_start(struct settings *settings, void (*read)(void *arg), void *arg)
{
	static const struct periodic_spec spec = {
		.every_ms = 1000, .round = settings_poll, .free = settings_destroy
	};
	struct app *app = settings->app;

	if (periodic_start(&settings->periodic, app->loop, app->db, &spec, settings)) {
		log_line(LOG_ERROR, "no memory for polling the settings");
		return; /* the loop is never ready */
	}
	settings->polling = true;
	settings->read = read;
	settings->arg = arg;
	periodic_wake(&settings->periodic);
}

/* --- Broadcasting ----------------------------------------------------------------------------- */

/* Messages of two loops arrive in any order: a snapshot that is not newer is ignored. */
static void snapshot_offer(struct settings *settings, const struct snapshot *snapshot)
{
	if (!settings || settings->periodic.closing || snapshot->version <= settings->version)
		return;
	snapshot_take(settings, snapshot);
	settings->received = true;
}

struct settings_message {
	struct message message;
	struct app *to;
	struct snapshot snapshot; /* its texts follow */
	char texts[];
};

static void settings_message_take(struct message *message)
{
	struct settings_message *sent = CONTAINER_OF(message, struct settings_message, message);

	snapshot_offer(sent->to->settings, &sent->snapshot);
	free(sent);
}

static void settings_send(struct app *app, const struct snapshot *snapshot)
{
	size_t values = snapshot->values.len, zones = snapshot->zones.len;
	struct settings_message *sent = calloc(1, sizeof(*sent) + values + zones);

	if (!sent)
		return; /* that loop polls the database within a second */
	memcpy(sent->texts, snapshot->values.at, values);
	memcpy(sent->texts + values, snapshot->zones.at, zones);
	sent->message.run = settings_message_take;
	sent->to = app;
	sent->snapshot = (struct snapshot){
		.version = snapshot->version,
		.values = { sent->texts, values },
		.zones = { sent->texts + values, zones },
	};
	loop_post(app->loop, &sent->message);
}

static void broadcast_read(struct db_call *call, const struct db_result *result)
{
	struct settings_broadcast *broadcast = call->owner;
	struct app *app = broadcast->app;

	if (!db_error(result) && db_rows(result) == 1) {
		struct snapshot snapshot = snapshot_of(result);

		snapshot_offer(app->settings, &snapshot);
		for (struct app **other = app->all; other && *other; other++)
			if (*other != app)
				settings_send(*other, &snapshot);
	}
	broadcast->done(broadcast);
}

void settings_broadcast(struct app *app, struct settings_broadcast *broadcast)
{
	broadcast->app = app;
	broadcast->call =
		(struct db_call){ .lane = DB_WRITE, .done = broadcast_read, .owner = broadcast };
	db_run(app->db, &broadcast->call, settings_get);
}
