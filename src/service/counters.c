/* SPDX-License-Identifier: MIT
 *
 * The counters of orders, payments and pay-outs.
 */
#include "reeyo/service/counters.h"

COUNTERS_DEFINE(service, COUNTERS_SERVICE, SERVICE_COUNTERS, NULL, NULL);
