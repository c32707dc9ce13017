/* SPDX-License-Identifier: MIT
 *
 * Lists that carry their pagination inside `data` besides `meta`, as the existing apps expect it:
 * {"orders":[…],"pagination":{currentPage,totalPages,totalOrders,hasNext,hasPrev}}.
 */
#ifndef REEYO_API_PAGES_H
#define REEYO_API_PAGES_H

#include "reeyo/http/request.h"

/* name: "orders"; total_name: "totalOrders"; rows: a finished JSON array. */
void reply_nested_page(struct request *rq, const char *name, const char *total_name,
	struct text rows, struct page page, int64_t total);

/* The same with the members of both apps, {page,limit,total,totalPages,currentPage,…}, and `total`
 * besides the rows. */
void reply_full_page(struct request *rq, const char *name, const char *total_name, struct text rows,
	struct page page, int64_t total);

/* Members of `pagination` for reply tables; total_name is the name of the total. */
#define PAGINATION_FIELDS(total_name) \
	{ "currentPage", FIELD_INT, .required = true }, \
		{ "totalPages", FIELD_INT, .required = true }, \
		{ total_name, FIELD_INT, .required = true }, \
		{ "hasNext", FIELD_BOOL, .required = true }, \
	{ \
		"hasPrev", FIELD_BOOL, .required = true \
	}
#define FULL_PAGINATION_FIELDS(total_name) \
	{ "page", FIELD_INT, .required = true }, { "limit", FIELD_INT, .required = true }, \
		{ "total", FIELD_INT, .required = true }, PAGINATION_FIELDS(total_name)

#endif
