/* SPDX-License-Identifier: MIT
 *
 * The configuration that the apps need before login: which services run, their minimums and fees,
 * and the payment methods. Made from the loop's settings; commissions are not included.
 */
#include <stdio.h>

#include "reeyo/api/settings.h"
#include "reeyo/api/user.h"
#include "reeyo/core/clock.h"

#define MAX_AGE 30

static const char *const service_names[ORDER_TYPES] = { "food", "mart", "packages" };

static void kilograms_write(struct buf *out, int64_t grams)
{
	buf_printf(out, grams % 1000 ? "%lld.%03lld" : "%lld", (long long)(grams / 1000),
		(long long)(grams % 1000));
}

/* The members of a service, without braces. */
static void config_service_write(
	struct buf *out, const struct price_rules *rules, enum order_type type)
{
	if (type == PACKAGE) {
		buf_printf(out,
			"\"baseFee\":%lld,\"feePerKm\":%lld,\"fragileFee\":%lld,\"maxWeight\":",
			(long long)rules->package_base, (long long)rules->package_per_km,
			(long long)rules->package_fragile);
		kilograms_write(out, rules->package_max_grams);
		return;
	}
	buf_printf(out, "\"minOrderAmount\":%lld,\"deliveryFee\":%lld",
		(long long)(rules->min_service[type] > rules->min_order ? rules->min_service[type]
									: rules->min_order),
		(long long)rules->flat_fee[type]);
}

static void config_services_write(struct buf *out, const struct settings *settings)
{
	const char *comma = "";

	for (enum order_type type = FOOD; type < ORDER_TYPES; type++) {
		if (!settings_service_on(settings, type))
			continue;
		buf_printf(out, "%s\"%s\":{\"enabled\":true,", comma, service_names[type]);
		config_service_write(out, settings_rules(settings), type);
		buf_add_string(out, "}");
		comma = ",";
	}
}

static void config_methods_write(struct buf *out, const struct settings *settings)
{
	const char *comma = "";

	for (enum payment_method method = PAY_WALLET; method < PAYMENT_METHODS; method++) {
		if (!settings_method_on(settings, method))
			continue;
		buf_printf(out, "%s\"%s\"", comma, payment_method_words[method]);
		comma = ",";
	}
}

static void get_app_config(struct request *rq)
{
	const struct settings *settings = rq->app->settings;
	const char *version = settings_text(settings, SETTING_APP_VERSION);
	struct buf out = buf_in(rq->arena, 640);

	if (!settings_loaded(settings))
		return reply_error(rq, E_STORE_DOWN);
	buf_add_string(&out, "{\"services\":{");
	config_services_write(&out, settings);
	buf_add_string(&out, "},\"paymentMethods\":[");
	config_methods_write(&out, settings);
	buf_add_string(&out, "],\"version\":");
	buf_add_json(&out, text_of(version ? version : REEYO_VERSION));
	buf_printf(&out, ",\"maintenanceMode\":%s,\"currency\":\"XAF\"}",
		settings_flag(settings, SETTING_MAINTENANCE) ? "true" : "false");
	reply_data(rq, text_of(buf_string(&out)));
}

/* The apps read `message` and `comingSoon` beside `error`. */
static void reply_service_off(struct request *rq, const char *name)
{
	const struct error_row *row = error_row(E_SERVICE_OFF);
	const char *words = rq->french ? row->french : row->english;
	struct buf out = buf_in(rq->arena, 512);
	char now[CLOCK_ISO_SIZE];

	clock_iso(clock_wall_ms(), now);
	buf_add_string(&out, "{\"success\":false,\"message\":");
	buf_add_json(&out, text_of(words));
	buf_printf(&out,
		",\"comingSoon\":true,\"error\":{\"code\":\"%s\",\"message\":", row->code[rq->ns]);
	buf_add_json(&out, text_of(words));
	buf_printf(&out,
		",\"details\":{\"serviceName\":\"%s\"}},\"timestamp\":\"%s\",\"path\":", name, now);
	buf_add_json(&out, rq->path);
	buf_add_string(&out, ",\"requestId\":");
	buf_add_json(&out, text_of(rq->request_id));
	buf_add_string(&out, "}");
	if (!buf_string(&out))
		return reply_error(rq, E_NO_MEMORY);
	reply_bare(rq, row->status, "application/json; charset=utf-8",
		(struct text){ out.at, out.len });
}

static void get_service_config(struct request *rq)
{
	const struct settings *settings = rq->app->settings;
	int type = order_type_parse(rq->params[0]);
	struct buf out = buf_in(rq->arena, 256);

	if (type < 0)
		return reply_error(rq, E_NOT_FOUND);
	if (!settings_loaded(settings))
		return reply_error(rq, E_STORE_DOWN);
	if (!settings_service_on(settings, (enum order_type)type))
		return reply_service_off(rq, service_names[type]);
	buf_printf(
		&out, "{\"serviceName\":\"%s\",\"enabled\":true,\"config\":{", service_names[type]);
	config_service_write(&out, settings_rules(settings), (enum order_type)type);
	buf_add_string(&out, "}}");
	reply_data(rq, text_of(buf_string(&out)));
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
