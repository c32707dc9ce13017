/* SPDX-License-Identifier: MIT
 *
 * Business hours, by the local minute of the week.
 */
#include "reeyo/domain/hours.h"

#define DAY 1440
#define CLOSED (-1)

const char *const day_names[7] = { "monday", "tuesday", "wednesday", "thursday", "friday",
	"saturday", "sunday" };

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "HH:MM" in minutes, 24:00 being the end of a day; -1 for anything else. */
static int minutes(const char *at)
{
	int hour, minute;

	if (!at || !digit(at[0]) || !digit(at[1]) || at[2] != ':' || !digit(at[3]) ||
		!digit(at[4]) || at[5])
		return -1;
	hour = (at[0] - '0') * 10 + at[1] - '0';
	minute = (at[3] - '0') * 10 + at[4] - '0';
	if (minute > 59 || hour * 60 + minute > DAY)
		return -1;
	return hour * 60 + minute;
}

static bool day_named(const json_t *object, int day)
{
	const json_t *value = json_object_get(object, day_names[day]);

	return value && !json_is_null(value);
}

static bool day_read(const json_t *day, int16_t *from, int16_t *to)
{
	const json_t *closed = json_object_get(day, "closed");
	int open, close;

	*from = *to = CLOSED;
	/* The database reads it as a boolean, or not at all. */
	if (closed && !json_is_boolean(closed) && !json_is_null(closed))
		return false;
	if (json_is_true(closed))
		return true;
	open = minutes(json_string_value(json_object_get(day, "open")));
	close = minutes(json_string_value(json_object_get(day, "close")));
	if (open < 0 || open == DAY || close < 0)
		return false;
	*from = (int16_t)open;
	*to = (int16_t)(close <= open ? close + DAY : close);
	return true;
}

bool hours_read(const json_t *object, struct hours *ret, const char **ret_day)
{
	bool any = false;

	for (int i = 0; i < 7; i++)
		any |= day_named(object, i);
	for (int i = 0; i < 7; i++) {
		int16_t *from = &ret->day[i].from, *to = &ret->day[i].to;

		*ret_day = day_names[i];
		*from = any ? CLOSED : 0;
		*to = any ? CLOSED : DAY;
		if (day_named(object, i) &&
			!day_read(json_object_get(object, day_names[i]), from, to))
			return false;
	}
	return true;
}

static bool open_in(const struct hours *hours, int day, int64_t minute)
{
	return hours->day[day].from != CLOSED && minute >= hours->day[day].from &&
	       minute < hours->day[day].to;
}

bool hours_open(const struct hours *hours, int64_t wall_ms, int offset_minutes)
{
	int64_t local = (wall_ms - (wall_ms % 60000 + 60000) % 60000) / 60000 + offset_minutes;
	int64_t minute = (local % DAY + DAY) % DAY;
	int64_t days = (local - minute) / DAY;
	int today = (int)(((days + 3) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */

	return open_in(hours, today, minute) || open_in(hours, (today + 6) % 7, minute + DAY);
}
