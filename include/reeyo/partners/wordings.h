/* SPDX-License-Identifier: MIT
 *
 * The texts of all messages: those built in (config/messages), and over them the files of
 * `messages_dir`. Read and checked once, at start; read-only afterwards: any thread.
 */
#ifndef REEYO_PARTNERS_WORDINGS_H
#define REEYO_PARTNERS_WORDINGS_H

#include "reeyo/domain/message.h"

struct wordings;
/* dir: "" for none. E_CONFIG when a file names no message, holds an unknown word or is missing in a
 * language; each such is named on stderr. E_NO_MEMORY. Blocks: at start only. */
int wordings_new(const char *dir, struct wordings **ret) MUST_CHECK;
void wordings_free(struct wordings *wordings); /* NULL is allowed */

/* What is said to one person; texts of the arena. title is NULL of SMS. */
struct said {
	const char *title, *body;
};
/* E_NOT_FOUND: the message has no wording for this channel; E_NO_MEMORY. */
int wordings_say(const struct wordings *wordings, struct arena *arena, enum message_kind message,
	enum channel channel, enum language language, const json_t *params,
	struct said *ret) MUST_CHECK;

#endif
