/* SPDX-License-Identifier: MIT
 *
 * Business hours in request bodies.
 */
#ifndef REEYO_API_VENDOR_HOURS_H
#define REEYO_API_VENDOR_HOURS_H

#include "reeyo/http/request.h"

extern const struct field day_fields[]; /* monday … sunday: {open,close,closed?} */

/* True when any day is given. */
bool hours_has_any_day(const json_t *given);
/* Reads hours that were checked against day_fields: *ret is JSON text with known members only, NULL
 * when given is NULL. False when a day is invalid and the error reply has been sent. */
bool hours_body_read(struct request *rq, const json_t *given, const char **ret);

#endif
