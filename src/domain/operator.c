/* SPDX-License-Identifier: MIT
 *
 * Operators by the second digit of a mobile number.
 */
#include "reeyo/domain/operator.h"

#include <stddef.h>
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
