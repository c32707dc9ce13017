/* SPDX-License-Identifier: MIT
 *
 * Settings of one loop. Once a second the database is asked for what changed: the sum of the rows'
 * numbers tells (it grows with every change, in whatever order changes commit), and only then
 * everything is read and made into a new snapshot, which replaces the old one between two turns.
 *
 * Whoever has just changed something does not wait for that second: the loop of his request reads
 * everything again and hands it to the others before it answers. A loop takes its messages before
 * it serves, so what he asks for next meets the new snapshot, whichever loop it comes to.
 */
#include "reeyo/api/settings.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "reeyo/auth/admit.h"
#include "reeyo/core/config.h"
#include "reeyo/core/log.h"
#include "reeyo/loop/loop.h"
#include "reeyo/partners/gateway.h"

#define POLL_MS 1000

static const char *const service_keys[ORDER_TYPES] = { "food", "mart", "packages" };

struct settings {
	struct app *app;
	uv_timer_t timer;
	struct db_call call;
	int64_t version; /* the sum this snapshot is of */
	bool asking, closing, timer_open;
	bool told; /* of a snapshot by another way, since it was asked for one */
	void (*read)(void *arg);
	void *arg;
	/* the snapshot */
	json_t *values; /* NULL: none yet */
	struct price_rules rules;
	struct zone *zones;
};

/* --- Reading a snapshot ----------------------------------------------------------------------- */

const json_t *settings_value(const struct settings *settings, const char *key)
{
	return json_object_get(settings->values, key);
}

int64_t settings_int(const struct settings *settings, const char *key, int64_t fallback)
{
	const json_t *value = settings_value(settings, key);

	return json_is_integer(value) ? json_integer_value(value)
	       : json_is_real(value)  ? llround(json_real_value(value))
	                              : fallback;
}

bool settings_flag(const struct settings *settings, const char *key, bool fallback)
{
	const json_t *value = settings_value(settings, key);

	return json_is_boolean(value) ? json_is_true(value) : fallback;
}

bool settings_known(const struct settings *settings)
{
	return settings->values != NULL;
}

bool settings_maintenance(const struct settings *settings)
{
	return settings_flag(settings, "maintenanceMode", false);
}

const struct price_rules *settings_rules(const struct settings *settings)
{
	return &settings->rules;
}

static int64_t service_int(
	const struct settings *settings, enum order_type type, const char *name, int64_t fallback)
{
	char key[64];

	snprintf(key, sizeof(key), "services.%s.%s", service_keys[type], name);
	return settings_int(settings, key, fallback);
}

/* Kilometres, kilograms: may have a fraction. */
static int64_t thousandths(const struct settings *settings, const char *key, double fallback)
{
	const json_t *value = settings_value(settings, key);

	return llround((json_is_number(value) ? json_number_value(value) : fallback) * 1000);
}

bool settings_service_on(const struct settings *settings, enum order_type type)
{
	char key[64];

	snprintf(key, sizeof(key), "services.%s.enabled", service_keys[type]);
	return settings_flag(settings, key, type == FOOD);
}

bool settings_method_on(const struct settings *settings, enum payment_method method)
{
	const json_t *methods = settings_value(settings, "paymentMethods");

	if ((method == PAY_MOBILE_MONEY && !gateway_on(settings->app->gateway)) ||
		(method == PAY_CARD && !settings->app->config->card_sandbox))
		return false;
	for (size_t i = 0; i < json_array_size(methods); i++)
		if (payment_method_named(json_string_value(json_array_get(methods, i))) ==
			(int)method)
			return true;
	return false;
}

/* --- Making one ------------------------------------------------------------------------------- */

static void rules_read(struct settings *settings)
{
	const char *mode = json_string_value(settings_value(settings, "delivery_fee_mode"));
	struct price_rules rules = {
		.fee_base = settings_int(settings, "delivery_fee_base", 1000),
		.fee_per_km = settings_int(settings, "delivery_fee_per_km", 200),
		.free_delivery_from = settings_int(settings, "free_delivery_threshold", 10000),
		.flat = mode && strcmp(mode, "flat") == 0,
		.service_fee_bps = settings_int(settings, "service_fee_bps", 0),
		.rider_cut_bps = settings_int(settings, "rider_cut_bps", 0),
		.min_order = settings_int(settings, "min_order_amount", 500),
		.max_order = settings_int(settings, "max_order_amount", 500000),
		.max_distance_m = thousandths(settings, "delivery_max_distance_km", 50),
		.package_base = service_int(settings, PACKAGE, "baseFee", 2000),
		.package_per_km = service_int(settings, PACKAGE, "feePerKm", 500),
		.package_fragile = service_int(settings, PACKAGE, "fragileFee", 1000),
		.package_per_kg = service_int(settings, PACKAGE, "feePerExtraKg", 200),
		.package_free_grams = thousandths(settings, "services.packages.freeWeightKg", 10),
		.package_max_grams = thousandths(settings, "services.packages.maxWeight", 50),
		.hours_enforced = settings_flag(settings, "enforce_business_hours", false),
		.waived_fee_paid = settings->app->config->platform_funds_free_delivery &&
		                   settings_flag(settings, "platform_funds_free_delivery", true),
		.zones = settings->rules.zones,
		.zone_count = settings->rules.zone_count,
	};

	for (enum order_type type = FOOD; type < ORDER_TYPES; type++) {
		static const int64_t commission[] = { 1500, 1000, 2000 },
		                     minimum[] = { 2000, 5000, 0 }, flat[] = { 1500, 2000, 0 };

		rules.flat_fee[type] = service_int(settings, type, "deliveryFee", flat[type]);
		rules.min_service[type] =
			service_int(settings, type, "minOrderAmount", minimum[type]);
		rules.commission_bps[type] =
			service_int(settings, type, "commissionBps", commission[type]);
	}
	settings->rules = rules;
}

static void zones_drop(struct settings *settings)
{
	for (size_t i = 0; i < settings->rules.zone_count; i++)
		free(settings->zones[i].corners);
	free(TAKE_PTR(settings->zones));
	settings->rules.zones = NULL;
	settings->rules.zone_count = 0;
}

static bool zone_read(struct zone *zone, const json_t *row)
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

static void zones_read(struct settings *settings, const json_t *rows)
{
	zones_drop(settings);
	settings->zones = calloc(json_array_size(rows) + 1, sizeof(*settings->zones));
	if (!settings->zones)
		return;
	settings->rules.zones = settings->zones;
	for (size_t i = 0; i < json_array_size(rows); i++) {
		if (!zone_read(&settings->zones[i], json_array_get(rows, i)))
			return;
		settings->rules.zone_count++;
	}
}

/* What settings_get says; its texts are whose it came from. */
struct reading {
	int64_t version;
	struct text values, zones;
};

static struct reading reading_of(const struct db_result *result)
{
	return (struct reading){
		.version = db_int(result, 0, 0),
		.values = db_text(result, 0, 1),
		.zones = db_text(result, 0, 2),
	};
}

static void snapshot_take(struct settings *settings, const struct reading *reading)
{
	json_t *parsed = json_loadb(reading->values.at, reading->values.len, 0, NULL);
	json_auto_t *rows = json_loadb(reading->zones.at, reading->zones.len, 0, NULL);

	if (!json_is_object(parsed) || !json_is_array(rows)) {
		log_line(LOG_ERROR, "the settings are unreadable, the ones before stay");
		json_decref(parsed);
		return;
	}
	json_decref(settings->values);
	settings->values = parsed;
	zones_read(settings, rows);
	rules_read(settings);
	settings->version = reading->version;
	if (settings->read) {
		settings->read(settings->arg);
		settings->read = NULL;
	}
}

/* --- Following the database ------------------------------------------------------------------- */

static void destroy(struct settings *settings)
{
	zones_drop(settings);
	json_decref(settings->values);
	free(settings);
}

/* False when the settings are on their way out, and maybe gone. */
static bool answered(struct settings *settings)
{
	settings->asking = false;
	if (!settings->closing)
		return true;
	if (!settings->timer_open)
		destroy(settings);
	return false;
}

static void snapshot_come(struct db_call *call, const struct db_result *result)
{
	struct settings *settings = call->owner;
	struct reading reading;

	if (!answered(settings) || db_error(result) || db_rows(result) == 0)
		return;
	reading = reading_of(result);
	if (!settings->told || reading.version >= settings->version)
		snapshot_take(settings, &reading);
}

static void ask(struct settings *settings, enum query query,
	void (*done)(struct db_call *call, const struct db_result *result))
{
	settings->asking = true;
	settings->told = false;
	/* the primary: a setting counts on every copy within a second, however far a replica is
	 * behind */
	settings->call = (struct db_call){
		.query = query, .lane = DB_WRITE, .done = done, .owner = settings
	};
	db_submit(settings->app->db, &settings->call);
}

/* Errors are logged by db; the next second asks again. */
static void version_come(struct db_call *call, const struct db_result *result)
{
	struct settings *settings = call->owner;

	if (!answered(settings) || db_error(result) || db_rows(result) == 0)
		return;
	if (!settings->values || db_int(result, 0, 0) != settings->version)
		ask(settings, QUERY_settings_get, snapshot_come);
}

static void second_over(uv_timer_t *timer)
{
	struct settings *settings = timer->data;

	if (!settings->asking && !settings->closing)
		ask(settings, QUERY_settings_version, version_come);
}

int settings_new(struct app *app, struct settings **ret)
{
	struct settings *settings = calloc(1, sizeof(*settings));

	if (!settings)
		return E_NO_MEMORY;
	settings->app = app;
	if (uv_timer_init(loop_uv(app->loop), &settings->timer)) {
		free(settings);
		return E_NO_MEMORY;
	}
	settings->timer.data = settings;
	settings->timer_open = true;
	*ret = settings;
	return 0;
}

static void timer_closed(uv_handle_t *handle)
{
	struct settings *settings = handle->data;

	settings->timer_open = false;
	if (!settings->asking)
		destroy(settings);
}

void settings_free(struct settings *settings)
{
	if (!settings)
		return;
	settings->closing = true;
	uv_close((uv_handle_t *)&settings->timer, timer_closed);
}

void settings_follow(struct settings *settings, void (*read)(void *arg), void *arg)
{
	settings->read = read;
	settings->arg = arg;
	uv_timer_start(&settings->timer, second_over, POLL_MS, POLL_MS);
	ask(settings, QUERY_settings_get, snapshot_come);
}

/* --- Telling ---------------------------------------------------------------------------------- */

/* Older ones are of a change before: messages of two loops come in any order. */
static void reading_told(struct settings *settings, const struct reading *reading)
{
	if (!settings || settings->closing || reading->version <= settings->version)
		return;
	snapshot_take(settings, reading);
	settings->told = true;
}

struct settings_message {
	struct message message;
	struct app *to;
	struct reading reading; /* its texts follow */
	char texts[];
};

static void message_take(struct message *message)
{
	struct settings_message *told = CONTAINER_OF(message, struct settings_message, message);

	reading_told(told->to->settings, &told->reading);
	free(told);
}

static void tell(struct app *app, const struct reading *reading)
{
	size_t values = reading->values.len, zones = reading->zones.len;
	struct settings_message *told = calloc(1, sizeof(*told) + values + zones);

	if (!told)
		return; /* that loop reads it from the database in a second */
	memcpy(told->texts, reading->values.at, values);
	memcpy(told->texts + values, reading->zones.at, zones);
	told->message.run = message_take;
	told->to = app;
	told->reading = (struct reading){
		.version = reading->version,
		.values = { told->texts, values },
		.zones = { told->texts + values, zones },
	};
	loop_post(app->loop, &told->message);
}

/* rq->state between the write and what comes after it. */
struct spread {
	void (*next)(struct request *rq);
	void *state;
};

/* Of an error nothing is said: what was to be done is done, and every loop hears of it in a second.
 */
static void spread_come(struct request *rq, const struct db_result *result)
{
	const struct spread *spread = rq->state;
	struct reading reading;

	if (!db_error(result) && db_rows(result) == 1) {
		reading = reading_of(result);
		reading_told(rq->app->settings, &reading);
		for (struct app **other = rq->app->all; other && *other; other++)
			if (*other != rq->app)
				tell(*other, &reading);
	}
	rq->state = spread->state;
	spread->next(rq);
}

void settings_spread(struct request *rq, void (*next)(struct request *rq))
{
	struct spread *spread = ARENA_NEW(rq->arena, struct spread);

	if (!spread)
		return next(rq);
	*spread = (struct spread){ next, rq->state };
	rq->state = spread;
	SQL_(rq, DB_WRITE, settings_get, true, spread_come);
}

/* --- Admission -------------------------------------------------------------------------------- */

void settings_admit(struct request *rq)
{
	const struct settings *settings = rq->app->settings;

	if (rq->route->always || rq->ns == NS_ADMIN)
		return admit_account(rq);
	if (!settings_known(settings))
		return reply_error(rq, E_STORE_DOWN);
	if (settings_maintenance(settings)) {
		reply_retry_after(rq, 60);
		return reply_error(rq, E_MAINTENANCE);
	}
	admit_account(rq);
}
