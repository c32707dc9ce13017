/* SPDX-License-Identifier: MIT
 *
 * The business configuration: the admin reads and changes it (setting_changes.c has the table of
 * keys). A change applies immediately on the instance that receives it, and within a second on
 * every other, because all of them follow the table `settings`. Reads go to the primary, so an
 * admin sees the change just made.
 */
#include "admin/audit.h"
#include "admin/reply.h"
#include "reeyo/api/admin.h"
#include "reeyo/db/queries/admin_config.h"
#include "reeyo/domain/order.h"
#include "setting_changes.h"

static const char *const service_names[ORDER_TYPES] = { "food", "mart", "packages" };

/* Values of any type: setting_changes.c also reads numbers from strings, and checks each value
 * itself. */
static const struct field config_body[] = {
	{ "commission_rate", FIELD_ANY,
		.summary = "FOOD and MART; below 1 a fraction, else a percentage" },
	{ "commission_rate_food", FIELD_ANY },
	{ "commission_rate_mart", FIELD_ANY },
	{ "package_platform_fee", FIELD_ANY },
	{ "service_fee", FIELD_ANY, .summary = "Rate of the subtotal" },
	{ "rider_cut", FIELD_ANY, .summary = "Rate of the delivery fee" },
	{ "delivery_fee_base", FIELD_ANY },
	{ "base_delivery_fare", FIELD_ANY, .summary = "Another name for delivery_fee_base" },
	{ "delivery_fee_per_km", FIELD_ANY },
	{ "free_delivery_threshold", FIELD_ANY },
	{ "min_order_amount", FIELD_ANY },
	{ "max_order_amount", FIELD_ANY },
	{ "rider_search_radius_m", FIELD_ANY },
	{ "delivery_max_distance_km", FIELD_ANY },
	{ "maintenance_mode", FIELD_ANY },
	{ "min_payout", FIELD_ANY, .summary = "{XAF,NGN,KES,GHS}" },
	{ "services", FIELD_ANY, .summary = "{food,mart,packages}" },
	{ "food", FIELD_ANY, .summary = "As a member of services" },
	{ "mart", FIELD_ANY },
	{ "packages", FIELD_ANY },
	{ "settings", FIELD_ANY, .summary = "Settings under their stored keys" },
	{ "paymentMethods", FIELD_ANY },
	FIELD_END,
};
static const struct field commission_body[] = {
	{ "serviceName", FIELD_TEXT, .required = true, .max = 20,
		.aliases = "service_name service" },
	{ "commissionRate", FIELD_NUMBER, .required = true, .min = 0, .max = 100,
		.aliases = "commission_rate", .summary = "A percentage; below 1 a fraction" },
	FIELD_END,
};
static const struct field toggle_body[] = {
	{ "serviceName", FIELD_TEXT, .required = true, .max = 20,
		.aliases = "service_name service" },
	{ "enabled", FIELD_BOOL, .required = true, .aliases = "isEnabled is_enabled" },
	FIELD_END,
};

#define RATE(name) \
	{ \
		name, FIELD_NUMBER, .required = true \
	}
#define SUM(name) \
	{ \
		name, FIELD_MONEY, .required = true \
	}
static const struct field commission_fields[] = {
	{ "commission_rate", FIELD_NUMBER, .required = true, .summary = "A percentage, of FOOD" },
	RATE("commission_rate_food"),
	RATE("commission_rate_mart"),
	RATE("package_platform_fee"),
	FIELD_END,
};
static const struct field config_fields[] = {
	{ "commission_rate", FIELD_NUMBER, .required = true, .summary = "A percentage, of FOOD" },
	RATE("commission_rate_food"),
	RATE("commission_rate_mart"),
	RATE("package_platform_fee"),
	{ "service_fee", FIELD_NUMBER, .required = true, .summary = "A percentage" },
	{ "rider_cut", FIELD_NUMBER, .required = true, .summary = "A percentage" },
	SUM("delivery_fee_base"),
	SUM("base_delivery_fare"),
	SUM("delivery_fee_per_km"),
	SUM("free_delivery_threshold"),
	SUM("min_order_amount"),
	SUM("max_order_amount"),
	{ "rider_search_radius_m", FIELD_INT, .required = true },
	{ "delivery_max_distance_km", FIELD_NUMBER, .required = true },
	{ "maintenance_mode", FIELD_BOOL, .required = true },
	{ "min_payout", FIELD_OBJECT, .required = true,
		.summary = "{XAF,NGN,KES,GHS}; null: not set" },
	{ "services", FIELD_OBJECT, .required = true, .summary = "{food,mart,packages}" },
	{ "settings", FIELD_OBJECT, .required = true,
		.summary = "All settings under their stored keys" },
	{ "paymentMethods", FIELD_LIST, .required = true, .each = FIELD_TEXT },
	FIELD_END,
};

/* --- Reading ---------------------------------------------------------------------------------- */

static void admin_config_show(struct request *rq)
{
	sql_read_primary(rq, admin_config_get, admin_reply_row);
}

static void commission_show(struct request *rq)
{
	sql_read_primary(rq, admin_commission_get, admin_reply_row);
}

/* --- Writing ---------------------------------------------------------------------------------- */

static void config_changes_write(
	struct request *rq, const struct db_result *result, const json_t *changes)
{
	const char *text = arg_json(rq, changes);

	if (!text)
		return reply_error(rq, E_NO_MEMORY);
	if (json_object_size(changes) == 0)
		return admin_reply_row(rq, result);
	admin_write(rq, admin_config_put, admin_reply_setting, .changes = text,
		.admin_id = rq->caller.id);
}

/* rq->state: the requested configuration, as JSON. */
static void config_changes_find(struct request *rq, const struct db_result *result)
{
	struct text raw = db_text(result, 0, ADMIN_CONFIG_GET_SETTINGS);
	json_auto_t *settings = json_loadb(raw.at, raw.len, 0, NULL);
	struct setting_fault fault;
	json_auto_t *changes = settings_changes(rq->state, settings, &fault);

	if (!changes && !fault.field[0])
		return reply_error(rq, E_NO_MEMORY);
	if (!changes)
		return reply_field(rq, fault.field, fault.english, fault.french);
	config_changes_write(rq, result, changes);
}

static void config_update(struct request *rq, json_t *requested)
{
	rq->state = requested;
	sql_read_primary(rq, admin_config_get, config_changes_find);
}

static void admin_config_change(struct request *rq)
{
	config_update(rq, rq->body);
}

static void json_dispose(void *requested)
{
	json_decref(requested);
}

/* Changes {"services":{name:{key:value}}}, where name is the body's service. */
static void service_config_update(struct request *rq, const char *key, json_t *value)
{
	int type = order_type_parse(body_text(rq, "serviceName"));
	json_t *requested = type < 0
		? NULL
		: json_pack("{s:{s:{s:O}}}", "services", service_names[type], key, value);

	if (type < 0)
		return reply_field(rq, "serviceName", "must be food, mart or packages",
			"doit être food, mart ou packages");
	if (!requested || arena_dispose(rq->arena, json_dispose, requested)) {
		json_decref(requested);
		return reply_error(rq, E_NO_MEMORY);
	}
	config_update(rq, requested);
}

static void service_commission_set(struct request *rq)
{
	service_config_update(rq, "commissionRate", member(rq->body, "commissionRate"));
}

static void service_toggle(struct request *rq)
{
	service_config_update(rq, "enabled", member(rq->body, "enabled"));
}

const struct route admin_config_routes[] = {
	{ GET, "/config", .operation = "getConfiguration", .permission = "settings.read",
		.reply = config_fields, .run = admin_config_show,
		.summary = "The business configuration" },
	{ PATCH, "/config", .operation = "updateConfiguration", .permission = "settings.write",
		.any_write = true, .body = config_body, .reply = config_fields,
		.run = admin_config_change, .audit = "config.change",
		.summary = "Change any key; a configuration sent back unchanged changes nothing" },
	{ GET, "/config/commission-rate", .operation = "getCommissionRates",
		.permission = "settings.read", .reply = commission_fields, .run = commission_show,
		.summary = "The commission of each service" },
	{ PUT, "/config/commission-rate", .operation = "setCommissionRate",
		.permission = "settings.write", .any_write = true, .body = commission_body,
		.reply = config_fields, .run = service_commission_set, .audit = "config.change",
		.summary = "Set the commission of a service" },
	{ PUT, "/config/toggle-service", .operation = "setServiceAvailability",
		.permission = "settings.write", .any_write = true, .body = toggle_body,
		.reply = config_fields, .run = service_toggle, .audit = "config.change",
		.summary = "Switch a service on or off" },
	ROUTE_END,
};
