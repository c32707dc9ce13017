/* SPDX-License-Identifier: MIT
 *
 * Renders records (db/record.h) as JSON by the field tables of replies. The same table makes the
 * schema of the API document, so that schema and reply cannot differ:
 *
 *	{ "orderId", FIELD_ID, .required = true, .column = ORDER_ROW_ID },
 *	{ "pricing", FIELD_OBJECT, .required = true, .of = pricing_fields },
 *	{ "currency", FIELD_TEXT, .required = true, .fixed = "XAF" },
 *	{ "riderLocation", FIELD_OBJECT, .of = rider_location_fields },
 *	FIELD_END_RECORD("Order", record_order_user_row)
 *
 * A member shows the column that it names, in the form of the column's type: a json column is
 * copied, a timestamptz is printed as iso() of SQL prints it. NULL gives null. An object without a
 * column is rendered from the members of its table if it is required. A member is left out if it
 * has nothing to show (riderLocation, which the handler adds) or if its column is beyond the
 * record's last: order_user_row is order_row with one more member, which vendors do not see.
 */
#ifndef REEYO_HTTP_RENDER_H
#define REEYO_HTTP_RENDER_H

#include "reeyo/db/record.h"
#include "reeyo/http/request.h"

/* The JSON form of a type of records. Constant but for the plan: the text between the values, which
 * is made at the first use and stays. Any thread. */
struct document {
	const struct db_record_type *type;
	const struct field *table;
	struct document_plan *plan;
};

/* The object of a record of the document's type, as text in the arena; absent when memory is
 * exhausted. */
struct text document_json(
	struct arena *arena, struct document *document, const struct db_record *record);
/* A list of them as a JSON array; absent when memory is exhausted or a record is not of the type.
 */
struct text document_list_json(
	struct arena *arena, struct document *document, struct db_records list);
/* Replies with the object of a record. */
void reply_document(struct request *rq, struct document *document, const struct db_record *record);

/* The name of a member that cannot be rendered from a record of the type: it names a column that
 * the record does not have or whose type does not fit, or it is required and has nothing to show.
 * NULL: there is none. */
const char *render_mismatch(const struct field *table, const struct db_record_type *type);

#endif
