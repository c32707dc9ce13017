/* SPDX-License-Identifier: MIT
 *
 * Objects that more than one namespace shows, as reply tables; made by the ..._json functions of
 * the schema. And words that more than one takes.
 */
#ifndef REEYO_API_SHAPES_H
#define REEYO_API_SHAPES_H

#include "reeyo/http/field.h"

extern const struct field vendor_fields[];      /* Vendor, as everybody sees it */
extern const struct field vendor_self_fields[]; /* Vendor, as it sees itself */
extern const struct field item_fields[];        /* Item of a menu */
extern const struct field dispute_fields[];     /* Dispute, as its customer and the admins see it */

/* today, week, month, year: this one, from its first day (period_start of the schema). */
extern const char *const period_words[];

#endif
