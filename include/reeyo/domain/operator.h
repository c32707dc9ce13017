/* SPDX-License-Identifier: MIT
 *
 * Which mobile-money operator a Cameroon number belongs to (contract §8: nine digits, 62 to 69; MTN
 * 65, 67, 68; Orange 69).
 */
#ifndef REEYO_DOMAIN_OPERATOR_H
#define REEYO_DOMAIN_OPERATOR_H

#include <stdbool.h>

/* Writes "+237670000001" from any accepted spelling; false when the text is not a Cameroon mobile
 * number.
 * Any thread. */
bool phone_normalise(const char *text, char out[14]);
/* phone: any text. Whether it can have mobile money: +237 and nine digits that begin with 62 to
 * 69. Any thread. */
bool phone_is_mobile_money(const char *phone);
/* "MTN", "ORANGE", or NULL for an unknown prefix. Any thread. */
const char *phone_operator(const char *phone);

#endif
