/* SPDX-License-Identifier: MIT
 *
 * Business hours: for each day {open:"HH:MM",close:"HH:MM",closed?}, monday…sunday. A close that is
 * not after its open spans midnight, so half past midnight on a Saturday can still be Friday.
 */
#ifndef REEYO_DOMAIN_HOURS_H
#define REEYO_DOMAIN_HOURS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Minutes from midnight. A negative `from`: closed the whole day. Equal times in the JSON: open the
 * whole day. */
struct hours {
	struct {
		int16_t from, to;
	} day[7]; /* Monday is 0 */
};

extern const char *const day_names[7]; /* "monday" … */

/* Reads the JSON object. A day that it does not name is closed; when it names no day, every day is
 * open. False when a day is malformed: *ret_day names the first one; such days are closed. */
bool hours_read(const json_t *object, struct hours *ret, const char **ret_day);
/* Whether the hours are open at a wall time (milliseconds since 1970 UTC). offset_minutes: how far
 * the local clock is ahead of UTC. */
bool hours_open(const struct hours *hours, int64_t wall_ms, int offset_minutes);

#endif
