/* SPDX-License-Identifier: MIT
 *
 * Inside the field check: where it stands, and how a fault is written down.
 */
#ifndef REEYO_SRC_HTTP_FIELD_H
#define REEYO_SRC_HTTP_FIELD_H

#include "reeyo/core/memory.h"
#include "reeyo/http/field.h"

struct check {
	struct field_fault *faults;
	unsigned count;
	bool texts;         /* values are strings: a query or a form */
	bool clears;        /* null of a clearable member is kept */
	char path[96];      /* of the object being checked: "items[2]." */
};

/* Notes a fault of `name` in the current object. */
void check_fault(struct check *check, const char *name, const char *english,
	const char *french, ...)
	__attribute__((format(printf, 3, 5)));

/* One scalar of the field's kind, normalised: a new reference to what shall stand there (possibly
 * the value itself), or NULL after noting a fault. */
json_t *scalar_check(struct check *check, const struct field *field, const char *name,
	json_t *value);

#endif
