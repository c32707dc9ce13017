/* SPDX-License-Identifier: MIT
 *
 * `reeyo serve`: the loops, from the first listener to the last drained request.
 */
#ifndef REEYO_SRC_SERVE_H
#define REEYO_SRC_SERVE_H

#include "reeyo/core/config.h"

/* Runs until SIGTERM or SIGINT has drained the process. 0, or an error after a log line. */
int serve(const struct config *config) MUST_CHECK;

#endif
