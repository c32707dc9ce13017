/* SPDX-License-Identifier: MIT
 *
 * Values in PostgreSQL's binary form: numbers in network order, a record as the number of its
 * members and for each the type, the length (-1: NULL) and the bytes, a list as its dimension (how
 * many there are, and 1), flags and type, and for each the length and the bytes.
 */
#include "reeyo/db/record.h"

#include <endian.h>
#include <string.h>

#include "lane.h"
#include "reeyo/core/log.h"

/* Microseconds from 1970 to 2000, where PostgreSQL's times begin. */
#define EPOCH_2000_US INT64_C(946684800000000)

static uint64_t network64_read(const char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return be64toh(word);
}

static uint32_t network32_read(const char *at)
{
	uint32_t half;

	memcpy(&half, at, sizeof(half));
	return be32toh(half);
}

/* --- Values ----------------------------------------------------------------------------------- */

struct text db_value_text(const struct db_value *value)
{
	return (struct text){ value->at, value->at ? value->len : 0 };
}

int64_t db_value_int(const struct db_value *value)
{
	if (value->at && value->len == sizeof(uint64_t))
		return (int64_t)network64_read(value->at);
	return value->at && value->len == sizeof(uint32_t) ? (int32_t)network32_read(value->at) : 0;
}

double db_value_double(const struct db_value *value)
{
	double number = 0;
	uint64_t word;

	if (value->at && value->len == sizeof(word)) {
		word = network64_read(value->at);
		memcpy(&number, &word, sizeof(number));
	}
	return number;
}

bool db_value_bool(const struct db_value *value)
{
	return value->at && value->len == 1 && value->at[0];
}

bool db_value_time(const struct db_value *value, int64_t *ret_ms)
{
	int64_t us = db_value_int(value);

	if (!value->at || us == INT64_MIN || us == INT64_MAX)
		return false;
	us += EPOCH_2000_US;
	*ret_ms = us / 1000 - (us % 1000 < 0);
	return true;
}

/* --- Records ---------------------------------------------------------------------------------- */

/* Takes a number from the front; false when there is none. */
static bool number_take(struct text *rest, int32_t *ret)
{
	*ret = 0;
	if (rest->len < sizeof(uint32_t))
		return false;
	*ret = (int32_t)network32_read(rest->at);
	rest->at += sizeof(uint32_t);
	rest->len -= sizeof(uint32_t);
	return true;
}

/* Takes a length and so many bytes; absent for a NULL. False when they are not there. */
static bool bytes_take(struct text *rest, struct text *ret)
{
	int32_t len;

	*ret = TEXT_NONE;
	if (!number_take(rest, &len))
		return false;
	if (len < 0)
		return true;
	if (rest->len < (size_t)len)
		return false;
	*ret = (struct text){ rest->at, (size_t)len };
	rest->at += len;
	rest->len -= (size_t)len;
	return true;
}

static bool value_take(struct text *rest, enum db_type type, struct db_value *ret)
{
	struct text bytes;
	int32_t sent;

	if (!number_take(rest, &sent) || sent != (int32_t)type || !bytes_take(rest, &bytes))
		return false;
	*ret = (struct db_value){ bytes.at, (uint32_t)bytes.len, type };
	return true;
}

static bool record_read(struct text bytes, const struct db_record_type *type, struct db_record *ret)
{
	int32_t count;

	if (!number_take(&bytes, &count) || count != (int32_t)type->count || count > DB_RECORD_MAX)
		return false;
	for (unsigned i = 0; i < type->count; i++)
		if (!value_take(&bytes, type->members[i].type, &ret->values[i + 1]))
			return false;
	ret->count = type->count;
	return true;
}

bool db_record_from(struct text bytes, const struct db_record_type *type, struct db_record *ret)
{
	ret->count = 0;
	if (!bytes.at)
		return false;
	if (record_read(bytes, type, ret))
		return true;
	log_line(LOG_ERROR, "a record is not of the declared type", LOG_T("record", type->name));
	ret->count = 0;
	return false;
}

bool db_record(const struct db_result *result, unsigned row, unsigned column,
	const struct db_record_type *type, struct db_record *ret)
{
	return db_record_from(db_text(result, row, column), type, ret);
}

struct db_records db_records(const struct db_result *result, unsigned row, unsigned column)
{
	struct db_records list = { .rest = db_text(result, row, column) };
	int32_t dimensions, flags, type, count, first;

	if (number_take(&list.rest, &dimensions) && number_take(&list.rest, &flags) &&
		number_take(&list.rest, &type) && dimensions == 1 &&
		number_take(&list.rest, &count) && number_take(&list.rest, &first))
		list.left = (unsigned)count;
	return list;
}

bool db_records_next(
	struct db_records *list, const struct db_record_type *type, struct db_record *ret)
{
	struct text bytes;

	ret->count = 0;
	if (!list->left || !bytes_take(&list->rest, &bytes) || !db_record_from(bytes, type, ret))
		return false;
	list->left--;
	return true;
}
