/* SPDX-License-Identifier: MIT
 *
 * The counters of background jobs.
 */
#include "reeyo/jobs/counters.h"

COUNTERS_DEFINE(jobs, COUNTERS_JOBS, JOBS_COUNTERS, NULL, NULL);
