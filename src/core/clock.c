/* SPDX-License-Identifier: MIT
 *
 * Clocks, and RFC 3339 in both directions. Dates are computed (days since 1970 in the proleptic
 * Gregorian calendar) without the C library, because its time zone is a setting of the process.
 */
#include "reeyo/core/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t shift_ms;

uint64_t clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

uint64_t clock_ms(void)
{
	return clock_us() / 1000u;
}

int64_t clock_wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 +
		__atomic_load_n(&shift_ms, __ATOMIC_RELAXED);
}

void clock_shift(int64_t by_ms)
{
	__atomic_fetch_add(&shift_ms, by_ms, __ATOMIC_RELAXED);
}

/* Years start in March here, so that the leap day is the last day of its year. */
static int64_t days_from_civil(int64_t year, int64_t month, int64_t day)
{
	int64_t y = year - (month <= 2);
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void civil_from_days(int64_t days, int64_t *year, int64_t *month, int64_t *day)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t of_era = z - era * 146097;
	int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
	int64_t shifted = (5 * of_year + 2) / 153;

	*day = of_year - (153 * shifted + 2) / 5 + 1;
	*month = shifted + (shifted < 10 ? 3 : -9);
	*year = y + era * 400 + (*month <= 2);
}

/* Writes `value` with exactly `count` digits, and `end` behind it; returns what follows. */
static char *clock_digits_write(char *out, int64_t value, int count, char end)
{
	for (int i = count - 1; i >= 0; i--, value /= 10)
		out[i] = (char)('0' + value % 10);
	out[count] = end;
	return out + count + 1;
}

void clock_iso(int64_t wall_ms, char out[CLOCK_ISO_SIZE])
{
	int64_t day_ms = wall_ms % 86400000, days = wall_ms / 86400000, year, month, day;

	if (day_ms < 0) {
		day_ms += 86400000;
		days--;
	}
	civil_from_days(days, &year, &month, &day);
	if (year < 0 || year > 9999) {
		memcpy(out, "9999-12-31T23:59:59.999Z", CLOCK_ISO_SIZE);
		return;
	}
	out = clock_digits_write(out, year, 4, '-');
	out = clock_digits_write(out, month, 2, '-');
	out = clock_digits_write(out, day, 2, 'T');
	out = clock_digits_write(out, day_ms / 3600000, 2, ':');
	out = clock_digits_write(out, day_ms / 60000 % 60, 2, ':');
	out = clock_digits_write(out, day_ms / 1000 % 60, 2, '.');
	out = clock_digits_write(out, day_ms % 1000, 3, 'Z');
	*out = '\0';
}

/* Reads n digits at *at and moves *at past them; -1 when there are fewer. */
static int64_t clock_digits(const char **at, int n)
{
	int64_t value = 0;

	for (int i = 0; i < n; i++, (*at)++) {
		if (**at < '0' || **at > '9')
			return -1;
		value = value * 10 + (**at - '0');
	}
	return value;
}

static bool clock_skip(const char **at, const char *any)
{
	if (!**at || !strchr(any, **at))
		return false;
	(*at)++;
	return true;
}

static int days_of_month(int64_t year, int64_t month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/* Reads "Z", "+01:00" or "-05:30" as minutes east of UTC; false for anything else. */
static bool clock_zone_read(const char *at, int64_t *ret_minutes)
{
	int64_t hours, minutes;
	int sign = *at == '-' ? -1 : 1;

	*ret_minutes = 0;
	if (clock_skip(&at, "Zz"))
		return *at == '\0';
	if (!clock_skip(&at, "+-") || (hours = clock_digits(&at, 2)) < 0 || hours > 23 ||
		!clock_skip(&at, ":") || (minutes = clock_digits(&at, 2)) < 0 || minutes > 59)
		return false;
	*ret_minutes = sign * (hours * 60 + minutes);
	return *at == '\0';
}

int clock_parse(const char *text, int64_t *ret_ms)
{
	int64_t year, month, day, hour, minute, second, ms = 0, zone, scale = 100;
	const char *at = text;

	if ((year = clock_digits(&at, 4)) < 0 || !clock_skip(&at, "-") ||
		(month = clock_digits(&at, 2)) < 1 || month > 12 || !clock_skip(&at, "-") ||
		(day = clock_digits(&at, 2)) < 1 || day > days_of_month(year, month))
		return -1;
	if (!clock_skip(&at, "Tt ") || (hour = clock_digits(&at, 2)) < 0 || hour > 23 ||
		!clock_skip(&at, ":") || (minute = clock_digits(&at, 2)) < 0 || minute > 59 ||
		!clock_skip(&at, ":") || (second = clock_digits(&at, 2)) < 0 || second > 60)
		return -1;
	if (clock_skip(&at, ".")) {
		if (*at < '0' || *at > '9')
			return -1;
		for (; *at >= '0' && *at <= '9'; at++, scale /= 10)
			ms += (*at - '0') * scale;
	}
	if (!clock_zone_read(at, &zone))
		return -1;
	*ret_ms = (((days_from_civil(year, month, day) * 24 + hour) * 60 + minute - zone) * 60 +
			  second) *
			1000 +
		ms;
	return 0;
}

int clock_day_add(const char *day, int by, char out[CLOCK_DAY_SIZE])
{
	char text[CLOCK_ISO_SIZE];
	int64_t ms;

	if (strlen(day) != CLOCK_DAY_SIZE - 1)
		return -1;
	snprintf(text, sizeof(text), "%sT00:00:00.000Z", day);
	if (clock_parse(text, &ms))
		return -1;
	clock_iso(ms + by * INT64_C(86400000), text);
	snprintf(out, CLOCK_DAY_SIZE, "%.10s", text);
	return 0;
}
