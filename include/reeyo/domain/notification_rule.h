/* SPDX-License-Identifier: MIT
 *
 * Which event sends which message to which recipient: one table. Pure: any thread.
 */
#ifndef REEYO_DOMAIN_NOTIFICATION_RULE_H
#define REEYO_DOMAIN_NOTIFICATION_RULE_H

#include "reeyo/domain/message.h"

enum recipient { TO_USER, TO_VENDOR, TO_RIDER, RECIPIENTS };
const char *recipient_name(enum recipient recipient); /* "USER", as in rows */
const char *recipient_room(enum recipient recipient); /* "user", of event rooms */

struct notification_rule {
	const char *event;         /* its type */
	const char *when, *equals; /* only if this member of the event or its order has this value
				    * (equals NULL: any value); when NULL: always */
	enum recipient recipient;
	enum message_kind message;
	const char *notification; /* type of the notification in the app; NULL: no notification,
				   * the app receives the event itself */
	unsigned life_s;          /* seconds after which the message is useless */
	bool silent;              /* sends nothing: another event sends a better message */
};
/* The first matching rule for an event and a recipient applies. Ends with a NULL event. */
extern const struct notification_rule notification_rules[];

/* sources: the payload of the event and the facts of its order; may be NULL. */
bool notification_rule_matches(
	const struct notification_rule *rule, unsigned count, json_t *const sources[]);

/* The ways to reach a person, as BY_ flags. */
struct reach {
	unsigned addresses; /* the person has an address for it */
	unsigned providers; /* the channel has a provider */
};
/* How a message reaches a person: a push, or a text message if the message has one and a push would
 * not arrive; and an e-mail. Each of the two that is not possible is counted with its reason. */
struct message_ways {
	unsigned channels;                /* BY_ flags */
	unsigned no_provider, no_address; /* how many of the two are not possible */
};
struct message_ways message_ways(enum message_kind message, struct reach reach);

#endif
