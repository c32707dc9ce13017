/* SPDX-License-Identifier: MIT
 *
 * Reading a client's JSON at a bounded cost. A parsed value takes up to 120 times its bytes
 * (an empty object: 2 bytes in the body, 224 in memory), and the parser recurses. So the text
 * is scanned for its depth and its number of values before it is parsed, and every byte of the
 * tree counts against the memory of the request.
 */
#ifndef REEYO_SRC_HTTP_JSON_H
#define REEYO_SRC_HTTP_JSON_H

#include <jansson.h>

#include "reeyo/core/memory.h"

/* Deepest nesting: ours is 6. */
#define JSON_DEPTH_MAX 32
/* Most values and keys of a body. The largest of ours, an order of 50 lines with four choices each,
 * has 1,300. The costliest body within both bounds takes 0.5 MB and 1 ms. */
#define JSON_VALUES_MAX 2500

struct json_fault {
	enum err error;    /* E_MALFORMED_JSON, E_BODY_TOO_LARGE (too many values) or E_NO_MEMORY */
	char why[JSON_ERROR_TEXT_LENGTH]; /* in English; says nothing of what the text holds */
	int line, column;  /* from 1 */
	size_t offset;
};

/* Sets the allocator of the JSON library for the whole process. Before the first loop starts. */
void json_memory_start(void);
/* An object from the text, or NULL with *ret_fault set. What it takes is charged to the arena; the
 * caller frees it with json_decref. */
json_t *json_read_object(struct arena *arena, struct text text, struct json_fault *ret_fault);

#endif
