/* SPDX-License-Identifier: MIT
 *
 * Validates objects against field tables: spellings, presence, lists and nested objects. Scalars
 * are in scalar.c.
 */
#include <stdarg.h>
#include <stdio.h>

#include "field.h"

static void object_check(struct check *check, const struct field *table, json_t *object);

void check_fault(
	struct check *check, const char *name, const char *english, const char *french, ...)
{
	struct field_fault *fault;
	va_list args;

	if (check->count >= FIELD_FAULTS_MAX)
		return;
	fault = &check->faults[check->count++];
	snprintf(fault->field, sizeof(fault->field), "%s%s", check->path, name);
	va_start(args, french);
	vsnprintf(fault->message, sizeof(fault->message), english, args);
	va_end(args);
	va_start(args, french);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	vsnprintf(fault->message_fr, sizeof(fault->message_fr), french, args);
#pragma GCC diagnostic pop
	va_end(args);
}

/* Validates a nested object; the path is extended by "name." or "name[3]." meanwhile. */
static void check_inside(
	struct check *check, const char *name, int index, const struct field *table, json_t *object)
{
	size_t len = strlen(check->path);

	if (index < 0)
		snprintf(check->path + len, sizeof(check->path) - len, "%s.", name);
	else
		snprintf(check->path + len, sizeof(check->path) - len, "%s[%d].", name, index);
	object_check(check, table, object);
	check->path[len] = '\0';
}

static void list_size_check(struct check *check, const struct field *field, size_t size)
{
	if (field->min && (int64_t)size < field->min)
		check_fault(check, field->name, "must have at least %lld entries",
			"doit avoir au moins %lld éléments", (long long)field->min);
	else if (field->max && (int64_t)size > field->max)
		check_fault(check, field->name, "must have at most %lld entries",
			"doit avoir au plus %lld éléments", (long long)field->max);
}

static void list_check(struct check *check, const struct field *field, json_t *list)
{
	struct field each = { .name = field->name,
		.kind = field->each,
		.max = field->each_max,
		.words = field->words,
		.required = true };
	unsigned before = check->count;
	char name[80];

	list_size_check(check, field, json_array_size(list));
	if (check->count > before)
		return;
	for (size_t i = 0; i < json_array_size(list) && check->count < FIELD_FAULTS_MAX; i++) {
		json_t *value = json_array_get(list, i);
		json_t *kept;

		snprintf(name, sizeof(name), "%s[%zu]", field->name, i);
		if (field->of && !json_is_object(value)) {
			check_fault(check, name, "must be an object", "doit être un objet");
		} else if (field->of) {
			check_inside(check, field->name, (int)i, field->of, value);
		} else if (field->each != FIELD_NONE && field->each != FIELD_ANY) {
			kept = scalar_check(check, &each, name, value);
			if (kept)
				json_array_set_new(list, i, kept);
		}
	}
}

static bool point_coordinate(json_t *object, const char *name, const char *also, double *ret)
{
	json_t *value = json_object_get(object, name);

	if (!value)
		value = json_object_get(object, also);
	if (json_is_string(value))
		return text_to_double(text_of(json_string_value(value)), ret);
	*ret = json_number_value(value);
	return json_is_number(value);
}

/* {lat,lng} or {latitude,longitude}; the result is {lat,lng}. */
static json_t *point_check(struct check *check, const struct field *field, json_t *value)
{
	double lat, lng;

	if (!json_is_object(value) || !point_coordinate(value, "lat", "latitude", &lat) ||
		!point_coordinate(value, "lng", "longitude", &lng)) {
		check_fault(check, field->name, "must be a point {lat,lng}",
			"doit être un point {lat,lng}");
		return NULL;
	}
	if (!(lat >= -90 && lat <= 90 && lng >= -180 && lng <= 180)) {
		check_fault(check, field->name,
			"is not a place on Earth: lat -90 to 90, lng -180 to 180",
			"n'est pas un lieu sur Terre : lat -90 à 90, lng -180 à 180");
		return NULL;
	}
	return json_pack("{s:f,s:f}", "lat", lat, "lng", lng);
}

static void value_check(
	struct check *check, const struct field *field, json_t *object, json_t *value)
{
	json_t *kept = NULL;

	switch (field->kind) {
	case FIELD_ANY:
		return;
	case FIELD_OBJECT:
		if (!json_is_object(value))
			check_fault(check, field->name, "must be an object", "doit être un objet");
		else if (field->of)
			check_inside(check, field->name, -1, field->of, value);
		return;
	case FIELD_LIST:
		if (!json_is_array(value))
			check_fault(check, field->name, "must be a list", "doit être une liste");
		else
			list_check(check, field, value);
		return;
	case FIELD_POINT:
		kept = point_check(check, field, value);
		break;
	default:
		kept = scalar_check(check, field, field->name, value);
	}
	if (kept)
		json_object_set_new(object, field->name, kept);
}

/* --- Null ------------------------------------------------------------------------------------- */

/* Removes the members that are null, at any depth. False when a list contains null. */
static bool nulls_remove(json_t *value)
{
	bool clean = true;
	const char *name;
	json_t *inner;
	void *next;

	for (size_t i = 0; i < json_array_size(value); i++) {
		inner = json_array_get(value, i);
		clean &= !json_is_null(inner) && nulls_remove(inner);
	}
	if (!json_is_object(value))
		return clean;
	json_object_foreach_safe(value, next, name, inner)
	{
		if (json_is_null(inner))
			json_object_del(value, name);
		else
			clean &= nulls_remove(inner);
	}
	return clean;
}

/* True when no table describes the inside of the value. Null members are removed from it, and its
 * lists must not contain null. */
static bool field_is_opaque(const struct field *field)
{
	return field->kind == FIELD_ANY || field->kind == FIELD_POINT ||
		(field->kind == FIELD_OBJECT && !field->of) ||
		(field->kind == FIELD_LIST && !field->of &&
			(field->each == FIELD_NONE || field->each == FIELD_ANY));
}

/* --- Members ---------------------------------------------------------------------------------- */

/* Finds the value under any of the field's spellings and renames it to the field's name. Takes the
 * first one that is not null; returns null when all present ones are null, NULL when there is
 * none. */
static json_t *spelling_resolve(const struct field *field, json_t *object)
{
	json_t *value = json_object_get(object, field->name);
	struct text also = text_of(field->aliases);
	char spelling[64];

	while ((!value || json_is_null(value)) && also.at) {
		struct text one = text_cut(&also, ' ');
		json_t *other;

		if (one.len == 0 || one.len >= sizeof(spelling))
			continue;
		memcpy(spelling, one.at, one.len);
		spelling[one.len] = '\0';
		other = json_object_get(object, spelling);
		if (!other)
			continue;
		json_object_set(object, field->name, other);
		json_object_del(object, spelling);
		value = json_object_get(object, field->name);
	}
	return value;
}

static void field_member_check(struct check *check, const struct field *field, json_t *object)
{
	json_t *value = spelling_resolve(field, object);

	if (json_is_null(value) && field->clearable && check->clears)
		return;
	if (!value || json_is_null(value)) {
		json_object_del(object, field->name);
		if (field->required)
			check_fault(check, field->name, "is required", "est obligatoire");
		return;
	}
	if (field_is_opaque(field) && !nulls_remove(value))
		check_fault(check, field->name, "must not hold null", "ne doit pas contenir null");
	else
		value_check(check, field, object, value);
}

static bool table_has(const struct field *table, const char *name)
{
	for (const struct field *field = table; field->name; field++)
		if (strcmp(field->name, name) == 0)
			return true;
	return false;
}

static void object_check(struct check *check, const struct field *table, json_t *object)
{
	const char *name;
	json_t *value;
	void *next;

	for (const struct field *field = table; field->name; field++)
		field_member_check(check, field, object);
	json_object_foreach_safe(object, next, name, value) if (json_is_null(value) &&
		!table_has(table, name)) json_object_del(object, name);
}

unsigned field_check(const struct field *table, json_t *object, unsigned how,
	struct field_fault faults[FIELD_FAULTS_MAX])
{
	struct check check = {
		.faults = faults, .texts = how & FIELDS_TEXTS, .clears = !(how & FIELDS_NEW)
	};

	object_check(&check, table, object);
	return check.count;
}
