/* SPDX-License-Identifier: MIT
 *
 * Business hours, as bodies say them.
 */
#ifndef REEYO_API_VENDOR_HOURS_H
#define REEYO_API_VENDOR_HOURS_H

#include "reeyo/http/request.h"

extern const struct field day_fields[]; /* monday … sunday: {open,close,closed?} */

/* Names any day. */
bool hours_named(const json_t *given);
/* Hours checked against day_fields, as JSON text without what we do not know; NULL for none. False
 * when it has replied: a day's times are none. */
bool hours_take(struct request *rq, const json_t *given, const char **ret);

#endif
