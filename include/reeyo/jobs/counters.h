/* SPDX-License-Identifier: MIT
 *
 * The counters of background jobs.
 */
#ifndef REEYO_JOBS_COUNTERS_H
#define REEYO_JOBS_COUNTERS_H

#include "reeyo/core/counter.h"

/* clang-format off */
#define JOBS_COUNTERS(X) \
	X(WEBHOOKS_DELIVERED, "reeyo_webhooks_total", "result=\"delivered\"", \
		"Attempts to deliver webhooks by result") \
	X(WEBHOOKS_FAILED, "reeyo_webhooks_total", "result=\"failed\"", "") \
	X(MESSAGES_SENT, "reeyo_messages_total", "end=\"sent\"", \
		"Attempts to send messages to people by result") \
	X(MESSAGES_RETRIED, "reeyo_messages_total", "end=\"retry\"", "") \
	X(MESSAGES_DEAD, "reeyo_messages_total", "end=\"dead\"", "") \
	X(MESSAGES_SKIPPED, "reeyo_messages_total", "end=\"skipped\"", "") \
	X(MESSAGES_NO_PROVIDER, "reeyo_messages_not_made_total", "reason=\"no_provider\"", \
		"Messages that no channel could deliver, so they were not queued, by reason") \
	X(MESSAGES_NO_ADDRESS, "reeyo_messages_not_made_total", "reason=\"no_address\"", "")
/* clang-format on */

COUNTERS_DECLARE(jobs, COUNTERS_JOBS, JOBS_COUNTERS);

#endif
