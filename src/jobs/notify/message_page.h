/* SPDX-License-Identifier: MIT
 *
 * The messages and notifications that a page of events causes, as parameters of messages_insert.
 * Private to src/jobs/notify.
 */
#ifndef REEYO_SRC_JOBS_MESSAGE_PAGE_H
#define REEYO_SRC_JOBS_MESSAGE_PAGE_H

#include "reeyo/core/memory.h"
#include "reeyo/db/db.h"
#include "reeyo/partners/notifier.h"

/* Texts of the arena: JSON arrays. */
struct message_page {
	const char *messages, *notifications;
};
/* result: of messages_read_events. False when out of memory. */
bool message_page_build(struct arena *arena, const struct notifier *notifier,
	const struct db_result *result, struct message_page *ret) MUST_CHECK;

#endif
