/* SPDX-License-Identifier: MIT
 *
 * Time. Durations come from the monotonic clock, dates from the wall clock. Tests may move the wall
 * clock.
 */
#ifndef REEYO_CORE_CLOCK_H
#define REEYO_CORE_CLOCK_H

#include <stdint.h>

/* The monotonic clock in milliseconds and in microseconds. Any thread. */
uint64_t clock_ms(void);
uint64_t clock_us(void);
/* Milliseconds since 1970-01-01 UTC, plus the offset a test has set. Any thread. */
int64_t clock_wall_ms(void);
static inline int64_t clock_wall_s(void)
{
	return clock_wall_ms() / 1000;
}
/* Moves the wall clock of this process by by_ms milliseconds; for tests. Any thread. */
void clock_shift(int64_t by_ms);

/* "2026-11-23T20:40:45.123Z" (24 characters and NUL) into out. */
#define CLOCK_ISO_SIZE 25
void clock_iso(int64_t wall_ms, char out[CLOCK_ISO_SIZE]);
/* Reads RFC 3339 ("…Z" or "…+01:00", fraction optional) into milliseconds since 1970. Returns 0,
 * or -1 when the text is not a valid time. */
int clock_parse(const char *text, int64_t *ret_ms);

/* Writes the date `by` days after the date `day` (YYYY-MM-DD) into out, which may be the same
 * memory. Returns 0, or -1 when day is not a valid date. */
#define CLOCK_DAY_SIZE 11
int clock_day_add(const char *day, int by, char out[CLOCK_DAY_SIZE]);

#endif
