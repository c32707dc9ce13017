/* SPDX-License-Identifier: MIT
 *
 * Webhooks: which events partners may receive, when a delivery is tried again, and which URLs are
 * allowed.
 */
#ifndef REEYO_DOMAIN_WEBHOOK_H
#define REEYO_DOMAIN_WEBHOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reeyo/core/text.h"
#include "reeyo/core/url.h"

/* The event types that a webhook may receive, NULL-terminated. Registration, the API document and
 * delivery use this list. Not in it: events for one person's phone (offers to riders,
 * notifications), events with more about riders than a partner needs, and events that instances
 * send each other (…_changed). */
#define WEBHOOK_TYPE_COUNT 18
extern const char *const webhook_types[WEBHOOK_TYPE_COUNT + 1];
bool webhook_type_offered(struct text type);
/* The type of the event that POST …/test sends. */
#define WEBHOOK_TEST "webhook_test"

/* Ten tries over 75 hours. tries: how many have failed. Returns the seconds until the next: the
 * documented wait, or what the endpoint requested (at most a day) if that is longer; -1 after the
 * last. */
#define WEBHOOK_TRIES_MAX 10
int64_t webhook_backoff_s(unsigned tries, int64_t retry_after_s);
/* Seconds until a delivery whose request was not sent is due again. */
#define WEBHOOK_UNSENT_WAIT_S 5
/* An endpoint whose deliveries have failed for so many seconds is disabled. */
#define WEBHOOK_GIVE_UP_S (5 * 86400)
/* The last attempts of a delivery that are kept. */
#define WEBHOOK_ATTEMPTS_MAX 20

/* Whether a URL may be registered: https (with plain: http, too), a host, no user, no fragment, at
 * most 2048 printable ASCII characters. ret_host: its host as for a DNS lookup, without brackets.
 * Whether the address of the host is public is checked on connecting. */
bool webhook_url_parse(const char *url, bool plain, char ret_host[URL_HOST_SIZE]);

#endif
