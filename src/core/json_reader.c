/* SPDX-License-Identifier: MIT
 *
 * The JSON reader: see the header. jansson reads byte by byte through a buffer of its own; here a
 * string is found by its closing quote and copied once.
 */
#include "reeyo/core/json_reader.h"

#include <math.h>
#include <stdlib.h>

#define DEPTH_MAX 32
/* Longer numbers may exceed an int64. */
#define INTEGER_DIGITS_MAX 18
#define NUMBER_MAX 40

struct reader {
	const char *at, *end;
	unsigned depth;
};

static json_t *value_read(struct reader *reader);

/* The next byte that is not blank; NUL at the end. */
static char reader_next(struct reader *reader)
{
	while (reader->at < reader->end &&
		(*reader->at == ' ' || *reader->at == '\n' || *reader->at == '\r' ||
			*reader->at == '\t'))
		reader->at++;
	return reader->at < reader->end ? *reader->at : '\0';
}

static bool reader_takes(struct reader *reader, char c)
{
	if (reader_next(reader) != c)
		return false;
	reader->at++;
	return true;
}

/* A string without escapes; absent for any other. */
static struct text string_read(struct reader *reader)
{
	const char *start;
	struct text string;
	bool ascii = true;

	if (!reader_takes(reader, '"'))
		return TEXT_NONE;
	start = reader->at;
	for (; reader->at < reader->end && *reader->at != '"'; reader->at++) {
		unsigned char c = (unsigned char)*reader->at;

		if (c < 0x20 || c == '\\')
			return TEXT_NONE;
		ascii &= c < 0x80;
	}
	string = (struct text){ start, (size_t)(reader->at - start) };
	if (reader->at == reader->end || (!ascii && !text_is_utf8(string)))
		return TEXT_NONE;
	reader->at++;
	return string;
}

static size_t digits_skip(struct reader *reader)
{
	const char *start = reader->at;

	while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9')
		reader->at++;
	return (size_t)(reader->at - start);
}

/* The fraction and exponent of a number; false when one has no digits. */
static bool number_rest_skip(struct reader *reader)
{
	if (reader->at < reader->end && *reader->at == '.') {
		reader->at++;
		if (!digits_skip(reader))
			return false;
	}
	if (reader->at < reader->end && (*reader->at == 'e' || *reader->at == 'E')) {
		reader->at++;
		if (reader->at < reader->end && (*reader->at == '+' || *reader->at == '-'))
			reader->at++;
		if (!digits_skip(reader))
			return false;
	}
	return true;
}

static json_t *number_read(struct reader *reader)
{
	const char *start = reader->at, *first, *whole;
	char copy[NUMBER_MAX + 1];
	size_t digits, len;
	double real;

	reader->at += *start == '-';
	first = reader->at;
	digits = digits_skip(reader);
	whole = reader->at;
	if (!digits || digits > INTEGER_DIGITS_MAX || (digits > 1 && *first == '0') ||
		!number_rest_skip(reader))
		return NULL;
	len = (size_t)(reader->at - start);
	if (len > NUMBER_MAX)
		return NULL;
	memcpy(copy, start, len);
	copy[len] = '\0';
	if (reader->at == whole)
		return json_integer(strtoll(copy, NULL, 10));
	real = strtod(copy, NULL);
	return isfinite(real) ? json_real(real) : NULL;
}

static json_t *word_read(struct reader *reader, struct text word, json_t *value)
{
	if (!text_starts((struct text){ reader->at, (size_t)(reader->end - reader->at) }, word))
		return NULL;
	reader->at += word.len;
	return value;
}

/* A member after the opening brace or a comma; false when it is unusual. */
static bool member_read(struct reader *reader, json_t *object)
{
	struct text name = string_read(reader);

	return name.at && reader_takes(reader, ':') &&
		!json_object_getn(object, name.at, name.len) &&
		json_object_setn_new_nocheck(object, name.at, name.len, value_read(reader)) == 0;
}

static bool object_read(struct reader *reader, json_t *object)
{
	if (reader_takes(reader, '}'))
		return true;
	do
		if (!member_read(reader, object))
			return false;
	while (reader_takes(reader, ','));
	return reader_takes(reader, '}');
}

static bool array_read(struct reader *reader, json_t *array)
{
	if (reader_takes(reader, ']'))
		return true;
	do
		if (json_array_append_new(array, value_read(reader)))
			return false;
	while (reader_takes(reader, ','));
	return reader_takes(reader, ']');
}

/* An object or an array. */
static json_t *inside_read(struct reader *reader, bool is_object)
{
	json_t *value = ++reader->depth > DEPTH_MAX ? NULL
		: is_object                         ? json_object()
						    : json_array();

	reader->at++;
	if (value && !(is_object ? object_read(reader, value) : array_read(reader, value))) {
		json_decref(value);
		value = NULL;
	}
	reader->depth--;
	return value;
}

static json_t *value_read(struct reader *reader)
{
	struct text string;

	switch (reader_next(reader)) {
	case '{':
		return inside_read(reader, true);
	case '[':
		return inside_read(reader, false);
	case '"':
		string = string_read(reader);
		return string.at ? json_stringn_nocheck(string.at, string.len) : NULL;
	case 't':
		return word_read(reader, TEXT("true"), json_true());
	case 'f':
		return word_read(reader, TEXT("false"), json_false());
	case 'n':
		return word_read(reader, TEXT("null"), json_null());
	default:
		return reader->at < reader->end ? number_read(reader) : NULL;
	}
}

json_t *json_read_usual(struct text text)
{
	struct reader reader = { text.at, text.at + text.len, 0 };
	json_t *value = NULL;
	char first;

	if (!text.at)
		return NULL;
	first = reader_next(&reader);
	if (first == '{' || first == '[')
		value = value_read(&reader);
	reader_next(&reader);
	if (value && reader.at == reader.end)
		return value;
	json_decref(value);
	return NULL;
}

json_t *json_read(struct text text)
{
	json_t *value = json_read_usual(text);

	return value ? value : json_loadb(text.at ? text.at : "", text.len, 0, NULL);
}
