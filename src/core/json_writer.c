/* SPDX-License-Identifier: MIT
 *
 * The JSON writer (see the header). It keeps three facts: what each open level is (a bit each),
 * whether a value stands before the next one, and whether a name waits for its value.
 */
#include <assert.h>
#include <math.h>

#include "reeyo/core/clock.h"
#include "reeyo/core/json_writer.h"

struct json_writer json_write_to(struct buf *out)
{
	return (struct json_writer){ .out = out };
}

char *json_write_finish(struct json_writer *json)
{
	assert(!json->depth && !json->named && json->comma);
	return buf_string(json->out);
}

/* True inside an array; the top counts as an array of one value. */
static inline bool json_in_array(const struct json_writer *json)
{
	return !json->depth || json->arrays >> (json->depth - 1) & 1;
}

/* Before each value: the comma, unless its name came with one. */
static void json_before_value(struct json_writer *json)
{
	if (json->named) {
		json->named = false;
		return;
	}
	assert(json_in_array(json));
	assert(json->depth || !json->comma);
	if (json->comma)
		buf_add(json->out, ",", 1);
	json->comma = true;
}

static void json_begin(struct json_writer *json, bool array)
{
	json_before_value(json);
	assert(json->depth < JSON_WRITE_DEPTH);
	if (json->depth == JSON_WRITE_DEPTH) { /* a build without asserts */
		json->out->failed = true;
		return;
	}
	buf_add(json->out, array ? "[" : "{", 1);
	json->arrays &= ~(UINT32_C(1) << json->depth);
	json->arrays |= (uint32_t)array << json->depth;
	json->depth++;
	json->comma = false;
}

static void json_end(struct json_writer *json, bool array)
{
	assert(json->depth && json_in_array(json) == array && !json->named);
	buf_add(json->out, array ? "]" : "}", 1);
	if (json->depth)
		json->depth--;
	json->comma = true;
}

void json_write_object(struct json_writer *json)
{
	json_begin(json, false);
}

void json_write_object_end(struct json_writer *json)
{
	json_end(json, false);
}

void json_write_array(struct json_writer *json)
{
	json_begin(json, true);
}

void json_write_array_end(struct json_writer *json)
{
	json_end(json, true);
}

void json_write_name(struct json_writer *json, const char *name)
{
	assert(!json_in_array(json) && !json->named);
	if (json->comma)
		buf_add(json->out, ",", 1);
	buf_add_json(json->out, text_of(name));
	buf_add(json->out, ":", 1);
	json->comma = true;
	json->named = true;
}

void json_write_text(struct json_writer *json, struct text text)
{
	json_before_value(json);
	if (text.at)
		buf_add_json(json->out, text);
	else
		buf_add(json->out, "null", 4);
}

void json_write_string(struct json_writer *json, const char *string)
{
	json_write_text(json, text_of(string));
}

void json_write_int(struct json_writer *json, long long value)
{
	json_before_value(json);
	buf_add_int(json->out, value);
}

void json_write_bool(struct json_writer *json, bool value)
{
	json_before_value(json);
	buf_add_string(json->out, value ? "true" : "false");
}

void json_write_null(struct json_writer *json)
{
	json_write_text(json, TEXT_NONE);
}

void json_write_double(struct json_writer *json, double value)
{
	char digits[DOUBLE_TEXT_SIZE];

	if (!isfinite(value))
		return json_write_null(json);
	json_before_value(json);
	buf_add(json->out, digits, double_to_text(value, digits));
}

void json_write_time(struct json_writer *json, int64_t wall_ms)
{
	char time[CLOCK_ISO_SIZE];

	clock_iso(wall_ms, time);
	json_before_value(json);
	buf_add(json->out, "\"", 1);
	buf_add(json->out, time, CLOCK_ISO_SIZE - 1);
	buf_add(json->out, "\"", 1);
}

void json_write_decimal(struct json_writer *json, double value, int decimals)
{
	assert(decimals >= 0 && decimals <= 9);
	if (!isfinite(value))
		return json_write_null(json);
	json_before_value(json);
	buf_printf(json->out, "%.*f", decimals, value);
}

void json_write_hole(struct json_writer *json)
{
	json_before_value(json);
}

void json_write_raw(struct json_writer *json, struct text value)
{
	json_before_value(json);
	buf_add_text(json->out, value.at && value.len ? value : TEXT("null"));
}

/* --- Members ---------------------------------------------------------------------------------- */

void json_write_member_object(struct json_writer *json, const char *name)
{
	json_write_name(json, name);
	json_write_object(json);
}

void json_write_member_array(struct json_writer *json, const char *name)
{
	json_write_name(json, name);
	json_write_array(json);
}

void json_write_member_text(struct json_writer *json, const char *name, struct text text)
{
	json_write_name(json, name);
	json_write_text(json, text);
}

void json_write_member_string(struct json_writer *json, const char *name, const char *string)
{
	json_write_member_text(json, name, text_of(string));
}

void json_write_member_int(struct json_writer *json, const char *name, long long value)
{
	json_write_name(json, name);
	json_write_int(json, value);
}

void json_write_member_bool(struct json_writer *json, const char *name, bool value)
{
	json_write_name(json, name);
	json_write_bool(json, value);
}

void json_write_member_null(struct json_writer *json, const char *name)
{
	json_write_name(json, name);
	json_write_null(json);
}

void json_write_member_double(struct json_writer *json, const char *name, double value)
{
	json_write_name(json, name);
	json_write_double(json, value);
}

void json_write_member_decimal(
	struct json_writer *json, const char *name, double value, int decimals)
{
	json_write_name(json, name);
	json_write_decimal(json, value, decimals);
}

void json_write_member_raw(struct json_writer *json, const char *name, struct text value)
{
	json_write_name(json, name);
	json_write_raw(json, value);
}

char *json_int_object(struct arena *arena, const char *name, long long value)
{
	struct buf out = buf_in(arena, 64);
	struct json_writer json = json_write_to(&out);

	json_write_object(&json);
	json_write_member_int(&json, name, value);
	json_write_object_end(&json);
	return json_write_finish(&json);
}
