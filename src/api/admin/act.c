/* SPDX-License-Identifier: MIT
 *
 * What the console's routes share.
 */
#include "act.h"

#include <strings.h>

#include "reeyo/api/order_acts.h"
#include "reeyo/api/session.h"
#include "reeyo/api/settings.h"
#include "reeyo/core/clock.h"

const struct field account_query[] = {
	{ "search", FIELD_TEXT, .max = 100, .also = "q", .does = "In names, phones and e-mails" },
	{ "status", FIELD_TEXT, .max = 40,
		.does = "A status in either spelling; ALL or none: any" },
	PAGE_FIELDS,
	FIELD_END
};
const struct field reason_body[] = {
	{ "reason", FIELD_TEXT, .lines = true, .required = true, .min = 1, .max = 500 },
	FIELD_END
};
const struct field no_body[] = { FIELD_END };

const char *const approval_words[][2] = {
	{ "PENDING", "PENDING" },
	{ "PENDING_APPROVAL", "PENDING" },
	{ "PENDING_VERIFICATION", "PENDING" },
	{ "APPROVED", "APPROVED" },
	{ "ACTIVE", "APPROVED" },
	{ "REJECTED", "REJECTED" },
	{ "SUSPENDED", "SUSPENDED" },
	{ NULL, NULL },
};

/* --- Reading ---------------------------------------------------------------------------------- */

void admin_listed(struct request *rq, const struct db_result *result)
{
	reply_page(rq, db_text(result, 0, 1), request_page(rq, 20), db_int(result, 0, 0));
}

void admin_shown(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return reply_error(rq, E_NOT_FOUND);
	reply_data(rq, db_text(result, 0, 0));
}

void admin_decided(struct request *rq, const struct db_result *result)
{
	struct text outcome = db_text(result, 0, 0);

	if (db_is_null(result, 0, 1))
		return reply_error(rq, error_named(outcome.at, outcome.len));
	reply_data(rq, db_text(result, 0, 1));
}

void admin_once(struct request *rq, const struct db_result *result)
{
	struct text outcome;

	if (!outcome_take(rq, result, &outcome))
		return;
	if (!text_is(outcome, TEXT("DONE")))
		return reply_error(rq, error_named(outcome.at, outcome.len));
	reply_data(rq, db_text(result, 0, 1));
}

bool word_take(struct request *rq, const char *name,
	const char *const (*words)[2], const char **ret)
{
	const char *asked = query_text(rq, name);

	*ret = NULL;
	if (!asked || !asked[0] || strcasecmp(asked, "ALL") == 0)
		return true;
	for (; (*words)[0]; words++)
		if (strcasecmp(asked, (*words)[0]) == 0) {
			*ret = (*words)[1];
			return true;
		}
	reply_field(rq, name, "is not one of its words", "n'est pas l'un de ses mots");
	return false;
}

bool status_take(struct request *rq, const char *const (*words)[2], const char **ret)
{
	return word_take(rq, "status", words, ret);
}

void orders_of(struct request *rq, const char *states, const char *vendor, const char *rider,
	const char *user)
{
	struct page page = request_page(rq, 20);

	sql_read(rq, admin_order_list, admin_listed, states, NULL, vendor, rider, user, NULL, NULL,
		NULL, arg_int(rq, page.limit), arg_int(rq, page.offset));
}

const char *day_at(struct request *rq, const char *name, const char *clock)
{
	const char *zone = json_string_value(settings_value(rq->app->settings, "time_zone"));
	const char *day = query_text(rq, name);

	return day ? arena_printf(rq->arena, "%s %s %s", day, clock, zone ? zone : "Africa/Douala")
	           : NULL;
}

/* --- Acting ----------------------------------------------------------------------------------- */

const char *act_details(struct request *rq)
{
	json_auto_t *kept = json_object();
	char *text, *copy;

	for (const struct field *field = rq->route->body; kept && field && field->name; field++) {
		json_t *value = json_object_get(rq->body, field->name);

		if (value && field->kind != FIELD_SECRET && field->kind != FIELD_PASSWORD)
			json_object_set(kept, field->name, value);
	}
	/* 0.15 as it was written */
	text = json_dumps(kept, JSON_COMPACT | JSON_REAL_PRECISION(15));
	copy = text ? arena_copy(rq->arena, text, strlen(text)) : NULL;
	free(text);
	return copy ? copy : "{}";
}

/* What account_end gives: the cut-off in milliseconds, then ids, comma separated. The cut-off ends
 * what a list cut short. */
static void sessions_end(struct request *rq, const char *account, struct text ids)
{
	struct text cutoff = text_cut(&ids, ',');
	char copy[ID_SIZE];
	int64_t before_ms;

	if (text_to_int(cutoff, 0, INT64_MAX, &before_ms))
		tokens_revoke(rq->app, account, before_ms);
	while (ids.at) {
		struct text id = text_cut(&ids, ',');

		if (id.len == 0 || id.len >= sizeof(copy))
			continue;
		memcpy(copy, id.at, id.len);
		copy[id.len] = '\0';
		session_ended(rq, copy);
	}
}

/* False when there is no memory for it, and that has been answered. */
static bool row_keep(struct request *rq, const struct db_result *result)
{
	struct act *act = ARENA_NEW(rq->arena, struct act);
	struct text row = db_text(result, 0, 0);

	if (act)
		*act = (struct act){
			.row = { arena_copy(rq->arena, row.at, row.len), row.len },
			.subject = rq->params[0],
		};
	if (!act || !act->row.at) {
		reply_error(rq, E_NO_MEMORY);
		return false;
	}
	rq->state = act;
	return true;
}

bool act_done(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0) {
		reply_error(rq, E_NOT_FOUND);
		return false;
	}
	if (!db_is_null(result, 0, 1))
		sessions_end(rq, rq->params[0], db_text(result, 0, 1));
	return row_keep(rq, result);
}

void act_reply(struct request *rq)
{
	reply_data(rq, ((struct act *)rq->state)->row);
}

void admin_set(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return reply_error(rq, E_NOT_FOUND);
	if (row_keep(rq, result))
		settings_spread(rq, act_reply);
}

void act_fail(struct request *rq, const struct db_result *result)
{
	const char *what = db_error_detail(result);
	int err = db_error(result);

	if (err == E_CONFLICT_ROW && strstr(what, "phone"))
		err = E_PHONE_TAKEN;
	else if (err == E_CONFLICT_ROW && strstr(what, "email"))
		err = E_EMAIL_TAKEN;
	reply_error(rq, err);
}
