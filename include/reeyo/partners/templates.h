/* SPDX-License-Identifier: MIT
 *
 * The templates of all messages: the built-in ones (config/messages), replaced by the files of
 * `messages_dir`. Read and checked once, at start; read-only afterwards: any thread.
 */
#ifndef REEYO_PARTNERS_TEMPLATES_H
#define REEYO_PARTNERS_TEMPLATES_H

#include "reeyo/domain/message.h"

struct templates;
/* dir: "" for none. E_CONFIG when the name of a file is unknown, a file has an unknown word, or one
 * is missing in a language; the first such file is named on stderr. E_NO_MEMORY. Blocks: call at
 * start only. */
int templates_new(const char *dir, struct templates **ret) MUST_CHECK;
void templates_free(struct templates *templates); /* NULL is allowed */

/* A message to one person, allocated from the arena. title: subject of a mail; NULL for SMS. */
struct rendered {
	const char *title, *body;
};
/* 0; E_NOT_FOUND: the message has no template for this channel; E_NO_MEMORY. */
int templates_render(const struct templates *templates, struct arena *arena,
	enum message_kind message, enum channel channel, enum language language,
	const json_t *params, struct rendered *ret) MUST_CHECK;

#endif
