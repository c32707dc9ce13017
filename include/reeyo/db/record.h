/* SPDX-License-Identifier: MIT
 *
 * Records: the values of one row, which a statement with typed columns returns as one column,
 * ROW(…), or as a list of them, ARRAY(SELECT ROW(…)). PostgreSQL sends a record in less than half
 * of the time that it needs to build the same as JSON, and describes it as one column. A record is
 * declared in sql/queries ("-- record: order_row"); the build makes the constants ORDER_ROW_ID, …,
 * the numbers of its members from 1, and record_order_row in reeyo/db/records.h.
 *
 * Values are valid as long as the result that they are read from.
 */
#ifndef REEYO_DB_RECORD_H
#define REEYO_DB_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "reeyo/core/text.h"

/* PostgreSQL's numbers of its own types, which are fixed (pg_type.dat). */
enum db_type {
	DB_TYPE_BOOLEAN = 16,
	DB_TYPE_BIGINT = 20,
	DB_TYPE_INTEGER = 23,
	DB_TYPE_TEXT = 25,
	DB_TYPE_JSON = 114,
	DB_TYPE_DOUBLE = 701,
	DB_TYPE_TIME = 1184, /* timestamptz */
	DB_TYPE_RECORD = 2249,
	DB_TYPE_RECORDS = 2287 /* record[] */
};

struct db_member {
	const char *name;
	enum db_type type;
};
struct db_record_type {
	const char *name;
	const struct db_member *members; /* count of them; number n is members[n - 1] */
	unsigned count;
};

/* A value as PostgreSQL sends it in binary. Each function is for the types that it names, and gives
 * an absent text, 0 or false for NULL. */
struct db_value {
	const char *at; /* NULL: SQL NULL */
	uint32_t len;
	enum db_type type;
};
struct text db_value_text(const struct db_value *value); /* text, json */
int64_t db_value_int(const struct db_value *value);      /* bigint, integer */
double db_value_double(const struct db_value *value);    /* double precision */
bool db_value_bool(const struct db_value *value);        /* boolean */
/* A timestamptz in milliseconds since 1970, rounded down. False for NULL and infinity. */
bool db_value_time(const struct db_value *value, int64_t *ret_ms);

#define DB_RECORD_MAX 96
struct db_record {
	unsigned count;
	struct db_value values[DB_RECORD_MAX + 1]; /* by number; the first is not used */
};

/* The text of a member by its number, as db_value_text. */
static inline struct text db_record_text(const struct db_record *record, unsigned number)
{
	return db_value_text(&record->values[number]);
}

struct db_result;
/* Reads the record in a column. False, with count 0, when it is NULL or is not of this type
 * (logged: the statement and its declaration differ). */
bool db_record(const struct db_result *result, unsigned row, unsigned column,
	const struct db_record_type *type, struct db_record *ret);

/* The same from the bytes of a column (db_text) that were kept; the record refers to them. */
bool db_record_from(struct text bytes, const struct db_record_type *type, struct db_record *ret);

/* A list of records, read one after the other. */
struct db_records {
	struct text rest;
	unsigned left; /* records not read yet; not 0 after the end: one was not of the type */
};
/* The list in a column; empty when it is NULL. */
struct db_records db_records(const struct db_result *result, unsigned row, unsigned column);
/* The next record; false at the end, or when it is not of this type (logged). */
bool db_records_next(
	struct db_records *list, const struct db_record_type *type, struct db_record *ret);

#endif
