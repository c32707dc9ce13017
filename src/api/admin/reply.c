/* SPDX-License-Identifier: MIT
 *
 * Replies of the admin namespace; see reply.h.
 */
#include "reply.h"

#include "reeyo/api/order_acts.h"
#include "reeyo/api/session.h"
#include "reeyo/api/settings.h"

const struct field reason_body[] = {
	{ "reason", FIELD_TEXT, .lines = true, .required = true, .min = 1, .max = 500 },
	FIELD_END,
};
const struct field empty_body[] = { FIELD_END };

/* --- Rows ------------------------------------------------------------------------------------- */

void admin_reply_row(struct request *rq, const struct db_result *result)
{
	if (db_rows(result) == 0)
		return reply_error(rq, E_NOT_FOUND);
	reply_data(rq, db_text(result, 0, 0));
}

void admin_reply_deleted(
	struct request *rq, const struct db_result *result, const char *english, const char *french)
{
	if (db_rows(result) == 0)
		return reply_error(rq, E_NOT_FOUND);
	reply_message(rq, english, french);
}

void admin_reply_outcome(struct request *rq, const struct db_result *result)
{
	struct text outcome = db_text(result, 0, DECISION_OUTCOME);

	if (db_is_null(result, 0, DECISION_ROW))
		return reply_error(rq, error_from_name(outcome.at, outcome.len));
	reply_data(rq, db_text(result, 0, DECISION_ROW));
}

void admin_reply_idempotent(struct request *rq, const struct db_result *result)
{
	struct text outcome;

	if (outcome_or_reply(rq, result, &outcome))
		admin_reply_outcome(rq, result);
}

/* --- Writes ----------------------------------------------------------------------------------- */

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
	struct text row = db_text(result, 0, WRITE_ROW);

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
	if (!db_is_null(result, 0, WRITE_ENDED))
		account_sessions_end(rq, rq->params[0], db_text(result, 0, WRITE_ENDED));
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
