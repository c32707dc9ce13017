/* SPDX-License-Identifier: MIT
 *
 * Reply tables of objects that more than one namespace replies with (the SQL functions ..._json
 * make them), and words that more than one namespace accepts.
 */
#ifndef REEYO_API_REPLY_OBJECTS_H
#define REEYO_API_REPLY_OBJECTS_H

#include "reeyo/http/field.h"

extern const struct field vendor_fields[];      /* Vendor, public */
extern const struct field vendor_self_fields[]; /* Vendor, for itself */
extern const struct field item_fields[];        /* item of a menu */
extern const struct field dispute_fields[];     /* dispute, for its customer and the admins */

/* today, week, month, year: the current one, from its first day (SQL: period_start). */
extern const char *const period_words[];

#endif
