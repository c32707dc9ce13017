/* SPDX-License-Identifier: MIT
 *
 * The fields and filters of orders that the customer, vendor and rider namespaces share.
 */
#ifndef REEYO_API_ORDER_FIELDS_H
#define REEYO_API_ORDER_FIELDS_H

#include "reeyo/db/records.h"
#include "reeyo/http/render.h"
#include "reeyo/http/request.h"

extern const struct field order_fields[];      /* Order, as replies show it */
extern const struct field order_list_fields[]; /* a page of orders and its pagination */

extern struct document order_document;      /* Order, for vendors and riders */
extern struct document order_user_document; /* Order, for its customer */

/* Renders the orders in a column, a list of records of the document's type, as a JSON array in
 * *ret. False when that fails; the error has then been sent. */
bool order_list_render(struct request *rq, const struct db_result *result, unsigned column,
	struct document *document, struct text *ret);

/* Fields of a .query, and functions that read them into parameters of a statement. */
#define ORDER_STATUS_FIELD \
	{ \
		"status", FIELD_TEXT, \
			.max = 200, \
			.summary = "States in any spelling, comma separated, or ACTIVE" \
	}
#define DAYS_FIELDS \
	{ "startDate", FIELD_DATE, .aliases = "from dateFrom", \
		.summary = "First day, in Douala" }, \
	{ \
		"endDate", FIELD_DATE, .aliases = "to dateTo", .summary = "Last day" \
	}

/* Writes the states into *ret as an SQL array, NULL for the empty set. False when memory is out;
 * the error has then been sent. */
bool order_states_param(struct request *rq, unsigned states, struct db_texts *ret);
/* Parses one word of `status` into a set of states in *ret; false when the word is unknown. `arg`
 * is the argument of query_status_words. */
typedef bool order_word_parse(const char *word, void *arg, unsigned *ret);
/* Reads the comma-separated words of `status` of the query by `parse`, and writes their states into
 * *ret as an SQL array, NULL for the empty set. False when a word is unknown; the error has then
 * been sent. */
bool query_status_words(
	struct request *rq, order_word_parse *parse, void *arg, struct db_texts *ret);
/* Reads `status` of the query ("PENDING,ready", "ACTIVE") into *ret as an SQL array, NULL when it
 * is absent. False when a word is unknown; the error has then been sent. */
bool query_order_states(struct request *rq, struct db_texts *ret);
/* The time `clock` ("00:00", "24:00") of a business day in the query, as PostgreSQL reads it; NULL
 * when the day is absent. */
const char *query_day_bound(struct request *rq, const char *name, const char *clock);

#endif
