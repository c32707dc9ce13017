/* SPDX-License-Identifier: MIT
 *
 * Parameters of statements: from the members of a struct to the texts that PostgreSQL takes. First
 * the memory that numbers and arrays need is added up, then everything is written into one piece.
 */
#include "params.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "embedded.h"
#include "reeyo/core/error.h"
#include "reeyo/core/log.h"
#include "reeyo/db/params.h"

/* Bytes of the longest number with its NUL: "-9223372036854775808", "-1.7976931348623157e+308". */
#define NUMBER_SIZE 25

/* A member of a parameter struct. */
union member {
	const void *pointer;
	const char *const *text;
	const int64_t *integer;
	const double *number;
	const bool *boolean;
	const struct db_texts *texts;
	const struct db_ints *ints;
	const struct db_doubles *doubles;
	const struct db_bools *bools;
};

/* An optional number's or boolean's member points to its value. NULL pointer: SQL NULL. */
static union member member_find(const void *from, const struct query_param *param)
{
	union member member = { .pointer = (const char *)from + param->offset };

	if (param->optional)
		memcpy(&member.pointer, member.pointer, sizeof(member.pointer));
	return member;
}

static size_t texts_size(const struct db_texts *texts)
{
	size_t size = sizeof("{}");

	for (size_t i = 0; texts->at && i < texts->count; i++)
		size += texts->at[i] ? 2 * strlen(texts->at[i]) + sizeof("\"\",") : sizeof("NULL,");
	return size;
}

static size_t param_size(const void *from, const struct query_param *param)
{
	union member member = member_find(from, param);

	switch (param->type) {
	case PARAM_INTEGER:
	case PARAM_DOUBLE:
		return NUMBER_SIZE;
	case PARAM_TEXTS:
		return texts_size(member.texts);
	case PARAM_INTEGERS:
		return sizeof("{}") + member.ints->count * NUMBER_SIZE;
	case PARAM_DOUBLES:
		return sizeof("{}") + member.doubles->count * NUMBER_SIZE;
	case PARAM_BOOLEANS:
		return sizeof("{}") + member.bools->count * 2;
	case PARAM_TEXT:
	case PARAM_BOOLEAN:
		break;
	}
	return 0;
}

static char *quoted_write(char *out, const char *text)
{
	*out++ = '"';
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			*out++ = '\\';
		*out++ = *text;
	}
	*out++ = '"';
	return out;
}

static char *integer_write(char *out, int64_t value)
{
	char digits[NUMBER_SIZE], *at = digits + sizeof(digits);
	uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

	do
		*--at = (char)('0' + left % 10);
	while (left /= 10);
	if (value < 0)
		*--at = '-';
	memcpy(out, at, (size_t)(digits + sizeof(digits) - at));
	return out + (digits + sizeof(digits) - at);
}

static char *double_write(char *out, double value)
{
	return out + snprintf(out, NUMBER_SIZE, "%.17g", value);
}

/* An element of an array. */
static char *element_write(
	char *out, const struct query_param *param, union member member, size_t i)
{
	if (param->type == PARAM_INTEGERS)
		return integer_write(out, member.ints->at[i]);
	if (param->type == PARAM_DOUBLES)
		return double_write(out, member.doubles->at[i]);
	if (param->type == PARAM_BOOLEANS)
		return *out = member.bools->at[i] ? 't' : 'f', out + 1;
	return member.texts->at[i] ? quoted_write(out, member.texts->at[i]) : stpcpy(out, "NULL");
}

/* The elements of an array; `present` is false for SQL NULL. */
static size_t array_count(const struct query_param *param, union member member, bool *present)
{
	switch (param->type) {
	case PARAM_INTEGERS:
		*present = member.ints->at != NULL;
		return member.ints->count;
	case PARAM_DOUBLES:
		*present = member.doubles->at != NULL;
		return member.doubles->count;
	case PARAM_BOOLEANS:
		*present = member.bools->at != NULL;
		return member.bools->count;
	default:
		*present = member.texts->at != NULL;
		return member.texts->count;
	}
}

static char *array_write(char *out, const struct query_param *param, union member member)
{
	bool present;
	size_t count = array_count(param, member, &present);

	if (!present)
		return NULL;

	*out++ = '{';
	for (size_t i = 0; i < count; i++) {
		if (i)
			*out++ = ',';
		out = element_write(out, param, member, i);
	}
	*out++ = '}';
	return out;
}

/* Writes one value at *at if it needs memory, moves *at behind it, and returns where it stands. */
static const char *param_write(char **at, const void *from, const struct query_param *param)
{
	union member member = member_find(from, param);
	const char *value = *at;
	char *end = *at;

	if (!member.pointer)
		return NULL;
	/* params_write has taken memory for all others */
	assert(end || param->type == PARAM_TEXT || param->type == PARAM_BOOLEAN);
	switch (param->type) {
	case PARAM_TEXT:
		return *member.text;
	case PARAM_BOOLEAN:
		return *member.boolean ? "t" : "f";
	case PARAM_INTEGER:
		end = integer_write(end, *member.integer);
		break;
	case PARAM_DOUBLE:
		end = double_write(end, *member.number);
		break;
	case PARAM_TEXTS:
	case PARAM_INTEGERS:
	case PARAM_DOUBLES:
	case PARAM_BOOLEANS:
		if (!(end = array_write(end, param, member)))
			return NULL;
		break;
	}
	*end++ = '\0';
	*at = end;
	return value;
}

int params_write(const struct query_text *statement, const void *from, const char **values,
	void *(*take)(void *arg, size_t size), void *arg)
{
	size_t size = 0;
	char *at = NULL;

	if (statement->param_count && !from) {
		log_line(LOG_ERROR, "a statement was called without its parameters",
			LOG_T("statement", statement->name));
		return E_INTERNAL;
	}
	for (unsigned i = 0; i < statement->param_count; i++)
		size += param_size(from, &statement->params[i]);
	if (size && !(at = take(arg, size)))
		return E_NO_MEMORY;
	for (unsigned i = 0; i < statement->param_count; i++)
		values[i] = param_write(&at, from, &statement->params[i]);
	return 0;
}
