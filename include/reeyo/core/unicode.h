/* SPDX-License-Identifier: MIT
 *
 * Text that people write: which characters it may contain, how many are visible, and the normal
 * form in which it is stored. Any thread.
 */
#ifndef REEYO_CORE_UNICODE_H
#define REEYO_CORE_UNICODE_H

#include "reeyo/core/text.h"

/* True when the text contains a character that controls the text around it: control characters
 * (with `lines`, tabs and line ends are allowed), line and paragraph separators, marks that change
 * the writing direction, tags and noncharacters. The text must be UTF-8. */
bool unicode_has_control(struct text text, bool lines);
/* The number of visible characters. Blanks, combining marks and fillers do not count. */
size_t unicode_visible(struct text text);
/* The number of characters that take space: visible ones, and blanks that have a width. */
size_t unicode_room(struct text text);
/* The text without blanks (of any script) at both ends. */
struct text unicode_trim(struct text text);
/* The text in NFC, so that equal letters are equal bytes, with "\n" for every line end. The caller
 * frees it. NULL when out of memory, when the text is not UTF-8 or when a letter has more than 30
 * combining marks. */
char *unicode_compose(struct text text);

#endif
