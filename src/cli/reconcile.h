/* SPDX-License-Identifier: MIT
 *
 * `reeyo reconcile`: differences between our entries and the gateway's.
 */
#ifndef REEYO_SRC_RECONCILE_H
#define REEYO_SRC_RECONCILE_H

#include <stdbool.h>

#include "reeyo/core/config.h"

struct reconcile_days {
	const char *from, *to; /* YYYY-MM-DD, both included; NULL: the day before `to`, today */
	bool json;
};
/* Prints each difference and its explanation. 0 when every difference is explained; E_CONFLICT when
 * one is not; another error when the comparison could not run. Blocks. */
int reconcile(const struct config *config, const struct reconcile_days *days) MUST_CHECK;

#endif
