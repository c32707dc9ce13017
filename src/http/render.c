/* SPDX-License-Identifier: MIT
 *
 * Renders records by field tables (see the header). A document's plan is the text of its object
 * with the values left out, and for each value the end of the text before it: rendering copies
 * pieces and values in turn, 60 members in about a microsecond. The form of a value follows from
 * the type that PostgreSQL sent with it; render_mismatch has checked at boot that the table
 * describes it so.
 */
#include "reeyo/http/render.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "reeyo/core/json_writer.h"
#include "reeyo/core/memory.h"

/* Values that a document may have. */
#define STEPS_MAX 200

struct document_plan {
	unsigned count;
	struct step {
		unsigned short end, column; /* of the text before the value; of the value */
	} steps[STEPS_MAX];
	size_t len;
	char text[];
};

/* --- The plan --------------------------------------------------------------------------------- */

/* A plan while it is made. */
struct planning {
	struct document_plan plan;
	struct json_writer json;
	unsigned columns; /* of the record */
};

static void object_plan(struct planning *planning, const struct field *table);

static void value_plan(struct planning *planning, unsigned column)
{
	struct document_plan *plan = &planning->plan;

	json_write_hole(&planning->json);
	assert(plan->count < STEPS_MAX);
	plan->steps[plan->count++] =
		(struct step){ (unsigned short)planning->json.out->len, (unsigned short)column };
}

/* The longitude is the column after the latitude. */
static void point_plan(struct planning *planning, unsigned column)
{
	json_write_object(&planning->json);
	json_write_name(&planning->json, "lat");
	value_plan(planning, column);
	json_write_name(&planning->json, "lng");
	value_plan(planning, column + 1);
	json_write_object_end(&planning->json);
}

/* An object that is made from the members of its table. */
static bool is_made(const struct field *field)
{
	return field->kind == FIELD_OBJECT && field->of && field->required && !field->column;
}

static bool is_shown(const struct field *field, unsigned columns)
{
	return field->column ? field->column <= columns : field->fixed || is_made(field);
}

static void member_plan(struct planning *planning, const struct field *field)
{
	json_write_name(&planning->json, field->name);
	if (field->column && field->kind == FIELD_POINT)
		point_plan(planning, field->column);
	else if (field->column)
		value_plan(planning, field->column);
	else if (field->fixed)
		json_write_string(&planning->json, field->fixed);
	else
		object_plan(planning, field->of);
}

static void object_plan(struct planning *planning, const struct field *table)
{
	json_write_object(&planning->json);
	for (const struct field *field = table; field->name; field++)
		if (is_shown(field, planning->columns))
			member_plan(planning, field);
	json_write_object_end(&planning->json);
}

/* Makes the plan in the arena of the request that needs it first, and keeps a copy. */
static struct document_plan *plan_new(struct arena *arena, const struct document *document)
{
	struct planning planning = { .columns = document->type->count };
	struct buf text = buf_in(arena, 2048);
	struct document_plan *plan;

	planning.json = json_write_to(&text);
	object_plan(&planning, document->table);
	plan = json_write_finish(&planning.json) ? malloc(sizeof(*plan) + text.len) : NULL;
	if (!plan)
		return NULL;
	*plan = planning.plan;
	plan->len = text.len;
	memcpy(plan->text, text.at, text.len);
	return plan;
}

/* Two threads may make it at once; the first keeps its plan. */
static const struct document_plan *plan_get(struct arena *arena, struct document *document)
{
	struct document_plan *plan = __atomic_load_n(&document->plan, __ATOMIC_ACQUIRE);
	struct document_plan *made = plan ? NULL : plan_new(arena, document);

	if (!made)
		return plan;
	if (__atomic_compare_exchange_n(
		    &document->plan, &plan, made, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return made;
	free(made);
	return plan;
}

/* --- Values ----------------------------------------------------------------------------------- */

static void time_add(struct buf *out, const struct db_value *value)
{
	struct json_writer json = json_write_to(out);
	int64_t ms;

	if (db_value_time(value, &ms))
		json_write_time(&json, ms);
	else
		json_write_null(&json);
}

static void double_add(struct buf *out, double value)
{
	struct json_writer json = json_write_to(out);

	json_write_double(&json, value);
}

static void value_add(struct buf *out, const struct db_value *value)
{
	if (!value->at)
		return buf_add(out, "null", 4);
	switch (value->type) {
	case DB_TYPE_BIGINT:
	case DB_TYPE_INTEGER:
		return buf_add_int(out, db_value_int(value));
	case DB_TYPE_DOUBLE:
		return double_add(out, db_value_double(value));
	case DB_TYPE_BOOLEAN:
		return buf_add_string(out, db_value_bool(value) ? "true" : "false");
	case DB_TYPE_TIME:
		return time_add(out, value);
	case DB_TYPE_JSON:
		return buf_add_text(out, db_value_text(value));
	default:
		return buf_add_json(out, db_value_text(value));
	}
}

/* --- Documents -------------------------------------------------------------------------------- */

static void record_add(
	struct buf *out, const struct document_plan *plan, const struct db_record *record)
{
	size_t from = 0;

	for (unsigned i = 0; i < plan->count; i++) {
		buf_add(out, plan->text + from, plan->steps[i].end - from);
		from = plan->steps[i].end;
		value_add(out, &record->values[plan->steps[i].column]);
	}
	buf_add(out, plan->text + from, plan->len - from);
}

/* Room for a record: its values, of which some are shown twice, and the text between them. */
static size_t record_room(const struct document_plan *plan, const struct db_record *record)
{
	size_t size = plan->len + 8 * (size_t)record->count;

	for (unsigned i = 1; i <= record->count; i++)
		size += record->values[i].len + record->values[i].len / 8;
	return size;
}

struct text document_json(
	struct arena *arena, struct document *document, const struct db_record *record)
{
	const struct document_plan *plan = plan_get(arena, document);
	struct buf out;

	if (!plan)
		return TEXT_NONE;
	out = buf_in(arena, record_room(plan, record));
	record_add(&out, plan, record);
	return buf_text(&out);
}

struct text document_list_json(
	struct arena *arena, struct document *document, struct db_records list)
{
	const struct document_plan *plan = plan_get(arena, document);
	struct db_record record;
	struct buf out;
	bool first = true;

	if (!plan)
		return TEXT_NONE;
	out = buf_in(arena, list.rest.len + list.left * plan->len + 2);
	buf_add(&out, "[", 1);
	for (; db_records_next(&list, document->type, &record); first = false) {
		if (!first)
			buf_add(&out, ",", 1);
		record_add(&out, plan, &record);
	}
	buf_add(&out, "]", 1);
	return list.left ? TEXT_NONE : buf_text(&out);
}

void reply_document(struct request *rq, struct document *document, const struct db_record *record)
{
	struct text object = document_json(rq->arena, document, record);

	if (!object.at)
		return reply_error(rq, E_NO_MEMORY);
	reply_data(rq, object);
}

/* --- The check at boot ------------------------------------------------------------------------ */

static bool kind_fits(enum field_kind kind, enum db_type type)
{
	switch (kind) {
	case FIELD_INT:
	case FIELD_MONEY:
		return type == DB_TYPE_BIGINT || type == DB_TYPE_INTEGER;
	case FIELD_NUMBER:
	case FIELD_POINT:
		return type == DB_TYPE_DOUBLE;
	case FIELD_BOOL:
		return type == DB_TYPE_BOOLEAN;
	case FIELD_TIME:
		return type == DB_TYPE_TIME;
	case FIELD_OBJECT:
	case FIELD_LIST:
	case FIELD_ANY:
		return type == DB_TYPE_JSON;
	default:
		return type == DB_TYPE_TEXT;
	}
}

static bool column_fits(const struct field *field, const struct db_record_type *type)
{
	unsigned last = field->column + (field->kind == FIELD_POINT);

	for (unsigned i = field->column; i <= last; i++)
		if (i > type->count || !kind_fits(field->kind, type->members[i - 1].type))
			return false;
	return true;
}

const char *render_mismatch(const struct field *table, const struct db_record_type *type)
{
	for (const struct field *field = table; field->name; field++) {
		const char *inner = is_made(field) ? render_mismatch(field->of, type) : NULL;

		if (inner)
			return inner;
		if (field->column ? !column_fits(field, type)
				  : field->required && !field->fixed && !is_made(field))
			return field->name;
	}
	return NULL;
}
