/* SPDX-License-Identifier: MIT
 *
 * The counters of calls to external services.
 */
#include "reeyo/partners/counters.h"

COUNTERS_DEFINE(partners, COUNTERS_PARTNERS, PARTNERS_COUNTERS, NULL, NULL);
