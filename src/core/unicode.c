/* SPDX-License-Identifier: MIT
 *
 * Unicode, with the tables of utf8proc. A character is visible or not by its category and by the
 * property Default_Ignorable_Code_Point; the few characters with an empty glyph are listed.
 */
#include "reeyo/core/unicode.h"

#include <stdlib.h>
#include <utf8proc.h>

/* Takes the next code point from *rest; -1 at the end or when the text is not UTF-8. */
static int32_t point_next(struct text *rest)
{
	utf8proc_int32_t point = -1;
	utf8proc_ssize_t len = rest->len ? utf8proc_iterate((const utf8proc_uint8_t *)rest->at,
						   (utf8proc_ssize_t)rest->len, &point)
					 : 0;

	if (len <= 0)
		return -1;
	rest->at += len;
	rest->len -= (size_t)len;
	return point;
}

static bool point_is_blank(int32_t point)
{
	switch (utf8proc_category(point)) {
	case UTF8PROC_CATEGORY_ZS:
	case UTF8PROC_CATEGORY_ZL:
	case UTF8PROC_CATEGORY_ZP:
		return true;
	default:
		break;
	}
	/* control characters that are white space; blanks and joiners without width */
	return (point >= '\t' && point <= '\r') || point == 0x85 || point == 0xad ||
		point == 0x180e || point == 0x200b || point == 0x2060 || point == 0xfeff;
}

static bool point_is_noncharacter(int32_t point)
{
	return (point & 0xfffe) == 0xfffe || (point >= 0xfdd0 && point <= 0xfdef);
}

/* Bidi_Control characters, and tags. */
static bool point_is_format_control(int32_t point)
{
	return point == 0x61c || point == 0x200e || point == 0x200f ||
		(point >= 0x202a && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069) ||
		(point >= 0xe0000 && point <= 0xe007f);
}

static bool point_is_control(int32_t point, bool lines)
{
	if (point == '\t' || point == '\n' || point == '\r')
		return !lines;
	switch (utf8proc_category(point)) {
	case UTF8PROC_CATEGORY_CC:
	case UTF8PROC_CATEGORY_ZL:
	case UTF8PROC_CATEGORY_ZP:
		return true;
	default:
		return point_is_format_control(point) || point_is_noncharacter(point);
	}
}

static bool point_is_visible(int32_t point)
{
	if (point_is_blank(point) || utf8proc_get_property(point)->ignorable)
		return false;
	switch (utf8proc_category(point)) {
	case UTF8PROC_CATEGORY_MN:
	case UTF8PROC_CATEGORY_MC:
	case UTF8PROC_CATEGORY_ME:
	case UTF8PROC_CATEGORY_CC:
	case UTF8PROC_CATEGORY_CF:
	case UTF8PROC_CATEGORY_CS:
	case UTF8PROC_CATEGORY_CO:
		return false;
	case UTF8PROC_CATEGORY_CN: /* may be a letter that these tables do not know yet */
		return !point_is_noncharacter(point) && point < 0xe0000;
	default:
		/* Braille blank, object replacement, a notehead without a glyph */
		return point != 0x2800 && point != 0xfffc && point != 0x1d159;
	}
}

bool unicode_has_control(struct text text, bool lines)
{
	while (text.len) {
		int32_t point = point_next(&text);

		if (point < 0 || point_is_control(point, lines))
			return true;
	}
	return false;
}

size_t unicode_visible(struct text text)
{
	size_t count = 0;
	int32_t point;

	while ((point = point_next(&text)) >= 0)
		count += point_is_visible(point);
	return count;
}

size_t unicode_room(struct text text)
{
	size_t count = 0;
	int32_t point;

	while ((point = point_next(&text)) >= 0)
		count += point_is_visible(point) || point == '\t' || point == '\n' ||
			utf8proc_category(point) == UTF8PROC_CATEGORY_ZS;
	return count;
}

struct text unicode_trim(struct text text)
{
	struct text rest = text;
	const char *end;
	int32_t point;

	while ((point = point_next(&rest)) >= 0 && point_is_blank(point))
		text = rest;
	rest = text;
	end = text.at;
	while ((point = point_next(&rest)) >= 0)
		if (!point_is_blank(point))
			end = rest.at;
	text.len = text.len ? (size_t)(end - text.at) : 0;
	return text;
}

static void line_ends_unify(char *text)
{
	char *out = text;

	for (const char *in = text; *in; in++)
		if (*in != '\r')
			*out++ = *in;
		else if (in[1] != '\n')
			*out++ = '\n';
	*out = '\0';
}

/* Sorting the combining marks of a letter takes time proportional to the square of their number. No
 * letter of any language has this many. Unicode's Stream-Safe Text Format (UAX 15) uses the same
 * limit. */
#define MARKS_MAX 30

static bool point_is_mark(int32_t point)
{
	utf8proc_category_t category = utf8proc_category(point);

	return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_MC ||
		category == UTF8PROC_CATEGORY_ME;
}

static bool marks_within_limit(struct text text)
{
	unsigned run = 0;
	int32_t point;

	while ((point = point_next(&text)) >= 0) {
		run = point_is_mark(point) ? run + 1 : 0;
		if (run > MARKS_MAX)
			return false;
	}
	return true;
}

char *unicode_compose(struct text text)
{
	utf8proc_uint8_t *composed = NULL;
	utf8proc_ssize_t len;

	if (!marks_within_limit(text))
		return NULL;
	len = utf8proc_map((const utf8proc_uint8_t *)text.at, (utf8proc_ssize_t)text.len, &composed,
		UTF8PROC_STABLE | UTF8PROC_COMPOSE);

	if (len < 0) {
		free(composed);
		return NULL;
	}
	line_ends_unify((char *)composed);
	return (char *)composed;
}
