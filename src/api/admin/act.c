/* SPDX-License-Identifier: MIT
 *
 * Functions that the admin routes share; see act.h.
 */
#include "act.h"

#include <strings.h>

#include "reeyo/api/order_acts.h"
#include "reeyo/api/session.h"
#include "reeyo/api/settings.h"
#include "reeyo/core/clock.h"

const struct field account_query[] = {
	{ "search", FIELD_TEXT, .max = 100, .aliases = "q",
		.summary = "Searched in names, phones and e-mails" },
	{ "status", FIELD_TEXT, .max = 40,
		.summary = "A status in either spelling; ALL or absent: any" },
	PAGE_FIELDS,
	FIELD_END,
};
const struct field reason_body[] = {
	{ "reason", FIELD_TEXT, .lines = true, .required = true, .min = 1, .max = 500 },
	FIELD_END,
};
const struct field empty_body[] = { FIELD_END };

const char *const approval_filter_words[][2] = {
	{ "PENDING", "PENDING" },
	{ "PENDING_APPROVAL", "PENDING" },
	{ "PENDING_VERIFICATION", "PENDING" },
	{ "APPROVED", "APPROVED" },
	{ "ACTIVE", "APPROVED" },
	{ "REJECTED", "REJECTED" },
	{ "SUSPENDED", "SUSPENDED" },
	{ NULL, NULL },
};

/* --- Replies ---------------------------------------------------------------------------------- */

void admin_reply_page(struct request *rq, const struct db_result *result)
{
	reply_page(rq, db_text(result, 0, 1), request_page(rq, 20), db_int(result, 0, 0));
}

void admin_reply_row(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return reply_error(rq, E_NOT_FOUND);
	reply_data(rq, db_text(result, 0, 0));
}

void admin_reply_outcome(struct request *rq, const struct db_result *result)
{
	struct text outcome = db_text(result, 0, 0);

	if (db_is_null(result, 0, 1))
		return reply_error(rq, error_from_name(outcome.at, outcome.len));
	reply_data(rq, db_text(result, 0, 1));
}

void admin_reply_idempotent(struct request *rq, const struct db_result *result)
{
	struct text outcome;

	if (!outcome_or_reply(rq, result, &outcome))
		return;
	if (!text_is(outcome, TEXT("DONE")))
		return reply_error(rq, error_from_name(outcome.at, outcome.len));
	reply_data(rq, db_text(result, 0, 1));
}

bool word_filter_parse(
	struct request *rq, const char *name, const char *const (*words)[2], const char **ret)
{
	const char *given = query_text(rq, name);

	*ret = NULL;
	if (!given || !given[0] || strcasecmp(given, "ALL") == 0)
		return true;
	for (; (*words)[0]; words++)
		if (strcasecmp(given, (*words)[0]) == 0) {
			*ret = (*words)[1];
			return true;
		}
	reply_field(rq, name, "is not one of its words", "n'est pas l'un de ses mots");
	return false;
}

bool status_filter_parse(struct request *rq, const char *const (*words)[2], const char **ret)
{
	return word_filter_parse(rq, "status", words, ret);
}

void admin_orders_reply(struct request *rq, const char *states, const char *vendor,
	const char *rider, const char *user)
{
	struct page page = request_page(rq, 20);

	sql_read_positional(rq, admin_order_list, admin_reply_page, states, NULL, vendor, rider,
		user, NULL, NULL, NULL, arg_int(rq, page.limit), arg_int(rq, page.offset));
}

const char *query_day_time(struct request *rq, const char *name, const char *clock)
{
	const char *zone = settings_text(rq->app->settings, SETTING_TIME_ZONE);
	const char *day = query_text(rq, name);

	return day ? arena_printf(rq->arena, "%s %s %s", day, clock, zone) : NULL;
}

/* --- Writes ----------------------------------------------------------------------------------- */

const char *audit_details(struct request *rq)
{
	json_auto_t *kept = json_object();
	char *text, *copy;

	for (const struct field *field = rq->route->body; kept && field && field->name; field++) {
		json_t *value = json_object_get(rq->body, field->name);

		if (value && field->kind != FIELD_SECRET && field->kind != FIELD_PASSWORD)
			json_object_set(kept, field->name, value);
	}
	/* 15 digits print 0.15 as the client wrote it. */
	text = json_dumps(kept, JSON_COMPACT | JSON_REAL_PRECISION(15));
	copy = text ? arena_copy(rq->arena, text, strlen(text)) : NULL;
	free(text);
	return copy ? copy : "{}";
}

/* ids is the result of account_end_sessions: the cut-off in milliseconds, then session ids, comma
 * separated. The list is limited; the cut-off also ends the sessions that it leaves out. */
static void account_sessions_end(struct request *rq, const char *account, struct text ids)
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
		session_revoke(rq, copy);
	}
}

/* Returns false when memory is out; the error has been sent. */
static bool kept_row_set(struct request *rq, const struct db_result *result)
{
	struct kept_row *kept = ARENA_NEW(rq->arena, struct kept_row);
	struct text row = db_text(result, 0, 0);

	if (kept)
		*kept = (struct kept_row){
			.row = { arena_copy(rq->arena, row.at, row.len), row.len },
			.subject = rq->params[0],
		};
	if (!kept || !kept->row.at) {
		reply_error(rq, E_NO_MEMORY);
		return false;
	}
	rq->state = kept;
	return true;
}

bool admin_row_keep(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0) {
		reply_error(rq, E_NOT_FOUND);
		return false;
	}
	if (!db_is_null(result, 0, 1))
		account_sessions_end(rq, rq->params[0], db_text(result, 0, 1));
	return kept_row_set(rq, result);
}

void admin_row_reply(struct request *rq)
{
	reply_data(rq, ((struct kept_row *)rq->state)->row);
}

void admin_reply_setting(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return reply_error(rq, E_NOT_FOUND);
	if (kept_row_set(rq, result))
		settings_apply(rq, admin_row_reply);
}

void admin_reply_conflict(struct request *rq, const struct db_result *result)
{
	const char *detail = db_error_detail(result);
	int err = db_error(result);

	if (err == E_CONFLICT_ROW && strstr(detail, "phone"))
		err = E_PHONE_TAKEN;
	else if (err == E_CONFLICT_ROW && strstr(detail, "email"))
		err = E_EMAIL_TAKEN;
	reply_error(rq, err);
}
