/* SPDX-License-Identifier: MIT
 *
 * Time. Durations come from the monotonic clock; dates from the wall clock, which tests may move.
 */
#ifndef REEYO_CORE_CLOCK_H
#define REEYO_CORE_CLOCK_H

#include <stdint.h>

/* Milliseconds, microseconds of the monotonic clock. Any thread. */
uint64_t clock_ms(void);
uint64_t clock_us(void);
/* Milliseconds since 1970-01-01 UTC, plus the offset a test has set. Any thread. */
int64_t clock_wall_ms(void);
static inline int64_t clock_wall_s(void)
{
	return clock_wall_ms() / 1000;
}
/* Moves the wall clock of this process by so many milliseconds; for tests. Any thread. */
void clock_shift(int64_t by_ms);

/* "2026-11-23T20:40:45.123Z" (24 characters and NUL) into out. */
#define CLOCK_ISO_SIZE 25
void clock_iso(int64_t wall_ms, char out[CLOCK_ISO_SIZE]);
/* Reads RFC 3339 ("…Z" or "…+01:00", fraction optional) into milliseconds; 0, or -1. */
int clock_parse(const char *text, int64_t *ret_ms);

/* The day `by` days after a YYYY-MM-DD, which out may be; 0, or -1 when it is none. */
#define CLOCK_DAY_SIZE 11
int clock_day(const char *day, int by, char out[CLOCK_DAY_SIZE]);

#endif
