/* SPDX-License-Identifier: MIT
 *
 * The counters of the event loop.
 */
#include "reeyo/loop/counters.h"

COUNTERS_DEFINE(loop, COUNTERS_LOOP, LOOP_COUNTERS, NULL, NULL);
