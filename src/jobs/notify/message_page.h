/* SPDX-License-Identifier: MIT
 *
 * The messages and notifications that a page of events causes. First message_page_read takes the
 * events that can cause any; then message_page_build takes the facts about them
 * (messages_read_facts) and makes the parameters of messages_insert. Private to src/jobs/notify.
 */
#ifndef REEYO_SRC_JOBS_MESSAGE_PAGE_H
#define REEYO_SRC_JOBS_MESSAGE_PAGE_H

#include "reeyo/core/memory.h"
#include "reeyo/db/db.h"
#include "reeyo/db/queries/messages.h"
#include "reeyo/partners/notifier.h"

struct page_event;
/* Everything is in the arena. */
struct message_page {
	struct arena *arena;
	const struct notifier *notifier;
	int64_t position, next;
	unsigned count;                                    /* events that need facts */
	struct page_event *events;                         /* these */
	const char **orders, **users, **vendors, **riders; /* of these; NULL: none */
	const char *messages, *notifications;              /* built: JSON arrays */
	bool any;                                          /* built: one of the two is not empty */
	unsigned logged;                  /* messages of a channel that only logs */
	unsigned no_provider, no_address; /* messages that were not made */
};

/* result: of messages_read_events. NULL when out of memory. */
struct message_page *message_page_read(
	struct arena *arena, const struct notifier *notifier, const struct db_result *result);
/* The parameters of the second statement. */
struct messages_read_facts message_page_facts(const struct message_page *page);
/* facts: its result; NULL when no event needs facts. False when out of memory. */
bool message_page_build(struct message_page *page, const struct db_result *facts) MUST_CHECK;

#endif
