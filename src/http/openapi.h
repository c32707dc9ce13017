/* SPDX-License-Identifier: MIT
 *
 * Inside the OpenAPI document: the schemas of field tables.
 */
#ifndef REEYO_SRC_HTTP_OPENAPI_H
#define REEYO_SRC_HTTP_OPENAPI_H

#include <jansson.h>

#include "reeyo/core/memory.h"
#include "reeyo/http/route.h"

/* The schema of one member. NULL when out of memory. */
json_t *schema_field(const struct field *field);
/* The schema of an object; a NULL table stands for any object. A table with a title sets it. */
json_t *schema_of(const struct field *table);

#endif
