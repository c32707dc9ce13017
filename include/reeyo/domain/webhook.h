/* SPDX-License-Identifier: MIT
 *
 * What partners are told by webhook, when it is tried again, and where it may go.
 */
#ifndef REEYO_DOMAIN_WEBHOOK_H
#define REEYO_DOMAIN_WEBHOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "reeyo/core/text.h"

/* The events that are offered, NULL-terminated: registration, documents and delivery all read this
 * list. Left out is what is for one person's phone (offers to riders, notifications), what tells
 * more of riders than a partner needs, and what only copies tell each other (…_changed). */
extern const char *const webhook_types[];
bool webhook_offers(struct text type);
/* They as a PostgreSQL array. */
extern const char webhook_types_array[];
/* What POST …/test sends. */
#define WEBHOOK_TEST "webhook_test"

/* Ten tries over 75 hours: seconds from the try that failed as the tries-th until the next; -1
 * after the last. */
#define WEBHOOK_TRIES 10
int64_t webhook_wait_s(unsigned tries);

/* Whether a URL may be registered: https (with plain: http, too), a host, no user, no fragment, at
 * most 2048 printable ASCII characters; and its host as it would be looked up, without brackets.
 * Whether the host's address is public shows when it is connected to. */
#define WEBHOOK_URL_MAX 2048
#define WEBHOOK_HOST_SIZE 256
bool webhook_url_take(const char *url, bool plain, char ret_host[WEBHOOK_HOST_SIZE]);

#endif
