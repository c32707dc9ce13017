/* SPDX-License-Identifier: MIT
 *
 * Lists of the admin namespace: filters of the query, and pages as replies.
 */
#ifndef REEYO_API_ADMIN_LIST_H
#define REEYO_API_ADMIN_LIST_H

#include "reeyo/db/queries/admin_orders.h"
#include "reeyo/http/request.h"

/* The first two columns of every statement of a list. */
enum { PAGE_TOTAL, PAGE_ROWS };

/* Parameters of a statement: .limit and .offset of the request's page. */
#define PAGE_PARAMS(rq) .limit = request_page(rq, 20).limit, .offset = request_page(rq, 20).offset

/* Completion of a list: replies with a page and meta. */
void admin_reply_page(struct request *rq, const struct db_result *result);
/* The same for a list of one parent; without a row the reply is 404. */
void admin_reply_page_of(struct request *rq, const struct db_result *result);

/* Query of a list of accounts: page, limit, search, status. */
extern const struct field account_query[];
struct account_filter {
	const char *status; /* stored word; NULL: any */
	const char *search; /* NULL: all */
};
/* Reads it. words as in status_filter_parse. Returns false when the error has been sent. */
bool account_filter_parse(
	struct request *rq, const char *const (*words)[2], struct account_filter *ret);

/* Replies with a page of accounts; member: the parameter of the statement that filters by status:
 * admin_read_accounts(rq, admin_vendor_list, approval_filter_words, .approval); */
#define admin_read_accounts(rq, name, words, member) \
	do { \
		struct account_filter filter_; \
\
		if (account_filter_parse((rq), (words), &filter_)) \
			sql_read(rq, name, admin_reply_page, \
				&(struct name){ member = filter_.status, .search = filter_.search, \
					PAGE_PARAMS(rq) }); \
	} while (0)

/* Parses the query member "status". words are pairs {spelling, stored word} and end with NULL.
 * *ret is the stored word, or NULL when the member is absent, empty or "ALL". Returns false when
 * the spelling is unknown; the error has been sent. */
bool status_filter_parse(struct request *rq, const char *const (*words)[2], const char **ret);
/* The same for the query member `name`. */
bool word_filter_parse(
	struct request *rq, const char *name, const char *const (*words)[2], const char **ret);
extern const char *const approval_filter_words[][2]; /* for vendors and riders */

/* The query member `name`; NULL when it is absent or empty. */
const char *query_nonempty(struct request *rq, const char *name);
/* The query member `name`, a date, at the time `clock` (HH:MM) in the business time zone, as a
 * timestamptz literal in the request's arena. NULL when the member is absent. */
const char *query_day_time(struct request *rq, const char *name, const char *clock);

/* Replies with a page of orders; filter: everything but limit and offset. */
void admin_orders_reply(struct request *rq, struct admin_order_list filter);

#endif
