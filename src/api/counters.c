/* SPDX-License-Identifier: MIT
 *
 * The counters of handlers.
 */
#include "reeyo/api/counters.h"

COUNTERS_DEFINE(api, COUNTERS_API, API_COUNTERS, NULL, NULL);
