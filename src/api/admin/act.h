/* SPDX-License-Identifier: MIT
 *
 * What the console's routes share: lists as bare arrays with meta, single rows, and what every act
 * of an admin records.
 */
#ifndef REEYO_API_ADMIN_ACT_H
#define REEYO_API_ADMIN_ACT_H

#include "reeyo/http/request.h"

/* Rows of the contract, as replies show them. */
extern const struct field admin_order_fields[];
extern const struct field admin_timeline_fields[];
extern const struct field admin_vendor_fields[];
extern const struct field admin_rider_fields[];
extern const struct field admin_user_fields[];
extern const struct field admin_item_fields[];

/* Query of a list of accounts, and bodies of acts that need no more than a reason. */
extern const struct field account_query[];  /* page, limit, search, status */
extern const struct field reason_body[];    /* required, from one character on */
extern const struct field no_body[];

/* Ends of statements: (total, rows) as a list; the first column as the reply, no row being a
 * 404. */
void admin_listed(struct request *rq, const struct db_result *result);
void admin_shown(struct request *rq, const struct db_result *result);
/* As admin_shown, of a write to the settings or the zones: they count when it is answered. */
void admin_set(struct request *rq, const struct db_result *result);
/* End of a decision whose columns are (outcome, row): the row, or without one the error that the
 * outcome names. */
void admin_decided(struct request *rq, const struct db_result *result);
/* End of a sql_try_write with an Idempotency-Key: (outcome, row). DONE is the row, REPLAY what was
 * answered before. */
void admin_once(struct request *rq, const struct db_result *result);

/* Whether the query names a status: *ret is NULL without one ("", "ALL"), else the word that the
 * row holds for any spelling in words, which are pairs {spelling, word} and end with NULL. False
 * when it is none, and that has been answered. */
bool status_take(struct request *rq, const char *const (*words)[2], const char **ret);
/* The same of another member of the query. */
bool word_take(struct request *rq, const char *name,
	const char *const (*words)[2], const char **ret);
extern const char *const approval_words[][2]; /* of vendors and riders */

/* A moment of a business day in the query, as PostgreSQL reads it; NULL for no day. */
const char *day_at(struct request *rq, const char *name, const char *clock);

/* The members of the body that the route names, as JSON text: the details of an act. Never a
 * secret. */
const char *act_details(struct request *rq);

/* What a write continues with: it keeps the row, ends the sessions of column 1, then drops. */
struct act {
	struct text row;
	const char *subject;
};
/* After an act whose columns are (row, ended sessions): false when it has replied (no row: 404,
 * E_NO_MEMORY). Sessions that ended count no longer in this process, and rq->state is the act. */
bool act_done(struct request *rq, const struct db_result *result);
/* Replies with the row kept by act_done. */
void act_reply(struct request *rq);
/* The error of a failed write, in the words for a taken phone or e-mail. */
void act_fail(struct request *rq, const struct db_result *result);

/* Orders of one party, with page and limit: GET /orders, /vendors/:id/orders …; each id may be
 * NULL. */
void orders_of(struct request *rq, const char *states, const char *vendor, const char *rider,
	const char *user);

#endif
