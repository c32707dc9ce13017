/* SPDX-License-Identifier: MIT
 *
 * The counters of handlers.
 */
#ifndef REEYO_API_COUNTERS_H
#define REEYO_API_COUNTERS_H

#include "reeyo/core/counter.h"

/* clang-format off */
#define API_COUNTERS(X) \
	X(CALLBACKS, "reeyo_payment_callbacks_total", "result=\"received\"", \
		"Callbacks of the gateway by result") \
	X(CALLBACKS_REFUSED, "reeyo_payment_callbacks_total", "result=\"refused\"", "")
/* clang-format on */

COUNTERS_DECLARE(api, COUNTERS_API, API_COUNTERS);

#endif
