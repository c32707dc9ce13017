/* SPDX-License-Identifier: MIT
 *
 * Replies of the admin namespace: completions of statements that read or write one row.
 */
#ifndef REEYO_API_ADMIN_REPLY_H
#define REEYO_API_ADMIN_REPLY_H

#include "reeyo/http/request.h"

/* Bodies of acts that take a reason, or nothing. */
extern const struct field reason_body[]; /* required, at least one character */
extern const struct field empty_body[];

/* Column 0 is the reply; without a row the reply is 404. */
void admin_reply_row(struct request *rq, const struct db_result *result);
/* Reads and replies with the row of a statement whose only parameter is the id in the path:
 * admin_read_row(rq, admin_vendor_get, .vendor_id); */
#define admin_read_row(rq, name, member) \
	sql_read(rq, name, admin_reply_row, &(struct name){ member = (rq)->params[0] })
/* After a deletion: replies with the message; without a row the reply is 404. */
void admin_reply_deleted(struct request *rq, const struct db_result *result, const char *english,
	const char *french);
/* As admin_reply_row, after a write to the settings or the zones: replies when every loop of this
 * instance uses the new values. */
void admin_reply_setting(struct request *rq, const struct db_result *result);

/* The first two columns of every decision. */
enum { DECISION_OUTCOME, DECISION_ROW };
/* Completion of a decision: replies with the row, or, when it is NULL, with the error that the
 * outcome names. */
void admin_reply_outcome(struct request *rq, const struct db_result *result);
/* The same for an admin_try_write with an Idempotency-Key. The outcome REPLAY replies with the
 * stored reply of the first request. */
void admin_reply_idempotent(struct request *rq, const struct db_result *result);

/* The first two columns of a write to an account: the row, and the result of account_end_sessions
 * or NULL. */
enum { WRITE_ROW, WRITE_ENDED };
/* The row that a write returned, kept in rq->state while caches are invalidated. */
struct kept_row {
	struct text row;
	const char *subject;
};
/* After a write to an account: revokes the ended sessions on this instance and keeps the row in
 * rq->state. Returns false when an error has been sent (404 without a row, E_NO_MEMORY). */
bool admin_row_keep(struct request *rq, const struct db_result *result);
/* Replies with the row that admin_row_keep kept. */
void admin_row_reply(struct request *rq);
/* Replies with the error of a failed write; a duplicate phone or e-mail has its own error. */
void admin_reply_conflict(struct request *rq, const struct db_result *result);

#endif
