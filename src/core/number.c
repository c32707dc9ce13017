/* SPDX-License-Identifier: MIT
 *
 * Doubles as text: the shortest decimal that reads back as the same double, in PostgreSQL's form.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reeyo/core/text.h"

/* Digits and how many of them stand before the point: 12.5 is "125" and 2, 0.05 is "5" and -1. */
struct decimal {
	char digits[24];
	int count, point;
};

static void decimal_trim(struct decimal *decimal)
{
	while (decimal->count > 1 && decimal->digits[decimal->count - 1] == '0')
		decimal->count--;
}

static void decimal_set(struct decimal *decimal, uint64_t whole)
{
	size_t at = sizeof(decimal->digits);

	do
		decimal->digits[--at] = (char)('0' + whole % 10);
	while (whole /= 10);
	decimal->count = (int)(sizeof(decimal->digits) - at);
	memmove(decimal->digits, decimal->digits + at, sizeof(decimal->digits) - at);
}

/* Coordinates, distances and rates have at most six decimals. A decimal of at most 15 digits that
 * reads back as the double is the shortest, because no other one of that length does. */
static bool decimal_of_millionths(double value, struct decimal *ret)
{
	uint64_t whole;

	if (value < 1e-4 || value >= 1e9)
		return false;
	whole = (uint64_t)(value * 1e6 + 0.5);
	if ((double)whole / 1e6 != value)
		return false;
	decimal_set(ret, whole);
	ret->point = ret->count - 6;
	decimal_trim(ret);
	return true;
}

/* Tries more and more digits. Below 2.3e-308 a double has fewer than 15 of them. */
static void decimal_search(double value, struct decimal *ret)
{
	char text[32] = "0";

	for (int precision = value < 2.3e-308 ? 1 : 15; precision <= 17; precision++) {
		snprintf(text, sizeof(text), "%.*e", precision - 1, value);
		if (strtod(text, NULL) == value)
			break;
	}
	*ret = (struct decimal){ .digits = { text[0] }, .count = 1 };
	for (const char *at = text + 2; *at >= '0' && *at <= '9'; at++)
		ret->digits[ret->count++] = *at;
	ret->point = (int)strtol(strchr(text, 'e') + 1, NULL, 10) + 1;
	decimal_trim(ret);
}

static size_t decimal_write_scientific(const struct decimal *decimal, char *out)
{
	int exponent = decimal->point - 1;
	size_t len = 0;

	out[len++] = decimal->digits[0];
	if (decimal->count > 1) {
		out[len++] = '.';
		memcpy(out + len, decimal->digits + 1, (size_t)decimal->count - 1);
		len += (size_t)decimal->count - 1;
	}
	return len +
		(size_t)snprintf(out + len, 8, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
}

static size_t decimal_write_plain(const struct decimal *decimal, char *out)
{
	size_t count = (size_t)decimal->count;
	size_t zeros = (size_t)(decimal->point < 0 ? -decimal->point : 0);
	size_t whole = (size_t)(decimal->point > 0 ? decimal->point : 0);

	if (whole >= count) {
		memcpy(out, decimal->digits, count);
		memset(out + count, '0', whole - count);
		return whole;
	}
	if (whole) {
		memcpy(out, decimal->digits, whole);
	} else {
		out[0] = '0';
		memset(out + 2, '0', zeros);
	}
	out[whole ? whole : 1] = '.';
	memcpy(out + (whole ? whole + 1 : 2 + zeros), decimal->digits + whole, count - whole);
	return (whole ? whole + 1 : 2 + zeros) + count - whole;
}

size_t double_to_text(double value, char out[DOUBLE_TEXT_SIZE])
{
	struct decimal decimal;
	size_t sign = signbit(value) != 0;

	if (sign)
		*out++ = '-';
	if (value == 0) {
		*out = '0';
		return sign + 1;
	}
	value = fabs(value);
	if (!decimal_of_millionths(value, &decimal))
		decimal_search(value, &decimal);
	if (decimal.point >= -3 && decimal.point <= 15)
		return sign + decimal_write_plain(&decimal, out);
	return sign + decimal_write_scientific(&decimal, out);
}
