/* SPDX-License-Identifier: MIT
 *
 * `reeyo reconcile`: what our side and the gateway's say differently.
 */
#ifndef REEYO_SRC_RECONCILE_H
#define REEYO_SRC_RECONCILE_H

#include <stdbool.h>

#include "reeyo/core/config.h"

struct reconcile_days {
	const char *from, *to; /* YYYY-MM-DD, both included; NULL: the day before `to`, today */
	bool json;
};
/* Prints each difference and what explains it. 0 when each is explained; E_CONFLICT when one is
 * not; or why it could not be found out. Blocks. */
int reconcile(const struct config *config, const struct reconcile_days *days) MUST_CHECK;

#endif
