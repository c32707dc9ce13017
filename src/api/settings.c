/* SPDX-License-Identifier: MIT
 *
 * The settings of one loop. Each loop polls the database once a second for the version: the sum of
 * the versions of the rows, which grows with every change, in whatever order changes commit. When
 * it differs, the loop reads all settings into a new snapshot, which replaces the old one between
 * two turns of the loop.
 *
 * A change applies immediately on the instance that receives it: the loop of the request reads all
 * settings again and sends them to the other loops before it replies. A loop handles its messages
 * before it serves requests, so the client's next request meets the new snapshot on every loop.
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
	int64_t version; /* of the snapshot */
	bool querying, closing, timer_open;
	bool received; /* a snapshot from another loop, since the query was sent */
	void (*read)(void *arg);
	void *arg;
	/* The snapshot. */
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
		: json_is_real(value) ? llround(json_real_value(value))
				      : fallback;
}

bool settings_flag(const struct settings *settings, const char *key, bool fallback)
{
	const json_t *value = settings_value(settings, key);

	return json_is_boolean(value) ? json_is_true(value) : fallback;
}

bool settings_loaded(const struct settings *settings)
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

static int64_t service_setting(
	const struct settings *settings, enum order_type type, const char *name, int64_t fallback)
{
	char key[64];

	snprintf(key, sizeof(key), "services.%s.%s", service_keys[type], name);
	return settings_int(settings, key, fallback);
}

/* A setting that may have a fraction (kilometres, kilograms), in thousandths. */
static int64_t setting_thousandths(
	const struct settings *settings, const char *key, double fallback)
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

static void price_rules_read(struct settings *settings)
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
		.max_distance_m = setting_thousandths(settings, "delivery_max_distance_km", 50),
		.package_base = service_setting(settings, PACKAGE, "baseFee", 2000),
		.package_per_km = service_setting(settings, PACKAGE, "feePerKm", 500),
		.package_fragile = service_setting(settings, PACKAGE, "fragileFee", 1000),
		.package_per_kg = service_setting(settings, PACKAGE, "feePerExtraKg", 200),
		.package_free_grams = setting_thousandths(
			settings, "services.packages.freeWeightKg", 10),
		.package_max_grams = setting_thousandths(
			settings, "services.packages.maxWeight", 50),
		.hours_enforced = settings_flag(settings, "enforce_business_hours", false),
		.waived_fee_paid = settings->app->config->platform_funds_free_delivery &&
			settings_flag(settings, "platform_funds_free_delivery", true),
		.zones = settings->rules.zones,
		.zone_count = settings->rules.zone_count,
	};

	for (enum order_type type = FOOD; type < ORDER_TYPES; type++) {
		static const int64_t commission[] = { 1500, 1000, 2000 },
				     minimum[] = { 2000, 5000, 0 }, flat[] = { 1500, 2000, 0 };

		rules.flat_fee[type] = service_setting(settings, type, "deliveryFee", flat[type]);
		rules.min_service[type] = service_setting(
			settings, type, "minOrderAmount", minimum[type]);
		rules.commission_bps[type] = service_setting(
			settings, type, "commissionBps", commission[type]);
	}
	settings->rules = rules;
}

static void price_zones_free(struct settings *settings)
{
	for (size_t i = 0; i < settings->rules.zone_count; i++)
		free(settings->zones[i].corners);
	free(TAKE_PTR(settings->zones));
	settings->rules.zones = NULL;
	settings->rules.zone_count = 0;
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

static void price_zones_read(struct settings *settings, const json_t *rows)
{
	price_zones_free(settings);
	settings->zones = calloc(json_array_size(rows) + 1, sizeof(*settings->zones));
	if (!settings->zones)
		return;
	settings->rules.zones = settings->zones;
	for (size_t i = 0; i < json_array_size(rows); i++) {
		if (!price_zone_read(&settings->zones[i], json_array_get(rows, i)))
			return;
		settings->rules.zone_count++;
	}
}

/* A row of settings_get. The texts belong to the result that it was read from. */
struct snapshot {
	int64_t version;
	struct text values, zones;
};

static struct snapshot snapshot_of(const struct db_result *result)
{
	return (struct snapshot){
		.version = db_int(result, 0, 0),
		.values = db_text(result, 0, 1),
		.zones = db_text(result, 0, 2),
	};
}

static void snapshot_take(struct settings *settings, const struct snapshot *snapshot)
{
	json_t *parsed = json_loadb(snapshot->values.at, snapshot->values.len, 0, NULL);
	json_auto_t *rows = json_loadb(snapshot->zones.at, snapshot->zones.len, 0, NULL);

	if (!json_is_object(parsed) || !json_is_array(rows)) {
		log_line(LOG_ERROR, "settings are unreadable; keeping the previous ones");
		json_decref(parsed);
		return;
	}
	json_decref(settings->values);
	settings->values = parsed;
	price_zones_read(settings, rows);
	price_rules_read(settings);
	settings->version = snapshot->version;
	if (settings->read) {
		settings->read(settings->arg);
		settings->read = NULL;
	}
}

/* --- Polling the database --------------------------------------------------------------------- */

static void settings_destroy(struct settings *settings)
{
	price_zones_free(settings);
	json_decref(settings->values);
	free(settings);
}

/* False when the settings are being closed; they may be freed then. */
static bool settings_query_ended(struct settings *settings)
{
	settings->querying = false;
	if (!settings->closing)
		return true;
	if (!settings->timer_open)
		settings_destroy(settings);
	return false;
}

static void snapshot_received(struct db_call *call, const struct db_result *result)
{
	struct settings *settings = call->owner;
	struct snapshot snapshot;

	if (!settings_query_ended(settings) || db_error(result) || db_rows(result) == 0)
		return;
	snapshot = snapshot_of(result);
	if (!settings->received || snapshot.version >= settings->version)
		snapshot_take(settings, &snapshot);
}

static void settings_query(struct settings *settings, enum query query,
	void (*done)(struct db_call *call, const struct db_result *result))
{
	settings->querying = true;
	settings->received = false;
	/* From the primary: a setting applies on every instance within a second, however far a
	 * replica lags. */
	settings->call = (struct db_call){
		.query = query, .lane = DB_WRITE, .done = done, .owner = settings
	};
	db_submit(settings->app->db, &settings->call);
}

/* db logs errors; the next second polls again. */
static void version_received(struct db_call *call, const struct db_result *result)
{
	struct settings *settings = call->owner;

	if (!settings_query_ended(settings) || db_error(result) || db_rows(result) == 0)
		return;
	if (!settings->values || db_int(result, 0, 0) != settings->version)
		settings_query(settings, QUERY_settings_get, snapshot_received);
}

static void settings_poll(uv_timer_t *timer)
{
	struct settings *settings = timer->data;

	if (!settings->querying && !settings->closing)
		settings_query(settings, QUERY_settings_version, version_received);
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

static void settings_timer_closed(uv_handle_t *handle)
{
	struct settings *settings = handle->data;

	settings->timer_open = false;
	if (!settings->querying)
		settings_destroy(settings);
}

void settings_free(struct settings *settings)
{
	if (!settings)
		return;
	settings->closing = true;
	uv_close((uv_handle_t *)&settings->timer, settings_timer_closed);
}

void settings_poll_start(struct settings *settings, void (*read)(void *arg), void *arg)
{
	settings->read = read;
	settings->arg = arg;
	uv_timer_start(&settings->timer, settings_poll, POLL_MS, POLL_MS);
	settings_query(settings, QUERY_settings_get, snapshot_received);
}

/* --- Broadcasting ----------------------------------------------------------------------------- */

/* Messages of two loops arrive in any order: a snapshot that is not newer is ignored. */
static void snapshot_offer(struct settings *settings, const struct snapshot *snapshot)
{
	if (!settings || settings->closing || snapshot->version <= settings->version)
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

/* rq->state between the write and the next step. */
struct settings_broadcast {
	void (*next)(struct request *rq);
	void *state;
};

/* An error is not reported to the client: the write is done, and every loop polls the change within
 * a second. */
static void broadcast_read(struct request *rq, const struct db_result *result)
{
	const struct settings_broadcast *broadcast = rq->state;
	struct snapshot snapshot;

	if (!db_error(result) && db_rows(result) == 1) {
		snapshot = snapshot_of(result);
		snapshot_offer(rq->app->settings, &snapshot);
		for (struct app **other = rq->app->all; other && *other; other++)
			if (*other != rq->app)
				settings_send(*other, &snapshot);
	}
	rq->state = broadcast->state;
	broadcast->next(rq);
}

void settings_apply(struct request *rq, void (*next)(struct request *rq))
{
	struct settings_broadcast *broadcast = ARENA_NEW(rq->arena, struct settings_broadcast);

	if (!broadcast)
		return next(rq);
	*broadcast = (struct settings_broadcast){ next, rq->state };
	rq->state = broadcast;
	SQL_POSITIONAL_(rq, DB_WRITE, settings_get, true, broadcast_read);
}

/* --- Admission -------------------------------------------------------------------------------- */

void maintenance_admit(struct request *rq)
{
	const struct settings *settings = rq->app->settings;

	if (rq->route->during_maintenance || rq->ns == NS_ADMIN)
		return admit_account(rq);
	if (!settings_loaded(settings))
		return reply_error(rq, E_STORE_DOWN);
	if (settings_maintenance(settings)) {
		reply_retry_after(rq, 60);
		return reply_error(rq, E_MAINTENANCE);
	}
	admit_account(rq);
}
