/* SPDX-License-Identifier: MIT
 *
 * The counters of live events.
 */
#include "reeyo/live/counters.h"

COUNTERS_DEFINE(live, COUNTERS_LIVE, LIVE_COUNTERS, NULL, NULL);
