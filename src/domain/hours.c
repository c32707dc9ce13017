/* SPDX-License-Identifier: MIT
 *
 * Business hours, compared by the local minute of the week.
 */
#include "reeyo/domain/hours.h"

#define DAY 1440
#define CLOSED (-1)

const char *const day_names[7] = { "monday", "tuesday", "wednesday", "thursday", "friday",
	"saturday", "sunday" };

static bool is_clock_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "HH:MM" in minutes; 24:00 is the end of the day. -1: anything else. */
static int clock_minutes(const char *at)
{
	int hour, minute;

	if (!at || !is_clock_digit(at[0]) || !is_clock_digit(at[1]) || at[2] != ':' ||
		!is_clock_digit(at[3]) || !is_clock_digit(at[4]) || at[5])
		return -1;
	hour = (at[0] - '0') * 10 + at[1] - '0';
	minute = (at[3] - '0') * 10 + at[4] - '0';
	if (minute > 59 || hour * 60 + minute > DAY)
		return -1;
	return hour * 60 + minute;
}

static bool day_is_given(const json_t *object, int day)
{
	const json_t *value = json_object_get(object, day_names[day]);

	return value && !json_is_null(value);
}

static bool day_hours_read(const json_t *day, int16_t *from, int16_t *to)
{
	const json_t *closed = json_object_get(day, "closed");
	int open, close;

	*from = *to = CLOSED;
	/* SQL casts it to boolean (hours_open), so anything else would make the query fail. */
	if (closed && !json_is_boolean(closed) && !json_is_null(closed))
		return false;
	if (json_is_true(closed))
		return true;
	open = clock_minutes(json_string_value(json_object_get(day, "open")));
	close = clock_minutes(json_string_value(json_object_get(day, "close")));
	if (open < 0 || open == DAY || close < 0)
		return false;
	*from = (int16_t)open;
	*to = (int16_t)(close <= open ? close + DAY : close);
	return true;
}

bool hours_read(const json_t *object, struct hours *ret, const char **ret_day)
{
	bool any = false, valid = true;

	for (int i = 0; i < 7; i++)
		any |= day_is_given(object, i);
	for (int i = 0; i < 7; i++) {
		int16_t *from = &ret->day[i].from, *to = &ret->day[i].to;

		*from = any ? CLOSED : 0;
		*to = any ? CLOSED : DAY;
		if (!day_is_given(object, i) ||
			day_hours_read(json_object_get(object, day_names[i]), from, to))
			continue;
		if (valid)
			*ret_day = day_names[i];
		valid = false;
	}
	return valid;
}

static bool day_is_open(const struct hours *hours, int day, int64_t minute)
{
	return hours->day[day].from != CLOSED && minute >= hours->day[day].from &&
		minute < hours->day[day].to;
}

/* SQL repeats this rule in its function hours_open, for lists and for `isOpen` of vendors. */
bool hours_open(const struct hours *hours, int64_t wall_ms, int offset_minutes)
{
	int64_t local = (wall_ms - (wall_ms % 60000 + 60000) % 60000) / 60000 + offset_minutes;
	int64_t minute = (local % DAY + DAY) % DAY;
	int64_t days = (local - minute) / DAY;
	int today = (int)(((days + 3) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */

	return day_is_open(hours, today, minute) ||
		day_is_open(hours, (today + 6) % 7, minute + DAY);
}
