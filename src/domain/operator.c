/* SPDX-License-Identifier: MIT
 *
 * Operators by the second digit of a mobile number.
 */
#include "reeyo/domain/operator.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define COUNTRY "+237"
#define DIGITS 9

/* By the digit after the 6. NULL: the number can have mobile money, but its operator is unknown. */
static const char *const operators[10] = { [5] = "MTN", [7] = "MTN", [8] = "MTN", [9] = "ORANGE" };

bool phone_is_mobile_money(const char *phone)
{
	const char *number = phone + strlen(COUNTRY);

	return strncmp(phone, COUNTRY, strlen(COUNTRY)) == 0 && strlen(number) == DIGITS &&
		strspn(number, "0123456789") == DIGITS && number[0] == '6' && number[1] >= '2';
}

const char *phone_operator(const char *phone)
{
	return phone_is_mobile_money(phone) ? operators[phone[strlen(COUNTRY) + 1] - '0'] : NULL;
}

bool phone_normalise(const char *text, char out[14])
{
	char digits[16];
	size_t n = 0;

	for (const char *c = text; *c; c++) {
		if (isdigit((unsigned char)*c)) {
			if (n >= 14)
				return false;
			digits[n++] = *c;
		} else if (!strchr(" -.()", *c) && !(*c == '+' && n == 0)) {
			return false;
		}
	}
	digits[n] = '\0';
	if (n == 14 && strncmp(digits, "00237", 5) == 0)
		memmove(digits, digits + 2, (n -= 2) + 1);
	if (n == 12 && strncmp(digits, "237", 3) == 0)
		memmove(digits, digits + 3, (n -= 3) + 1);
	if (n != 9 || digits[0] != '6')
		return false;
	snprintf(out, 14, "+237%.9s", digits);
	return true;
}
