/* SPDX-License-Identifier: MIT
 *
 * The counters of calls to external services.
 */
#ifndef REEYO_PARTNERS_COUNTERS_H
#define REEYO_PARTNERS_COUNTERS_H

#include "reeyo/core/counter.h"

/* clang-format off */
#define PARTNERS_COUNTERS(X) \
	X(PARTNERS_ANSWERED, "reeyo_partners_calls_total", "result=\"answered\"", \
		"Calls of external services by result") \
	X(PARTNERS_FAILED, "reeyo_partners_calls_total", "result=\"failed\"", "") \
	X(PARTNERS_REFUSED, "reeyo_partners_calls_total", "result=\"refused\"", "") \
	X(PARTNERS_RUNNING, "reeyo_partners_calls_running", "", \
		"Running calls of external services") \
	X(PARTNERS_WAITING, "reeyo_partners_calls_waiting", "", \
		"Calls of external services that wait for another to end") \
	X(PARTNERS_BREAKER_OPEN, "reeyo_partners_breaker_open", "", \
		"External services that a loop does not call at the moment")
/* clang-format on */

COUNTERS_DECLARE(partners, COUNTERS_PARTNERS, PARTNERS_COUNTERS);

#endif
