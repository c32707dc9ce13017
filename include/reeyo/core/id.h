/* SPDX-License-Identifier: MIT
 *
 * Identifiers: a prefix and a ULID (48 bits of milliseconds, 80 random bits, Crockford base 32),
 * so that they sort by time and their prefix names the kind: "ord_01JD…". Also order numbers and
 * random codes.
 */
#ifndef REEYO_CORE_ID_H
#define REEYO_CORE_ID_H

#include <stddef.h>
#include <stdint.h>

#define ID_ULID_LENGTH 26
#define ID_SIZE 40 /* the longest prefix (13), a ULID and NUL */

/* Writes prefix + ULID + NUL, e.g. id_new(out, "ord_"). Any thread. The ids that one thread
 * makes within one millisecond still increase. */
void id_new(char out[ID_SIZE], const char *prefix);

/* An order number such as "F-7KQ2M9XW4T": the letter of the order type and 10 characters, without
 * vowels and without characters that look alike (27^10, about 2·10^14 numbers). Any thread. */
#define ORDER_NUMBER_SIZE 13
void id_order_number(char out[ORDER_NUMBER_SIZE], char letter);

/* n random decimal digits and NUL. Any thread. */
void id_digits(char *out, unsigned n);
/* 2n lower-case hexadecimal digits of n random bytes, and NUL. Any thread. */
void id_hex(char *out, size_t n);

#endif
