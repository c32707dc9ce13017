/* SPDX-License-Identifier: MIT
 *
 * Business hours in bodies. domain/hours decides whether they are valid.
 */
#include "hours.h"

#include <stdio.h>

#include "reeyo/domain/hours.h"

static const struct field times_fields[] = {
	{ "open", FIELD_TEXT, .max = 5, .summary = "HH:MM" },
	{ "close", FIELD_TEXT, .max = 5, .summary = "HH:MM; not after open: on the next day" },
	{ "closed", FIELD_BOOL },
	FIELD_END,
};
#define DAY(name, spellings) \
	{ \
		name, FIELD_OBJECT, .of = times_fields, .aliases = spellings \
	}
const struct field day_fields[] = {
	DAY("monday", "Monday MONDAY"),
	DAY("tuesday", "Tuesday TUESDAY"),
	DAY("wednesday", "Wednesday WEDNESDAY"),
	DAY("thursday", "Thursday THURSDAY"),
	DAY("friday", "Friday FRIDAY"),
	DAY("saturday", "Saturday SATURDAY"),
	DAY("sunday", "Sunday SUNDAY"),
	FIELD_END,
};

bool hours_has_any_day(const json_t *given)
{
	for (size_t i = 0; i < COUNT_OF(day_names); i++)
		if (member(given, day_names[i]))
			return true;
	return false;
}

/* The given days with their known members only. NULL: out of memory. */
static json_t *hours_known_members(const json_t *given)
{
	json_t *days = json_object();

	for (size_t i = 0; days && i < COUNT_OF(day_names); i++) {
		const json_t *day = member(given, day_names[i]);
		json_t *kept = day ? json_object() : NULL;

		for (const struct field *field = times_fields; kept && field->name; field++)
			if (member(day, field->name))
				json_object_set(kept, field->name, member(day, field->name));
		if (kept)
			json_object_set_new(days, day_names[i], kept);
	}
	return days;
}

bool hours_body_read(struct request *rq, const json_t *given, const char **ret)
{
	json_auto_t *days = NULL;
	char *text auto_free = NULL;
	struct hours hours;
	const char *day;
	char field[64];

	if (given && !hours_read(given, &hours, &day)) {
		snprintf(field, sizeof(field), "businessHours.%s", day);
		reply_field(rq, field, "must be {open:\"HH:MM\",close:\"HH:MM\"}, or {closed:true}",
			"doit être {open:\"HH:MM\",close:\"HH:MM\"} ou {closed:true}");
		return false;
	}
	if (!given) {
		*ret = NULL;
		return true;
	}
	/* An empty object means always open. Members without any known day are a mistake (a
	 * misspelt day), and must not open the shop for ever. */
	if (json_object_size(given) > 0 && !hours_has_any_day(given)) {
		reply_field(rq, "businessHours", "names no day: monday to sunday",
			"ne nomme aucun jour : monday à sunday");
		return false;
	}
	days = hours_known_members(given);
	text = days ? json_dumps(days, JSON_COMPACT) : NULL;
	*ret = text ? arena_copy(rq->arena, text, strlen(text)) : NULL;
	if (!*ret)
		reply_error(rq, E_NO_MEMORY);
	return *ret != NULL;
}
