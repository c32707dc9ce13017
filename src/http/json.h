/* SPDX-License-Identifier: MIT
 *
 * Parses a client's JSON at a bounded cost. A parsed value takes up to 120 times its bytes (an
 * empty object: 2 bytes in the body, 224 in memory), and the parser is recursive. So the depth and
 * the number of values are checked before parsing, and the memory of the tree is charged to the
 * request.
 */
#ifndef REEYO_SRC_HTTP_JSON_H
#define REEYO_SRC_HTTP_JSON_H

#include <jansson.h>

#include "reeyo/core/memory.h"

/* Deepest nesting. The deepest body of the API has 6 levels. */
#define JSON_DEPTH_MAX 32
/* Most values and keys in a body. The largest body of the API, an order of 50 lines with four
 * choices each, has 1,300. The costliest body within both bounds takes 0.5 MB and 1 ms. */
#define JSON_VALUES_MAX 2500

struct json_fault {
	enum err error; /* E_MALFORMED_JSON, E_BODY_TOO_LARGE (too many values) or E_NO_MEMORY */
	char why[JSON_ERROR_TEXT_LENGTH]; /* in English; does not quote the text */
	int line, column;                 /* from 1 */
	size_t offset;
};

/* Sets the allocator of the JSON library for the whole process, before the first loop starts. */
void json_memory_start(void);
/* Parses an object, or returns NULL with *ret_fault set. Its memory is charged to the arena; the
 * caller frees it with json_decref. */
json_t *json_read_object(struct arena *arena, struct text text, struct json_fault *ret_fault);

#endif
