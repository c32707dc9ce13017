/* SPDX-License-Identifier: MIT
 *
 * Orders as every namespace of the apps shows and filters them.
 */
#ifndef REEYO_API_ORDER_SHOWN_H
#define REEYO_API_ORDER_SHOWN_H

#include "reeyo/http/request.h"

extern const struct field order_fields[]; /* Order, as replies show it */

/* Fields of a .query, and what they come to as parameters of a statement. */
#define ORDER_STATUS_FIELD \
	{ "status", FIELD_TEXT, .max = 200, \
		.does = "States in any spelling, comma separated, or ACTIVE" }
#define DAYS_FIELDS \
	{ "startDate", FIELD_DATE, .also = "from dateFrom", .does = "First day, in Douala" }, \
	{ "endDate", FIELD_DATE, .also = "to dateTo", .does = "Last day" }

/* A set of states as a SQL array, NULL for none. False when memory is out: that has been
 * answered. */
bool order_states_array(struct request *rq, unsigned states, const char **ret);
/* "PENDING,ready" or "ACTIVE" of the query as an array, NULL when it was not asked; false when a
 * word is none, and that has been answered. */
bool order_states_asked(struct request *rq, const char **ret);
/* A moment ("00:00", "24:00") of a business day of the query, as PostgreSQL reads it; NULL for no
 * day. */
const char *day_asked(struct request *rq, const char *name, const char *clock);

#endif
