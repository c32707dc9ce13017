/* SPDX-License-Identifier: MIT
 *
 * What people write: which characters a text may hold, what of it can be seen, and the one form it
 * is kept in. Any thread.
 */
#ifndef REEYO_CORE_UNICODE_H
#define REEYO_CORE_UNICODE_H

#include "reeyo/core/text.h"

/* True for characters that steer what is around them instead of being read: controls (tab and line
 * ends only with `lines`), line and paragraph separators, what turns the direction of writing, tags
 * and noncharacters. The text must be UTF-8. */
bool unicode_has_control(struct text text, bool lines);
/* How many characters can be seen: not blanks, marks without a letter, fillers and the like. 0: the
 * text shows nothing. */
size_t unicode_visible(struct text text);
/* How many characters take room: those that can be seen, and blanks that have a width. */
size_t unicode_room(struct text text);
/* Without the blanks of any script at both ends. */
struct text unicode_trim(struct text text);
/* The text in NFC, so that equal letters are equal bytes, with "\n" for every line end; the caller
 * frees it. NULL when memory is out, the text is no UTF-8, or a letter has more than 30 marks. */
char *unicode_compose(struct text text);

#endif
