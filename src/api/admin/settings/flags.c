/* SPDX-License-Identifier: MIT
 *
 * Feature flags. A flag that stands for a switch of the server (service.mart …) also writes that
 * setting, so that the flag and the configuration always agree.
 */
#include "admin/act.h"
#include "reeyo/api/admin.h"

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
	SQL_POSITIONAL_(rq, DB_WRITE, admin_flag_list, false, admin_reply_row);
}

static const char *flag_metadata_json(struct request *rq)
{
	const json_t *metadata = member(rq->body, "metadata");
	char *text = metadata ? json_dumps(metadata, JSON_COMPACT) : NULL;
	const char *copy = text ? arena_copy(rq->arena, text, strlen(text)) : NULL;

	free(text);
	return copy;
}

static void feature_flag_put(struct request *rq)
{
	bool given = member(rq->body, "enabled");

	sql_write_positional(rq, admin_flag_put, admin_reply_setting, rq->params[0],
		given ? member_bool(rq->body, "enabled", false) ? "t" : "f" : NULL,
		arg_change(rq, "description"),
		member(rq->body, "rollout_pct") ? arg_int(rq, body_int(rq, "rollout_pct", 100))
						: NULL,
		body_text(rq, "scope"), arg_change(rq, "country_code"), flag_metadata_json(rq),
		rq->caller.id, "flag.change", audit_details(rq), rq->request_id);
}

static void feature_flag_deleted(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return reply_error(rq, E_NOT_FOUND);
	reply_message(rq, "Flag deleted", "Option supprimée");
}

static void feature_flag_delete(struct request *rq)
{
	sql_write_positional(rq, admin_flag_delete, feature_flag_deleted, rq->params[0],
		rq->caller.id, "flag.delete", rq->request_id);
}

const struct route admin_flag_routes[] = {
	{ GET, "/config/feature-flags", .operation = "listFeatureFlags", .access = ADMIN,
		.reply = flag_fields, .shape = REPLY_ARRAY, .run = feature_flags_list,
		.summary = "Feature flags, by key" },
	{ PATCH, "/config/feature-flags/:key", .operation = "setFeatureFlag", .access = SUPER_ADMIN,
		.any_write = true, .body = flag_body, .reply = flag_fields, .run = feature_flag_put,
		.summary = "Change a feature flag, or create it" },
	{ DELETE, "/config/feature-flags/:key", .operation = "deleteFeatureFlag",
		.access = SUPER_ADMIN, .shape = REPLY_MESSAGE, .errors = { E_NOT_FOUND },
		.run = feature_flag_delete,
		.summary = "Delete a flag; the setting that it switched does not change" },
	ROUTE_END,
};
