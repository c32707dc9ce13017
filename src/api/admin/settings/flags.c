/* SPDX-License-Identifier: MIT
 *
 * Feature flags. Those of the server's own switches (service.mart …) set the setting they stand
 * for, so that a flag and the configuration never tell two things.
 */
#include "admin/act.h"
#include "reeyo/api/admin.h"

static const char *const scope_words[] = { "GLOBAL", "COUNTRY", NULL };

static const struct field flag_body[] = {
	{ "enabled", FIELD_BOOL, .also = "isEnabled is_enabled" },
	{ "description", FIELD_TEXT, .lines = true, .max = 500, .clearable = true },
	{ "rollout_pct", FIELD_INT, .min = 0, .max = 100, .also = "rolloutPct" },
	{ "scope", FIELD_ENUM, .words = scope_words },
	{ "country_code", FIELD_TEXT, .min = 2, .max = 2, .clearable = true,
		.also = "countryCode" },
	{ "metadata", FIELD_OBJECT },
	FIELD_END
};
static const struct field flag_fields[] = {
	{ "key", FIELD_TEXT, .required = true },
	{ "enabled", FIELD_BOOL, .required = true },
	{ "description", FIELD_TEXT, .required = true },
	{ "rollout_pct", FIELD_INT, .required = true },
	{ "scope", FIELD_ENUM, .required = true, .words = scope_words },
	{ "country_code", FIELD_TEXT, .nullable = true },
	{ "metadata", FIELD_OBJECT, .required = true },
	FIELD_END
};

static void list_flags(struct request *rq)
{
	SQL_(rq, DB_WRITE, admin_flag_list, false, admin_shown);
}

static const char *metadata_of(struct request *rq)
{
	const json_t *metadata = member(rq->body, "metadata");
	char *text = metadata ? json_dumps(metadata, JSON_COMPACT) : NULL;
	const char *copy = text ? arena_copy(rq->arena, text, strlen(text)) : NULL;

	free(text);
	return copy;
}

static void put_flag(struct request *rq)
{
	bool given = member(rq->body, "enabled");

	sql_write(rq, admin_flag_put, admin_set, rq->params[0],
		given ? member_bool(rq->body, "enabled", false) ? "t" : "f" : NULL,
		arg_change(rq, "description"),
		member(rq->body, "rollout_pct") ?
			arg_int(rq, body_int(rq, "rollout_pct", 100)) : NULL,
		body_text(rq, "scope"), arg_change(rq, "country_code"), metadata_of(rq),
		rq->caller.id, "flag.change", act_details(rq), rq->request_id);
}

static void deleted(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return reply_error(rq, E_NOT_FOUND);
	reply_message(rq, "Flag deleted", "Option supprimée");
}

static void delete_flag(struct request *rq)
{
	sql_write(rq, admin_flag_delete, deleted, rq->params[0], rq->caller.id, "flag.delete",
		rq->request_id);
}

const struct route admin_flag_routes[] = {
	{ GET, "/config/feature-flags", .who = ADMIN, .reply = flag_fields, .shape = REPLY_ARRAY,
		.run = list_flags, .does = "Feature flags, by key" },
	{ PATCH, "/config/feature-flags/:key", .who = SUPER_ADMIN, .any_write = true,
		.body = flag_body, .reply = flag_fields, .run = put_flag,
		.does = "Change a flag, or make it" },
	{ DELETE, "/config/feature-flags/:key", .who = SUPER_ADMIN, .shape = REPLY_MESSAGE,
		.errors = { E_NOT_FOUND }, .run = delete_flag,
		.does = "Delete a flag; what it switched stays as it is" },
	ROUTE_END
};
