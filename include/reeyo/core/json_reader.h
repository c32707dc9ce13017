/* SPDX-License-Identifier: MIT
 *
 * Reading JSON into a tree, quicker than jansson does. The reader knows the usual: objects, arrays,
 * strings without escapes, numbers, words. It gives up on everything else, so that jansson alone
 * decides about it and words the error. For what it reads, the tree is the same.
 */
#ifndef REEYO_CORE_JSON_READER_H
#define REEYO_CORE_JSON_READER_H

#include <jansson.h>

#include "reeyo/core/text.h"

/* The tree of an object or array; the caller owns it. NULL for a text that holds anything unusual:
 * an escape, a name twice, more than 32 levels, a long number, a fault, or when out of memory. Any
 * thread. */
json_t *json_read_usual(struct text text);
/* The tree of any valid text, or NULL. Of a name that appears twice the last value counts. */
json_t *json_read(struct text text);

#endif
