/* SPDX-License-Identifier: MIT
 *
 * Writes one JSON value into a struct buf, member by member. The writer sets commas, quotes and
 * escapes; text must be UTF-8. It allocates nothing but what the buf takes from its arena.
 *
 *	struct buf out = buf_in(rq->arena, 128);
 *	struct json_writer json = json_write_to(&out);
 *
 *	json_write_object(&json);
 *	json_write_member_text(&json, "name", name);
 *	json_write_member_int(&json, "price", price);
 *	json_write_object_end(&json);
 *	return json_write_finish(&json);
 *
 * A call in the wrong place (a value without a name in an object, an end without a beginning, a
 * second value at the top) is a mistake of the program and fails an assert. When memory is
 * exhausted the buf's `failed` is set, later calls do nothing, and json_write_finish gives NULL.
 */
#ifndef REEYO_CORE_JSON_WRITER_H
#define REEYO_CORE_JSON_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "reeyo/core/memory.h"
#include "reeyo/core/text.h"

/* Objects and arrays may be nested this deep; deeper is an assert. */
#define JSON_WRITE_DEPTH 32

struct json_writer {
	struct buf *out;
	uint32_t arrays; /* bit n: level n is an array */
	uint8_t depth;
	bool comma; /* a value stands before, at this level */
	bool named; /* a member's name was written, its value follows */
};

/* A writer that appends one value to *out, which must outlive it. */
struct json_writer json_write_to(struct buf *out);
/* Checks that everything begun was ended. Returns the whole text of the buf, as buf_string. */
char *json_write_finish(struct json_writer *json);

/* Begin and end of an object or an array: as a value of its own, or after json_write_name. */
void json_write_object(struct json_writer *json);
void json_write_object_end(struct json_writer *json);
void json_write_array(struct json_writer *json);
void json_write_array_end(struct json_writer *json);
/* The name of the next member; its value follows. */
void json_write_name(struct json_writer *json, const char *name);

/* An absent text (at is NULL) gives null. */
void json_write_text(struct json_writer *json, struct text text);
/* NULL gives null. */
void json_write_string(struct json_writer *json, const char *string);
void json_write_int(struct json_writer *json, long long value);
void json_write_bool(struct json_writer *json, bool value);
void json_write_null(struct json_writer *json);
/* As double_to_text prints it; null when it is not finite. */
void json_write_double(struct json_writer *json, double value);
/* A time in milliseconds since 1970, as clock_iso prints it. */
void json_write_time(struct json_writer *json, int64_t wall_ms);
/* With exactly so many decimals (0 to 9), such as coordinates; null when it is not finite. */
void json_write_decimal(struct json_writer *json, double value, int decimals);
/* A value that the caller appends to the buf itself, right after this. */
void json_write_hole(struct json_writer *json);
/* A value that is JSON already; an absent or empty one gives null. It is not checked. */
void json_write_raw(struct json_writer *json, struct text value);

/* A member: name and value in one call. */
void json_write_member_object(struct json_writer *json, const char *name);
void json_write_member_array(struct json_writer *json, const char *name);
void json_write_member_text(struct json_writer *json, const char *name, struct text text);
void json_write_member_string(struct json_writer *json, const char *name, const char *string);
void json_write_member_int(struct json_writer *json, const char *name, long long value);
void json_write_member_bool(struct json_writer *json, const char *name, bool value);
void json_write_member_null(struct json_writer *json, const char *name);
void json_write_member_double(struct json_writer *json, const char *name, double value);
void json_write_member_decimal(
	struct json_writer *json, const char *name, double value, int decimals);
void json_write_member_raw(struct json_writer *json, const char *name, struct text value);

/* {"name":value} in the arena, such as {"updated":3}. NULL when the arena is exhausted. */
char *json_int_object(struct arena *arena, const char *name, long long value);

#endif
