/* SPDX-License-Identifier: MIT
 *
 * Bounded JSON parsing: see the header.
 */
#include "json.h"

#include <stdio.h>
#include <string.h>

#include "reeyo/core/json_reader.h"

/* Overhead of malloc per allocation. */
#define PIECE_COST 16

/* The budget of the tree that this thread is parsing. */
static _Thread_local struct {
	bool counts, spent; /* spent: an allocation was refused */
	size_t left;
} budget;

static void *json_malloc(size_t size)
{
	if (budget.counts) {
		if (size + PIECE_COST > budget.left) {
			budget.spent = true;
			return NULL;
		}
		budget.left -= size + PIECE_COST;
	}
	return malloc(size);
}

void json_memory_start(void)
{
	json_set_alloc_funcs(json_malloc, free);
}

struct scan {
	unsigned depth, values;
	bool quoted;
};

/* Scans one character of JSON; false when it exceeds a bound. Each value and each key follows an
 * opening bracket, a comma or a colon, so counting these counts the values. (An empty list or
 * object counts as one more, which matches its memory.) */
static bool json_scan_char(struct scan *scan, char c)
{
	switch (c) {
	case '"':
		scan->quoted = true;
		return true;
	case '{':
	case '[':
		return ++scan->depth <= JSON_DEPTH_MAX && ++scan->values <= JSON_VALUES_MAX;
	case ',':
	case ':':
		return ++scan->values <= JSON_VALUES_MAX;
	case '}':
	case ']':
		scan->depth -= scan->depth > 0;
		return true;
	default:
		return true;
	}
}

static bool json_scan(struct text text, struct json_fault *fault)
{
	struct scan scan = { 0 };

	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];

		if (scan.quoted) {
			scan.quoted = c != '"';
			i += c == '\\';
			continue;
		}
		if (json_scan_char(&scan, c))
			continue;
		*fault = (struct json_fault){ .line = 1, .column = (int)i + 1, .offset = i };
		fault->error = scan.depth > JSON_DEPTH_MAX ? E_MALFORMED_JSON : E_BODY_TOO_LARGE;
		snprintf(fault->why, sizeof(fault->why), "%s",
			scan.depth > JSON_DEPTH_MAX ? "nested too deeply" : "too many values");
		return false;
	}
	return true;
}

/* jansson quotes the text near the fault, which may be a secret or not UTF-8. Only its own message
 * is used. */
static void json_fault_set(struct json_fault *fault, const json_error_t *error)
{
	const char *near = strstr(error->text, " near '");
	int len = near ? (int)(near - error->text) : (int)strlen(error->text);

	*fault = (struct json_fault){ .error = budget.spent ? E_BODY_TOO_LARGE : E_MALFORMED_JSON,
		.line = error->line,
		.column = error->column,
		.offset = error->position > 0 ? (size_t)error->position : 0 };
	snprintf(fault->why, sizeof(fault->why), "%.*s", len, error->text);
	if (!text_is_utf8(text_of(fault->why)))
		snprintf(fault->why, sizeof(fault->why), "unexpected bytes");
}

/* Allocations of the tree count against the budget of `most` bytes from here to budget_end. */
static void budget_begin(size_t most)
{
	budget.counts = true;
	budget.spent = false;
	budget.left = most;
}

static void budget_end(struct arena *arena, size_t most)
{
	budget.counts = false;
	arena_charge(arena, most - budget.left);
}

static json_t *json_object_only(json_t *value, struct json_fault *ret_fault)
{
	if (json_is_object(value))
		return value;
	json_decref(value);
	*ret_fault = (struct json_fault){
		.error = E_MALFORMED_JSON, .line = 1, .column = 1, .why = "an object was expected"
	};
	return NULL;
}

json_t *json_read_object(struct arena *arena, struct text text, struct json_fault *ret_fault)
{
	size_t most = arena_left(arena);
	json_error_t error;
	json_t *value;

	if (!json_scan(text, ret_fault))
		return NULL;
	budget_begin(most);
	value = json_read_usual(text);
	if (!value) {
		budget_begin(most);
		value = json_loadb(text.at, text.len, JSON_REJECT_DUPLICATES, &error);
	}
	budget_end(arena, most);
	if (value)
		return json_object_only(value, ret_fault);
	json_fault_set(ret_fault, &error);
	return NULL;
}
