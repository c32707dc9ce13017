/* SPDX-License-Identifier: MIT
 *
 * JSON schemas of the field tables, for the OpenAPI document.
 */
#include <stdio.h>

#include "openapi.h"
#include "reeyo/core/url.h"

static json_t *schema_bounds(
	json_t *schema, const struct field *field, const char *low, const char *high)
{
	if ((field->min || field->kind == FIELD_MONEY) && field->min != INT64_MIN)
		json_object_set_new(schema, low, json_integer(field->min));
	if (field->max && field->max != INT64_MAX)
		json_object_set_new(schema, high, json_integer(field->max));
	return schema;
}

static json_t *schema_enum(const struct field *field)
{
	json_t *words = json_array();

	for (const char *const *word = field->words; word && *word; word++)
		json_array_append_new(words, json_string(*word));
	return json_pack("{s:s,s:o}", "type", "string", "enum", words);
}

static json_t *schema_digits(const struct field *field)
{
	char pattern[48];

	snprintf(pattern, sizeof(pattern), "^[0-9]{%lld,%lld}$", (long long)field->min,
		(long long)field->max);
	return json_pack("{s:s,s:s}", "type", "string", "pattern", pattern);
}

static json_t *schema_text(const struct field *field)
{
	return schema_bounds(json_pack("{s:s}", "type", "string"), field, "minLength", "maxLength");
}

static json_t *schema_format(const char *format)
{
	return json_pack("{s:s,s:s}", "type", "string", "format", format);
}

static json_t *schema_scalar(const struct field *field)
{
	switch (field->kind) {
	case FIELD_INT:
	case FIELD_MONEY:
		return schema_bounds(json_pack("{s:s,s:s}", "type", "integer", "format", "int64"),
			field, "minimum", "maximum");
	case FIELD_NUMBER:
		return schema_bounds(json_pack("{s:s}", "type", "number"), field,
			field->above ? "exclusiveMinimum" : "minimum", "maximum");
	case FIELD_BOOL:
		return json_pack("{s:s}", "type", "boolean");
	case FIELD_ENUM:
		return schema_enum(field);
	case FIELD_DIGITS:
		return schema_digits(field);
	case FIELD_ID:
		return json_pack(
			"{s:s,s:s}", "type", "string", "pattern", "^[A-Za-z0-9_.-]{1,64}$");
	case FIELD_PHONE:
		return json_pack("{s:s,s:s}", "type", "string", "examples", "+237670000001");
	case FIELD_EMAIL:
		return schema_format("email");
	case FIELD_PASSWORD:
	case FIELD_SECRET:
		return schema_format("password");
	case FIELD_URL:
		return schema_format("uri");
	case FIELD_URL_OR_ID:
		return json_pack("{s:s,s:I,s:i}", "type", "string", "minLength",
			(json_int_t)field->min, "maxLength", URL_LENGTH_MAX);
	case FIELD_TIME:
		return schema_format("date-time");
	case FIELD_DATE:
		return schema_format("date");
	case FIELD_POINT:
		return json_pack("{s:s,s:[ss],s:{s:{s:s},s:{s:s}}}", "type", "object", "required",
			"lat", "lng", "properties", "lat", "type", "number", "lng", "type",
			"number");
	default:
		return schema_text(field);
	}
}

static json_t *schema_list(const struct field *field)
{
	struct field each = { .kind = field->each, .max = field->each_max, .words = field->words };
	json_t *items = field->of                                       ? schema_of(field->of)
		: field->each == FIELD_NONE || field->each == FIELD_ANY ? json_object()
									: schema_scalar(&each);

	return schema_bounds(json_pack("{s:s,s:o}", "type", "array", "items", items), field,
		"minItems", "maxItems");
}

/* The other names under which a member is accepted. */
static json_t *schema_spellings(const struct field *field)
{
	struct text also = text_of(field->aliases);
	json_t *names = json_array();

	while (also.at && also.len) {
		struct text one = text_cut(&also, ' ');

		if (one.len)
			json_array_append_new(names, json_stringn(one.at, one.len));
	}
	return names;
}

json_t *schema_field(const struct field *field)
{
	json_t *schema = field->kind == FIELD_LIST ? schema_list(field)
		: field->kind == FIELD_OBJECT      ? schema_of(field->of)
		: field->kind == FIELD_ANY         ? json_object()
						   : schema_scalar(field);
	json_t *type = json_object_get(schema, "type");

	if (field->kind == FIELD_PHONE)
		json_object_set_new(schema, "examples", json_pack("[s]", "+237670000001"));
	if ((field->nullable || field->clearable) && type)
		json_object_set_new(schema, "type", json_pack("[O,s]", type, "null"));
	if (field->aliases)
		json_object_set_new(schema, "x-spellings", schema_spellings(field));
	if (field->lines)
		json_object_set_new(schema, "x-lines", json_true());
	if (field->summary)
		json_object_set_new(schema, "description", json_string(field->summary));
	return schema;
}

/* The schema of an object; a NULL table stands for any object. A table with a title sets it. */
json_t *schema_of(const struct field *table)
{
	json_t *properties = json_object();
	json_t *required = json_array();
	json_t *schema = json_pack("{s:s}", "type", "object");

	const struct field *field = table;

	for (; field && field->name; field++) {
		json_object_set_new(properties, field->name, schema_field(field));
		if (field->required)
			json_array_append_new(required, json_string(field->name));
	}
	if (table)
		json_object_set(schema, "properties", properties);
	if (table && field->summary)
		json_object_set_new(schema, "title", json_string(field->summary));
	if (json_array_size(required))
		json_object_set(schema, "required", required);
	json_decref(properties);
	json_decref(required);
	return schema;
}
