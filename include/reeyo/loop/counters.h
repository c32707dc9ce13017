/* SPDX-License-Identifier: MIT
 *
 * The counters of the event loop.
 */
#ifndef REEYO_LOOP_COUNTERS_H
#define REEYO_LOOP_COUNTERS_H

#include "reeyo/core/counter.h"

/* clang-format off */
#define LOOP_COUNTERS(X) \
	X(WORK_REFUSED, "reeyo_work_refused_total", "", \
		"Jobs refused because the work pool was full")
/* clang-format on */

COUNTERS_DECLARE(loop, COUNTERS_LOOP, LOOP_COUNTERS);

#endif
