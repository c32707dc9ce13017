/* SPDX-License-Identifier: MIT
 *
 * Feature flags. A flag that stands for a switch of the server (service.mart …) also writes that
 * setting, so that the flag and the configuration always agree.
 */
#include "admin/audit.h"
#include "admin/reply.h"
#include "reeyo/api/admin.h"
#include "reeyo/db/queries/admin_config.h"

static const char *const scope_words[] = { "GLOBAL", "COUNTRY", NULL };

static const struct field flag_body[] = {
	{ "enabled", FIELD_BOOL, .aliases = "isEnabled is_enabled" },
	{ "description", FIELD_TEXT, .lines = true, .max = 500, .clearable = true },
	{ "rollout_pct", FIELD_INT, .min = 0, .max = 100, .aliases = "rolloutPct" },
	{ "scope", FIELD_ENUM, .words = scope_words },
	{ "country_code", FIELD_TEXT, .min = 2, .max = 2, .clearable = true,
		.aliases = "countryCode" },
	{ "metadata", FIELD_OBJECT },
	FIELD_END,
};
static const struct field flag_fields[] = {
	{ "key", FIELD_TEXT, .required = true },
	{ "enabled", FIELD_BOOL, .required = true },
	{ "description", FIELD_TEXT, .required = true },
	{ "rollout_pct", FIELD_INT, .required = true },
	{ "scope", FIELD_ENUM, .required = true, .words = scope_words },
	{ "country_code", FIELD_TEXT, .nullable = true },
	{ "metadata", FIELD_OBJECT, .required = true },
	FIELD_END,
};

static void feature_flags_list(struct request *rq)
{
	sql_read_primary(rq, admin_flag_list, admin_reply_row);
}

static void feature_flag_put(struct request *rq)
{
	admin_write(rq, admin_flag_put, admin_reply_setting, .key = rq->params[0],
		.enabled = optional_bool(rq, rq->body, "enabled"),
		.description = arg_change(rq, "description"),
		.rollout_pct = optional_int(rq, rq->body, "rollout_pct"),
		.scope = body_text(rq, "scope"), .country_code = arg_change(rq, "country_code"),
		.metadata = arg_json(rq, member(rq->body, "metadata")), .admin_id = rq->caller.id);
}

static void feature_flag_deleted(struct request *rq, const struct db_result *result)
{
	admin_reply_deleted(rq, result, "Flag deleted", "Option supprimée");
}

static void feature_flag_delete(struct request *rq)
{
	admin_write(rq, admin_flag_delete, feature_flag_deleted, .key = rq->params[0]);
}

const struct route admin_flag_routes[] = {
	{ GET, "/config/feature-flags", .operation = "listFeatureFlags",
		.permission = "settings.read", .reply = flag_fields, .shape = REPLY_ARRAY,
		.run = feature_flags_list, .summary = "Feature flags, by key" },
	{ PATCH, "/config/feature-flags/:key", .operation = "setFeatureFlag",
		.permission = "settings.write", .any_write = true, .body = flag_body,
		.reply = flag_fields, .run = feature_flag_put, .audit = "flag.change",
		.summary = "Change a feature flag, or create it" },
	{ DELETE, "/config/feature-flags/:key", .operation = "deleteFeatureFlag",
		.permission = "settings.write", .shape = REPLY_MESSAGE, .errors = { E_NOT_FOUND },
		.run = feature_flag_delete, .audit = "flag.delete",
		.summary = "Delete a flag; the setting that it switched does not change" },
	ROUTE_END,
};
