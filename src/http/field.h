/* SPDX-License-Identifier: MIT
 *
 * Inside the field check: its state, and how faults are recorded.
 */
#ifndef REEYO_SRC_HTTP_FIELD_H
#define REEYO_SRC_HTTP_FIELD_H

#include "reeyo/core/memory.h"
#include "reeyo/http/field.h"

struct check {
	struct field_fault *faults;
	unsigned count;
	bool texts;    /* values are strings: a query or a form */
	bool clears;   /* null is kept in a clearable member */
	char path[96]; /* of the object that is being checked: "items[2]." */
};

/* Records a fault of `name` in the current object. */
void check_fault(struct check *check, const char *name, const char *english, const char *french,
	...) __attribute__((format(printf, 3, 5)));

/* Validates and normalises one scalar. Returns a new reference to the value to store (possibly the
 * same value), or NULL after recording a fault. */
json_t *scalar_check(
	struct check *check, const struct field *field, const char *name, json_t *value);

#endif
