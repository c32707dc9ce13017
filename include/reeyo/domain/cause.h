/* SPDX-License-Identifier: MIT
 *
 * Which event says what to whom: one table. Pure: any thread.
 */
#ifndef REEYO_DOMAIN_CAUSE_H
#define REEYO_DOMAIN_CAUSE_H

#include "reeyo/domain/message.h"

enum whom { TO_USER, TO_VENDOR, TO_RIDER, WHOMS };
const char *whom_name(enum whom whom); /* "USER", as in rows */
const char *whom_room(enum whom whom); /* "user", of event rooms */

struct cause {
	const char *event;     /* its type */
	const char *when, *is; /* only when this word of the event or its order has this value (is
	                        * NULL: any); NULL: always */
	enum whom whom;
	enum message_kind message;
	const char *notes;     /* type of the notification in the app; NULL: none, the app hears the
	                        * event itself */
	unsigned life_s;       /* of no use to anybody afterwards */
	bool silent;           /* nothing is said: another event says it, and better */
};
/* Of rows for one event and person the first that holds counts. Ends with a NULL event. */
extern const struct cause causes[];

bool cause_holds(const struct cause *cause, unsigned count, json_t *const sources[]);

/* A person as far as it matters for how he is reached. */
struct reach {
	bool device, email;    /* he has one */
	bool push_on, sms_on;  /* letters of this channel go somewhere */
};
/* BY_ flags: a push, or a text message where there is one and no push would arrive; and an
 * e-mail. */
unsigned message_channels(enum message_kind message, struct reach reach);

#endif
