/* SPDX-License-Identifier: MIT
 *
 * The configuration that the apps need before login: which services run, their minimums and fees,
 * and the payment methods. Made from the loop's settings; commissions are not included.
 */
#include "reeyo/api/user.h"
#include "reeyo/core/clock.h"
#include "reeyo/core/json_writer.h"
#include "reeyo/http/request.h"
#include "reeyo/service/settings.h"

#define MAX_AGE 30

static const char *const service_names[ORDER_TYPES] = { "food", "mart", "packages" };

/* The members of a service, into an open object. */
static void config_service_write(
	struct json_writer *json, const struct price_rules *rules, enum order_type type)
{
	int64_t minimum = rules->min_service[type];

	if (type == PACKAGE) {
		json_write_member_int(json, "baseFee", rules->package_base);
		json_write_member_int(json, "feePerKm", rules->package_per_km);
		json_write_member_int(json, "fragileFee", rules->package_fragile);
		json_write_member_double(
			json, "maxWeight", (double)rules->package_max_grams / 1000);
		return;
	}
	json_write_member_int(
		json, "minOrderAmount", minimum > rules->min_order ? minimum : rules->min_order);
	json_write_member_int(json, "deliveryFee", rules->flat_fee[type]);
}

static void config_services_write(struct json_writer *json, const struct settings *settings)
{
	json_write_member_object(json, "services");
	for (enum order_type type = FOOD; type < ORDER_TYPES; type++) {
		if (!settings_service_on(settings, type))
			continue;
		json_write_member_object(json, service_names[type]);
		json_write_member_bool(json, "enabled", true);
		config_service_write(json, settings_rules(settings), type);
		json_write_object_end(json);
	}
	json_write_object_end(json);
}

static void config_methods_write(struct json_writer *json, const struct settings *settings)
{
	json_write_member_array(json, "paymentMethods");
	for (enum payment_method method = PAY_WALLET; method < PAYMENT_METHODS; method++)
		if (settings_method_on(settings, method))
			json_write_string(json, payment_method_words[method]);
	json_write_array_end(json);
}

static void get_app_config(struct request *rq)
{
	const struct settings *settings = rq->app->settings;
	struct buf out = buf_in(rq->arena, 640);
	struct json_writer json = json_write_to(&out);

	if (!settings_loaded(settings))
		return reply_error(rq, E_STORE_DOWN);
	json_write_object(&json);
	config_services_write(&json, settings);
	config_methods_write(&json, settings);
	json_write_member_string(&json, "version", settings_text(settings, SETTING_APP_VERSION));
	json_write_member_bool(
		&json, "maintenanceMode", settings_flag(settings, SETTING_MAINTENANCE));
	json_write_member_string(&json, "currency", "XAF");
	json_write_object_end(&json);
	reply_data(rq, text_of(json_write_finish(&json)));
}

static void service_off_error_write(
	struct json_writer *json, const char *code, const char *message, const char *service)
{
	json_write_member_object(json, "error");
	json_write_member_string(json, "code", code);
	json_write_member_string(json, "message", message);
	json_write_member_object(json, "details");
	json_write_member_string(json, "serviceName", service);
	json_write_object_end(json);
	json_write_object_end(json);
}

/* The apps read `message` and `comingSoon` beside `error`. */
static void reply_service_off(struct request *rq, const char *name)
{
	const struct error_row *row = error_row(E_SERVICE_OFF);
	const char *message = rq->french ? row->french : row->english, *body;
	struct buf out = buf_in(rq->arena, 512);
	struct json_writer json = json_write_to(&out);
	char now[CLOCK_ISO_SIZE];

	clock_iso(clock_wall_ms(), now);
	json_write_object(&json);
	json_write_member_bool(&json, "success", false);
	json_write_member_string(&json, "message", message);
	json_write_member_bool(&json, "comingSoon", true);
	service_off_error_write(&json, row->code[rq->ns], message, name);
	json_write_member_string(&json, "timestamp", now);
	json_write_member_text(&json, "path", rq->path);
	json_write_member_string(&json, "requestId", rq->request_id);
	json_write_object_end(&json);
	body = json_write_finish(&json);
	if (!body)
		return reply_error(rq, E_NO_MEMORY);
	reply_bare(rq, row->status, "application/json; charset=utf-8", text_of(body));
}

static void get_service_config(struct request *rq)
{
	const struct settings *settings = rq->app->settings;
	int type = order_type_parse(rq->params[0]);
	struct buf out = buf_in(rq->arena, 256);
	struct json_writer json = json_write_to(&out);

	if (type < 0)
		return reply_error(rq, E_NOT_FOUND);
	if (!settings_loaded(settings))
		return reply_error(rq, E_STORE_DOWN);
	if (!settings_service_on(settings, (enum order_type)type))
		return reply_service_off(rq, service_names[type]);
	json_write_object(&json);
	json_write_member_string(&json, "serviceName", service_names[type]);
	json_write_member_bool(&json, "enabled", true);
	json_write_member_object(&json, "config");
	config_service_write(&json, settings_rules(settings), (enum order_type)type);
	json_write_object_end(&json);
	json_write_object_end(&json);
	reply_data(rq, text_of(json_write_finish(&json)));
}

static const struct field service_fields[] = {
	{ "enabled", FIELD_BOOL, .required = true },
	{ "minOrderAmount", FIELD_MONEY },
	{ "deliveryFee", FIELD_MONEY,
		.summary = "For display; the fee charged depends on the distance" },
	{ "baseFee", FIELD_MONEY, .summary = "packages" },
	{ "feePerKm", FIELD_MONEY, .summary = "packages" },
	{ "fragileFee", FIELD_MONEY, .summary = "packages" },
	{ "maxWeight", FIELD_NUMBER, .summary = "packages, kg" },
	FIELD_END,
};
static const struct field services_fields[] = {
	{ "food", FIELD_OBJECT, .of = service_fields },
	{ "mart", FIELD_OBJECT, .of = service_fields },
	{ "packages", FIELD_OBJECT, .of = service_fields },
	FIELD_END,
};
static const struct field config_fields[] = {
	{ "services", FIELD_OBJECT, .required = true, .of = services_fields,
		.summary = "The services that run" },
	{ "paymentMethods", FIELD_LIST, .required = true, .each = FIELD_TEXT },
	{ "version", FIELD_TEXT, .required = true },
	{ "maintenanceMode", FIELD_BOOL, .required = true },
	{ "currency", FIELD_TEXT, .required = true },
	FIELD_END,
};
static const struct field one_service_fields[] = {
	{ "serviceName", FIELD_TEXT, .required = true },
	{ "enabled", FIELD_BOOL, .required = true },
	{ "config", FIELD_OBJECT, .required = true },
	FIELD_END,
};

const struct route user_config_routes[] = {
	{ GET, "/config", .operation = "getPublicConfiguration", .access = ANYONE,
		.during_maintenance = true, .max_age = MAX_AGE, .reply = config_fields,
		.errors = { E_STORE_DOWN }, .run = get_app_config,
		.summary =
			"Services, payment methods and whether the platform is under maintenance" },
	{ GET, "/config/service/:name", .operation = "getService", .access = ANYONE,
		.during_maintenance = true, .max_age = MAX_AGE, .reply = one_service_fields,
		.errors = { E_NOT_FOUND, E_SERVICE_OFF, E_STORE_DOWN }, .run = get_service_config,
		.summary = "One service: food, mart or packages" },
	ROUTE_END,
};
