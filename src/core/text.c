/* SPDX-License-Identifier: MIT
 *
 * Texts: comparing, cutting, and strict reading of numbers (trailing characters are an error).
 */
#include "reeyo/core/text.h"

#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool text_is_nocase(struct text a, struct text b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (ascii_lower(a.at[i]) != ascii_lower(b.at[i]))
			return false;
	return true;
}

bool text_starts(struct text text, struct text prefix)
{
	return text.len >= prefix.len &&
		(prefix.len == 0 || memcmp(text.at, prefix.at, prefix.len) == 0);
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct text text_trim(struct text text)
{
	while (text.len && is_space(text.at[0])) {
		text.at++;
		text.len--;
	}
	while (text.len && is_space(text.at[text.len - 1]))
		text.len--;
	return text;
}

struct text text_cut(struct text *rest, char mark)
{
	struct text first = *rest;
	const char *at = first.len ? memchr(first.at, mark, first.len) : NULL;

	if (!at) {
		*rest = TEXT_NONE;
		return first;
	}
	first.len = (size_t)(at - first.at);
	*rest = (struct text){ at + 1, rest->len - first.len - 1 };
	return first;
}

bool text_to_int(struct text text, int64_t min, int64_t max, int64_t *ret)
{
	bool negative = text.len && text.at[0] == '-';
	uint64_t limit = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
	uint64_t value = 0;
	int64_t number;

	if (text.len <= negative)
		return false;
	for (size_t i = negative; i < text.len; i++) {
		unsigned digit = (unsigned)(text.at[i] - '0');

		if (digit > 9 || value > (limit - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	number = negative ? (int64_t)(0 - value) : (int64_t)value;
	if (number < min || number > max)
		return false;
	*ret = number;
	return true;
}

bool text_to_double(struct text text, double *ret)
{
	char copy[64];
	char *end;
	double value;

	if (text.len == 0 || text.len >= sizeof(copy))
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (!strchr("0123456789+-.eE", text.at[i]) || !text.at[i])
			return false;
	memcpy(copy, text.at, text.len);
	copy[text.len] = '\0';
	value = strtod(copy, &end);
	if (*end || !isfinite(value))
		return false;
	*ret = value;
	return true;
}

/* Length of the UTF-8 sequence that starts with `c`; 0 when c cannot start one. */
static size_t utf8_sequence_length(unsigned char c)
{
	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c <= 0xdf)
		return 2;
	if (c >= 0xe0 && c <= 0xef)
		return 3;
	return c >= 0xf0 && c <= 0xf4 ? 4 : 0;
}

/* The second byte reveals overlong forms, surrogates and code points above U+10FFFF. */
static bool second_byte_valid(unsigned char first, unsigned char second)
{
	unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
	unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;

	return second >= low && second <= high;
}

/* Subtracting sets the high bit of each byte that is smaller (Mycroft's test); bytes from 0x80 on
 * are masked out. */
static bool eight_are_visible(const char *at, unsigned char least)
{
	const uint64_t ones = UINT64_MAX / 255, high = ones * 0x80;
	uint64_t bytes, del;

	memcpy(&bytes, at, sizeof(bytes));
	del = bytes ^ (ones * 0x7f);
	return !(((bytes - ones * least) & ~bytes & high) | ((del - ones) & ~del & high));
}

size_t text_visible_run(struct text text, unsigned char least)
{
	size_t n = 0;

	while (text.len - n >= sizeof(uint64_t) && eight_are_visible(text.at + n, least))
		n += sizeof(uint64_t);
	return n;
}

bool text_is_utf8(struct text text)
{
	const unsigned char *at = (const unsigned char *)text.at;

	for (size_t i = 0; i < text.len;) {
		size_t len = utf8_sequence_length(at[i]);

		if (len == 0 || at[i] == 0 || i + len > text.len)
			return false;
		if (len > 1 && !second_byte_valid(at[i], at[i + 1]))
			return false;
		for (size_t k = 2; k < len; k++)
			if ((at[i + k] & 0xc0) != 0x80)
				return false;
		i += len;
	}
	return true;
}

size_t text_length(struct text text)
{
	size_t count = 0;

	for (size_t i = 0; i < text.len; i++)
		count += ((unsigned char)text.at[i] & 0xc0) != 0x80;
	return count;
}

size_t text_distance(struct text a, struct text b)
{
	size_t row[129];

	if (a.len > 128 || b.len > 128)
		return SIZE_MAX;
	for (size_t j = 0; j <= b.len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t corner = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			size_t change = corner + (a.at[i - 1] != b.at[j - 1]);

			corner = row[j];
			row[j] = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
			if (change < row[j])
				row[j] = change;
		}
	}
	return row[b.len];
}

bool text_is_secret(struct text a, struct text b)
{
	return a.len == b.len && (a.len == 0 || sodium_memcmp(a.at, b.at, a.len) == 0);
}

bool text_copy_whole(char *out, size_t size, struct text text)
{
	if (text.len >= size || !text_is_utf8(text))
		return false;
	snprintf(out, size, "%.*s", TEXT_ARGS(text));
	return true;
}

void text_copy_truncated(char *out, size_t size, struct text text)
{
	if (text.len >= size)
		text.len = size - 1;
	while (text.len && !text_is_utf8(text))
		text.len--;
	snprintf(out, size, "%.*s", TEXT_ARGS(text));
}

int hex_digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t percent_decode(char *out, struct text from, bool *ret_valid)
{
	size_t len = 0;
	bool valid = true;

	for (size_t i = 0; i < from.len; i++) {
		int high = -1, low = -1;

		if (from.at[i] == '%' && i + 2 < from.len) {
			high = hex_digit_value(from.at[i + 1]);
			low = hex_digit_value(from.at[i + 2]);
		}
		if (high >= 0 && low >= 0) {
			out[len++] = (char)(high << 4 | low);
			i += 2;
		} else {
			valid &= from.at[i] != '%';
			out[len++] = from.at[i];
		}
	}
	out[len] = '\0';
	if (ret_valid)
		*ret_valid = valid;
	return len;
}

size_t form_decode(char *out, struct text from)
{
	for (size_t i = 0; i < from.len; i++)
		out[i] = from.at[i] == '+' ? ' ' : from.at[i];
	return percent_decode(out, (struct text){ out, from.len }, NULL);
}
