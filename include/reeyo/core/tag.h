/* SPDX-License-Identifier: MIT
 *
 * Tags of contents, for ETag headers: equal contents have equal tags on every instance.
 */
#ifndef REEYO_CORE_TAG_H
#define REEYO_CORE_TAG_H

#include "reeyo/core/text.h"

#define TAG_DIGITS 16
/* Writes 16 lower-case hexadecimal digits and a NUL: a 64-bit hash of the text. Different texts
 * have different tags unless somebody makes them equal on purpose, so a tag protects nothing. Any
 * thread. */
void tag_write(struct text text, char out[TAG_DIGITS + 1]);

#endif
