/* SPDX-License-Identifier: MIT
 *
 * Functions that the admin routes share: replies with a page or a row, filters of lists, and what
 * the audit records of an act.
 */
#ifndef REEYO_API_ADMIN_ACT_H
#define REEYO_API_ADMIN_ACT_H

#include "reeyo/http/request.h"

/* Reply tables of the contract's rows. */
extern const struct field admin_order_fields[];
extern const struct field admin_timeline_fields[];
extern const struct field admin_vendor_fields[];
extern const struct field admin_rider_fields[];
extern const struct field admin_user_fields[];
extern const struct field admin_item_fields[];

/* Query of a list of accounts; bodies of acts that take a reason, or nothing. */
extern const struct field account_query[]; /* page, limit, search, status */
extern const struct field reason_body[];   /* required, at least one character */
extern const struct field empty_body[];

/* Completions of statements. admin_reply_page: columns (total, rows), a page with meta.
 * admin_reply_row: column 0 is the reply; without a row the reply is 404. */
void admin_reply_page(struct request *rq, const struct db_result *result);
void admin_reply_row(struct request *rq, const struct db_result *result);
/* As admin_reply_row, after a write to the settings or the zones: replies when every loop of this
 * instance uses the new values. */
void admin_reply_setting(struct request *rq, const struct db_result *result);
/* Completion of a decision with the columns (outcome, row): replies with the row, or, when it is
 * NULL, with the error that the outcome names. */
void admin_reply_outcome(struct request *rq, const struct db_result *result);
/* Completion of a sql_try_write with an Idempotency-Key and the columns (outcome, row). DONE
 * replies with the row, REPLAY with the stored reply of the first request. */
void admin_reply_idempotent(struct request *rq, const struct db_result *result);

/* Parses the query member "status". words are pairs {spelling, stored word} and end with NULL.
 * *ret is the stored word, or NULL when the member is absent, empty or "ALL". Returns false when
 * the spelling is unknown; the error has been sent. */
bool status_filter_parse(struct request *rq, const char *const (*words)[2], const char **ret);
/* The same for the query member `name`. */
bool word_filter_parse(
	struct request *rq, const char *name, const char *const (*words)[2], const char **ret);
extern const char *const approval_filter_words[][2]; /* for vendors and riders */

/* The query member `name`, a date, at the time `clock` (HH:MM) in the business time zone, as a
 * timestamptz literal in the request's arena. NULL when the member is absent. */
const char *query_day_time(struct request *rq, const char *name, const char *clock);

/* The body members that the route's field table names, as JSON text in the request's arena: the
 * details of an audit row. Secrets and passwords are left out. */
const char *audit_details(struct request *rq);

/* The row that a write returned, kept in rq->state while caches are invalidated. */
struct kept_row {
	struct text row;
	const char *subject;
};
/* After a write with the columns (row, ended sessions): ends those sessions on this instance and
 * keeps the row in rq->state. Returns false when an error has been sent (404 without a row,
 * E_NO_MEMORY). */
bool admin_row_keep(struct request *rq, const struct db_result *result);
/* Replies with the row that admin_row_keep kept. */
void admin_row_reply(struct request *rq);
/* Replies with the error of a failed write; a duplicate phone or e-mail has its own error. */
void admin_reply_conflict(struct request *rq, const struct db_result *result);

/* Replies with a page of the orders of a vendor, a rider or a user; each id may be NULL (any). */
void admin_orders_reply(struct request *rq, const char *states, const char *vendor,
	const char *rider, const char *user);

#endif
