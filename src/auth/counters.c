/* SPDX-License-Identifier: MIT
 *
 * The counters of authentication.
 */
#include "reeyo/auth/counters.h"

COUNTERS_DEFINE(auth, COUNTERS_AUTH, AUTH_COUNTERS, NULL, NULL);
